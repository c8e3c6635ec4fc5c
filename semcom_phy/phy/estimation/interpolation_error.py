"""What interpolating a channel estimate over the grid costs, from its statistics."""

import numpy as np
from keras import ops


class InterpolationError:
    r"""Error variance of a linear interpolation of LS estimates, on the whole grid.

    An interpolation that is linear, keeps constants and treats time and frequency
    apart estimates the channel of OFDM symbol i and subcarrier k from the pilots p,

    .. math::
        \hat{h}_{ik} = \sum_{p} A_{ip} B_{kp} (h_p + n_p), \qquad
        \operatorname{var}(n_p) = N_0 / E_p .

    With the covariance :math:`\mathbf{R}=\mathbf{R}^{(t)}\otimes\mathbf{R}^{(f)}` of a
    channel of unit power, its mean squared error is

    .. math::
        E|h_{ik} - \hat{h}_{ik}|^2 = 1
            - 2\,\Re[(\mathbf{A R}^{(t)}_{p:})_{ii} (\mathbf{B R}^{(f)}_{p:})_{kk}]
            + (\mathbf{A R}^{(t)}_{pp}\mathbf{A}^\mathsf{T})_{ii}
              (\mathbf{B R}^{(f)}_{pp}\mathbf{B}^\mathsf{T})_{kk}
            + \frac{N_0}{E_p} \sum_p A_{ip}^2 B_{kp}^2 .

    Sionna's interpolators report the interpolated variance of the pilots' noise
    alone. The interpolation error does not fall with the noise: a receiver that is not
    told of it trusts its estimates too much at high SNR.

    Parameters
    ----------
    interpolator : Sionna's ``NearestNeighborInterpolator`` or ``LinearInterpolator``
        Interpolates from pilots on whole OFDM symbols, of which stream t uses every
        num_streams-th subcarrier from t

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        One slot

    num_streams : `int`
        Number of streams, Nt

    cov_time : [num_ofdm_symbols] * 2, `complex64`
        Covariance of the channel over OFDM symbols

    cov_freq : [num_effective_subcarriers] * 2, `complex64`
        Covariance over effective subcarriers

    Input
    -----
    no : [batch], `float32`
        Noise variance [linear]

    Output
    ------
    err_var : [batch, 1, 1, 1, Nt, T, F], `float32`
        Mean squared error of the estimates [linear]
    """

    def __init__(self, interpolator, grid, num_streams, cov_time, cov_freq):
        time, freq = (
            np.asarray(ops.convert_to_numpy(cov)).astype(np.complex128)
            for cov in (cov_time, cov_freq)
        )
        rows = list(grid.pilot_ofdm_symbols)
        over_time, over_freq = _weights(interpolator, grid, num_streams)
        energy = np.max(np.abs(grid.pilots(num_streams))) ** 2
        time_cross, time_power, time_noise = _moments(over_time, time, rows)
        errors, gains = [], []
        for stream, weights in enumerate(over_freq):
            comb = np.arange(stream, len(freq), num_streams)
            cross, power, noise = _moments(weights, freq, comb)
            error = 1 - 2 * np.outer(time_cross, cross).real
            errors.append(error + np.outer(time_power, power))
            gains.append(np.outer(time_noise, noise) / energy)
        self._error = np.maximum(np.stack(errors), 0.0).astype(np.float32)
        self._gain = np.stack(gains).astype(np.float32)

    def __call__(self, no):
        no = ops.reshape(no, (-1, 1, 1, 1, 1, 1, 1))
        return ops.add(self._error, ops.multiply(no, self._gain))


def _weights(interpolator, grid, num_streams):
    """A [T, rows] and B [Nt, F, comb], from what single pilots are spread to."""
    rows, subcarriers = len(grid.pilot_ofdm_symbols), grid.num_effective_subcarriers
    comb = subcarriers // num_streams

    def spread(pilots):
        pilots = pilots.reshape(len(pilots), 1, 1, 1, num_streams, rows * subcarriers)
        values, _ = interpolator(
            ops.convert_to_tensor(pilots.astype(np.complex64)),
            ops.convert_to_tensor(np.zeros(pilots.shape, np.float32)),
        )
        return ops.convert_to_numpy(values)[:, 0, 0, 0].real

    pilots = np.zeros((rows, num_streams, rows, subcarriers))
    pilots[np.arange(rows), :, np.arange(rows)] = 1
    over_time = spread(pilots)[:, 0, :, 0].T
    over_freq, at_once = [], 64
    for start in range(0, comb, at_once):  # bounds the memory of wide grids
        index = np.arange(start, min(start + at_once, comb))
        pilots = np.zeros((len(index), num_streams, rows, subcarriers))
        for stream in range(num_streams):
            places = stream + index * num_streams
            pilots[np.arange(len(index)), stream, :, places] = 1
        over_freq.append(spread(pilots)[:, :, 0])
    return over_time, np.concatenate(over_freq).transpose(1, 2, 0)


def _moments(weights, cov, pilots):
    """E[h h_hat*], E|h_hat|^2 and the gain of pilot noise, along one axis."""
    cross = np.sum(weights * cov[:, pilots], axis=1)
    power = np.sum((weights @ cov[np.ix_(pilots, pilots)]) * weights, axis=1).real
    return cross, power, np.sum(weights**2, axis=1)
