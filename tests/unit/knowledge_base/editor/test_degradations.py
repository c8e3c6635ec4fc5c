"""What restoration is trained to undo."""

import numpy as np
import pytest

from link_models.training.knowledge.degradations import KINDS, degraded, motion_kernel


@pytest.fixture
def image():
    y, x = np.mgrid[:64, :64]
    image = np.stack([4 * x, 4 * y, 255 - 2 * x - 2 * y], -1).clip(0, 255)
    image[16:40, 16:40] = (230, 30, 60)
    return image.astype("uint8")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_degradation_is_a_function_of_its_generator(image, kind):
    """The picture itself is left as it is; all kinds but the first change it."""
    kept = image.copy()
    first, again, other = (
        degraded(image, kind, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(first, again)
    assert first.shape == image.shape and first.dtype == np.uint8
    assert np.any(first != image) == (kind != "clean")
    assert np.any(first != other) == (kind != "clean")


def test_noise_has_the_deviation_that_is_drawn():
    """Grey 128 under noise: the mean deviation over 200 draws of sigma, uniform in 1 to
    25, is 13 within 4 standard errors (6.9 / sqrt(200))."""
    image = np.full((32, 32, 3), 128, "uint8")
    rng = np.random.default_rng(0)
    found = [degraded(image, "noise", rng).astype(float).std() for _ in range(200)]
    assert abs(np.mean(found) - 13) < 4 * 6.9 / np.sqrt(200)


@pytest.mark.parametrize("kind", ["gaussian_blur", "motion_blur", "rescaled"])
def test_blur_keeps_a_flat_picture(kind):
    image = np.full((32, 48, 3), (10, 128, 250), "uint8")
    np.testing.assert_array_equal(
        degraded(image, kind, np.random.default_rng(0)), image
    )


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, 1.0])
def test_motion_is_a_line_of_its_length(angle):
    """Mass one, around the middle; variance along the line L^2 / 12, and what two
    neighbours share (1/6 on average) beside it."""
    kernel = motion_kernel(9.0, angle)
    middle = len(kernel) // 2
    y, x = np.mgrid[: len(kernel), : len(kernel)] - middle
    assert np.isclose(kernel.sum(), 1)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle)
    across = across - x * np.sin(angle)
    assert abs((kernel * along).sum()) < 1e-3
    assert abs((kernel * along**2).sum() - 81 / 12) < 0.5
    assert (kernel * across**2).sum() < 0.3


def test_unknown_kinds_are_told(image):
    with pytest.raises(ValueError, match="there are clean"):
        degraded(image, "rain", np.random.default_rng(0))
