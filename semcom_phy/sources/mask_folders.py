"""Folders of pictures with masks of salient objects, as public data sets have them.

===========  =============================  ============================  ==============
data set     pictures                       masks                         split
===========  =============================  ============================  ==============
DUTS         ``DUTS-TR/DUTS-TR-Image``      ``DUTS-TR/DUTS-TR-Mask``      train
DUTS         ``DUTS-TE/DUTS-TE-Image``      ``DUTS-TE/DUTS-TE-Mask``      test
half of it   ``DUTS-TE-Image`` (or ``TR``)  ``DUTS-TE-Mask`` (or ``TR``)  none
ECSSD        ``images``                     ``ground_truth_mask``         none
Pascal VOC   ``JPEGImages``                 ``SegmentationClass``         train: its
                                                                          train.txt,
                                                                          test: val.txt
===========  =============================  ============================  ==============

Masks are PNG files called as the pictures. Those of Pascal VOC hold numbers of classes:
all objects are foreground, their borders (255) are background.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from semcom_phy.sources.masks import fit_mask, read_mask

_PAIRS = {  # pictures -> masks, split
    "DUTS-TR/DUTS-TR-Image": ("DUTS-TR/DUTS-TR-Mask", "train"),
    "DUTS-TE/DUTS-TE-Image": ("DUTS-TE/DUTS-TE-Mask", "test"),
    "DUTS-TR-Image": ("DUTS-TR-Mask", None),
    "DUTS-TE-Image": ("DUTS-TE-Mask", None),
    "images": ("ground_truth_mask", None),
}
_VOC = ("JPEGImages", "SegmentationClass")
_VOC_LISTS = {"train": "train.txt", "test": "val.txt"}


class MaskedFolder(NamedTuple):
    """Where pictures and their masks lie.

    Attributes
    ----------
    pictures, masks : `Path`
        Folders

    split : `str` or `None`
        That the pictures are of, where the data set has splits

    names : `list` of `str`, or `None`
        Of the pictures, where a list tells them; `None`: all that lie there

    is_class_map : `bool`
        As of :func:`~semcom_phy.sources.masks.read_mask`
    """

    pictures: Path
    masks: Path
    split: str | None
    names: list[str] | None = None
    is_class_map: bool = False

    def mask_path(self, name):
        """File of the mask of a picture, by the name of that."""
        return (self.masks / name).with_suffix(".png")

    def check_masks(self, names):
        """Refuses pictures without masks.

        Raises
        ------
        FileNotFoundError
            With the first file that is missing.
        """
        for name in names:
            if not self.mask_path(name).is_file():
                raise FileNotFoundError(
                    f"{self.mask_path(name)}, the mask of {self.pictures / name}, is "
                    "not there: put it there, or take the picture away"
                )

    def read(self, name, sides, size, turn=False):
        """The mask of a picture of some sides, fitted to a size, [height, width]
        `uint8`; ``turn``: turned as :func:`~semcom_phy.sources.picture.turn_picture`
        turns the picture."""
        mask = read_mask(self.mask_path(name), sides, self.is_class_map)
        return fit_mask(np.rot90(mask) if turn else mask, size)


def find_masked(folder, split):
    """The pictures of a split, where a folder has masks.

    Parameters
    ----------
    folder : `Path`

    split : "test" | "train"

    Output
    ------
    : :class:`MaskedFolder` or `None`
        `None` where the folder is laid out like none of the data sets above

    Raises
    ------
    ValueError
        If there are splits but not the one asked for, or a list of names is damaged.

    FileNotFoundError
        If the list of a split, or a picture on it, is not there.
    """
    if all((folder / name).is_dir() for name in _VOC):
        return _voc(folder, split)
    found = [
        MaskedFolder(folder / pictures, folder / masks, own)
        for pictures, (masks, own) in _PAIRS.items()
        if (folder / pictures).is_dir() and (folder / masks).is_dir()
    ]
    for masked in found:
        if masked.split in (None, split):
            return masked
    if found:
        there = found[0]
        raise ValueError(
            f"{folder} has pictures with masks of the split {there.split} but none of "
            f"{split}: put them beside these, or give {there.pictures.parent}"
        )
    return None


def _voc(folder, split):
    pictures, masks = (folder / name for name in _VOC)
    path = folder / "ImageSets" / "Segmentation" / _VOC_LISTS[split]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file, which names the pictures of the split {split} that "
            "have masks"
        )
    try:
        lines = path.read_text(encoding="utf-8").split()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no list of names in UTF-8: {error}") from error
    names = [f"{line}.jpg" for line in dict.fromkeys(lines)]
    for name in names:
        if not (pictures / name).is_file():
            raise FileNotFoundError(
                f"{pictures / name}, named by {path}, is not there: put it there, or "
                "take the line away"
            )
    return MaskedFolder(pictures, masks, split, names, is_class_map=True)
