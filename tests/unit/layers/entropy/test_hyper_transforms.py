"""Transforms of the hyperprior against sums over every tap."""

import numpy as np
from keras import ops
from layer_checks import array, assert_copy_is_the_same, assert_gradients, normals

from semcom_phy.layers.entropy.hyper_transforms import HyperAnalysis, HyperSynthesis

LATENTS, HYPER = (2, 4, 8, 3), (2, 1, 2, 5)


def built(layer, shape, seed=1):
    layer.build((None, *shape[1:]))
    rng = np.random.default_rng(seed)
    weights = [0.4 * rng.standard_normal(w.shape) for w in layer.get_weights()]
    layer.set_weights(weights)
    return layer


def analysis():
    return built(HyperAnalysis((4, 6, 5)), LATENTS)


def synthesis():
    return built(HyperSynthesis((6, 4), 3), HYPER)


def convolved(x, layer, stride):
    """Output at i is the sum of taps at i stride + tap - side // 2."""
    kernel, bias = layer.get_weights()
    side, (batch, height, width, _) = len(kernel), x.shape
    y = np.zeros((batch, height // stride, width // stride, len(bias))) + bias
    for i, j, a, b in np.ndindex(height // stride, width // stride, side, side):
        row, column = i * stride + a - side // 2, j * stride + b - side // 2
        if 0 <= row < height and 0 <= column < width:
            y[:, i, j] += x[:, row, column] @ kernel[a, b]
    return y


def transposed(x, layer, stride):
    """Input at i goes to i stride + tap - side // 2."""
    kernel, bias = layer.get_weights()
    side, (batch, height, width, _) = len(kernel), x.shape
    y = np.zeros((batch, height * stride, width * stride, len(bias))) + bias
    for i, j, a, b in np.ndindex(height, width, side, side):
        row, column = i * stride + a - side // 2, j * stride + b - side // 2
        if 0 <= row < height * stride and 0 <= column < width * stride:
            y[:, row, column] += x[:, i, j] @ kernel[a, b].T
    return y


def test_analysis_against_numpy():
    """Sides 3, 5, 5 with strides 1, 2, 2, leaky ReLU between (1e-5 of the largest)."""
    layer, x = analysis(), normals(*LATENTS)
    y = array(layer(ops.convert_to_tensor(x)))
    assert y.shape == layer.compute_output_shape(LATENTS) == HYPER
    expected = x.astype(float)
    for i, convolution in enumerate(layer.convolutions):
        if i:
            expected = np.where(expected > 0, expected, 0.01 * expected)
        expected = convolved(expected, convolution, (1, 2, 2)[i])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(y / scale, expected / scale, atol=1e-5)


def test_synthesis_against_numpy():
    """The reverse order, ReLU between; scales come before means (1e-5 of the
    largest)."""
    layer, z = synthesis(), normals(*HYPER)
    mean, scale = (array(part) for part in layer(ops.convert_to_tensor(z)))
    assert (mean.shape, scale.shape) == layer.compute_output_shape(HYPER)
    expected = z.astype(float)
    for i, convolution in enumerate(layer.convolutions):
        if i:
            expected = np.maximum(expected, 0)
        expected = transposed(expected, convolution, (2, 2, 1)[i])
    largest = np.abs(expected).max()
    both = np.concatenate([scale, mean], axis=-1)
    np.testing.assert_allclose(both / largest, expected / largest, atol=1e-5)


def test_layers_keep_their_promises():
    """Copies of the configuration (exact), gradients."""
    for layer, shape in ((analysis(), LATENTS), (synthesis(), HYPER)):
        x = normals(*shape)

        def call(copy, x=x):
            y = copy(ops.convert_to_tensor(x))
            return y if ops.is_tensor(y) else ops.concatenate(y, axis=-1)

        assert_copy_is_the_same(layer, call)
        target = normals(*array(call(layer)).shape, seed=2)

        def loss(x, target, layer=layer, call=call):
            return ops.sum(call(layer, x) * target)

        assert_gradients(loss, layer.trainable_variables, x, target)
