"""Warping by offsets, and attention that stays inside patches."""

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
from scipy.special import erf

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.patch_attention import DeformablePatchAttention, warp

HEIGHT, WIDTH, CHANNELS, PATCH, HEADS = 4, 6, 8, 2, 2
X = normals(2, HEIGHT, WIDTH, CHANNELS)
STILL = np.zeros((2, HEIGHT, WIDTH, 2), "float32")
OFFSETS = normals(2, HEIGHT, WIDTH, 2, seed=4)
SPATIAL = np.abs(normals(2, HEIGHT, WIDTH, 1, seed=5))


def offsets(down, right):
    return STILL + np.array([down, right], "float32")


def warped(x, moved):
    """Place by place, in double precision."""
    y = np.zeros(x.shape)
    for image, row, column in np.ndindex(y.shape[:3]):
        down, right = moved[image, row, column].astype(float)
        down = np.clip(row + down, 0, HEIGHT - 1)
        right = np.clip(column + right, 0, WIDTH - 1)
        for r, c in np.ndindex(HEIGHT, WIDTH):
            weight = max(0, 1 - abs(down - r)) * max(0, 1 - abs(right - c))
            y[image, row, column] += weight * x[image, r, c]
    return y


def test_no_offset_changes_nothing():
    """Exact, the last row and column too."""
    np.testing.assert_array_equal(array(warp(X, STILL)), X)


@pytest.mark.parametrize("down, right", [(1, 0), (0, -2), (-1, 1), (9, 9), (-9, 2)])
def test_whole_offsets_shift(down, right):
    """What lies beyond the border is that of the border (exact)."""
    rows = np.clip(np.arange(HEIGHT) + down, 0, HEIGHT - 1)
    columns = np.clip(np.arange(WIDTH) + right, 0, WIDTH - 1)
    expected = X[:, rows][:, :, columns]
    np.testing.assert_array_equal(array(warp(X, offsets(down, right))), expected)


def test_other_offsets_interpolate():
    """Between four places, of every place its own offset (1e-5); along one axis, a
    quarter of the way is three parts of one and one part of the other (1e-6)."""
    np.testing.assert_allclose(
        array(warp(X, 2 * OFFSETS)), warped(X, 2 * OFFSETS), atol=1e-5
    )
    y = array(warp(X, offsets(0.25, 0)))
    np.testing.assert_allclose(y[:, :-1], 0.75 * X[:, :-1] + 0.25 * X[:, 1:], atol=1e-6)
    np.testing.assert_array_equal(y[:, -1], X[:, -1])


def test_offsets_are_told_where_to_go():
    """The gradient is the slope between neighbours: of a ramp, its steepness, at whole
    offsets too; 0 beyond the border (1e-5)."""
    ramp = np.zeros_like(X) + 3 * np.arange(HEIGHT, dtype="float32")[:, None, None]
    ramp = ops.convert_to_tensor(ramp + 5 * np.arange(WIDTH)[:, None].astype("float32"))

    def loss(moved):
        return ops.sum(warp(ramp, moved)[..., 0])

    for moved in (STILL, offsets(0.3, -0.4)):
        slope = array(gradient_fn(loss, compiled=False)(ops.convert_to_tensor(moved)))
        inner = slope[:, 1:-1, 1:-1]
        np.testing.assert_allclose(inner[..., 0], 3, atol=1e-5)
        np.testing.assert_allclose(inner[..., 1], 5, atol=1e-5)
    slope = array(gradient_fn(loss, compiled=False)(ops.convert_to_tensor(OFFSETS + 9)))
    assert not slope.any()


def layer_of(patch=PATCH, heads=HEADS):
    layer = DeformablePatchAttention(patch, heads)
    layer(X, STILL, SPATIAL)
    randomise_zeros(layer.weights)
    return layer


def dense(x, layer):
    kernel, bias = layer.get_weights()
    return x @ kernel.astype(float) + bias


def normalised(x, layer):
    gain, offset = layer.get_weights()
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * gain + offset


def test_attention_against_numpy():
    """Equations 15 to 17, patch by patch and head by head, and the perceptron behind
    (1e-5)."""
    layer, depth = layer_of(), CHANNELS // HEADS
    x = normalised(X, layer.norms[0])
    q = dense(x, layer.query)
    k = dense(warped(x, OFFSETS), layer.key)
    v = dense(x * SPATIAL, layer.value)
    y = np.zeros(X.shape)
    for image, top, left, head in np.ndindex(2, HEIGHT // PATCH, WIDTH // PATCH, HEADS):
        rows = slice(top * PATCH, (top + 1) * PATCH)
        columns = slice(left * PATCH, (left + 1) * PATCH)
        own = slice(head * depth, (head + 1) * depth)
        qp, kp, vp = (
            part[image, rows, columns, own].reshape(-1, depth) for part in (q, k, v)
        )
        share = np.exp(qp @ kp.T / np.sqrt(depth))
        share /= share.sum(-1, keepdims=True)
        y[image, rows, columns, own] = (share @ vp).reshape(PATCH, PATCH, depth)
    y = X + dense(y, layer.leave)
    hidden = dense(normalised(y, layer.norms[1]), layer.widen)
    hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
    expected = y + dense(hidden, layer.narrow)
    found = array(layer(X, OFFSETS, SPATIAL))
    assert found.shape == X.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_attention_stays_inside_patches():
    """Another pixel changes its patch and no other while nothing is looked up
    elsewhere (exact); by offsets it reaches neighbours."""
    layer, other = layer_of(), X.copy()
    other[0, 1, 2] += normals(CHANNELS, seed=7)
    moved = np.abs(array(layer(other, STILL, SPATIAL) - layer(X, STILL, SPATIAL)))
    moved = moved.max(-1)
    assert np.all(moved[0, :2, 2:4] > 0)
    moved[0, :2, 2:4] = 0
    assert not moved.any()
    far = offsets(1, 0)  # rows 2 and 3 look at rows 3 and 4, row 1 at row 2
    reached = np.abs(array(layer(other, -far, SPATIAL) - layer(X, -far, SPATIAL)))
    assert reached.max(-1)[0, 2:4, 2:4].max() > 0


def test_every_weight_learns_and_the_layer_is_what_its_configuration_says():
    """Finite, non-zero gradients; the offset of keys is the same for all keys, and
    cancels in the softmax. The copy exact, compiled within 1e-5."""
    layer = layer_of()
    weights = [w for w in layer.trainable_variables if "key/bias" not in w.path]
    assert len(weights) == len(layer.trainable_variables) - 1

    def loss(x, moved, spatial):
        return ops.mean(ops.square(layer(x, moved, spatial) - 1.0))

    assert_gradients(loss, weights, X, OFFSETS, SPATIAL)
    assert_copy_is_the_same(layer, lambda one: one(X, OFFSETS, SPATIAL))
    assert_compiled_is_the_same(layer.__call__, X, OFFSETS, SPATIAL)
    assert layer.compute_output_shape(X.shape, STILL.shape) == X.shape


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="must be positive, received 0, 4"):
        DeformablePatchAttention(0)
    with pytest.raises(ValueError, match="8 channels do not split into 3 heads"):
        DeformablePatchAttention(2, 3).build(X.shape)
