"""ECA beside its paper, SwinJSCC and separate coding at the same rate, ablations.

    python -m benchmarks.eca_comparison [--images 500] [--draws 10] [--csi perfect]
        [--antennas 4] [--fade-power fixed] [--systems ...] [--snr ...] [--out DIR]

The scenario ``adaptive_rate`` on exact CIFAR-10 test images, and its tables: rates and
PSNR beside the paper's, how the rate varies, paired differences. ECA's own figures come
with the cut-offs sent and charged (``eca``) and known to the receiver free of errors
and charge (``eca_free``), as the paper assumes. SwinJSCC and HEVC have the rate that
ECA spends on held-out training images. ``--antennas 4`` is ``adaptive_rate_4x4``, as in
the paper's Fig. 12, without SwinJSCC and ablations, which have no weights there.
``--fade-power fixed`` scales every fade to the power that fades have on average: the
paper's eq. 7 read as the SNR of each realisation.
"""

import sys
from pathlib import Path

import numpy as np

from scenarios import adaptive_rate, adaptive_rate_4x4, runner
from scenarios.command.arguments import Parser
from scenarios.comparison_table import as_text
from scenarios.paired_results import Curve, compare

SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
# The paper's tables I and II: mean cr_real, mean PSNR [dB]
PAPER = {
    "eca_free": (
        (0.2615, 0.2230, 0.2008, 0.1943, 0.1916),
        (23.81, 24.91, 25.41, 25.94, 26.11),
    ),
    "eca_low_free": (
        (0.2008, 0.1746, 0.1614, 0.1544, 0.1490),
        (23.76, 24.68, 25.19, 25.65, 25.66),
    ),
}
PAIRS = (
    ("eca_free", "swinjscc_free"),
    ("eca_low_free", "swinjscc_low_free"),
    ("eca", "hevc_ldpc_matched"),
    ("eca", "hevc_ldpc_matched_layered"),
    ("eca", "hevc_finer_ldpc_matched_layered"),
    ("eca", "hevc_ldpc_matched_average"),
    ("eca", "hevc_half_matched"),
    ("eca", "hevc_half_matched_average"),
    ("eca_svd", "hevc_ldpc_svd_matched"),
    ("eca_svd", "hevc_ldpc_svd_matched_layered"),
    ("eca_svd", "hevc_finer_ldpc_svd_matched_layered"),
    ("hevc_ldpc_svd_matched", "hevc_ldpc_matched"),
    ("eca_svd_equal", "eca_free"),
    ("eca_free", "eca_no_compensation"),
    ("eca_free", "eca_no_csi"),
    ("eca_free", "eca_no_entropy"),
)
SYSTEMS = tuple(dict.fromkeys(name for pair in PAIRS for name in pair))
SYSTEMS_4X4 = (
    "eca_free",
    "eca",
    "hevc_ldpc_matched",
    "hevc_ldpc_matched_layered",
    "hevc_finer_ldpc_matched_layered",
    "hevc_ldpc_matched_average",
    "eca_svd",
    "hevc_ldpc_svd_matched",
    "hevc_ldpc_svd_matched_layered",
    "hevc_finer_ldpc_svd_matched_layered",
)
SCENARIOS = {2: adaptive_rate.SCENARIO, 4: adaptive_rate_4x4.SCENARIO}
TABLES = {"random": "link_models.systems.table", "fixed": "benchmarks.fixed_fade_power"}


def rate_statistics(rows):
    """How the rate varies between images and between fades, and with what.

    Output
    ------
    : `dict`
        ``std_images``: standard deviation over images of the mean over fades;
        ``std_fades``: over the fades of an image, root mean square over images;
        correlation of the rate with the mean 2D entropy (over images) and with the
        effective SNR (within images)
    """
    order = np.argsort(rows["image"], kind="stable")
    shape = (len(np.unique(rows["image"])), -1)
    rate, entropy, effective = (
        rows[name][order].reshape(shape)
        for name in ("cbr", "entropy", "effective_snr_db")
    )
    rate = 2 * rate  # cr_real
    within = rate - rate.mean(1, keepdims=True)
    quality = effective - effective.mean(1, keepdims=True)
    return {
        "std_images": float(rate.mean(1).std()),
        "std_fades": float(np.sqrt(np.mean(within**2))),
        "correlation_entropy": _correlation(rate.mean(1), entropy.mean(1)),
        "correlation_channel": _correlation(within.ravel(), quality.ravel()),
    }


