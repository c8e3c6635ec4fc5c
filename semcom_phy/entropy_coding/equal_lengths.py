"""Equal lengths of patches as three bytes: the lower index, and how many are upper."""

import numpy as np
from keras import ops

from semcom_phy.layers.mapping.rate_allocation import spread_evenly

EQUAL_BYTES = 3


def equal_to_bytes(grid):
    """A grid of :func:`~semcom_phy.layers.mapping.rate_allocation.equal_lengths`.

    Parameters
    ----------
    grid : [rows, columns], `int`
        Two neighbouring indices of lengths, or one, in the fixed pattern; at most
        65,535 patches of the larger
    """
    lower = int(np.min(grid))
    return bytes([lower]) + int(np.sum(grid > lower)).to_bytes(2)


def equal_from_bytes(payload, shape, num_lengths):
    """Inverse of :func:`equal_to_bytes`.

    Raises
    ------
    ValueError
        If the bytes cannot be meant.
    """
    rows, columns = shape
    lower, taken = payload[:1], int.from_bytes(payload[1:])
    number = rows * columns
    if (
        len(payload) != EQUAL_BYTES
        or lower[0] + (taken > 0) >= num_lengths
        or taken >= number
    ):
        raise ValueError(f"{payload!r} tells no equal lengths of {rows}x{columns}")
    more = ops.convert_to_numpy(spread_evenly(taken, number))
    return lower[0] + more.reshape(shape)
