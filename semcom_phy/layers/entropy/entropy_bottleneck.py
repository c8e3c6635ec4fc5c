"""Fully factorised distribution of hyper-latents, with the parameters of CompressAI.

J. Balle, D. Minnen, S. Singh, S. J. Hwang, N. Johnston, "Variational image compression
with a scale hyperprior", ICLR 2018, arXiv:1802.01436, appendix 6.1.
"""

import keras
import numpy as np
from keras import ops

WIDTHS = (1, 3, 3, 3, 3, 1)  # of the functions that are learned
_LOWEST = 1e-9


@keras.saving.register_keras_serializable(package="semcom_phy")
class EntropyBottleneck(keras.layers.Layer):
    r"""Information of rounded hyper-latents.

    The cumulative distribution of every channel is a learned monotone function, of five
    matrices with positive entries

    .. math::
        c(z) = \sigma\bigl(f_5 \circ \dots \circ f_1(z)\bigr), \quad
        f_k(\mathbf{x}) = \mathbf{u} + \tanh(\mathbf{a}_k) \odot \tanh(\mathbf{u}),
        \quad \mathbf{u} = \mathrm{softplus}(\mathbf{H}_k) \mathbf{x} + \mathbf{b}_k

    the last one without the gate. Hyper-latents are rounded around the median of their
    channel.

    Parameters
    ----------
    channels : `int`

    Input
    -----
    steps : [..., channels], `float32`
        Hyper-latents less their medians, rounded

    Output
    ------
    bits : [..., channels], `float32`
        [bit]
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        if channels < 1:
            raise ValueError(f"channels must be positive, received {channels}.")
        self.channels = channels

    def build(self, input_shape=None):
        self.matrices, self.biases, self.factors = [], [], []
        layers = len(WIDTHS) - 1
        for i in range(layers):
            inputs, outputs = WIDTHS[i : i + 2]
            # A spread of 10 steps of all together.
            start = float(np.log(np.expm1(0.1 ** (1 / layers) / outputs)))
            self._add("matrix", i, (outputs, inputs), start, self.matrices)
            self._add("bias", i, (outputs, 1), _evenly, self.biases)
            if i < layers - 1:
                self._add("factor", i, (outputs, 1), 0.0, self.factors)
        # Of these the middle one alone, the median, is used.
        self.quantiles = self.add_weight(
            name="embedding_quantiles",
            shape=(self.channels, 1, 3),
            initializer="zeros",
            trainable=False,
        )
        self.built = True

    def _add(self, name, number, shape, start, kept):
        if isinstance(start, float):
            start = keras.initializers.Constant(start)
        # "embedding" keeps Muon, which is for matrices, away from them.
        weight = self.add_weight(
            name=f"embedding_{name}_{number}",
            shape=(self.channels, *shape),
            initializer=start,
        )
        kept.append(weight)

    @property
    def medians(self):
        """[channels], `float32`"""
        return self.quantiles[:, 0, 1]

    def call(self, steps):
        return -ops.log2(self.likelihood(steps))

    def likelihood(self, steps):
        """Of the same, [..., channels], `float32`, at least 1e-9."""
        z = steps + self.medians
        lower, upper = self._logits(z - 0.5), self._logits(z + 0.5)
        # On the side where the sigmoid is small, and has digits left.
        sign = -ops.sign(lower + upper)
        apart = ops.sigmoid(sign * upper) - ops.sigmoid(sign * lower)
        return ops.maximum(ops.abs(apart), _LOWEST)

    def _logits(self, z):
        x = z[..., None]
        for i, (matrix, bias) in enumerate(
            zip(self.matrices, self.biases, strict=True)
        ):
            # Matrices of 3x3: as sums of columns they need no batched product.
            matrix, bias = ops.softplus(matrix), bias[:, :, 0]
            x = sum(matrix[:, :, j] * x[..., j : j + 1] for j in range(x.shape[-1]))
            x = x + bias
            if i < len(self.factors):
                x = x + ops.tanh(self.factors[i][:, :, 0]) * ops.tanh(x)
        return x[..., 0]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def _evenly(shape, dtype=None):
    """Spread over [-0.5, 0.5]: not at random, so that both ends start alike."""
    values = np.linspace(-0.5, 0.5, int(np.prod(shape))).reshape(shape)
    return ops.convert_to_tensor(values, dtype)
