"""The radio link that every system passes through.

    x --> [ streams, slots ] --> [ h, no ] --y--> [ LS ] --h_hat--> [ L-MMSE ]
    pilots ------^                                                      |
                                                                  x_hat, no_eff

Symbols go in and unbiased estimates with their error variance come out; pilots, fading
channel, channel estimation and detection are inside. The channel is drawn apart from
the call (:meth:`EqualizedOFDMChannel.sample`), so that all systems see the same fades.

Two equal ways to compute it. On flat channels (h of sizes T = F = 1) estimator and
filter are one small problem per fading block, and only resource elements in use are
computed. On selective channels Sionna's blocks run over the whole grid.
"""

from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from scipy.special import digamma
from sionna.phy.channel import ApplyOFDMChannel
from sionna.phy.mimo import StreamManagement
from sionna.phy.ofdm import LMMSEEqualizer, ResourceGridMapper

from semcom_phy.backend import complex_normal
from semcom_phy.phy.csi import PerfectCSI
from semcom_phy.phy.detection import lmmse_filter
from semcom_phy.seeding import complex_normals, image_generator, private_streams
from semcom_phy.snr import linear_to_db

NUM_PREDICTED = 8  # draws of the error that the estimate of a frame to come has
NUM_POSSIBLE = 64  # channels that a fed-back estimate leaves possible; even
_LONG_FRAME = 4096  # symbols; longer ones average by themselves, over fewer channels
_CHANNEL_SEED, _ESTIMATE_SEED = 20212, 20213


