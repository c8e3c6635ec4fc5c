"""Eigenmode transmission: orthogonal streams, powers of water-filling."""

import numpy as np
import pytest
from scipy.optimize import minimize

from semcom_phy.phy.precoding import svd_precoder


def channels(batch, num_rx_ant, num_tx_ant, seed=0):
    shape = (2, batch, 1, num_rx_ant, num_tx_ant, 1, 1)
    parts = np.random.default_rng(seed).standard_normal(shape) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def received(h, w):
    """H W in double precision."""
    return h[:, 0, :, :, 0, 0].astype(complex) @ w


def powers_of(w):
    """Energy of the columns of each precoder, float64."""
    return np.sum(np.abs(w.astype(complex)) ** 2, axis=1)


@pytest.mark.parametrize("power", ["equal", "waterfilling"])
@pytest.mark.parametrize("num_rx_ant, num_tx_ant", [(1, 1), (2, 2), (4, 4), (4, 2)])
def test_streams_are_orthogonal_and_fall(num_rx_ant, num_tx_ant, power):
    """Columns of H W are orthogonal with falling norms, and the powers sum to the
    number of transmit antennas (float32 rounding, 1e-5)."""
    h = channels(50, num_rx_ant, num_tx_ant)
    w = svd_precoder(h, np.linspace(-10, 30, 50), power)
    assert w.shape == (50, num_tx_ant, num_tx_ant) and w.dtype == np.complex64
    product = received(h, w)
    gram = np.conj(np.swapaxes(product, 1, 2)) @ product
    gains = np.einsum("bkk->bk", gram).real
    np.testing.assert_allclose(gram * (1 - np.eye(num_tx_ant)), 0, atol=1e-5)
    assert np.all(np.diff(gains, axis=1) <= 0)
    np.testing.assert_allclose(powers_of(w).sum(1), num_tx_ant, rtol=1e-5)


def test_equal_powers_give_the_singular_values():
    """A unitary precoder; column norms of H W are the singular values (1e-5)."""
    h = channels(20, 4, 3)
    w = svd_precoder(h, 10.0)
    np.testing.assert_allclose(powers_of(w), 1, rtol=1e-5)
    norms = np.linalg.norm(received(h, w), axis=1)
    singular = np.linalg.svd(h[:, 0, :, :, 0, 0].astype(complex), compute_uv=False)
    np.testing.assert_allclose(norms, singular, rtol=1e-5)


def gains_of(h, snr_db):
    """SNR of every mode with power 1."""
    singular = np.linalg.svd(h[:, 0, :, :, 0, 0].astype(complex), compute_uv=False)
    return singular**2 / (h.shape[3] * 10 ** (-snr_db / 10))


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 10.0, 20.0])
def test_waterfilling_of_two_modes_is_the_best_on_a_grid(snr_db):
    """Of 20001 ways to share the power this one has the largest sum of log(1 + SNR)
    (1e-3: grid, and the least power of a mode)."""
    h = channels(40, 2, 2)
    powers = powers_of(svd_precoder(h, snr_db, "waterfilling"))
    gains = gains_of(h, snr_db)
    first = np.linspace(0, 2, 20001)[:, None]
    rate = np.log1p(first * gains[:, 0]) + np.log1p((2 - first) * gains[:, 1])
    np.testing.assert_allclose(powers[:, 0], first[rate.argmax(0), 0], atol=1e-3)
    ours = np.log1p(powers * gains).sum(1)
    np.testing.assert_allclose(ours, rate.max(0), atol=1e-3)


def test_waterfilling_of_many_modes_is_the_optimum():
    """The sum of log(1 + SNR) is that of SciPy's constrained optimiser (1e-3), with
    none, some and all of four modes left dry."""
    h, snr_db = channels(12, 4, 4), np.repeat([-10.0, 5.0, 20.0], 4)
    powers = powers_of(svd_precoder(h, snr_db, "waterfilling"))
    dry = (powers < 1e-3).sum(1)
    assert dry.min() == 0 and dry.max() == 3
    for image in range(12):
        gains = gains_of(h[image : image + 1], snr_db[image])[0]
        best = minimize(
            lambda p, g=gains: -np.sum(np.log1p(np.maximum(p, 0) * g)),
            np.ones(4),
            bounds=[(0, 4)] * 4,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 4},
        )
        assert best.success
        ours = np.log1p(powers[image] * gains).sum()
        np.testing.assert_allclose(ours, -best.fun, atol=1e-3)


def test_waterfilling_at_high_snr_fills_all_modes_equally():
    """At 80 dB every power is 1 (1e-2: the weakest of 30 fades has a gain of 60 dB)."""
    powers = powers_of(svd_precoder(channels(30, 3, 3), 80.0, "waterfilling"))
    np.testing.assert_allclose(powers, 1, atol=1e-2)


def test_no_mode_is_without_any_power():
    """At -20 dB weak modes get at least 1e-4, not 0, which no filter could invert."""
    powers = powers_of(svd_precoder(channels(30, 4, 4), -20.0, "waterfilling"))
    assert powers[:, 3].max() < 1e-3 and powers.min() > 0.99e-4


@pytest.mark.parametrize(
    "shape",
    [(3, 2, 2, 2, 1, 1), (3, 1, 2, 2, 7, 1), (3, 1, 2, 2, 1, 16), (3, 2, 2)],
)
def test_selective_channels_are_refused(shape):
    """The shape received is in the message (exact)."""
    named = ", ".join(map(str, shape))
    with pytest.raises(ValueError, match=rf"got \({named}\): precoding needs a flat"):
        svd_precoder(np.ones(shape, np.complex64), 10.0)


def test_unknown_powers_are_refused():
    """The name received is in the message (exact)."""
    with pytest.raises(ValueError, match="got 'greedy'"):
        svd_precoder(channels(1, 2, 2), 10.0, "greedy")


@pytest.mark.parametrize("power", ["equal", "waterfilling"])
@pytest.mark.parametrize("num_modes", [1, 3])
def test_the_strongest_modes_share_the_power(power, num_modes):
    """All of it goes to the first columns, others get 1e-4; columns point where those
    of all modes do (1e-4)."""
    h = channels(20, 4, 4)
    whole = svd_precoder(h, 20.0)
    w = svd_precoder(h, 20.0, power, num_modes=num_modes)
    powers = powers_of(w)
    np.testing.assert_allclose(powers.sum(axis=1), 4, rtol=1e-4)
    np.testing.assert_allclose(powers[:, num_modes:], 1e-4, rtol=1e-4)
    if power == "equal":
        np.testing.assert_allclose(powers[:, :num_modes], 4 / num_modes, rtol=1e-3)
    np.testing.assert_allclose(w / np.sqrt(powers)[:, None], whole, atol=1e-4)
    for wrong in (0, 5):
        with pytest.raises(ValueError, match=f"from 1 to 4, got {wrong}"):
            svd_precoder(h, 20.0, power, num_modes=wrong)
