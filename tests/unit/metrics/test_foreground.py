"""PSNR and MS-SSIM of the foreground and of the background alone."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from semcom_phy.metrics.foreground import ms_ssim_by_mask, psnr_by_mask
from semcom_phy.metrics.image import MS_SSIM_WEIGHTS, ms_ssim, psnr

RNG = np.random.default_rng(1)
SMOOTH = RNG.integers(0, 256, (3, 8, 8, 3), np.uint8).repeat(16, 1).repeat(16, 2)
NOISE = RNG.normal(0, 20, SMOOTH.shape)
NOISY = np.clip(SMOOTH + NOISE, 0, 255).round().astype(np.uint8)
MASKS = np.zeros(SMOOTH.shape[:3], np.uint8)
MASKS[0, 30:90, 40:100] = MASKS[1, :, :17] = MASKS[2, 127, 127] = 1


def test_each_part_has_the_psnr_of_its_own_pixels():
    """Constant errors give the closed form (rounding of floats)."""
    images = np.full((1, 16, 20, 3), 100, np.uint8)
    masks = RNG.integers(0, 2, (1, 16, 20), np.uint8)
    images_hat = images + np.where(masks, 7, 3)[..., None].astype(np.uint8)
    found = psnr_by_mask(images, images_hat, masks)
    for part, error in (("foreground", 7), ("background", 3)):
        expected = 20 * np.log10(255 / error)
        np.testing.assert_allclose(found[part], [expected], rtol=1e-12)


def test_the_parts_make_up_the_whole():
    """Squared errors by the shares of the pixels are those of the image, and a mask of
    ones has its PSNR (rounding of floats)."""
    found = psnr_by_mask(SMOOTH, NOISY, MASKS)
    mse = {part: 255**2 * 10 ** (-values / 10) for part, values in found.items()}
    share = MASKS.mean(axis=(1, 2))
    whole = share * mse["foreground"] + (1 - share) * mse["background"]
    expected = psnr(SMOOTH, NOISY)
    np.testing.assert_allclose(10 * np.log10(255**2 / whole), expected, rtol=1e-12)
    ones = psnr_by_mask(SMOOTH, NOISY, np.ones_like(MASKS))
    np.testing.assert_allclose(ones["foreground"], expected, rtol=1e-12)


@pytest.mark.parametrize("scores", [psnr_by_mask, ms_ssim_by_mask])
def test_a_part_that_an_image_lacks_is_nan(scores):
    """The other part is there, equal images have 60 dB or 1 (exact)."""
    masks = np.stack([0 * MASKS[0], 0 * MASKS[0] + 1, MASKS[0]])
    found = scores(SMOOTH, SMOOTH, masks)
    best = 60 if scores is psnr_by_mask else 1
    for part, expected in (
        ("foreground", [np.nan, best, best]),
        ("background", [best, np.nan, best]),
    ):
        np.testing.assert_allclose(found[part], expected, rtol=1e-12)


def halved(values):
    return values.reshape(len(values) // 2, 2, values.shape[1] // 2, 2).mean((1, 3))


def reference(one, other, mask):
    """MS-SSIM of a part with scikit-image's maps of each colour, which it mirrors."""
    weights = np.array(MS_SSIM_WEIGHTS[:4]) / sum(MS_SSIM_WEIGHTS[:4])
    of_colours = []
    for colour in range(3):
        a, b = (x[..., colour].astype(float) for x in (one, other))
        part, product = mask.astype(float), 1.0
        for scale, weight in enumerate(weights):
            _, values = structural_similarity(
                a,
                b,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                K1=0.01 if scale == 3 else 1e8,
                full=True,
            )
            mean = np.average(values, weights=part)
            product *= max(mean, 0) ** weight
            a, b, part = halved(a), halved(b), halved(part)
        of_colours.append(product)
    return np.mean(of_colours)


def test_ms_ssim_of_a_part_is_that_of_scikit_image_s_maps():
    """Four scales of 128 pixels, weighted by the share of the part, image by image,
    also of a single pixel in a corner (1e-9)."""
    found = ms_ssim_by_mask(SMOOTH, NOISY, MASKS)
    for part, masks in (("foreground", MASKS), ("background", 1 - MASKS)):
        expected = [reference(*one) for one in zip(SMOOTH, NOISY, masks, strict=True)]
        np.testing.assert_allclose(found[part], expected, rtol=1e-9)


def test_a_mask_of_ones_is_close_to_the_whole():
    """But for the mirrored edges (0.02)."""
    ones = ms_ssim_by_mask(SMOOTH, NOISY, np.ones_like(MASKS))["foreground"]
    np.testing.assert_allclose(ones, ms_ssim(SMOOTH, NOISY), atol=0.02)


def test_errors_count_where_they_are():
    """An image with noise in its background alone has a perfect foreground in PSNR
    (exact), and a better one than background in MS-SSIM; and the other way round."""
    for part, other, masks in (
        ("foreground", "background", MASKS[:2]),
        ("background", "foreground", 1 - MASKS[:2]),
    ):
        received = np.where(masks[..., None], SMOOTH[:2], NOISY[:2])
        assert (psnr_by_mask(SMOOTH[:2], received, MASKS[:2])[part] == 60).all()
        found = ms_ssim_by_mask(SMOOTH[:2], received, MASKS[:2])
        assert (found[part] > found[other] + 0.02).all()


@pytest.mark.parametrize("scores", [psnr_by_mask, ms_ssim_by_mask])
@pytest.mark.parametrize(
    "masks", [MASKS[:2], MASKS * 255, MASKS.astype(float), MASKS[..., None]]
)
def test_what_is_no_mask_is_refused(scores, masks):
    """With what it is (exact)."""
    with pytest.raises(ValueError, match="masks are .*; give uint8 .3, 128, 128. of 1"):
        scores(SMOOTH, NOISY, masks)
