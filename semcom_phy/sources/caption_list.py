"""A file of captions without pictures, as a data set of texts."""

import hashlib

import numpy as np

from semcom_phy.sources.captions import read_captions
from semcom_phy.sources.samples import Samples

SUFFIX = ".txt"
_GREY = 128


def load_caption_list(path, size=32, num_images=None, seed=1):
    """Captions of a file, drawn as images are, beside grey images.

    Parameters
    ----------
    path : `Path`
        One caption a line; or captions by the names of images, in one of the forms of
        :mod:`~semcom_phy.sources.captions`, whose images need not be there

    size : `int` or (`int`, `int`), (default 32)
        Of the grey images [pixels]

    num_images : `int` or `None`, (default `None`)
        Lines, or names of images, that are drawn; `None`: all, in their order

    seed : `int`, (default 1)
        Of the draw

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        Without pictures

    Raises
    ------
    ValueError
        If the file is no UTF-8, holds fewer captions than asked for, or a line is
        empty.

    FileNotFoundError
        If it is not there.
    """
    found = _captions(path)
    if num_images is None:
        order = np.arange(len(found))
    elif num_images > len(found):
        raise ValueError(
            f"num_images is {num_images}, but {path} holds captions of {len(found)}"
        )
    else:
        order = np.random.default_rng(seed).permutation(len(found))[:num_images]
    height, width = (size, size) if isinstance(size, int) else size
    images = np.full((len(order), height, width, 3), _GREY, np.uint8)
    provenance = {
        "dataset": path.name,
        "split": None,
        "size": height if height == width else [height, width],
        "num_images": len(order),
        "num_available": len(found),
        "seed": None if num_images is None else int(seed),
        "sha256": hashlib.sha256(images.data).hexdigest(),
        "has_pictures": False,
        "source": f"{path.name}, captions without pictures",
        "terms": None,
    }
    texts = tuple(found[i] for i in order)
    return Samples(images, None, provenance, texts, has_pictures=False)


def _captions(path):
    """The captions of every line, or of every image that the file names."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of captions")
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}") from error
    if not lines:
        raise ValueError(f"{path} holds no caption: give one a line")
    if "\t" in lines[0] or lines[0].replace(" ", "") == "image,caption":
        return list(read_captions(path).values())
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise ValueError(f"{path}, line {number} is empty: give one caption a line")
    return [(" ".join(line.split()),) for line in lines]
