"""The radio link on flat channels: one matrix per fading block."""

import numpy as np
from keras import ops

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
    received_power,
    true_snr_db,
)


class FlatLink:
    """Receiver and prediction of :class:`~semcom_phy.phy.equalized_channel.
    EqualizedOFDMChannel` where a channel is the same on all elements of a slot.

    Only resource elements in use are computed: pilots of all slots, then data.
    """

    def __init__(self, model, framing, csi, detector=None):
        self.model, self.framing, self.csi = model, framing, csi
        self.detector = detector
        self.num_rx_ant, self.num_tx_ant = model.num_rx_ant, model.num_tx_ant
        self._pilots = framing.pilots.T  # [num_pilot_res of a slot, num_streams]

    def noise_shape(self, batch, sounding=False):
        """[batch, num_pilot_res + num_data_res, num_rx_ant], pilots first."""
        framing = self.framing
        num_res = framing.num_pilot_res + (0 if sounding else framing.num_data_res)
        return (batch, num_res, self.num_rx_ant)

    @property
    def num_pilot_noise(self):
        """`int` : Entries of an image's noise that are the pilots'."""
        return self.framing.num_pilot_res

    def receive(self, x, h, no, noise, precoder=None):
        """x_hat, no_eff, h_hat and the received pilots of a frame."""
        framing = self.framing
        streams = framing.to_streams(ops.cast(x, "complex64"))
        num_res = streams.shape[1]
        num_pilots = framing.num_pilot_res
        if noise is None and not self.csi.uses_pilots:
            shape = (ops.shape(streams)[0], num_res, self.num_rx_ant)
            pilot_noise, data_noise = None, complex_normal(shape)
        else:
            if noise is None:
                noise = complex_normal(self.noise_shape(ops.shape(streams)[0]))
            pilot_noise = noise[:, :num_pilots]
            data_noise = noise[:, num_pilots : num_pilots + num_res]
        y_pilots = None
        if self.csi.uses_pilots:
            y_pilots = self._pilots_received(h, no, pilot_noise)
        h_hat, err_var = self._estimate(h, y_pilots, no)

        no_block = self._no_per_block(no, h)
        seen, true = self._matrices(h_hat), self._matrices(h)
        if precoder is not None:
            seen, true = ops.matmul(seen, precoder), ops.matmul(true, precoder)
        per_slot = h.shape[1] > 1
        if per_slot:  # one block per slot: fold the slots into the batch
            streams = framing.to_slots(streams)
            data_noise = framing.to_slots(data_noise)
        h_transposed = ops.transpose(true, (0, 2, 1))
        y = ops.matmul(streams, h_transposed) + data_noise * complex_sqrt(no_block)
        if self.detector is None:
            w, no_eff = lmmse_filter(seen, no_block + err_var)
            x_hat = ops.matmul(y, ops.transpose(w, (0, 2, 1)))
            no_eff = ops.broadcast_to(no_eff[:, None, :], ops.shape(x_hat))
        else:
            x_hat, no_eff = self._detect(y, seen, err_var, no_block, precoder)
        if per_slot:
            x_hat = framing.from_slots(x_hat, num_res)
            no_eff = framing.from_slots(no_eff, num_res)
        num_symbols = x.shape[1]
        x_hat = framing.from_streams(x_hat, num_symbols)
        return x_hat, framing.from_streams(no_eff, num_symbols), h_hat, y_pilots

    def _detect(self, y, seen, err_var, no_block, precoder):
        """x_hat and no_eff of a user's detector, which sees one element at a time."""
        antennas, shape = (self.num_rx_ant, self.num_tx_ant), ops.shape(y)[:2]
        h_hat = ops.broadcast_to(seen[:, None], (*shape, *antennas))
        error = err_var / self.num_tx_ant
        if precoder is not None:  # streams of more power have more of the error
            error = error * ops.sum(energy(precoder), axis=1, keepdims=True)
        error = ops.broadcast_to(error, (shape[0], *antennas))
        error = ops.broadcast_to(error[:, None], (*shape, *antennas))
        no = ops.broadcast_to(no_block[..., 0], shape)
        x_hat, no_eff = self.detector(
            ops.reshape(y, (-1, self.num_rx_ant)),
            ops.reshape(h_hat, (-1, *antennas)),
            ops.reshape(ops.cast(error, "float32"), (-1, *antennas)),
            ops.reshape(no, (-1,)),
        )
        shape = (-1, y.shape[1], self.num_tx_ant)
        return ops.reshape(x_hat, shape), ops.reshape(no_eff, shape)

    def sound(self, h, no, noise):
        """Channel estimate and received pilots."""
        if noise is None:
            noise = complex_normal(self.noise_shape(ops.shape(h)[0], sounding=True))
        y_pilots = self._pilots_received(h, no, noise)
        h_hat, _ = self._estimate(h, y_pilots, no)
        return h_hat, y_pilots

    def sounding_error(self, h_hat, no):
        """Error variance of every entry of a sounded channel, [batch or 1, 1, ...]."""
        error = self.csi.error_variance_flat(self._block_pilots(h_hat), no_vector(no))
        return ops.reshape(error / self.num_tx_ant, (-1, 1, 1, 1, 1, 1))

    def possible_channels(self, h_hat, no):
        """Channels around the conditional mean, independent entries."""
        error, power = self.sounding_error(h_hat, no), 1.0
        if not self.model.normalized:
            power = entry_power(h_hat, error)
        shrink = power / (power + error)
        h_hat, error = h_hat * ops.cast(shrink, "complex64"), error * shrink
        half = fixed_normals(CHANNEL_SEED, (NUM_POSSIBLE // 2, *h_hat.shape[1:]))
        w = np.concatenate([half, -half])[None]
        return h_hat[:, None] + ops.multiply(complex_sqrt(error)[:, None], w)

    def predict_sinr(self, h, no):
        """SINR per stream, or per symbol with several slots."""
        framing = self.framing
        no, true = self._no_per_block(no, h), self._matrices(h)
        err_var = self.csi.error_variance_flat(self._block_pilots(h), no)
        seen = true
        if self.csi.uses_pilots:
            w = self._matrices(fixed_in_turn(h.shape[0], h.shape[1:]))
            seen = true + ops.multiply(complex_sqrt(err_var / self.num_tx_ant), w)
        sinr, _ = mismatched(seen, true, no, err_var)
        if h.shape[1] == 1:
            return sinr
        sinr = ops.repeat(sinr[:, None], framing.grid.num_data_res, axis=1)
        sinr = framing.from_slots(sinr, framing.num_data_res)
        return framing.from_streams(sinr, framing.num_symbols)

    def _block_pilots(self, h):
        """Pilots of one fading block, [num_pilots, num_streams], a NumPy array."""
        repeats = self.framing.num_slots if h.shape[1] == 1 else 1
        return np.tile(self._pilots, (repeats, 1))

    def _pilots_received(self, h, no, noise):
        """Received pilots, [num_blocks, num_pilots, num_rx_ant]."""
        pilots = self._block_pilots(h)
        noise = ops.reshape(noise, (-1, len(pilots), self.num_rx_ant))
        h_transposed = ops.transpose(self._matrices(h), (0, 2, 1))
        return ops.matmul(pilots, h_transposed) + noise * complex_sqrt(
            self._no_per_block(no, h)
        )

    def _estimate(self, h, y_pilots, no):
        """Channel estimate in the layout of h, and its error variance per block."""
        h_hat, err_var = self.csi.estimate_flat(
            self._matrices(h),
            y_pilots,
            self._block_pilots(h),
            self._no_per_block(no, h),
        )
        return ops.reshape(h_hat, (-1,) + tuple(h.shape[1:])), err_var

    def snr_db(self, h_hat, y_pilots, no):
        """SNR from the residual of the pilots, in decibels without bias."""
        if y_pilots is None:
            return true_snr_db(self.model, h_hat, no)
        pilots = self._block_pilots(h_hat)
        expected = ops.matmul(pilots, ops.transpose(self._matrices(h_hat), (0, 2, 1)))
        blocks = h_hat.shape[1]
        freedom = blocks * (len(pilots) - self.num_tx_ant) * self.num_rx_ant
        residual = energy(
            ops.reshape(
                y_pilots - expected, (-1, blocks * len(pilots) * self.num_rx_ant)
            )
        )
        no_hat = ops.sum(residual, axis=1) / freedom
        power = None
        if not self.model.normalized:
            estimate_error = self.num_tx_ant**2 / np.sum(np.abs(pilots) ** 2)
            power = received_power(h_hat) - no_hat * float(estimate_error)
        return average_snr_db(power, no_hat, self.num_tx_ant) + log_bias_db(freedom)

    def _no_per_block(self, no, h):
        """no per fading block, [num_blocks or 1, 1, 1]."""
        no = no_vector(no)
        if h.shape[1] > 1 and no.shape[0] != 1:
            no = ops.repeat(no, h.shape[1])
        return no[:, None, None]

    def _matrices(self, h):
        """[batch, blocks, Nr, Nt, 1, 1] -> [batch * blocks, Nr, Nt]."""
        return ops.reshape(h, (-1, self.num_rx_ant, self.num_tx_ant))
