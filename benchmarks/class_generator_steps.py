"""After how many steps a generator of classes is best stopped.

    python -m benchmarks.class_generator_steps [--dataset cifar10] [--candidates 500]

For every picture that the generator has seen the PSNR of the best candidate of its
class, and for every candidate that of the seen picture that it is closest to. What is
measured is how well pictures are repeated that were trained on; no others are used.
"""

import sys

import numpy as np

from benchmarks.argument_types import count
from scenarios.command.arguments import Parser
from semcom_phy.knowledge_base.generator.classes import ClassGenerator
from semcom_phy.metrics.image import mse_to_psnr

DONE = (4, 5, 6, 7, 8, 10, 15, 25)


def closeness(generator, seen, num, seed=1):
    """PSNR of the best candidate of every seen picture, and of the seen picture closest
    to every candidate, two arrays [dB]."""
    best, closest = [], []
    for label, name in enumerate(generator.class_names):
        painted = generator.generate([name], seed, num)[0].reshape(num, -1)
        own = seen.images[seen.labels == label]
        off = painted[:, None] - own.reshape(1, len(own), -1).astype("float32")
        psnr_db = mse_to_psnr(np.mean(np.square(off), axis=2, dtype="float64"))
        best.append(psnr_db.max(0))
        closest.append(psnr_db.max(1))
    return np.concatenate(best), np.concatenate(closest)


def main(argv=None):
    """Prints the table; returns the exit code."""
    parser = Parser(prog="benchmarks.class_generator_steps")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--candidates", type=count, default=500)
    args = parser.parse_args(argv)
    try:
        seen = ClassGenerator(args.dataset).seen()
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(f"{len(seen)} seen pictures, {args.candidates} candidates of every class")
    print("steps done   best of a picture (lowest)   closest to a candidate (5 %)")
    for done in DONE:
        generator = ClassGenerator(args.dataset, done=done)
        best, closest = closeness(generator, seen, args.candidates)
        print(
            f"{done:10}   {best.mean():14.2f} ({best.min():6.2f})   "
            f"{closest.mean():18.2f} ({np.percentile(closest, 5):.2f}) dB"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
