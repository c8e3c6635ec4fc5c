"""Bootstrap intervals that resample whole groups of images."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

from semcom_phy.metrics.image import mse_to_psnr

_STATISTICS = {"mean": lambda mean: mean, "psnr_of_mean_mse": mse_to_psnr}


class BootstrapEstimate(NamedTuple):
    """A statistic, its 95 % interval, and what stands behind it.

    Parameters
    ----------
    mean : `float`
        The statistic of all values
    low, high : `float`
        Ends of the 95 % interval
    count : `int`
        Number of values
    num_groups : `int`
        Number of groups that were resampled
    """

    mean: float
    low: float
    high: float
    count: int  # type: ignore[assignment]  # hides tuple.count
    num_groups: int


def bootstrap_interval(values, groups, num_resamples=2000, seed=0, statistic="mean"):
    r"""Expanded percentile bootstrap: groups are drawn with replacement, with all their
    values.

    Values of one group may depend on each other in any way; groups must not. For the
    difference of two systems on the same images, give the differences as values:
    what both have in common cancels, and the interval is that of the paired difference.

    Resamples of few groups :math:`G` spread too little. The ends of the interval are
    therefore the percentiles :math:`p` and :math:`1 - p` of the resamples with

    .. math::
        p = \Phi\big(-\sqrt{G / (G-1)}\; t_{0.975,\,G-1}\big),

    2.5 % for many groups, 1.7 % for 24, 1.1 % for 12.

    Parameters
    ----------
    values : [num_values], `float`
        One per image or transmission, e.g. PSNR, or a difference; NaN where the value
        does not apply

    groups : [num_values], `int` or `str`
        Which group each belongs to

    num_resamples : `int`, (default 2000)
        Resamples, at least 1

    seed : `int`, (default 0)
        Seed of the resampling

    statistic : "mean" (default) | "psnr_of_mean_mse"
        Mean of the values; or, of squared errors, the PSNR of their mean [dB]

    Output
    ------
    : :class:`BootstrapEstimate`

    Raises
    ------
    ValueError
        If the statistic is unknown, the numbers of values and groups differ, fewer
        than 2 groups have values, or there is no resample.

    Example
    -------
    >>> found = bootstrap_interval([1.0, 2.0, 3.0, 4.0], groups=["a", "a", "b", "b"])
    >>> found.low, found.high
    (1.5, 3.5)

    References
    ----------
    T. Hesterberg, "What teachers should know about the bootstrap", The American
    Statistician 69 (4), 2015, section 4.1.
    """
    if statistic not in _STATISTICS:
        raise ValueError(
            f"statistic is {statistic!r}; there are {', '.join(_STATISTICS)}"
        )
    if num_resamples < 1:
        raise ValueError(f"num_resamples is {num_resamples}; give at least 1")
    values, groups = np.asarray(values, "float64"), np.asarray(groups)
    if values.ndim != 1 or values.shape != groups.shape:
        raise ValueError(
            f"values are {values.shape} and groups {groups.shape}; give one group per "
            "value"
        )
    keep = ~np.isnan(values)
    values = values[keep]
    names, member = np.unique(groups[keep], return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"{len(names)} groups have values, at least 2 are needed to tell the "
            "spread between them: cut the images into more groups"
        )
    totals, counts = np.bincount(member, values), np.bincount(member)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(names), size=(num_resamples, len(names)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    of_mean = _STATISTICS[statistic]
    tail = 100 * _tail(len(names))
    low, high = np.percentile(of_mean(means), (tail, 100 - tail))
    return BootstrapEstimate(
        float(of_mean(values.mean())), float(low), float(high), len(values), len(names)
    )


def _tail(num_groups):
    """Share of the resamples beyond either end of the interval."""
    wider = np.sqrt(num_groups / (num_groups - 1)) * t.ppf(0.975, num_groups - 1)
    return norm.cdf(-wider)
