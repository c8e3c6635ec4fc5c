"""Figures from result files alone: a figure of merit over the SNR, the distance or the
cbr, or over what was spent."""

import textwrap
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.figures.captions import has_captions, plot_captions
from semcom_phy.simulation.figures.images import (
    common_snr_points,
    has_images,
    plot_reconstructions,
)
from semcom_phy.simulation.figures.style import (
    COLOURS,
    LOGARITHMIC,
    MARKERS,
    STYLE,
    budget_line,
    caption,
    count,
    figure_label,
    save,
    shared_axis,
)
from semcom_phy.simulation.statistics.pairing import RATE_TOLERANCE

_RATE = "cbr_total"  # drawn as real symbols, which are two for a complex one
_RATE_LABEL = "cr_real with side information"
_PARTS = {  # metrics by importance
    "psnr_high": "high importance",
    "psnr_medium": "medium importance",
    "psnr_low": "low importance",
    "psnr_non_background": "all but the background",
    "psnr_background": "background",
}
_GREYS = ("#A0A0A0", "#808080", "#606060")  # of published curves
_DASHES = ("--", ":", "-.", (0, (6, 2)))


def plot_metric(curves, metric, path, published=()):
    """Draws one figure of merit of several curves over the SNR, or over the distance
    or the cbr where the results are, with intervals.

    Probabilities get a logarithmic axis; where no event was counted, an arrow hangs
    from the upper end of the interval. Points that were not run are left out.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system
    metric : `str`
        A metric of the curves, ``outage``, or the name of an extra
    path : `Path`
        The figure to write; its ending tells the format
    published : sequence of :class:`~.published.matching.LaidUnder`, (default none)
        Curves of others, drawn thin, grey and dashed below the rest

    Raises
    ------
    ValueError
        If no curve has a point of that metric.
    """
    points = [_points(curve, metric) for curve in curves]
    if not any(points):
        raise ValueError(f"no point of {metric!r} was simulated yet")
    label = figure_label(curves[0], metric)
    _plot_over_axis(curves, points, label, metric in LOGARITHMIC, path, published)


def plot_rate(curves, path):
    """Draws what was spent over the SNR, real symbols with side information / (3HW).

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system
    path : `Path`
        The figure to write

    Raises
    ------
    ValueError
        If no curve has a point.
    """
    points = [_rates(curve) for curve in curves]
    if not any(points):
        raise ValueError("no point was simulated yet")
    _plot_over_axis(curves, points, _RATE_LABEL, False, path)


def _plot_over_axis(curves, points, label, logarithmic, path, published=()):
    axis = shared_axis(curves)
    titles = [textwrap.fill(own.label, 96) for own in published]
    lines = sum(title.count("\n") + 1 for title in titles)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 4.2 + 0.16 * lines), layout="constrained")
        axes = figure.add_subplot()
        for i, (curve, own) in enumerate(zip(curves, points, strict=True)):
            _draw_curve(axes, own, curve, i, len(curves), logarithmic)
        axes.set_xlabel(axis.label)
        axes.set_ylabel(label)
        axis.set_ticks(axes, {snr for curve in curves for snr in curve.keys})
        for k, (own, title) in enumerate(zip(published, titles, strict=True)):
            _draw_published(axes, own, title, k, axis)
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(top=1.3)
        note = caption(curves) + budget_line(curves)
        note += "\nbars: 95 % intervals, " + count(curves)
        if logarithmic:
            note += "; arrow: none seen"
        axes.set_title(note, fontsize=8, color="#404040", loc="left")
        longest = max(len(curve.title) for curve in curves)
        narrow = longest <= 26 and not published
        handles, names = axes.get_legend_handles_labels()
        order = sorted(range(len(names)), key=lambda k: names[k] in titles)
        legend = figure.legend(  # ours first
            [handles[k] for k in order],
            [names[k] for k in order],
            loc="outside lower center",
            ncols=2 if narrow else 1,
        )
        for text in legend.get_texts():
            if text.get_text() in titles:
                text.set(fontsize=6.5, color="#606060")
        save(figure, path)


