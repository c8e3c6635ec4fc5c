"""Ratios of means and their linear part."""

import numpy as np
import pytest

from semcom_phy.metrics.ratio import linearised_ratio
from semcom_phy.simulation.statistics.intervals import clustered_mean


def test_the_mean_is_the_ratio_and_the_spread_that_of_it():
    """The ratio of the means (1e-12); standard error that of samples drawn anew within
    a tenth (2,000 sets of 200, above and below related)."""
    rng = np.random.default_rng(1)
    below = rng.integers(5, 15, 4000)
    above = rng.binomial(below, 0.3)
    drawn, errors = [], []
    for _ in range(2000):
        index = rng.integers(4000, size=200)
        a, b = above[index], below[index]
        drawn.append(a.sum() / b.sum())
        if len(errors) < 50:
            values = linearised_ratio(a, b)
            assert values.mean() == pytest.approx(drawn[-1], rel=1e-12)
            estimate = clustered_mean(values, np.arange(200))
            errors.append(estimate.half_width / 1.972)  # t, 199 degrees of freedom
    assert np.mean(errors) == pytest.approx(np.std(drawn), rel=0.1)


def test_what_does_not_count_is_left_out():
    """NaN stays NaN and has no say; with nothing below there is no ratio (1e-12)."""
    found = linearised_ratio([1, np.nan, 3], [2, np.nan, 4])
    assert np.isnan(found).tolist() == [False, True, False]
    assert np.nanmean(found) == pytest.approx(4 / 6, rel=1e-12)
    assert np.isnan(linearised_ratio([1, 2], [0, 0])).all()
    assert np.isnan(linearised_ratio([np.nan], [np.nan])).all()
