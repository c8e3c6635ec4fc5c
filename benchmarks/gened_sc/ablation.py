"""Tables I and II: what each part of the network is worth."""

from benchmarks.gened_sc.sent import curves_of, title_of
from benchmarks.gened_sc.tables import (
    LOWER_IS_BETTER,
    METRICS,
    markdown,
    metric_cells,
    otherwise_different,
    paired,
    signed,
)

OURS = "gened_sc"
COMPONENTS = {  # system -> dual branch, objective, importance prediction
    "gened_sc_plain_edited": (False, False, False),
    "gened_sc_constant_mask": (True, True, False),
    "gened_sc_no_objective": (True, False, True),
    "gened_sc_cbam": (False, True, True),
    OURS: (True, True, True),
}
BRANCHES = {
    "gened_sc_swin": "Swin branch",
    "gened_sc_cbam": "CBAM branch",
    OURS: "Ours",
}
SYSTEMS = (*COMPONENTS, "gened_sc_swin")
SHOWN = (
    *("perceptual_efficientnet", "clip_score_embedded", "brisque"),
    "psnr_foreground_db",
)
IN_PAPER = SHOWN[:3]  # LPIPS there in the place of the first


def ablation_table(args, channel):
    """Both tables, differences to ours, and where their order is another one than the
    paper's; lines of text."""
    at = args.snr
    curves = curves_of(args, SYSTEMS, channel, snr_db=[at])
    titles = [METRICS[name][0] for name in SHOWN]
    head = ["system", "dual branch", "objective", "importance", *titles]
    first = [[*head, "caption sent"]]
    for name, parts in COMPONENTS.items():
        sends = curves[name].file.estimate("caption_symbols", at) is not None
        cells = ["yes" if part else "" for part in parts]
        cells += metric_cells(curves[name], at, SHOWN)
        first.append([name, *cells, "yes" if sends else "no"])
    second = [["method", "system", *titles]]
    second += [
        [title, name, *metric_cells(curves[name], at, SHOWN)]
        for name, title in BRANCHES.items()
    ]
    others = [name for name in SYSTEMS if name != OURS]
    found = {
        (name, metric): paired(curves[name], curves[OURS], metric, at)
        for name in others
        for metric in SHOWN
    }
    third = [[f"minus {OURS}, paired", *titles]]
    for name in others:
        cells = [signed(found[name, m], METRICS[m][1]) for m in SHOWN]
        third.append([name, *cells])
    return [
        *title_of(args, f"Tables I and II: ablations, {channel}, {at:g} dB"),
        "All images are edited. The perceptual distance (EfficientNet-Lite0) stands in "
        "the place of LPIPS, and the CLIP score is that of the embedded dual encoder: "
        "the paper's numbers are on another scale. All spend the same symbols: the "
        "system without routing sends neither mask nor caption, and image values in "
        "their place, the one with one mask for all pictures no mask.",
        "",
        "Table I",
        "",
        *markdown(first),
        "",
        "Table II",
        "",
        *markdown(second),
        "",
        *markdown(third),
        "",
        "In the paper ours is best in every metric of its tables. Here:",
        "",
        *(
            f"- {name}, {METRICS[metric][0]}: {verdict(found[name, metric], metric)}"
            for name in others
            for metric in IN_PAPER
        ),
        "",
        *otherwise_different([(curves[name], curves[OURS]) for name in others]),
    ]


def verdict(estimate, metric):
    """What the difference of another system to ours says of the paper's order, in
    words."""
    if estimate is None or estimate.ci95 is None:
        return "not told"
    worse = 1 if metric in LOWER_IS_BETTER else -1  # sign of what is worse than ours
    low, high = sorted(end * worse for end in estimate.ci95)
    if low > 0:
        return "ours is better, as in the paper"
    if high < 0:
        return "ours is worse: another order than the paper's"
    return "not told apart: the interval holds 0"
