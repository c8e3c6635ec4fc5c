"""Feature maps to one list of real symbols per image, ordered for prefix masks."""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.transforms.spectrum import dct2, idct2


@keras.saving.register_keras_serializable(package="semcom_phy")
class SymbolOrder(keras.layers.Layer):
    r"""Orders the symbols of the first k maps so that a prefix is worth sending.

    Of k kept maps of L symbols, a list of k L symbols is made, row after row: L rows of
    k symbols. Keeping l rows sends l k symbols. Who knows k and l knows which ones.

    ``raster``: row s holds the symbols at position s of the maps, as in the ECA paper:
    the same positions are cut from all maps.
    ``importance``: every map is transformed by a DCT, the coefficients are brought to
    unit variance, and the list runs from the largest variance (over training images)
    down to the smallest, across the kept maps.

    Parameters
    ----------
    grid : (`int`, `int`)
        Height and width of a map

    num_maps : `int`
        Number of maps, C

    order : "raster" | "importance"
        See above

    Raises
    ------
    ValueError
        If ``order`` is unknown.
    """

    def __init__(self, grid, num_maps, order, **kwargs):
        super().__init__(**kwargs)
        if order not in ("raster", "importance"):
            raise ValueError(
                f'order must be "raster" or "importance", received {order!r}.'
            )
        self.grid = tuple(int(n) for n in grid)
        self.num_maps = int(num_maps)
        self.order = order
        self.length = self.grid[0] * self.grid[1]
        self.size = self.length * self.num_maps

        def constant(name, shape, dtype):
            return self.add_weight(
                name=name,
                shape=shape,
                initializer="zeros",
                dtype=dtype,
                trainable=False,
            )

        self.std = constant("std", (self.size,), "float32")
        self.variances = constant("variances", (self.size,), "float32")
        self.order_of = constant("order", (self.num_maps, self.size), "int32")
        self.rank_of = constant("rank", (self.num_maps, self.size), "int32")
        self._set_std(np.ones(self.size))
        self.built = True

    def fit(self, maps, weights):
        """Takes variances from training images.

        Input
        -----
        maps : [n, height, width, num_maps], `float32`
            Their maps

        weights : [num_maps], `float`
            What a unit of each map is worth in the image
        """
        if self.order == "importance":
            values = ops.convert_to_numpy(self._flat(dct2(ops.convert_to_tensor(maps))))
            std = np.sqrt(np.square(values.astype("float64")).mean(0) + 1e-12)
            self._set_std(std, np.tile(weights, self.length))
        return self

    def _set_std(self, std, weights=1.0):
        self.std.assign(std)
        self.variances.assign(np.square(std * weights))
        row, column = np.divmod(np.arange(self.size), self.num_maps)
        by_energy = np.lexsort((column, row))
        if self.order == "importance":
            by_energy = np.argsort(-std * weights, kind="stable")
        orders, ranks = [], []
        for k in range(1, self.num_maps + 1):
            inside = column[by_energy] < k
            order = np.concatenate([by_energy[inside], by_energy[~inside]])
            orders.append(order)
            ranks.append(np.argsort(order, kind="stable"))
        self.order_of.assign(np.stack(orders))
        self.rank_of.assign(np.stack(ranks))

    def to_values(self, maps):
        """Maps [batch, height, width, num_maps] -> values [batch, size] by position."""
        if self.order == "raster":
            return self._flat(maps)
        return self._flat(dct2(maps)) / self.std

    def to_maps(self, values):
        """Inverse of :meth:`to_values`."""
        shape = (-1, *self.grid, self.num_maps)
        if self.order == "raster":
            return ops.reshape(values, shape)
        return idct2(ops.reshape(values * self.std, shape))

    def rank(self, num_kept):
        """Place of each value in the list of k maps, [batch, size] `int32`."""
        return ops.take(self.rank_of, num_kept - 1, axis=0)

    def sort(self, values, num_kept):
        """Values by position -> the list, what is not kept last.

        Input
        -----
        values : [batch, size], `float32`
            By position

        num_kept : [batch], `int32`, from 1 to num_maps
            Maps kept, k

        Output
        ------
        : [batch, size], `float32`
        """
        index = ops.take(self.order_of, num_kept - 1, axis=0)
        return ops.take_along_axis(values, index, axis=1)

    def unsort(self, values, num_kept):
        """Inverse of :meth:`sort`."""
        return ops.take_along_axis(values, self.rank(num_kept), axis=1)

    def mask(self, num_kept, num_rows):
        """Which values are sent, by position.

        Input
        -----
        num_kept, num_rows : [batch], `int32`
            Maps kept, k, and rows kept, l

        Output
        ------
        mask : [batch, size], `float32`
            1 where a value is sent: k l ones
        """
        rank = ops.cast(self.rank(num_kept), "float32")
        count = ops.cast(num_kept, "float32") * ops.cast(num_rows, "float32")
        return ops.cast(rank < count[:, None], "float32")

    def summary(self, values, map_mask, num_kept):
        """Magnitudes along the list for a network, [batch, length].

        ``raster``: mean over all maps at each position, 0 for those not kept.
        ``importance``: means of every ``num_maps`` values of the list, whatever the
        number of maps kept.

        Input
        -----
        values : [batch, size], `float32`
            By position

        map_mask : [batch, num_maps], `float32`
            1 for kept maps, a prefix

        num_kept : [batch], `int32`
            Number of ones in ``map_mask``
        """
        if self.order == "raster":
            values = values * ops.tile(map_mask, (1, self.length))
        else:
            values = self.sort(values, num_kept)
        rows = ops.reshape(values, (-1, self.length, self.num_maps))
        return ops.mean(ops.abs(rows), axis=-1)

    def _flat(self, maps):
        return ops.reshape(maps, (-1, self.size))

    def get_config(self):
        return {
            **super().get_config(),
            "grid": self.grid,
            "num_maps": self.num_maps,
            "order": self.order,
        }
