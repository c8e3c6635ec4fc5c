"""The images that were sent, and what the systems made of them."""

import math
import textwrap

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from semcom_phy.simulation.plotting_style import STYLE, caption, save


def plot_reconstructions(curves, path, snr_db=None, num_images=3):
    """Draws a grid: the originals, below them each system, groups of SNR beside.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system, of the same scenario and images; all deliver images
    path : `Path`
        The figure to write
    snr_db : sequence of `float`, optional
        SNR points [dB]; default: the lowest, a middle one and the highest
    num_images : `int`, (default 3)
        Images per SNR, at most as many as the files hold

    Raises
    ------
    ValueError
        If no SNR was simulated for all, or the images are not the same.
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
    # Widths and heights in inches; the longer side of an image is 0.94.
    high, wide = (0.94 * n / max(originals.shape[1:3]) for n in originals.shape[1:3])
    column, row = wide + 0.06, high + 0.24
    group = num_images * column + 0.25
    width = 1.5 + len(snr_db) * group
    height = 0.6 + row * (1 + len(curves))
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
                place = left + k * column, 0.4, wide, high
                _draw_tile(axes, place, originals[k])
                for r, curve in enumerate(curves, start=1):
                    seen = curve.points[snr].shown
                    below = _value(seen, k) + "*" * curve.is_old(snr)
                    place = left + k * column, 0.4 + r * row, wide, high
                    _draw_tile(axes, place, seen.images[k], below, seen.outage[k])
        for r, title in enumerate(["original", *(c.title for c in curves)]):
            axes.text(
                1.4,
                0.4 + r * row + high / 2,
                textwrap.fill(title, 17),
                ha="right",
                va="center",
            )
        axes.text(
            0.1,
            height - 0.11,
            f"{about}{_what_stands_below(curves[0], snr_db[0])}; dashed frame: outage",
            fontsize=7,
            color="#404040",
            va="center",
        )
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.set_axis_off()
        save(figure, path)


def common_snr_points(curves):
    """SNR points [dB] that were simulated for all curves."""
    return [snr for snr in curves[0].snr_db if all(snr in c.points for c in curves)]


def has_images(curve):
    """Whether the points of a curve hold images that were received."""
    shown = [point.shown for point in curve.points.values()]
    return all(seen is not None and seen.images is not None for seen in shown)


def _what_stands_below(curve, snr):
    metric, _ = curve.points[snr].shown.values
    if metric is None:
        return ""
    name = curve.label(metric).replace(", mean over images", "")
    return f"; below each image its {name}"


def _value(seen, k):
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
