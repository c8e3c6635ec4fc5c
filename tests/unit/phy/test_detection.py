"""The block-wise L-MMSE filter."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.mimo import lmmse_equalizer

from semcom_phy.phy.detection import lmmse_filter


def _normal(rng, *shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


@pytest.mark.parametrize("num_rx, num_tx", [(1, 1), (2, 2), (4, 2), (8, 8)])
@pytest.mark.parametrize("no", [1e-2, 1.0, 30.0])
def test_equals_the_textbook_in_double_precision(num_rx, num_tx, no):
    """Filter and error variance equal NumPy's in float64 (relative 1e-4)."""
    rng = np.random.default_rng(0)
    h = _normal(rng, 16, num_rx, num_tx)
    w, no_eff = lmmse_filter(
        ops.convert_to_tensor(h.astype(np.complex64)),
        np.full((1, 1, 1), no, np.float32),
    )
    h_h = np.conj(np.swapaxes(h, 1, 2))
    g = np.linalg.solve(h_h @ h + no * np.eye(num_tx), h_h)
    d = np.diagonal(g @ h, axis1=1, axis2=2).real
    w_expected = g / d[:, :, None]
    scale = np.abs(w_expected).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(
        ops.convert_to_numpy(w) / scale, w_expected / scale, atol=1e-4
    )
    np.testing.assert_allclose(ops.convert_to_numpy(no_eff), 1 / d - 1, rtol=1e-4)


def test_equals_sionna_per_element():
    """One filter per block equals Sionna's equaliser at the element (1e-4)."""
    rng = np.random.default_rng(1)
    h = _normal(rng, 5, 3, 2).astype(np.complex64)
    y = _normal(rng, 5, 3).astype(np.complex64)
    no = np.full((5, 1, 1), 0.3, np.float32)
    w, no_eff = lmmse_filter(ops.convert_to_tensor(h), no)
    covariance = ops.convert_to_tensor((no * np.eye(3)).astype(np.complex64))
    x_hat, expected = lmmse_equalizer(
        ops.convert_to_tensor(y), ops.convert_to_tensor(h), covariance
    )
    ours = ops.matmul(w, y[..., None])[..., 0]
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours), ops.convert_to_numpy(x_hat), atol=1e-4
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(no_eff), ops.convert_to_numpy(expected), rtol=1e-4
    )


def test_keeps_its_digits_at_high_snr():
    """At 60 dB the error variance is right to 1e-3 where 1/d - 1 is not in float32."""
    h = np.array([[[0.8 + 0.3j]]], np.complex64)
    _, no_eff = lmmse_filter(ops.convert_to_tensor(h), np.full((1, 1, 1), 1e-6, "f4"))
    expected = 1e-6 / abs(h.item()) ** 2
    assert float(ops.convert_to_numpy(no_eff).item()) == pytest.approx(expected, 1e-3)
