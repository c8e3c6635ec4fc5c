"""LMMSE interpolation over the grid."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.estimation.interpolation import LMMSEInterpolator
from semcom_phy.phy.framing import OFDMGrid

GRID = OFDMGrid(fft_size=8, num_ofdm_symbols=5, pilot_ofdm_symbols=(1, 3))


def _covariances():
    model = TDL("C", GRID, delay_spread=2e-6, speed=300.0)
    return [ops.convert_to_numpy(c) for c in model.covariances(GRID)]


def test_equals_the_wiener_filter():
    """Estimate and error variance equal NumPy's direct solution in float64 (1e-4)."""
    time, freq = _covariances()
    rng = np.random.default_rng(0)
    ls = rng.standard_normal((3, 1, 2, 1, 2, 16, 2)).astype(np.float32)
    ls = ls.view(np.complex64)[..., 0]
    err_var = np.array([0.02, 0.3, 5.0], np.float32).reshape(3, 1, 1, 1, 1, 1)
    err_full = np.broadcast_to(err_var, (3, 1, 1, 1, 2, 16)).copy()
    interpolator = LMMSEInterpolator((1, 3), 2, time, freq)
    h_hat, h_err = interpolator(
        ops.convert_to_tensor(ls), ops.convert_to_tensor(err_full)
    )
    h_hat, h_err = ops.convert_to_numpy(h_hat), ops.convert_to_numpy(h_err)
    assert h_hat.shape == (3, 1, 2, 1, 2, 5, 8)
    full = np.kron(time.astype(complex), freq.astype(complex))
    grid_index = np.arange(40).reshape(5, 8)
    for image in range(3):
        for stream in range(2):
            used = grid_index[[1, 3]][:, stream::2].ravel()
            cov = full[np.ix_(used, used)] + err_var[image].item() * np.eye(8)
            filt = full[:, used] @ np.linalg.inv(cov)
            expected = ls[image, 0, :, 0, stream, stream::2] @ filt.T
            np.testing.assert_allclose(
                h_hat[image, 0, :, 0, stream].reshape(2, 40), expected, atol=1e-4
            )
            error = np.diag(full - filt @ full[used]).real.reshape(5, 8)
            reported = np.broadcast_to(h_err[image, 0, 0, 0, stream], (5, 8))
            np.testing.assert_allclose(reported, error, atol=1e-4)


def test_bad_covariances_are_errors():
    """Covariances must be square and Hermitian."""
    time, freq = _covariances()
    with pytest.raises(ValueError, match="Hermitian"):
        LMMSEInterpolator((1, 3), 2, time[:, :3], freq)
    with pytest.raises(ValueError, match="Hermitian"):
        LMMSEInterpolator((1, 3), 2, time, np.triu(freq))
