r"""What the transmitter is fed back of the channel, and what it can make of it.

Fresh feedback is of the channel that is sent over. Feedback may also have an age.

The channel that is sent over is :math:`\mathbf{H} = \mathbf{M} + \mathbf{S}`, line of
sight and scattered paths. What was measured a delay :math:`\tau` before it is

.. math::
    \mathbf{H}_\tau = \mathbf{M} + \rho\,\mathbf{S} + \sqrt{1 - \rho^2}\,\mathbf{W},
    \qquad \rho = J_0(2 \pi f_D \tau), \quad f_D = \frac{v f_c}{c}

with :math:`\mathbf{W}` of the distribution of :math:`\mathbf{S}` and independent of it.
The line of sight does not age, and the transmitter knows it: its Doppler shift is one
frequency, which is turned back.

    h --> older channel --> pilots, LS --h_hat, SNR--> transmitter: mean and variance
    '--> frame with pilots of its own --> receiver
"""

import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from scipy.constants import speed_of_light
from scipy.special import j0

from semcom_phy.seeding import complex_normals, derived_seed, image_generator


def jakes_correlation(delay, speed, carrier_frequency):
    r"""Correlation of a Rayleigh fade with itself a delay later, after Jakes.

    Parameters
    ----------
    delay : `float`, not negative
        [s]

    speed : `float`, not negative
        Of the terminal among scatterers all around [m/s]

    carrier_frequency : `float`, not negative
        [Hz]

    Output
    ------
    : `float`, -0.41 to 1
        :math:`J_0(2 \pi v f_c \tau / c)`

    Raises
    ------
    ValueError
        If an argument is negative or not finite.

    References
    ----------
    W. C. Jakes, "Microwave mobile communications", Wiley, 1974, chapter 1.
    """
    for name, value in (
        ("delay", delay),
        ("speed", speed),
        ("carrier_frequency", carrier_frequency),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, got {value}.")
    return float(j0(2 * np.pi * speed * carrier_frequency * delay / speed_of_light))


class Prediction(NamedTuple):
    """What is known of channels: entries are CN(mean, variance), independent.

    Attributes
    ----------
    mean : [batch, 1, num_rx_ant, num_tx_ant, 1, 1], `complex64`

    variance : [batch or 1, 1, 1, 1, 1, 1], `float32`
        Of every entry [linear]
    """

    mean: Any
    variance: Any


class Feedback:
    """Fresh feedback: the estimate from the pilot block of the frame itself.

    The block comes first; its estimate, and the SNR measured on it, are fed back
    without errors or delay, and serve detection as well.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat over a slot
    """

    knows_channel = True
    """`bool` : More than the average SNR is fed back."""

    knows_age = False
    """`bool` : The transmitter knows delay and speed, and counts on them."""

    def __init__(self, channel):
        self.channel = channel

    def sound(self, h, no, seeds):
        """What is fed back.

        Input
        -----
        h : [batch, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
            Channel that is sent over, of ``channel.sample_each(seeds)``

        no : scalar or [batch], `float32`
            Noise variance [linear]

        seeds : sequence of `int`
            One per image

        Output
        ------
        h_hat, snr_db
            As of ``channel.sound``
        """
        noise = self.channel.draw_noise(seeds)
        return self.channel.sound(h, no, noise[:, : self.channel.framing.num_pilot_res])

    def predict(self, h_hat, no, seeds):
        """The channel to come, as the transmitter knows it.

        Input
        -----
        h_hat : as of :meth:`sound`

        no : scalar or [batch], `float32`
            Noise variance as the transmitter knows it [linear]

        seeds : sequence of `int`
            The images'

        Output
        ------
        : :class:`Prediction`
        """
        return Prediction(_array(h_hat), np.zeros((1, 1, 1, 1, 1, 1), "float32"))

    def fades(self, prediction, draw_seeds):
        """Channels that may come: draws around the mean of every image, with the same
        random numbers for all; one where nothing is left to chance.

        Input
        -----
        prediction : :class:`Prediction`

        draw_seeds : sequence of `int`
            One per draw, see :func:`draw_seeds`

        Output
        ------
        : [batch, draws, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
        """
        return prediction.mean[:, None]

    def possible(self, h_hat, no, seeds, draw_seeds):
        """Channels that what was fed back leaves possible, its errors counted.

        Input
        -----
        h_hat, no, seeds
            As of :meth:`predict`

        draw_seeds : sequence of `int`
            As of :meth:`fades`

        Output
        ------
        : [batch, draws, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
            Equally likely
        """
        return self.channel.possible_channels(h_hat, no)


class Sounding(Feedback):
    """Fresh feedback from pilots that are sent once more before the frame."""

    def sound(self, h, no, seeds):
        noise = self.channel.draw_noise(seeds, sounding=True)
        return self.channel.sound(h, no, noise)


class AverageSnr(Feedback):
    """No feedback but the SNR: the channel to come is any."""

    knows_channel = False

    def fades(self, prediction, draw_seeds):
        fades = _array(self.channel.sample_each(draw_seeds))[None]
        return np.repeat(fades, len(prediction.mean), axis=0)


class AgedFeedback(Feedback):
    r"""Feedback of the channel as it was, for channels with one fade per image.

    A sounding of the older channel, with noise of its own, is fed back without errors;
    the transmitter knows delay, speed and noise. Given the estimate
    :math:`\hat{\mathbf{H}}_\tau` with error variance :math:`\sigma_e^2`, the channel to
    come is complex Gaussian with

    .. math::
        \text{mean } \mathbf{M} + \frac{\rho\,\sigma_s^2}{\sigma_s^2 + \sigma_e^2}
        (\hat{\mathbf{H}}_\tau - \mathbf{M}), \qquad
        \text{variance } \sigma_s^2 \Bigl(1 -
        \frac{\rho^2 \sigma_s^2}{\sigma_s^2 + \sigma_e^2}\Bigr)

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat, one fade per image

    correlation : `float`, -1 to 1
        Of :func:`jakes_correlation`

    Raises
    ------
    ValueError
        If the correlation is out of its range or the channel not flat.
    """

    knows_age = True

    def __init__(self, channel, correlation):
        if not -1 <= correlation <= 1:
            raise ValueError(f"correlation must be from -1 to 1, got {correlation}.")
        if not channel.channel_model.is_flat:
            raise ValueError(
                "feedback ages on channels with one fade per image alone: awgn, "
                "rayleigh or rician."
            )
        super().__init__(channel)
        self.model = channel.channel_model
        self.correlation = float(correlation)

    def older(self, h, seeds):
        """The channel as it was when its estimate was made.

        Input
        -----
        h, seeds
            As of :meth:`sound`; what the channel was beside what it is now is a
            function of the image's seed alone

        Output
        ------
        : as ``h``, a NumPy array
        """
        h = _array(h)
        if h.shape[1] != 1:
            raise ValueError(
                "feedback ages on channels with one fade per image alone, received h "
                f"of shape {h.shape}."
            )
        other = np.stack(
            [complex_normals(image_generator(s, "aging"), h.shape[1:]) for s in seeds]
        )
        other = np.sqrt(self.model.scattered_power) * other
        sight, rho = _array(self.model.line_of_sight(seeds)), self.correlation
        older = sight + rho * (h - sight) + np.sqrt(1 - rho**2) * other
        return older.astype("complex64")

    def sound(self, h, no, seeds):
        noise = self.channel.draw_noise(seeds, sounding=True)
        return self.channel.sound(self.older(h, seeds), no, noise)

    def predict(self, h_hat, no, seeds):
        power, rho = self.model.scattered_power, self.correlation
        error = _array(self.channel.sounding_error(h_hat, no))
        total = power + error  # 0 where there is nothing to estimate
        gain = rho * power / np.where(total > 0, total, 1.0)
        sight = _array(self.model.line_of_sight(seeds))
        mean = sight + gain * (_array(h_hat) - sight)
        variance = power * (1 - rho * gain)
        return Prediction(mean.astype("complex64"), variance.astype("float32"))

    def fades(self, prediction, draw_seeds):
        scattered = np.swapaxes(_array(self.model.scattered(draw_seeds)), 0, 1)
        draws = prediction.mean + np.sqrt(prediction.variance) * scattered
        return draws.astype("complex64")[:, :, None]

    def possible(self, h_hat, no, seeds, draw_seeds):
        return self.fades(self.predict(h_hat, no, seeds), draw_seeds)


class StaleFeedback(AgedFeedback):
    """The same, taken by the transmitter for the channel that it sends over."""

    knows_age = False

    def predict(self, h_hat, no, seeds):
        return Feedback.predict(self, h_hat, no, seeds)

    def fades(self, prediction, draw_seeds):
        return Feedback.fades(self, prediction, draw_seeds)

    def possible(self, h_hat, no, seeds, draw_seeds):
        return Feedback.possible(self, h_hat, no, seeds, draw_seeds)


def draw_seeds(seed, count):
    """Seeds of draws that stand for a distribution, list of `int`."""
    return [derived_seed(seed, index) for index in range(count)]


def _array(value):
    return np.asarray(ops.convert_to_numpy(value))
