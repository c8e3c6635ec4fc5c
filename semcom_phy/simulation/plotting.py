"""Figures from result files alone.

Colours: M. Okabe, K. Ito, "Color Universal Design", 2008 (black, and without the
yellow that white paper swallows); every curve has a marker of its own besides.
"""

import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from semcom_phy.simulation.storage import replaced

_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000",
)  # fmt: skip
_MARKERS = "osD^vP*X"
_LABELS = {
    "psnr_db": "PSNR, mean over images [dB]",
    "psnr_of_mean_mse_db": "PSNR of the mean MSE [dB]",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "outage": "Outage probability",
    "block_error": "Block error rate",
    "bit_error": "Bit error rate",
    "cr_real": "cr_real, real data symbols / (3HW)",
    "cr_real_charged": "cr_real with side information",
}
_PARTS = {  # extras of a system scored by importance
    "psnr_high": "high importance",
    "psnr_medium": "medium importance",
    "psnr_low": "low importance",
    "psnr_non_background": "all but the background",
    "psnr_background": "background",
}
_LOGARITHMIC = ("outage", "block_error", "bit_error")
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "savefig.dpi": 200,
}


def plot_metric(curves, metric, path):
    """Draws one figure of merit of several curves over the SNR, with intervals.

    Probabilities get a logarithmic axis; where no event was counted, an arrow hangs
    from the upper end of the interval. Points that were not run are left out.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system
    metric : `str`
        ``psnr_db``, ``psnr_of_mean_mse_db``, ``ssim``, ``ms_ssim``, ``outage``, or
        the name of an extra
    path : `Path`
        The figure to write; its ending tells the format

    Raises
    ------
    ValueError
        If no curve has a point of that metric.
    """
    logarithmic = metric in _LOGARITHMIC
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        drawn = 0
        for i, curve in enumerate(curves):
            points = [(snr, curve.estimate(metric, snr)) for snr in curve.snr_db]
            points = [(snr, e) for snr, e in points if e is not None]
            drawn += len(points)
            _draw_curve(axes, points, curve.title, i, len(curves), logarithmic)
        if not drawn:
            raise ValueError(f"no point of {metric!r} was simulated yet")
        axes.set_xlabel("SNR per receive antenna [dB]")
        axes.set_ylabel(_LABELS.get(metric, metric))
        ticks = sorted({snr for curve in curves for snr in curve.snr_db})
        if len(ticks) <= 12:
            axes.set_xticks(ticks)
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(top=1.3)
        note = _caption(curves) + "\nbars: 95 % intervals, " + _count(curves)
        if logarithmic:
            note += "; arrow: none seen"
        axes.set_title(note, fontsize=8, color="#404040", loc="left")
        longest = max(len(curve.title) for curve in curves)
        figure.legend(loc="outside lower center", ncols=2 if longest <= 26 else 1)
        _save(figure, path)


def plot_by_importance(curves, path):
    """Draws the PSNR of each level of importance over the SNR, a panel per level.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system; those without scores by importance
        (:func:`~semcom_phy.metrics.importance.psnr_by_level`) are left out
    path : `Path`
        The figure to write

    Raises
    ------
    ValueError
        If no curve has a point with such scores.
    """
    if not any(_is_scored(curve) for curve in curves):
        raise ValueError("no point with a PSNR by importance was simulated yet")
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 5.6), layout="constrained")
        panels = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
        for axes, (metric, part) in zip(panels, _PARTS.items(), strict=False):
            for i, curve in enumerate(curves):
                points = [(snr, curve.estimate(metric, snr)) for snr in curve.snr_db]
                points = [(snr, e) for snr, e in points if e is not None]
                if points:  # no image may have a patch of that level
                    _draw_curve(axes, points, curve.title, i, len(curves), False)
            axes.set_title(part, fontsize=9)
            axes.xaxis.set_tick_params(labelbottom=True)
            axes.yaxis.set_tick_params(labelleft=True)
        panels[-1].set_axis_off()
        drawn = [axes.get_legend_handles_labels() for axes in panels]
        entries = {n: handle for pair in drawn for handle, n in zip(*pair, strict=True)}
        titles = [textwrap.fill(title, 28) for title in entries]
        panels[-1].legend(entries.values(), titles, loc="center")
        figure.supxlabel("SNR per receive antenna [dB]", fontsize=9)
        figure.supylabel("PSNR of these patches, mean over images [dB]", fontsize=9)
        note = _caption(curves) + "; bars: 95 % intervals, " + _count(curves)
        figure.suptitle(note, fontsize=8, color="#404040")
        _save(figure, path)


