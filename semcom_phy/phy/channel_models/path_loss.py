"""Path loss over a distance, wrapped around any channel model."""

import numpy as np
from keras import ops

from semcom_phy.backend import uniform
from semcom_phy.phy.channels import ChannelModel
from semcom_phy.seeding import image_generator
from semcom_phy.snr import db_to_linear

_SPEED_OF_LIGHT = 299792458.0


class LogDistance:
    r"""Log-distance law, :math:`L = L_0 + 10 n \log_{10}(d / d_0)`.

    Parameters
    ----------
    exponent : `float`, (default 3.0), positive
        Path-loss exponent, n; 2 is free space

    carrier_frequency : `float`, (default 3.5e9)
        Carrier frequency [Hz]; :math:`L_0` is free space at :math:`d_0`

    reference_distance : `float`, (default 1.0)
        :math:`d_0` [m]
    """

    def __init__(self, exponent=3.0, carrier_frequency=3.5e9, reference_distance=1.0):
        if not (exponent > 0 and carrier_frequency > 0 and reference_distance > 0):
            raise ValueError(
                "exponent, carrier_frequency and reference_distance must be positive, "
                f"got {exponent}, {carrier_frequency}, {reference_distance}."
            )
        self.exponent = exponent
        self.carrier_frequency = carrier_frequency
        self.reference_distance = reference_distance

    def loss_db(self, distance):
        """Path loss.

        Input
        -----
        distance : [...], `float32`, positive
            Distance between the antennas [m]

        Output
        ------
        : [...], `float32`
            Path loss [dB]
        """
        wavelength = _SPEED_OF_LIGHT / self.carrier_frequency
        reference = 20 * np.log10(4 * np.pi * self.reference_distance / wavelength)
        decades = ops.log10(distance / self.reference_distance)
        return float(reference) + 10.0 * self.exponent * decades


class UMiStreetCanyon:
    """Path loss of the TR 38.901 urban micro street canyon, without shadow fading.

    Parameters
    ----------
    carrier_frequency : `float`, (default 3.5e9), 0.5e9 to 100e9
        Carrier frequency [Hz]

    line_of_sight : `bool`, (default `False`)
        With a line of sight, or without

    base_height, terminal_height : `float`, (default 10.0 and 1.5)
        Heights of the antennas [m]

    References
    ----------
    3GPP TR 38.901, table 7.4.1-1 (valid for 10 m to 5 km on the ground).
    """

    def __init__(
        self,
        carrier_frequency=3.5e9,
        line_of_sight=False,
        base_height=10.0,
        terminal_height=1.5,
    ):
        if not 0.5e9 <= carrier_frequency <= 100e9:
            raise ValueError(
                "carrier_frequency must be from 0.5e9 to 100e9 Hz, "
                f"got {carrier_frequency}."
            )
        if not (base_height > 1 and 1.5 <= terminal_height <= 22.5):
            raise ValueError(
                "base_height must exceed 1 m, terminal_height be from 1.5 to 22.5 m, "
                f"got {base_height} and {terminal_height}."
            )
        self.carrier_frequency = carrier_frequency
        self.line_of_sight = line_of_sight
        self.base_height = base_height
        self.terminal_height = terminal_height

    def loss_db(self, distance):
        """Path loss over the ground distance [m] of any shape, in dB."""
        carrier_ghz = self.carrier_frequency / 1e9
        rise = self.base_height - self.terminal_height
        distance_3d = ops.sqrt(ops.square(distance) + rise**2)
        frequency_db = float(20 * np.log10(carrier_ghz))
        breakpoint_distance = (
            4
            * (self.base_height - 1)
            * (self.terminal_height - 1)
            * self.carrier_frequency
            / _SPEED_OF_LIGHT
        )
        near = 32.4 + 21.0 * ops.log10(distance_3d) + frequency_db
        corner_db = float(9.5 * np.log10(breakpoint_distance**2 + rise**2))
        far = 32.4 + 40.0 * ops.log10(distance_3d) + frequency_db - corner_db
        los = ops.where(distance <= breakpoint_distance, near, far)
        if self.line_of_sight:
            return los
        nlos = (
            22.4
            + 35.3 * ops.log10(distance_3d)
            + float(21.3 * np.log10(carrier_ghz))
            - 0.3 * (self.terminal_height - 1.5)
        )
        return ops.maximum(los, nlos)


class PathLoss(ChannelModel):
    """Attenuates the fades of another channel model by a path-loss law.

    The SNR becomes an output: set ``no`` with
    :func:`~semcom_phy.snr.link_budget_to_no`.

    Parameters
    ----------
    channel_model : :class:`~semcom_phy.phy.channels.ChannelModel`
        Small-scale fading of unit mean power

    law : :class:`LogDistance` or :class:`UMiStreetCanyon`
        Path loss as a function of distance

    distance : `float` or (`float`, `float`)
        Distance [m], or a range from which every image draws its own, uniformly

    Raises
    ------
    ValueError
        If the distance is not positive or the model includes a path loss already.
    """

    normalized = False

    def __init__(self, channel_model, law, distance):
        super().__init__(channel_model.num_rx_ant, channel_model.num_tx_ant)
        if not channel_model.normalized:
            raise ValueError(
                f"{type(channel_model).__name__} includes a path loss already."
            )
        limits = np.ravel(distance)
        if len(limits) not in (1, 2) or not np.all(limits > 0):
            raise ValueError(
                f"distance must be a positive number or a range, got {distance!r}."
            )
        self.channel_model = channel_model
        self.law = law
        self.distance = distance
        self.is_flat = channel_model.is_flat
        self._near, self._far = float(limits.min()), float(limits.max())

    def sample(self, batch, num_slots=1):
        h = self.channel_model.sample(batch, num_slots)
        return self._attenuate(h, uniform((batch,)))

    def sample_each(self, seeds, num_slots=1):
        where = [image_generator(seed, "distance").random() for seed in seeds]
        where = ops.convert_to_tensor(np.array(where, "float32"))
        return self._attenuate(self.channel_model.sample_each(seeds, num_slots), where)

    def _attenuate(self, h, where):
        """Attenuates the fades of images ``where`` 0 is near and 1 is far, [batch]."""
        distance = self._near + (self._far - self._near) * where
        gain = ops.sqrt(db_to_linear(-self.law.loss_db(distance)))
        return h * ops.cast(gain, "complex64")[:, None, None, None, None, None]

    def covariances(self, grid):
        """Covariances of the small-scale fading, of unit power."""
        return self.channel_model.covariances(grid)
