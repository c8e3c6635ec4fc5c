"""Likelihoods of latents under Gaussian distributions."""

import numpy as np
from keras import ops
from layer_checks import array
from scipy.stats import norm

from semcom_phy.layers.entropy.gaussian_conditional import (
    bits,
    continuous_likelihood,
    rounded_likelihood,
)


def call(function, *inputs):
    return array(function(*(ops.convert_to_tensor(np.float32(v)) for v in inputs)))


def test_both_are_the_mass_of_a_bin():
    """Around the value as it is, and around its mean plus a whole number (1e-6)."""
    y, mean, scale = np.meshgrid([-2.3, 0.1, 1.6], [-1.0, 0.4], [0.3, 1.0, 4.0])
    found = call(continuous_likelihood, y, mean, scale)
    upper, lower = (norm.cdf(y + h, mean, scale) for h in (0.5, -0.5))
    np.testing.assert_allclose(found, np.maximum(upper - lower, 1e-10), atol=1e-6)
    found = call(rounded_likelihood, y, mean, scale)
    whole = np.rint(y - mean)
    upper, lower = (norm.cdf(whole + h, 0.0, scale) for h in (0.5, -0.5))
    np.testing.assert_allclose(found, np.maximum(upper - lower, 1e-9), atol=1e-6)


def test_scales_and_likelihoods_are_bounded():
    """Scales that are none, and values far away, count as the least; information is not
    negative (relative 1e-6)."""
    for scale in (-3.0, 0.0, 1.0):
        found = call(continuous_likelihood, [0.2, 90.0], [0.0, 0.0], [scale, scale])
        np.testing.assert_allclose(found[1], 1e-10, rtol=1e-6)
        assert (found[0] == 1.0) == (scale <= 0)
    found = call(rounded_likelihood, [1.0, 90.0], [0.0, 0.0], [-1.0, 0.11])
    expected = [norm.sf(0.5 / 0.11), 1e-9]
    np.testing.assert_allclose(found, expected, rtol=0.02)
    np.testing.assert_allclose(call(bits, [0.25, 1.0, 1.01]), [2.0, 0.0, 0.0])
