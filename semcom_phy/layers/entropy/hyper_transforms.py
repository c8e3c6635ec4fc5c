"""Transforms of the hyperprior: latents to hyper-latents, and these to distributions.

J. Balle, D. Minnen, S. Singh, S. J. Hwang, N. Johnston, "Variational image compression
with a scale hyperprior", ICLR 2018, arXiv:1802.01436; with the sizes of the authors'
code of NTSCC (J. Dai et al., IEEE JSAC 2022, arXiv:2112.10961).
"""

import keras
from keras import ops

_SIDES, _STRIDES = (3, 5, 5), (1, 2, 2)  # of the kernels of the analysis


@keras.saving.register_keras_serializable(package="semcom_phy")
class HyperAnalysis(keras.layers.Layer):
    """h_a: three convolutions, leaky ReLU between them, zeros on both sides of a map.

    Parameters
    ----------
    filters : (`int`, `int`, `int`)
        Channels of the three

    Input
    -----
    y : [batch, height, width, channels], `float32`
        Latents; sides are multiples of 4

    Output
    ------
    z : [batch, height / 4, width / 4, filters[2]], `float32`
        Hyper-latents
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = tuple(filters)

    def build(self, input_shape):
        inputs, self.convolutions = input_shape[-1], []
        for i, units in enumerate(self.filters):
            layer = keras.layers.Conv2D(
                units, _SIDES[i], _STRIDES[i], name=f"convolution_{i}"
            )
            layer.build((None, None, None, inputs))
            self.convolutions.append(layer)
            inputs = units

    def call(self, y):
        for i, layer in enumerate(self.convolutions):
            if i:
                y = ops.leaky_relu(y, 0.01)
            edge = (_SIDES[i] // 2,) * 2
            y = layer(ops.pad(y, ((0, 0), edge, edge, (0, 0))))
        return y

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return batch, height // 4, width // 4, self.filters[-1]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="semcom_phy")
class HyperSynthesis(keras.layers.Layer):
    """h_s: three transposed convolutions, ReLU between them.

    Parameters
    ----------
    filters : (`int`, `int`)
        Channels behind the first two

    channels : `int`
        Of the latents

    Input
    -----
    z_hat : [batch, height / 4, width / 4, hyper-channels], `float32`
        Hyper-latents, rounded

    Output
    ------
    mean, scale : [batch, height, width, channels], `float32`
        Of the latents; the scale as it comes, also below 0
    """

    def __init__(self, filters, channels, **kwargs):
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.channels = channels

    def build(self, input_shape):
        inputs, self.convolutions = input_shape[-1], []
        sizes = zip(_SIDES[::-1], _STRIDES[::-1], strict=True)
        units = (*self.filters, 2 * self.channels)
        for i, (side, stride) in enumerate(sizes):
            layer = keras.layers.Conv2DTranspose(
                units[i], side, stride, name=f"convolution_{i}"
            )
            layer.build((None, None, None, inputs))
            self.convolutions.append(layer)
            inputs = units[i]

    def call(self, z_hat):
        x = z_hat
        for i, layer in enumerate(self.convolutions):
            if i:
                x = ops.relu(x)
            _, height, width, _ = x.shape
            edge, stride = _SIDES[-1 - i] // 2, _STRIDES[-1 - i]
            # The whole reach of the kernel, of which the map's own part is kept.
            x = layer(x)[:, edge : edge + stride * height, edge : edge + stride * width]
        scale, mean = ops.split(x, 2, axis=-1)
        return mean, scale

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        shape = batch, 4 * height, 4 * width, self.channels
        return shape, shape

    def get_config(self):
        own = {"filters": self.filters, "channels": self.channels}
        return {**super().get_config(), **own}
