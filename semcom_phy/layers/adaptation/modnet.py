"""ModNet: scales feature maps by factors that a scalar controls.

K. Yang et al., "SwinJSCC: taming Swin transformer for deep joint source-channel
coding", IEEE TCCN 2025, arXiv:2308.09361.
"""

import keras
from keras import ops

from semcom_phy.layers.dense import Dense

NUM_STEPS = 7


@keras.saving.register_keras_serializable(package="semcom_phy")
class ModNet(keras.layers.Layer):
    r"""Channel or rate ModNet: scales feature maps by factors that a scalar controls.

    Seven dense layers over the maps of every position, each followed by a scaling with
    a sigmoid of the scalar (SM module: a perceptron of three layers), then

    .. math::
        \mathbf{y} = \mathbf{x} \odot g \sigma(\mathbf{W}\mathbf{t} + \mathbf{b})

    with t the last step. With g = 2 and the zero start of W the layer starts as the
    identity.

    Parameters
    ----------
    width : `float`, (default 1.5)
        Width of the dense layers over the number of maps

    as_published : `bool`, (default `False`)
        g = 1, a random start of W, and no gradient from the factors to the maps, as in
        the authors' code

    Input
    -----
    x : [batch, height, width, num_maps], `float32`

    control : [batch, 1], `float32`
        What the layer goes by: SNR / 10 dB or a rate in (0, 1]; with ``as_published``
        SNR [dB] or number of maps

    Output
    ------
    y : [batch, height, width, num_maps], `float32`
        Scaled maps

    factors : [batch, height, width, num_maps], `float32`, in (0, g)
        What they were scaled by
    """

    def __init__(self, width=1.5, as_published=False, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.as_published = as_published

    def build(self, x_shape, control_shape):
        maps = x_shape[-1]
        hidden = int(self.width * maps)
        self.steps, self.modulators = [], []
        for i in range(NUM_STEPS):
            step = Dense(hidden, name=f"step_{i}")
            step.build((None, maps if i == 0 else hidden))
            self.steps.append(step)
            modulator = [
                Dense(hidden, activation="relu", name=f"sm_{i}_a"),
                Dense(hidden, activation="relu", name=f"sm_{i}_b"),
                Dense(hidden, activation="sigmoid", name=f"sm_{i}_c"),
            ]
            for j, layer in enumerate(modulator):
                layer.build((None, control_shape[-1] if j == 0 else hidden))
            self.modulators.append(modulator)
        start = "glorot_uniform" if self.as_published else "zeros"
        self.last = Dense(maps, kernel_initializer=start, name="last")
        self.last.build((None, hidden))

    def call(self, x, control):
        t = ops.stop_gradient(x) if self.as_published else x
        for step, modulator in zip(self.steps, self.modulators, strict=True):
            scale = control
            for layer in modulator:
                scale = layer(scale)
            t = step(t) * scale[:, None, None]
        factors = ops.sigmoid(self.last(t))
        if not self.as_published:
            factors = 2.0 * factors
        return x * factors, factors

    def compute_output_shape(self, x_shape, control_shape):
        return x_shape, x_shape

    def get_config(self):
        own = {"width": self.width, "as_published": self.as_published}
        return {**super().get_config(), **own}
