"""Patch merging of the Swin transformer, and its reverse as in SwinJSCC and NTSCC.

Z. Liu et al., "Swin transformer: hierarchical vision transformer using shifted
windows", ICCV 2021, arXiv:2103.14030; K. Yang et al., "SwinJSCC", arXiv:2308.09361;
J. Dai et al., "Nonlinear transform source-channel coding for semantic communications",
JSAC 2022, arXiv:2112.10961.
"""

import keras
from keras import ops


class _NormedLinear(keras.layers.Layer):
    """LayerNorm and a product with a matrix, without a bias."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be positive, received {units}.")
        self.units = units
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")

    def build_linear(self, inputs, units):
        self.norm.build((None, None, None, inputs))
        self.linear = keras.layers.Dense(units, use_bias=False, name="linear")
        self.linear.build((None, inputs))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="semcom_phy")
class PatchMerging(_NormedLinear):
    """Four neighbouring tokens become one.

    Parameters
    ----------
    units : `int`
        Channels of the new token

    Input
    -----
    x : [batch, height, width, channels], `float32`
        Sides are even

    Output
    ------
    y : [batch, height / 2, width / 2, units], `float32`

    Raises
    ------
    ValueError
        If a side is odd, or ``units`` is not positive.
    """

    def build(self, input_shape):
        _, height, width, channels = input_shape
        if height % 2 or width % 2:
            raise ValueError(
                f"a {height}x{width} feature map does not split into cells of 2x2 "
                "tokens: change the image size."
            )
        self.build_linear(4 * channels, self.units)

    def call(self, x):
        # Column by column, the order in which the published weights expect them.
        parts = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.linear(self.norm(ops.concatenate(parts, axis=-1)))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return batch, height // 2, width // 2, self.units


@keras.saving.register_keras_serializable(package="semcom_phy")
class PatchSplitting(_NormedLinear):
    """One token becomes four neighbouring ones: patch reverse merging.

    Parameters
    ----------
    units : `int`
        Channels of the new tokens

    Input
    -----
    x : [batch, height, width, channels], `float32`

    Output
    ------
    y : [batch, 2 height, 2 width, units], `float32`

    Raises
    ------
    ValueError
        If ``units`` is not positive.
    """

    def build(self, input_shape):
        self.build_linear(input_shape[-1], 4 * self.units)

    def call(self, x):
        return _spread(self.linear(self.norm(x)))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return batch, 2 * height, 2 * width, self.units


@keras.saving.register_keras_serializable(package="semcom_phy")
class SplitFirst(_NormedLinear):
    """Patch reverse merging as in NTSCC: the split comes before LayerNorm and matrix.

    Parameters
    ----------
    units : `int`
        Channels of the new tokens

    Input
    -----
    x : [batch, height, width, channels], `float32`
        A multiple of 4 channels

    Output
    ------
    y : [batch, 2 height, 2 width, units], `float32`

    Raises
    ------
    ValueError
        If the channels are no multiple of 4, or ``units`` is not positive.
    """

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % 4:
            raise ValueError(
                f"{channels} channels do not split into four tokens: give a multiple "
                "of 4."
            )
        self.build_linear(channels // 4, self.units)

    def call(self, x):
        return self.linear(self.norm(_spread(x)))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return batch, 2 * height, 2 * width, self.units


def _spread(x):
    """Channels to cells of 2x2 tokens; the place inside the cell counts fastest."""
    _, height, width, channels = x.shape
    y = ops.reshape(x, (-1, height, width, channels // 4, 2, 2))
    y = ops.transpose(y, (0, 1, 4, 2, 5, 3))
    return ops.reshape(y, (-1, 2 * height, 2 * width, channels // 4))
