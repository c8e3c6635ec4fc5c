"""Arrays in HDF5 files, in as few bytes as any HDF5 library can read.

values --> 16-bit floats, fewer bits of mantissa --> bytes by place --> Huffman code

The bytes of a weight hold sign, exponent and mantissa. What repeats in them is how
large weights are, never a sequence: the search for sequences, of which deflate usually
makes its code, only costs bits. A plain Huffman code of the same format is 8 to 16 %
shorter.
"""

import os
import zlib

import h5py
import numpy as np

MANTISSA = 10  # bits of a 16-bit float
# Of HDF5 1.10: every h5py reads it. HDF5 2.0 writes a "latest" that 1.14 cannot read.
H5_FORMAT = "v110"
_VERSION = h5py.h5f.LIBVER_V110
_SMALL = 1024  # bytes, up to which an array is stored as it is
_STRATEGIES = (zlib.Z_HUFFMAN_ONLY, zlib.Z_DEFAULT_STRATEGY)


def half_precision(name, values, mantissa_bits=MANTISSA):
    """16-bit floats with some of the 10 bits of mantissa, to the nearest.

    Parameters
    ----------
    name : `str`
        Of the array, for errors

    mantissa_bits : `int`, 1 to 10, (default 10)
        How many

    Input
    -----
    values : array, `float32` or `float16`

    Output
    ------
    : array, `float16`

    Raises
    ------
    ValueError
        If a number does not fit or is not finite, or ``mantissa_bits`` is out of range.
    """
    if mantissa_bits not in range(1, MANTISSA + 1):
        raise ValueError(
            f"mantissa_bits must be from 1 to {MANTISSA}, got {mantissa_bits}"
        )
    largest = np.abs(values).max(initial=0)
    # Of the largest that there are, fewer bits of mantissa round to infinity.
    limit = (2 - 2.0**-mantissa_bits) * 2**15
    if not largest <= limit:
        raise ValueError(
            f"{name} holds {largest:g}, which does not fit into 16 bits with "
            f"{mantissa_bits} of mantissa (up to {limit:g}): ship these weights as "
            "they are"
        )
    return _rounded(values.astype(np.float64), mantissa_bits).astype(np.float16)


def _rounded(values, mantissa_bits):
    """To so many bits of mantissa, once, to the nearest, ties away from 0; below 2^-14,
    where 16-bit floats have no exponents left, to multiples of what they have there."""
    _, exponent = np.frexp(values)  # of mantissas in [0.5, 1)
    step = np.ldexp(1.0, np.maximum(exponent - 1, -14) - mantissa_bits)
    return np.copysign(np.floor(np.abs(values) / step + 0.5) * step, values)


def new_file(path):
    """An empty HDF5 file, open, without the time at which it was made.

    The same arrays then give the same bytes at any time.

    Output
    ------
    : `h5py.File`
    """
    made = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    made.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(_VERSION, _VERSION)
    name = os.fsencode(path)
    return h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, made, access))


def write_array(group, name, values):
    """Writes an array to a new data set, without loss.

    Parameters
    ----------
    group : `h5py.Group`

    name : `str`
        May be a path

    Input
    -----
    values : array

    Output
    ------
    : `h5py.Dataset`
    """
    # A compressed array has an index of its own: small ones grow by it.
    if values.nbytes <= _SMALL:
        return group.create_dataset(name, data=values)
    packed = group.create_dataset(
        name,
        values.shape,
        values.dtype,
        chunks=values.shape,
        shuffle=True,
        compression="gzip",
        compression_opts=9,
    )
    by_place = values.ravel().view(np.uint8).reshape(-1, values.itemsize).T
    shortest = min((_deflated(by_place, x) for x in _STRATEGIES), key=len)
    packed.id.write_direct_chunk((0,) * values.ndim, shortest)
    return packed


def _deflated(by_place, strategy):
    """Bytes of a deflate stream, with codes of their own for each place of a byte."""
    coder = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    parts = [coder.compress(x.tobytes()) + coder.flush(zlib.Z_BLOCK) for x in by_place]
    return b"".join(parts) + coder.flush()
