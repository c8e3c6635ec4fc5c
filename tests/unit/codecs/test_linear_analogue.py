"""The linear analogue coder against theory and an independent computation."""

import numpy as np
import pytest

from semcom_phy.codecs.linear_analogue import (
    LinearAnalogueCoder,
    dequantise_scale,
    quantise_scale,
)
from semcom_phy.phy.power_allocation import power_allocation

SHAPE = (6, 4, 3)
SIZE = 72


def coder(count=SIZE, seed=0):
    """A coder with a random orthonormal basis and falling variances."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0]
    variance = 0.3 * np.exp(-np.arange(SIZE) / 8)
    mean = rng.uniform(0.3, 0.7, SIZE)
    return LinearAnalogueCoder(mean, basis[:, :count], variance[:count], SHAPE)


def pictures(count=5, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def lmmse_error(variance, powers, no):
    """Sum of the L-MMSE errors of coefficients sent with these powers."""
    return np.sum(variance / (1 + powers / no))


@pytest.mark.parametrize("no", [1e-3, 0.05, 1.0, 100.0])
def test_power_allocation_meets_its_optimality_conditions(no):
    """KKT: the error falls equally fast with the power of every coefficient in use, and
    no faster with that of one left out; the powers sum to the total (1e-9)."""
    variance, total = np.exp(-np.arange(30) / 4.0), 12.0
    powers = power_allocation(variance, no, total)
    assert powers.shape == (30,) and powers.min() >= 0
    np.testing.assert_allclose(powers.sum(), total, rtol=1e-9)
    slope = variance * no / (powers + no) ** 2
    used = powers > 0
    np.testing.assert_allclose(slope[used], slope[0], rtol=1e-9)
    assert np.all(slope[~used] <= slope[0] * (1 + 1e-9))
    assert no < 0.1 or not used.all()


def test_power_allocation_beats_its_neighbours():
    """No shift of power between two coefficients lowers the error (200 of them, seed
    2), nor does an even split."""
    rng = np.random.default_rng(2)
    variance, no, total = np.exp(-np.arange(12) / 3.0), 0.2, 6.0
    powers = power_allocation(variance, no, total)
    least = lmmse_error(variance, powers, no)
    assert lmmse_error(variance, np.full(12, total / 12), no) > 1.1 * least
    for _ in range(200):
        source, target = rng.choice(12, 2, replace=False)
        moved = rng.uniform(0, powers[source])
        other = powers.copy()
        other[source] -= moved
        other[target] += moved
        assert lmmse_error(variance, other, no) >= least * (1 - 1e-12)


def test_encoder_against_numpy():
    """Two coefficients a symbol, real and imaginary part, with the gains of the
    allocation for the SNR; unit power over the ensemble (1e-4)."""
    images, linear = pictures(), coder()
    z = linear.encode(images, 7.0, 20)
    assert z.shape == (5, 20) and z.dtype == np.complex64
    powers = power_allocation(linear.variance[:40], 10**-0.7 / 2, 20.0)
    flat = images.reshape(5, -1) / 255 - linear.mean
    values = np.sqrt(powers / linear.variance[:40]) * (flat @ linear.basis[:, :40])
    np.testing.assert_allclose(z, values[:, ::2] + 1j * values[:, 1::2], atol=1e-4)
    np.testing.assert_allclose(powers.sum() / 20, 1.0)


def test_decoder_is_the_l_mmse_estimator():
    """The matrix estimator mean + C A^T (A C A^T + N)^-1 z gives the same image, with
    another error variance on every symbol (1e-4)."""
    linear, rng = coder(), np.random.default_rng(3)
    z = rng.standard_normal((4, 10, 2)).astype("float32").view("complex64")[..., 0]
    no_eff = rng.uniform(0.05, 2.0, (4, 10)).astype("float32")
    images_hat = linear.decode(z, no_eff, 5.0)
    assert images_hat.shape == (4, *SHAPE) and images_hat.dtype == np.float32

    variance = linear.variance[:20]
    gain = np.sqrt(power_allocation(variance, 10**-0.5 / 2, 10.0) / variance)
    sent = np.diag(gain) @ linear.basis[:, :20].T.astype(float)
    covariance = linear.basis @ np.diag(linear.variance) @ linear.basis.T
    for i in range(4):
        received = np.stack([z[i].real, z[i].imag], 1).ravel()
        noise = np.diag(np.repeat(no_eff[i], 2) / 2)
        inverse = np.linalg.inv(sent @ covariance @ sent.T + noise)
        expected = linear.mean + covariance @ sent.T @ inverse @ received
        np.testing.assert_allclose(images_hat[i].ravel(), expected, atol=1e-4)


def test_error_equals_theory_on_awgn():
    """Images of the model's own statistics meet the L-MMSE error (4 standard errors,
    n = 4000, seed 4)."""
    linear, rng = coder(), np.random.default_rng(4)
    values = rng.standard_normal((4000, SIZE)) * np.sqrt(linear.variance)
    flat = linear.mean + values @ linear.basis.T
    no = 10**-0.4
    gain = linear._gain(4.0, 12)
    z = values[:, :24] * gain
    noise = rng.standard_normal((4000, 12, 2)) @ [1, 1j] * np.sqrt(no / 2)
    z_hat = z[:, ::2] + 1j * z[:, 1::2] + noise
    images_hat = linear.decode(z_hat, np.full((4000, 12), no), 4.0)
    error = np.sum((images_hat.reshape(4000, -1) - flat) ** 2, axis=1)
    powers = power_allocation(linear.variance[:24], no / 2, 12.0)
    expected = lmmse_error(linear.variance[:24], powers, no / 2)
    expected += linear.variance[24:].sum()
    assert abs(error.mean() - expected) < 4 * error.std() / np.sqrt(4000)


def test_without_noise_the_projection_comes_back():
    """no -> 0 leaves what the coefficients hold (1e-4); all of them hold the image."""
    images = pictures()
    for count, symbols in ((30, 15), (SIZE, SIZE // 2)):
        linear = coder(count)
        z = linear.encode(images, 80.0, symbols)
        images_hat = linear.decode(z, np.full(z.shape, 1e-8), 80.0)
        flat = images.reshape(5, -1) / 255 - linear.mean
        kept = linear.mean + flat @ linear.basis @ linear.basis.T
        np.testing.assert_allclose(images_hat.reshape(5, -1), kept, atol=1e-4)
    np.testing.assert_allclose(images_hat, images / 255, atol=1e-4)


def test_without_signal_the_mean_comes_back():
    """no -> infinity leaves the mean image (1e-4)."""
    linear = coder()
    z = linear.encode(pictures(), 0.0, 10)
    images_hat = linear.decode(z, np.full(z.shape, 1e9), 0.0)
    np.testing.assert_allclose(images_hat[0].ravel(), linear.mean, atol=1e-4)


def test_fit_is_the_klt_of_images_and_mirror_images():
    """Orthonormal axes that diagonalise the covariance; a mirrored set fits the same
    variances (1e-4)."""
    images = pictures(60)
    linear = LinearAnalogueCoder.fit(images, 20)
    assert linear.basis.shape == (SIZE, 20) and np.all(np.diff(linear.variance) <= 0)
    both = np.concatenate([images, images[:, :, ::-1]]).reshape(120, -1) / 255
    np.testing.assert_allclose(linear.mean, both.mean(0), atol=1e-5)
    covariance = linear.basis.T @ np.cov(both.T) @ linear.basis
    np.testing.assert_allclose(covariance, np.diag(linear.variance), atol=1e-4)
    mirrored = LinearAnalogueCoder.fit(images[:, :, ::-1], 20)
    np.testing.assert_allclose(mirrored.variance, linear.variance, rtol=1e-4)


def test_fewer_images_than_coefficients_still_fit():
    """Variances of 0, or below by rounding, get no power, and no NaN (exact)."""
    linear = LinearAnalogueCoder.fit(pictures(3), 40)
    variance = np.where(np.arange(40) < 5, linear.variance, 0.0)
    variance[-1] = -1e-10
    linear = LinearAnalogueCoder(linear.mean, linear.basis, variance, SHAPE)
    with np.errstate(all="raise"):
        z = linear.encode(pictures(3), 10.0, 20)
        images_hat = linear.decode(z, np.full(z.shape, 0.1), 10.0)
    assert np.any(z[:, :2]) and not np.any(z[:, 3:])
    assert np.isfinite(images_hat).all()


def test_scale_survives_its_byte():
    """One byte per image; at most half a step of 8/255 octaves is lost from 1/16 to 16,
    what lies beyond is held at the ends."""
    scale = np.geomspace(1 / 16, 16, 1000)
    coded = quantise_scale(scale)
    assert all(isinstance(c, bytes) and len(c) == 1 for c in coded)
    decoded = np.array([dequantise_scale(c) for c in coded])
    assert np.abs(np.log2(decoded / scale)).max() <= 4 / 255 + 1e-6
    ends = [dequantise_scale(c) for c in quantise_scale(np.array([1e-6, 1e6]))]
    np.testing.assert_allclose(ends, [1 / 16, 16])


def test_bad_input_is_an_error():
    """Sizes that do not fit are named (exact)."""
    linear = coder(20)
    with pytest.raises(ValueError, match="11 symbols need 22 coefficients.*20"):
        linear.encode(pictures(), 5.0, 11)
    with pytest.raises(ValueError, match=r"\(6, 4, 3\), got \(5, 5, 3\)"):
        linear.encode(np.zeros((1, 5, 5, 3), "uint8"), 5.0, 4)
    with pytest.raises(ValueError, match="do not fit images of shape"):
        LinearAnalogueCoder(linear.mean, linear.basis, np.ones(3), SHAPE)
