"""Link metrics against simulation and theory."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from semcom_phy.metrics.link import (
    ErrorCount,
    count_errors,
    lmmse_sinr,
    lmmse_sum_rate,
    mimo_capacity,
    qam_ber_awgn,
    qam_ber_rayleigh,
    qpsk_ber_rayleigh,
)


def normal(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def qpsk(rng, num):
    bits = rng.integers(0, 2, (2, num))
    return bits, ((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) / np.sqrt(2)


def assert_rate(bits, y, expected):
    wrong = np.stack([y.real < 0, y.imag < 0]) != bits
    # The two bits of a fade are not independent: count symbols.
    per_symbol = wrong.mean(axis=0)
    standard_error = per_symbol.std() / np.sqrt(per_symbol.size)
    assert abs(per_symbol.mean() - expected) < 4 * standard_error


@pytest.mark.parametrize("snr_db", [0.0, 5.0, 8.0])
def test_qpsk_closed_forms_meet_a_simulation(snr_db):
    """Uncoded QPSK on AWGN, on 1x1 Rayleigh and with LS-estimated CSI from 1 and 4
    pilots (4 standard errors, n = 200000, seed 1)."""
    rng = np.random.default_rng(1)
    num, no = 200_000, 10 ** (-snr_db / 10)
    bits, x = qpsk(rng, num)
    noise = np.sqrt(no) * normal(rng, num)
    assert_rate(bits, x + noise, qam_ber_awgn(snr_db, 2))
    h = normal(rng, num)
    y = h * x + noise
    assert_rate(bits, y * h.conj(), qpsk_ber_rayleigh(snr_db))
    for num_pilots in (1, 4):
        h_hat = h + np.sqrt(no / num_pilots) * normal(rng, num)
        expected = qpsk_ber_rayleigh(snr_db, no / num_pilots)
        assert_rate(bits, y * h_hat.conj(), expected)


def test_qpsk_known_values():
    """Q(sqrt(10^0.96)) = 1.27e-3 at 9.6 dB; Rayleigh tends to N0 / 2 (1 %)."""
    assert qam_ber_awgn(9.6, 2) == pytest.approx(1.27e-3, rel=0.01)
    assert qpsk_ber_rayleigh(40.0) == pytest.approx(0.5e-4, rel=0.01)


def gray_levels(bits_per_level):
    """Levels of one real dimension and their labels, by reflection."""
    labels = np.zeros((1, 0), int)
    for _ in range(bits_per_level):
        zero, one = np.zeros((len(labels), 1), int), np.ones((len(labels), 1), int)
        labels = np.vstack([np.hstack([zero, labels]), np.hstack([one, labels[::-1]])])
    levels = np.arange(1.0 - len(labels), len(labels), 2)
    return levels / np.sqrt(2 * np.mean(levels**2)), labels


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("snr_db", [3.0, 15.0])
def test_qam_closed_forms_meet_a_simulation(order, snr_db):
    """Uncoded Gray QAM on AWGN and on 1x1 Rayleigh, decided by the nearest level of
    each real dimension (4 standard errors, n = 100000, seed 1)."""
    rng = np.random.default_rng(1)
    levels, labels = gray_levels(order // 2)
    sent = rng.integers(0, len(levels), 100_000)
    noise = rng.normal(size=sent.size) * np.sqrt(10 ** (-snr_db / 10) / 2)
    gain = np.abs(normal(rng, sent.size))
    for y, expected in (
        (levels[sent] + noise, qam_ber_awgn(snr_db, order)),
        (levels[sent] + noise / gain, qam_ber_rayleigh(snr_db, order)),
    ):
        decided = np.abs(y[:, None] - levels).argmin(axis=1)
        wrong = (labels[decided] != labels[sent]).mean(axis=1)
        standard_error = wrong.std() / np.sqrt(wrong.size)
        assert abs(wrong.mean() - expected) < 4 * standard_error + 1e-6


def test_closed_forms_of_qpsk_agree():
    """Without an error of the estimate the two forms for QPSK over Rayleigh fading are
    one, for arrays too (rounding)."""
    snr_db = np.array([[0.0, 10.0], [20.0, 30.0]])
    expected = qpsk_ber_rayleigh(snr_db)
    np.testing.assert_allclose(qam_ber_rayleigh(snr_db, 2), expected, rtol=1e-9)
    assert qam_ber_awgn(snr_db, 4).shape == snr_db.shape


@pytest.mark.parametrize("errors, trials", [(0, 7), (1, 64), (100, 20_000), (7, 7)])
def test_interval_is_that_of_the_beta_quantiles(errors, trials):
    """SciPy's exact interval has the ends that the beta distribution gives (1e-9)."""
    low, high = ErrorCount(errors, trials).interval()
    if errors:
        expected = beta.ppf(0.025, errors, trials - errors + 1)
        assert low == pytest.approx(expected, abs=1e-9)
    if errors < trials:
        expected = beta.ppf(0.975, errors + 1, trials - errors)
        assert high == pytest.approx(expected, abs=1e-9)


