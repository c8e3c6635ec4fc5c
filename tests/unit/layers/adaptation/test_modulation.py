"""Channel condition adaptive module: by the formula, and silent at the start."""

import numpy as np
from keras import ops

from semcom_phy.backend import gradients_fn
from semcom_phy.layers.adaptation.modulation import ChannelConditionAdaptiveModule

MAPS, CONDITION = (3, 6, 5, 4), (3, 7)


def normals(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


def randomised(seed=1):
    """A module with random numbers in all weights, the zero-started ones too."""
    layer = ChannelConditionAdaptiveModule(6)
    layer.build(MAPS, CONDITION)
    rng = np.random.default_rng(seed)
    layer.set_weights([0.5 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def test_module_starts_as_the_identity():
    """Before training factor 1 and shift 0 whatever the channel (exact)."""
    x, condition = normals(MAPS, CONDITION)
    y = ops.convert_to_numpy(ChannelConditionAdaptiveModule()(x, condition))
    assert y.shape == MAPS and y.dtype == np.float32
    np.testing.assert_array_equal(y, x)


def test_module_against_numpy():
    """One factor and one shift per image and channel, from perceptrons of their own
    that see means and condition (float32 rounding, 1e-5)."""
    x, condition = normals(MAPS, CONDITION)
    layer = randomised()
    pooled = np.concatenate([x.mean((1, 2)), condition], 1).astype(float)

    def perceptron(hidden, out):
        kernel, bias = hidden.get_weights()
        inside = np.maximum(pooled @ kernel + bias, 0)
        kernel, bias = out.get_weights()
        return (inside @ kernel + bias)[:, None, None]

    factor = 1 + perceptron(layer.scale_hidden, layer.scale_out)
    shift = perceptron(layer.shift_hidden, layer.shift_out)
    y = ops.convert_to_numpy(layer(x, condition))
    np.testing.assert_allclose(y, x * factor + shift, atol=1e-5)


def test_gradient_reaches_every_weight():
    """Each of the eight weights has a finite gradient that is not zero."""
    x, condition, target = map(ops.convert_to_tensor, normals(MAPS, CONDITION, MAPS))
    layer = randomised()
    gradients = gradients_fn(
        lambda x, condition: ops.mean(ops.square(layer(x, condition) - target)),
        layer.trainable_variables,
        compiled=False,
    )(x, condition)
    assert len(gradients) == 8
    for weight, gradient in zip(layer.trainable_variables, gradients, strict=True):
        gradient = ops.convert_to_numpy(gradient)
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path
