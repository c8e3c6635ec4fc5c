"""The network that tells the noise of a diffusion."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import compile_fn, gradients_fn
from semcom_phy.layers.semantics.latent_denoiser import LatentDenoiser

GRID, DEPTH, WIDTH = (4, 6), 5, 7
SIZES = {"channels": 8, "num_blocks": 2}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, *GRID, DEPTH))
    alpha_bar = rng.uniform(0.01, 0.99, x.shape)
    edges = rng.integers(0, 2, (3, *GRID))
    caption = rng.standard_normal((3, WIDTH))
    arrays = (x, alpha_bar, edges, caption)
    return [ops.convert_to_tensor(v.astype("float32")) for v in arrays]


def randomised(layer, seed=1):
    layer(*inputs())
    rng = np.random.default_rng(seed)
    layer.set_weights([0.3 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def numbers(values):
    return ops.convert_to_numpy(values)


def test_layer_contract():
    """Shape and type of the values; the same from its configuration and compiled
    (float32: 1e-5 of the largest); silent as it starts."""
    layer, given = LatentDenoiser(**SIZES), inputs()
    assert not numbers(layer(*given)).any()
    v = numbers(randomised(layer)(*given))
    shapes = [tuple(value.shape) for value in given]
    assert v.shape == shapes[0] == layer.compute_output_shape(*shapes)
    assert v.dtype == np.float32
    copy = LatentDenoiser.from_config(layer.get_config())
    copy(*given)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numbers(copy(*given)), v)
    compiled = numbers(compile_fn(layer.__call__)(*given))
    np.testing.assert_allclose(compiled, v, atol=1e-5 * np.abs(v).max())


@pytest.mark.parametrize("place", range(4))
def test_everything_it_is_told_matters(place):
    """Values, noise level, edges and caption each change what is found (1e-3)."""
    layer, given = randomised(LatentDenoiser(**SIZES)), inputs()
    before = numbers(layer(*given))
    given[place] = inputs(seed=5)[place]
    assert np.abs(numbers(layer(*given)) - before).max() > 1e-3


def test_every_weight_is_reached():
    """Finite gradients, none of them zero (exact)."""
    layer, given = randomised(LatentDenoiser(**SIZES)), inputs()

    def loss(*given):
        return ops.mean(ops.square(layer(*given)))

    weights = layer.trainable_variables
    for weight, found in zip(weights, gradients_fn(loss, weights)(*given), strict=True):
        found = numbers(found)
        assert np.isfinite(found).all() and found.any(), weight.path


def test_bad_sizes_are_refused():
    """With both numbers."""
    with pytest.raises(ValueError, match="received 0 and 4"):
        LatentDenoiser(0)
