"""Scaling of features by what the SNR and the features themselves ask for."""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense

SNR_SCALE_DB = 10.0
UNITS = (56, 128, 56, 56)


@keras.saving.register_keras_serializable(package="semcom_phy")
class NoiseAttention(keras.layers.Layer):
    r"""Noise attention module (NAM) of VLM-CSC.

    .. math::
        \mathbf{v} &= \sigma(\mathbf{W}_3 \,\mathrm{ReLU}(\mathbf{W}_2
        \,\mathrm{ReLU}(\mathbf{W}_1 r + \mathbf{b}_1) + \mathbf{b}_2) +
        \mathbf{b}_3) \\
        \mathbf{e} &= \mathbf{W}_4 \mathbf{G} + \mathbf{b}_4 \\
        \mathbf{A} &= \sigma(\mathbf{W}_5 (\mathbf{e} \odot \mathbf{v}) + \mathbf{b}_5)
        \odot \mathbf{G}

    with r the SNR over 10 dB. The paper gives the four layers 56, 128, 56 and 56
    neurons, and multiplies the 56 products e v, behind a sigmoid, with G, which has as
    many elements as the features, 128: that cannot be. The fifth layer is added, which
    leads from 56 to the number of features.

    Input
    -----
    x : [batch, ..., features], `float32`
        Intermediate features G

    snr_db : [batch], `float32`
        SNR r [dB]

    Output
    ------
    y : [batch, ..., features], `float32`
        Features A, each scaled by a factor in (0, 1)

    References
    ----------
    F. Jiang et al., "Visual language model based cross-modal semantic communication
    systems", IEEE Trans. Wireless Commun. 2025, equations 17 to 21.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        first, second, third, fourth = UNITS
        self.snr_layers = [
            Dense(first, activation="relu", name="snr_1"),
            Dense(second, activation="relu", name="snr_2"),
            Dense(third, activation="sigmoid", name="snr_3"),
        ]
        self.feature_layer = Dense(fourth, name="feature")

    def build(self, x_shape, snr_db_shape=None):
        width = 1
        for layer in self.snr_layers:
            layer.build((None, width))
            width = layer.units
        self.feature_layer.build(x_shape)
        self.factor_layer = Dense(x_shape[-1], activation="sigmoid", name="factor")
        self.factor_layer.build((*x_shape[:-1], UNITS[-1]))

    def call(self, x, snr_db):
        projected = snr_db[:, None] / SNR_SCALE_DB
        for layer in self.snr_layers:
            projected = layer(projected)
        inner = (1,) * (len(x.shape) - 2)
        projected = ops.reshape(projected, (-1, *inner, UNITS[-1]))
        return x * self.factor_layer(self.feature_layer(x) * projected)

    def compute_output_shape(self, x_shape, snr_db_shape=None):
        return x_shape
