"""ECA and HEVC + 5G LDPC with the same feedback, fresh and old: one table, one figure.

    python -m benchmarks.feedback_age [--images 500] [--draws 1] [--snr 0 5 ...]
        [--delays 0 1e-3 5e-3 10e-3] [--out DIR]

Sweeps of the scenario ``adaptive_rate`` (exact CIFAR-10 test images, perfect CSI,
cut-offs charged, 3 m/s at 3.5 GHz), one folder for each age of what is fed back, over
the same images, fades and noise. HEVC has the rate that ECA spends with feedback of
that age. Beside them HEVC that takes old feedback for new, and both codecs on the
average SNR. What was finished is kept: give the command again to go on. Single pairs:
``python -m scenarios.compare DIR/0ms/eca.json DIR/10ms/eca.json``.
"""

import argparse
import sys
from pathlib import Path

from scenarios import adaptive_rate
from scenarios.command.arguments import Parser
from scenarios.paired_results import Curve, compare

SPEED = 3.0  # [m/s]
FED_BACK = ("eca", "hevc_ldpc_matched", "hevc_ldpc_matched_stale")
NOT_FED_BACK = ("eca_no_csi", "eca_no_csi_sent", "hevc_ldpc_matched_average")
PAIRS = (
    ("eca", "hevc_ldpc_matched"),
    ("eca", "hevc_ldpc_matched_stale"),
    ("eca_no_csi_sent", "hevc_ldpc_matched_average"),
)
STYLES = {"eca": "-o", "hevc_ldpc_matched": "-s", "hevc_ldpc_matched_stale": ":s"}
STYLES |= {"eca_no_csi_sent": "--o", "hevc_ldpc_matched_average": "--s"}


def folder_of(out, delay):
    """Results with feedback of an age [s]."""
    return Path(out) / f"{1e3 * delay:g}ms"


def run(args):
    """The sweeps; returns the exit code."""
    common = ["--dataset", args.dataset, "--images", args.images, "--csi", "perfect"]
    common += ["--draws", args.draws, "--batch-size", 100, "--snr", *args.snr]
    for delay in args.delays:
        names = FED_BACK if delay else FED_BACK[:2]
        if delay == args.delays[0]:  # they do not depend on it
            names = (*names, *NOT_FED_BACK)
        options = [*common, "--out", folder_of(args.out, delay), "--systems", *names]
        options += ["--feedback-delay", delay, "--speed", SPEED]
        print(f"\n{1e3 * delay:g} ms", flush=True)
        code = adaptive_rate.main(list(map(str, options)))
        if code:
            return code
    return 0


def curves(args):
    """Finished results, `dict` of (delay, system) -> Curve."""
    found = {}
    for delay in args.delays:
        for path in sorted(folder_of(args.out, delay).glob("*.json")):
            if path.stem in (*FED_BACK, *NOT_FED_BACK):
                found[delay, path.stem] = Curve(path, path.stem)
    return found


def table(found, snr_db):
    """Lines of a Markdown table: PSNR, charged rate, outage; paired differences."""
    header = ["age", "system", *(f"{snr:g} dB" for snr in snr_db)]
    lines = [_row(header), _row(["---"] * len(header))]
    for (delay, name), curve in found.items():
        age = f"{1e3 * delay:g} ms" if name in FED_BACK else "-"
        cells = [_point(curve.file, snr) for snr in snr_db]
        lines.append(_row([age, f"`{name}`", *cells]))
    first = min(delay for delay, _ in found)
    for delay in sorted({delay for delay, _ in found}):
        for one, other in PAIRS:
            if (delay, one) not in found or (delay, other) not in found:
                continue
            both = compare(found[delay, one], found[delay, other]).differences
            age = f"{1e3 * delay:g} ms" if one in FED_BACK else "-"
            cells = [_difference(both.get(snr)) for snr in snr_db]
            lines.append(_row([age, f"`{one}` - `{other}`", *cells]))
        if delay != first:
            both = compare(found[delay, "eca"], found[first, "eca"]).differences
            cells = [_difference(both.get(snr)) for snr in snr_db]
            lines.append(_row([f"{1e3 * delay:g} ms", "`eca` - `eca` fresh", *cells]))
    return lines


def draw(found, snr_db, path):
    """PSNR over the age of the feedback, one panel for each SNR."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * len(snr_db), 3.0), layout="constrained")
    axes = figure.subplots(1, len(snr_db), squeeze=False)[0]
    delays = sorted({delay for delay, _ in found})
    for axis, snr in zip(axes, snr_db, strict=True):
        for name, style in STYLES.items():
            # Without feedback, or without age: one figure for all.
            at = [found.get((d, name), found.get((delays[0], name))) for d in delays]
            points = [curve and curve.file.estimate("psnr_db", snr) for curve in at]
            kept = [(1e3 * d, p) for d, p in zip(delays, points, strict=True) if p]
            axis.errorbar(
                [x for x, _ in kept],
                [p.mean for _, p in kept],
                [p.half_width or 0 for _, p in kept],
                fmt=style,
                ms=4,
                lw=1,
                capsize=2,
                label=name,
            )
        axis.set(title=f"{snr:g} dB", xlabel="age of the feedback [ms]")
    axes[0].set_ylabel("PSNR, mean over images [dB]")
    axes[-1].legend(frameon=False, fontsize=6)
    figure.savefig(path, dpi=150)


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def _point(file, snr):
    psnr = file.estimate("psnr_db", snr)
    rate = 2 * file.estimate("cbr_total", snr).mean
    outage = file.estimate("outage", snr).mean
    lost = f", {100 * outage:.1f} %" if outage else ""
    return f"{psnr.mean:.2f} ± {psnr.half_width:.2f} ({rate:.3f}{lost})"


def _difference(found):
    if found is None:
        return "not run"
    return f"{found.paired.mean:+.2f} ± {found.paired.half_width:.2f}"


def main(argv=None):
    """Runs what is missing, prints table, draws figure; returns the exit code."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--snr", type=float, nargs="+", default=[0, 5, 10, 15, 20])
    parser.add_argument(
        "--delays", type=float, nargs="+", default=[0, 1e-3, 5e-3, 10e-3]
    )
    parser.add_argument("--out", type=Path, default=Path("results/feedback_age"))
    args = parser.parse_args(argv)
    code = run(args)
    if code:
        return code
    found = curves(args)
    text = "\n".join(table(found, args.snr)) + "\n"
    (args.out / "feedback_age.md").write_text(text, encoding="utf-8")
    draw(found, args.snr, args.out / "feedback_age.png")
    print(f"\nPSNR [dB] (cr_real charged, outage)\n\n{text}")
    print(f"wrote {args.out / 'feedback_age.md'} and {args.out / 'feedback_age.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