def plot_rate_distortion(curves, path, rate="cr_real_charged"):
    """Draws PSNR against the rate spent, a point per SNR, with intervals of both.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system; those without the rate among their extras are left out
    path : `Path`
        The figure to write
    rate : `str`, (default "cr_real_charged")
        Name of the extra

    Raises
    ------
    ValueError
        If no curve has a point with that rate.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        drawn = 0
        for i, curve in enumerate(curves):
            both = [
                (snr, curve.estimate(rate, snr), curve.estimate("psnr_db", snr))
                for snr in curve.snr_db
            ]
            both = [point for point in both if None not in point]
            if not both:
                continue
            drawn += len(both)
            x, y = (np.array([p[k].mean for p in both]) for k in (1, 2))
            spread = [[p[k].half_width or 0.0 for p in both] for k in (1, 2)]
            axes.errorbar(
                x,
                y,
                xerr=spread[0],
                yerr=spread[1],
                label=curve.title,
                color=_COLOURS[i % len(_COLOURS)],
                marker=_MARKERS[i % len(_MARKERS)],
                markersize=5,
                linewidth=1.2,
                elinewidth=0.9,
            )
            if drawn == len(both):  # the SNRs, once
                for (snr, _, _), left, top in zip(both, x, y, strict=True):
                    axes.annotate(
                        f"{snr:g} dB",
                        (left, top),
                        xytext=(4, 4),
                        textcoords="offset points",
                        fontsize=7,
                    )
        if not drawn:
            raise ValueError(f"no point with {rate!r} was simulated yet")
        axes.set_xlabel(_LABELS.get(rate, rate))
        axes.set_ylabel(_LABELS["psnr_db"])
        note = _caption(curves) + "\nbars: 95 % intervals, " + _count(curves)
        axes.set_title(note, fontsize=8, color="#404040", loc="left")
        figure.legend(loc="outside lower center")
        _save(figure, path)


def plot_choices(images, choices, title, path):
    """Draws which symbols of which feature maps were sent.

    Every feature map is a tile, every symbol a cell of it: dark where it was sent,
    light where a kept map was pruned, white where the map was not kept.

    Parameters
    ----------
    images : [n, h, w, 3], `uint8`
        The images
    choices : `dict` of snr_db -> [n, rows, columns, num_maps], `float`
        1 sent, 0.25 pruned, 0 map not kept; what a cell stands for is up to the codec
    title : `str`
        Name of the system, and what a cell stands for
    path : `Path`
        The figure to write
    """
    with matplotlib.rc_context(_STYLE):
        count, columns = len(images), 1 + len(choices)
        figure = Figure(figsize=(1.5 * columns, 1.75 * count), layout="constrained")
        axes = np.reshape(figure.subplots(count, columns), (count, columns))
        for row, image in enumerate(images):
            axes[row, 0].imshow(image, interpolation="nearest")
            for column, (snr, chosen) in enumerate(choices.items(), start=1):
                axis = axes[row, column]
                axis.imshow(_tiles(chosen[row]), cmap="Greys", vmin=0, vmax=1.2)
                kept = int(np.sum(np.any(chosen[row] > 0, axis=(0, 1))))
                sent = int(np.sum(chosen[row] == 1))
                axis.set_xlabel(f"{kept} maps, {sent} symbols", fontsize=7)
                if row == 0:
                    axis.set_title(f"SNR {snr:g} dB", fontsize=9)
        for axis in axes.ravel():
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
        figure.suptitle(title, fontsize=8, color="#404040")
        _save(figure, path)


def _tiles(chosen):
    """Maps [rows, columns, num_maps] side by side, with a line between them."""
    rows, columns, num_maps = chosen.shape
    across = int(np.ceil(np.sqrt(num_maps)))
    down = -(-num_maps // across)
    picture = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), 0.6)
    for k in range(num_maps):
        top, left = k // across * (rows + 1), k % across * (columns + 1)
        picture[top : top + rows, left : left + columns] = chosen[:, :, k]
    return picture


def plot_reconstructions(curves, path, snr_db=None, num_images=3):
    """Draws a grid: the originals, below them each system, groups of SNR beside.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system, of the same images
    path : `Path`
        The figure to write
    snr_db : sequence of `float`, optional
        SNR points [dB]; default: the lowest, a middle one and the highest
    num_images : `int`, (default 3)
        Images per SNR, at most as many as the files hold

    Raises
    ------
    ValueError
        If no point was simulated yet.
    """
    common = [snr for snr in curves[0].snr_db if all(snr in c.points for c in curves)]
    if not common:
        raise ValueError("no SNR point was simulated for all systems yet")
    if snr_db is None:
        snr_db = sorted({common[0], common[len(common) // 2], common[-1]})
    originals = curves[0].original[:num_images]
    num_images = len(originals)
    group = num_images + 0.25  # widths and heights in inches, an image is 0.94
    row = 1.18
    width = 1.5 + len(snr_db) * group
    height = 0.6 + row * (1 + len(curves))
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        for g, snr in enumerate(snr_db):
            left = 1.5 + g * group
            axes.text(
                left + num_images / 2,
                0.22,
                f"SNR {snr:g} dB",
                ha="center",
                va="center",
                weight="bold",
            )
            for k in range(num_images):
                _draw_tile(axes, left + k, 0.4, originals[k])
                for r, curve in enumerate(curves, start=1):
                    point = curve.points[snr]
                    _draw_tile(
                        axes,
                        left + k,
                        0.4 + r * row,
                        point.images[k],
                        point.images_psnr_db[k],
                        point.images_outage[k],
                    )
        for r, title in enumerate(["original", *(c.title for c in curves)]):
            axes.text(
                1.4,
                0.4 + r * row + 0.47,
                textwrap.fill(title, 17),
                ha="right",
                va="center",
            )
        axes.text(
            0.1,
            height - 0.11,
            f"{_caption(curves)}; below each image its PSNR [dB]; dashed frame: outage",
            fontsize=7,
            color="#404040",
            va="center",
        )
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.set_axis_off()
        _save(figure, path)


def plot_all(curves, folder):
    """Writes ``psnr_vs_snr.png``, ``reconstructions.png``, where there was an outage
    ``outage_vs_snr.png``, where the rate varies with the SNR ``rate_vs_snr.png`` and
    ``rate_distortion.png``, and where images were scored by importance
    ``psnr_by_importance.png``.

    Output
    ------
    : `list` of `Path`
        The figures written
    """
    folder = Path(folder)
    paths = [folder / "psnr_vs_snr.png", folder / "reconstructions.png"]
    plot_metric(curves, "psnr_db", paths[0])
    plot_reconstructions(curves, paths[1])
    estimates = [
        curve.estimate("outage", snr) for curve in curves for snr in curve.points
    ]
    if any(estimate.mean > 0 for estimate in estimates):
        paths.append(folder / "outage_vs_snr.png")
        plot_metric(curves, "outage", paths[-1])
    adaptive = [
        curve
        for curve in curves
        if any(curve.estimate("cr_real_charged", snr) for snr in curve.points)
    ]
    if adaptive:
        paths += [folder / "rate_vs_snr.png", folder / "rate_distortion.png"]
        plot_metric(adaptive, "cr_real_charged", paths[-2])
        plot_rate_distortion(adaptive, paths[-1])
    if any(_is_scored(curve) for curve in curves):
        paths.append(folder / "psnr_by_importance.png")
        plot_by_importance(curves, paths[-1])
    return paths


def _save(figure, path):
    """In one step, because other runs may draw into the folder at the same time."""
    with replaced(path) as temporary:
        figure.savefig(temporary)


def _is_scored(curve):
    return any(curve.estimate(part, snr) for part in _PARTS for snr in curve.points)


def _draw_curve(axes, points, label, i, num_curves, logarithmic):
    # A small shift in SNR keeps the intervals of neighbouring curves apart.
    snr = np.array([snr for snr, _ in points])
    step = np.min(np.diff(snr)) if len(snr) > 1 else 1.0
    snr = snr + 0.02 * step * (i - (num_curves - 1) / 2)
    mean = np.array([e.mean for _, e in points])
    ends = [e.ci95 or (e.mean, e.mean) for _, e in points]
    low, high = np.array(ends).reshape(-1, 2).T
    colour, marker = _COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)]
    seen = mean > 0 if logarithmic else np.ones(len(mean), bool)
    axes.errorbar(
        snr[seen],
        mean[seen],
        yerr=np.maximum([(mean - low)[seen], (high - mean)[seen]], 0),
        label=label,
        color=colour,
        marker=marker,
        markersize=5,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2.5,
    )
    axes.errorbar(  # none seen: an arrow down from the upper end of the interval
        snr[~seen],
        high[~seen],
        yerr=0.3 * high[~seen],
        uplims=True,
        linestyle="none",
        color=colour,
        capsize=2.5,
        elinewidth=0.9,
    )


def _draw_tile(axes, left, top, image, psnr_db=None, outage=False):
    size = 0.94
    extent = (left, left + size, top + size, top)
    axes.imshow(image, extent=extent, interpolation="nearest")
    if psnr_db is not None:
        axes.text(
            left + size / 2,
            top + size + 0.03,
            f"{psnr_db:.1f}",
            fontsize=7,
            ha="center",
            va="top",
        )
    if outage:
        frame = Rectangle((left, top), size, size, fill=False)
        frame.set(edgecolor="#D55E00", linewidth=1.4, linestyle=(0, (3, 2)))
        axes.add_patch(frame)


def _caption(curves):
    """Link and rate in a few words."""
    scenario = curves[0].header["scenario"]
    channel = scenario["channel"]
    channel = channel.upper() if len(channel) < 5 else channel.capitalize()
    return (
        f"{scenario['num_tx_ant']}x{scenario['num_rx_ant']} {channel}, "
        f"{scenario['csi']} CSI, cbr {curves[0].header['bandwidth']['cbr']:.4g}"
    )


def _count(curves):
    """How many images, and transmissions where these are more, stand behind a point."""
    estimates = [e for curve in curves for e in _psnr_estimates(curve)]
    images = {e.num_images for e in estimates}
    sent = {e.num_transmissions for e in estimates}
    text = f"{_span(images)} images"
    groups = curves[0].header["data"].get("groups")
    if groups is not None:
        text += f" in {groups['count']} groups"
    return text if sent == images else f"{text}, {_span(sent)} transmissions"


def _psnr_estimates(curve):
    return [curve.estimate("psnr_db", snr) for snr in curve.points]


def _span(values):
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
