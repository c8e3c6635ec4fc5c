"""Photographs that codecs of pictures of any size are trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from link_models.training.data import described_images
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.folder import list_pictures
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.picture import read_picture

PHOTOGRAPHS = "photographs"  # name of the default data
VALIDATION_SIZE = (320, 480)  # central part of what is held out [pixels]
_HELD_OUT = 4  # one picture in so many of BSDS500's split test; in a folder, of all


@dataclass(frozen=True)
class PhotoData:
    """What is trained on, and what is held out.

    Attributes
    ----------
    exact : [n, crop, crop, 3], `uint8`
        Pictures of the size of a crop

    large : `tuple` of [H, W, 3], `uint8`
        Pictures that crops are cut from, anew for every step

    validation : [m, 320, 480, 3], `uint8`

    provenance : `dict`
    """

    exact: np.ndarray
    large: tuple
    validation: np.ndarray
    provenance: dict
    copies: tuple = ()

    def identity(self):
        """What tells these pictures from others."""
        described = described_images(self, self.exact, *self.large, self.validation)
        return described | {"large_training_images": len(self.large)}


def load_photo_data(dataset, crop):
    """Photographs to train on.

    Parameters
    ----------
    dataset : `str` or path
        "photographs": BSDS500's split train and three in four pictures of its split
        test, whose others are held out; Flickr8k's and Tiny ImageNet's splits train,
        brought to the size of a crop. Pictures of BSDS500's split val are not opened.
        Or a folder of pictures of at least 320x480 pixels, one in four held out

    crop : `int`
        Side of the crops [pixels]

    Output
    ------
    : :class:`PhotoData`

    Raises
    ------
    FileNotFoundError, ValueError
        If data are missing, or a picture is too small or damaged.
    """
    if dataset != PHOTOGRAPHS:
        paths = [Path(dataset) / name for name in list_pictures(Path(dataset))]
        if len(paths) < _HELD_OUT:
            raise ValueError(
                f"--data {dataset} holds {len(paths)} pictures, training needs at "
                f"least {_HELD_OUT}: name another folder, or leave it out"
            )
        small = np.zeros((0, crop, crop, 3), np.uint8)
        about = {"train": {"dataset": Path(dataset).resolve().name}}
        return _split([], paths, small, about)
    bsds = find_data_folder("bsds500")
    train, test = (sorted((bsds / split).glob("*.jpg")) for split in ("train", "test"))
    if not train or not test:
        raise FileNotFoundError(f"{bsds} holds no pictures in train and test")
    small = [
        load_samples("flickr8k", size=crop, split="train"),
        load_samples(find_data_folder("tinyimagenet24"), size=64, split="train"),
    ]
    enlarged = [np.asarray(_resized(x, crop)) for x in small[1].images]
    about = {"train": [{"dataset": "bsds500", "split": "train, 3 in 4 of test"}]}
    about["train"] += [samples.provenance for samples in small]
    exact = np.concatenate([small[0].images, enlarged])
    return _split(train, test, exact, about)


def _split(train, mixed, exact, about):
    """Pictures of ``mixed`` are in turn trained on and held out."""
    held = mixed[_HELD_OUT - 1 :: _HELD_OUT]
    kept = [path for path in mixed if path not in set(held)]
    large = tuple(_landscape(path) for path in [*train, *kept])
    validation = np.stack([central_part(_landscape(path)) for path in held])
    return PhotoData(exact, large, validation, about)


def _landscape(path):
    """A picture, turned where it is higher than wide, [H, W, 3] `uint8`."""
    picture, _ = read_picture(path, VALIDATION_SIZE[:1] * 2)
    picture = np.asarray(picture)
    if picture.shape[0] > picture.shape[1]:
        picture = np.rot90(picture)
    if picture.shape[0] < VALIDATION_SIZE[0] or picture.shape[1] < VALIDATION_SIZE[1]:
        height, width = VALIDATION_SIZE
        raise ValueError(
            f"{path} has {picture.shape[0]}x{picture.shape[1]} pixels, training takes "
            f"pictures of at least {height}x{width}: take it out"
        )
    return np.ascontiguousarray(picture)


def central_part(picture):
    """The part of a picture that validation sees, [320, 480, 3] `uint8`."""
    top, left = (
        (side - kept) // 2
        for side, kept in zip(picture.shape, VALIDATION_SIZE, strict=False)
    )
    return picture[top : top + VALIDATION_SIZE[0], left : left + VALIDATION_SIZE[1]]


def _resized(picture, side):
    return Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
