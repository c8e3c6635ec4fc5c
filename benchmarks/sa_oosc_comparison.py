"""SA-OOSC beside OOSC, NTSCC, DeepJSCC and separate coding at the same rate.

    python -m benchmarks.sa_oosc_comparison [--images 233] [--draws 1]
        [--parts rate snr fading labels entropy] [--snr 0 10 20] [--out DIR]

The scenarios ``driving_scene`` and ``driving_scene_2x2`` on CamVid's test split, a
folder of results each rate or link, and their tables by importance: the driving rule's,
which SA-OOSC is given at the transmitter as well. Side information is included in the
rate unless a system is marked free. Intervals (95 %) are by bootstrap over segments of
ten consecutive frames.
"""

import sys
from pathlib import Path

import numpy as np
from keras import ops

from benchmarks.sweeps import Failed, swept_curves
from link_models.systems.levels import LabelLevels
from link_models.systems.student import load_student
from link_models.systems.table import build_system
from link_models.training.student import recall_by_level
from scenarios import driving_scene, driving_scene_2x2
from scenarios.command.arguments import Parser
from scenarios.comparison_table import as_text
from scenarios.paired_results import compare
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.messages.protected_message import naive_symbols
from semcom_phy.entropy_coding.feature_coder import encode_latents, encode_side
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.metrics.importance import PARTS
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.simulation.statistics.bootstrap import bootstrap_interval
from semcom_phy.sources.driving import load_driving_scenes

HEVC_LABELS = ("hevc_ldpc_labels", "hevc_ldpc_labels_layered")
SYSTEMS = (
    "sa_oosc",
    "oosc",
    "ntscc",
    "deepjscc_patches",
    *("hevc_ldpc", "hevc_ldpc_layered"),
    *HEVC_LABELS,
)
HEVC_STUDENT = ("hevc_ldpc_student", "hevc_ldpc_student_layered")
FREE = ("sa_oosc_free", "oosc_free", "ntscc_free")
LABELS = ("sa_oosc", "sa_oosc_student", "sa_oosc_unaided")
CBRS = ("1/48", "1/32", "1/24")
SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
OBJECTS, WHOLE = "psnr_non_background", "psnr_db"
COMPARED = (OBJECTS, "psnr_high", "psnr_background")
BATCH = 40


def curves_of(scenario, names, args, snr_db, cbr="1/32"):
    """Results of systems of a scenario, simulated as far as they are not there yet.

    Input
    -----
    scenario : :class:`~scenarios.scenario.Scenario`

    names : sequence of `str`
        Systems

    args : `argparse.Namespace`
        ``images``, ``draws``, ``out``

    snr_db : sequence of `float`
        SNRs [dB]

    cbr : `str`, (default "1/32")
        Rate

    Output
    ------
    : `dict` of name -> :class:`~scenarios.paired_results.Curve`
    """
    folder = args.out / f"{scenario.name}_{cbr.replace('/', '_')}"
    options = ["--images", args.images, "--draws", args.draws, "--batch-size", BATCH]
    return swept_curves(
        scenario, names, folder, *options, "--snr", *snr_db, "--cbr", cbr
    )


def show_parts(curves, snr_db):
    """Prints the PSNR of every part of the images, outage, and what was spent."""
    print(f"\nPSNR [dB] by importance, SNR {snr_db:g} dB")
    heads = [*PARTS, "non_bg, mean MSE", "outage", "cbr_total", "side_share"]
    print("system".ljust(20) + "".join(head[:16].rjust(18) for head in heads))
    for name, curve in curves.items():
        rows = curve.rows[snr_db]
        rows = rows | {"side_share": rows["side_cbr"] / rows["cbr_total"]}
        cells = [_cell(rows, f"psnr_{part}", 2) for part in PARTS]
        cells.append(_cell(rows, "mse_non_background", 2, "psnr_of_mean_mse"))
        cells += [_cell(rows, key, 4) for key in heads[-3:]]
        print(name.ljust(20) + "".join(cell.rjust(18) for cell in cells))
    counts = [_count(rows, f"psnr_{part}") for part in PARTS]
    print("images (groups)".ljust(20) + "".join(count.rjust(18) for count in counts))


def show_differences(curves, pairs, metrics, snr_db):
    """Prints paired differences of the PSNR of the images or of parts of them."""
    for metric in metrics:
        found = [
            compare(curves[one], curves[two], metric, snr_db, bootstrap=True)
            for one, two in pairs
        ]
        print("\n" + as_text(found, metric, bootstrap=True), end="")


def _count(rows, column):
    """Images that have the part, and their groups."""
    if column not in rows:
        return "-"
    there = ~np.isnan(rows[column])
    images = len(np.unique(rows["image"][there]))
    return f"{images} ({len(np.unique(rows['group'][there]))})"


def _cell(rows, column, digits, statistic="mean"):
    if column not in rows:
        return "-"
    found = bootstrap_interval(rows[column], rows["group"], statistic=statistic)
    half = (found.high - found.low) / 2
    return f"{found.mean:.{digits}f} +- {half:.{digits}f}"


