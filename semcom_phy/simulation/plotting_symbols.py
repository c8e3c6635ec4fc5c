"""Where the symbols of an image go, drawn over the image."""

import numpy as np
from matplotlib.figure import Figure

from semcom_phy.simulation.storage import replaced


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
