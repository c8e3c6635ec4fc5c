"""Where symbols go: heatmaps over images, tiles of feature maps."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.simulation.figures.symbols import plot_symbol_maps, plot_symbols
from semcom_phy.simulation.system import SymbolMaps

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 32, 48, 3)).astype("uint8")
PATCHES = RNG.integers(1, 128, (3, 2, 3))
CELLS = {snr: RNG.choice([0, 0.25, 1], (3, 4, 6, 5)) for snr in (0.0, 10.0)}


def test_a_column_for_every_system_and_a_row_for_every_image(tmp_path):
    """The figure is written; more images make it taller, more systems wider."""
    maps = {"A": PATCHES, "B": RNG.integers(1, 9, (3, 2, 3))}
    plot_symbols(IMAGES, maps, tmp_path / "both.png")
    plot_symbols(IMAGES[:1], {"A": maps["A"][:1]}, tmp_path / "one.png")
    both, one = (Image.open(tmp_path / f"{name}.png").size for name in ("both", "one"))
    assert both[0] > one[0] and both[1] > one[1]


@pytest.mark.parametrize(
    "maps, names",
    [
        ({"patches": PATCHES}, ["a_symbols.png"]),
        ({"cells": CELLS, "cell": "a position in it"}, ["a_choices.png"]),
        ({"patches": PATCHES, "cells": CELLS}, ["a_symbols.png", "a_choices.png"]),
        ({}, []),
    ],
)
def test_one_function_draws_what_there_is(tmp_path, maps, names):
    """A file for symbols per patch, one for cells of feature maps, by the name of the
    system; nothing where there is neither (exact)."""
    written = plot_symbol_maps(SymbolMaps("A", IMAGES, **maps), tmp_path / "a")
    assert [path.name for path in written] == names
    assert all(path.is_file() for path in written)


def test_patches_may_be_of_any_size(tmp_path, monkeypatch):
    """Their side follows from images and maps (exact)."""
    sizes = []
    monkeypatch.setattr(
        "semcom_phy.simulation.figures.symbols.plot_symbols",
        lambda images, maps, path, size: sizes.append(size),
    )
    for rows, columns in ((2, 3), (4, 6)):
        patches = np.ones((3, rows, columns), int)
        plot_symbol_maps(SymbolMaps("A", IMAGES, patches), tmp_path / "a")
    assert sizes == [16, 8]
