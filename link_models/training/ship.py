"""Stores trained weights in half precision, as they are shipped.

    python -m link_models.training ship runs/mine
    python -m link_models.training ship runs/mine --mantissa-bits 5
    python -m link_models.training ship --embedded runs/captioner --mantissa-bits 7

Matrices and convolution kernels become 16-bit floats; vectors (biases, scales), which
are small, and integers stay as they are. Networks load and compute in their own
precision. The figures of a codec move by less than 0.01 dB, see docs/training.md.

A 16-bit float has 10 bits of mantissa. Fewer make the rest compress to nothing: with 5
a weight takes about 9 bits, wrong by at most 1.6 %. Codecs of words bear that, whose
output is a choice; those of pixels would lose at high SNR. With 7 it takes about 11.

Embedded models (:mod:`semcom_phy.knowledge_base.embedded_weights`) lie in another
folder, under the names of another network library.
"""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

from link_models.weights import store
from semcom_phy.knowledge_base import embedded_weights as embedded
from semcom_phy.stored_arrays import H5_FORMAT, MANTISSA, half_precision, write_array

STORED_AS = "float16 matrices{}, float32 vectors; validated before the rounding"


def ship(label_or_file, folder=store.SHIPPED, mantissa_bits=MANTISSA):
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
    record = store.read_record(label_or_file)
    source = store.weights_path(label_or_file)
    record |= {"stored_as": _told(mantissa_bits)}

    def write(target):
        _copy_half(source, target, mantissa_bits)

    return store.write(Path(folder), record, write)


def ship_embedded(name_or_file, folder=embedded.SHIPPED, mantissa_bits=MANTISSA):
    """As :func:`ship`, of an embedded model.

    Parameters
    ----------
    name_or_file : `str` or path
        Name of shipped weights, or of a pair of files without their endings

    Output
    ------
    : `Path`
        The JSON
    """
    path = Path(name_or_file)
    source = embedded.SHIPPED if path.parent == Path() else path.parent
    tensors, record = embedded.load_weights(path.name, source)
    record |= {"stored_as": _told(mantissa_bits)}
    return embedded.save_weights(path.name, tensors, record, folder, mantissa_bits)


def _told(mantissa_bits):
    fewer = mantissa_bits < MANTISSA
    return STORED_AS.format(f" of {mantissa_bits} mantissa bits" if fewer else "")


def _copy_half(source, target, mantissa_bits):
    with h5py.File(source) as old, h5py.File(target, "w", libver=H5_FORMAT) as new:
        new.attrs.update(old.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if values.dtype in (np.float32, np.float16) and values.ndim > 1:
                values = half_precision(name, values, mantissa_bits)
            write_array(new, name, values).attrs.update(item.attrs)

        old.visititems(copy)


def main(argv=None):
    """Ships some weights; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training ship", allow_abbrev=False
    )
    parser.add_argument("weights", nargs="+", help="labels or files of trained weights")
    parser.add_argument(
        "--embedded", action="store_true", help="weights are those of embedded models"
    )
    parser.add_argument("--out", type=Path, help="folder (that of the shipped ones)")
    parser.add_argument(
        "--mantissa-bits",
        type=int,
        default=MANTISSA,
        help=f"of a matrix element, 1 to {MANTISSA} ({MANTISSA})",
    )
    args = parser.parse_args(argv)
    one = ship_embedded if args.embedded else ship
    folder = args.out or (embedded.SHIPPED if args.embedded else store.SHIPPED)
    for weights in args.weights:
        try:
            path = one(weights, folder, args.mantissa_bits)
        except (ValueError, OSError) as error:
            print(f"{parser.prog}: error: {error}", file=sys.stderr)
            return 2
        print(f"wrote {path}")
    return 0
