"""Fixed image transforms: cells of pixels, and the whole-image cosine transform."""

import numpy as np
from keras import ops


def to_cells(image, size):
    """[batch, H, W, C] -> [batch, H/size, W/size, size*size*C]: one cell a token."""
    _, height, width, channels = image.shape
    rows, columns = height // size, width // size
    x = ops.reshape(image, (-1, rows, size, columns, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows, columns, size * size * channels))


def from_cells(cells, size):
    """Inverse of :func:`to_cells`."""
    _, rows, columns, depth = cells.shape
    channels = depth // size**2
    x = ops.reshape(cells, (-1, rows, columns, size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, rows * size, columns * size, channels))


def grid_coordinates(rows, columns):
    """Coordinates of cells in [-1, 1], [1, rows, columns, 2] `float32`."""
    axes = np.linspace(-1, 1, rows), np.linspace(-1, 1, columns)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)[None].astype("float32")


def dct_matrix(size):
    r"""Orthonormal DCT-II matrix [size, size], `float32`: ``X = D x``."""
    k, n = np.arange(size)[:, None], np.arange(size)[None]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * k * (2 * n + 1) / (2 * size))
    matrix[0] /= np.sqrt(2)
    return matrix.astype("float32")


def dct2(image):
    """Orthonormal 2-D DCT-II over height and width, [batch, H, W, C] `float32`."""
    return _separable(image, dct_matrix(image.shape[1]), dct_matrix(image.shape[2]))


def idct2(spectrum):
    """Inverse of :func:`dct2`."""
    rows, columns = dct_matrix(spectrum.shape[1]), dct_matrix(spectrum.shape[2])
    return _separable(spectrum, rows.T, columns.T)


def _separable(image, rows, columns):
    """Two matrix products without a transposition: [rows] x [height, width * C], then
    [width * C] x [columns, colour by colour]."""
    _, height, width, channels = image.shape
    across = np.kron(columns.T, np.eye(channels, dtype="float32"))
    x = ops.reshape(image, (-1, height, width * channels))
    x = ops.matmul(ops.matmul(rows, x), across)
    return ops.reshape(x, (-1, height, width, channels))
