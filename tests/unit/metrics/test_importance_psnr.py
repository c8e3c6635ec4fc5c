"""PSNR of the patches of each level of importance."""

import numpy as np
import pytest

from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.importance import PARTS, psnr_by_level

IMAGES = np.full((2, 32, 48, 3), 100, np.uint8)
LEVELS = np.array([[[3, 0, 0], [2, 1, 0]], [[0, 0, 0], [0, 0, 0]]])


def received(errors):
    """The images with an error per patch, uint8 levels added to every pixel of it."""
    return IMAGES + np.repeat(np.repeat(errors, 16, 1), 16, 2)[..., None].astype(
        "uint8"
    )


def test_every_level_has_the_psnr_of_its_own_patches():
    """Constant errors of 5, 7, 9 and 1 levels give the closed form of each level, and
    their mean square that of the non-background (float rounding)."""
    errors = np.array([[[5, 1, 1], [7, 9, 1]], [[1, 2, 3], [1, 2, 3]]])
    scores = psnr_by_level(IMAGES, received(errors), LEVELS)
    for part, error in (("high", 5), ("medium", 7), ("low", 9), ("background", 1)):
        assert scores[f"mse_{part}"][0] == pytest.approx(error**2, rel=1e-12)
        expected = 20 * np.log10(255 / error)
        assert scores[f"psnr_{part}"][0] == pytest.approx(expected, rel=1e-12)
    mean_square = (25 + 49 + 81) / 3
    assert scores["mse_non_background"][0] == pytest.approx(mean_square, rel=1e-12)
    assert scores["share_background"].tolist() == [0.5, 1.0]


def test_levels_that_an_image_lacks_are_nan():
    """An image of nothing but background has NaN elsewhere, and there its PSNR (float
    rounding)."""
    errors = np.array([np.ones((2, 3), int), [[1, 2, 3], [4, 5, 6]]])
    images_hat = received(errors)
    scores = psnr_by_level(IMAGES, images_hat, LEVELS)
    for part in ("high", "medium", "low", "non_background"):
        assert np.isnan(scores[f"psnr_{part}"][1]) and np.isnan(
            scores[f"mse_{part}"][1]
        )
    expected = psnr(IMAGES, images_hat)[1]
    assert scores["psnr_background"][1] == pytest.approx(expected, rel=1e-12)


def test_lossless_patches_count_60_db():
    """Patches without an error count 60 dB, as images do, and mse 0 (exact)."""
    scores = psnr_by_level(IMAGES, IMAGES, LEVELS)
    assert all(scores[f"psnr_{part}"][0] == pytest.approx(60.0) for part in PARTS)
    assert all(scores[f"mse_{part}"][0] == 0 for part in PARTS)


def test_patches_of_another_size():
    """A level of 32x32 pixels covers all of them (exact)."""
    images = np.zeros((1, 32, 64, 3), np.uint8)
    images_hat = images.copy()
    images_hat[:, :, 32:] = 10
    scores = psnr_by_level(images, images_hat, np.array([[[1, 2]]]), patch_size=32)
    assert (scores["mse_low"][0], scores["mse_medium"][0]) == (0.0, 100.0)


@pytest.mark.parametrize(
    "levels, patch_size, message",
    [
        (LEVELS[:1], 16, r"levels are int64 \(1, 2, 3\); give int \(2, 2, 3\)"),
        (LEVELS.astype(float), 16, "levels are float64"),
        (LEVELS + 1, 16, "levels go from 1 to 4; there are 0 to 3: background"),
        (LEVELS - 1, 16, "levels go from -1 to 2"),
        (LEVELS, 20, "images are 32x48: choose a patch_size that divides both, got 20"),
    ],
)
def test_levels_that_do_not_fit_are_refused(levels, patch_size, message):
    """The value received and what fits are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        psnr_by_level(IMAGES, IMAGES, levels, patch_size)
