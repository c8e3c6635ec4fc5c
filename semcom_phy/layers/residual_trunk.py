"""Residual convolutional trunk whose blocks follow the channel."""

from typing import Any

import keras
from keras import ops

from semcom_phy.layers.adaptation.modulation import ChannelConditionAdaptiveModule
from semcom_phy.layers.adaptation.snr_attention import SnrAttention
from semcom_phy.layers.matrix_conv import MatrixConv2D

MODULATIONS = {"af": SnrAttention, "ccam": ChannelConditionAdaptiveModule}


@keras.saving.register_keras_serializable(package="semcom_phy")
class ResidualTrunk(keras.layers.Layer):
    r"""Convolution, then residual blocks that a module fits to the channel.

    .. math::
        \mathbf{f} \leftarrow \mathbf{f} + \mathrm{AF}\bigl(
        \mathrm{conv}(\mathrm{silu}(\mathrm{conv}(\mathbf{f}))), \mathbf{s}\bigr)

    The second convolution of each block starts at zero, so that a deep trunk
    starts as a shallow one.

    Parameters
    ----------
    filters : `int`
        Feature channels

    num_blocks : `int`
        Residual blocks

    modulation : "af" | "ccam" | `None`, (default "af")
        What fits a block to the channel: SNR attention (ADJSCC), the channel condition
        adaptive module (ECA), or nothing

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Any features

    context : [batch_size, num_context], `float32`
        Embedding of what is known of the channel

    Output
    ------
    features : [batch_size, height, width, filters], `float32`
        Features
    """

    def __init__(self, filters, num_blocks, modulation="af", **kwargs):
        super().__init__(**kwargs)
        if modulation not in (*MODULATIONS, None):
            raise ValueError(
                f"modulation must be one of {', '.join(MODULATIONS)} or None, received "
                f"{modulation!r}."
            )
        self.filters = filters
        self.num_blocks = num_blocks
        self.modulation = modulation
        self.stem = MatrixConv2D(filters, name="stem")
        self.blocks: list[tuple[Any, Any, Any]] = [
            (
                MatrixConv2D(filters, name=f"conv_a_{i}"),
                MatrixConv2D(filters, kernel_initializer="zeros", name=f"conv_b_{i}"),
                modulation and MODULATIONS[modulation](name=f"attention_{i}"),
            )
            for i in range(num_blocks)
        ]

    def build(self, x_shape, context_shape):
        self.stem.build(x_shape)
        shape = (*x_shape[:-1], self.filters)
        for first, second, attention in self.blocks:
            first.build(shape)
            second.build(shape)
            if attention is not None:
                attention.build(shape, context_shape)

    def call(self, x, context):
        features = self.stem(x)
        for first, second, attention in self.blocks:
            update = second(ops.silu(first(ops.silu(features))))
            if attention is not None:
                update = attention(update, context)
            features = features + update
        # What follows a trunk is computed in 32 bits, whatever the trunk is.
        return ops.cast(ops.silu(features), "float32")

    def compute_output_shape(self, x_shape, context_shape):
        return (*x_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_blocks": self.num_blocks,
            "modulation": self.modulation,
        }
