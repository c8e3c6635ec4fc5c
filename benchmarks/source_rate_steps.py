"""What whole steps of a quantiser leave of a budget.

    python -m benchmarks.source_rate_steps [--codec hevc] [--images 100]

A separate system sends the best stream that fits its payload; the next finer one does
not. Beside the bytes and the PSNR of these streams stands the PSNR of a codec whose
rate could be set exactly: the image's own rate-distortion curve (all steps, all chroma
formats), linear in the logarithm of the bytes. It is an upper bound, since such a rate
control would cost bytes as well. Nothing is sent. Intervals of 95 % are over images.
"""

import sys

import numpy as np

from benchmarks.argument_types import count
from scenarios.command.arguments import Parser
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.source_coding import SOURCE_CODECS, shared_codec
from semcom_phy.source_coding.errors import BudgetError, MissingCodecError
from semcom_phy.sources.images import load_samples


def at_budget(codec, image, num_bytes):
    """What a budget gives of an image.

    Output
    ------
    : [3], `float`
        Share of the budget that is used, PSNR [dB], PSNR at the exact budget [dB]; NaN
        where no stream fits, or none is larger
    """
    try:
        found = codec.ladder.best(image, num_bytes)
    except BudgetError:
        return np.full(3, np.nan)
    sizes, psnr_db = np.array(codec.ladder.curve(image)).T
    if num_bytes > sizes[-1]:
        return np.full(3, np.nan)
    exact = np.interp(np.log(num_bytes), np.log(sizes), psnr_db)
    return np.array([len(found.bytes) / num_bytes, found.psnr, exact])


def main(argv=None):
    """Prints the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10", help="as of scenarios")
    parser.add_argument("--size", type=count, default=32, help="side [pixel] (32)")
    parser.add_argument("--images", type=count, default=100)
    parser.add_argument("--codec", choices=SOURCE_CODECS, default="hevc")
    parser.add_argument(
        "--bytes", type=count, nargs="+", default=[50, 100, 200, 400, 600]
    )
    args = parser.parse_args(argv)
    try:
        samples = load_samples(args.dataset, args.images, size=args.size)
        codec = shared_codec(args.codec, (args.size, args.size))
    except (ValueError, OSError, MissingCodecError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{args.codec}, {len(samples)} images of {args.dataset}, {args.size} pixels")
    heads = ("budget [byte]", "used", "PSNR [dB]", "of an exact rate", "difference")
    print("".join(head.rjust(20) for head in heads))
    index = np.arange(len(samples))
    for num_bytes in args.bytes:
        used, psnr_db, exact = np.array(
            [at_budget(codec, image, num_bytes) for image in samples.images]
        ).T
        cells = [
            _cell(values, index, samples.groups, digits)
            for values, digits in (
                (used, 3),
                (psnr_db, 2),
                (exact, 2),
                (exact - psnr_db, 2),
            )
        ]
        print("".join(cell.rjust(20) for cell in (str(num_bytes), *cells)))
    return 0


def _cell(values, index, groups, digits):
    """Mean and half interval; "-" where a budget fits not every image."""
    if np.isnan(values).any():
        return "-"
    found = clustered_mean(values, index, index if groups is None else groups)
    return f"{found.mean:.{digits}f} +- {found.half_width:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
