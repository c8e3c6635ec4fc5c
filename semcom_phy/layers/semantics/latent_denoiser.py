"""The noise in the values of patches, told from them, an edge map and a caption."""

from typing import Any

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D


@keras.saving.register_keras_serializable(package="semcom_phy")
class LatentDenoiser(keras.layers.Layer):
    r"""Network of a variance-preserving diffusion over maps of values.

    .. math::
        x = \sqrt{\bar\alpha}\, x_0 + \sqrt{1 - \bar\alpha}\, \epsilon, \qquad
        v = \sqrt{\bar\alpha}\, \epsilon - \sqrt{1 - \bar\alpha}\, x_0

    It predicts v, of which both parts of x follow. Every value has a noise level of its
    own. Where v is 0, as at the start, :math:`x_0 = \sqrt{\bar\alpha}\, x`, which is
    the linear estimate of values of unit variance: the network learns what is left.

    Parameters
    ----------
    channels : `int`, (default 64)
        Of the feature maps

    num_blocks : `int`, (default 4)
        Residual blocks of two convolutions, the first one's output scaled and shifted
        by noise level and caption (FiLM)

    Input
    -----
    x : [batch, rows, columns, depth], `float32`
        Of unit variance

    alpha_bar : [batch, rows, columns, depth], `float32`, in (0, 1)
        Share of the values in the variance of ``x``

    edges : [batch, rows, columns], `float32`
        1 where there is an edge; zeros where it is not known

    caption : [batch, width], `float32`
        Vector of a text of unit mean square; zeros where there is none

    Output
    ------
    v : [batch, rows, columns, depth], `float32`

    References
    ----------
    T. Salimans, J. Ho, "Progressive distillation for fast sampling of diffusion
    models", ICLR 2022, for v; E. Perez et al., "FiLM: visual reasoning with a general
    conditioning layer", AAAI 2018.
    """

    def __init__(self, channels=64, num_blocks=4, **kwargs):
        super().__init__(**kwargs)
        if channels < 1 or num_blocks < 1:
            raise ValueError(
                "channels and num_blocks must be positive, received "
                f"{channels} and {num_blocks}."
            )
        self.channels = channels
        self.num_blocks = num_blocks

    def build(self, x_shape, alpha_bar_shape, edges_shape, caption_shape):
        grid, depth, wide = x_shape[:-1], x_shape[-1], self.channels
        self.enter = MatrixConv2D(wide, name="enter")
        self.enter.build((*grid, 2 * depth + 1))
        self.condition = Dense(wide, activation="silu", name="condition")
        self.condition.build((None, depth + caption_shape[-1]))
        self.blocks: list[list[Any]] = []
        for i in range(self.num_blocks):
            block = [MatrixConv2D(wide, name=f"conv_{i}_{j}") for j in range(2)]
            film = Dense(2 * wide, kernel_initializer="zeros", name=f"film_{i}")
            for conv in block:
                conv.build((*grid, wide))
            film.build((None, wide))
            self.blocks.append([*block, film])
        self.leave = MatrixConv2D(depth, 1, kernel_initializer="zeros", name="leave")
        self.leave.build((*grid, wide))

    def call(self, x, alpha_bar, edges, caption):
        level = ops.sqrt(alpha_bar)
        told = [ops.mean(level, axis=(1, 2)), caption]
        condition = self.condition(ops.concatenate(told, axis=-1))[:, None, None]
        features = self.enter(ops.concatenate([x, level, edges[..., None]], axis=-1))
        for first, second, film in self.blocks:
            scale, shift = ops.split(film(condition), 2, axis=-1)
            inside = first(ops.silu(features)) * (1.0 + scale) + shift
            features = features + second(ops.silu(inside))
        return self.leave(ops.silu(features))

    def compute_output_shape(
        self, x_shape, alpha_bar_shape, edges_shape, caption_shape
    ):
        return x_shape

    def get_config(self):
        names = ("channels", "num_blocks")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
