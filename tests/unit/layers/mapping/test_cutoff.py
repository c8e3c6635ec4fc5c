"""Learned cut-offs: hard draws with the gradient of soft ones."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.mapping.cutoff import choose_cutoff, kept, thermometer

LOGITS = np.array([0.3, -1.0, 1.2, 0.0, -2.0], "float32")


def uniforms(count, seed=0):
    return np.random.default_rng(seed).random((count, len(LOGITS))).astype("float32")


def softmax(scores):
    share = np.exp(scores - scores.max(-1, keepdims=True))
    return share / share.sum(-1, keepdims=True)


def draw(count, temperature=5.0, seed=0):
    logits = np.tile(LOGITS, (count, 1))
    return ops.convert_to_numpy(
        choose_cutoff(
            ops.convert_to_tensor(logits),
            ops.convert_to_tensor(uniforms(count, seed)),
            temperature,
        )
    )


@pytest.mark.parametrize("temperature", [0.5, 5.0])
def test_value_is_one_hot(temperature):
    """One 1 and zeros, at the largest logit plus Gumbel noise (float32, 1e-6)."""
    one_hot = draw(200, temperature)
    assert one_hot.shape == (200, 5) and one_hot.dtype == np.float32
    scores = LOGITS - np.log(-np.log(uniforms(200).astype(float)))
    np.testing.assert_allclose(one_hot, np.eye(5)[scores.argmax(1)], atol=1e-6)


def test_without_noise_the_largest_logit_is_taken():
    """No uniform numbers: the mode (float32 rounding, 1e-6)."""
    logits = np.array([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]], "float32")
    one_hot = ops.convert_to_numpy(choose_cutoff(ops.convert_to_tensor(logits)))
    np.testing.assert_allclose(one_hot, [[0, 1, 0], [1, 0, 0]], atol=1e-6)


def test_draws_follow_the_softmax_at_every_temperature():
    """Frequencies are softmax(logits) (4 standard errors, n = 40000 draws, seed 0), and
    the temperature does not change a draw (1e-6)."""
    count = 40000
    one_hot = draw(count)
    expected = softmax(LOGITS.astype(float))
    error = np.sqrt(expected * (1 - expected) / count)
    assert np.all(np.abs(one_hot.mean(0) - expected) < 4 * error)
    np.testing.assert_allclose(draw(count, 0.7), one_hot, atol=1e-6)


def test_numbers_at_the_edges_are_finite():
    """0 and 1 among the uniform numbers give a draw all the same (1e-6)."""
    edges = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 0]], "float32")
    one_hot = ops.convert_to_numpy(
        choose_cutoff(ops.zeros((3, 3)), ops.convert_to_tensor(edges))
    )
    assert np.isfinite(one_hot).all()
    np.testing.assert_allclose(one_hot.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(one_hot[2], [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 5.0])
@pytest.mark.parametrize("noisy", [True, False])
def test_gradient_is_that_of_the_soft_sample(temperature, noisy):
    """s (w - s w) / temperature for a loss linear in the choice (1e-5)."""
    batch = 6
    logits = np.tile(LOGITS, (batch, 1))
    uniform = uniforms(batch, seed=1)
    weights = np.random.default_rng(2).standard_normal((batch, 5)).astype("float32")
    given = ops.convert_to_tensor(uniform) if noisy else None
    factors = ops.convert_to_tensor(weights)
    gradient = gradient_fn(
        lambda x: ops.sum(choose_cutoff(x, given, temperature) * factors),
        compiled=False,
    )(ops.convert_to_tensor(logits))
    noise = -np.log(-np.log(uniform.astype(float))) if noisy else 0.0
    soft = softmax((logits + noise) / temperature)
    mean = np.sum(soft * weights, axis=1, keepdims=True)
    expected = soft * (weights - mean) / temperature
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), expected, atol=1e-5)


def test_thermometer_is_a_prefix():
    """Entry i keeps the first i + 1, and kept counts them (exact)."""
    eye = ops.convert_to_tensor(np.eye(5, dtype="float32"))
    mask = ops.convert_to_numpy(thermometer(eye))
    np.testing.assert_array_equal(mask, np.tril(np.ones((5, 5))))
    number = ops.convert_to_numpy(kept(eye))
    assert number.dtype == np.int32
    np.testing.assert_array_equal(number, mask.sum(1))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(kept(draw(50))), draw(50).argmax(1) + 1
    )


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_bad_temperatures_are_refused(temperature):
    """The value received is in the message (exact)."""
    with pytest.raises(ValueError, match=f"positive, received {temperature}"):
        choose_cutoff(ops.zeros((1, 3)), temperature=temperature)
