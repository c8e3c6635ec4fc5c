"""Pictures side by side, with a line of text to each row."""

import textwrap

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.figures.style import STYLE, save

_LETTERS = 60  # of a line beside the pictures


def grid_figure(pictures, titles):
    """The figure of :func:`plot_grid`, to be shown in a notebook.

    Parameters
    ----------
    pictures : [rows, columns, height, width, 3], `uint8`

    titles : list of [rows] `str`

    Output
    ------
    : `matplotlib.figure.Figure`

    Raises
    ------
    ValueError
        If there are not as many titles as rows.
    """
    rows, columns, height, width = np.shape(pictures)[:4]
    if len(titles) != rows:
        raise ValueError(f"{len(titles)} titles stand beside {rows} rows of pictures")
    high, wide = 1.1 * height / max(height, width), 1.1 * width / max(height, width)
    size = columns * (wide + 0.06) + 3.6, rows * (high + 0.08) + 0.08
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, size[0]), ylim=(size[1], 0))
        axes.set_axis_off()
        for r, (row, title) in enumerate(zip(pictures, titles, strict=True)):
            top = 0.08 + r * (high + 0.08)
            for c, picture in enumerate(row):
                left = 0.06 + c * (wide + 0.06)
                axes.imshow(
                    picture, extent=(left, left + wide, top + high, top), aspect="auto"
                )
            axes.text(
                columns * (wide + 0.06) + 0.15,
                top + high / 2,
                textwrap.fill(title, _LETTERS),
                va="center",
                size=7,
            )
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    return figure


def plot_grid(pictures, titles, path):
    """Draws rows of pictures.

    Parameters
    ----------
    pictures, titles
        As of :func:`grid_figure`

    path : `Path`
        The figure to write; its folder is made if it does not exist
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save(grid_figure(pictures, titles), path)
