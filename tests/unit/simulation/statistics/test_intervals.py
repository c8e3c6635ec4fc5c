"""Means and intervals, clustered by image."""

import numpy as np
import pytest
from scipy import stats

from semcom_phy.simulation.statistics.intervals import (
    clustered_mean,
    clustered_probability,
    psnr_of_mean_mse,
)

IMAGES = np.arange(40)


def test_one_draw_per_image_is_the_student_interval():
    """Without repeats the interval is the textbook one (exact, round-off 1e-12)."""
    values = np.random.default_rng(1).normal(30, 3, 40)
    estimate = clustered_mean(values, IMAGES)
    expected = stats.t.interval(0.95, 39, np.mean(values), stats.sem(values))
    np.testing.assert_allclose(estimate.ci95, expected, rtol=1e-12)
    assert estimate.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert (estimate.num_images, estimate.num_transmissions) == (40, 40)


def test_repeating_an_image_adds_no_certainty():
    """Ten equal draws of each image leave the interval as it was (round-off 1e-12)."""
    values = np.random.default_rng(2).normal(30, 3, 40)
    once = clustered_mean(values, IMAGES)
    ten = clustered_mean(np.repeat(values, 10), np.repeat(IMAGES, 10))
    np.testing.assert_allclose(ten.ci95, once.ci95, rtol=1e-12)
    assert (ten.num_images, ten.num_transmissions) == (40, 400)


