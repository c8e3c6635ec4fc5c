"""A report of results: ``python -m scenarios.report DIR``.

    python -m scenarios.report results/mimo_2x2              writes DIR/report.html
    python -m scenarios.report results                       a section for each folder

The file holds everything that it shows: it can be sent on, and fetches nothing when it
is opened.
"""

import argparse
import sys
from pathlib import Path

from scenarios.command.arguments import Parser

_NAME = "report.html"


def main(argv=None):
    """Runs the command.

    Output
    ------
    : `int`
        Exit code: 0, or 2 for bad input
    """
    parser = _parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:
        return leave.code
    try:
        if args.pictures < 0:
            raise ValueError(f"--pictures must be at least 0, got {args.pictures}")
        path, left_out = _write(args)
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.2g} MB)")
    return 0


def _write(args):
    """The file written, and what is not in it."""
    # Here, because they load SciPy and Matplotlib.
    from scenarios.report.page import page_html
    from scenarios.report.reading import read_sections
    from semcom_phy.simulation.storage import replaced

    path = args.folder / _NAME if args.out is None else args.out
    if path.is_dir():
        raise IsADirectoryError(f"--out {path} is a folder: give the name of a file")
    sections, left_out = read_sections(args.folder)
    text = page_html(args.folder.resolve().name, sections, left_out, args.pictures)
    try:
        with replaced(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OSError(
            f"cannot write {path} ({error.strerror}); choose another place with --out"
        ) from error
    return path, left_out


def _parser():
    parser = Parser(
        prog="scenarios.report",
        description=__doc__.split("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="results folder, or one whose folders hold results",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"the file to write (DIR/{_NAME})",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=3,
        metavar="N",
        help="pictures of every system and point, without loss; 0: none (3)",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
