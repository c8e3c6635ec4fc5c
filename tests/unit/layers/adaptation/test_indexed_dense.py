"""Linear layers by index: which matrix meets which token."""

import numpy as np
import pytest
from keras import ops
from layer_checks import (
    array,
    assert_compiled_is_the_same,
    assert_copy_is_the_same,
    assert_gradients,
    normals,
)

from semcom_phy.layers.adaptation.indexed_dense import IndexedDense

INDEX = np.array([[0, 2, 1], [2, 2, 0]], "int32")


def layer_and_tokens():
    layer, x = IndexedDense(3, 5), normals(2, 3, 4)
    layer.build(x.shape)
    layer.set_weights([normals(*w.shape, seed=2) for w in layer.get_weights()])
    return layer, x


def test_every_token_has_the_matrix_of_its_index():
    """Against NumPy (1e-5), compiled or not."""
    layer, x = layer_and_tokens()
    y = array(layer(ops.convert_to_tensor(x), ops.convert_to_tensor(INDEX)))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, 3, 5)
    kernel, bias = layer.get_weights()
    for i, j in np.ndindex(2, 3):
        expected = x[i, j] @ kernel[INDEX[i, j]] + bias[INDEX[i, j]]
        np.testing.assert_allclose(y[i, j], expected, atol=1e-5)
    assert_compiled_is_the_same(layer, x, INDEX)


def test_layer_keeps_its_promises():
    """Copy of the configuration (exact), gradients; numbers that are not positive are
    refused."""
    layer, x = layer_and_tokens()
    tensors = ops.convert_to_tensor(x), ops.convert_to_tensor(INDEX)
    assert_copy_is_the_same(layer, lambda copy: copy(*tensors))

    def loss(x):
        return ops.sum(ops.square(layer(x, tensors[1])))

    assert_gradients(loss, layer.trainable_variables, x)
    with pytest.raises(ValueError, match="received 0 and 4"):
        IndexedDense(0, 4)
