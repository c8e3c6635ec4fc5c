"""A linear layer of which every token has one of several: the rate adaption of NTSCC.

J. Dai et al., "Nonlinear transform source-channel coding for semantic communications",
IEEE JSAC 2022, arXiv:2112.10961.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semcom_phy")
class IndexedDense(keras.layers.Layer):
    r"""Matrix and bias by index.

    .. math::
        \mathbf{y}_i = \mathbf{x}_i \mathbf{W}_{k_i} + \mathbf{b}_{k_i}

    All products are formed and one is kept: a matrix for every token would take far
    more memory than the products take time.

    Parameters
    ----------
    num_indices : `int`
        How many matrices there are

    units : `int`
        Outputs

    Input
    -----
    x : [..., inputs], `float32`

    index : [...], `int32`
        In [0, num_indices)

    Output
    ------
    y : [..., units], `float32`

    Raises
    ------
    ValueError
        If a number is not positive.
    """

    def __init__(self, num_indices, units, **kwargs):
        super().__init__(**kwargs)
        if num_indices < 1 or units < 1:
            raise ValueError(
                f"num_indices and units must be positive, received {num_indices} and "
                f"{units}."
            )
        self.num_indices = num_indices
        self.units = units

    def build(self, x_shape, index_shape=None):
        # "embedding" in the names keeps Muon, which is for matrices, away from them.
        self.kernel = self.add_weight(
            name="embedding_kernel",
            shape=(self.num_indices, x_shape[-1], self.units),
            initializer=keras.initializers.VarianceScaling(
                1.0, "fan_in", "truncated_normal"
            ),
        )
        self.bias = self.add_weight(
            name="embedding_bias",
            shape=(self.num_indices, self.units),
            initializer="zeros",
        )

    def call(self, x, index):
        y = ops.matmul(x, self.kernel[0]) + self.bias[0]
        for i in range(1, self.num_indices):
            other = ops.matmul(x, self.kernel[i]) + self.bias[i]
            y = ops.where((index == i)[..., None], other, y)
        return y

    def compute_output_shape(self, x_shape, index_shape=None):
        return (*x_shape[:-1], self.units)

    def get_config(self):
        own = {"num_indices": self.num_indices, "units": self.units}
        return {**super().get_config(), **own}
