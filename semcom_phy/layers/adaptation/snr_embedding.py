"""Embedding of an SNR as the weights of a piecewise-linear table."""

import keras
from keras import ops


def hat_embedding(value, knots):
    r"""Weights that interpolate a table over equally spaced knots linearly.

    A table that such an embedding multiplies is a piecewise-linear function of
    the SNR, which a closed form can fill before training.

    Parameters
    ----------
    knots : sequence of `float`
        Increasing, equally spaced positions [dB], at least two

    Input
    -----
    value : [...], `float32`
        SNR [dB]; held at the outermost knots beyond them

    Output
    ------
    weights : [..., num_knots], `float32`
        In [0, 1], summing to 1; at most two neighbours differ from 0

    Raises
    ------
    ValueError
        If ``knots`` are fewer than two or not equally spaced upwards.
    """
    steps = [b - a for a, b in zip(knots[:-1], knots[1:], strict=True)]
    if not steps or min(steps) <= 0 or max(steps) - min(steps) > 1e-6:
        raise ValueError(
            f"knots must be at least two, equally spaced upwards, received {knots}."
        )
    value = ops.clip(value, knots[0], knots[-1])[..., None]
    distance = ops.abs(value - ops.convert_to_tensor(knots, "float32")) / steps[0]
    return ops.relu(1.0 - distance)


@keras.saving.register_keras_serializable(package="semcom_phy")
class SnrTable(keras.layers.Layer):
    r"""A learnable table of values over the SNR, read by linear interpolation.

    Parameters
    ----------
    units : `int`
        Number of values per knot

    Input
    -----
    context : [batch_size, num_context], `float32`
        Weights from :func:`hat_embedding`

    Output
    ------
    values : [batch_size, units], `float32`
        Interpolated values
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        # "bias" in the name keeps weight decay and Muon away from a table.
        self.table = self.add_weight(
            name="embedding_bias",
            shape=(input_shape[-1], self.units),
            initializer="zeros",
        )

    def call(self, context):
        return ops.matmul(context, self.table)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
