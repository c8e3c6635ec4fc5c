"""The radio link on selective channels: Sionna's blocks, slots in the batch."""

from functools import cached_property

import numpy as np
from keras import ops
from sionna.phy.channel import ApplyOFDMChannel
from sionna.phy.mimo import StreamManagement
from sionna.phy.ofdm import LMMSEEqualizer, ResourceGridMapper

from semcom_phy.backend import complex_normal
from semcom_phy.phy.detection import lmmse_filter, mismatched
from semcom_phy.phy.fixed_draws import (
    CHANNEL_SEED,
    NUM_POSSIBLE,
    fixed_in_turn,
    fixed_normals,
)
from semcom_phy.phy.link_arrays import (
    average_snr_db,
    complex_sqrt,
    energy,
    entry_power,
    log_bias_db,
    no_vector,
    true_snr_db,
)
from semcom_phy.seeding import private_streams

_LONG_FRAME = 4096  # symbols; longer ones average by themselves, over fewer channels


class SelectiveLink:
    """Receiver and prediction of :class:`~semcom_phy.phy.equalized_channel.
    EqualizedOFDMChannel` where a channel varies over the grid.

    The whole grid is computed.
    """

    num_pilot_noise = 0
    """`int` : No entries of an image's noise are the pilots' alone."""

    def __init__(self, model, framing, csi, detector=None):
        self.model, self.framing, self.csi = model, framing, csi
        self.detector = detector
        self.num_rx_ant, self.num_tx_ant = model.num_rx_ant, model.num_tx_ant
        self._pilots = framing.pilots.T  # [num_pilot_res of a slot, num_streams]
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

    def noise_shape(self, batch, sounding=False):
        """[batch, num_slots, num_rx_ant, T, F]"""
        framing, grid = self.framing, self.framing.grid
        per_slot = (grid.num_ofdm_symbols, grid.num_effective_subcarriers)
        return (batch, framing.num_slots, self.num_rx_ant) + per_slot

    def sound(self, h, no, noise):
        """Channel estimate and received grid of a frame of pilots alone."""
        x = ops.zeros((ops.shape(h)[0], 1), dtype="complex64")
        y, _, _, h_hat, _ = self._estimate_frame(x, h, no, noise)
        return h_hat, y

    def receive(self, x, h, no, noise, precoder=None):
        """x_hat, no_eff, h_hat and the received grid of a frame."""
        x = ops.cast(x, "complex64")
        num_symbols = self.framing.check(x)
        y, h_hat_sionna, err_var, h_hat, no_slots = self._estimate_frame(
            x, h, no, noise
        )
        detect = self._equalize if self.detector is None else self._detect
        x_hat, no_eff = detect(y, h_hat_sionna, err_var, no_slots)
        x_hat = self._symbols_of_slots(x_hat, num_symbols)
        return x_hat, self._symbols_of_slots(no_eff, num_symbols), h_hat, y

    def _detect(self, y, h_hat, err_var, no):
        """x_hat and no_eff of a user's detector in the layout of Sionna's."""
        rows = np.array(self.framing.grid.data_ofdm_symbols)
        antennas = (self.num_rx_ant, self.num_tx_ant)

        def elements(values):  # [batch, 1, Nr, 1, Nt, T, F] -> [n, Nr, Nt]
            values = ops.take(values[:, 0, :, 0], rows, axis=3)
            return ops.reshape(ops.transpose(values, (0, 3, 4, 1, 2)), (-1, *antennas))

        received = ops.take(y[:, 0], rows, axis=2)
        received = ops.transpose(received, (0, 2, 3, 1))
        num_res = self.framing.grid.num_data_res
        returned = self.detector(
            ops.reshape(received, (-1, self.num_rx_ant)),
            elements(h_hat),
            elements(ops.broadcast_to(err_var, ops.shape(h_hat))),
            ops.repeat(no, num_res),
        )
        return [
            ops.transpose(ops.reshape(v, (-1, num_res, self.num_tx_ant)), (0, 2, 1))[
                :, None
            ]
            for v in returned
        ]

    def _estimate_frame(self, x, h, no, noise):
        framing, grid = self.framing, self.framing.grid
        frame = (grid.num_ofdm_symbols, grid.num_effective_subcarriers)
        antennas = (self.num_rx_ant, self.num_tx_ant)
        slots = framing.to_slots(framing.to_streams(x))
        x_grid = self._mapper(ops.transpose(slots, (0, 2, 1))[:, None])
        batch = ops.shape(x)[0]
        h = ops.broadcast_to(h, (batch, framing.num_slots) + antennas + frame)
        h_sionna = ops.reshape(h, (-1, 1, antennas[0], 1, antennas[1]) + frame)
        no = ops.broadcast_to(no_vector(no)[:, None], (batch, framing.num_slots))
        no_slots = ops.reshape(no, (-1,))
        if noise is None:
            noise = complex_normal(self.noise_shape(batch))
        noise = ops.reshape(noise, (-1, 1, self.num_rx_ant) + frame)
        y = self._apply(x_grid, h_sionna)
        y = y + noise * complex_sqrt(no_slots[:, None, None, None, None])
        h_hat_sionna, err_var = self._estimate(y, h_sionna, no_slots)
        h_hat = ops.reshape(h_hat_sionna, (-1, framing.num_slots) + antennas + frame)
        return y, h_hat_sionna, err_var, h_hat, no_slots

    def _frame_estimate(self, h, no, noise):
        """The channel, its estimate and the error variance that the receiver is told.

        All [batch, num_slots, num_rx_ant, num_tx_ant, T, F]
        """
        x = ops.zeros((h.shape[0], 1), dtype="complex64")
        _, like, err_var, h_hat, _ = self._estimate_frame(x, h, no, noise)
        err_var = ops.reshape(ops.broadcast_to(err_var, like.shape), h_hat.shape)
        return ops.broadcast_to(h, h_hat.shape), h_hat, err_var

    def possible_channels(self, h_hat, no):
        """The conditional mean plus its errors for other channels."""
        draws, no = self._other_channels.shape[0], no_vector(no)
        scale = ops.ones((1, 1, 1, 1, 1, 1), dtype="complex64")
        if not self.model.normalized:
            silence = ops.zeros(self.noise_shape(h_hat.shape[0]), dtype="complex64")
            _, _, error = self._frame_estimate(h_hat, no, silence)
            power = entry_power(h_hat, error)
            no, scale = no / ops.reshape(power, (-1,)), complex_sqrt(power)
        of_image = ops.broadcast_to(no, (h_hat.shape[0],))
        mean = self._conditional_mean(h_hat / scale, of_image)
        # The same estimate of other channels, at every noise variance that there is.
        levels = no.shape[0]
        other = ops.tile(self._other_channels, (levels, 1, 1, 1, 1, 1))
        no = ops.repeat(no, draws)
        noise = fixed_normals(CHANNEL_SEED, (draws, *self.noise_shape(1)[1:]))
        noise = ops.tile(noise, (levels,) + (1,) * (noise.ndim - 1))
        other, other_hat, _ = self._frame_estimate(other, no, noise)
        error = other - self._conditional_mean(other_hat, no)
        error = ops.reshape(error, (levels, draws, *other.shape[1:]))
        return scale[:, None] * (mean[:, None] + error)

    @cached_property
    def _other_channels(self):
        """Fixed channels of unit power each, [NUM_POSSIBLE or 16, num_slots, ...]."""
        count = NUM_POSSIBLE if self.framing.num_symbols <= _LONG_FRAME else 16
        with private_streams(CHANNEL_SEED):
            h = self.model.sample(count, self.framing.num_slots)
        if self.model.normalized:
            return h
        power = ops.mean(energy(h), axis=(1, 2, 3, 4, 5), keepdims=True)
        return h / complex_sqrt(power)

    def predict_sinr(self, h, no):
        """The SINR of the estimate's errors, at most what the receiver believes.

        Errors differ from element to element, and the decoder does not know where: an
        element gives it no more than it believes of it, and no more than is true. Where
        the errors of a frame exceed what is believed, trust in the wrong elements costs
        as much again.
        """
        framing, grid = self.framing, self.framing.grid
        noise = fixed_in_turn(h.shape[0], self.noise_shape(1)[1:])
        parts = self._frame_estimate(h, no, ops.convert_to_tensor(noise))
        rows = np.array(grid.data_ofdm_symbols)
        true, seen, err_var = (
            ops.transpose(ops.take(part, rows, axis=4), (0, 1, 4, 5, 2, 3))
            for part in parts
        )
        err_var = ops.mean(ops.sum(err_var, axis=-1, keepdims=True), -2, keepdims=True)
        no = ops.reshape(no_vector(no), (-1,) + (1,) * 5)
        _, no_eff = lmmse_filter(seen, no + err_var)
        sinr, error = mismatched(seen, true, no, err_var)
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

    def snr_db(self, h_hat, y, no):
        """SNR from second differences of the pilots' estimates over the comb.

        They cancel a channel that is linear over three combs; with several pilot
        OFDM symbols their difference in time cancels the rest where it moves slowly.
        Overlapping differences are correlated, which leaves fewer degrees of freedom.
        """
        if not self.csi.uses_pilots:
            return true_snr_db(self.model, h_hat, no)
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
        no_hat = ops.mean(energy(difference), axis=axes) * (nt / gain)
        power = None
        if not self.model.normalized:
            power = nt * ops.mean(energy(ls), axis=axes) - no_hat
        freedom = np.prod(difference.shape[1:]) / overlap
        return average_snr_db(power, no_hat, self.num_tx_ant) + log_bias_db(freedom)
