"""PSNR, SSIM and MS-SSIM of image batches."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from semcom_phy.metrics import image as image_metrics
from semcom_phy.metrics.image import (
    MS_SSIM_WEIGHTS,
    ms_ssim,
    ms_ssim_db,
    mse,
    num_ms_ssim_scales,
    psnr,
    psnr_of_mean_mse,
    ssim,
)
from semcom_phy.sources.images import load_images


@pytest.fixture(scope="module")
def pair():
    images = load_images("sample", 6)[0]
    noise = np.random.default_rng(1).normal(0, 12, images.shape)
    return images, np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)


def test_psnr_of_a_constant_error():
    """An error of 5 levels everywhere has the closed form 20 log10(255 / 5) (float
    rounding), one value per image."""
    images = np.full((3, 16, 16, 3), 100, np.uint8)
    values = psnr(images, images + 5)
    assert values.shape == (3,) and values.dtype == np.float64
    np.testing.assert_allclose(values, 20 * np.log10(255 / 5), rtol=1e-12)


def test_psnr_is_not_fooled_by_wraparound():
    """Black against white is 0 dB in both orders: differences are not taken in uint8
    (exact)."""
    black, white = np.zeros((1, 16, 16, 3), np.uint8), np.full((1, 16, 16, 3), 255)
    white = white.astype(np.uint8)
    assert psnr(black, white)[0] == psnr(white, black)[0] == 0


def test_lossless_counts_60_db():
    """A lossless image counts 60 dB, and a single wrong level no more (exact)."""
    images = np.full((2, 32, 32, 3), 100, np.uint8)
    images_hat = images.copy()
    images_hat[1, 0, 0, 0] = 101
    np.testing.assert_allclose(psnr(images, images_hat), 60, rtol=1e-12)


def test_large_images_in_strips(monkeypatch):
    """A few rows at a time give what the whole images give (exact)."""
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (2, 61, 45, 3), np.uint8)
    images_hat = np.clip(images + rng.normal(0, 9, images.shape), 0, 255).astype("u1")
    measures = (psnr, ssim, ms_ssim)
    whole = [measure(images, images_hat) for measure in measures]
    monkeypatch.setattr(image_metrics, "_PIXELS_AT_ONCE", 7 * 45 * 3)
    for measure, expected in zip(measures, whole, strict=True):
        np.testing.assert_array_equal(measure(images, images_hat), expected)


def test_psnr_of_mean_mse():
    """It is the PSNR of the averaged error, below the mean PSNR (float rounding)."""
    images = np.full((2, 16, 16, 3), 100, np.uint8)
    images_hat = images.copy()
    images_hat[0] += 1
    images_hat[1] += 7
    value = psnr_of_mean_mse(images, images_hat)
    assert value == pytest.approx(10 * np.log10(255**2 / 25), rel=1e-12)
    assert value < psnr(images, images_hat).mean()
    np.testing.assert_allclose(mse(images, images_hat), [1, 49])


@pytest.mark.parametrize("pixels_at_once", [1, 6000, 2**20])
@pytest.mark.parametrize("size", [32, (24, 43)])
def test_ssim_equals_scikit_image(monkeypatch, pixels_at_once, size):
    """SSIM equals scikit-image's with Gaussian weights, image by image, whatever the
    size and however many images are computed at once (1e-12: rounding)."""
    monkeypatch.setattr(image_metrics, "_PIXELS_AT_ONCE", pixels_at_once)
    images = load_images("sample", 5, size=size)[0]
    noise = np.random.default_rng(1).normal(0, 12, images.shape)
    pair = images, np.clip(np.rint(images + noise), 0, 255).astype(np.uint8)
    expected = [
        structural_similarity(
            image,
            image_hat,
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for image, image_hat in zip(*pair, strict=True)
    ]
    np.testing.assert_allclose(ssim(*pair), expected, atol=1e-12)


def test_ms_ssim_by_its_definition(pair):
    """Contrast-structure terms of all scales but the last, SSIM of the last, from
    Gaussian means of pixels (1e-12: rounding)."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    weights = np.array(MS_SSIM_WEIGHTS[:2]) / sum(MS_SSIM_WEIGHTS[:2])

    def smooth(values):
        inside = gaussian_filter(values, (0, 1.5, 1.5, 0), truncate=3.5)
        return inside[:, 5:-5, 5:-5]

    a, b = (images.astype(float) for images in pair)
    product = 1.0
    for scale, weight in enumerate(weights):
        if scale == 1:
            a, b = (x.reshape(-1, 16, 2, 16, 2, 3).mean((2, 4)) for x in (a, b))
        mean_a, mean_b = smooth(a), smooth(b)
        variances = smooth(a**2) - mean_a**2 + smooth(b**2) - mean_b**2
        term = (2 * (smooth(a * b) - mean_a * mean_b) + c2) / (variances + c2)
        if scale == 1:
            term *= (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        product = product * term.mean((1, 2)) ** weight
    np.testing.assert_allclose(ms_ssim(*pair), product.mean(-1), atol=1e-12)


@pytest.mark.parametrize("size, scales", [((176, 208), 5), ((175, 192), 4)])
def test_ms_ssim_of_large_images_by_plain_sums(monkeypatch, size, scales):
    """The paper's five scales with its weights, and the first four of a picture that is
    one pixel too small, from sums over every 11x11 window; two images in groups of one
    (1e-10: rounding)."""
    monkeypatch.setattr(image_metrics, "_PIXELS_AT_ONCE", 1)
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (2, 22, 26, 3)).astype("uint8")
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : size[0], : size[1]]
    error = rng.normal(0, 20, images.shape)
    images_hat = np.clip(np.rint(images + error), 0, 255).astype("uint8")
    paper = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    square = np.arange(-5, 6) ** 2
    window = np.exp(-np.add.outer(square, square) / (2 * 1.5**2))
    window /= window.sum()

    def smooth(values):
        shown = np.lib.stride_tricks.sliding_window_view(values, (11, 11), (0, 1))
        return np.einsum("hwcij,ij->hwc", shown, window)

    def value(a, b):
        product = np.ones(3)
        for scale, weight in enumerate(paper / paper.sum()):
            mean_a, mean_b = smooth(a), smooth(b)
            both = smooth(a * b) - mean_a * mean_b
            spread = smooth(a * a) - mean_a**2 + smooth(b * b) - mean_b**2
            term = (2 * both + 58.5225) / (spread + 58.5225)
            if scale == scales - 1:
                means = mean_a**2 + mean_b**2
                term *= (2 * mean_a * mean_b + 6.5025) / (means + 6.5025)
            product *= term.mean((0, 1)) ** weight
            rows, columns = (side // 2 * 2 for side in a.shape[:2])
            a, b = (
                (x[:rows:2, :columns:2] + x[1:rows:2, :columns:2]) / 4
                + (x[:rows:2, 1:columns:2] + x[1:rows:2, 1:columns:2]) / 4
                for x in (a, b)
            )
        return product.mean()

    pairs = zip(images.astype(float), images_hat.astype(float), strict=True)
    expected = np.array([value(*pair) for pair in pairs])
    assert np.all((expected > 0.5) & (expected < 0.99))
    np.testing.assert_allclose(ms_ssim(images, images_hat), expected, atol=1e-10)
    np.testing.assert_allclose(
        ms_ssim_db(images, images_hat), -10 * np.log10(1 - expected), atol=1e-6
    )


def test_ms_ssim_in_db_of_each_image(pair):
    """-10 log10(1 - MS-SSIM) of every image, 60 dB of a lossless one and of one that
    comes closer (exact)."""
    images, images_hat = (images[:3].copy() for images in pair)
    images_hat[1], images_hat[2] = images[1], images[2]
    images_hat[2, 0, 0, 0] ^= 1
    values = ms_ssim_db(images, images_hat)
    assert values.dtype == np.float64 and values.shape == (3,)
    assert values[0] == pytest.approx(-10 * np.log10(1 - ms_ssim(*pair)[0]), rel=1e-12)
    assert 0 < values[0] < 30
    np.testing.assert_allclose(values[1:], 60, rtol=1e-12)


def test_equal_images_score_one(pair):
    """SSIM and MS-SSIM of equal images are 1 (float rounding), of noisy ones less."""
    images, images_hat = pair
    for metric in (ssim, ms_ssim):
        np.testing.assert_allclose(metric(images, images), 1, atol=1e-12)
        assert np.all(metric(images, images_hat) < 1)


@pytest.mark.parametrize(
    "side, scales",
    [(10, 0), (11, 1), (21, 1), (22, 2), (32, 2), (44, 3), (175, 4), (176, 5)],
)
def test_number_of_scales(side, scales):
    """The 11x11 window fits into the image at every scale, up to the original's five
    scales from 176 pixels on."""
    assert num_ms_ssim_scales(side, 2 * side) == scales


def test_ms_ssim_of_a_contrast_change():
    """Two scales of a constant pair: contrast terms are 1, the luminance term of the
    last scale has a closed form (float rounding)."""
    images = np.full((1, 32, 32, 3), 100, np.uint8)
    c1 = (0.01 * 255) ** 2
    luminance = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    weight = MS_SSIM_WEIGHTS[1] / sum(MS_SSIM_WEIGHTS[:2])
    value = ms_ssim(images, images + np.uint8(50))
    np.testing.assert_allclose(value, luminance**weight, rtol=1e-9)


def test_second_scale_is_the_mean_of_2x2_pixels():
    """A checkerboard of +-8 levels vanishes at the second scale, so that only the
    first scale's contrast term is left, in closed form (2 %: window edges)."""
    images = np.full((1, 32, 32, 3), 100, np.uint8)
    checkerboard = 8 * (-1) ** np.add.outer(np.arange(32), np.arange(32))
    images_hat = (images + checkerboard[None, :, :, None]).astype(np.uint8)
    c2 = (0.03 * 255) ** 2
    weight = MS_SSIM_WEIGHTS[0] / sum(MS_SSIM_WEIGHTS[:2])
    expected = (c2 / (8**2 + c2)) ** weight
    np.testing.assert_allclose(ms_ssim(images, images_hat), expected, rtol=0.02)


def test_coarse_scales_forgive_pixel_noise(pair):
    """MS-SSIM exceeds SSIM under white noise, which halving averages out."""
    assert np.all(ms_ssim(*pair) > ssim(*pair))


@pytest.mark.parametrize(
    "images, images_hat",
    [
        (np.zeros((2, 32, 32, 3)), np.zeros((2, 32, 32, 3))),
        (np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)),
        (np.zeros((2, 32, 32, 4), np.uint8), np.zeros((2, 32, 32, 4), np.uint8)),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros((1, 32, 32, 3), np.uint8)),
    ],
    ids=["float", "no batch", "alpha", "unequal"],
)
def test_wrong_batches_raise(images, images_hat):
    """Anything but two uint8 batches of one shape is refused with its shape."""
    for metric in (psnr, psnr_of_mean_mse, ssim, ms_ssim, ms_ssim_db):
        with pytest.raises(ValueError, match="images are"):
            metric(images, images_hat)


def test_too_small_for_the_window():
    """Images smaller than the SSIM window are refused."""
    images = np.zeros((1, 8, 8, 3), np.uint8)
    for metric in (ssim, ms_ssim):
        with pytest.raises(ValueError, match="11 pixels a side"):
            metric(images, images)
