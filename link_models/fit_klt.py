"""Fits the KLT of the linear reference: ``python -m link_models.fit_klt``.

The statistics of the exact CIFAR-10 training images and their mirror images, kept as
half floats: ``link_models/weights/linear_32x32.npz``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from link_models.systems import KLT_FILE
from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.sources.images import load_cifar10_training_images


def main(argv=None):
    """Fits and stores; returns the exit code."""
    parser = argparse.ArgumentParser(prog="link_models.fit_klt")
    parser.add_argument("--coefficients", type=int, default=1536)
    parser.add_argument("--out", type=Path, default=KLT_FILE)
    args = parser.parse_args(argv)
    exact, _, _ = load_cifar10_training_images()
    coder = LinearAnalogueCoder.fit(exact, args.coefficients)
    np.savez(
        args.out,
        mean=coder.mean,
        basis=coder.basis.astype(np.float16),
        variance=coder.variance.astype(np.float32),
    )
    print(f"wrote {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
