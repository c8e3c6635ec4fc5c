"""LMMSE interpolation of a channel estimate over time and frequency together."""

import numpy as np
from keras import ops
from sionna.phy.ofdm import BaseChannelInterpolator


class LMMSEInterpolator(BaseChannelInterpolator):
    r"""LMMSE estimate of the whole grid from LS estimates on the pilots' comb.

    With :math:`\mathbf{R}=\mathbf{R}^{(t)}\otimes\mathbf{R}^{(f)}` the covariance of a
    slot, p the pilots of a stream and :math:`\sigma^2` the variance of its LS
    estimates,

    .. math::
        \hat{\mathbf{h}} &= \mathbf{R}_{:p}(\mathbf{R}_{pp}+\sigma^2\mathbf{I})^{-1}
                            \hat{\mathbf{h}}^{\text{LS}}_p
            = (\mathbf{R}_{:p}\mathbf{U})(\mathbf{\Lambda}+\sigma^2\mathbf{I})^{-1}
              \mathbf{U}^\mathsf{H}\hat{\mathbf{h}}^{\text{LS}}_p \\
        \text{err\_var} &= \mathop{\text{diag}}(\mathbf{R}
            - \mathbf{R}_{:p}(\mathbf{R}_{pp}+\sigma^2\mathbf{I})^{-1}\mathbf{R}_{p:})

    The eigenvalues are computed once: a call is two matrix products for any noise
    variance, compiles with XLA and has a gradient. Sionna 1.x interpolates first over
    time and then over frequency, which is an approximation, and names its class
    differently in 2.x.

    Parameters
    ----------
    pilot_rows : `tuple` of `int`
        OFDM symbols with pilots; stream t uses every num_streams-th subcarrier from t

    num_streams : `int`
        Number of streams, Nt

    cov_time : [num_ofdm_symbols, num_ofdm_symbols], `complex64`
        Covariance over OFDM symbols

    cov_freq : [num_subcarriers, num_subcarriers], `complex64`
        Covariance over effective subcarriers

    averaged : `bool`, (default `False`)
        The input is the average of the LS estimates over the OFDM symbols with pilots,
        one for each subcarrier, and its error variance

    Input
    -----
    h_hat : [batch, num_rx, num_rx_ant, 1, Nt, num_pilot_res], `complex64`
        LS estimates; only those on a stream's own comb are read

    err_var : broadcastable to ``h_hat``, `float32`
        Their error variance, equal over the comb [linear]

    Output
    ------
    h_hat : [batch, num_rx, num_rx_ant, 1, Nt, T, F], `complex64`
        Channel estimates on all OFDM symbols and effective subcarriers

    err_var : broadcastable to ``h_hat``, `float32`
        Error variance of the estimates [linear]

    Raises
    ------
    ValueError
        If a covariance has the wrong shape or is not Hermitian.

    References
    ----------
    S. Kay, "Fundamentals of statistical signal processing: estimation theory", 12.3.
    """

    def __init__(self, pilot_rows, num_streams, cov_time, cov_freq, averaged=False):
        super().__init__()
        time, freq = _covariance(cov_time), _covariance(cov_freq)
        self._num_streams = num_streams
        self._frame = (len(time), len(freq))
        power = np.kron(np.diag(time).real, np.diag(freq).real)
        observed = np.eye(len(time))[list(pilot_rows)]
        if averaged:
            observed = observed.mean(axis=0, keepdims=True)
        time_ap = time @ observed.T
        time_pp = observed @ time_ap
        maps, vectors, values = [], [], []
        for stream in range(num_streams):
            comb = np.arange(stream, len(freq), num_streams)
            cov_pp = np.kron(time_pp, freq[np.ix_(comb, comb)])
            cov_ap = np.kron(time_ap, freq[:, comb])
            eigenvalues, u = np.linalg.eigh(cov_pp)
            maps.append(cov_ap @ u)
            vectors.append(u)
            values.append(np.maximum(eigenvalues, 0.0))
        to_grid = np.stack(maps)  # [Nt, grid, K]
        self._from_pilots = np.stack(vectors).conj().astype(np.complex64)  # [Nt, K, K]
        self._to_grid = np.swapaxes(to_grid, 1, 2).astype(np.complex64)
        self._explained = np.swapaxes(np.abs(to_grid) ** 2, 1, 2).astype(np.float32)
        self._eigenvalues = np.stack(values)[:, None, :].astype(np.float32)
        self._power = power.astype(np.float32)

    def __call__(self, h_hat, err_var):
        nt = self._num_streams
        pilots = ops.stack([h_hat[..., 0, t, t::nt] for t in range(nt)], axis=-2)
        err_var = ops.stack([err_var[..., 0, t, t : t + 1] for t in range(nt)], axis=-2)
        # [batch, num_rx, num_rx_ant, Nt, 1, K]
        weights = ops.reciprocal(ops.add(err_var[..., None], self._eigenvalues))
        coefficients = ops.matmul(pilots[..., None, :], self._from_pilots)
        coefficients = coefficients * ops.cast(weights, "complex64")
        h_hat = ops.matmul(coefficients, self._to_grid)
        err_var = ops.subtract(self._power, ops.matmul(weights, self._explained))
        return self._on_grid(h_hat), self._on_grid(ops.maximum(err_var, 0.0))

    def _on_grid(self, values):
        """[batch, num_rx, num_rx_ant, Nt, 1, grid] to Sionna's layout."""
        shape = (*tuple(values.shape[1:3]), 1, self._num_streams, *self._frame)
        return ops.reshape(values, (-1, *shape))


def _covariance(matrix):
    matrix = np.asarray(ops.convert_to_numpy(matrix)).astype(np.complex128)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or not np.allclose(matrix, matrix.conj().T, atol=1e-5):
        raise ValueError(
            f"A covariance must be a Hermitian matrix, got shape {matrix.shape}."
        )
    return matrix
