"""The radio link that every system passes through.

    x --> [ streams, slots ] --> [ h, no ] --y--> [ LS ] --h_hat--> [ L-MMSE ]
    pilots ------^                                                      |
                                                                  x_hat, no_eff

Symbols go in and unbiased estimates with their error variance come out; pilots, fading
channel, channel estimation and detection are inside. The channel is drawn apart from
the call (:meth:`EqualizedOFDMChannel.sample`), so that all systems see the same fades.

Two equal ways to compute it. On flat channels (h of sizes T = F = 1) estimator and
filter are one small problem per fading block, and only resource elements in use are
computed (``flat_link.py``). On selective channels Sionna's blocks run over the whole
grid (``selective_link.py``). A frame for several users is a link each, with noise of
their own (``user_axis.py``); a user's own detector takes the place of L-MMSE
(``user_detector.py``).
"""

import types
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from semcom_phy.phy.estimation.csi import Csi, PerfectCSI
from semcom_phy.phy.fixed_draws import NUM_POSSIBLE
from semcom_phy.phy.flat_link import FlatLink
from semcom_phy.phy.selective_link import SelectiveLink
from semcom_phy.phy.user_axis import fold_users, unfold_users
from semcom_phy.phy.user_detector import CheckedDetector
from semcom_phy.seeding import complex_normals, image_generator, user_seeds

_WITH_USERS = 7  # axes of h


class Reception(NamedTuple):
    """What the receiver has after detection.

    With several users all have an axis of the users behind that of the batch.

    Attributes
    ----------
    x_hat : [batch, num_symbols], `complex64`
        Unbiased symbol estimates

    no_eff : [batch, num_symbols], `float32`
        Error variance of ``x_hat`` [linear]

    h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel as the receiver knows it

    snr_db : [batch], `float32`
        SNR as the receiver knows it [dB]
    """

    x_hat: Any
    no_eff: Any
    h_hat: Any
    snr_db: Any


