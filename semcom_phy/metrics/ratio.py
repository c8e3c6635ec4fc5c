"""Ratios of two means over all samples, such as errors in all words of a corpus."""

import numpy as np


def linearised_ratio(above, below):
    r"""Values whose mean is a ratio of two means, and whose spread is that of its
    linear part in the two (delta method).

    .. math::
        v_i = R + \frac{a_i - R b_i}{\bar b}, \qquad R = \bar a / \bar b

    Input
    -----
    above, below : [num_samples], `float`
        NaN in both where a sample does not count

    Output
    ------
    : [num_samples], `float64`
        NaN where a sample does not count, and everywhere where all below is 0

    References
    ----------
    W. G. Cochran, "Sampling techniques", 3rd edition, Wiley 1977, section 6.
    """
    above, below = np.asarray(above, "float64"), np.asarray(below, "float64")
    counts = ~np.isnan(above + below)
    mean = below[counts].mean() if counts.any() else 0.0
    if not mean:
        return np.full(len(above), np.nan)
    ratio = above[counts].mean() / mean
    return ratio + (above - ratio * below) / mean
