"""VLM-CSC beside separate coding, models of one SNR, knowledge bases, image systems.

    python -m benchmarks.vlm_csc_comparison --parts bleu nam [--images 900]
        [--captions-per-image 5] [--draws 1] [--workers 2] [--out DIR]
    python -m benchmarks.vlm_csc_comparison --parts knowledge images [--images 1000]
        [--captioners embedded nearest:catsdogs tags] [--generator gallery:catsdogs]

bleu       BLEU-1 and -4, word error rate and share of right captions of Flickr8k's
           test captions over AWGN and 2x2 Rayleigh fading, all systems on the same
           captions, fades and noise; symbols per caption, the message of the length
           included; paired differences
nam        noise attention against models of one SNR over AWGN: at every SNR, and the
           mean over the SNRs, as paired differences
knowledge  SSQ of cats and dogs for each captioner (the paper's Fig. 7)
images     SSQ of cats and dogs for systems that send images instead, compression ratio
           and trainable parameters of each (Fig. 10)

Every caption is a sample; intervals (95 %) are clustered by image. Results lie in a
folder for each link, and are not simulated again. SSQ is the accuracy of a classifier
that no system has seen, on received over sent images of 32x32.
"""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.sweeps import Failed, swept_curves
from link_models.systems.table import build_system
from scenarios import caption_2x2, caption_awgn
from scenarios.command.arguments import Parser
from scenarios.comparison_table import as_text
from scenarios.kinds.caption import FIXED
from scenarios.paired_results import compare
from semcom_phy.simulation.identity.system_parts import system_parts
from semcom_phy.simulation.metric_table import METRICS
from semcom_phy.simulation.statistics.intervals import clustered_mean

VLM = "vlm_csc"
SEPARATE = (
    "text_ldpc",
    "text_polar",
    "text_polar_completed",
    "text_huffman",
    "text_utf8",
)
# 4 symbols a token
AT_HALF = ("vlm_csc_4", "text_ldpc_4", "text_polar_4", "text_polar_4_completed")
TEXT_METRICS = ("bleu_1", "bleu_4", "word_error_rate", "text_exact")
IMAGE_SYSTEMS = ("hevc_ldpc", "linear", "adjscc")
IMAGE_CBRS = ("1/48", "1/24", "1/12", "1/6")
CAPTIONERS = ("embedded", "nearest:catsdogs", "tags")
DIMENSIONS = 3 * 32 * 32
SSQ = "ssq_catsdogs"
BATCH = 100


def curves_of(scenario, names, args, folder, *options):
    """Results of systems of a scenario, simulated as far as they are not there yet.

    Input
    -----
    scenario : :class:`~scenarios.kinds.caption.CaptionScenario`

    names : sequence of `str`
        Systems

    args : `argparse.Namespace`
        ``images``, ``draws``, ``snr``, ``workers``, ``out``

    folder : `str`
        In ``args.out``

    options : `str`
        Of the scenario's command line, besides

    Output
    ------
    : `dict` of name -> :class:`~scenarios.paired_results.Curve`
    """
    given = ["--images", args.images, "--draws", args.draws, "--batch-size", BATCH]
    given += ["--workers", args.workers, *options]
    if args.snr:
        given += ["--snr", *args.snr]
    return swept_curves(scenario, names, args.out / folder, *given)


def compare_bleu(args):
    """BLEU-1 over both links, what it costs, and who wins over whom."""
    names = [VLM, *args.separate, *args.at_half]
    for scenario in (caption_awgn.SCENARIO, caption_2x2.SCENARIO):
        curves = _bleu_curves(scenario, names, args)
        show_figures(curves, "bleu_1", f"BLEU-1, {scenario.name}")
        pairs = [(VLM, name) for name in args.separate]
        pairs += [(args.at_half[0], name) for name in args.at_half[1:]]
        pairs += [(VLM, args.at_half[0])] if args.at_half else []
        for metric in TEXT_METRICS:
            _show_differences(curves, pairs, metric)


def compare_nam(args):
    """One model with noise attention against models of one SNR each, without."""
    curves = _bleu_curves(caption_awgn.SCENARIO, [VLM, *args.fixed], args)
    _show_differences(curves, [(VLM, name) for name in args.fixed], "bleu_1")
    print("\nBLEU-1 at all SNRs, mean, and paired difference")
    for name in args.fixed:
        found = mean_difference(curves[VLM].rows, curves[name].rows, "bleu_1")
        print(f"  {VLM} - {name}: {_text(found, 4, '+')}")
    snr_db = sorted(curves[VLM].rows)
    best = {s: max(args.fixed, key=lambda n: _mean(curves[n], s)) for s in snr_db}
    for snr, name in best.items():
        lead = _mean(curves[VLM], snr) - _mean(curves[name], snr)
        print(f"  {snr:g} dB: {lead:+.4f} beside the best of these, {name}")


def _mean(curve, snr_db):
    return curve.file.estimate("bleu_1", snr_db).mean


