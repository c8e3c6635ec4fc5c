"""Contextual loss: against numpy, what it does not see, and what it is safe against."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.semantics.contextual import contextual_loss

RNG = np.random.default_rng(1)
MAPS = RNG.standard_normal((2, 5, 6, 8)).astype("float32")
NEAR = MAPS + 0.8 * RNG.standard_normal(MAPS.shape).astype("float32")
WEIGHTS = RNG.random((2, 5, 6)).astype("float32")


def loss(maps, maps_hat, weights, temperature=0.3):
    return ops.convert_to_numpy(contextual_loss(maps, maps_hat, weights, temperature))


def reference(maps, maps_hat, weights, temperature):
    """One image in double precision, position by position."""
    y = maps.reshape(-1, maps.shape[-1]).astype("float64")
    x = maps_hat.reshape(y.shape).astype("float64")
    x, y = x - y.mean(0), y - y.mean(0)
    similarity = np.zeros((len(x), len(y)))
    for i, a in enumerate(x):
        cosine = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in y]
        distance = 1 - np.array(cosine)
        kernel = np.exp((1 - distance / (distance.min() + 1e-5)) / temperature)
        similarity[i] = kernel / kernel.sum()
    found = similarity.max(axis=0)
    return -np.log(np.average(found, weights=weights.ravel()))


def shuffled(maps, seed):
    """The same features at other positions."""
    order = np.random.default_rng(seed).permutation(maps.shape[1] * maps.shape[2])
    flat = maps.reshape(len(maps), len(order), -1)[:, order]
    return flat.reshape(maps.shape)


def test_equals_the_formula():
    """In double precision, each image by itself (float32: 1e-4)."""
    found = loss(MAPS, NEAR, WEIGHTS)
    assert found.shape == (2,) and found.dtype == np.float32
    for images in zip(MAPS, NEAR, WEIGHTS, found, strict=True):
        assert images[-1] == pytest.approx(reference(*images[:-1], 0.3), abs=1e-4)


def test_places_do_not_matter():
    """Neither those of the reconstruction, nor those of the image with its weights
    (float32: 1e-5)."""
    expected = loss(MAPS, NEAR, WEIGHTS)
    moved = loss(MAPS, shuffled(NEAR, 1), WEIGHTS)
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    moved = loss(shuffled(MAPS, 2), NEAR, shuffled(WEIGHTS, 2))
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_identical_images_lose_least():
    """Nothing (1e-5), at any places; the more noise, the more."""
    np.testing.assert_allclose(loss(MAPS, MAPS, WEIGHTS), 0, atol=1e-5)
    noise = RNG.standard_normal(MAPS.shape).astype("float32")
    losses = [loss(MAPS, MAPS + size * noise, WEIGHTS) for size in (0, 0.6, 1.2, 3)]
    assert (np.diff(losses, axis=0) > 0.01).all(), losses


def test_only_weighted_positions_count():
    """What no weight asks for may be absent: a reconstruction without the features of
    the left columns loses nothing of the right ones (1e-3)."""
    left = np.zeros_like(WEIGHTS)
    left[:, :, :2] = 1
    absent = MAPS.copy()
    absent[:, :, :2] = MAPS[:, :, 2:4]
    assert (loss(MAPS, absent, 1 - left) < 1e-3).all()
    assert (loss(MAPS, absent, left) > 1).all()


@pytest.mark.parametrize("maps_hat", [NEAR, MAPS, np.zeros_like(MAPS)])
@pytest.mark.parametrize("maps", [MAPS, np.ones_like(MAPS), 1e4 * MAPS])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_gradients_are_finite(maps, maps_hat, temperature):
    """Also of flat, dark and equal images and without any weight, where the loss and
    its gradient are 0."""
    weights = WEIGHTS.copy()
    weights[1] = 0

    def total(x):
        return ops.sum(contextual_loss(maps, x, weights, temperature))

    gradient = gradient_fn(total)(ops.convert_to_tensor(maps_hat))
    gradient = ops.convert_to_numpy(gradient)
    found = loss(maps, maps_hat, weights, temperature)
    assert np.isfinite(gradient).all() and np.isfinite(found).all()
    assert found[1] == 0 and not gradient[1].any()


def test_most_positions_have_a_gradient():
    """By which a network can be trained: all that some position of the image found (not
    0 of more than half)."""

    def total(x):
        return ops.sum(contextual_loss(MAPS, x, WEIGHTS, 0.5))

    gradient = gradient_fn(total)(ops.convert_to_tensor(NEAR))
    size = np.abs(ops.convert_to_numpy(gradient)).sum(axis=-1)
    assert (size > 1e-3).mean() > 0.5


def test_what_does_not_fit_is_refused():
    """Shapes and temperatures, with what was received."""
    with pytest.raises(ValueError, match=r"\(2, 5, 6, 8\), \(2, 5, 6, 7\)"):
        contextual_loss(MAPS, NEAR[..., :7], WEIGHTS, 0.3)
    with pytest.raises(ValueError, match=r"weights .* \(2, 5, 5\)"):
        contextual_loss(MAPS, NEAR, WEIGHTS[:, :, :5], 0.3)
    for temperature in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"positive, received {temperature}"):
            contextual_loss(MAPS, NEAR, WEIGHTS, temperature)