@pytest.mark.parametrize("draws", [1, 5])
def test_interval_covers_the_mean(draws):
    """95 % of the intervals hold the true mean (4 standard errors, 2000 runs)."""
    rng = np.random.default_rng(3)
    index = np.tile(IMAGES, draws)
    covered = 0
    for _ in range(2000):
        values = rng.normal(size=40)[index] + rng.normal(size=40 * draws)
        low, high = clustered_mean(values, index).ci95
        covered += low <= 0 <= high
    assert abs(covered / 2000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_probability_of_independent_images_is_exact():
    """With one draw per image the interval is Clopper and Pearson's (round-off
    1e-9)."""
    events = np.arange(40) < 7
    estimate = clustered_probability(events, IMAGES)
    exact = stats.binomtest(7, 40).proportion_ci(method="exact")
    np.testing.assert_allclose(estimate.ci95, exact, rtol=1e-9)
    assert estimate.mean == pytest.approx(7 / 40)


def test_effective_sample_size_is_that_of_korn_and_graubard():
    """Twelve groups of five: the count over the design effect, times the squared ratio
    of Student's quantiles, in Clopper and Pearson's interval (round-off 1e-9)."""
    per_group = np.array([0, 0, 1, 0, 3, 0, 0, 5, 1, 0, 0, 2])
    events = np.concatenate([np.arange(5) < number for number in per_group])
    estimate = clustered_probability(events, np.arange(60), np.repeat(np.arange(12), 5))
    p = 12 / 60
    variance = 12 / 11 * np.sum((per_group - 5 * p) ** 2) / 60**2
    effective = p * (1 - p) / variance * 60 / 59
    effective *= (stats.t.ppf(0.975, 59) / stats.t.ppf(0.975, 11)) ** 2
    assert 12 < effective < 30
    low = stats.beta.ppf(0.025, p * effective, effective - p * effective + 1)
    high = stats.beta.ppf(0.975, p * effective + 1, effective - p * effective)
    np.testing.assert_allclose(estimate.ci95, (low, high), rtol=1e-9)


def test_repeated_events_add_no_certainty():
    """Five equal draws of each image give no narrower an interval; it is up to 5 %
    wider, as the number of transmissions stands in Korn and Graubard's quantile."""
    events = np.arange(40) < 7
    once = clustered_probability(events, IMAGES)
    five = clustered_probability(np.repeat(events, 5), np.repeat(IMAGES, 5))
    assert 1 <= five.half_width / once.half_width < 1.05


def test_no_event_seen_bounds_the_probability_by_the_images():
    """Zero of 40 images, ten draws each, gives the bound of 40 trials; so does nothing
    but events (exact)."""
    for value in (0, 1):
        events = np.full(400, value)
        estimate = clustered_probability(events, np.repeat(IMAGES, 10))
        exact = stats.binomtest(40 * value, 40).proportion_ci(method="exact")
        assert estimate.mean == value
        np.testing.assert_allclose(estimate.ci95, exact, atol=1e-12)


def test_groups_more_alike_than_chance_gain_nothing():
    """Where every group has the same share of events, the transmissions count as
    independent ones and no more (round-off 1e-9)."""
    events = np.tile([1, 0, 0, 0], 10)
    estimate = clustered_probability(events, IMAGES, np.repeat(np.arange(10), 4))
    exact = stats.binomtest(10, 40).proportion_ci(method="exact")
    np.testing.assert_allclose(estimate.ci95, exact, rtol=1e-9)


def coverage_of_probability(correlation, runs):
    """Share of intervals that hold p = 0.05, 24 groups of 20 with beta-distributed
    probabilities."""
    rng = np.random.default_rng(1)
    p, scale, groups = 0.05, 1 / correlation - 1, np.repeat(np.arange(24), 20)
    covered = 0
    for _ in range(runs):
        probability = rng.beta(p * scale, (1 - p) * scale, 24)
        events = rng.random(480) < probability[groups]
        low, high = clustered_probability(events, np.arange(480), groups).ci95
        covered += low <= p <= high
    return covered / runs


@pytest.mark.slow
def test_probability_is_covered_at_the_stated_rate():
    """At an intraclass correlation of 0.1 the interval holds the truth in 93 to 97 % of
    2,000 runs; at 0.3 in the stated 91.1 % (4 standard errors)."""
    assert 0.93 <= coverage_of_probability(0.1, 2000) <= 0.97
    stated = 4 * np.sqrt(0.911 * 0.089 / 2000)
    assert abs(coverage_of_probability(0.3, 2000) - 0.911) < stated


def test_psnr_of_mean_mse_covers_the_truth():
    """95 % of the delta-method intervals hold the truth (0.02 for its skew and
    4 standard errors, 2000 runs of 200 images with exponential errors)."""
    rng = np.random.default_rng(4)
    truth = 10 * np.log10(255**2 / 50)
    estimates = [
        psnr_of_mean_mse(rng.exponential(50, 200), np.arange(200)) for _ in range(2000)
    ]
    covered = np.mean([e.ci95[0] <= truth <= e.ci95[1] for e in estimates])
    assert abs(covered - 0.95) < 0.02 + 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_psnr_of_mean_mse_averages_errors_not_decibels():
    """Errors of 1 and 99 give the PSNR of error 50; no error gives 60 dB (exact)."""
    estimate = psnr_of_mean_mse(np.array([1.0, 99.0]), np.arange(2))
    assert estimate.mean == pytest.approx(10 * np.log10(255**2 / 50), rel=1e-12)
    assert psnr_of_mean_mse(np.zeros(3), np.arange(3)).ci95 == (60.0, 60.0)


def test_values_that_do_not_apply_are_left_out():
    """NaN is neither averaged nor counted; nothing but NaN is no estimate (exact)."""
    estimate = clustered_mean([1.0, np.nan, 3.0], np.arange(3))
    assert (estimate.mean, estimate.num_images) == (2.0, 2)
    assert clustered_mean([np.nan], np.arange(1)) is None
    assert clustered_probability([np.nan], np.arange(1)) is None


def test_a_single_image_has_no_interval():
    """One image says nothing about the spread between images (exact)."""
    estimate = clustered_mean([30.0, 31.0], np.zeros(2, int))
    assert estimate.ci95 is None and estimate.half_width is None


def test_groups_take_the_place_of_images():
    """With images in groups the interval is that of the group means' spread, and the
    images are still counted (round-off 1e-12)."""
    values = np.random.default_rng(5).normal(30, 3, 8)
    alike, groups = np.repeat(values, 5), np.repeat(list("abcdefgh"), 5)
    estimate = clustered_mean(alike, IMAGES, groups)
    expected = clustered_mean(values, np.arange(8))
    np.testing.assert_allclose(estimate.ci95, expected.ci95, rtol=1e-12)
    assert (estimate.num_images, estimate.num_transmissions) == (40, 40)
    error = psnr_of_mean_mse(alike, IMAGES, groups)
    single = psnr_of_mean_mse(values, np.arange(8))
    np.testing.assert_allclose(error.ci95, single.ci95, rtol=1e-12)


def test_groups_widen_the_interval_of_a_probability():
    """Events that whole groups share are as uncertain as one trial per group: no
    narrower, and at most 20 % wider (Student's quantiles of 7 and 39 degrees)."""
    events, groups = np.repeat(np.arange(8) < 3, 5), np.repeat(np.arange(8), 5)
    estimate = clustered_probability(events, IMAGES, groups)
    expected = clustered_probability(np.arange(8) < 3, np.arange(8))
    assert 1 <= estimate.half_width / expected.half_width < 1.2
    none = clustered_probability(np.zeros(40), IMAGES, groups)
    bound = clustered_probability(np.zeros(8), np.arange(8))
    np.testing.assert_allclose(none.ci95, bound.ci95, atol=1e-12)


def test_a_single_group_has_no_interval():
    """Forty frames of one group say nothing about the spread between groups (exact)."""
    estimate = clustered_mean(np.arange(40.0), IMAGES, np.zeros(40, int))
    assert estimate.ci95 is None and estimate.num_images == 40


def test_groups_without_a_value_are_left_out():
    """NaN takes its group along (exact)."""
    values = [1.0, 1.0, 3.0, np.nan]
    estimate = clustered_mean(values, np.arange(4), ["a", "a", "b", "c"])
    expected = clustered_mean(values[:3], np.arange(3), ["a", "a", "b"])
    assert estimate == expected and estimate.num_images == 3


def test_shares_of_trials_count_as_the_trials():
    """Shares of 5 trials give the interval of the single events (round-off 1e-9)."""
    per_image = np.array([0, 0, 1, 0, 3, 0, 0, 5, 1, 0, 0, 2])
    events = np.concatenate([np.arange(5) < number for number in per_image])
    single = clustered_probability(events, np.repeat(np.arange(12), 5))
    shares = clustered_probability(per_image / 5, np.arange(12), trials=5)
    assert shares.mean == pytest.approx(single.mean)
    np.testing.assert_allclose(shares.ci95, single.ci95, rtol=1e-9)
    assert shares.num_transmissions == 12


@pytest.mark.parametrize("wrong_blocks, stated", [(3, 0.915), (30, 0.963)])
def test_bit_error_rate_is_covered_at_the_stated_rate(wrong_blocks, stated):
    """1,000 bits of a block share a fade, 300 blocks, of which 3 or 30 are wrong on
    average with uniform shares (4 standard errors, 1,000 runs)."""
    rng, covered, p = np.random.default_rng(7), 0, wrong_blocks / 300
    for _ in range(1000):
        share = np.where(rng.random(300) < p, rng.random(300), 0.0)
        wrong = rng.binomial(1000, share) / 1000
        low, high = clustered_probability(wrong, np.arange(300), trials=1000).ci95
        covered += low <= p / 2 <= high
    assert abs(covered / 1000 - stated) < 4 * np.sqrt(stated * (1 - stated) / 1000)
