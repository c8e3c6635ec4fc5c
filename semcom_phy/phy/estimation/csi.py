"""What the receiver knows of the channel: the truth, or an estimate from pilots."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops
from sionna.phy.ofdm import (
    LinearInterpolator,
    LSChannelEstimator,
    NearestNeighborInterpolator,
)

from semcom_phy.array_hash import array_sha256
from semcom_phy.phy.estimation.conditional_mean import ConditionalMean
from semcom_phy.phy.estimation.interpolation import LMMSEInterpolator
from semcom_phy.phy.estimation.interpolation_error import InterpolationError


class Csi(NamedTuple):
    """What pilots tell of the channel.

    Attributes
    ----------
    h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel, estimated or perfect

    snr_db : [batch], `float32`
        Average SNR per receive antenna, estimated or perfect [dB]
    """

    h_hat: Any
    snr_db: Any


class PerfectCSI:
    """The receiver is given the channel. Pilots are still sent and counted."""

    uses_pilots = False
    label = "perfect"

    def describe(self):
        """What the receiver knows, a `dict` of plain values."""
        return {"csi": self.label}

    def estimate_flat(self, h, y_pilots, pilots, no):
        return h, self.error_variance_flat(pilots, no)

    def error_variance_flat(self, pilots, no):
        return 0.0

    def build(self, grid, num_streams, channel_model):
        return self._estimate

    @staticmethod
    def _estimate(y, h, no):
        return h, ops.zeros((1,) * len(h.shape), dtype="float32")


class LSEstimator:
    r"""Least-squares estimate from the pilots of the grid.

    On flat channels the whole pilot block is used jointly,

    .. math::
        \hat{h}_{rt} = h_{rt} + \frac{\sum_k p_{tk}^* n_{rk}}{E_t},
        \qquad E_t = \sum_k |p_{tk}|^2,

    with error variance :math:`N_0 / E_t`. On selective channels Sionna's
    :class:`~sionna.phy.ofdm.LSChannelEstimator` estimates at the pilots and
    interpolates.

    Parameters
    ----------
    interpolation : "nearest" | "linear" (default) | "time_average" | "lmmse"
        How selective channels are interpolated: nearest neighbour, linear over
        subcarriers and then OFDM symbols, linear with the average over OFDM symbols, or
        LMMSE over both
        (:class:`~semcom_phy.phy.estimation.interpolation.LMMSEInterpolator`). No effect
        on flat channels. The error variance of each counts noise and interpolation
        error (:class:`~semcom_phy.phy.estimation.interpolation_error.
        InterpolationError`), so that detection is told the whole of it

    cov_time : [num_ofdm_symbols, num_ofdm_symbols], `complex64`, or `None` (default)
        Covariance of the channel over OFDM symbols: "lmmse" interpolates by it, the
        others take their error variance from it; `None` takes the channel model's

    cov_freq : [num_effective_subcarriers] * 2, `complex64`, or `None` (default)
        Covariance over the effective subcarriers; `None` takes the channel model's

    Raises
    ------
    ValueError
        If ``interpolation`` is unknown or a covariance has the wrong shape.

    Example
    -------
    >>> LSEstimator("lmmse").describe()
    {'csi': 'estimated', 'interpolation': 'lmmse'}
    """

    uses_pilots = True
    label = "estimated"

    def __init__(self, interpolation="linear", cov_time=None, cov_freq=None):
        if interpolation not in INTERPOLATORS:
            raise ValueError(
                f"Unknown interpolation {interpolation!r}; "
                f"choose from {', '.join(INTERPOLATORS)}."
            )
        self.interpolation = interpolation
        self.cov_time = cov_time
        self.cov_freq = cov_freq

    def describe(self):
        """How the channel is estimated, a `dict` of plain values."""
        about = {"csi": self.label, "interpolation": self.interpolation}
        given = [c for c in (self.cov_time, self.cov_freq) if c is not None]
        if given:
            about["covariances_sha256"] = array_sha256(*given)
        return about

    def estimate_flat(self, h, y_pilots, pilots, no):
        """Joint LS estimate over a pilot block.

        Input
        -----
        h : [num_blocks, num_rx_ant, num_streams], `complex64`
            Not used: the receiver sees the pilots alone

        y_pilots : [num_blocks, num_pilots, num_rx_ant], `complex64`
            Received pilot resource elements

        pilots : [num_pilots, num_streams], `complex64`, a NumPy array
            Orthogonal pilots of equal energy per stream

        no : [num_blocks, 1, 1] or [1, 1, 1], `float32`
            Noise variance [linear]

        Output
        ------
        h_hat : [num_blocks, num_rx_ant, num_streams], `complex64`
            Channel estimate

        err_var : same shape as ``no``, `float32`
            Variance of the estimation error summed over the streams, as one receive
            antenna sees it [linear]
        """
        energy = np.sum(np.abs(pilots) ** 2, axis=0)
        weights = (pilots.conj() / energy).T.astype(np.complex64)
        h_hat = ops.transpose(ops.matmul(weights, y_pilots), (0, 2, 1))
        return h_hat, self.error_variance_flat(pilots, no)

    def error_variance_flat(self, pilots, no):
        """``err_var`` of :meth:`estimate_flat`, known before any pilot is received."""
        energy = np.sum(np.abs(pilots) ** 2, axis=0)
        return no * float(np.sum(1.0 / energy))

    def build(self, grid, num_streams, channel_model):
        """The estimator for selective channels.

        Output
        ------
        : `callable` (y, h, no) -> (h_hat, err_var)
            ``y`` [batch, 1, num_rx_ant, T, F], ``no`` [batch];
            ``h_hat`` [batch, 1, num_rx_ant, 1, num_streams, T, F] and ``err_var`` of a
            shape that broadcasts to it
        """
        resource_grid = grid.resource_grid(num_streams, effective_only=True)
        interpolator = INTERPOLATORS[self.interpolation](
            self, resource_grid.pilot_pattern, grid, channel_model
        )
        estimate = LSChannelEstimator(resource_grid, interpolator=interpolator)
        if self.interpolation != "lmmse":  # which reports the whole error itself
            estimate = _with_whole_error(
                estimate,
                InterpolationError(
                    interpolator,
                    grid,
                    num_streams,
                    *self.covariances(grid, channel_model),
                ),
            )
        if channel_model.normalized:
            return lambda y, h, no: estimate(y, no)

        pilot_rows = list(grid.pilot_ofdm_symbols)

        def estimate_with_gain_control(y, h, no):
            # Brings the channel to the unit power that the covariances assume.
            received = ops.stack([y[:, 0, :, i] for i in pilot_rows], axis=1)
            power = ops.square(ops.real(received)) + ops.square(ops.imag(received))
            power = ops.mean(power, axis=(1, 2, 3)) - no
            power = ops.maximum(power, 1e-2 * no) / num_streams
            scale = ops.cast(ops.sqrt(power), "complex64")[:, None, None, None, None]
            h_hat, err_var = estimate(y / scale, no / power)
            scale, power = scale[..., None, None], power[:, None, None, None, None]
            return h_hat * scale, err_var * power[..., None, None]

        return estimate_with_gain_control

    def build_mean(self, grid, num_streams, channel_model):
        """What estimates of selective channels say to who knows the statistics.

        Output
        ------
        : `callable` (h_hat, no) -> mean
            ``h_hat`` and ``mean`` [batch, slots, num_rx_ant, num_streams, T, F] of a
            channel of unit power, ``no`` [batch]
        """
        if self.interpolation == "lmmse":  # is the conditional mean
            return lambda h_hat, no: h_hat
        cov_time, cov_freq = self.covariances(grid, channel_model)
        return ConditionalMean(
            grid,
            num_streams,
            cov_time,
            cov_freq,
            averaged=self.interpolation == "time_average",
        )

    def covariances(self, grid, channel_model):
        """Covariance matrices (time, frequency) that interpolation reckons with."""
        time, freq = self.cov_time, self.cov_freq
        if time is None or freq is None:
            model_time, model_freq = channel_model.covariances(grid)
            time = model_time if time is None else time
            freq = model_freq if freq is None else freq
        sizes = grid.num_ofdm_symbols, grid.num_effective_subcarriers
        for cov, size in zip((time, freq), sizes, strict=True):
            if tuple(cov.shape) != (size, size):
                raise ValueError(
                    f"Expected a covariance of shape {(size, size)}, "
                    f"got {tuple(cov.shape)}."
                )
        return time, freq


def _with_whole_error(estimator, error):
    """An estimator that reports noise and interpolation error of its estimates."""

    def estimate(y, no):
        return estimator(y, no)[0], error(no)

    return estimate


INTERPOLATORS = {
    "nearest": lambda csi, pattern, grid, model: NearestNeighborInterpolator(pattern),
    "linear": lambda csi, pattern, grid, model: LinearInterpolator(pattern),
    "time_average": lambda csi, pattern, grid, model: LinearInterpolator(
        pattern, time_avg=True
    ),
    "lmmse": lambda csi, pattern, grid, model: LMMSEInterpolator(
        grid.pilot_ofdm_symbols,
        pattern.num_streams_per_tx,
        *csi.covariances(grid, model),
    ),
}
