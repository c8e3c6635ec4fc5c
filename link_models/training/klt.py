"""Fits the KLT of the linear reference: ``python -m link_models.training klt``.

The statistics of the exact CIFAR-10 training images and their mirror images, kept as
half floats: ``link_models/weights/linear_32x32.h5``, and beside it what they are.
"""

import argparse
import json
import sys
from math import prod
from pathlib import Path

from link_models.systems.entries import KLT_FILE
from link_models.weights.klt_file import IMAGE_SHAPE, MANTISSA_BITS, write_klt
from link_models.weights.store import file_hash
from semcom_phy.checks import check_integer
from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.simulation.storage import check_writable
from semcom_phy.sources.cifar10 import load_cifar10_training_images


def main(argv=None):
    """Fits and stores; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="link_models.training klt", allow_abbrev=False
    )
    parser.add_argument("--coefficients", type=int, default=1536)
    parser.add_argument("--out", type=Path, default=KLT_FILE)
    args = parser.parse_args(argv)
    try:
        check_integer("--coefficients", args.coefficients, 1, prod(IMAGE_SHAPE))
        if args.out.is_dir():
            raise IsADirectoryError(f"--out {args.out} is a folder: name a file in it")
        check_writable(args.out.parent)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    exact, _, provenance = load_cifar10_training_images()
    coder = LinearAnalogueCoder.fit(exact, args.coefficients)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_klt(args.out, coder)
    record = {
        "what": "mean, left half and parity of the KLT basis (half precision, "
        f"{MANTISSA_BITS} bits of mantissa) and coefficient variances",
        "made_by": "python -m link_models.training klt",
        "images": f"{len(exact)} exact images and their mirror images; no others",
        "num_coefficients": args.coefficients,
        "data": provenance,
        "sha256": file_hash(args.out),
    }
    text = json.dumps(record, indent=1) + "\n"
    args.out.with_suffix(".json").write_text(text)
    print(f"wrote {args.out}")
    return 0
