"""Features of EfficientNet-Lite0, computed once for all steps of a training."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.efficientnet import (
    PATCH,
    PATCH_WIDTH,
    WIDTH,
    efficientnet,
)

_BLOCK = 256


def feature_maps(images, folder, name):
    """Feature maps in half precision, kept on disk by content.

    Parameters
    ----------
    images : [num_images, height, width, 3], `uint8`

    folder : path
        Where they are kept; 125 kB an image

    name : `str`
        Shown while they are made

    Output
    ------
    : [num_images, 7, 7, 1280], `float16`, not in memory before it is read
    """
    shape = 7, 7, WIDTH
    return _kept(images, folder, "efficientnet", shape, _maps, name)


def patch_feature_maps(images, folder, name):
    """Features of the patches of whole pictures in half precision, kept on disk by
    content.

    Parameters
    ----------
    images : [num_images, height, width, 3], `uint8`
        Sides are multiples of 16 pixels

    folder : path
        Where they are kept; 992 bytes a patch

    name : `str`
        Shown while they are made

    Output
    ------
    : [num_images, height / 16, width / 16, 496], `float16`, not in memory before it is
      read
    """
    shape = images.shape[1] // PATCH, images.shape[2] // PATCH, PATCH_WIDTH
    return _kept(images, folder, "patches", shape, _patches, name)


def _maps(images):
    return efficientnet().maps(images)


def _patches(images):
    return efficientnet().patches(images)


def _kept(images, folder, kind, shape, look, name):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}_{array_sha256(images)[:16]}.npy"
    if not path.is_file():
        trial = path.with_name(f".{path.name}")  # a whole file, or none
        found = np.lib.format.open_memmap(trial, "w+", "float16", (len(images), *shape))
        with tqdm(total=len(images), desc=name, unit="image", disable=None) as bar:
            for start in range(0, len(images), _BLOCK):
                block = images[start : start + _BLOCK]
                found[start : start + len(block)] = look(block)
                bar.update(len(block))
        found.flush()
        trial.replace(path)
    return np.load(path, mmap_mode="r")


def mirrored(images):
    """Left and right exchanged, [num_images, height, width, 3]."""
    return np.ascontiguousarray(images[:, :, ::-1])
