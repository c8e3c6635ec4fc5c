"""Merging and splitting of tokens: where what goes, and what is refused."""

import numpy as np
import pytest
from keras import ops
from layer_checks import array, assert_copy_is_the_same, assert_gradients, normals

from semcom_phy.layers.patch_merging import PatchMerging, PatchSplitting, SplitFirst


def built(layer, shape):
    layer.build((None, *shape[1:]))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def normed(x, layer):
    gain, offset = (array(v) for v in (layer.norm.gamma, layer.norm.beta))
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain + offset


def test_merging_takes_cells_column_by_column():
    """Top left, bottom left, top right, bottom right (1e-5)."""
    x = normals(2, 4, 6, 3)
    layer = built(PatchMerging(5), x.shape)
    y = array(layer(ops.convert_to_tensor(x)))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, 2, 3, 5)
    cell = np.concatenate([x[1, 2, 4], x[1, 3, 4], x[1, 2, 5], x[1, 3, 5]])
    expected = normed(cell, layer) @ array(layer.linear.kernel)
    np.testing.assert_allclose(y[1, 1, 2], expected, atol=1e-5)


def test_splitting_counts_places_fastest():
    """Output 4 c + 2 dy + dx is channel c of the token at (dy, dx) (1e-5)."""
    x = normals(2, 2, 3, 5)
    layer = built(PatchSplitting(3), x.shape)
    y = array(layer(ops.convert_to_tensor(x)))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, 4, 6, 3)
    outputs = normed(x[1, 0, 2], layer) @ array(layer.linear.kernel)
    for channel, dy, dx in np.ndindex(3, 2, 2):
        place = 4 * channel + 2 * dy + dx
        np.testing.assert_allclose(y[1, dy, 4 + dx, channel], outputs[place], atol=1e-5)


def test_splitting_first_norms_the_new_tokens():
    """Input 4 c + 2 dy + dx is channel c of the token at (dy, dx), which LayerNorm and
    matrix are for (1e-5)."""
    x = normals(2, 2, 3, 12)
    layer = built(SplitFirst(5), x.shape)
    y = array(layer(ops.convert_to_tensor(x)))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, 4, 6, 5)
    for dy, dx in np.ndindex(2, 2):
        token = normed(x[1, 0, 2, 2 * dy + dx :: 4], layer)
        expected = token @ array(layer.linear.kernel)
        np.testing.assert_allclose(y[1, dy, 4 + dx], expected, atol=1e-5)


@pytest.mark.parametrize("layer_class", [PatchMerging, PatchSplitting, SplitFirst])
def test_layers_keep_their_promises(layer_class):
    """Copy of the configuration (exact), gradients."""
    x = normals(2, 4, 4, 8)
    layer = built(layer_class(3), x.shape)
    assert_copy_is_the_same(layer, lambda copy: copy(ops.convert_to_tensor(x)))
    target = normals(*layer.compute_output_shape(x.shape), seed=2)

    def loss(x, target):
        return ops.sum(layer(x) * target)

    assert_gradients(loss, layer.trainable_variables, x, target)


def test_what_does_not_fit_is_refused():
    """Values are named (exact)."""
    with pytest.raises(ValueError, match="3x4 feature map"):
        PatchMerging(4).build((None, 3, 4, 2))
    with pytest.raises(ValueError, match="6 channels do not split into four"):
        SplitFirst(4).build((None, 2, 2, 6))
    with pytest.raises(ValueError, match="received 0"):
        PatchSplitting(0)
