"""Figure 9: metrics against all symbols that are sent."""

from math import prod

from benchmarks.figures import num_symbols
from benchmarks.gened_sc.sent import RATES, curves_of, scenario_of, title_of
from benchmarks.gened_sc.tables import METRICS, markdown, metric_cells

SYSTEMS = ("gened_sc", "gened_sc_plain", "hevc_ldpc", "caption_only")
DRAWN = ("clip_score_embedded", "psnr_foreground_db", "perceptual_efficientnet")


def symbols_table(args, channel):
    """Metrics and spending at every rate, and their figure; lines of text."""
    names = args.systems or SYSTEMS
    curves = {rate: curves_of(args, names, channel, rate, [args.snr]) for rate in RATES}
    titles = [title for title, _ in METRICS.values()]
    rows = [["system", "cbr", "symbols", "mask", "caption", "share", *titles]]
    for name in names:
        for rate in RATES:
            scenario, curve = scenario_of(args, channel, rate), curves[rate][name]
            cells = spending(curve, args.snr, scenario)
            rows.append([name, rate, *cells, *metric_cells(curve, args.snr)])
    path = args.out / f"symbols_{channel}.png"
    _draw(args, channel, curves, names, path)
    return [
        *title_of(args, f"Quality over symbols, {channel}, {args.snr:g} dB"),
        "Symbols are complex, all that is sent for a picture; share: what mask and "
        "caption are of it. A caption alone does not grow with the rate.",
        "",
        *markdown(rows),
        "",
        f"Drawn in {path}",
    ]


def spending(curve, snr_db, scenario):
    """Cells: all symbols, those of the mask, those of the caption, and the share of
    both."""
    total = num_symbols(curve, snr_db, scenario)
    size = prod(scenario.image_shape)
    side = size * curve.file.estimate("side_cbr", snr_db).mean
    caption = curve.file.estimate("caption_symbols", snr_db)
    caption = 0.0 if caption is None else caption.mean
    # Rounded first: what is left of two equal numbers may be below zero.
    cells = [str(round(n)) for n in (total, side - caption, caption)]
    return [*cells, f"{side / total:.1%}"]


def _draw(args, channel, curves, names, path):
    from matplotlib.figure import Figure

    figure = Figure((10, 3.2), layout="constrained")
    scenarios = {rate: scenario_of(args, channel, rate) for rate in curves}
    for axis, metric in zip(figure.subplots(1, len(DRAWN)), DRAWN, strict=True):
        for name in names:
            own = [(rate, curves[rate][name]) for rate in curves]
            sent = [num_symbols(c, args.snr, scenarios[rate]) for rate, c in own]
            found = [c.file.estimate(metric, args.snr) for _, c in own]
            if None in found:
                continue
            bars = [estimate.half_width or 0.0 for estimate in found]
            means = [estimate.mean for estimate in found]
            axis.errorbar(sent, means, bars, marker="o", capsize=2, label=name)
        axis.set(xlabel="complex symbols", ylabel=METRICS[metric][0], xscale="log")
        axis.grid(True)
    axis.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