def test_error_count_interval_is_exact():
    """The ends are where the binomial tails hold 2.5 % (root finding: 1e-9)."""
    low, high = ErrorCount(7, 120).interval()
    assert binom.sf(6, 120, low) == pytest.approx(0.025, abs=1e-9)
    assert binom.cdf(7, 120, high) == pytest.approx(0.025, abs=1e-9)
    assert ErrorCount(0, 300).interval() == pytest.approx((0, 0.01222), abs=1e-5)
    assert ErrorCount(300, 300).interval()[1] == 1.0


def test_nothing_counted_is_none():
    """A rate without trials is None, never 0; counts add up (exact)."""
    assert ErrorCount().rate is None
    assert ErrorCount().interval() is None
    assert ErrorCount(1, 10) + ErrorCount(2, 5) == ErrorCount(3, 15)
    with pytest.raises(ValueError, match="Received"):
        ErrorCount(3, 2)


def test_count_errors():
    """Wrong bits and wrong blocks of a small example (exact)."""
    bits = np.zeros((3, 4))
    bits_hat = bits.copy()
    bits_hat[0, :2] = 1
    bits_hat[2, 3] = 1
    assert count_errors(bits, bits_hat) == (ErrorCount(3, 12), ErrorCount(2, 3))
    with pytest.raises(ValueError, match="Received"):
        count_errors(bits, bits_hat[:2])


def test_capacity_equals_singular_values():
    """log det equals the sum over singular values (float64 rounding); the L-MMSE sum
    rate never exceeds it and meets it on orthogonal columns."""
    h = normal(np.random.default_rng(2), 50, 4, 3)
    no = np.linspace(0.01, 2, 50)
    values = np.linalg.svd(h, compute_uv=False)
    expected = np.log2(1 + values**2 / no[:, None]).sum(axis=1)
    capacity = mimo_capacity(h, no)
    np.testing.assert_allclose(capacity, expected, rtol=1e-10)
    assert (lmmse_sum_rate(h, no) <= capacity + 1e-9).all()
    q = np.linalg.qr(h)[0]
    np.testing.assert_allclose(lmmse_sum_rate(q, no), mimo_capacity(q, no))


def test_lmmse_sinr_equals_the_detector():
    """SINR equals signal over interference and noise of the L-MMSE filter itself
    (float64 rounding)."""
    h, no = normal(np.random.default_rng(3), 3, 2), 0.3
    w = np.linalg.solve(h @ h.conj().T + no * np.eye(3), h).conj().T
    gain = w @ h
    signal = np.abs(np.diag(gain)) ** 2
    interference = (np.abs(gain) ** 2).sum(axis=1) - signal
    noise = no * (np.abs(w) ** 2).sum(axis=1)
    np.testing.assert_allclose(lmmse_sinr(h, no), signal / (interference + noise))
