"""What the editor gains and loses, and edited images beside the image codecs'."""

from benchmarks.figures import mean
from benchmarks.gened_sc.sent import EDITED, SNR_DB, curves_of, title_of
from benchmarks.gened_sc.tables import (
    METRICS,
    difference,
    markdown,
    metric_cells,
    otherwise_different,
)

OURS = "gened_sc"
SHOWN = (
    *("perceptual_efficientnet", "brisque", "clip_score_embedded"),
    *("psnr_foreground_db", "psnr_background_db"),
)


def editing_table(args, channel):
    """Before and after the editor, and ours against the others; lines of text."""
    curves = curves_of(args, (*EDITED, *EDITED.values()), channel)
    titles = [METRICS[name][0] for name in SHOWN]
    rows = [["system", "SNR [dB]", "", *titles, "share edited"]]
    for name, plain in EDITED.items():
        after, before = curves[name], curves[plain]
        for snr in SNR_DB:
            gains = [difference(after, before, metric, snr) for metric in SHOWN]
            at = [name, f"{snr:g}"]
            rows += [
                [*at, "before", *metric_cells(before, snr, SHOWN), ""],
                [*at, "after", *metric_cells(after, snr, SHOWN)]
                + [mean(after, "edited", snr, 3)],
                [*at, "paired difference", *gains, ""],
            ]
    others = [n for pair in EDITED.items() for n in pair if OURS not in pair]
    at = args.snr
    against = [[f"{OURS} minus, at {at:g} dB", *titles]]
    against += [
        [name, *(difference(curves[OURS], curves[name], m, at) for m in SHOWN)]
        for name in others
    ]
    return [
        *title_of(args, f"Editing, {channel}"),
        "The perceptual distance is in features of EfficientNet-Lite0, which took no "
        "part in the training of the embedded editor. Lower is better in it and in "
        "BRISQUE. `gened_sc` is edited by its caption, where that arrived; all others "
        "by the paper's prompt alone, because they send no caption (the embedded "
        "editor does not read prompts, so that it makes no difference there).",
        "",
        *markdown(rows),
        "",
        "Against image codecs at equal symbols, mask and caption counted, edited and "
        "not; paired:",
        "",
        *markdown(against),
        "",
        *otherwise_different([(curves[OURS], curves[name]) for name in others]),
    ]
