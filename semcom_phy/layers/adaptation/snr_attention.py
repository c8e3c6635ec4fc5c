"""Attention feature (AF) module: channel-wise scaling by content and SNR."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semcom_phy")
class SnrAttention(keras.layers.Layer):
    r"""Scales every feature channel by a factor learned from content and SNR.

    .. math::
        \mathbf{y}_c = 2\,\sigma\bigl(W_2\,\mathrm{ReLU}(W_1[\mathrm{GAP}(\mathbf{x}),
        \mathbf{s}])\bigr)_c\,\mathbf{x}_c

    One network then serves a range of SNRs: poor channels mute the features that
    noise would drown. The factor 2 lets the layer start as the identity.

    Parameters
    ----------
    hidden_units : `int`, (default 32)
        Width of the hidden layer

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature map

    context : [batch_size, num_context], `float32`
        What is known of the channel: an embedding of the SNR, O(1)

    Output
    ------
    y : [batch_size, height, width, channels], `float32`
        Scaled feature map

    References
    ----------
    J. Xu, B. Ai, W. Chen, A. Yang, P. Sun, M. Rodrigues, "Wireless image
    transmission using deep source channel coding with attention modules", IEEE
    Trans. Circuits Syst. Video Technol., 2022, arXiv:2012.00533.
    """

    def __init__(self, hidden_units=32, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = hidden_units

    def build(self, x_shape, context_shape):
        channels = x_shape[-1]
        self.hidden = keras.layers.Dense(
            self.hidden_units, activation="relu", name="hidden"
        )
        self.hidden.build((None, channels + context_shape[-1]))
        self.factor = keras.layers.Dense(
            channels, activation="sigmoid", kernel_initializer="zeros", name="factor"
        )
        self.factor.build((None, self.hidden_units))

    def call(self, x, context):
        pooled = ops.concatenate([ops.mean(x, axis=(1, 2)), context], axis=-1)
        factor = 2.0 * self.factor(self.hidden(pooled))
        return x * factor[:, None, None, :]

    def compute_output_shape(self, x_shape, context_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "hidden_units": self.hidden_units}
