"""Large images a strip of rows at a time: bounds the memory of what is done by row."""

import keras
from keras import ops


def in_strips(function, tensors, at_once):
    """Runs a function of rows that do not see each other, and joins what it returns.

    Strips are run one after the other, in a loop of the graph: unrolled, XLA takes
    minutes to compile them, and no less memory.

    Parameters
    ----------
    function : callable
        Tensors [batch, rows, ...] -> tensor, or `tuple` of tensors, whose rows (axis 1)
        follow from the same rows of the input

    tensors : `list` of [batch, rows, ...]

    at_once : `int`
        Rows of a strip; where there are no more, the function is run once

    Output
    ------
    : as of the function
    """
    rows = tensors[0].shape[1]
    if rows <= at_once:
        return function(*tensors)
    number = -(-rows // at_once)
    missing = number * at_once - rows

    def cut(values):
        if missing:
            spare = ((0, 0),) * (len(values.shape) - 2)
            values = ops.pad(values, ((0, 0), (0, missing), *spare))
        values = ops.reshape(values, (-1, number, at_once, *values.shape[2:]))
        return ops.moveaxis(values, 1, 0)

    def joined(strips):
        strips = ops.moveaxis(strips, 0, 1)
        size = strips.shape[2]
        values = ops.reshape(strips, (-1, number * size, *strips.shape[3:]))
        return values[:, : rows * size // at_once]

    strips = ops.map(lambda parts: function(*parts), [cut(v) for v in tensors])
    return keras.tree.map_structure(joined, strips)
