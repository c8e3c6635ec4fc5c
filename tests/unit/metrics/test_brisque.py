"""BRISQUE: the scores of the package whose support vectors it reads."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from skimage import data

from semcom_phy.metrics.brisque import _fit, _halved, brisque, brisque_features

# Of brisque 0.2.0 with OpenCV 4.14, SciPy 1.17, scikit-image 0.26, libsvm 3.37.
REFERENCE = {
    "astronaut": 2.4293745285907278,
    "cat": 8.282338776911132,
    "coffee": -10.572085627060375,
    "noise": 49.37446829237999,
    "smooth": 35.16766610305123,
    "white": 95.82751715501523,
}


def pictures():
    """Crops of photographs as they are, with noise and smoothed; noise alone."""
    rng = np.random.default_rng(1)
    cat, coffee = data.chelsea(), data.coffee()[150:246, 150:278]
    noise = cat[100:196, 100:228] + rng.normal(0, 25, (96, 128, 3))
    return {
        "astronaut": data.astronaut()[:128, 160:288],
        "cat": cat[100:197, 100:231],
        "coffee": coffee,
        "noise": np.clip(noise, 0, 255).astype("uint8"),
        "smooth": uniform_filter(coffee, (5, 5, 1)),
        "white": rng.integers(0, 256, (61, 47, 3), "uint8"),
    }


PICTURES = pictures()


@pytest.mark.parametrize("name", REFERENCE)
def test_scores_are_those_of_the_package(name):
    """Sides even and odd (1e-6: its own rounding decides on the 11th digit)."""
    found = brisque(PICTURES[name][None])
    assert found.shape == (1,) and found.dtype == np.float64
    assert found[0] == pytest.approx(REFERENCE[name], abs=1e-6)


def test_every_image_is_scored_alone():
    """A batch is its images (exact)."""
    batch = np.stack([PICTURES[name] for name in ("coffee", "noise", "smooth")])
    alone = [brisque(image[None])[0] for image in batch]
    np.testing.assert_array_equal(brisque(batch), alone)
    assert brisque_features(batch).shape == (3, 36)


def test_a_fit_finds_the_distribution():
    """Shape, mean and variances of draws of an asymmetric Laplace distribution (4
    standard errors and more, n = 100,000, seed 1)."""
    rng = np.random.default_rng(1)
    size = rng.exponential(size=100_000)
    # The density is the same on both sides of 0: sides are hit as they are wide.
    x = np.where(rng.random(len(size)) < 1 / 3, -size, 2 * size)
    alpha, mean, left, right = _fit(x)
    assert alpha == pytest.approx(1, abs=0.03)
    assert left == pytest.approx(2, abs=0.1) and right == pytest.approx(8, abs=0.2)
    assert mean == pytest.approx(1, abs=0.03)


def test_halving_is_that_of_opencv():
    """Values of cv2.resize(x, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC) on
    a ramp: 5 pixels become 2, 7 become 4 (exact)."""
    expected = {5: [0.40625, 2.5], 7: [0.40625, 2.5, 4.5, 6.09375]}
    expected[8] = [0.40625, 2.5, 4.5, 6.59375]
    for size, values in expected.items():
        ramp = np.tile(np.arange(size, dtype="float64"), (4, 1))
        np.testing.assert_array_equal(_halved(ramp), [values] * 2)
        np.testing.assert_array_equal(_halved(ramp.T), np.transpose([values] * 2))


def test_black_has_no_score():
    """NaN without a warning, and nothing of it for the image beside it (exact)."""
    warnings.simplefilter("error")
    both = np.stack([np.zeros_like(PICTURES["coffee"]), PICTURES["coffee"]])
    found = brisque(both)
    assert np.isnan(found[0]) and found[1] == brisque(both[1:])[0]


def test_what_is_no_picture_is_refused():
    """With what it is (exact)."""
    with pytest.raises(ValueError, match=r"images are float64 \(1, 32, 32, 3\)"):
        brisque(np.zeros((1, 32, 32, 3)))
    with pytest.raises(ValueError, match="and 16 pixels a side"):
        brisque(np.zeros((1, 15, 32, 3), "uint8"))