def plot_by_importance(curves, path):
    """Draws the PSNR of each level of importance over the SNR, a panel per level.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system; those without metrics by importance
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
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 5.6), layout="constrained")
        panels = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
        for axes, (metric, part) in zip(panels, _PARTS.items(), strict=False):
            for i, curve in enumerate(curves):
                points = _points(curve, metric)
                if points:  # no image may have a patch of that level
                    _draw_curve(axes, points, curve, i, len(curves), False)
            axes.set_title(part, fontsize=9)
            axes.xaxis.set_tick_params(labelbottom=True)
            axes.yaxis.set_tick_params(labelleft=True)
        panels[-1].set_axis_off()
        drawn = [axes.get_legend_handles_labels() for axes in panels]
        entries = {n: handle for pair in drawn for handle, n in zip(*pair, strict=True)}
        titles = [textwrap.fill(title, 28) for title in entries]
        panels[-1].legend(entries.values(), titles, loc="center")
        axis = shared_axis(curves)
        axis.set_ticks(panels[0], {snr for curve in curves for snr in curve.keys})
        figure.supxlabel(axis.label, fontsize=9)
        figure.supylabel("PSNR of these patches, mean over images [dB]", fontsize=9)
        note = caption(curves) + budget_line(curves)
        note += "; bars: 95 % intervals, " + count(curves)
        figure.suptitle(note, fontsize=8, color="#404040")
        save(figure, path)


def plot_rate_distortion(curves, path):
    """Draws the first metric against what was spent, a point per SNR, with intervals of
    both.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system
    path : `Path`
        The figure to write

    Raises
    ------
    ValueError
        If no curve has a point.
    """
    metric = curves[0].metrics[0]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        drawn = 0
        for i, curve in enumerate(curves):
            quality = dict(_points(curve, metric))
            rates = _rates(curve)
            both = [(snr, e, quality[snr]) for snr, e in rates if snr in quality]
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
                color=COLOURS[i % len(COLOURS)],
                marker=MARKERS[i % len(MARKERS)],
                markersize=5,
                linewidth=1.2,
                elinewidth=0.9,
            )
            older = [curve.is_old(snr) for snr, _, _ in both]
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            _mark_older(axes, x[older], y[older], colour, marker)
            if drawn == len(both):  # the SNRs, once
                for (snr, _, _), left, top in zip(both, x, y, strict=True):
                    axes.annotate(
                        curve.axis.names(snr),
                        (left, top),
                        xytext=(4, 4),
                        textcoords="offset points",
                        fontsize=7,
                    )
        if not drawn:
            raise ValueError(f"no point of {metric!r} was simulated yet")
        axes.set_xlabel(_RATE_LABEL)
        axes.set_ylabel(curves[0].label(metric))
        note = caption(curves) + "\nbars: 95 % intervals, " + count(curves)
        axes.set_title(note, fontsize=8, color="#404040", loc="left")
        figure.legend(loc="outside lower center")
        save(figure, path)


def plot_all(curves, folder, published=(), form="png", metrics=()):
    """Writes ``<metric>_vs_snr.png`` of the metrics, unless one is null everywhere
    (``psnr_vs_snr.png``; over distances all ``..._vs_distance.png``, over the cbr
    ``..._vs_cbr.png``), ``reconstructions.png``, of texts ``captions.png``, where there
    was an outage ``outage_vs_snr.png``, where rates differ between points or systems
    (over the cbr: from what the axis says) ``rate_vs_snr.png`` and
    ``rate_distortion.png``, and where there are metrics by importance
    ``psnr_by_importance.png``.

    Curves without a point are left out. So are the reconstructions of systems that
    deliver no images, the captions of those that deliver no texts, and both where no
    SNR was simulated for all of these curves.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system
    folder : `Path`
        Where the figures go
    published : sequence of :class:`~.published.matching.LaidUnder`, (default none)
        Curves of others, for the figure of the curves' first metric
    form : `str`, (default "png")
        Of the files: "png", "pdf" or "svg"
    metrics : sequence of `str`, (default: the first one of the curves)
        What is drawn over the SNR

    Output
    ------
    : `list` of `Path`
        The figures written

    Raises
    ------
    ValueError
        If no point was simulated yet, a metric was not measured, or the curves are of
        different scenarios or images, see
        :func:`~semcom_phy.simulation.comparable.check_comparable`.
    """
    folder = Path(folder)
    curves = [curve for curve in curves if curve.points]
    if not curves:
        raise ValueError("no point was simulated yet")
    first, over = curves[0].metrics[0], f"vs_{curves[0].axis.stem}.{form}"
    paths = []
    for metric in metrics or (first,):
        if metric not in curves[0].metrics:
            raise ValueError(
                f"metrics: {metric!r} was not measured; there are: "
                f"{', '.join(curves[0].metrics)}"
            )
        if any(_points(curve, metric) for curve in curves):  # else: no image has it
            paths.append(folder / f"{metric.removesuffix('_db')}_{over}")
            under = published if metric == first else ()
            plot_metric(curves, metric, paths[-1], under)
    pictured = [curve for curve in curves if has_images(curve)]
    if pictured and common_snr_points(pictured):
        paths.append(folder / f"reconstructions.{form}")
        plot_reconstructions(pictured, paths[-1])
    told = [curve for curve in curves if has_captions(curve)]
    if told and common_snr_points(told):
        paths.append(folder / f"captions.{form}")
        plot_captions(told, paths[-1])
    if any(e.mean > 0 for curve in curves for _, e in _points(curve, "outage")):
        paths.append(folder / f"outage_{over}")
        plot_metric(curves, "outage", paths[-1])
    if rates_differ(curves):
        paths.append(folder / f"rate_{over}")
        plot_rate(curves, paths[-1])
    if rates_differ(curves) and any(_points(curve, first) for curve in curves):
        paths.append(folder / f"rate_distortion.{form}")
        plot_rate_distortion(curves, paths[-1])
    if any(_is_scored(curve) for curve in curves):
        paths.append(folder / f"psnr_by_importance.{form}")
        plot_by_importance(curves, paths[-1])
    return paths


def rates_differ(curves):
    """Whether points or systems spend rates that do not count as the same; in a sweep
    over the cbr, other ones than those that its points are called by."""
    spent = [
        curve.axis.share(key, e.mean)
        for curve in curves
        for key, e in _points(curve, _RATE)
    ]
    spent += [told for told in curves[0].axis.told_rates if spent]
    return bool(spent) and max(spent) - min(spent) > RATE_TOLERANCE * max(spent)


def _points(curve, figure):
    """(snr, estimate) of the points that have a figure."""
    found = [(snr, curve.estimate(figure, snr)) for snr in curve.keys]
    return [(snr, estimate) for snr, estimate in found if estimate is not None]


def _rates(curve):
    """(snr, estimate) of the real symbols spent, side information included."""
    return [(snr, _doubled(estimate)) for snr, estimate in _points(curve, _RATE)]


def _doubled(estimate):
    ends = estimate.ci95
    ends = None if ends is None else (2 * ends[0], 2 * ends[1])
    return replace(estimate, mean=2 * estimate.mean, ci95=ends)


def _is_scored(curve):
    return any(curve.estimate(part, snr) for part in _PARTS for snr in curve.points)


def _draw_curve(axes, points, curve, i, num_curves, logarithmic):
    # A small shift along the axis keeps the intervals of neighbouring curves apart.
    place = np.array([curve.axis.place(snr) for snr, _ in points])
    older = np.array([curve.is_old(snr) for snr, _ in points], bool)
    step = np.min(np.abs(np.diff(place))) if len(place) > 1 else 1.0
    place = place + 0.02 * step * (i - (num_curves - 1) / 2)
    mean = np.array([e.mean for _, e in points])
    ends = [e.ci95 or (e.mean, e.mean) for _, e in points]
    low, high = np.array(ends).reshape(-1, 2).T
    colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
    seen = mean > 0 if logarithmic else np.ones(len(mean), bool)
    axes.errorbar(
        place[seen],
        mean[seen],
        yerr=np.maximum([(mean - low)[seen], (high - mean)[seen]], 0),
        label=curve.title,
        color=colour,
        marker=marker,
        markersize=5,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2.5,
    )
    _mark_older(axes, place[seen & older], mean[seen & older], colour, marker)
    axes.errorbar(  # none seen: an arrow down from the upper end of the interval
        place[~seen],
        high[~seen],
        yerr=0.3 * high[~seen],
        uplims=True,
        linestyle="none",
        color=colour,
        capsize=2.5,
        elinewidth=0.9,
    )


def _draw_published(axes, published, title, k, axis):
    """Below all else, and told apart by dashes, greys and markers."""
    place = [axis.place(key) for key, _ in published.points]
    axes.plot(
        place,
        [value for _, value in published.points],
        label=title,
        color=_GREYS[k % len(_GREYS)],
        linestyle=_DASHES[k % len(_DASHES)],
        marker=MARKERS[k % len(MARKERS)],
        markersize=3,
        linewidth=0.8,
        zorder=1,
    )


def _mark_older(axes, x, y, colour, marker):
    """Opens the markers of points that older code computed."""
    axes.plot(x, y, marker, color=colour, markerfacecolor="white", zorder=3)
