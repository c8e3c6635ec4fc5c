"""Probabilities that sum to 1, and bits that stay finite wherever features end up."""

import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from semcom_phy.backend import gradient_fn, gradients_fn
from semcom_phy.layers.entropy.entropy_model import (
    MIN_SCALE,
    NUM_COMPONENTS,
    FactorizedPrior,
    logistic_bits,
)


def bits_of(distance, scale):
    distance, scale = np.broadcast_arrays(distance, scale)
    tensors = (ops.convert_to_tensor(x.astype("float32")) for x in (distance, scale))
    return ops.convert_to_numpy(logistic_bits(*tensors)).astype(float)


def random_prior(channels, seed=3):
    """A prior whose components differ in weight, place and scale."""
    prior, rng = FactorizedPrior(channels), np.random.default_rng(seed)
    table = rng.standard_normal((3, NUM_COMPONENTS, channels))
    table[1] *= 4
    prior.table.assign(table)
    return prior


@pytest.mark.parametrize("scale", [MIN_SCALE, 0.2, 1.0, 7.3, 60.0])
@pytest.mark.parametrize("offset", [0.0, 0.23, 0.5, -0.41])
def test_probabilities_of_all_integers_sum_to_one(scale, offset):
    """Wherever the mean lies between them (1e-4: float32, thousands of terms)."""
    reach = np.ceil(20 * scale) + 2
    integers = np.arange(-reach, reach + 1)
    mass = 2.0 ** -bits_of(integers - offset, scale)
    assert mass.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("scale", [MIN_SCALE, 0.2, 1.0, 7.3, 60.0])
def test_bits_are_those_of_a_difference_of_sigmoids(scale):
    """Out to 30 scales, in double precision on the upper side, where nothing cancels
    (relative 1e-4: float32 of 1 - exp(-1 / scale))."""
    distance = np.float32(np.linspace(-30 * scale, 30 * scale, 401)).astype(float)
    scale = float(np.float32(scale))
    upper, lower = ((0.5 - abs(distance)) / scale, (-0.5 - abs(distance)) / scale)
    expected = -np.log2(expit(upper) - expit(lower))
    # A millibit beside it for patches' worth of bits near 0.
    np.testing.assert_allclose(bits_of(distance, scale), expected, rtol=1e-4, atol=1e-4)


def test_smaller_scales_are_held():
    """A scale below the least is the least (exact)."""
    distance = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(bits_of(distance, 1e-6), bits_of(distance, MIN_SCALE))


@pytest.mark.parametrize("scale", [1e-3, MIN_SCALE, 1.0, 1000.0])
def test_bits_and_gradients_are_finite_far_out(scale):
    """A million steps from the mean: |v| / s nats, slope 1 / s (relative 1e-3)."""
    distance = np.array([-1e6, -3e4, 3e4, 1e6], "float32")
    bits = bits_of(distance, scale)
    held = max(scale, MIN_SCALE)
    expected = abs(distance) / held / np.log(2)
    np.testing.assert_allclose(bits, expected, rtol=1e-3, atol=20)

    def total(x):
        return ops.sum(logistic_bits(x, ops.full_like(x, scale)))

    def total_of_scale(s):
        return ops.sum(logistic_bits(ops.convert_to_tensor(distance), s))

    slope = ops.convert_to_numpy(gradient_fn(total)(distance))
    expected = np.sign(distance) / held / np.log(2)
    np.testing.assert_allclose(slope, expected, rtol=1e-3)
    scales = np.full(4, scale, "float32")
    assert np.isfinite(ops.convert_to_numpy(gradient_fn(total_of_scale)(scales))).all()


def test_prior_sums_to_one():
    """Over all integers, for every channel (1e-4: float32)."""
    prior = random_prior(5)
    integers = np.arange(-2000, 2001, dtype="float32")
    grid = ops.convert_to_tensor(np.repeat(integers[:, None], 5, axis=1))
    mass = 2.0 ** -ops.convert_to_numpy(prior(grid)).astype(float)
    np.testing.assert_allclose(mass.sum(axis=0), 1, atol=1e-4)


def test_prior_is_the_mixture_of_its_table():
    """Every channel against numpy in double precision (absolute 1e-3 bit)."""
    prior, rng = random_prior(4), np.random.default_rng(0)
    z = (5 * rng.standard_normal((2, 3, 4))).astype("float32")
    weight, mean, log_scale = ops.convert_to_numpy(prior.table).astype(float)
    share = np.exp(weight) / np.exp(weight).sum(axis=0)
    scale = np.maximum(np.exp(log_scale), MIN_SCALE)
    v = z.astype(float)[..., None, :] - mean
    mass = expit((v + 0.5) / scale) - expit((v - 0.5) / scale)
    expected = -np.log2((share * mass).sum(axis=-2))
    bits = ops.convert_to_numpy(prior(ops.convert_to_tensor(z)))
    assert bits.shape == z.shape and bits.dtype == np.float32
    likely = expected < 15  # further out the differences of numpy cancel
    assert likely.mean() > 0.5
    np.testing.assert_allclose(bits[likely], expected[likely], atol=1e-3)


def test_every_weight_of_the_prior_is_reached():
    """Also as it starts: three components that are equal but for their places."""
    rng = np.random.default_rng(1)
    z = ops.convert_to_tensor(3 * rng.standard_normal((50, 4)).astype("float32"))
    for prior in (FactorizedPrior(4), random_prior(4)):
        loss = lambda z, prior=prior: ops.mean(prior(z))  # noqa: E731
        (gradient,) = gradients_fn(loss, prior.trainable_variables)(z)
        gradient = ops.convert_to_numpy(gradient)
        assert gradient.shape == (3, NUM_COMPONENTS, 4)
        assert np.isfinite(gradient).all() and np.all(abs(gradient) > 1e-6)


def test_prior_comes_again_from_its_configuration():
    """With the same weights the same bits (exact)."""
    prior = random_prior(4)
    copy = FactorizedPrior.from_config(prior.get_config())
    assert copy.get_config() == prior.get_config()
    copy.set_weights(prior.get_weights())
    z = ops.ones((3, 4))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(copy(z)), ops.convert_to_numpy(prior(z))
    )
