"""Features as bytes: they come back, and take the bits that the model said."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.entropy_coding.feature_coder import (
    decode_latents,
    decode_side,
    encode_latents,
    encode_side,
)
from semcom_phy.layers.entropy.entropy_model import FactorizedPrior, logistic_bits


def drawn_latents(n, low, high, seed=0):
    """Rounded logistic values, and their scales, between two of them."""
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.uniform(np.log(low), np.log(high), n))
    return np.rint(rng.logistic(0, scale)).astype(int), scale


def prior_and_values(n, channels=6, seed=0):
    """A prior, and rounded values drawn from its mixtures."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((3, channels))
    mean = 5 * rng.standard_normal((3, channels))
    log_scale = rng.uniform(-1.5, 1.0, (3, channels))
    prior = FactorizedPrior(channels)
    prior.table.assign(np.stack([weight, mean, log_scale]))
    values = np.empty((n, channels), int)
    for c in range(channels):
        share = np.exp(weight[:, c]) / np.exp(weight[:, c]).sum()
        part = rng.choice(3, n, p=share)
        values[:, c] = np.rint(rng.logistic(mean[part, c], np.exp(log_scale)[part, c]))
    return prior, values


def estimated_bits(values, scale):
    tensors = (ops.convert_to_tensor(x.astype("float32")) for x in (values, scale))
    return ops.convert_to_numpy(logistic_bits(*tensors)).astype(float).sum()


@pytest.mark.parametrize("low, high", [(0.05, 100.0), (0.05, 0.3), (20.0, 100.0)])
def test_latents_take_the_bits_that_were_estimated(low, high):
    """Values of the model itself, at least 100,000 bits, come back and take within 2 %
    of their estimate (of the coder 0.1 %, of 5 % between the tables' scales less)."""
    values, scale = drawn_latents(90000 if high < 1 else 30000, low, high)
    data = encode_latents(values, scale)
    np.testing.assert_array_equal(decode_latents(data, scale), values)
    bits = estimated_bits(values, scale)
    assert bits > 100_000 / (3 if high < 1 else 1)
    assert 8 * len(data) == pytest.approx(bits, rel=0.02)


def test_side_takes_the_bits_that_were_estimated():
    """As for the latents, at least 100,000 bits, 2 %."""
    prior, values = prior_and_values(8000)
    data = encode_side(values, prior)
    np.testing.assert_array_equal(decode_side(data, prior, len(values)), values)
    z = ops.convert_to_tensor(values.astype("float32"))
    bits = ops.convert_to_numpy(prior(z)).astype(float).sum()
    assert bits > 100_000
    assert 8 * len(data) == pytest.approx(bits, rel=0.02)


def test_wrong_scales_cost_bits():
    """The coder codes with the scales that it is told: four times too large costs more
    than 10 %, as the estimate says (2 %)."""
    values, scale = drawn_latents(20000, 1.0, 10.0)
    right, wrong = (8 * len(encode_latents(values, s)) for s in (scale, 4 * scale))
    assert wrong > 1.1 * right
    assert wrong == pytest.approx(estimated_bits(values, 4 * scale), rel=0.02)


def test_what_lies_beyond_the_tables_comes_back():
    """Values far out, scales outside the tables' range, one value, none (exact)."""
    values = np.array([0, -70000, 123456, 3, -3, 2**40, 1])
    scale = np.array([1e-9, 0.05, 1.0, 5000.0, 1024.0, 2.0, 0.3])
    np.testing.assert_array_equal(
        decode_latents(encode_latents(values, scale), scale), values
    )
    assert decode_latents(encode_latents([7], [0.1]), [0.1]).tolist() == [7]
    assert encode_latents([], []) == b"" and len(decode_latents(b"", [])) == 0
    prior, side = prior_and_values(4, channels=2)
    side[0], side[1] = (-5000, 64), (65, 10**6)
    again = decode_side(encode_side(side, prior), prior, 4)
    np.testing.assert_array_equal(again, side)
