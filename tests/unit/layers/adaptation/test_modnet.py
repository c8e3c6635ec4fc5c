"""ModNet, as the identity to start with and as published."""

import numpy as np
import pytest
from keras import ops
from layer_checks import array, assert_copy_is_the_same, assert_gradients, normals

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.adaptation.modnet import ModNet

SHAPE = (2, 3, 2, 6)


def built(**more):
    layer = ModNet(**more)
    layer.build(SHAPE, (2, 1))
    return layer


def tensors():
    return ops.convert_to_tensor(normals(*SHAPE)), ops.convert_to_tensor([[0.5], [2.0]])


def test_it_starts_as_the_identity_unless_as_published():
    """Factors of 1, or in (0, 1) (exact)."""
    x, control = tensors()
    y, factors = built()(x, control)
    np.testing.assert_array_equal(array(y), array(x))
    np.testing.assert_array_equal(array(factors), np.ones(SHAPE))
    y, factors = built(as_published=True)(x, control)
    np.testing.assert_allclose(array(y), array(x) * array(factors), atol=1e-6)
    assert 0 < array(factors).min() < array(factors).max() < 1


def test_published_factors_move_no_maps():
    """Gradient at the maps is the factors alone, as in the authors' code (1e-6); that
    of the other form is more."""
    x, control = tensors()
    for as_published in (True, False):
        layer = built(as_published=as_published)
        rng = np.random.default_rng(2)
        layer.set_weights(
            [0.5 * rng.standard_normal(w.shape) for w in layer.get_weights()]
        )
        found = gradient_fn(
            lambda x, layer=layer: ops.sum(layer(x, control)[0]), compiled=False
        )(x)
        alone = np.abs(array(found) - array(layer(x, control)[1])).max() < 1e-6
        assert alone == as_published


@pytest.mark.parametrize("as_published", [True, False])
def test_layers_keep_their_promises(as_published):
    """Copy of the configuration (exact), gradients."""
    x, control = tensors()
    layer = built(as_published=as_published)
    assert_copy_is_the_same(layer, lambda copy: copy(x, control)[0])
    target = normals(*SHAPE, seed=2)

    def loss(x, control, target):
        return ops.sum(layer(x, control)[0] * target)

    assert_gradients(loss, layer.trainable_variables, array(x), array(control), target)
