"""CBAM against NumPy, and the branch of residual convolutions that it ends."""

import numpy as np
import pytest
from keras import ops
from layer_checks import (
    array,
    assert_compiled_is_the_same,
    assert_copy_is_the_same,
    assert_gradients,
    normals,
    randomise_zeros,
)

from semcom_phy.layers.cbam import ConvBlockAttention, ConvBranch

X = normals(2, 5, 6, 8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def made(layer):
    layer(X)
    randomise_zeros(layer.weights)
    return layer


def test_attention_against_numpy():
    """Mean and maximum of every channel through one perceptron, then a 7x7 convolution
    over mean and maximum of all channels (float32 rounding)."""
    layer = made(ConvBlockAttention())
    w1, b1, w2, b2 = layer.enter.get_weights() + layer.leave.get_weights()
    assert w1.shape == (8, 2)
    asked = sum(
        np.maximum(kind @ w1 + b1, 0) @ w2 + b2
        for kind in (X.mean((1, 2)), X.max((1, 2)))
    )
    x = X * sigmoid(asked)[:, None, None]
    kinds = np.stack([x.mean(-1), x.max(-1)], -1)
    padded = np.pad(kinds, ((0, 0), (3, 3), (3, 3), (0, 0)))
    matrix, bias = layer.places.get_weights()
    kernel = matrix.reshape(7, 7, 2)
    logit = np.zeros(x.shape[:3]) + bias
    for down, right in np.ndindex(7, 7):
        part = padded[:, down : down + 5, right : right + 6]
        logit += part @ kernel[down, right]
    expected = x * sigmoid(logit)[..., None]
    y = array(layer(X))
    assert y.shape == X.shape and y.dtype == np.float32
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_branch_is_residual():
    """Silent convolutions leave everything as it is (exact); others do not."""
    branch = made(ConvBranch(2))
    assert np.abs(array(branch(X)) - X).max() > 0.01
    for _, second in branch.pairs:
        second.set_weights([0 * w for w in second.get_weights()])
    np.testing.assert_array_equal(array(branch(X)), X)


@pytest.mark.parametrize("kind, size", [(ConvBlockAttention, 3), (ConvBranch, 2)])
def test_every_weight_learns_and_layers_are_what_their_configuration_says(kind, size):
    """Finite, non-zero gradients; the copy exact, compiled within 1e-5."""
    layer = made(kind(size))

    def loss(x):
        return ops.mean(ops.square(layer(x) - 1.0))

    assert_gradients(loss, layer.trainable_variables, X)
    assert_copy_is_the_same(layer, lambda one: one(X))
    assert_compiled_is_the_same(layer.__call__, X)
    assert layer.compute_output_shape(X.shape) == X.shape


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="reduction must be positive, received 0"):
        ConvBlockAttention(0)
    with pytest.raises(ValueError, match="num_blocks must be positive, received 0"):
        ConvBranch(0)
