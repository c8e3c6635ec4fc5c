"""Convolutional block attention: which channels, then which places."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense
from semcom_phy.layers.matrix_conv import MatrixConv2D


@keras.saving.register_keras_serializable(package="semcom_phy")
class ConvBlockAttention(keras.layers.Layer):
    r"""CBAM: channels by their mean and maximum, then places by theirs.

    .. math::
        x' &= \sigma(W_2 \text{ReLU}(W_1 \text{mean}(x)) +
            W_2 \text{ReLU}(W_1 \max(x))) \odot x \\
        y &= \sigma(\text{conv}([\text{mean}_c(x'), \max_c(x')])) \odot x'

    Parameters
    ----------
    reduction : `int`, (default 4)
        Channels over the width of the hidden layer

    Input
    -----
    x : [batch, height, width, channels], `float32`

    Output
    ------
    y : as ``x``

    References
    ----------
    S. Woo, J. Park, J.-Y. Lee, I. S. Kweon, "CBAM: convolutional block attention
    module", ECCV 2018, arXiv:1807.06521.
    """

    def __init__(self, reduction=4, **kwargs):
        super().__init__(**kwargs)
        if reduction < 1:
            raise ValueError(f"reduction must be positive, received {reduction}.")
        self.reduction = reduction
        self.places = MatrixConv2D(1, 7, name="places")

    def build(self, x_shape):
        channels = x_shape[-1]
        hidden = max(channels // self.reduction, 1)
        self.enter = Dense(hidden, activation="relu", name="enter")
        self.enter.build((None, channels))
        self.leave = Dense(channels, name="leave")
        self.leave.build((None, hidden))
        self.places.build((*x_shape[:-1], 2))

    def call(self, x):
        mean, most = ops.mean(x, axis=(1, 2)), ops.max(x, axis=(1, 2))
        asked = self.leave(self.enter(mean)) + self.leave(self.enter(most))
        x = x * ops.sigmoid(asked)[:, None, None]
        kinds = [
            ops.mean(x, axis=-1, keepdims=True),
            ops.max(x, axis=-1, keepdims=True),
        ]
        return x * ops.sigmoid(self.places(ops.concatenate(kinds, axis=-1)))

    def compute_output_shape(self, x_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}


@keras.saving.register_keras_serializable(package="semcom_phy")
class ConvBranch(keras.layers.Layer):
    """Residual convolutions, each block ended by :class:`ConvBlockAttention`: the
    background branch of GenED-SC.

    Parameters
    ----------
    num_blocks : `int`, (default 1)

    Input
    -----
    x : [batch, height, width, channels], `float32`

    Output
    ------
    y : as ``x``
    """

    def __init__(self, num_blocks=1, **kwargs):
        super().__init__(**kwargs)
        if num_blocks < 1:
            raise ValueError(f"num_blocks must be positive, received {num_blocks}.")
        self.num_blocks = num_blocks
        self.attentions = [
            ConvBlockAttention(name=f"attention_{i}") for i in range(num_blocks)
        ]

    def build(self, x_shape):
        channels = x_shape[-1]
        self.pairs = []
        for i in range(self.num_blocks):
            pair = [MatrixConv2D(channels, name=f"conv_{i}_{j}") for j in range(2)]
            for conv in pair:
                conv.build(x_shape)
            self.pairs.append(pair)
            self.attentions[i].build(x_shape)

    def call(self, x):
        for pair, attention in zip(self.pairs, self.attentions, strict=True):
            first, second = pair
            x = x + attention(second(ops.silu(first(ops.silu(x)))))
        return x

    def compute_output_shape(self, x_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "num_blocks": self.num_blocks}
