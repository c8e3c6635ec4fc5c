"""The factorised distribution of hyper-latents: mass, formula, coding by it."""

import numpy as np
import pytest
from keras import ops
from layer_checks import array, assert_copy_is_the_same, assert_gradients, normals

from semcom_phy.entropy_coding.feature_coder import decode_side, encode_side
from semcom_phy.layers.entropy.entropy_bottleneck import WIDTHS, EntropyBottleneck

CHANNELS = 3


def bottleneck(seed=1, spread=0.4):
    """One with random numbers in all weights, medians within a step of 0."""
    layer, rng = EntropyBottleneck(CHANNELS), np.random.default_rng(seed)
    layer.build()
    layer.set_weights(
        [w + spread * rng.standard_normal(w.shape) for w in layer.get_weights()]
    )
    return layer


def logits(layer, z):
    """Of one channel after the other, in double precision."""
    columns = []
    for channel in range(CHANNELS):
        x = z[None, :, channel]
        for i, matrix in enumerate(layer.matrices):
            x = np.logaddexp(0, array(matrix)[channel].astype(float)) @ x
            x = x + array(layer.biases[i])[channel]
            if i < len(WIDTHS) - 2:
                x = x + np.tanh(array(layer.factors[i])[channel]) * np.tanh(x)
        columns.append(x[0])
    return np.stack(columns, axis=1)


def test_bits_are_those_of_the_learned_distribution():
    """Against a plain NumPy pass, the median added (relative 1e-4: float32)."""
    layer = bottleneck()
    steps = np.arange(-6.0, 7.0)[:, None] * np.ones(CHANNELS)
    z = steps + array(layer.medians)
    upper, lower = (1 / (1 + np.exp(-logits(layer, z + h))) for h in (0.5, -0.5))
    found = array(layer(ops.convert_to_tensor(steps.astype("float32"))))
    assert found.shape == layer.compute_output_shape(steps.shape) == steps.shape
    expected = -np.log2(np.maximum(upper - lower, 1e-9))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_probabilities_sum_to_one():
    """Over all steps that can be (1e-4)."""
    steps = np.repeat(np.arange(-400.0, 401.0)[:, None], CHANNELS, axis=1)
    mass = array(bottleneck().likelihood(ops.convert_to_tensor(steps, "float32")))
    np.testing.assert_allclose(mass.sum(axis=0), 1.0, atol=1e-4)


def test_hyper_latents_are_coded_by_it():
    """There and back, with steps far outside the tables (exact), and in about the bits
    that it says (within 3 %)."""
    layer, rng = bottleneck(), np.random.default_rng(4)
    values = rng.integers(-4, 5, (40, CHANNELS))
    data = encode_side(values, layer)
    np.testing.assert_array_equal(decode_side(data, layer, 40), values)
    bits = array(layer(ops.convert_to_tensor(values.astype("float32")))).sum()
    assert 0.97 * bits < 8 * len(data) < 1.03 * bits + 8
    values[3, 1] = 1000
    again = decode_side(encode_side(values, layer), layer, 40)
    np.testing.assert_array_equal(again, values)


def test_layer_keeps_its_promises():
    """Copy of the configuration (exact), gradients of all but the quantiles; a number
    that is not positive is refused."""
    layer, steps = bottleneck(), np.rint(normals(5, CHANNELS))

    def call(copy):
        if not copy.built:
            copy.build()
        return copy(ops.convert_to_tensor(steps))

    assert_copy_is_the_same(layer, call)
    assert len(layer.non_trainable_variables) == 1
    weights = layer.trainable_variables
    assert_gradients(lambda x: ops.sum(layer(x)), weights, steps)
    with pytest.raises(ValueError, match="received 0"):
        EntropyBottleneck(0)
