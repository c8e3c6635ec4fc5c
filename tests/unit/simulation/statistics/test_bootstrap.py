"""Bootstrap intervals over groups."""

import numpy as np
import pytest

from semcom_phy.simulation.statistics.bootstrap import bootstrap_interval
from semcom_phy.simulation.statistics.intervals import clustered_mean


def grouped(seed, num_groups=40, size=5):
    """Values whose groups differ more than their members, and the groups."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(num_groups), size)
    return rng.normal(size=num_groups)[groups] + 0.3 * rng.normal(
        size=len(groups)
    ), groups


def test_interval_covers_the_mean():
    """Of intervals over 40 groups of 5 alike values, 95 % hold the mean (0.02 for
    the few groups and 4 standard errors, 500 runs)."""
    covered = 0
    for seed in range(500):
        estimate = bootstrap_interval(*grouped(seed), num_resamples=500)
        covered += estimate.low <= 0 <= estimate.high
    assert abs(covered / 500 - 0.95) < 0.02 + 4 * np.sqrt(0.95 * 0.05 / 500)


@pytest.mark.parametrize("num_groups", [8, 12, 24])
def test_interval_of_few_groups_covers_the_mean(num_groups):
    """As often as it says (4 standard errors, 3000 runs, and 0.005 for the skewness of
    the resamples' tails); without the wider percentiles 12 groups cover 91 %."""
    rng, covered, groups = np.random.default_rng(0), 0, np.arange(num_groups)
    for values in rng.normal(size=(3000, num_groups)):
        estimate = bootstrap_interval(values, groups, num_resamples=1000)
        covered += estimate.low <= 0 <= estimate.high
    assert abs(covered / 3000 - 0.95) < 0.005 + 4 * np.sqrt(0.95 * 0.05 / 3000)


def test_whole_groups_are_resampled():
    """The interval is that of the clustered mean, far from that of single values (10 %:
    2000 resamples of 40 groups)."""
    values, groups = grouped(1)
    estimate = bootstrap_interval(values, groups)
    clustered = clustered_mean(values, np.arange(len(values)), groups)
    assert estimate.mean == pytest.approx(clustered.mean, rel=1e-12)
    half = (estimate.high - estimate.low) / 2
    assert half == pytest.approx(clustered.half_width, rel=0.1)
    single = bootstrap_interval(values, np.arange(len(values)))
    assert (single.high - single.low) / 2 < 0.6 * half
    assert (estimate.count, estimate.num_groups) == (200, 40)


def test_paired_differences_have_a_narrower_interval():
    """What two systems have in common cancels in their differences (factor 5)."""
    values, groups = grouped(2)
    other = values + 0.1 + 0.05 * np.random.default_rng(3).normal(size=len(values))
    alone = bootstrap_interval(values, groups)
    paired = bootstrap_interval(other - values, groups)
    assert paired.low < 0.1 < paired.high
    assert 5 * (paired.high - paired.low) < alone.high - alone.low


def test_values_that_do_not_apply_are_left_out():
    """NaN is neither averaged nor counted, nor is a group of nothing else (exact)."""
    values, groups = [1.0, np.nan, 3.0, np.nan], ["a", "a", "b", "c"]
    estimate = bootstrap_interval(values, groups)
    assert (estimate.mean, estimate.count, estimate.num_groups) == (2.0, 2, 2)
    assert (estimate.low, estimate.high) == (1.0, 3.0)


def test_groups_count_by_their_size():
    """A group of three values weighs three times one of a single value (exact)."""
    estimate = bootstrap_interval([0.0, 0.0, 0.0, 4.0], ["a", "a", "a", "b"])
    assert estimate.mean == 1.0


def test_psnr_of_the_mean_error():
    """Squared errors are averaged before they become decibels (float rounding)."""
    estimate = bootstrap_interval([1.0, 99.0], [0, 1], statistic="psnr_of_mean_mse")
    assert estimate.mean == pytest.approx(10 * np.log10(255**2 / 50), rel=1e-12)
    assert estimate.low < estimate.mean < estimate.high


def test_same_seed_same_interval():
    """The interval depends on the arguments alone (exact)."""
    values, groups = grouped(4)
    assert bootstrap_interval(values, groups) == bootstrap_interval(values, groups)
    assert bootstrap_interval(values, groups) != bootstrap_interval(
        values, groups, seed=1
    )


@pytest.mark.parametrize(
    "values, groups, options, message",
    [
        ([1.0, 2.0], ["a", "a"], {}, "1 groups have values, at least 2"),
        ([1.0, np.nan], ["a", "b"], {}, "1 groups have values"),
        ([1.0, 2.0], ["a"], {}, r"values are \(2,\) and groups \(1,\)"),
        ([1.0, 2.0], [0, 1], {"statistic": "mode"}, "statistic is 'mode'; there are"),
        ([1.0, 2.0], [0, 1], {"num_resamples": 0}, "num_resamples is 0"),
    ],
)
def test_what_cannot_be_resampled_is_refused(values, groups, options, message):
    """The value received and the remedy are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(values, groups, **options)
