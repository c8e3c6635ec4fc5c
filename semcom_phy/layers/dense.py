"""A dense layer whose product and bias are one kernel."""

import keras

from semcom_phy.backend import dense


@keras.saving.register_keras_serializable(package="semcom_phy")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense` that adds the bias inside the matrix product.

    Same parameters, variables and result; on torch one pass over memory less.

    Parameters
    ----------
    units, activation, kernel_initializer, ...
        As of `keras.layers.Dense`, with a bias

    Input
    -----
    x : [..., inputs], `float32`
        Features

    Output
    ------
    y : [..., units], `float32`
        Features
    """

    def call(self, inputs):
        y = dense(inputs, self.kernel, self.bias)
        return y if self.activation is None else self.activation(y)
