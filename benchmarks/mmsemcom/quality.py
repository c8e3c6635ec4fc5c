"""Tables I and II: quality over the SNR, differences, and numbers of prompts."""

from benchmarks.figures import (
    aligned,
    difference,
    interval,
    mean,
    over_targets,
    symbols,
)
from benchmarks.mmsemcom.experiments import (
    PROMPTS,
    SNR_DB,
    curves_of,
    scenario_of,
    title_of,
)
from scenarios.paired_results import compare

SEQUENTIAL, SIMULTANEOUS = "mmsemcom_sequential", "mmsemcom_simultaneous"
INDEX = "candidate_index"
SYSTEMS = (
    *(SEQUENTIAL, SIMULTANEOUS, "mmsemcom_simultaneous_repeated"),
    *(INDEX, "candidate_oracle", "candidate_random"),
)
NUMBERS_OF_PROMPTS = (1, 3, 5, 7)
LAMOSC = (
    "LaMoSC is not reproduced: its checkpoint cannot be had, and its network is not "
    "specified well enough to be built again."
)


def table_one(args, experiment):
    """Quality of every system at every SNR, and paired differences; lines of text."""
    curves = curves_of(args, experiment, (*SYSTEMS, *args.baselines))
    scenario = scenario_of(args, experiment)
    head = ["SNR", "PSNR [dB]", "MS-SSIM", "noiseless PSNR", "as noiseless", "outage"]
    rows = [[*head, "symbols, data + side"]]
    for name, curve in curves.items():
        rows.append([f"{curve.file.title} ({name})"])
        rows += [
            [
                f"  {snr:g} dB",
                over_targets(curve, "psnr_db", snr),
                over_targets(curve, "ms_ssim", snr, 3),
                mean(curve, "noiseless_psnr_db", snr),
                mean(curve, "as_noiseless", snr, 3),
                mean(curve, "outage", snr, 3),
                symbols(curve, snr, scenario),
            ]
            for snr in SNR_DB
        ]
    return [
        *title_of(args, experiment, "Table I: quality over the SNR"),
        "  mean +- standard deviation over targets [95 % interval of the mean]; "
        f"{PROMPTS} prompts",
        "  noiseless: what is chosen if everything arrives as it was sent; outages are "
        "shown as one colour and count",
        "",
        *aligned(rows),
        "",
        *_differences(curves),
        "",
        *_baseline_lines(args, scenario),
    ]


def _differences(curves):
    rows = [["PSNR [dB], paired difference", *(f"{snr:g} dB" for snr in SNR_DB)]]
    for name in (SEQUENTIAL, SIMULTANEOUS):
        found = [
            difference(curves[name].rows[snr], "psnr_db", "noiseless_psnr_db")
            for snr in SNR_DB
        ]
        rows.append([f"  {name} - its noiseless choice", *map(_signed, found)])
    for name in (SEQUENTIAL, SIMULTANEOUS):
        pairs = compare(curves[name], curves[INDEX], "psnr_db").differences
        found = [pairs[snr].paired for snr in SNR_DB]
        rows.append([f"  {name} - {INDEX}", *map(_signed, found)])
    return [
        *aligned(rows),
        "  [95 % interval of the pairs]; the index is another rate, see symbols: the "
        "transmitter selects by the picture itself and sends a number",
    ]


def _signed(estimate):
    return f"{estimate.mean:+.2f}" + interval(estimate, 2, "+")


def _baseline_lines(args, scenario):
    if not args.baselines:
        return [LAMOSC]
    return [
        f"{', '.join(args.baselines)} send the picture itself at cbr {scenario.cbr} "
        f"({scenario.num_symbols} data symbols), not at the rate of the others, and "
        "hold no candidates.",
        LAMOSC,
    ]


def table_two(args, experiment):
    """PSNR by the number of prompts; lines of text."""
    scenario = scenario_of(args, experiment)
    rows = [["", "prompts", *(f"{snr:g} dB" for snr in SNR_DB), "symbols"]]
    names = SEQUENTIAL, SIMULTANEOUS
    curves = {
        number: curves_of(args, experiment, names, number)
        for number in NUMBERS_OF_PROMPTS
    }
    for name in names:
        for number in NUMBERS_OF_PROMPTS:
            curve = curves[number][name]
            cells = [_with_interval(curve, snr) for snr in SNR_DB]
            sent = symbols(curve, SNR_DB[0], scenario)
            rows.append([name, str(number), *cells, sent])
    return [
        *title_of(args, experiment, "Table II: PSNR [dB] by the number of prompts"),
        "  mean [95 % interval]; weights are the same for all numbers; symbols: data + "
        "side",
        "",
        *aligned(rows),
    ]


def _with_interval(curve, snr_db):
    estimate = curve.file.estimate("psnr_db", snr_db)
    return f"{estimate.mean:.2f}" + interval(estimate, 2)
