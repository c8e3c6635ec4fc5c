"""Where the symbols of an image go."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.axis import SNR_AXIS
from semcom_phy.simulation.figures.style import STYLE, save
from semcom_phy.simulation.storage import replaced


def plot_symbol_maps(maps, path, axis=SNR_AXIS):
    """Draws what a system sends of some images.

    Parameters
    ----------
    maps : :class:`~semcom_phy.simulation.system.SymbolMaps`

    path : `Path`
        Folder and name of the system: ``<path>_symbols.png`` shows symbols per patch,
        ``<path>_choices.png`` cells of feature maps

    axis : :class:`~semcom_phy.simulation.axis.SnrAxis`
        What the points of the sweep are called

    Output
    ------
    : `list` of `Path`
        The figures written
    """
    path, written = Path(path), []
    if maps.patches is not None:
        written.append(path.with_name(f"{path.name}_symbols.png"))
        size = maps.patch_size or maps.images.shape[1] // maps.patches.shape[1]
        plot_symbols(maps.images, {maps.title: maps.patches}, written[-1], size)
    if maps.cells is not None:
        written.append(path.with_name(f"{path.name}_choices.png"))
        title = f"{maps.title}: a tile is a feature map, a cell {maps.cell}"
        plot_choices(maps.images, maps.cells, title, written[-1], axis)
    return written


def plot_symbols(images, maps, path, patch_size=16):
    """Heatmaps of spent symbols beside and over images, one row for an image.

    Parameters
    ----------
    images : [num_images, height, width, 3], `uint8`

    maps : `dict` of title -> [num_images, rows, columns], `int`
        Complex symbols of every patch

    path : `Path`
        PNG file

    patch_size : `int`, (default 16)
        Side of a patch [pixels]
    """
    rows, columns = len(images), 1 + len(maps)
    height, width = images.shape[1:3]
    size = 3.0 * columns, 3.0 * height / width * rows + 0.6
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    most = max(int(np.max(m)) for m in maps.values())
    for row, image in zip(axes, images, strict=True):
        row[0].imshow(image)
    axes[0, 0].set_title("image", fontsize=9)
    for column, (title, spent) in enumerate(maps.items(), start=1):
        axes[0, column].set_title(title, fontsize=9)
        for row, image, symbols in zip(axes, images, spent, strict=True):
            row[column].imshow(image.mean(axis=-1), cmap="gray", alpha=0.5)
            drawn = row[column].imshow(
                np.kron(symbols, np.ones((patch_size, patch_size))),
                cmap="inferno",
                alpha=0.7,
                vmin=0,
                vmax=most,
            )
    for axis in axes.flat:
        axis.set_axis_off()
    figure.colorbar(drawn, ax=axes, label="complex symbols per patch", shrink=0.8)
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=150)


def plot_choices(images, choices, title, path, axis=SNR_AXIS):
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
    axis : :class:`~semcom_phy.simulation.axis.SnrAxis`
        What the points are called
    """
    with matplotlib.rc_context(STYLE):
        count, columns = len(images), 1 + len(choices)
        figure = Figure(figsize=(1.5 * columns, 1.75 * count), layout="constrained")
        axes = np.reshape(figure.subplots(count, columns), (count, columns))
        for row, image in enumerate(images):
            axes[row, 0].imshow(image, interpolation="nearest")
            for column, snr in enumerate(axis.sort(choices), start=1):
                panel, chosen = axes[row, column], choices[snr]
                panel.imshow(_tiles(chosen[row]), cmap="Greys", vmin=0, vmax=1.2)
                kept = int(np.sum(np.any(chosen[row] > 0, axis=(0, 1))))
                sent = int(np.sum(chosen[row] == 1))
                panel.set_xlabel(f"{kept} maps, {sent} symbols", fontsize=7)
                if row == 0:
                    panel.set_title(axis.heading(snr), fontsize=9)
        for panel in axes.ravel():
            panel.set(xticks=[], yticks=[])
            panel.grid(False)
        figure.suptitle(title, fontsize=8, color="#404040")
        save(figure, path)


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
