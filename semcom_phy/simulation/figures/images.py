"""The images that were sent, and what the systems made of them."""

import math
import textwrap

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from semcom_phy.simulation.figures.style import STYLE, caption, save
from semcom_phy.simulation.shown import Crop, decode_strip


def plot_reconstructions(curves, path, snr_db=None, num_images=3):
    """Draws a grid: the originals, below them each system, groups of SNR, or rate,
    beside.

    Of large images every row shows the same crop, pixel by pixel; above the originals
    stand the whole ones, reduced, with a frame around the place, and its name below.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        One per system, of the same scenario and images; all deliver images
    path : `Path`
        The figure to write
    snr_db : sequence of `float`, optional
        Points, SNRs [dB] or rates; default: the lowest, a middle one and the highest
    num_images : `int`, (default 3)
        Images per point, at most as many as the files hold

    Raises
    ------
    ValueError
        If no point was simulated for all, or the images are not the same.
    """
    about = caption(curves)
    common = common_snr_points(curves)
    if not common:
        raise ValueError("no SNR point was simulated for all systems yet")
    if snr_db is None:
        snr_db = {common[0], common[len(common) // 2], common[-1]}
        snr_db = curves[0].axis.sort(snr_db)
    shown = [len(c.points[snr].shown.images) for c in curves for snr in snr_db]
    num_images = min(num_images, len(curves[0].original), *shown)
    originals = curves[0].original[:num_images]
    crops = _crops(curves[0])
    # Widths and heights in inches; the longer side of an image is 0.94.
    high, wide = _sides(originals)
    widest, top = wide, 0.4
    if crops:
        overview = decode_strip(curves[0].header["overview"])
        whole_high, whole_wide = _sides(overview)
        widest, top = max(wide, whole_wide), 0.4 + whole_high + 0.24
    column, row = widest + 0.06, high + 0.24
    group = num_images * column + 0.25
    width = 1.5 + len(snr_db) * group
    height = top + 0.2 + row * (1 + len(curves))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        for g, snr in enumerate(snr_db):
            left = 1.5 + g * group
            axes.text(
                left + num_images * column / 2,
                0.22,
                curves[0].axis.heading(snr),
                ha="center",
                va="center",
                weight="bold",
            )
            for k in range(num_images):
                at = left + k * column
                if crops:
                    place = at + (widest - whole_wide) / 2, 0.4, whole_wide, whole_high
                    _draw_tile(axes, place, overview[k], _place_name(crops[k]))
                    _frame_crop(axes, place, crops[k], _picture_size(curves[0]))
                place = at + (widest - wide) / 2, top, wide, high
                _draw_tile(axes, place, originals[k])
                for r, curve in enumerate(curves, start=1):
                    seen = curve.points[snr].shown
                    below = value_text(seen, k) + "*" * curve.is_old(snr)
                    below_it = (place[0], top + r * row, wide, high)
                    _draw_tile(axes, below_it, seen.images[k], below, seen.outage[k])
        if crops:
            _draw_title(axes, 0.4 + whole_high / 2, "whole picture")
        for r, title in enumerate(["original", *(c.title for c in curves)]):
            _draw_title(axes, top + r * row + high / 2, title)
        axes.text(
            0.1,
            height - 0.11,
            f"{about}{_what_stands_below(curves[0], snr_db[0], crops)}"
            "; dashed frame: outage",
            fontsize=7,
            color="#404040",
            va="center",
        )
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.set_axis_off()
        save(figure, path)


def common_snr_points(curves):
    """Points, SNRs [dB] or rates, that were simulated for all curves."""
    return [key for key in curves[0].keys if all(key in c.points for c in curves)]


def has_images(curve):
    """Whether the points of a curve hold images that were received."""
    shown = [point.shown for point in curve.points.values()]
    return all(seen is not None and seen.images is not None for seen in shown)


def _crops(curve):
    """Where large images are shown, a `list` of :class:`Crop`; empty: whole."""
    return [Crop(*crop) for crop in curve.header.get("crops", ())]


def _picture_size(curve):
    """Height and width of the pictures that crops are taken from [pixel]."""
    size = curve.header["scenario"]["image_size"]
    return (size, size) if isinstance(size, int) else size


def _sides(images):
    """Height and width of tiles [inch]."""
    height, width = images.shape[1:3]
    return 0.94 * height / max(height, width), 0.94 * width / max(height, width)


def _place_name(crop):
    return f"{crop.size} px at {crop.top}, {crop.left}"


def _frame_crop(axes, place, crop, size):
    """Marks in an overview what the rows below show."""
    left, top, width, height = place
    down, across = height / size[0], width / size[1]
    frame = Rectangle(
        (left + crop.left * across, top + crop.top * down),
        crop.size * across,
        crop.size * down,
        fill=False,
        linewidth=1.0,
        edgecolor="#FFFFFF",
        path_effects=[withStroke(linewidth=2.4, foreground="#000000")],
    )
    axes.add_patch(frame)


def _draw_title(axes, middle, title):
    axes.text(1.4, middle, textwrap.fill(title, 17), ha="right", va="center")


def _what_stands_below(curve, snr, crops):
    where = "; parts of pictures, at row, column" if crops else ""
    metric, _ = curve.points[snr].shown.values
    if metric is None:
        return where
    name = curve.label(metric).replace(", mean over images", "")
    if crops:
        return f"{where}; below each the {name} of the whole"
    return f"; below each image its {name}"


def value_text(seen, k):
    """What stands below an image, to a tenth in dB, else to a thousandth."""
    metric, values = seen.values
    if metric is None or math.isnan(values[k]):
        return ""
    return f"{values[k]:.{1 if metric.endswith('_db') else 3}f}"


def _draw_tile(axes, place, image, below="", outage=False):
    left, top, width, height = place
    extent = (left, left + width, top + height, top)
    axes.imshow(image, extent=extent, interpolation="nearest")
    if below:
        axes.text(
            left + width / 2,
            top + height + 0.03,
            below,
            fontsize=7,
            ha="center",
            va="top",
        )
    if outage:
        frame = Rectangle((left, top), width, height, fill=False)
        frame.set(edgecolor="#D55E00", linewidth=1.4, linestyle=(0, (3, 2)))
        axes.add_patch(frame)
