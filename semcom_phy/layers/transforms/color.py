"""Colour axes of training images: what image transforms of the layers start with."""

import keras
import numpy as np
from keras import ops


class DecorrelatedColor(keras.layers.Layer):
    """Mean and colour axes of images, with which RGB becomes decorrelated colour.

    Base of the fixed image transforms; its numbers are weights that are not trained.

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`)
        Height, width and colour channels [pixels]

    Raises
    ------
    ValueError
        If an image of another shape is given.
    """

    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        channels = self.image_shape[-1]
        self.mean = self.constant("mean", (channels,), "zeros")
        self.color = self.constant("color", (channels, channels), "identity")

    def constant(self, name, shape, initializer, dtype="float32"):
        """A weight that is not trained."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=False,
        )

    def permutation(self, name, size):
        """A weight that holds a permutation, at first the identity."""
        weight = self.constant(name, (size,), "zeros", "int32")
        weight.assign(np.arange(size))
        return weight

    def fit_color(self, images):
        """Takes mean and colour axes from images [n, H, W, C], `float64`."""
        self.mean.assign(images.mean((0, 1, 2)))
        pixels = (images - images.mean((0, 1, 2))).reshape(-1, images.shape[-1])
        self.color.assign(np.linalg.eigh(pixels.T @ pixels)[1][:, ::-1])

    def decorrelate(self, image):
        """RGB in [0, 1] -> zero-mean decorrelated colour, [batch, H, W, C]."""
        self.check_shape(image)
        return ops.matmul(image - self.mean, self.color)

    def recorrelate(self, image):
        """Inverse of :meth:`decorrelate`."""
        return ops.matmul(image, ops.transpose(self.color)) + self.mean

    def check_shape(self, images):
        """Refuses images of another shape."""
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images must have shape {self.image_shape}, received "
                f"{tuple(images.shape[1:])}."
            )

    def get_config(self):
        return {**super().get_config(), "image_shape": self.image_shape}
