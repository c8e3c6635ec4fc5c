"""A convolution that stores its kernel as a matrix, so that Muon can train it."""

import keras
from keras import ops

from semcom_phy.backend import conv2d


@keras.saving.register_keras_serializable(package="semcom_phy")
class MatrixConv2D(keras.layers.Layer):
    r"""2-D convolution (same padding, channels last) with a 2-D kernel variable.

    The kernel is the matrix that multiplies the unfolded input. Optimisers that
    orthogonalise whole matrices (Muon) see the layer as the linear map it is;
    Keras' own ``Conv2D`` keeps a 4-D kernel, which they leave to AdamW.

    Parameters
    ----------
    filters : `int`
        Number of output channels

    kernel_size : `int`, (default 3)
        Side of the square kernel [pixels]

    kernel_initializer : `str`, (default "glorot_uniform")
        Keras initializer of the kernel; "zeros" starts a residual branch silent

    Input
    -----
    x : [batch_size, height, width, channels], `float32`
        Feature map

    Output
    ------
    y : [batch_size, height, width, filters], `float32`
        Feature map

    Raises
    ------
    ValueError
        If ``filters`` or ``kernel_size`` is not positive.
    """

    def __init__(
        self, filters, kernel_size=3, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        if filters < 1 or kernel_size < 1:
            raise ValueError(
                "filters and kernel_size must be positive, "
                f"received {filters} and {kernel_size}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        self.in_channels = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size**2 * self.in_channels, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )

    def call(self, x):
        k = self.kernel_size
        kernel = ops.reshape(self.kernel, (k, k, self.in_channels, self.filters))
        return conv2d(x, kernel, self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "kernel_initializer": self.kernel_initializer,
        }
