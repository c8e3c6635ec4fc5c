"""Captions that were sent, and what the systems received of them."""

import textwrap
import warnings

import matplotlib
from matplotlib.figure import Figure

from semcom_phy.simulation.figures.images import common_snr_points
from semcom_phy.simulation.figures.style import STYLE, caption, save

_SIDE = 0.72  # of a picture [inch]
_LETTERS = 30  # of a line of a caption
_LINES = 4
_TEXT = 1.9  # width of a caption [inch]
_LEFT = 1.5  # width of the systems' names [inch]
_OUTAGE_COLOUR = "#D55E00"


def has_captions(curve):
    """Whether the points of a curve hold texts that were received, and the file those
    that were sent."""
    shown = [point.shown for point in curve.points.values()]
    return "original_texts" in curve.header and all(
        seen is not None and seen.texts is not None for seen in shown
    )


def plot_captions(curves, path, snr_db=None, num_captions=3):
    """Draws a block for each of a few captions: picture and caption that were sent,
    below them what each system received, and the image that became of it, SNRs beside.

    Parameters
    ----------
    curves : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        One per system, of the same scenario and captions; all deliver texts
    path : `Path`
        The figure to write
    snr_db : sequence of `float`, optional
        SNR points [dB]; default: the lowest, a middle one and the highest
    num_captions : `int`, (default 3)
        At most as many as the files hold

    Raises
    ------
    ValueError
        If no SNR was simulated for all, or the captions are not the same.
    """
    about = caption(curves)
    common = common_snr_points(curves)
    if not common:
        raise ValueError("no SNR point was simulated for all systems yet")
    if snr_db is None:
        snr_db = {common[0], common[len(common) // 2], common[-1]}
        snr_db = curves[0].axis.sort(snr_db)
    header = curves[0].header
    sent = header["original_texts"][:num_captions]
    pictures = curves[0].original[: len(sent)] if has_pictures(header) else None
    painted = any(c.points[s].shown.images is not None for c in curves for s in snr_db)
    column = _TEXT + (_SIDE + 0.1 if painted else 0.0)
    row = _SIDE + 0.1 if painted else _LINES * 0.14 + 0.02
    block = _SIDE + 0.2 + len(curves) * row
    width = max(_LEFT + len(snr_db) * column + 0.1, 4.5)
    height = 0.55 + len(sent) * block
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.text(0.1, 0.12, f"{about}; orange: outage", fontsize=7, va="center")
        for g, snr in enumerate(snr_db):
            left = _LEFT + g * column
            heading = curves[0].axis.heading(snr)
            axes.text(left, 0.35, heading, va="center", weight="bold")
        for k, own in enumerate(sent):
            top = 0.5 + k * block
            place = _LEFT
            if pictures is not None:
                _draw_picture(axes, _LEFT, top, pictures[k])
                place += _SIDE + 0.1
            _draw_name(axes, top + _SIDE / 2, "sent")
            axes.text(
                place,
                top + _SIDE / 2,
                textwrap.shorten(own[0], 110, placeholder=" ..."),
                va="center",
                style="italic",
                parse_math=False,
            )
            for r, curve in enumerate(curves, start=1):
                below = top + _SIDE + 0.1 + (r - 1) * row
                middle = below + (row - 0.1) / 2
                _draw_name(axes, middle, curve.title)
                for g, snr in enumerate(snr_db):
                    seen = curve.points[snr].shown
                    left = _LEFT + g * column
                    if seen.images is not None:
                        _draw_picture(axes, left, below, seen.images[k])
                        left += _SIDE + 0.1
                    text = f"{seen.texts[k]} {'*' * curve.is_old(snr)}"
                    _draw_text(axes, left, middle, text, seen.outage[k])
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        with warnings.catch_warnings():  # a box stands for letters that fonts lack
            warnings.filterwarnings("ignore", "Glyph .* missing")
            save(figure, path)


def has_pictures(header):
    """Whether what was sent are pictures, or captions of pictures."""
    return header["data"].get("has_pictures", True)


def _draw_picture(axes, left, top, image):
    high, wide = (_SIDE * n / max(image.shape[:2]) for n in image.shape[:2])
    extent = (left, left + wide, top + high, top)
    axes.imshow(image, extent=extent, interpolation="nearest", aspect="auto")


def _draw_name(axes, middle, title):
    axes.text(
        _LEFT - 0.1,
        middle,
        textwrap.fill(title, 19),
        ha="right",
        va="center",
        fontsize=8,
    )


def _draw_text(axes, left, middle, text, outage):
    lines = textwrap.wrap(text, _LETTERS, max_lines=_LINES, placeholder=" ...")
    axes.text(
        left,
        middle,
        "\n".join(lines or ["(nothing)"]),
        va="center",
        fontsize=7,
        color=_OUTAGE_COLOUR if outage else "#000000",
        parse_math=False,
    )
