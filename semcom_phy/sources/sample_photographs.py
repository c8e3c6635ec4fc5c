"""Crops of photographs that packages ship: a data set that needs no download."""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_phy.sources.picture import read_picture, size_text
from semcom_phy.sources.pool import Pool

_INSTALL = "pip install scikit-image scikit-learn matplotlib"

# package, file inside it, terms as stated by the package
SAMPLE_PHOTOGRAPHS = (
    ("skimage", "data/astronaut.png", "NASA, public domain"),
    ("skimage", "data/chelsea.png", "S. van der Walt, CC0"),
    ("skimage", "data/coffee.png", "R. Michel, CC0"),
    (
        "skimage",
        "data/motorcycle_left.png",
        "Middlebury stereo 2014, to be cited",
    ),
    ("skimage", "data/rocket.jpg", "SpaceX, public domain"),
    ("sklearn", "datasets/images/china.jpg", "danielbuechele, CC BY 2.0"),
    ("sklearn", "datasets/images/flower.jpg", "vultilion, CC BY 2.0"),
    ("skimage", "data/hubble_deep_field.jpg", "NASA, public domain"),
    ("skimage", "data/retina.jpg", "M. Häggström, CC0"),
    ("skimage", "data/ihc.png", "CMMI, no known copyright restrictions"),
    (
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "US Navy portrait, public domain (matplotlib states no terms)",
    ),
    ("skimage", "data/camera.png", "L. Varshney, CC0; grey"),
)
CROPS_PER_SHORT_SIDE = 5


def sample_pool(size):
    """Crops of all photographs, in groups by photograph.

    Each photograph is reduced (Lanczos) until its shorter side holds 5 crops (where
    these are not square, either side at least 5), never enlarged, and cut from its top
    left corner into crops side by side.

    Parameters
    ----------
    size : (`int`, `int`)
        Height and width of a crop [pixels]

    Output
    ------
    pool : :class:`~semcom_phy.sources.pool.Pool`

    Raises
    ------
    ValueError
        If the photographs are smaller than a crop.

    FileNotFoundError
        If a package is not there.
    """
    crops, groups, sizes = [], [], []
    for package, name, _ in SAMPLE_PHOTOGRAPHS:
        photograph, _ = read_picture(shipped_file(package, name))
        pixels = np.asarray(_reduced(photograph, size))
        sizes.append((photograph.height, photograph.width))
        rows, columns = pixels.shape[0] // size[0], pixels.shape[1] // size[1]
        pixels = pixels[: rows * size[0], : columns * size[1]]
        pixels = pixels.reshape(rows, size[0], columns, size[1], 3).swapaxes(1, 2)
        crops.append(pixels.reshape(-1, *size, 3))
        groups += [Path(name).stem] * (rows * columns)
    if not groups:
        height, width = max(sizes, key=min)
        raise ValueError(
            f"image_size is {size_text(size)}, but the largest sample photograph has "
            f"{height}x{width} pixels: give at most that, or another data set"
        )
    provenance = {
        "dataset": "sample",
        "split": None,
        "source": "photographs shipped by scikit-image, scikit-learn and matplotlib "
        "(camera is grey), reduced until the shorter side holds "
        f"{CROPS_PER_SHORT_SIDE} crops",
        "terms": {Path(name).name: terms for _, name, terms in SAMPLE_PHOTOGRAPHS},
    }
    return Pool.of_array(np.concatenate(crops), provenance, groups, "photograph")


def _reduced(photograph, size):
    # Pillow tells width before height.
    needed = (CROPS_PER_SHORT_SIDE * n for n in reversed(size))
    scale = max(n / side for n, side in zip(needed, photograph.size, strict=True))
    reduced = tuple(round(n * min(1.0, scale)) for n in photograph.size)
    return photograph.resize(reduced, Image.Resampling.LANCZOS)


def shipped_file(package, name):
    """Path of a package's data file, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"the sample photographs need the package {package}: {_INSTALL}"
        )
    path = Path(spec.submodule_search_locations[0], name)
    if not path.is_file():
        raise FileNotFoundError(
            f"{package} {name} is not in this installation; reinstall it from its "
            f"wheel: {_INSTALL}"
        )
    return path
