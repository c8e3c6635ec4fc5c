"""The images that were sent, and what the systems made of them."""

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
        One per system, of the same scenario and images
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
        snr_db = sorted({common[0], common[len(common) // 2], common[-1]})
    shown = [len(c.points[snr].images) for c in curves for snr in snr_db]
    num_images = min(num_images, len(curves[0].original), *shown)
    originals = curves[0].original[:num_images]
    group = num_images + 0.25  # widths and heights in inches, an image is 0.94
    row = 1.18
    width = 1.5 + len(snr_db) * group
    height = 0.6 + row * (1 + len(curves))
    with matplotlib.rc_context(STYLE):
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
                        "*" * curve.is_old(snr),
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
            f"{about}; below each image its PSNR [dB]; dashed frame: outage",
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


def _draw_tile(axes, left, top, image, psnr_db=None, outage=False, mark=""):
    size = 0.94
    extent = (left, left + size, top + size, top)
    axes.imshow(image, extent=extent, interpolation="nearest")
    if psnr_db is not None:
        axes.text(
            left + size / 2,
            top + size + 0.03,
            f"{psnr_db:.1f}{mark}",
            fontsize=7,
            ha="center",
            va="top",
        )
    if outage:
        frame = Rectangle((left, top), size, size, fill=False)
        frame.set(edgecolor="#D55E00", linewidth=1.4, linestyle=(0, (3, 2)))
        axes.add_patch(frame)
