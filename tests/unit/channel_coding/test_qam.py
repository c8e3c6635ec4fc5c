"""QAM mapping and demapping against Sionna."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.mapping import Demapper, Mapper

from semcom_phy.channel_coding.qam import (
    deinterleave,
    interleave,
    qam_decide,
    qam_demap,
    qam_modulate,
    qam_points,
)

ORDERS = (2, 4, 6, 8)


def received(order, rng):
    bits = rng.integers(0, 2, (4, order * 100))
    x = qam_modulate(bits, order)
    no = rng.uniform(0.02, 1, x.shape).astype(np.float32)
    noise = rng.normal(size=(2, *x.shape)) * np.sqrt(no / 2)
    return bits, x, (x + noise[0] + 1j * noise[1]).astype(np.complex64), no


@pytest.mark.parametrize("order", ORDERS)
def test_mapper_equals_sionna(order):
    """Symbols equal those of Sionna's mapper and have unit mean power (rounding)."""
    bits, x, _, _ = received(order, np.random.default_rng(1))
    expected = Mapper("qam", order)(ops.cast(bits, "float32"))
    np.testing.assert_allclose(x, ops.convert_to_numpy(expected), atol=1e-6)
    assert x.dtype == np.complex64
    assert np.mean(np.abs(qam_points(order)) ** 2) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_llrs_equal_sionna_app(order):
    """LLRs equal Sionna's exact demapper (float32 sums: 1e-3 below |LLR| = 40)."""
    _, _, y, no = received(order, np.random.default_rng(2))
    expected = Demapper("app", "qam", order)(
        ops.convert_to_tensor(y), ops.convert_to_tensor(no)
    )
    expected = ops.convert_to_numpy(expected)
    llr = qam_demap(y, no, order)
    assert llr.shape == expected.shape
    assert llr.dtype == np.float32
    small = np.abs(expected) < 40
    np.testing.assert_allclose(llr[small], expected[small], atol=1e-3)
    assert (np.sign(llr[~small]) == np.sign(expected[~small])).all()


@pytest.mark.parametrize("order", ORDERS)
def test_llrs_stay_finite_without_noise(order):
    """At an error variance of 1e-9 LLRs are finite and decide right (exact)."""
    bits, x, _, _ = received(order, np.random.default_rng(3))
    llr = qam_demap(x, 1e-9, order)
    assert np.isfinite(llr).all()
    np.testing.assert_array_equal(llr > 0, bits == 1)


@pytest.mark.parametrize("order", ORDERS)
def test_interleaver_is_that_of_the_standard(order):
    """f[i + j m] = e[i E / m + j], and deinterleaving undoes it (exact)."""
    length = order * 7
    code_bits = np.arange(2 * length).reshape(2, length)
    sent = interleave(code_bits, order)
    for i in range(order):
        for j in range(7):
            assert sent[1, i + j * order] == code_bits[1, i * 7 + j]
    np.testing.assert_array_equal(deinterleave(sent, order), code_bits)


@pytest.mark.parametrize("order", ORDERS)
def test_decisions_are_the_nearest_points(order):
    """Every decided bit is that of the nearest of all points (exact)."""
    _, _, y, _ = received(order, np.random.default_rng(4))
    nearest = np.abs(y[..., None] - qam_points(order)).argmin(axis=-1)
    bits = (nearest[..., None] >> np.arange(order - 1, -1, -1)) & 1
    decided = qam_decide(y, order)
    np.testing.assert_array_equal(decided, bits.reshape(len(y), -1))
    assert decided.dtype == np.uint8
