"""The file of the KLT of 32x32 images: half of each basis image, the rest mirrored.

basis images --> even or odd about the middle --> left half, parity --> HDF5

Images and their mirror images have a KLT whose basis images are even or odd from left
to right, so that one half says all. Pairs of nearly the same variance, which a fit in
finite precision mixes, are told apart: as good a KLT.
"""

import h5py
import numpy as np

from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.stored_arrays import half_precision, new_file, write_array

# Of 10: an error of 55 dB below the basis, and a quarter less to store.
MANTISSA_BITS = 7
IMAGE_SHAPE = (32, 32, 3)


def write_klt(path, coder):
    """Stores a KLT that was fitted to images and their mirror images.

    Input
    -----
    path : `Path`

    coder : :class:`~semcom_phy.codecs.linear_analogue.LinearAnalogueCoder`
        Of 32x32 images
    """
    left, right = np.split(coder.basis.reshape(*IMAGE_SHAPE, -1), 2, axis=1)
    right = right[:, ::-1]
    parity = np.where((left * right).sum(axis=(0, 1, 2)) < 0, -1, 1)
    half = left + parity * right
    half *= np.sqrt(0.5 / np.square(half).sum(axis=(0, 1, 2)))
    half = half.reshape(-1, len(parity))
    with new_file(path) as file:
        write_array(file, "mean", coder.mean)
        write_array(file, "left_half", half_precision("basis", half, MANTISSA_BITS))
        write_array(file, "parity", parity.astype(np.int8))
        write_array(file, "variance", coder.variance.astype(np.float32))


def read_klt(path):
    """The KLT in a file of :func:`write_klt`.

    Output
    ------
    : :class:`~semcom_phy.codecs.linear_analogue.LinearAnalogueCoder`
    """
    with h5py.File(path) as file:
        mean, half, parity, variance = (
            file[name][:] for name in ("mean", "left_half", "parity", "variance")
        )
    rows, cols, colors = IMAGE_SHAPE
    left = half.reshape(rows, cols // 2, colors, -1)
    basis = np.concatenate([left, parity * left[:, ::-1]], axis=1)
    return LinearAnalogueCoder(
        mean, basis.reshape(len(mean), -1), variance, IMAGE_SHAPE
    )
