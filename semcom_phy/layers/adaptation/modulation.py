"""Channel condition adaptive module (CCAM): features scaled and shifted by the channel.

W. Chen et al., "Entropy-and-channel-aware adaptive-rate semantic communication with
MLLM-aided feature compensation" (ECA), section III-A3.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semcom_phy")
class ChannelConditionAdaptiveModule(keras.layers.Layer):
    r"""Scales and shifts every feature channel by content and channel condition.

    .. math::
        \mathbf{y}_c = \bigl(1 + f_\alpha([\mathrm{GAP}(\mathbf{x}), \mathbf{e}])_c
        \bigr)\,\mathbf{x}_c + f_\beta([\mathrm{GAP}(\mathbf{x}), \mathbf{e}])_c

    with two perceptrons of two layers. Their last layers start at zero, so that the
    module starts as the identity (the paper does not say how it starts).

    Parameters
    ----------
    hidden_units : `int`, (default 32)
        Width of the hidden layers

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature maps

    condition : [batch_size, num_condition], `float32`
        Channel-condition embedding

    Output
    ------
    y : [batch_size, height, width, channels], `float32`
        Feature maps
    """

    def __init__(self, hidden_units=32, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = hidden_units

    def build(self, x_shape, condition_shape):
        channels = x_shape[-1]
        for part in ("scale", "shift"):
            hidden = keras.layers.Dense(
                self.hidden_units, activation="relu", name=f"{part}_hidden"
            )
            hidden.build((None, channels + condition_shape[-1]))
            out = keras.layers.Dense(channels, kernel_initializer="zeros", name=part)
            out.build((None, self.hidden_units))
            setattr(self, f"{part}_hidden", hidden)
            setattr(self, f"{part}_out", out)

    def call(self, x, condition):
        pooled = ops.concatenate(
            [ops.mean(x, axis=(1, 2)), ops.cast(condition, x.dtype)], axis=-1
        )
        scale = 1.0 + self.scale_out(self.scale_hidden(pooled))
        shift = self.shift_out(self.shift_hidden(pooled))
        return x * scale[:, None, None, :] + shift[:, None, None, :]

    def compute_output_shape(self, x_shape, condition_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "hidden_units": self.hidden_units}