def compare_at_rates(args):
    """The table of the paper's Fig. 5 at several rates, and what the lengths cost."""
    pairs = [("sa_oosc", other) for other in SYSTEMS[1:]]
    side = [(name.removesuffix("_free"), name) for name in FREE]
    for cbr in CBRS:
        names = (*SYSTEMS, *FREE)
        curves = curves_of(driving_scene.SCENARIO, names, args, [10.0], cbr)
        show_parts(curves, 10.0)
        show_differences(curves, pairs, COMPARED, [10.0])
        show_differences(curves, side, [OBJECTS], [10.0])
        others = ("hevc_ldpc", "hevc_ldpc_layered", "deepjscc_patches")
        blind = [("ntscc", other) for other in others]
        show_differences(curves, blind, [WHOLE, *COMPARED], [10.0])
    levels = _levels(args)
    bits = (len(LENGTHS) - 1).bit_length()
    naive = naive_symbols(int(np.prod(levels.shape[1:])), bits, Mcs(2, 1 / 3))
    print(f"\nuncoded lengths padded to one LDPC word: {naive} symbols an image")
    shares = [f"{n} {np.mean(levels == k):.3f}" for k, n in enumerate(LEVELS)]
    print(f"patches: {', '.join(shares)}")


def compare_at_snrs(args):
    """Against SNR over AWGN, trained at 10 dB."""
    curves = curves_of(driving_scene.SCENARIO, SYSTEMS, args, args.snr)
    for snr in args.snr:
        show_parts(curves, snr)


def compare_over_fading(args):
    """2x2 block Rayleigh, LS estimation, L-MMSE detection."""
    curves = curves_of(driving_scene_2x2.SCENARIO, SYSTEMS, args, args.snr)
    for snr in args.snr:
        show_parts(curves, snr)
    pairs = [("sa_oosc", other) for other in SYSTEMS[1:]]
    show_differences(curves, pairs, [OBJECTS], args.snr)


def compare_labels(args):
    """Labels at the transmitter: the annotator's, the student's, none."""
    told_nothing = ("ntscc", "hevc_ldpc", "hevc_ldpc_layered")
    names = (*LABELS, *told_nothing, *HEVC_LABELS, *HEVC_STUDENT)
    curves = curves_of(driving_scene.SCENARIO, names, args, [10.0])
    show_parts(curves, 10.0)
    pairs = [("sa_oosc", other) for other in LABELS[1:]]
    pairs += [(one, other) for one in LABELS[1:] for other in told_nothing]
    # Knowing the same:
    pairs += [("sa_oosc", other) for other in HEVC_LABELS]
    pairs += [("sa_oosc_student", other) for other in HEVC_STUDENT]
    show_differences(curves, pairs, (*COMPARED, "psnr_low"), [10.0])
    found = load_student().levels(_scenes(args).images)
    recall = recall_by_level(_levels(args), found)
    shares = [f"{name} {v:.3f}" for name, v in zip(LEVELS, recall, strict=True)]
    print(f"student's recall: {', '.join(shares)}")


def _scenes(args):
    """The images of the sweeps."""
    scenario = driving_scene.SCENARIO
    return load_driving_scenes(
        scenario.dataset,
        "test",
        scenario.image_shape[:2],
        num_images=args.images,
        seed=scenario.seed,
    )


def _levels(args):
    return LabelLevels()(_scenes(args))


def compare_entropy(args, label="ntscc"):
    """Estimated bits of the entropy model against those of the range coder."""
    scenario = driving_scene.SCENARIO
    system = build_system(f"{label}_free", scenario)
    codec, estimated, coded = system.coder.codec, np.zeros(2), np.zeros(2)
    scenes = _scenes(args).images[: 2 * BATCH]
    for start in range(0, len(scenes), BATCH):
        images = scenes[start : start + BATCH]
        source = ops.convert_to_tensor(images.astype("float32") / 255)
        budget = ops.full((len(images),), float(scenario.num_symbols))
        known = TxKnowledge(ops.full((len(images),), 10.0), budget=budget)
        found = codec.encode(source, known).details
        side = ops.round(found.hyper_latents)
        mean, log_scale, _ = codec.distribution_of(side)
        per_step = codec.per_step(found.log_step_size)
        values = ops.round((found.latents - mean) * per_step)
        scale = ops.exp(log_scale) * per_step
        bits = codec.bits(
            mean + values / per_step, mean, log_scale, found.log_step_size
        )
        estimated += [_total(codec.prior(side)), _total(bits)]
        flat = ops.convert_to_numpy(side).reshape(-1, side.shape[-1]).astype(int)
        coded[0] += 8 * len(encode_side(flat, codec.prior))
        flat = [ops.convert_to_numpy(v).ravel() for v in (values, scale)]
        coded[1] += 8 * len(encode_latents(flat[0].astype(int), flat[1]))
    for name, one, other in zip(("side", "latents"), estimated, coded, strict=True):
        print(
            f"entropy model of {label}, {name}: estimated {one:.0f} bits, coded "
            f"{other:.0f} ({100 * (other / one - 1):+.2f} %)"
        )


def _total(bits):
    return float(np.sum(ops.convert_to_numpy(bits), dtype="float64"))


PARTS_OF_RUN = {
    "rate": compare_at_rates,
    "snr": compare_at_snrs,
    "fading": compare_over_fading,
    "labels": compare_labels,
    "entropy": compare_entropy,
}


def main(argv=None):
    """Command line; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=233)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--snr", type=float, nargs="+", default=SNR_DB)
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS_OF_RUN, default=list(PARTS_OF_RUN)
    )
    parser.add_argument("--out", type=Path, default=Path("results/sa_oosc_comparison"))
    args = parser.parse_args(argv)
    try:
        for part in args.parts:
            PARTS_OF_RUN[part](args)
    except Failed as failure:
        return failure.args[0]
    except (ValueError, OSError) as error:
        print(f"sa_oosc_comparison: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
