"""Tables I to IV of the MMSemCom paper, in its form, with what the paper leaves out.

    python -m benchmarks.mmsemcom_comparison --parts table1 table2 table3 table4
        [--channel awgn|2x2] [--experiment seen unseen unseen_few cars birds]
        [--images 200] [--candidates 500] [--candidates-folder DIR] [--out DIR]

table1     PSNR and MS-SSIM over the SNR, with the noiseless choice, an index of the
           best candidate, and systems that send the picture; paired differences
table2     PSNR with 1, 3, 5 and 7 prompts
table3     parameters, operations, time and memory beside ADJSCC and HEVC + LDPC
table4     at one SNR: bytes, symbols, quality and what each byte and symbol gains
same       two processes hold the same candidates
generator  loss curve, pictures and recognised share of the generator that has seen a
           few pictures of CIFAR-10

Experiments are never mixed in one table: they differ in what the generator has seen.
Sweeps are those of the scenarios generated_awgn and generated_2x2; points that lie in
DIR are not simulated again. Each table is written to DIR as text.
"""

import sys
from pathlib import Path

from benchmarks.figures import show
from benchmarks.mmsemcom import complexity, knowledge, overhead, quality
from benchmarks.mmsemcom.experiments import CHANNELS, EXPERIMENTS
from benchmarks.sweeps import Failed
from scenarios.command.arguments import Parser

BASELINES = ("hevc_ldpc", "webp_ldpc", "adjscc")
OF_EXPERIMENTS = {
    "table1": quality.table_one,
    "table2": quality.table_two,
    "table3": complexity.table_three,
    "table4": overhead.table_four,
    "same": knowledge.same,
}
PARTS = (*OF_EXPERIMENTS, "generator")


def main(argv=None):
    """Command line; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        for part in args.parts:
            if part not in OF_EXPERIMENTS:
                show(args.out / f"{part}.txt", knowledge.generator(args))
                continue
            for experiment in args.experiment:
                lines = OF_EXPERIMENTS[part](args, experiment)
                show(args.out / f"{part}_{args.channel}_{experiment}.txt", lines)
    except Failed as failure:
        return failure.args[0]
    except (ValueError, OSError, ImportError) as error:
        print(f"mmsemcom_comparison: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--channel", choices=CHANNELS, default="awgn")
    add("--experiment", nargs="+", choices=EXPERIMENTS, default=["seen"])
    add("--images", type=int, default=200, help="targets (200, or all that there are)")
    add("--candidates", type=int, default=500, help="of every class (500)")
    add("--candidates-folder", type=Path, default=Path("runs/candidates"))
    add("--snr", type=float, default=10.0, help="of tables 3 and 4 [dB] (10)")
    add("--baselines", nargs="*", metavar="X", default=BASELINES)
    add("--baseline-cbr", default="1/6", help="rate of baselines, ADJSCC's too (1/6)")
    add("--weights", help="label or file of MMSemCom's (those shipped)")
    add("--out", type=Path, default=Path("results/mmsemcom_comparison"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
