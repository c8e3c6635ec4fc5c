"""The options of every scenario's command line."""

import argparse
from pathlib import Path

from scenarios.command.arguments import Parser
from scenarios.link_budget import LinkBudget

_LIST = {"nargs": "+", "metavar": "X"}


OTHER_COMMANDS = ("bits", "train")  # how titles of their groups of options begin


def scenario_parser(scenario, kind=Parser):
    """The parser, of a class, whose defaults are a scenario's values."""
    parser = kind(
        prog=f"scenarios.{scenario.name}",
        description=f"Scenario {scenario.name}: {', '.join(scenario.systems)}.",
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("evaluate", "train", "plot", "bits"),
        default="evaluate",
        help="simulate and draw; fit a learned system; redraw from the result files; "
        "bit and block error rates",
    )
    add = parser.add_options("scenario (default: its own values)")
    add("--systems", dest="systems", **_LIST, help="systems to compare")
    add(
        "--metrics",
        **_LIST,
        help="what is measured, yours as my_module:NAME; the first one is drawn",
    )
    add("--snr", dest="snr_db", type=float, **_LIST, help="SNR points [dB]")
    add(
        "--distance",
        dest="distances",
        type=float,
        **_LIST,
        help="distances [m] in the place of SNRs, see below",
    )
    add("--images", dest="num_images", type=int, help="number of images")
    add(
        "--dataset",
        help="sample, photographs, cifar10, camvid, flickr8k, catsdogs, birds, cars, "
        "ecssd, a folder, an .npz or .npy file",
    )
    add(
        "--group-by",
        choices=("picture", "folder", "name"),
        default="picture",
        help="folders: which pictures are alike and count as one in intervals: none, "
        'those of a subfolder, or of one file name up to its last "_" (picture)',
    )
    add(
        "--strict-images",
        action="store_true",
        help="folders: refuse pictures that are not 8-bit RGB, damaged or too small",
    )
    add(
        "--image-size",
        type=int,
        nargs="+",
        metavar=("H", "W"),
        help="side of square images, or height and width [pixel]",
    )
    add("--channel", help="awgn, rayleigh, rician, tdl, cdl, or my_module:MyChannel")
    add(
        "--tx-antennas",
        dest="num_tx_ant",
        type=int,
        help="transmit antennas, a stream each",
    )
    add("--rx-antennas", dest="num_rx_ant", type=int, help="receive antennas")
    add(
        "--pilots",
        dest="pilot_ofdm_symbols",
        type=int,
        **_LIST,
        help="OFDM symbols of a slot that are pilots",
    )
    add("--detector", metavar="MODULE:NAME", help="your own in the place of L-MMSE")
    add(
        "--users",
        type=int,
        help="who share frames, by time sharing and by Walsh codes: 2, 4, 8 (1)",
    )
    add("--csi", help="perfect or estimated")
    add("--interpolation", help="nearest, linear, time_average or lmmse")
    add("--link-adaptation", help="the separate systems' knowledge: average or csi")
    add(
        "--feedback-delay",
        type=float,
        metavar="X",
        help="age of what transmitters are fed back [s]",
    )
    add("--speed", type=float, metavar="X", help="speed of the terminal [m/s]")
    add(
        "--cbr",
        dest="rates",
        **_LIST,
        help="complex symbols per source dimension, e.g. 1/4; several: a sweep over "
        "these, at one --snr",
    )
    parser.options["cbr"] = "--cbr"
    add("--draws", type=int, help="channel draws per image")
    add("--seed", type=int, help="fixes images, fades and noise")
    add(
        "--codec",
        metavar="MODULE:ENCODER,DECODER",
        once="a run has one codec; those of further runs with the same --out join its "
        "folder",
        help="a codec of your own, a system by the name of its module, with --weights",
    )
    add("--weights", type=_weights, help="label or file of trained weights")
    add(
        "--as-published",
        action="store_true",
        help="systems of published weights over their authors' channel as well: power "
        "over the batch, scale and mask free, not equalised",
    )
    scenario.add_options(parser)
    _add_link_budget(parser)

    add = parser.add_options("evaluate, plot")
    add("--out", type=Path, help="results folder (default: results/<scenario>)")
    add(
        "--crop",
        type=_whole_numbers,
        metavar="TOP,LEFT,SIZE",
        help="part of every picture in figures [pixel] (pictures of more than 256 "
        "pixels a side: 128, where the original has most detail)",
    )
    add(
        "--full-pictures",
        action="store_true",
        help="every received picture as PNG, in the folder pictures beside the results",
    )
    add(
        "--published",
        action="store_true",
        help="plot: published curves of such pictures, link and axis below ours",
    )
    add(
        "--format",
        choices=("png", "pdf", "svg"),
        default="png",
        help="plot: of the figures; pdf and svg keep curves as lines, for papers (png)",
    )
    add("--quick", action="store_true", help="few images, three SNRs, folder *_quick")
    add("--restart", action="store_true", help="forget what is in the folder")
    add("--keep", action="store_true", help="keep points of older code, marked")
    add("--target-ci", type=float, help="stop a point at this half interval")
    add("--batch-size", type=int, help="images at once (64; fewer of long frames)")
    add("--workers", type=int, default=1, help="processes (1: this one alone)")
    add("--dask", metavar="ADDRESS", help="Dask scheduler to compute at")
    add("--traceback", action="store_true", help="show where an error came from")

    add = parser.add_options("bits (with --snr, --out, --restart, --workers, ...)")
    add("--mcs", type=int, **_LIST, help="5G LDPC: indices in an MCS table")
    add(
        "--mcs-table",
        type=int,
        choices=(1, 2, 3),
        default=1,
        help="table 5.1.3.1-X of TS 38.214 (1)",
    )
    add(
        "--uncoded",
        type=int,
        choices=(2, 4, 6, 8),
        **_LIST,
        help="QAM without a code: bits per symbol",
    )
    add(
        "--regular",
        type=int,
        nargs="+",
        action="append",
        metavar="N",
        help="regular LDPC code: n, d_v, d_c and, if not 2, bits per symbol",
    )
    add("--target-errors", type=int, default=100, help="block errors per point (100)")
    add("--max-blocks", type=int, help="most blocks per point (20000)")

    add = parser.add_options("train")
    add("--system", help="the learned system to fit (adjscc)")
    add(
        "--label",
        type=_label,
        help="name of the weights (default: system and scenario)",
    )
    add("--data", help="training images: as --dataset")
    add("--together-with", **_LIST, help="further scenarios to train for at once")
    add("--codec-config", metavar="JSON", help="sizes, e.g. '{\"filters\": 96}'")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--start-from", type=_weights, help="label or file of weights to go on from")
    add("--annotator", choices=("rule", "static"), help="rule or static (rule)")
    add("--steps", type=int, default=10000, help="gradient steps (10000)")
    add("--learning-rate", type=float, help="peak of the cosine schedule (2e-3)")
    add("--warmup-steps", type=int, help="steps of linear rise before it (300)")
    add("--rate-weight", type=float, help="codecs that choose their rate; none: random")
    add("--share-precoded", type=float, help="share of images sent over eigenmodes")
    add(
        "--joint",
        action="store_true",
        default=None,
        help="vlm_csc: the words' loss moves the channel codec, too",
    )
    add(
        "--objective",
        choices=("semantic", "plain"),
        help="gened_sc: foreground and background apart, or the squared error",
    )
    add("--loss-config", metavar="JSON", help="gened_sc: weights of its loss")
    add("--optimizer", help="muon or adam (muon)")
    add("--clip-norm", type=float, help="bound on the gradients' norm, 0: none (1)")
    add("--precision", help="float32, mixed_bfloat16 or mixed_float16 (float32)")
    add("--average-decay", type=float, help="of the weights, 0: no average (0.999)")
    add("--share-exact", type=float, help="of images with original pixels (0.5)")
    add("--exact-from", type=float, help="share of the steps before only such (0.55)")
    add("--checkpoint-steps", type=int, help="steps between validations (500)")
    return parser


def _label(text):
    # Imported where a label is given: the options alone load no building blocks.
    from link_models.weights.store import file_label

    return file_label(text)


def _weights(text):
    from link_models.weights.store import as_given  # as above

    return as_given(text)


def _whole_numbers(text):
    """For `argparse`, which tells a `ValueError` with the option."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not TOP,LEFT,SIZE in whole pixels, such as 96,224,128"
        ) from error


def _add_link_budget(parser):
    """What makes an SNR of a distance."""
    add = parser.add_options("link budget of --distance")
    for option, name, text in (
        ("--power", "tx_power_dbm", "total transmit power [dBm]"),
        ("--path-loss-exponent", "path_loss_exponent", "2 is free space"),
        ("--carrier", "carrier_frequency", "carrier frequency [Hz]"),
        ("--bandwidth", "bandwidth_hz", "of power and noise [Hz]"),
        ("--noise-figure", "noise_figure_db", "of the receiver [dB]"),
    ):
        default = getattr(LinkBudget, name)
        add(option, dest=name, type=float, metavar="X", help=f"{text} ({default:g})")
    parser.options["link_budget"] = "--distance"
