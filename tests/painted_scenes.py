"""Painted driving scenes, for tests without CamVid."""

import contextlib
import os
from pathlib import Path
from unittest import mock

import numpy as np

from semcom_phy.sources.driving import CLASSES

# At 256x192: a vehicle ahead (high), one in the next lane (medium), a sign (low).
THINGS = (
    ("Car", 100, 104, 135, 140),
    ("Car", 94, 180, 118, 210),
    ("SignSymbol", 40, 60, 56, 76),
)


def painted(count, seed):
    """Scenes at 192x256 whose objects are shifted by a few pixels, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.full((count, 192, 256), CLASSES.index("Sky"), np.uint8)
    labels[:, 92:] = CLASSES.index("Road")
    for scene in labels:
        for label, top, left, bottom, right in THINGS:
            shift = rng.integers(-4, 5)
            scene[top:bottom, left + shift : right + shift] = CLASSES.index(label)
    palette = rng.integers(40, 216, (len(CLASSES) + 1, 3))
    noise = rng.integers(-20, 21, (count, 192, 256, 3))
    return (palette[labels] + noise).astype(np.uint8), labels


@contextlib.contextmanager
def painted_camvid(folder, counts):
    """Puts painted scenes in the place of CamVid.

    Parameters
    ----------
    folder : path
        Empty

    counts : `dict` of `str` -> `int`
        Split -> number of its scenes
    """
    (Path(folder) / "camvid").mkdir()
    for seed, (split, count) in enumerate(counts.items()):
        images, labels = painted(count, seed)
        names = np.array([f"drive{seed}_{i:05d}" for i in range(count)])
        path = Path(folder) / "camvid" / f"{split}.npz"
        np.savez(path, images=images, labels=labels, names=names)
    with mock.patch.dict(os.environ, SEMCOM_DATA=str(folder)):
        yield
