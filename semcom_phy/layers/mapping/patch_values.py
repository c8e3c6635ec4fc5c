"""Values of patches on a given number of symbols, behind the scale of the image."""

import math

import keras
from keras import ops

SCALE_SYMBOLS = 8
_MEAN, _DEVIATION = 0.0, 0.5  # of the logarithm of a scale, as it is sent
_MOST = 4.0  # deviations


@keras.saving.register_keras_serializable(package="semcom_phy")
class PatchValues(keras.layers.Layer):
    r"""Packs values of patches into complex symbols, and takes them out again.

    First go the first values of all patches, then the second ones, and so on, until
    the symbols are full. With a ``lead`` :math:`\rho > 1`, value k of a foreground
    patch stands where value :math:`k / \rho` of the background does: its patches have
    :math:`\rho` times as many values, whatever their number.

    The values of an image go out with unit mean square; 8 symbols in front of them
    carry the logarithm of their scale, 16 times over.

    Parameters
    ----------
    grid : (`int`, `int`)
        Rows and columns of patches

    num_symbols : `int`
        Complex symbols of an image, N

    lead : `float`, at least 1, (default 1.0)
        Values of foreground patches over those of others

    Raises
    ------
    ValueError
        If the symbols hold no value of every patch, or the lead is below 1.
    """

    def __init__(self, grid, num_symbols, lead=1.0, **kwargs):
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.num_symbols = num_symbols
        self.lead = float(lead)
        self.patches = self.grid[0] * self.grid[1]
        self.size = 2 * (num_symbols - SCALE_SYMBOLS)
        if self.size < self.patches:
            raise ValueError(
                f"{num_symbols} symbols hold no value of each of {self.patches} "
                f"patches: at least {SCALE_SYMBOLS + -(-self.patches // 2)} do"
            )
        if not self.lead >= 1.0:
            raise ValueError(f"foreground_lead must be at least 1, received {lead}.")
        # With a lead, a patch has at most lead times as many values as without.
        self.depth = math.ceil(self.lead * self.size / self.patches)
        self.code_gain = self.add_weight(
            name="code_bias", shape=(1,), initializer=keras.initializers.Constant(1.0)
        )
        self.built = True

    def order(self, mask):
        """All values, value by value, those that go out first in front: numbers
        [batch, depth * patches], `int32`."""
        place = (2 * ops.arange(self.depth, dtype="int32") + 1)[:, None]
        ahead = ops.cast(ops.reshape(mask, (-1, 1, self.patches)) > 0.5, "int32")
        # Whole numbers, all of them different: no order is left to chance.
        key = place * (100 * ahead + round(100 * self.lead) * (1 - ahead))
        key = key * self.patches + ops.arange(self.patches, dtype="int32")
        return ops.argsort(ops.reshape(key, (-1, self.depth * self.patches)), axis=-1)

    def pack(self, values, mask):
        """Values to symbols.

        Input
        -----
        values : [batch, rows, columns, depth], `float32`

        mask : [batch, rows, columns], `float32`
            1 for the foreground

        Output
        ------
        z : [batch, num_symbols], `complex64`
        """
        listed = self._listed(values, mask)
        power = ops.mean(ops.square(listed), axis=-1, keepdims=True)
        scale = 0.5 * ops.log(power + 1e-8)
        # What the receiver cannot mean does not take the power of the values.
        code = ops.clip((scale - _MEAN) / _DEVIATION, -_MOST, _MOST)
        code = self.code_gain * code
        code = ops.repeat(code, 2 * SCALE_SYMBOLS, axis=1)
        listed = ops.concatenate([code, listed * ops.exp(-scale)], axis=-1)
        return ops.view_as_complex(ops.reshape(listed, (-1, self.num_symbols, 2)))

    def unpack(self, z_hat, no_eff, mask):
        """Estimates of the values.

        Input
        -----
        z_hat : [batch, num_symbols], `complex64`

        no_eff : [batch, num_symbols], `float32`

        mask : [batch, rows, columns], `float32`

        Output
        ------
        values : [batch, rows, columns, depth], `float32`
            0 where nothing was sent

        noise : [batch, rows, columns, depth], `float32`
            Their error variances; 1e6 where nothing was sent
        """
        real = ops.view_as_real(z_hat)
        real = ops.reshape(real, (-1, 2 * self.num_symbols))
        # A real part holds half of the power and of the error.
        real = real * math.sqrt(2.0)
        noise = ops.repeat(no_eff, 2, axis=1)
        first = 2 * SCALE_SYMBOLS
        sure = 1.0 / noise[:, :first]
        code = ops.sum(real[:, :first] * sure, axis=1, keepdims=True)
        gain = self.code_gain
        # Of unit variance when it was sent.
        scale = gain * code / (ops.square(gain) * ops.sum(sure, 1, keepdims=True) + 1.0)
        scale = ops.exp(_DEVIATION * ops.clip(scale, -_MOST, _MOST) + _MEAN)
        values = self._patches(real[:, first:] * scale, mask, 0.0)
        return values, self._patches(noise[:, first:] * ops.square(scale), mask, 1e6)

    def counts(self, mask):
        """Values that go out of every patch, [batch, rows, columns], `float32`."""
        sent = ops.ones((ops.shape(mask)[0], self.size))
        return ops.sum(self._patches(sent, mask, 0.0), axis=-1)

    def _listed(self, values, mask):
        values = ops.reshape(values, (-1, self.patches, self.depth))
        values = ops.transpose(values, (0, 2, 1))
        values = ops.reshape(values, (-1, self.depth * self.patches))
        if self.lead > 1.0:
            values = ops.take_along_axis(values, self.order(mask), axis=1)
        return values[:, : self.size]

    def _patches(self, listed, mask, missing):
        """Inverse of :meth:`_listed`, with what stands for values not sent."""
        rest = self.depth * self.patches - self.size
        filled = ops.pad(listed, ((0, 0), (0, rest)), constant_values=missing)
        if self.lead > 1.0:
            place = ops.argsort(self.order(mask), axis=-1)
            filled = ops.take_along_axis(filled, place, axis=1)
        filled = ops.reshape(filled, (-1, self.depth, self.patches))
        filled = ops.transpose(filled, (0, 2, 1))
        return ops.reshape(filled, (-1, *self.grid, self.depth))

    def get_config(self):
        names = ("grid", "num_symbols", "lead")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
