"""Image to feature maps by ideal subbands, and back: a fixed unitary transform."""

from typing import Any

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.transforms.color import DecorrelatedColor
from semcom_phy.layers.transforms.spectrum import dct2, idct2

BANDS = 4  # per direction: a map has a quarter of the height and of the width


@keras.saving.register_keras_serializable(package="semcom_phy")
class Subbands(DecorrelatedColor):
    r"""Decorrelated image to maps of a quarter of its sides, the strongest first.

    The coefficients of an orthonormal whole-image DCT are cut into 4x4 bands of
    neighbouring frequencies; the inverse DCT of a band is a small picture of what that
    band holds. Three colours make 48 maps. The transform is unitary; maps are sorted
    by their energy over the images given to :meth:`fit` and brought to unit variance.

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`)
        Height and width, multiples of 4, and colours [pixels]

    num_maps : `int`
        Maps that are used; at most 16 times the number of colours

    Raises
    ------
    ValueError
        If the sizes do not fit, or an image of another shape is given.
    """

    def __init__(self, image_shape, num_maps, **kwargs):
        super().__init__(image_shape, **kwargs)
        self.num_maps = int(num_maps)
        height, width, channels = self.image_shape
        if height % BANDS or width % BANDS:
            raise ValueError(
                f"image height and width must be multiples of {BANDS}, received "
                f"{height}x{width}: crop or pad the images."
            )
        self.depth = BANDS**2 * channels
        if not 1 <= self.num_maps <= self.depth:
            raise ValueError(
                f"num_maps must be from 1 to {self.depth}, received {num_maps}."
            )
        self.grid = (height // BANDS, width // BANDS)
        self.std = self.constant("std", (self.num_maps,), "ones")
        self.order = self.permutation("order", self.depth)
        self.position = self.permutation("position", self.depth)
        self.built = True

    def fit(self, images):
        """Takes mean, colour axes and the order of the maps from `float` images."""
        images = np.asarray(images, np.float64)
        self.check_shape(images)
        self.fit_color(images)
        energy: Any = 0.0
        for part in np.array_split(images.astype("float32"), len(images) // 512 + 1):
            maps = ops.convert_to_numpy(self._all_maps(self.decorrelate(part)))
            energy = energy + np.square(maps).sum((0, 1, 2))
        order = np.argsort(-energy, kind="stable")
        positions = len(images) * self.grid[0] * self.grid[1]
        self.std.assign(np.sqrt(energy[order[: self.num_maps]] / positions + 1e-12))
        self.order.assign(order)
        self.position.assign(np.argsort(order, kind="stable"))
        return self

    def analyse(self, image):
        """Decorrelated image [batch, H, W, C] -> maps [batch, H/4, W/4, num_maps]."""
        maps = ops.take(self._all_maps(image), self.order[: self.num_maps], axis=-1)
        return maps / self.std

    def synthesise(self, maps):
        """Maps [batch, H/4, W/4, num_maps], the others 0 -> decorrelated image."""
        missing = self.depth - self.num_maps
        maps = ops.pad(maps * self.std, ((0, 0), (0, 0), (0, 0), (0, missing)))
        maps = ops.take(maps, self.position, axis=-1)
        rows, columns = self.grid
        bands = dct2(maps)
        shape = (-1, rows, columns, BANDS, BANDS, self.image_shape[-1])
        bands = ops.transpose(ops.reshape(bands, shape), (0, 3, 1, 4, 2, 5))
        return idct2(ops.reshape(bands, (-1, *self.image_shape)))

    def _all_maps(self, image):
        rows, columns = self.grid
        shape = (-1, BANDS, rows, BANDS, columns, self.image_shape[-1])
        bands = ops.transpose(ops.reshape(dct2(image), shape), (0, 2, 4, 1, 3, 5))
        return idct2(ops.reshape(bands, (-1, rows, columns, self.depth)))

    def get_config(self):
        return {**super().get_config(), "num_maps": self.num_maps}
