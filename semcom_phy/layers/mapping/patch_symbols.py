"""Symbols of patches to those of a frame, one patch after the other, and back."""

from keras import ops

from semcom_phy.layers.mapping.rate_allocation import LENGTHS, length_of


def pack_patches(symbols, rate_index, lengths=LENGTHS):
    """Closes up the symbols of patches.

    Input
    -----
    symbols : [batch, rows, columns, 2 lengths[-1]], `float32`
        Real symbols, two for a complex one

    rate_index : [batch, rows, columns], `int32`
        Indices of ``lengths``

    Output
    ------
    z : [batch, rows * columns * lengths[-1]], `complex64`
        Those that are sent first

    count : [batch], `int32`
        How many are sent
    """
    mask, order, _ = _positions(rate_index, lengths)
    pairs = ops.reshape(symbols, (-1, mask.shape[1], 2))
    real, imag = (
        ops.take_along_axis(pairs[..., part], order, axis=1) for part in (0, 1)
    )
    z = ops.view_as_complex(ops.stack([real, imag], axis=-1))
    return z, ops.sum(mask, axis=1)


def unpack_patches(z_hat, no_eff, rate_index, lengths=LENGTHS):
    """Inverse of :func:`pack_patches`, for symbols of unit power and their errors.

    Input
    -----
    z_hat : [batch, num_symbols], `complex64`
        Unbiased estimates

    no_eff : [batch, num_symbols], `float32`
        Their error variances [linear]

    rate_index : [batch, rows, columns], `int32`
        As received

    Output
    ------
    values : [batch, rows, columns, 2 lengths[-1]], `float32`
        Unbiased estimates of real symbols of unit average power; 0 where none was sent

    no : [batch, rows, columns, 2 lengths[-1]], `float32`
        Their error variances; 1 where none was sent
    """
    mask, _, position = _positions(rate_index, lengths)
    position = ops.minimum(position, z_hat.shape[1] - 1)
    arrived = ops.cast(mask, "float32")
    shape = (-1, *rate_index.shape[1:], lengths[-1], 1)

    def by_patch(values):
        values = ops.take_along_axis(values, position, axis=1) * arrived
        return ops.reshape(values, shape)

    # A complex symbol of unit power holds two real ones of half the power each.
    pairs = [by_patch(ops.real(z_hat)), by_patch(ops.imag(z_hat))]
    values = 2.0**0.5 * ops.concatenate(pairs, axis=-1)
    no = by_patch(no_eff) + (1.0 - ops.reshape(arrived, shape))
    no = ops.concatenate([no, no], axis=-1)
    shape = (-1, *rate_index.shape[1:], 2 * lengths[-1])
    return ops.reshape(values, shape), ops.reshape(no, shape)


def _positions(rate_index, lengths):
    """mask [batch, n], 1 for the symbols that are sent; the positions in patches of
    the symbols closed up; and the position among them of each."""
    flat = ops.reshape(rate_index, (-1, rate_index.shape[1] * rate_index.shape[2]))
    place = ops.arange(lengths[-1], dtype="int32")
    mask = ops.cast(place < length_of(flat, lengths)[..., None], "int32")
    mask = ops.reshape(mask, (-1, flat.shape[1] * lengths[-1]))
    position = ops.arange(mask.shape[1], dtype="int32")[None]
    # What is not sent keeps its order behind what is.
    order = ops.argsort(position + (1 - mask) * mask.shape[1], axis=1)
    return mask, order, ops.maximum(ops.cumsum(mask, axis=1) - 1, 0)
