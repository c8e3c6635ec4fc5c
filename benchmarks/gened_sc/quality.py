"""Figures 6 to 8: metrics over the SNR, and what routing gains in the foreground."""

from benchmarks.figures import mean, symbols
from benchmarks.gened_sc.sent import RATE, SNR_DB, curves_of, scenario_of, title_of
from benchmarks.gened_sc.tables import (
    METRICS,
    difference,
    markdown,
    metric_cells,
    otherwise_different,
)

OURS = "gened_sc_unedited"
SYSTEMS = (
    *("gened_sc", OURS, "gened_sc_free_mask", "gened_sc_estimated_mask"),
    *("gened_sc_plain", "gened_sc_unrouted", "gened_sc_lead"),
    *("hevc_ldpc", "hevc_ldpc_mask"),
    *("hevc_ldpc_layered", "hevc_ldpc_mask_layered"),
    *("caption_only", "mask_and_caption", "sgdjscc"),
)
PAIRS = (
    *((OURS, name) for name in ("gened_sc_plain", "gened_sc_unrouted")),
    *((OURS, name) for name in ("hevc_ldpc", "hevc_ldpc_mask")),
    *((OURS, name) for name in ("hevc_ldpc_layered", "hevc_ldpc_mask_layered")),
    *((name, OURS) for name in ("gened_sc_free_mask", "gened_sc_estimated_mask")),
    *(("gened_sc_lead", name) for name in (OURS, "gened_sc_plain", "hevc_ldpc")),
)
COMPARED = ("psnr_foreground_db", "psnr_background_db")


def quality_table(args, channel):
    """Metrics of systems at every SNR, and paired differences; lines of text."""
    names = args.systems or SYSTEMS
    curves = curves_of(args, names, channel)
    scenario = scenario_of(args, channel)
    rows = [["system", "SNR [dB]", *(title for title, _ in METRICS.values())]]
    rows[0] += ["symbols, data + side", "outage", "caption lost", "edited"]
    for name, curve in curves.items():
        rows += [
            [
                name,
                f"{snr:g}",
                *metric_cells(curve, snr),
                symbols(curve, snr, scenario),
                mean(curve, "outage", snr, 3),
                mean(curve, "caption_lost", snr, 3),
                mean(curve, "edited", snr, 3),
            ]
            for snr in SNR_DB
        ]
    return [
        *title_of(args, f"Quality over the SNR, {channel}, cbr {RATE}"),
        "Symbols are complex; all that is sent counts, mask and caption too. Images "
        "of outages count, as one colour. Systems with a share in the column edited "
        "show what the editor made of the image.",
        "",
        *markdown(rows),
        "",
        *_differences(curves),
    ]


def _differences(curves):
    pairs = [(curves[a], curves[b]) for a, b in PAIRS if {a, b} <= set(curves)]
    if not pairs:
        return []
    rows = [["paired difference", "of", *(f"{snr:g} dB" for snr in SNR_DB)]]
    for one, other in pairs:
        for metric in COMPARED:
            cells = [difference(one, other, metric, snr) for snr in SNR_DB]
            name = f"{one.label} - {other.label}"
            rows.append([name, METRICS[metric][0], *cells])
    return [*markdown(rows), "", *otherwise_different(pairs)]
