"""Local contrast and additive update of an image, cell by cell."""

import numpy as np
from keras import ops

from semcom_phy.layers.refine import refine
from semcom_phy.layers.transforms.spectrum import to_cells

SHAPE, SIZE = (2, 8, 12, 3), 4
DEPTH = SIZE * SIZE * 3


def normals(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


def refined(image, other, change):
    """The refined image, by way of cells of another one."""
    image, other, change = map(ops.convert_to_tensor, (image, other, change))
    return ops.convert_to_numpy(refine(image, to_cells(other, SIZE), change, SIZE))


def test_zero_leaves_the_image():
    """Gain 0 and update 0 change nothing (exact)."""
    image, other = normals(SHAPE, SHAPE)
    zeros = np.zeros((2, 2, 3, 2 * DEPTH), "float32")
    np.testing.assert_array_equal(refined(image, other, zeros), image)


def test_refine_against_numpy():
    """Detail of each cell and colour times exp(3 tanh(g / 3)) - 1, plus the update,
    pixel by pixel (float32 rounding, 1e-5)."""
    image, other, change = normals(SHAPE, SHAPE, (2, 2, 3, 2 * DEPTH))
    expected = image.astype(float)
    for n, i, j, c in np.ndindex(SHAPE):
        row, column = i // SIZE, j // SIZE
        cell = other[
            n,
            row * SIZE : (row + 1) * SIZE,
            column * SIZE : (column + 1) * SIZE,
            c,
        ]
        entry = (i % SIZE * SIZE + j % SIZE) * 3 + c
        gain, update = change[n, row, column, [entry, DEPTH + entry]].astype(float)
        detail = other[n, i, j, c] - cell.mean()
        expected[n, i, j, c] += detail * (np.exp(3 * np.tanh(gain / 3)) - 1) + update
    y = refined(image, other, change)
    assert y.shape == SHAPE and y.dtype == np.float32
    np.testing.assert_allclose(y, expected, atol=1e-5)