class Reception(NamedTuple):
    """What the receiver has after detection.

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

    csi : object of :mod:`semcom_phy.phy.csi`
        What the receiver knows of the channel: ``PerfectCSI()`` (default) or
        ``LSEstimator()``

    Input
    -----
    x : [batch, num_symbols], `complex64`
        Symbols of unit average power per active symbol, 0 where nothing is sent; at
        most ``framing.num_symbols`` of them

    h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel from :meth:`sample`

    no : scalar or [batch], `float32`, positive
        Noise variance per receive antenna and resource element [linear]

    noise : [*noise_shape(batch)], `complex64`, or `None` (default)
        CN(0, 1) entries, scaled here by sqrt(no); see :meth:`draw_noise`. `None` draws
        them from Sionna's seeded stream

    Output
    ------
    x_hat : [batch, num_symbols], `complex64`
        Unbiased L-MMSE estimates of ``x``

    no_eff : [batch, num_symbols], `float32`
        Their error variance [linear]; with estimated CSI as the receiver believes it,
        the channel estimate taken for the truth and its error variance added to ``no``

    Raises
    ------
    ValueError
        If there are fewer receive than transmit antennas, the antennas of model and
        framing differ, or a shape does not fit.

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
    >>> model, framing = BlockRayleigh(2, 2), Framing(768, num_streams=2)
    >>> channel = EqualizedOFDMChannel(model, framing, LSEstimator())
    >>> h = channel.sample(4)
    >>> x_hat, no_eff = channel(ops.ones((4, 768)), h, snr_db_to_no(10.0, 2))
    >>> x_hat.shape
    TensorShape([4, 768])
    """

    def __init__(self, channel_model, framing, csi=None):
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
        self._pilots = framing.pilots.T  # [num_pilot_res of a slot, num_streams]
        if not model.is_flat:
            grid = framing.grid.resource_grid(self.num_tx_ant, effective_only=True)
            self._mapper = ResourceGridMapper(grid)
            self._apply = ApplyOFDMChannel()
            self._estimate = csi.build(framing.grid, self.num_tx_ant, model)
            if csi.uses_pilots:
                self._conditional_mean = csi.build_mean(
                    framing.grid, self.num_tx_ant, model
                )
            streams = StreamManagement(np.array([[1]]), self.num_tx_ant)
            self._equalize = LMMSEEqualizer(grid, streams)

    @property
    def num_rx_ant(self):
        """`int` : Number of receive antennas."""
        return self.channel_model.num_rx_ant

    @property
    def num_tx_ant(self):
        """`int` : Number of transmit antennas, one stream each."""
        return self.channel_model.num_tx_ant

    def sample(self, batch):
        """Draws the channel of every image of a batch.

        Input
        -----
        batch : `int`
            Number of images

        Output
        ------
        h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channel, drawn from Sionna's seeded stream
        """
        return self.channel_model.sample(batch, self.framing.num_slots)

    def sample_each(self, seeds):
        """Draws the channel of every image, each a function of its seed alone.

        Input
        -----
        seeds : sequence of `int`, 0 to 2**63 - 1
            One per image

        Output
        ------
        h : [len(seeds), ...], `complex64`
            As of :meth:`sample`; nobody's random streams are touched
        """
        return self.channel_model.sample_each(seeds, self.framing.num_slots)

    def describe(self):
        """What fixes the link beside fades and noise, a `dict` of plain values."""
        return {
            **self.channel_model.describe(),
            **self.csi.describe(),
            "num_symbols": self.framing.num_symbols,
            **asdict(self.framing.grid),
        }

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
        framing, grid = self.framing, self.framing.grid
        if self.channel_model.is_flat:
            num_res = framing.num_pilot_res + (0 if sounding else framing.num_data_res)
            return (batch, num_res, self.num_rx_ant)
        per_slot = (grid.num_ofdm_symbols, grid.num_effective_subcarriers)
        return (batch, framing.num_slots, self.num_rx_ant) + per_slot

    def draw_noise(self, seeds, sounding=False):
        """Draws noise to inject, each image's from its own seed.

        Independent of backend, process, and of the other images. A system that sends
        more symbols sees the same noise on those that it shares with another.

        Input
        -----
        seeds : sequence of `int`, 0 to 2**63 - 1
            One per image

        sounding : `bool`, (default `False`)
            For :meth:`sound` instead of a frame, from a stream of its own

        Output
        ------
        noise : [*noise_shape(len(seeds), sounding)], `complex64`, a NumPy array
            CN(0, 1) entries
        """
        noise = np.empty(self.noise_shape(len(seeds), sounding), np.complex64)
        num_pilots = self.framing.num_pilot_res if self.channel_model.is_flat else 0
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
        if self.channel_model.is_flat:
            x_hat, no_eff, _, _ = self._receive_flat(x, h, no, noise)
        else:
            x_hat, no_eff, _, _ = self._receive_selective(x, h, no, noise)
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
        if precoder is not None and not (
            self.channel_model.is_flat and h.shape[1] == 1
        ):
            raise ValueError(
                "a precoder needs a flat channel with one fade per image, received "
                f"h of shape {tuple(h.shape)}."
            )
        if self.channel_model.is_flat:
            x_hat, no_eff, h_hat, y_pilots = self._receive_flat(
                x, h, no, noise, precoder
            )
            snr_db = self._flat_snr_db(h_hat, y_pilots, no)
        else:
            x_hat, no_eff, h_hat, y = self._receive_selective(x, h, no, noise)
            snr_db = self._selective_snr_db(h_hat, y, no)
        return Reception(x_hat, no_eff, h_hat, snr_db)

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
        h = self._check_channel(h)
        if not self.csi.uses_pilots:
            h_hat = h
            y = None
        elif self.channel_model.is_flat:
            noise = self._noise(noise, ops.shape(h)[0], sounding=True)
            y = self._pilots_received(h, no, noise)
            h_hat, _ = self._estimate_flat(h, y, no)
        else:
            x = ops.zeros((ops.shape(h)[0], 1), dtype="complex64")
            noise = self._noise(noise, ops.shape(h)[0])
            y, _, _, h_hat, _ = self._estimate_selective(x, h, no, noise)
        if self.channel_model.is_flat:
            return h_hat, self._flat_snr_db(h_hat, y, no)
        return h_hat, self._selective_snr_db(h_hat, y, no)

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
        if self.channel_model.is_flat:
            return self._possible_flat(h_hat, no)
        return self._possible_selective(h_hat, no)

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
        h, framing = self._check_channel(h), self.framing
        if not self.channel_model.is_flat:
            return self._predict_selective(h, no)
        no, true = self._no_per_block(no, h), self._matrices(h)
        err_var = self.csi.error_variance_flat(self._block_pilots(h), no)
        seen = true
        if self.csi.uses_pilots:
            w = self._matrices(_in_turn(h.shape[0], h.shape[1:]))
            seen = true + ops.multiply(_sqrt(err_var / self.num_tx_ant), w)
        sinr, _ = _mismatched(seen, true, no, err_var)
        if h.shape[1] == 1:
            return sinr
        sinr = ops.repeat(sinr[:, None], framing.grid.num_data_res, axis=1)
        sinr = framing.from_slots(sinr, framing.num_data_res)
        return framing.from_streams(sinr, framing.num_symbols)

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
        """
        error = self.csi.error_variance_flat(
            self._block_pilots(h_hat), self._no_vector(no)
        )
        return ops.reshape(error / self.num_tx_ant, (-1, 1, 1, 1, 1, 1))

    # Flat channels: one matrix per fading block

    def _receive_flat(self, x, h, no, noise, precoder=None):
        framing = self.framing
        streams = framing.to_streams(ops.cast(x, "complex64"))
        h = self._check_channel(h)
        num_res = streams.shape[1]
        num_pilots = framing.num_pilot_res
        if noise is None and not self.csi.uses_pilots:
            shape = (ops.shape(streams)[0], num_res, self.num_rx_ant)
            pilot_noise, data_noise = None, complex_normal(shape)
        else:
            noise = self._noise(noise, ops.shape(streams)[0])
            pilot_noise = noise[:, :num_pilots]
            data_noise = noise[:, num_pilots : num_pilots + num_res]
        y_pilots = None
        if self.csi.uses_pilots:
            y_pilots = self._pilots_received(h, no, pilot_noise)
        h_hat, err_var = self._estimate_flat(h, y_pilots, no)

        no_block = self._no_per_block(no, h)
        seen, true = self._matrices(h_hat), self._matrices(h)
        if precoder is not None:
            seen, true = ops.matmul(seen, precoder), ops.matmul(true, precoder)
        w, no_eff = lmmse_filter(seen, no_block + err_var)
        per_slot = h.shape[1] > 1
        if per_slot:  # one block per slot: fold the slots into the batch
            streams = framing.to_slots(streams)
            data_noise = framing.to_slots(data_noise)
        h_transposed = ops.transpose(true, (0, 2, 1))
        y = ops.matmul(streams, h_transposed) + data_noise * _sqrt(no_block)
        x_hat = ops.matmul(y, ops.transpose(w, (0, 2, 1)))
        no_eff = ops.broadcast_to(no_eff[:, None, :], ops.shape(x_hat))
        if per_slot:
            x_hat = framing.from_slots(x_hat, num_res)
            no_eff = framing.from_slots(no_eff, num_res)
        num_symbols = x.shape[1]
        x_hat = framing.from_streams(x_hat, num_symbols)
        return x_hat, framing.from_streams(no_eff, num_symbols), h_hat, y_pilots

    def _possible_flat(self, h_hat, no):
        error, power = self.sounding_error(h_hat, no), 1.0
        if not self.channel_model.normalized:
            power = self._channel_power(h_hat, error)
        shrink = power / (power + error)
        h_hat, error = h_hat * ops.cast(shrink, "complex64"), error * shrink
        half = _normals(_CHANNEL_SEED, (NUM_POSSIBLE // 2, *h_hat.shape[1:]))
        w = np.concatenate([half, -half])[None]
        return h_hat[:, None] + ops.multiply(_sqrt(error)[:, None], w)

    def _block_pilots(self, h):
        """Pilots of one fading block, [num_pilots, num_streams], a NumPy array."""
        repeats = self.framing.num_slots if h.shape[1] == 1 else 1
        return np.tile(self._pilots, (repeats, 1))

    def _pilots_received(self, h, no, noise):
        """Received pilots, [num_blocks, num_pilots, num_rx_ant]."""
        pilots = self._block_pilots(h)
        noise = ops.reshape(noise, (-1, len(pilots), self.num_rx_ant))
        h_transposed = ops.transpose(self._matrices(h), (0, 2, 1))
        return ops.matmul(pilots, h_transposed) + noise * _sqrt(
            self._no_per_block(no, h)
        )

    def _estimate_flat(self, h, y_pilots, no):
        """Channel estimate in the layout of h, and its error variance per block."""
        h_hat, err_var = self.csi.estimate_flat(
            self._matrices(h),
            y_pilots,
            self._block_pilots(h),
            self._no_per_block(no, h),
        )
        return ops.reshape(h_hat, (-1,) + tuple(h.shape[1:])), err_var

    def _flat_snr_db(self, h_hat, y_pilots, no):
        """SNR from the residual of the pilots, in decibels without bias."""
        if y_pilots is None:
            return self._true_snr_db(h_hat, no)
        pilots = self._block_pilots(h_hat)
        expected = ops.matmul(pilots, ops.transpose(self._matrices(h_hat), (0, 2, 1)))
        blocks = h_hat.shape[1]
        freedom = blocks * (len(pilots) - self.num_tx_ant) * self.num_rx_ant
        residual = _energy(
            ops.reshape(
                y_pilots - expected, (-1, blocks * len(pilots) * self.num_rx_ant)
            )
        )
        no_hat = ops.sum(residual, axis=1) / freedom
        power = None
        if not self.channel_model.normalized:
            estimate_error = self.num_tx_ant**2 / np.sum(np.abs(pilots) ** 2)
            power = self._received_power(h_hat) - no_hat * float(estimate_error)
        return self._snr_db(power, no_hat) + _log_bias_db(freedom)

    # Selective channels: Sionna's blocks over the whole grid, slots in the batch

    def _receive_selective(self, x, h, no, noise):
        h = self._check_channel(h)
        x = ops.cast(x, "complex64")
        num_symbols = self.framing.check(x)
        noise = self._noise(noise, ops.shape(x)[0])
        y, h_hat_sionna, err_var, h_hat, no_slots = self._estimate_selective(
            x, h, no, noise
        )
        x_hat, no_eff = self._equalize(y, h_hat_sionna, err_var, no_slots)
        x_hat = self._symbols_of_slots(x_hat, num_symbols)
        return x_hat, self._symbols_of_slots(no_eff, num_symbols), h_hat, y

    def _estimate_selective(self, x, h, no, noise):
        framing, grid = self.framing, self.framing.grid
        frame = (grid.num_ofdm_symbols, grid.num_effective_subcarriers)
        antennas = (self.num_rx_ant, self.num_tx_ant)
        slots = framing.to_slots(framing.to_streams(x))
        x_grid = self._mapper(ops.transpose(slots, (0, 2, 1))[:, None])
        batch = ops.shape(x)[0]
        h = ops.broadcast_to(h, (batch, framing.num_slots) + antennas + frame)
        h_sionna = ops.reshape(h, (-1, 1, antennas[0], 1, antennas[1]) + frame)
        no = ops.broadcast_to(self._no_vector(no)[:, None], (batch, framing.num_slots))
        no_slots = ops.reshape(no, (-1,))
        noise = ops.reshape(noise, (-1, 1, self.num_rx_ant) + frame)
        y = self._apply(x_grid, h_sionna)
        y = y + noise * _sqrt(no_slots[:, None, None, None, None])
        h_hat_sionna, err_var = self._estimate(y, h_sionna, no_slots)
        h_hat = ops.reshape(h_hat_sionna, (-1, framing.num_slots) + antennas + frame)
        return y, h_hat_sionna, err_var, h_hat, no_slots

    def _frame_estimate(self, h, no, noise):
        """The channel, its estimate and the error variance that the receiver is told.

        All [batch, num_slots, num_rx_ant, num_tx_ant, T, F]
        """
        x = ops.zeros((h.shape[0], 1), dtype="complex64")
        _, like, err_var, h_hat, _ = self._estimate_selective(x, h, no, noise)
        err_var = ops.reshape(ops.broadcast_to(err_var, like.shape), h_hat.shape)
        return ops.broadcast_to(h, h_hat.shape), h_hat, err_var

    def _possible_selective(self, h_hat, no):
        batch, draws = h_hat.shape[0], self._other_channels.shape[0]
        no = ops.broadcast_to(self._no_vector(no), (batch,))
        power = ops.ones((batch, 1, 1, 1, 1, 1))
        if not self.channel_model.normalized:
            silence = ops.zeros(self.noise_shape(batch), dtype="complex64")
            _, _, error = self._frame_estimate(h_hat, no, silence)
            power = self._channel_power(h_hat, error)
        no, scale = no / ops.reshape(power, (-1,)), _sqrt(power)
        mean = self._conditional_mean(h_hat / scale, no)
        # The same estimate of other channels, at the noise of each image.
        other = ops.tile(self._other_channels, (batch, 1, 1, 1, 1, 1))
        no = ops.repeat(no, draws)
        noise = _normals(_CHANNEL_SEED, (draws, *self.noise_shape(1)[1:]))
        noise = ops.tile(noise, (batch,) + (1,) * (noise.ndim - 1))
        other, other_hat, _ = self._frame_estimate(other, no, noise)
        error = other - self._conditional_mean(other_hat, no)
        error = ops.reshape(error, (batch, draws, *other.shape[1:]))
        return scale[:, None] * (mean[:, None] + error)

    @cached_property
    def _other_channels(self):
        """Fixed channels of unit power each, [NUM_POSSIBLE or 16, num_slots, ...]."""
        count = NUM_POSSIBLE if self.framing.num_symbols <= _LONG_FRAME else 16
        with private_streams(_CHANNEL_SEED):
            h = self.sample(count)
        if self.channel_model.normalized:
            return h
        power = ops.mean(_energy(h), axis=(1, 2, 3, 4, 5), keepdims=True)
        return h / _sqrt(power)

    def _predict_selective(self, h, no):
        """The SINR of the estimate's errors, at most what the receiver believes.

        Errors differ from element to element, and the decoder does not know where: an
        element gives it no more than it believes of it, and no more than is true. Where
        the errors of a frame exceed what is believed, trust in the wrong elements costs
        as much again.
        """
        framing, grid = self.framing, self.framing.grid
        noise = _in_turn(h.shape[0], self.noise_shape(1)[1:])
        parts = self._frame_estimate(h, no, ops.convert_to_tensor(noise))
        rows = np.array(grid.data_ofdm_symbols)
        true, seen, err_var = (
            ops.transpose(ops.take(part, rows, axis=4), (0, 1, 4, 5, 2, 3))
            for part in parts
        )
        err_var = ops.mean(ops.sum(err_var, axis=-1, keepdims=True), -2, keepdims=True)
        no = ops.reshape(self._no_vector(no), (-1,) + (1,) * 5)
        _, no_eff = lmmse_filter(seen, no + err_var)
        sinr, error = _mismatched(seen, true, no, err_var)
        excess = ops.mean(error / no_eff, axis=(1, 2, 3, 4), keepdims=True)
        sinr = ops.minimum(sinr, 1.0 / no_eff) / ops.maximum(excess, 1.0)
        sinr = ops.reshape(sinr, (-1, grid.num_data_res, self.num_tx_ant))
        sinr = framing.from_slots(sinr, framing.num_data_res)
        return framing.from_streams(sinr, framing.num_symbols)

    def _symbols_of_slots(self, values, num_symbols):
        """[batch * num_slots, 1, num_streams, num_data_res] to [batch, num_symbols]."""
        framing = self.framing
        streams = ops.transpose(values[:, 0], (0, 2, 1))
        streams = framing.from_slots(streams, framing.data_res(num_symbols))
        return framing.from_streams(streams, num_symbols)

    def _selective_snr_db(self, h_hat, y, no):
        """SNR from second differences of the pilots' estimates over the comb.

        They cancel a channel that is linear over three combs; with several pilot
        OFDM symbols their difference in time cancels the rest where it moves slowly.
        Overlapping differences are correlated, which leaves fewer degrees of freedom.
        """
        if not self.csi.uses_pilots:
            return self._true_snr_db(h_hat, no)
        grid, nt = self.framing.grid, self.num_tx_ant
        rows = len(grid.pilot_ofdm_symbols)
        comb = grid.num_effective_subcarriers // nt
        pilots = np.sum(self._pilots, axis=1).reshape(rows, -1)
        received = ops.stack([y[:, 0, :, i] for i in grid.pilot_ofdm_symbols], axis=2)
        inverse = (pilots.conj() / np.abs(pilots) ** 2).astype(np.complex64)
        ls = ops.multiply(received, inverse)
        slots = self.framing.num_slots
        ls = ops.reshape(ls, (-1, slots * self.num_rx_ant, rows, comb, nt))
        difference, gain, overlap = ls, 1.0, 1.0
        if comb >= 3:
            difference = ls[..., :-2, :] - 2.0 * ls[..., 1:-1, :] + ls[..., 2:, :]
            gain, overlap = 6.0, 1 + 2 * ((4 / 6) ** 2 + (1 / 6) ** 2)
        if rows >= 2:
            difference = difference[:, :, 1:] - difference[:, :, :-1]
            gain = gain * 2.0
            overlap = overlap * (1 + 2 * (rows - 2) / (rows - 1) / 4)
        axes = (1, 2, 3, 4)
        no_hat = ops.mean(_energy(difference), axis=axes) * (nt / gain)
        power = None
        if not self.channel_model.normalized:
            power = nt * ops.mean(_energy(ls), axis=axes) - no_hat
        freedom = np.prod(difference.shape[1:]) / overlap
        return self._snr_db(power, no_hat) + _log_bias_db(freedom)

    # Shapes and definitions

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

    def _noise(self, noise, batch, sounding=False):
        """The injected noise after a check, or a fresh draw."""
        expected = self.noise_shape(batch, sounding)
        if noise is None:
            return complex_normal(expected)
        noise = ops.cast(ops.convert_to_tensor(noise), "complex64")
        if tuple(noise.shape[1:]) != tuple(expected[1:]):
            sizes = ", ".join(map(str, expected[1:]))
            raise ValueError(
                f"Expected noise of shape [batch, {sizes}], got {tuple(noise.shape)}; "
                "use draw_noise."
            )
        return noise

    @staticmethod
    def _no_vector(no):
        no = ops.cast(ops.convert_to_tensor(no), "float32")
        if len(no.shape) > 1:
            raise ValueError(f"no must be a scalar or [batch], got {tuple(no.shape)}.")
        return ops.reshape(no, (-1,))

    def _no_per_block(self, no, h):
        """no per fading block, [num_blocks or 1, 1, 1]."""
        no = self._no_vector(no)
        if h.shape[1] > 1 and no.shape[0] != 1:
            no = ops.repeat(no, h.shape[1])
        return no[:, None, None]

    def _matrices(self, h):
        """[batch, blocks, Nr, Nt, 1, 1] -> [batch * blocks, Nr, Nt]."""
        return ops.reshape(h, (-1, self.num_rx_ant, self.num_tx_ant))

    @staticmethod
    def _channel_power(h_hat, error):
        """Power of an entry by an estimate and its error variance, [batch, 1, ...]."""
        power = _energy(h_hat) - error
        power = ops.mean(power, axis=(1, 2, 3, 4, 5), keepdims=True)
        floor = 1e-3 * ops.mean(error, axis=(1, 2, 3, 4, 5), keepdims=True)
        return ops.maximum(power, floor)

    @staticmethod
    def _received_power(h):
        """Power that a receive antenna collects on average, [batch]."""
        return ops.mean(ops.sum(_energy(h), axis=3), axis=(1, 2, 3, 4))

    def _true_snr_db(self, h, no):
        no = ops.broadcast_to(self._no_vector(no), (ops.shape(h)[0],))
        normalized = self.channel_model.normalized
        return self._snr_db(None if normalized else self._received_power(h), no)

    def _snr_db(self, power, no):
        """Average SNR: nominal power Nt of a normalised model, else the power given."""
        if power is None:
            return linear_to_db(self.num_tx_ant / no)
        return linear_to_db(ops.maximum(power / no, 1e-12))


def _mismatched(seen, true, no, err_var):
    """SINR and squared error per stream behind a filter for ``seen`` channels."""
    w, _ = lmmse_filter(seen, no + err_var)
    gains = ops.matmul(w, true)
    own = ops.diagonal(gains, axis1=-2, axis2=-1)
    noise = no[..., 0] * ops.sum(_energy(w), -1)
    others = ops.maximum(ops.sum(_energy(gains), -1) - _energy(own), 0.0)
    useful = ops.square(ops.maximum(ops.real(own), 0.0))
    sinr = useful / (ops.square(ops.imag(own)) + others + noise)
    return sinr, _energy(own - 1.0) + others + noise


def _normals(seed, shape):
    """Fixed CN(0, 1) entries, `complex64`, a NumPy array."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    return np.sqrt(np.float32(0.5)) * parts.view(np.complex64)[..., 0]


def _in_turn(batch, shape):
    """NUM_PREDICTED fixed draws of CN(0, 1) entries, repeated to [batch, *shape]."""
    draws = _normals(_ESTIMATE_SEED, (NUM_PREDICTED, *shape))
    return draws[np.arange(batch) % NUM_PREDICTED]


def _log_bias_db(freedom):
    """What makes -10 log10 of an average of `freedom` exponentials unbiased."""
    return float(10 / np.log(10) * (digamma(freedom) - np.log(freedom)))


def _sqrt(no):
    return ops.cast(ops.sqrt(no), "complex64")


def _energy(value):
    return ops.square(ops.real(value)) + ops.square(ops.imag(value))
