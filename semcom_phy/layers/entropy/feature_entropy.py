"""2D entropy of feature maps: how much a map has to say."""

import numpy as np
from keras import ops


def entropy_2d(maps, num_levels=16):
    r"""Shannon entropy of (grey level, mean grey level of the neighbours) of each map.

    .. math::
        p_{ij} = \frac{n_{ij}}{H W}, \qquad
        E = -\sum_{i,j} p_{ij} \log_2 p_{ij}

    where :math:`n_{ij}` counts the positions of grey level i whose eight neighbours
    (fewer at the edge) have the mean grey level j. The grey levels span the range of
    all maps of a sample, so that a map that varies little has little entropy.

    An 8x8 map has 64 positions: with the usual 256 levels nearly all pairs differ, and
    every map has the largest entropy there is, 6 bits. With 16 levels maps differ. No
    gradient passes: counts are piecewise constant.

    Input
    -----
    maps : [batch_size, height, width, num_maps], `float32`
        Feature maps

    num_levels : `int`, (default 16)
        Grey levels, at least 2

    Output
    ------
    entropy : [batch_size, num_maps], `float32`, in [0, log2(height * width)]
        2D entropy [bit]

    Raises
    ------
    ValueError
        If ``num_levels`` is less than 2 or ``maps`` has no four axes.

    References
    ----------
    Y. Liu, K. Fan, D. Wu, W. Zhou, "Filter pruning by quantifying feature similarity
    and entropy of feature maps", Neurocomputing 544, 2023; eq. 15-16 of the ECA paper.
    """
    if num_levels < 2:
        raise ValueError(f"num_levels must be at least 2, received {num_levels}.")
    if len(maps.shape) != 4:
        raise ValueError(
            "maps must be [batch, height, width, num_maps], received shape "
            f"{tuple(maps.shape)}."
        )
    maps = ops.stop_gradient(maps)
    _, height, width, _ = maps.shape
    low = ops.min(maps, axis=(1, 2, 3), keepdims=True)
    span = ops.max(maps, axis=(1, 2, 3), keepdims=True) - low
    grey = (maps - low) / ops.maximum(span, 1e-12) * num_levels
    grey = ops.minimum(ops.floor(grey), num_levels - 1.0)
    rows, columns = _neighbours(height), _neighbours(width)
    around = ops.einsum("ih,bhwc,jw->bijc", rows, grey, columns) - grey
    count = rows.sum(1)[:, None] * columns.sum(1)[None] - 1.0
    count = ops.convert_to_tensor(count[None, :, :, None])
    mean = ops.floor(around / count + 0.5)

    levels = ops.arange(num_levels, dtype="float32")
    first = ops.cast(grey[..., None] == levels, "float32")
    second = ops.cast(mean[..., None] == levels, "float32")
    share = ops.einsum("bhwci,bhwcj->bcij", first, second) / float(height * width)
    terms = share * ops.log2(ops.maximum(share, 1e-12))
    return -ops.sum(terms, axis=(2, 3))


def _neighbours(size):
    """Band matrix that sums a position and its two neighbours."""
    index = np.arange(size)
    return (np.abs(index[:, None] - index[None]) <= 1).astype("float32")