def _correlation(a, b):
    if a.std() < 1e-12 or b.std() < 1e-12:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def show_rates(name, file, rows, paper=None):
    """Prints rate and PSNR at every SNR, beside the paper's, and what the rate follows.

    Input
    -----
    name : `str`
        The system

    file : :class:`~semcom_phy.simulation.results.ResultFile`

    rows : `dict` of snr_db -> rows
        See :mod:`~semcom_phy.simulation.rows`

    paper : ([5], [5]), `float`, optional
        The paper's mean rates and PSNR at ``SNR_DB``
    """
    _row(name, [f"{snr:g} dB" for snr in file.snr_db])
    if paper:
        for what, values in zip(("cr_real", "PSNR"), paper, strict=True):
            known = dict(zip(SNR_DB, values, strict=True))
            _row(f"  {what}, paper", [known.get(snr, "-") for snr in file.snr_db])
    for metric, factor, figure, digits in (
        ("cr_real", 2, "cbr", 4), ("cr_real, all", 2, "cbr_total", 4),
        ("psnr_db", 1, "psnr_db", 2), ("outage", 1, "outage", 4),
    ):  # fmt: skip
        found = [file.estimate(figure, snr) for snr in file.snr_db]
        cells = ["-" if e is None else _text(e, digits, factor) for e in found]
        _row(f"  {metric}", cells)
    if "entropy" in rows[file.snr_db[0]]:
        found = [rate_statistics(rows[snr]) for snr in file.snr_db]
        for what in found[0]:
            values = [statistics[what] for statistics in found]
            _row(f"  {what}", ["-" if v is None else f"{v:.3f}" for v in values])


def _text(estimate, digits, factor=1):
    text = f"{factor * estimate.mean:.{digits}f}"
    if estimate.half_width is None:
        return text
    return f"{text} +- {factor * estimate.half_width:.{digits}f}"


def _row(label, cells):
    print(label.ljust(30) + "".join(f"{cell!s:>18}" for cell in cells))


def main(argv=None):
    """Runs the sweeps and prints the tables; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--csi", default="perfect", help="perfect or estimated")
    parser.add_argument("--antennas", type=int, choices=SCENARIOS, default=2)
    parser.add_argument("--fade-power", choices=TABLES, default="random")
    parser.add_argument("--snr", type=float, nargs="+", default=SNR_DB)
    parser.add_argument("--systems", nargs="+", metavar="X")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(argv)
    if args.systems is None:
        args.systems = SYSTEMS if args.antennas == 2 else SYSTEMS_4X4
    if args.out is None:
        of_four = "_4x4" if args.antennas == 4 else ""
        args.out = Path(f"results/eca_comparison{of_four}")
    options = [
        "--dataset",
        args.dataset,
        "--images",
        args.images,
        "--draws",
        args.draws,
    ]
    options += ["--csi", args.csi, "--snr", *args.snr, "--systems", *args.systems]
    options += ["--batch-size", 100, "--out", args.out]
    code = runner.main(
        list(map(str, options)), SCENARIOS[args.antennas], TABLES[args.fade_power]
    )
    if code:
        return code
    curves = {name: Curve(args.out / f"{name}.json", name) for name in args.systems}
    for name, curve in curves.items():
        paper = PAPER.get(name) if args.antennas == 2 else None
        show_rates(name, curve.file, curve.rows, paper)
    chosen = [pair for pair in PAIRS if set(pair) <= set(curves)]
    if chosen:
        found = [compare(curves[one], curves[two]) for one, two in chosen]
        print("\n" + as_text(found, "psnr_db"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
