"""What tests of layers share: numbers in all weights, gradients, copies."""

import numpy as np
from keras import ops

from semcom_phy.backend import compile_fn, gradients_fn


def normals(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def randomise_zeros(variables, seed=3):
    """Gives those that start at zero other values."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        if not np.any(array(variable)):
            variable.assign(0.1 * rng.standard_normal(variable.shape))


def assert_gradients(loss, weights, *inputs):
    """Every weight has a finite and non-zero gradient of a loss of the inputs; those
    that start at zero are randomised before."""
    randomise_zeros(weights)
    found = gradients_fn(loss, weights, compiled=False)(*map(_tensor, inputs))
    for weight, gradient in zip(weights, found, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(array(gradient)).all(), weight.path
        assert np.any(array(gradient)), weight.path


def assert_copy_is_the_same(layer, call):
    """A layer made of the configuration, with the same weights, gives the same; all of
    the configuration is plain values under the constructor's names (exact)."""
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    call(copy)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(array(call(copy)), array(call(layer)))


def assert_compiled_is_the_same(function, *inputs, atol=1e-5):
    """Compiled by XLA where there is one, the same numbers."""
    inputs = list(map(_tensor, inputs))
    eager, compiled = function(*inputs), compile_fn(function)(*inputs)
    np.testing.assert_allclose(array(compiled), array(eager), atol=atol)


def _tensor(values):
    return None if values is None else ops.convert_to_tensor(values)
