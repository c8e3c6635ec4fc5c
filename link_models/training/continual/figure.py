"""The continual-learning map: BLEU of every domain after each one (Fig. 8)."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.figures.style import STYLE, save

CALLED = {
    "none": "without MED",
    "text": "MED, what differs is kept (text)",
    "equation": "MED, what is similar is kept (eq. 16)",
}


METRICS = {"bleu_1": "BLEU-1", "bleu_2": "BLEU-2"}


def continual_map(records):
    """The figure of :func:`plot_continual_map`, to be shown in a notebook.

    Parameters
    ----------
    records : `dict` of `str` -> `dict`
        By the reading of the memory, panels from left to right: what
        ``LABEL_READING.json`` holds

    Output
    ------
    : `matplotlib.figure.Figure`
        BLEU-1 above BLEU-2; rows after which domain, columns of which domain
    """
    run = next(iter(records.values()))["run"]
    names = [domain["name"] for domain in run["domains"]]
    with matplotlib.rc_context(STYLE):
        size = (3.1 * len(records) + 1.2, 2.6 * len(METRICS) + 0.4)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(len(METRICS), len(records), squeeze=False)
        for column, (reading, record) in enumerate(records.items()):
            for row, (key, metric) in enumerate(METRICS.items()):
                axis = axes[row, column]
                image = _panel(axis, record[key], names)
                axis.set_title(f"{metric}, {CALLED[reading]}", fontsize=8)
        for axis in axes[:, 1:].ravel():
            axis.set_yticklabels([])
        for axis in axes[:-1].ravel():
            axis.set_xticklabels([])
        for axis in axes[:, 0]:
            axis.set_ylabel("after learning", fontsize=8)
        for axis in axes[-1]:
            axis.set_xlabel("test captions of", fontsize=8)
        figure.colorbar(image, ax=axes, shrink=0.7)
        title = f"Rayleigh fading, {run['snr_db']:g} dB, seed {run['seed']}"
        figure.suptitle(title, fontsize=8, color="#404040")
    return figure


def plot_continual_map(records, path):
    """Draws the map.

    Parameters
    ----------
    records
        As of :func:`continual_map`

    path : `Path`
        The figure to write
    """
    save(continual_map(records), path)


def _panel(axis, cells, names):
    values = np.array([[cell["mean"] for cell in row] for row in cells])
    image = axis.imshow(values, cmap="viridis", vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(values):
        colour = "black" if value > 0.6 else "white"
        axis.text(j, i, f"{value:.3f}", ha="center", va="center", color=colour)
    places = range(len(names))
    axis.set(xticks=places, yticks=places, xticklabels=names, yticklabels=names)
    axis.tick_params(labelsize=7, length=0)
    axis.grid(False)
    return image
