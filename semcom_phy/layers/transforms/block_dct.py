"""Image to patches of DCT coefficients, and back: a fixed unitary transform."""

from typing import Any

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.transforms.color import DecorrelatedColor
from semcom_phy.layers.transforms.spectrum import dct_matrix, from_cells, to_cells


@keras.saving.register_keras_serializable(package="semcom_phy")
class BlockDCT(DecorrelatedColor):
    """Orthonormal DCT of every patch in decorrelated colours, the strongest first.

    The coefficients are sorted by their energy over the images given to :meth:`fit`
    and brought to unit variance. Images of any size that the patches divide.

    Parameters
    ----------
    patch_size : `int`, (default 16)
        Side of a patch [pixels]

    Raises
    ------
    ValueError
        If the patches do not divide an image.
    """

    def __init__(self, patch_size=16, **kwargs):
        super().__init__((patch_size, patch_size, 3), **kwargs)
        self.patch_size = int(patch_size)
        self.depth = 3 * self.patch_size**2
        self.std = self.constant("std", (self.depth,), "ones")
        self.order = self.permutation("order", self.depth)
        self.position = self.permutation("position", self.depth)
        axis = dct_matrix(self.patch_size)
        self._basis = np.kron(axis, axis)  # [coefficients, pixels]
        self.built = True

    def fit(self, images):
        """Takes mean, colour axes and order from images [n, H, W, 3], `float`."""
        images = np.asarray(images, np.float64)
        self.check_shape(images)
        self.fit_color(images)
        energy: Any = 0.0
        count = 0
        for part in np.array_split(images.astype("float32"), len(images) // 64 + 1):
            coefficients = ops.convert_to_numpy(self._transform(part))
            energy = energy + np.square(coefficients).sum((0, 1, 2), dtype="float64")
            count += np.prod(coefficients.shape[:3])
        order = np.argsort(-energy, kind="stable")
        self.std.assign(np.sqrt(energy[order] / count + 1e-12))
        self.order.assign(order)
        self.position.assign(np.argsort(order, kind="stable"))

    def analyse(self, image):
        """Image [batch, H, W, 3] -> coefficients [batch, rows, columns, depth]."""
        return ops.take(self._transform(image), self.order, axis=-1) / self.std

    def synthesise(self, coefficients):
        """Inverse of :meth:`analyse`."""
        coefficients = ops.take(coefficients * self.std, self.position, axis=-1)
        rows, columns = coefficients.shape[1:3]
        size = self.patch_size
        shape = (-1, rows, columns, size**2, 3)
        cells = ops.swapaxes(ops.reshape(coefficients, shape), -1, -2)
        cells = ops.swapaxes(ops.matmul(cells, self._basis), -1, -2)
        cells = ops.reshape(cells, (-1, rows, columns, self.depth))
        return self.recorrelate(from_cells(cells, size))

    def check_shape(self, images):
        height, width, channels = images.shape[1:]
        size = self.patch_size
        if height % size or width % size or channels != 3:
            raise ValueError(
                f"images must have 3 colours and sides that are multiples of {size} "
                f"pixels, received {height}x{width}x{channels}: crop or pad them."
            )

    def _transform(self, image):
        cells = to_cells(self.decorrelate(image), self.patch_size)
        rows, columns = cells.shape[1:3]
        shape = (-1, rows, columns, self.patch_size**2, 3)
        cells = ops.swapaxes(ops.reshape(cells, shape), -1, -2)
        coefficients = ops.matmul(cells, self._basis.T)
        coefficients = ops.swapaxes(coefficients, -1, -2)
        return ops.reshape(coefficients, (-1, rows, columns, self.depth))

    def get_config(self):
        config = super().get_config()
        del config["image_shape"]
        return {**config, "patch_size": self.patch_size}
