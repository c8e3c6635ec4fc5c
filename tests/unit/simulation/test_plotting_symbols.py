"""Heatmaps of spent symbols."""

import numpy as np
from PIL import Image

from semcom_phy.simulation.plotting_symbols import plot_symbols


def test_a_column_for_every_system_and_a_row_for_every_image(tmp_path):
    """The figure is written; more images make it taller, more systems wider."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 32, 48, 3)).astype("uint8")
    maps = {"A": rng.integers(1, 128, (3, 2, 3)), "B": rng.integers(1, 9, (3, 2, 3))}
    plot_symbols(images, maps, tmp_path / "both.png")
    plot_symbols(images[:1], {"A": maps["A"][:1]}, tmp_path / "one.png")
    both, one = (Image.open(tmp_path / f"{name}.png").size for name in ("both", "one"))
    assert both[0] > one[0] and both[1] > one[1]
