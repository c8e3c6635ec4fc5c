"""Paired differences of results: ``python -m scenarios.compare DIR [A B]``.

    python -m scenarios.compare results/mimo_2x2                       all pairs
    python -m scenarios.compare results/mimo_2x2 adjscc hevc_ldpc      A - B
    python -m scenarios.compare results/fresh/eca.json results/5ms/eca.json

Systems that sent the same images over the same fades with the same noise are compared
transmission by transmission; pairs that did not are refused. What two systems do not
share beside their code, knowledge or rate, is marked.
"""

import argparse
import sys
from fractions import Fraction

from scenarios.command.arguments import Parser


def main(argv=None):
    """Runs the command.

    Output
    ------
    : `int`
        Exit code: 0, or 2 for bad input and where no pair can be compared
    """
    parser = _parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:
        return leave.code
    from scenarios.paired_results import print_comparisons  # slow: not for --help

    try:
        print_comparisons(args)
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = Parser(
        prog="scenarios.compare",
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results",
        nargs="+",
        metavar="DIR [A B]",
        help="results folder, and two systems or result files of it; or two files",
    )
    parser.add_argument(
        "--metric",
        help="column of the rows, a metric of sets such as psnr_of_mean_mse_db, or "
        "yours as my_module:NAME (the first of the results)",
    )
    parser.add_argument(
        "--snr", type=float, nargs="+", metavar="X", help="SNR points [dB] (all)"
    )
    parser.add_argument(
        "--distance",
        type=float,
        nargs="+",
        metavar="X",
        help="distances [m] of results over these (all)",
    )
    parser.add_argument(
        "--cbr",
        type=Fraction,
        nargs="+",
        metavar="X",
        help="rates, such as 1/24, of results over these (all)",
    )
    parser.add_argument(
        "--bootstrap",
        action="store_true",
        help="intervals by bootstrap of groups (Student's t, clustered)",
    )
    formats = parser.add_mutually_exclusive_group()
    for name in ("markdown", "latex", "csv"):
        formats.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            default="text",
            help=f"print {name}",
        )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
