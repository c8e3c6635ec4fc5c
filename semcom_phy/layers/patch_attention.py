"""Attention inside patches, with keys that are looked up where offsets point to."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.transforms.spectrum import from_cells, to_cells


@keras.saving.register_keras_serializable(package="semcom_phy")
class DeformablePatchAttention(keras.layers.Layer):
    r"""Self-attention of the places of every patch, and a perceptron.

    .. math::
        Q = F W_q, \quad K = \text{warp}(F, \Delta) W_k, \quad
        V = (F \odot A_s) W_v, \\
        y_p = \text{softmax}\left(\frac{Q_p K_p^T}{\sqrt d}\right) V_p

    with bilinear interpolation in the warp, and both steps residual.

    Parameters
    ----------
    patch : `int`, (default 2)
        Side of a patch [places]

    num_heads : `int`, (default 4)
        Divides the number of channels

    Input
    -----
    features : [batch, height, width, channels], `float32`
        Sides are multiples of the patch

    offsets : [batch, height, width, 2], `float32`
        Where keys are looked up, down and to the right of their place [places]

    attention : [batch, height, width, 1], `float32`
        What values are scaled by

    Output
    ------
    y : [batch, height, width, channels], `float32`

    References
    ----------
    Equations 15 to 18 of the GenED-SC paper.
    """

    def __init__(self, patch=2, num_heads=4, **kwargs):
        super().__init__(**kwargs)
        if patch < 1 or num_heads < 1:
            raise ValueError(
                f"patch and num_heads must be positive, received {patch}, {num_heads}."
            )
        self.patch = patch
        self.num_heads = num_heads
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{i}")
            for i in range(2)
        ]

    def build(self, features_shape, offsets_shape=None, attention_shape=None):
        channels = features_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                f"{channels} channels do not split into {self.num_heads} heads."
            )
        shape = (None, *features_shape[1:])
        for norm in self.norms:
            norm.build(shape)
        self.query, self.key, self.value, self.leave = (
            Dense(channels, name=name) for name in ("query", "key", "value", "leave")
        )
        for layer in (self.query, self.key, self.value, self.leave):
            layer.build(shape)
        self.widen = Dense(2 * channels, activation="gelu", name="widen")
        self.widen.build(shape)
        self.narrow = Dense(channels, kernel_initializer="zeros", name="narrow")
        self.narrow.build((*shape[:-1], 2 * channels))

    def call(self, features, offsets, attention):
        x = self.norms[0](features)
        q = self._heads(self.query(x))
        k = self._heads(self.key(warp(x, offsets)))
        v = self._heads(self.value(x * attention))
        y = ops.dot_product_attention(q, k, v)
        features = features + self.leave(self._places(y, features.shape))
        return features + self.narrow(self.widen(self.norms[1](features)))

    def _heads(self, x):
        """[batch * patches, places of a patch, heads, depth]"""
        depth = x.shape[-1] // self.num_heads
        return ops.reshape(
            to_cells(x, self.patch), (-1, self.patch**2, self.num_heads, depth)
        )

    def _places(self, y, shape):
        """Inverse of :meth:`_heads`."""
        _, height, width, channels = shape
        rows, columns = height // self.patch, width // self.patch
        y = ops.reshape(y, (-1, rows, columns, self.patch**2 * channels))
        return from_cells(y, self.patch)

    def compute_output_shape(self, features_shape, *others):
        return features_shape

    def get_config(self):
        return {
            **super().get_config(),
            "patch": self.patch,
            "num_heads": self.num_heads,
        }


def warp(features, offsets):
    """Features where offsets point to, by bilinear interpolation.

    Input
    -----
    features : [batch, height, width, channels], `float32`

    offsets : [batch, height, width, 2], `float32`
        Down and to the right; what lies beyond the border is that of the border
        [places]

    Output
    ------
    : as ``features``
    """
    _, height, width, channels = features.shape
    flat = ops.reshape(features, (-1, height * width, channels))
    down = ops.arange(height, dtype="float32")[None, :, None] + offsets[..., 0]
    right = ops.arange(width, dtype="float32")[None, None] + offsets[..., 1]
    down = ops.clip(down, 0.0, height - 1.0)
    right = ops.clip(right, 0.0, width - 1.0)
    # The last interval holds its end, so that there always is a place behind.
    top = ops.stop_gradient(ops.minimum(ops.floor(down), height - 2.0))
    left = ops.stop_gradient(ops.minimum(ops.floor(right), width - 2.0))
    below, beside = (down - top)[..., None], (right - left)[..., None]

    def at(row, column):
        index = ops.cast((top + row) * width + left + column, "int32")
        index = ops.reshape(index, (-1, height * width, 1))
        index = ops.broadcast_to(index, ops.shape(flat))
        found = ops.take_along_axis(flat, index, axis=1)
        return ops.reshape(found, (-1, height, width, channels))

    upper = at(0.0, 0.0) * (1.0 - beside) + at(0.0, 1.0) * beside
    lower = at(1.0, 0.0) * (1.0 - beside) + at(1.0, 1.0) * beside
    return upper * (1.0 - below) + lower * below
