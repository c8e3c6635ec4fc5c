"""Images of any size in whole cells, and strips of large ones."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.layers.transforms.padding import cut_edges, pad_edges, whole_cells
from semcom_phy.layers.transforms.strips import in_strips


@pytest.mark.parametrize("sides", [(5, 9), (8, 9), (5, 8), (1, 1), (8, 8)])
def test_edges_are_repeated_and_cut(sides):
    """As NumPy pads with mode "edge"; cut, the image is back (exact)."""
    images = np.random.default_rng(0).random((2, *sides, 3), dtype="float32")
    padded = ops.convert_to_numpy(pad_edges(ops.convert_to_tensor(images), 4))
    missing = [(0, 0), *((0, -side % 4) for side in sides), (0, 0)]
    np.testing.assert_array_equal(padded, np.pad(images, missing, mode="edge"))
    assert padded.shape[1:3] == whole_cells(*sides, 4)
    cut = ops.convert_to_numpy(cut_edges(ops.convert_to_tensor(padded), *sides))
    np.testing.assert_array_equal(cut, images)


def test_smaller_images_are_not_cut():
    """Crops of training stay whole (exact)."""
    crops = ops.zeros((1, 32, 32, 3))
    assert cut_edges(crops, 192, 256) is crops


@pytest.mark.parametrize("at_once", [2, 3, 7, 9])
def test_strips_give_what_the_whole_gives(at_once):
    """Functions of rows that shrink them or not, of one or two tensors, compiled
    (exact)."""
    rng = np.random.default_rng(1)
    one = ops.convert_to_tensor(rng.random((2, 7, 3, 2), dtype="float32"))
    two = ops.convert_to_tensor(rng.integers(0, 9, (2, 7, 3)).astype("int32"))

    def both(values, index):
        return values + ops.cast(index, "float32")[..., None], 2 * index

    compiled = compile_fn(lambda *t: in_strips(both, t, at_once))
    for found, whole in zip(compiled(one, two), both(one, two), strict=True):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (found, whole)))

    def pairs(values):  # two rows become one
        return ops.reshape(values, (2, -1, 2, 3, 2))[:, :, 0]

    even = ops.concatenate([one, one[:, :1]], axis=1)
    found = in_strips(pairs, [even], 2 * at_once)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (found, pairs(even))))
