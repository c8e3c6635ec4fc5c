"""Stores trained weights in half precision, as they are shipped.

    python -m link_models.training ship runs/mine

Matrices and convolution kernels become 16-bit floats; vectors (biases, scales), which
are small, and integers stay as they are. Networks load and compute in their own
precision. The figures of a codec move by less than 0.01 dB, see docs/training.md.
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

from link_models.weights import store

STORED_AS = "float16 matrices, float32 vectors; validated before the rounding"


def ship(label_or_file, folder=store.SHIPPED):
    """Writes the half-precision copy of some weights and of their JSON.

    Parameters
    ----------
    label_or_file : `str` or path
        See :func:`~link_models.weights.store.find`

    folder : path, (default: that of the shipped weights)
        Where to

    Output
    ------
    : `Path`
        The JSON; it holds ``stored_as`` and the SHA-256 of the new file

    Raises
    ------
    FileNotFoundError
        If there are no such weights.
    ValueError
        If a number does not fit into 16 bits.
    """
    record = store.read_record(label_or_file)
    source = store.weights_path(label_or_file)
    record |= {"stored_as": STORED_AS}
    return store.write(Path(folder), record, lambda target: _copy_half(source, target))


def _copy_half(source, target):
    with h5py.File(source) as old, h5py.File(target, "w", libver="latest") as new:
        new.attrs.update(old.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype == np.float32 and values.ndim > 1:
                values = _half(name, values)
            # A compressed array has an index of its own: small ones grow by it.
            large = values.nbytes > 8192
            packed = {"compression": "gzip", "shuffle": True} if large else {}
            new.create_dataset(name, data=values, **packed).attrs.update(item.attrs)

        old.visititems(copy)


def _half(name, values):
    largest = np.abs(values).max()
    if largest > np.finfo(np.float16).max:
        raise ValueError(
            f"{name} holds {largest:g}, which does not fit into 16 bits: ship these "
            "weights as they are"
        )
    return values.astype(np.float16)


def main(argv=None):
    """Ships some weights; returns the exit code."""
    parser = argparse.ArgumentParser(prog="link_models.training ship")
    parser.add_argument("weights", nargs="+", help="labels or files of trained weights")
    parser.add_argument("--out", type=Path, default=store.SHIPPED)
    args = parser.parse_args(argv)
    for weights in args.weights:
        try:
            path = ship(weights, args.out)
        except (ValueError, OSError) as error:
            print(f"{parser.prog}: error: {error}", file=sys.stderr)
            return 2
        print(f"wrote {path}")
    return 0
