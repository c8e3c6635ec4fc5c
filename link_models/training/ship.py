"""Stores trained weights in half precision, as they are shipped.

    python -m link_models.training ship runs/mine
    python -m link_models.training ship runs/mine --mantissa-bits 5

Matrices and convolution kernels become 16-bit floats; vectors (biases, scales), which
are small, and integers stay as they are. Networks load and compute in their own
precision. The figures of a codec move by less than 0.01 dB, see docs/training.md.

A 16-bit float has 10 bits of mantissa. Fewer make the rest compress to nothing: with 5
a weight takes about 9 bits, wrong by at most 1.6 %. Codecs of words bear that, whose
output is a choice; those of pixels would lose at high SNR.
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

from link_models.weights import store

STORED_AS = "float16 matrices{}, float32 vectors; validated before the rounding"
_MANTISSA = 10  # bits of a 16-bit float
# Of HDF5 1.10: every h5py reads it. HDF5 2.0 writes a "latest" that 1.14 cannot read.
_FORMAT = "v110"


def ship(label_or_file, folder=store.SHIPPED, mantissa_bits=_MANTISSA):
    """Writes the half-precision copy of some weights and of their JSON.

    Parameters
    ----------
    label_or_file : `str` or path
        See :func:`~link_models.weights.store.find`

    folder : path, (default: that of the shipped weights)
        Where to

    mantissa_bits : `int`, 1 to 10, (default 10)
        Of a matrix element

    Output
    ------
    : `Path`
        The JSON; it holds ``stored_as`` and the SHA-256 of the new file

    Raises
    ------
    FileNotFoundError
        If there are no such weights.
    ValueError
        If a number does not fit into 16 bits, or ``mantissa_bits`` is out of range.
    """
    if not 1 <= mantissa_bits <= _MANTISSA:
        raise ValueError(
            f"mantissa_bits must be from 1 to {_MANTISSA}, got {mantissa_bits}"
        )
    record = store.read_record(label_or_file)
    source = store.weights_path(label_or_file)
    fewer = mantissa_bits < _MANTISSA
    told = f" of {mantissa_bits} mantissa bits" if fewer else ""
    record |= {"stored_as": STORED_AS.format(told)}

    def write(target):
        _copy_half(source, target, mantissa_bits)

    return store.write(Path(folder), record, write)


def _copy_half(source, target, mantissa_bits):
    with h5py.File(source) as old, h5py.File(target, "w", libver=_FORMAT) as new:
        new.attrs.update(old.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype in (np.float32, np.float16) and values.ndim > 1:
                values = half_precision(name, values, mantissa_bits)
            # A compressed array has an index of its own: small ones grow by it.
            large = values.nbytes > 8192
            packed = {"compression": "gzip", "shuffle": True} if large else {}
            new.create_dataset(name, data=values, **packed).attrs.update(item.attrs)

        old.visititems(copy)


def half_precision(name, values, mantissa_bits=_MANTISSA):
    """16-bit floats with some of the 10 bits of mantissa, to the nearest.

    Input
    -----
    values : array, `float32` or `float16`

    Raises
    ------
    ValueError
        If a number does not fit, by the ``name`` of the array.
    """
    return _rounded(_half(name, values), _MANTISSA - mantissa_bits)


def _half(name, values):
    largest = np.abs(values).max()
    if largest > np.finfo(np.float16).max:
        raise ValueError(
            f"{name} holds {largest:g}, which does not fit into 16 bits: ship these "
            "weights as they are"
        )
    return values.astype(np.float16)


def _rounded(values, dropped):
    """16-bit floats with the last bits of the mantissa 0, to the nearest, ties up."""
    if not dropped:
        return values
    bits = values.view(np.uint16).astype(np.uint32)
    bits = (bits + (1 << (dropped - 1))) >> dropped << dropped
    return bits.astype(np.uint16).view(np.float16)


def main(argv=None):
    """Ships some weights; returns the exit code."""
    parser = argparse.ArgumentParser(prog="link_models.training ship")
    parser.add_argument("weights", nargs="+", help="labels or files of trained weights")
    parser.add_argument("--out", type=Path, default=store.SHIPPED)
    parser.add_argument(
        "--mantissa-bits",
        type=int,
        default=_MANTISSA,
        help=f"of a matrix element, 1 to {_MANTISSA} ({_MANTISSA})",
    )
    args = parser.parse_args(argv)
    for weights in args.weights:
        try:
            path = ship(weights, args.out, args.mantissa_bits)
        except (ValueError, OSError) as error:
            print(f"{parser.prog}: error: {error}", file=sys.stderr)
            return 2
        print(f"wrote {path}")
    return 0
