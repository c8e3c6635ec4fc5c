"""The Frechet distance against closed forms of Gaussians."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from semcom_phy.metrics.frechet import fid, frechet_distance

RNG = np.random.default_rng(1)


def exact(mean, covariance, num):
    """Samples with exactly these moments."""
    x = RNG.standard_normal((num, len(mean)))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)
    return mean + x @ np.linalg.cholesky(covariance).T


def covariance(width):
    root = RNG.standard_normal((width, width))
    return root @ root.T + 0.1 * np.eye(width)


def test_it_is_that_of_the_moments():
    """Of any two Gaussians, by the root of a matrix (1e-9); symmetric, 0 of a set and
    itself, numbers of samples need not be the same."""
    moments = [(RNG.standard_normal(7), covariance(7)) for _ in "ab"]
    a, b = (exact(*each, num) for each, num in zip(moments, (40, 300), strict=True))
    (mean, one), (mean_hat, other) = moments
    root = sqrtm(one @ other).real
    expected = np.sum((mean - mean_hat) ** 2) + np.trace(one + other - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_closed_forms():
    """Equal covariances: the squared distance of the means; independent features: the
    squared differences of means and standard deviations (1e-9); features that are
    multiples of each other have no regular covariance and do no harm."""
    same = covariance(3)
    shift = np.array([1.0, 2.0, -2.0])
    a, b = exact(np.zeros(3), same, 20), exact(shift, same, 30)
    assert frechet_distance(a, b) == pytest.approx(9, rel=1e-9)
    a = exact(np.zeros(2), np.diag([1.0, 4.0]), 10)
    b = exact(np.ones(2), np.diag([9.0, 4.0]), 10)
    assert frechet_distance(a, b) == pytest.approx(2 + (3 - 1) ** 2, rel=1e-9)
    twice_a, twice_b = (np.repeat(x, 2, axis=1) for x in (a, b))
    assert frechet_distance(twice_a, twice_b) == pytest.approx(2 * 6, rel=1e-6)


def test_too_few_samples_are_refused():
    """Not more samples than features say nothing of the covariance (exact)."""
    with pytest.raises(ValueError, match="4 samples of 4 features: the covariance is"):
        frechet_distance(np.eye(4), RNG.random((9, 4)))
    with pytest.raises(ValueError, match=r"of one width, not \(9, 4\) and \(9, 5\)"):
        frechet_distance(RNG.random((9, 4)), RNG.random((9, 5)))


def test_fid_is_that_of_the_features():
    """Any function of images will do (exact)."""
    images = RNG.integers(0, 256, (9, 4, 4, 3), "uint8")
    other = RNG.integers(0, 256, (8, 4, 4, 3), "uint8")

    def colours(images):
        return images.mean((1, 2))

    expected = frechet_distance(colours(images), colours(other))
    assert fid(images, other, colours) == expected > 0
