"""Closes up the symbols of a frame that are sent, and opens the gaps again."""

from keras import ops


def close_up(values, mask):
    """Values that are sent to the front, in their order; 0 behind them.

    Input
    -----
    values : [batch, num_symbols]
        Symbols, or what belongs to them

    mask : [batch, num_symbols]
        1 for symbols that are sent, 0 for others

    Output
    ------
    closed : [batch, num_symbols]
        As ``values``

    count : [batch], `int32`
        How many are sent
    """
    mask = ops.cast(mask, "int32")
    place = ops.arange(mask.shape[1], dtype="int32")[None]
    # What is not sent keeps its order behind what is.
    order = ops.argsort(place + (1 - mask) * mask.shape[1], axis=1)
    values = values * ops.cast(mask, values.dtype)
    return ops.take_along_axis(values, order, axis=1), ops.sum(mask, axis=1)


def open_up(values, mask):
    """Inverse of :func:`close_up`: values to where they belong, 0 between them.

    Input
    -----
    values : [batch, num_symbols]
        Closed up; what stands behind the last one that is sent is not read

    mask : [batch, num_symbols]
        As of :func:`close_up`

    Output
    ------
    : [batch, num_symbols]
        As ``values``
    """
    place = ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0)
    opened = ops.take_along_axis(values, place, axis=1)
    return ops.where(ops.cast(mask, "bool"), opened, ops.zeros_like(opened))
