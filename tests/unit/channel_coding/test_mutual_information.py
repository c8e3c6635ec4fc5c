"""Mutual information of QAM against textbook values and its own limits."""

import numpy as np
import pytest

from semcom_phy.channel_coding.mutual_information import (
    bicm_capacity,
    bicm_capacity_snr_db,
    effective_snr_db,
)
from semcom_phy.channel_coding.qam import qam_demap, qam_modulate

ORDERS = (2, 4, 6, 8)


def test_qpsk_of_rate_one_half_needs_0_19_db():
    """One bit per QPSK symbol needs Es/N0 = 0.187 dB, the textbook limit of binary
    signalling at rate 1/2 (given to 0.001 dB; interpolation adds 0.005 dB)."""
    assert bicm_capacity_snr_db(2, 1.0) == pytest.approx(0.187, abs=0.006)


@pytest.mark.parametrize("order", ORDERS)
def test_capacity_equals_a_simulation(order):
    """Quadrature equals the mean over random symbols (4 standard errors, n = 40000)."""
    rng = np.random.default_rng(1)
    snr_db = 3.0 * order - 2
    no = 10 ** (-snr_db / 10)
    bits = rng.integers(0, 2, (1, 40000 * order))
    x = qam_modulate(bits, order)
    y = x + np.sqrt(no / 2) * (rng.normal(size=x.shape) + 1j * rng.normal(size=x.shape))
    llr = qam_demap(y, no, order).astype(float)
    loss = np.logaddexp(0, (1 - 2 * bits) * llr) / np.log(2)
    per_symbol = order - loss.reshape(-1, order).sum(axis=1)
    standard_error = per_symbol.std() / np.sqrt(len(per_symbol))
    assert abs(per_symbol.mean() - bicm_capacity(order, snr_db)) < 4 * standard_error


@pytest.mark.parametrize("order", ORDERS)
def test_capacity_is_bounded_and_grows(order):
    """0 <= I <= min(m, log2(1 + SNR)) up to float32 rounding of the LLRs (1e-6),
    rising in SNR, with an inverse (1e-3 dB)."""
    snr_db = np.arange(-20, 45, 0.5)
    capacity = bicm_capacity(order, snr_db)
    assert (np.diff(capacity) >= 0).all()
    limit = np.minimum(order, np.log2(1 + 10 ** (snr_db / 10)))
    assert (capacity <= limit + 1e-6).all()
    assert capacity[0] >= 0 and capacity[-1] == pytest.approx(order, abs=1e-6)
    inside = (capacity > 0.05) & (capacity < order - 0.05)
    inverse = bicm_capacity_snr_db(order, capacity[inside])
    np.testing.assert_allclose(inverse, snr_db[inside], atol=1e-3)


@pytest.mark.parametrize("order", ORDERS)
def test_effective_snr(order):
    """Equal streams keep their SNR (0.01 dB); unequal ones lie between (exact)."""
    equal = effective_snr_db(order, np.full((3, 2), 10.0))
    np.testing.assert_allclose(equal, 10.0, atol=0.01)
    unequal = effective_snr_db(order, np.array([[1.0, 10.0], [10.0, 1.0]]))
    assert unequal[0] == unequal[1]
    assert 0 < unequal[0] < 10
    assert np.isfinite(effective_snr_db(order, np.zeros((1, 2)))).all()