def mean_difference(one, other, metric):
    """Difference of a figure of sets, mean over the SNRs, paired by transmissions.

    Input
    -----
    one, other : `dict` of snr_db -> rows
        Of the same captions, fades and noise

    metric : `str`
        A :class:`~semcom_phy.simulation.metric.SetMetric`

    Output
    ------
    : :class:`~semcom_phy.simulation.statistics.intervals.Estimate`

    Raises
    ------
    ValueError
        If the SNRs or the transmissions differ.
    """
    first = next(iter(one.values()))
    for snr in {**one, **other}:
        for name in ("image", "draw", "image_sha256"):
            if not all(
                snr in rows and np.array_equal(rows[snr][name], first[name])
                for rows in (one, other)
            ):
                raise ValueError(f"at {snr:g} dB the two did not send the same")
    linearised = METRICS[metric].linearised
    differences = [linearised(one[snr]) - linearised(other[snr]) for snr in one]
    groups = np.unique(first["group"], return_inverse=True)[1]
    return clustered_mean(np.mean(differences, axis=0), first["image"], groups)


def compare_knowledge(args):
    """SSQ for each captioner, with one generator."""
    for captioner in args.captioners:
        options = _ssq_options(args, captioner)
        folder = f"ssq_{Path(captioner).name.replace(':', '_')}"
        curves = curves_of(
            caption_awgn.SCENARIO, [VLM, *args.separate[:1]], args, folder, *options
        )
        show_figures(curves, SSQ, f"SSQ, captioner {captioner}")


def compare_images(args):
    """SSQ of systems that send images, at rates around those of captions."""
    for cbr in args.image_cbrs:
        options = ["--dataset", "catsdogs", "--metrics", SSQ, "psnr_db", "--cbr", cbr]
        options += ["--captioner", args.captioners[0], *_generate(args)]
        folder = f"ssq_images_{cbr.replace('/', '_')}"
        scenario = caption_awgn.SCENARIO
        curves = curves_of(scenario, args.image_systems, args, folder, *options)
        show_figures(curves, SSQ, f"SSQ of images, cbr {cbr}")
    print("\nTrainable parameters")
    scenario = replace(
        caption_awgn.SCENARIO, cbr=Fraction(args.image_cbrs[-1]), dataset="catsdogs"
    )
    for name in (VLM, *args.separate[:1], *args.image_systems):
        print(f"  {name}: {trainable_parameters(build_system(name, scenario))}")


def _ssq_options(args, captioner):
    options = ["--dataset", "catsdogs", "--captioner", captioner, *_generate(args)]
    return [*options, "--metrics", SSQ, "bleu_1"]


def _generate(args):
    return ["--generate", "--generator", args.generator]


def trainable_parameters(system):
    """Numbers that training sets in the networks of a system, `int`; frozen models of
    knowledge bases are none of them."""
    found = {
        id(weight): weight
        for layer in system_parts(system).layers
        for weight in layer.trainable_weights
    }
    return sum(int(np.prod(weight.shape)) for weight in found.values())


def show_figures(curves, metric, title):
    """Prints a figure of every system at every SNR, symbols per sample, and outage."""
    snr_db = sorted(next(iter(curves.values())).rows)
    print(f"\n{title}")
    print("SNR [dB]".ljust(30) + "".join(f"{snr:g}".rjust(18) for snr in snr_db))
    for figure, factor, digits in (
        (metric, 1, 4),
        ("cbr_total", DIMENSIONS, 1),
        ("outage", 1, 4),
    ):
        print({"cbr_total": "symbols, side information included"}.get(figure, figure))
        for name, curve in curves.items():
            found = [curve.file.estimate(figure, snr) for snr in snr_db]
            cells = [_text(e, digits, factor=factor).rjust(18) for e in found]
            print(f"  {name}".ljust(30) + "".join(cells))


def _show_differences(curves, pairs, metric):
    if pairs:
        found = [compare(curves[one], curves[two], metric) for one, two in pairs]
        print("\n" + as_text(found, metric), end="")


def _bleu_curves(scenario, names, args):
    options = ["--dataset", args.dataset, "--captioner", "data"]
    options += ["--metrics", *TEXT_METRICS]
    options += ["--captions-per-image", args.captions_per_image]
    return curves_of(scenario, names, args, scenario.name, *options)


def _text(estimate, digits, sign="", factor=1):
    if estimate is None:
        return "none"
    text = f"{factor * estimate.mean:{sign}.{digits}f}"
    if estimate.half_width is None:
        return text
    return f"{text} +- {factor * estimate.half_width:.{digits}f}"


PARTS = {
    "bleu": compare_bleu,
    "nam": compare_nam,
    "knowledge": compare_knowledge,
    "images": compare_images,
}


def main(argv=None):
    """Command line; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--images", type=int, default=900)
    add("--captions-per-image", type=int, default=5)
    add("--draws", type=int, default=1)
    add("--snr", type=float, nargs="+", help="[dB] (those of the scenarios)")
    add("--dataset", default="flickr8k", help="of bleu and nam (flickr8k)")
    add("--fixed", nargs="*", metavar="X", default=FIXED)
    add("--separate", nargs="*", metavar="X", default=SEPARATE)
    add("--at-half", nargs="*", metavar="X", default=AT_HALF)
    add("--captioners", nargs="+", metavar="X", default=CAPTIONERS)
    add("--generator", default="gallery:catsdogs", help="(gallery:catsdogs)")
    add("--image-systems", nargs="+", metavar="X", default=IMAGE_SYSTEMS)
    add("--image-cbrs", nargs="+", metavar="X", default=IMAGE_CBRS)
    add("--workers", type=int, default=1)
    add("--out", type=Path, default=Path("results/vlm_csc_comparison"))
    args = parser.parse_args(argv)
    try:
        for part in args.parts:
            PARTS[part](args)
    except Failed as failure:
        return failure.args[0]
    except (ValueError, OSError, ImportError) as error:
        print(f"vlm_csc_comparison: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