class EqualizedOFDMChannel:
    r"""MIMO-OFDM link from symbols to equalised symbols.

    .. math::
        \mathbf{y} = \mathbf{H}\mathbf{x} + \mathbf{n}, \quad
        \mathbf{n} \sim \mathcal{CN}(0, N_0\mathbf{I}), \qquad
        \hat{x}_k = x_k + e_k, \quad E|e_k|^2 = N_{0,k}^{\text{eff}}

    Parameters
    ----------
    channel_model : :class:`~semcom_phy.phy.channels.ChannelModel`
        Draws the fades

    framing : :class:`~semcom_phy.phy.framing.Framing`
        Places symbols on the grid; its number of streams is the number of transmit
        antennas (one stream per antenna)

    csi : object of :mod:`semcom_phy.phy.estimation.csi`
        What the receiver knows of the channel: ``PerfectCSI()`` (default) or
        ``LSEstimator()``

    detector : `callable` (y, h_hat, error_variance, no) -> (x_hat, no_eff), or `None`
        Detects n resource elements, each by itself, on flat and on selective channels;
        `None` (default) is L-MMSE. In `keras.ops` or Sionna's functions, to be compiled
        and to have gradients: ``y`` [n, num_rx_ant] and ``h_hat`` [n, num_rx_ant,
        num_streams] `complex64`, ``error_variance`` of the entries of ``h_hat`` (of its
        shape) and ``no`` [n] `float32` [linear]; ``x_hat`` [n, num_streams] `complex64`
        unbiased, ``no_eff`` [n, num_streams] `float32`, its error variance [linear].
        It is tried on a few random elements first. On flat channels L-MMSE has one
        filter per fading block; a detector of one's own is called for every element
        all the same, which takes longer. :meth:`predict_sinr`, and with it link
        adaptation, reckons with L-MMSE whatever the detector

    Input
    -----
    x : [batch, num_symbols], `complex64`
        Symbols of unit average power per active symbol, 0 where nothing is sent; at
        most ``framing.num_symbols`` of them

    h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel from :meth:`sample`; with an axis of users, [batch, num_users, ...],
        every user receives ``x`` over a channel of his own

    no : scalar or [batch], `float32`, positive
        Noise variance per receive antenna and resource element [linear]; with users
        also [batch, num_users]

    noise : [*noise_shape(batch)], `complex64`, or `None` (default)
        CN(0, 1) entries, scaled here by sqrt(no); see :meth:`draw_noise`. `None` draws
        them from Sionna's seeded stream; with users [batch, num_users, ...]

    Output
    ------
    x_hat : [batch, num_symbols], `complex64`
        Unbiased estimates of ``x``; with users [batch, num_users, num_symbols]

    no_eff : as ``x_hat``, `float32`
        Their error variance [linear]; with estimated CSI as the receiver believes it,
        the channel estimate taken for the truth and its error variance added to ``no``

    Raises
    ------
    ValueError
        If there are fewer receive than transmit antennas, the antennas of model and
        framing differ, a shape does not fit, or the detector returns no finite
        estimates of its streams.

    Assumes
    -------
    Perfect synchronisation; a receiver that knows ``no``; a channel that is constant
    over an OFDM symbol and shorter than the cyclic prefix.

    Note
    ----
    ``no_eff`` has no finite mean under 1x1 block fading: average ``|x_hat - x|^2 /
    no_eff`` (1 with perfect CSI), not ``no_eff``.

    Example
    -------
    >>> from semcom_phy.phy.channels import BlockRayleigh
    >>> from semcom_phy.phy.estimation.csi import LSEstimator
    >>> from semcom_phy.phy.framing import Framing
    >>> from semcom_phy.snr import snr_db_to_no
    >>> model, framing = BlockRayleigh(2, 2), Framing(768, num_streams=2)
    >>> channel = EqualizedOFDMChannel(model, framing, LSEstimator())
    >>> h = channel.sample(4)
    >>> x_hat, no_eff = channel(ops.ones((4, 768)), h, snr_db_to_no(10.0, 2))
    >>> tuple(x_hat.shape), tuple(no_eff.shape)
    ((4, 768), (4, 768))
    """

    def __init__(self, channel_model, framing, csi=None, detector=None):
        model, csi = channel_model, PerfectCSI() if csi is None else csi
        if model.num_tx_ant != framing.num_streams:
            raise ValueError(
                f"The framing has {framing.num_streams} streams but the channel model "
                f"{model.num_tx_ant} transmit antennas; they must be equal."
            )
        if model.num_rx_ant < model.num_tx_ant:
            raise ValueError(
                f"{model.num_rx_ant} receive antennas cannot separate "
                f"{model.num_tx_ant} streams; use at least as many."
            )
        self.channel_model = model
        self.framing = framing
        self.csi = csi
        self.detector = detector
        if detector is not None:
            detector = CheckedDetector(detector, model.num_rx_ant, model.num_tx_ant)
        link = FlatLink if model.is_flat else SelectiveLink
        self._link = link(model, framing, csi, detector)

    @property
    def num_rx_ant(self):
        """`int` : Number of receive antennas."""
        return self.channel_model.num_rx_ant

    @property
    def num_tx_ant(self):
        """`int` : Number of transmit antennas, one stream each."""
        return self.channel_model.num_tx_ant

    def sample(self, batch, num_users=None):
        """Draws the channel of every image of a batch.

        Input
        -----
        batch : `int`
            Number of images

        num_users : `int` or `None` (default)
            A channel for each of so many users

        Output
        ------
        h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channel, drawn from Sionna's seeded stream; with users [batch, num_users,
            ...]
        """
        h = self.channel_model.sample(batch * (num_users or 1), self.framing.num_slots)
        return h if num_users is None else unfold_users([h], num_users)[0]

    def sample_each(self, seeds, num_users=None):
        """Draws the channel of every image, each a function of its seed alone.

        Input
        -----
        seeds : sequence of `int`, 0 to 2**63 - 1
            One per image

        num_users : `int` or `None` (default)
            A channel for each of so many users, from
            :func:`~semcom_phy.seeding.user_seeds`

        Output
        ------
        h : [len(seeds), ...], `complex64`
            As of :meth:`sample`; nobody's random streams are touched
        """
        if num_users is not None:
            h = self.sample_each(user_seeds(seeds, num_users))
            return unfold_users([h], num_users)[0]
        return self.channel_model.sample_each(seeds, self.framing.num_slots)

    def describe(self):
        """What fixes the link beside fades and noise, a `dict` of plain values."""
        about = {
            **self.channel_model.describe(),
            **self.csi.describe(),
            "num_symbols": self.framing.num_symbols,
            **asdict(self.framing.grid),
        }
        if self.detector is not None:
            is_function = isinstance(self.detector, types.FunctionType)
            named = self.detector if is_function else type(self.detector)
            about["detector"] = f"{named.__module__}.{named.__qualname__}"
        return about

    def noise_shape(self, batch, sounding=False):
        """Shape of the noise for a frame, or for a sounding.

        On flat channels the noise covers the resource elements in use, pilots first.
        On selective channels it covers the whole grid.

        Input
        -----
        batch : `int`
            Number of images

        sounding : `bool`, (default `False`)
            For :meth:`sound` instead of a frame

        Output
        ------
        : `tuple` of `int`
            [batch, num_pilot_res + num_data_res, num_rx_ant] on flat channels
            ([batch, num_pilot_res, num_rx_ant] for a sounding) and
            [batch, num_slots, num_rx_ant, T, F] on selective ones
        """
        return self._link.noise_shape(batch, sounding)

    def draw_noise(self, seeds, sounding=False, num_users=None):
        """Draws noise to inject, each image's from its own seed.

        Independent of backend, process, and of the other images. A system that sends
        more symbols sees the same noise on those that it shares with another.

        Input
        -----
        seeds : sequence of `int`, 0 to 2**63 - 1
            One per image

        sounding : `bool`, (default `False`)
            For :meth:`sound` instead of a frame, from a stream of its own

        num_users : `int` or `None` (default)
            Noise for each of so many users, from
            :func:`~semcom_phy.seeding.user_seeds`

        Output
        ------
        noise : [*noise_shape(len(seeds), sounding)], `complex64`, a NumPy array
            CN(0, 1) entries; with users [len(seeds), num_users, ...]
        """
        if num_users is not None:
            noise = self.draw_noise(user_seeds(seeds, num_users), sounding)
            return noise.reshape(-1, num_users, *noise.shape[1:])
        noise = np.empty(self.noise_shape(len(seeds), sounding), np.complex64)
        num_pilots = self._link.num_pilot_noise
        for seed, own in zip(seeds, noise, strict=True):
            if sounding:
                own[:] = complex_normals(image_generator(seed, "sounding"), own.shape)
                continue
            # Pilots come first, but their number grows with that of the slots.
            pilots, data = own[:num_pilots], own[num_pilots:]
            if num_pilots:
                generator = image_generator(seed, "pilot noise")
                pilots[:] = complex_normals(generator, pilots.shape)
            data[:] = complex_normals(image_generator(seed, "noise"), data.shape)
        return noise

    def __call__(self, x, h, no, noise=None):
        if len(h.shape) == _WITH_USERS:
            folded = fold_users(x, h, no, noise)[:4]
            return tuple(unfold_users(self(*folded), h.shape[1]))
        x_hat, no_eff, _, _ = self._receive(x, h, no, noise)
        return x_hat, no_eff

    def receive(self, x, h, no, noise=None, precoder=None):
        """The call with everything that the receiver has.

        Input
        -----
        x, h, no, noise
            As in the call

        precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, or `None` (default)
            Linear precoder of the data, of energy num_tx_ant, known to the receiver.
            Pilots are not precoded. Flat channels with one fade per image only

        Output
        ------
        : :class:`Reception`
            ``x_hat``, ``no_eff`` as in the call; ``h_hat`` and ``snr_db`` true with
            perfect CSI, else measured on the pilots of this frame

        Raises
        ------
        ValueError
            If there is a precoder and the channel is not flat over the image.
        """
        if len(h.shape) == _WITH_USERS:
            reception = self.receive(*fold_users(x, h, no, noise, precoder))
            return Reception(*unfold_users(reception, h.shape[1]))
        if precoder is not None and not (
            self.channel_model.is_flat and h.shape[1] == 1
        ):
            raise ValueError(
                "a precoder needs a flat channel with one fade per image, received "
                f"h of shape {tuple(h.shape)}."
            )
        x_hat, no_eff, h_hat, y = self._receive(x, h, no, noise, precoder)
        return Reception(x_hat, no_eff, h_hat, self._link.snr_db(h_hat, y, no))

    def sound(self, h, no, noise=None):
        """Pilots alone, before the frame: what an encoder may be fed back.

        The pilots of all slots are sent once more with noise of their own. Feedback is
        free of errors and delay. Sounding costs channel uses that a scenario must
        declare; `bandwidth` does not count them.

        Input
        -----
        h, no
            As in the call

        noise : [*noise_shape(batch, sounding=True)], `complex64`, or `None` (default)
            CN(0, 1) entries, independent of the frame's

        Output
        ------
        h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channel estimate, the channel itself with perfect CSI

        snr_db : [batch], `float32`
            SNR estimated from these pilots, the true one with perfect CSI [dB]. On
            flat channels its mean in dB is unbiased
        """
        h, y = self._check_channel(h), None
        if self.csi.uses_pilots:
            noise = self._check_noise(noise, sounding=True)
            h, y = self._link.sound(h, no, noise)
        return Csi(h, self._link.snr_db(h, y, no))

    def possible_channels(self, h_hat, no):
        r"""Channels that a fed-back estimate leaves possible.

        The least-squares estimate of a flat channel has an error of variance
        :math:`\sigma^2`, and on average more power than the channel. Gaussian entries
        of power :math:`P` are then

        .. math::
            h = \frac{P}{P + \sigma^2}\, \hat{h}
                + \sqrt{\frac{P \sigma^2}{P + \sigma^2}}\, w, \qquad
            w \sim \mathcal{CN}(0, 1).

        A selective channel is its mean given the estimate, plus the error of that mean
        for another channel of the same statistics, with its correlation over the grid
        (conditioning by kriging). A choice that took the estimate for the channel would
        fail more often than it predicts.

        Input
        -----
        h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            From :meth:`sound`

        no : scalar or [batch], `float32`, positive
            Noise variance of the sounding [linear]

        Output
        ------
        h : [batch, NUM_POSSIBLE, slots, num_rx_ant, num_tx_ant, T or 1, F or 1]
            Equally likely channels, `complex64`; on flat channels the same random
            numbers for all images, in pairs of opposite sign. The channel itself where
            it is not random (AWGN), and the estimate alone with perfect CSI; 16 on
            selective channels with long frames, which average by themselves

        Assumes
        -------
        Gaussian fades; a line of sight is not told from the rest.

        References
        ----------
        J.-P. Chiles and P. Delfiner, "Geostatistics", Wiley, 2012, section 7.3.
        """
        h_hat = self._check_channel(h_hat)
        if not self.csi.uses_pilots:
            return h_hat[:, None]
        if not self.channel_model.is_random:
            h = self.sample(h_hat.shape[0])[:, None]
            return ops.repeat(h, NUM_POSSIBLE, axis=1)
        return self._link.possible_channels(h_hat, no)

    def predict_sinr(self, h, no):
        r"""SINR after detection in a frame to come, as its transmitter predicts it.

        The receiver will filter with an estimate of the channel, from the pilots of
        the frame. Its error is drawn here; of what the filter :math:`\mathbf{W}` makes
        of the channel, :math:`\mathbf{F} = \mathbf{W}\mathbf{H}`, the demapper uses the
        part in phase:

        .. math::
            \gamma_k = \frac{\max(\mathrm{Re} f_{kk}, 0)^2}{(\mathrm{Im} f_{kk})^2
                + \sum_{j \neq k} |f_{kj}|^2 + N_0 \lVert \mathbf{w}_k \rVert^2}

        With perfect CSI this is 1 / ``no_eff``. With an estimate it is less than the
        receiver believes, most of all on weak streams. On selective channels, where
        it may also be more, an element counts with the smaller of the two, and a frame
        whose squared errors exceed what is believed by as much less again.

        Input
        -----
        h : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channels that the transmitter reckons with: :meth:`possible_channels`, or
            drawn from the statistics (:meth:`sample`). Their estimates take
            NUM_PREDICTED fixed draws of noise in turn

        no : scalar, `float32`, positive
            Noise variance per receive antenna and resource element [linear]

        Output
        ------
        sinr : [batch, num_streams] or [batch, num_symbols], `float32`
            [linear], per stream where the channel is the same in the whole frame
        """
        return self._link.predict_sinr(self._check_channel(h), no)

    def sounding_error(self, h_hat, no):
        """Error variance of every entry of a sounded flat channel.

        Input
        -----
        h_hat : [batch, slots, num_rx_ant, num_tx_ant, 1, 1], `complex64`
            From :meth:`sound`

        no : scalar or [batch], `float32`, positive
            Noise variance of the sounding [linear]

        Output
        ------
        : [batch or 1, 1, 1, 1, 1, 1], `float32`
            [linear]; 0 with perfect CSI

        Raises
        ------
        ValueError
            If the channel is not flat.
        """
        if not isinstance(self._link, FlatLink):
            raise ValueError(
                f"{type(self.channel_model).__name__} is not flat: its sounding has no "
                "error of one variance; use a flat channel model"
            )
        return self._link.sounding_error(h_hat, no)

    def _receive(self, x, h, no, noise, precoder=None):
        h, noise = self._check_channel(h), self._check_noise(noise)
        return self._link.receive(x, h, no, noise, precoder)

    def _check_channel(self, h):
        h = ops.cast(ops.convert_to_tensor(h), "complex64")
        framing, grid, shape = self.framing, self.framing.grid, tuple(h.shape)
        flat = self.channel_model.is_flat
        allowed = (
            {1, framing.num_slots},
            {self.num_rx_ant},
            {self.num_tx_ant},
            {1} if flat else {1, grid.num_ofdm_symbols},
            {1} if flat else {1, grid.num_effective_subcarriers},
        )
        sizes_fit = len(shape) == 6 and all(
            size in sizes for size, sizes in zip(shape[1:], allowed, strict=True)
        )
        if not sizes_fit:
            sizes = ", ".join(" or ".join(map(str, sorted(a))) for a in allowed)
            raise ValueError(f"Expected h of shape [batch, {sizes}], got {shape}.")
        return h

    def _check_noise(self, noise, sounding=False):
        if noise is None:
            return None
        expected = self.noise_shape(1, sounding)
        noise = ops.cast(ops.convert_to_tensor(noise), "complex64")
        if tuple(noise.shape[1:]) != tuple(expected[1:]):
            sizes = ", ".join(map(str, expected[1:]))
            raise ValueError(
                f"Expected noise of shape [batch, {sizes}], got {tuple(noise.shape)}; "
                "use draw_noise."
            )
        return noise
