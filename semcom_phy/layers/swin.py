"""Swin transformer: attention inside windows, shifted every second block.

Z. Liu, Y. Lin, Y. Cao, H. Hu, Y. Wei, Z. Zhang, S. Lin, B. Guo, "Swin transformer:
hierarchical vision transformer using shifted windows", ICCV 2021, arXiv:2103.14030.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.adaptation.modulation import ChannelConditionAdaptiveModule
from semcom_phy.layers.dense import Dense


@keras.saving.register_keras_serializable(package="semcom_phy")
class WindowAttention(keras.layers.Layer):
    r"""Multi-head self-attention inside windows, with relative position bias.

    .. math::
        \mathrm{softmax}\bigl(\mathbf{Q}\mathbf{K}^\mathsf{T}/\sqrt{d} + \mathbf{B}
        \bigr)\mathbf{V}

    The windows of an image count as heads of one attention: their biases and shift
    masks are then shared by the batch, as fused attention kernels want them.

    Parameters
    ----------
    num_heads : `int`
        Attention heads; divides the number of channels

    window : `int`
        Side of a window; the whole side of a smaller feature map [tokens]

    shift : `int`, (default 0)
        Cyclic shift of the windows; none where a window is as large as a side [tokens]

    padded : `bool`, (default `False`)
        Windows keep their side and shift on every feature map: it is filled up with
        zeros at the bottom and right, which are attended to like any token, as in the
        authors' code of NTSCC

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature map; sides are multiples of the window, or ``padded``

    Output
    ------
    y : [batch_size, height, width, channels], `float32`
        Feature map

    Raises
    ------
    ValueError
        If heads, window or shift do not fit each other or the feature map.
    """

    def __init__(self, num_heads, window, shift=0, padded=False, **kwargs):
        super().__init__(**kwargs)
        if num_heads < 1 or window < 1 or not 0 <= shift < window:
            raise ValueError(
                "num_heads and window must be positive and shift in [0, window), "
                f"received {num_heads}, {window} and {shift}."
            )
        self.num_heads = num_heads
        self.window = window
        self.shift = shift
        self.padded = padded

    def build(self, input_shape):
        _, height, width, channels = input_shape
        size = self.window if self.padded else min(self.window, height, width)
        self.missing = (-height % size, -width % size) if self.padded else (0, 0)
        height, width = height + self.missing[0], width + self.missing[1]
        if height % size or width % size:
            raise ValueError(
                f"a {height}x{width} feature map does not split into windows of "
                f"{size}x{size}: change the window or the image size."
            )
        if channels % self.num_heads:
            raise ValueError(
                f"{channels} channels do not split into {self.num_heads} heads."
            )
        self.grid = (height // size, width // size, size)
        fits = size < min(height, width)
        self.active_shift = self.shift if fits or self.padded else 0
        self.qkv = Dense(3 * channels, name="qkv")
        self.qkv.build((None, channels))
        self.projection = Dense(channels, name="projection")
        self.projection.build((None, channels))
        # "embedding" in the name keeps Muon away from a table.
        self.bias = self.add_weight(
            name="position_embedding",
            shape=((2 * size - 1) ** 2, self.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self._relative = relative_positions(size)
        self._mask = None
        if self.active_shift:
            self._mask = _shift_mask(height, width, size, self.active_shift)

    def call(self, x):
        rows, columns, size = self.grid
        channels = x.shape[-1]
        heads = rows * columns * self.num_heads
        depth = channels // self.num_heads
        _, height, width, _ = x.shape
        if any(self.missing):
            below, right = self.missing
            x = ops.pad(x, ((0, 0), (0, below), (0, right), (0, 0)))
        if self.active_shift:
            x = ops.roll(x, (-self.active_shift,) * 2, axis=(1, 2))
        qkv = ops.reshape(
            self.qkv(x), (-1, rows, size, columns, size, 3, self.num_heads, depth)
        )
        # Laid out as fused kernels want it: [3, batch, heads, tokens, depth].
        qkv = ops.transpose(qkv, (5, 0, 1, 3, 6, 2, 4, 7))
        qkv = ops.reshape(qkv, (3, -1, heads, size * size, depth))
        q, k, v = (ops.transpose(part, (0, 2, 1, 3)) for part in ops.unstack(qkv))
        y = ops.dot_product_attention(q, k, v, bias=self._all_biases())
        y = ops.reshape(
            ops.transpose(y, (0, 2, 1, 3)),
            (-1, rows, columns, self.num_heads, size, size, depth),
        )
        y = ops.transpose(y, (0, 1, 4, 2, 5, 3, 6))
        y = ops.reshape(y, (-1, rows * size, columns * size, channels))
        if self.active_shift:
            y = ops.roll(y, (self.active_shift,) * 2, axis=(1, 2))
        return self.projection(y[:, :height, :width])

    def _all_biases(self):
        """[1, windows * heads, tokens, tokens]"""
        tokens = self.grid[2] ** 2
        bias = ops.take(self.bias, self._relative, axis=0)
        bias = ops.transpose(ops.reshape(bias, (tokens, tokens, -1)), (2, 0, 1))
        num_windows = self.grid[0] * self.grid[1]
        if self._mask is None:
            bias = ops.tile(bias, (num_windows, 1, 1))
        else:
            bias = bias[None] + ops.cast(self._mask[:, None], bias.dtype)
            bias = ops.reshape(bias, (-1, tokens, tokens))
        return bias[None]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window": self.window,
            "shift": self.shift,
            "padded": self.padded,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinBlock(keras.layers.Layer):
    r"""Window attention and a two-layer perceptron, each residual after a LayerNorm.

    With ``channel_aware`` a channel condition adaptive module ends the block (ECA).

    Parameters
    ----------
    num_heads, window, shift, padded
        As in :class:`WindowAttention`

    mlp_ratio : `float`, (default 4.0)
        Width of the perceptron over the number of channels

    channel_aware : `bool`, (default `False`)
        End with a channel condition adaptive module

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature map

    condition : [batch_size, num_condition], `float32`, optional
        Channel-condition embedding; needed if ``channel_aware``

    Output
    ------
    y : [batch_size, height, width, channels], `float32`
        Feature map
    """

    def __init__(
        self,
        num_heads,
        window,
        shift=0,
        mlp_ratio=4.0,
        channel_aware=False,
        padded=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if mlp_ratio <= 0:
            raise ValueError(f"mlp_ratio must be positive, received {mlp_ratio}.")
        self.num_heads = num_heads
        self.window = window
        self.shift = shift
        self.mlp_ratio = mlp_ratio
        self.channel_aware = channel_aware
        self.padded = padded
        self.norm_attention = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm_attention"
        )
        self.attention = WindowAttention(
            num_heads, window, shift, padded, name="attention"
        )
        self.norm_mlp = keras.layers.LayerNormalization(epsilon=1e-5, name="norm_mlp")

    def build(self, x_shape, condition_shape=None):
        channels = x_shape[-1]
        hidden = int(self.mlp_ratio * channels)
        self.norm_attention.build(x_shape)
        self.attention.build(x_shape)
        self.norm_mlp.build(x_shape)
        self.expand = Dense(hidden, activation="gelu", name="expand")
        self.expand.build((None, channels))
        self.contract = Dense(channels, name="contract")
        self.contract.build((None, hidden))
        if self.channel_aware:
            self.modulation = ChannelConditionAdaptiveModule(name="modulation")
            self.modulation.build(x_shape, condition_shape)

    def call(self, x, condition=None):
        x = x + self.attention(self.norm_attention(x))
        x = x + self.contract(self.expand(self.norm_mlp(x)))
        return self.modulation(x, condition) if self.channel_aware else x

    def compute_output_shape(self, x_shape, condition_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window": self.window,
            "shift": self.shift,
            "mlp_ratio": self.mlp_ratio,
            "channel_aware": self.channel_aware,
            "padded": self.padded,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinStage(keras.layers.Layer):
    """Swin blocks at one resolution; every second one shifts by half a window.

    Parameters
    ----------
    depth : `int`
        Number of blocks

    num_heads, window, padded
        As in :class:`WindowAttention`

    mlp_ratio, channel_aware
        As in :class:`SwinBlock`

    shifted : `bool`, (default `True`)
        `False`: no block shifts, whatever the size of the feature map

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature map

    condition : [batch_size, num_condition], `float32`, optional
        Channel-condition embedding; needed if ``channel_aware``

    Output
    ------
    y : [batch_size, height, width, channels], `float32`
        Feature map
    """

    def __init__(
        self,
        depth,
        num_heads,
        window,
        mlp_ratio=4.0,
        channel_aware=False,
        shifted=True,
        padded=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if depth < 1:
            raise ValueError(f"depth must be positive, received {depth}.")
        self.depth = depth
        self.num_heads = num_heads
        self.window = window
        self.mlp_ratio = mlp_ratio
        self.channel_aware = channel_aware
        self.shifted = shifted
        self.padded = padded
        self.blocks = [
            SwinBlock(
                num_heads,
                window,
                i % 2 * (window // 2) if shifted else 0,
                mlp_ratio,
                channel_aware,
                padded,
                name=f"block_{i}",
            )
            for i in range(depth)
        ]

    def build(self, x_shape, condition_shape=None):
        for block in self.blocks:
            if self.channel_aware:
                block.build(x_shape, condition_shape)
            else:
                block.build(x_shape)

    def call(self, x, condition=None):
        for block in self.blocks:
            x = block(x, condition) if self.channel_aware else block(x)
        return x

    def compute_output_shape(self, x_shape, condition_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "depth": self.depth,
            "num_heads": self.num_heads,
            "window": self.window,
            "mlp_ratio": self.mlp_ratio,
            "channel_aware": self.channel_aware,
            "shifted": self.shifted,
            "padded": self.padded,
        }


def relative_positions(size):
    """Row of the bias table for every pair of tokens of a window, flat `int32`."""
    place = np.stack(np.divmod(np.arange(size * size), size))
    offset = place[:, :, None] - place[:, None, :] + size - 1
    return (offset[0] * (2 * size - 1) + offset[1]).ravel().astype("int32")


def _shift_mask(height, width, size, shift):
    """-100 between tokens that the shift brought together from opposite edges.

    [windows, tokens, tokens], `float32`; the value of the Swin paper's code.
    """

    def part(length):
        position = np.arange(length)
        return (position >= length - size).astype(int) + (position >= length - shift)

    region = 3 * part(height)[:, None] + part(width)[None]
    region = region.reshape(height // size, size, width // size, size)
    region = region.transpose(0, 2, 1, 3).reshape(-1, size * size)
    return np.where(region[:, :, None] == region[:, None, :], 0, -100).astype("float32")
