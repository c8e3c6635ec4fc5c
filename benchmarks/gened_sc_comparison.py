"""Figures 6 to 12 and tables I and II of the GenED-SC paper, at equal symbols.

    python -m benchmarks.gened_sc_comparison mask snr editing symbols ablation failures
        [--channel awgn 2x2] [--dataset ecssd] [--images 270] [--seed 1] [--snr 4]
        [--systems X ...] [--workers N] [--out DIR]

mask      the transmitter's mask against the labels, beside a constant one and the best
          of patches; its bits; the receiver's own estimate of it
snr       metrics at 1, 4, 7 and 10 dB of all systems, paired differences of the
          foreground, symbols
editing   before and after the editor, and against image codecs at --snr (1 dB)
symbols   metrics against all symbols, at cbr 1/48, 1/24, 1/12 and --snr (4 dB)
ablation  tables I and II at --snr (4 dB), with paired differences to ours
failures  the worst pictures at the lowest rate and SNR, as a PNG

2x2 is block Rayleigh fading with LS estimates and L-MMSE detection. All tables share
the results in DIR; points that lie there are not simulated again. Each table is written
to DIR as Markdown.
"""

import sys
from pathlib import Path

from benchmarks.figures import show
from benchmarks.gened_sc.ablation import ablation_table
from benchmarks.gened_sc.editing import editing_table
from benchmarks.gened_sc.failures import failures_table
from benchmarks.gened_sc.masks import mask_table
from benchmarks.gened_sc.quality import quality_table
from benchmarks.gened_sc.sent import CHANNELS
from benchmarks.gened_sc.symbols import symbols_table
from benchmarks.sweeps import Failed
from scenarios.command.arguments import Parser

TABLES = {  # name -> its lines by arguments and channel, SNR [dB]
    "snr": (quality_table, None),
    "editing": (editing_table, 1.0),
    "symbols": (symbols_table, 4.0),
    "ablation": (ablation_table, 4.0),
    "failures": (failures_table, None),
}
PARTS = ("mask", *TABLES)


def main(argv=None):
    """Command line; returns the exit code."""
    args = _parser().parse_args(argv)
    asked = args.snr
    try:
        for part in args.parts:
            if part == "mask":
                show(args.out / f"{part}.md", mask_table(args))
                continue
            table, args.snr = TABLES[part]
            if asked is not None:
                args.snr = asked
            for channel in args.channel:
                show(args.out / f"{part}_{channel}.md", table(args, channel))
    except Failed as failure:
        return failure.args[0]
    except (ValueError, OSError, ImportError) as error:
        print(f"gened_sc_comparison: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("parts", nargs="+", choices=PARTS)
    add("--channel", nargs="+", choices=CHANNELS, default=["awgn"])
    add("--dataset", default="ecssd", help="pictures with masks (ecssd)")
    add("--images", type=int, default=270, help="of its test split (270, all of ecssd)")
    add("--seed", type=int, default=1)
    add("--snr", type=float, help="of editing, symbols and ablation [dB]")
    add("--systems", nargs="+", metavar="X", help="of snr and symbols")
    add("--captioner", default="embedded")
    add("--caption-as", default="coded", help="coded, or utf8 as in the paper")
    add("--editor", default="embedded")
    add("--shown", type=int, default=6, help="pictures of failures (6)")
    add("--workers", type=int, default=1, help="processes (1)")
    add("--out", type=Path, default=Path("results/gened_sc_comparison"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
