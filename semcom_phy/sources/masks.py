"""Masks of salient objects: which pixels of a picture are its foreground.

file of grey levels, or of classes --> 0/1 --> central part of the aspect ratio --> size
"""

import numpy as np
from PIL import Image

from semcom_phy.sources.picture import central_part, open_picture

_GREY_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_CLASS_MODES = ("L", "P")
_HALF = 128  # of the grey levels
VOID = 255  # class of the borders between objects, of Pascal VOC


def read_mask(path, sides, is_class_map=False):
    """The mask in a file.

    Parameters
    ----------
    path : `Path`
        The file
    sides : (`int`, `int`)
        Height and width of the picture that it belongs to [pixels]
    is_class_map : `bool`, (default `False`)
        `False`: grey levels, foreground is from 128 on, or 1 where there are only 0 and
        1. `True`: numbers of classes, foreground are all but 0 and :data:`VOID`

    Output
    ------
    : [height, width], `uint8`
        1 foreground, 0 background; all 0 where there is no salient object

    Raises
    ------
    FileNotFoundError
        If there is none.

    ValueError
        If it is damaged, of another size than the picture, or tells no two levels
        apart.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"mask {path}: no such file; put it there, or take the picture that it "
            "belongs to out of the folder"
        )
    with open_picture(path) as mask:
        try:
            mask.load()
        except Exception as error:  # Pillow's decoders raise many kinds
            raise ValueError(f"mask {path} is damaged: {error}") from error
        modes = _CLASS_MODES if is_class_map else _GREY_MODES
        if mask.mode not in modes:
            raise ValueError(
                f"mask {path} has colour mode {mask.mode!r}; expected one of "
                f"{', '.join(modes)}"
            )
        values = np.asarray(mask if is_class_map else mask.convert("L"))
    check_mask_size(values.shape, sides, path)
    if is_class_map:
        return ((values != 0) & (values != VOID)).astype(np.uint8)
    if values.max() <= 1:
        return values.copy()
    if values.max() < _HALF:
        raise ValueError(
            f"mask {path} has grey levels up to {values.max()}, which are neither 0 "
            "and 1 nor 0 and 255: convert it to one of these"
        )
    return (values >= _HALF).astype(np.uint8)


def fit_mask(mask, size):
    """Central part of the aspect ratio of a size, reduced to it, as
    :func:`~semcom_phy.sources.picture.fit_picture` does with the picture.

    Parameters
    ----------
    mask : [picture height, picture width], `uint8`
        0 or 1
    size : (`int`, `int`)
        Height and width, no larger [pixels]

    Output
    ------
    : [height, width], `uint8`
        1 where at least half of the area is foreground
    """
    part = Image.fromarray(mask.astype(np.float32)).crop(central_part(mask.shape, size))
    if part.size != (size[1], size[0]):
        part = part.resize((size[1], size[0]), Image.Resampling.BOX)
    return (np.asarray(part) >= 0.5).astype(np.uint8)


def check_mask_size(shape, sides, path):
    """Refuses a mask that is not as large as its picture.

    Raises
    ------
    ValueError
        With both sizes and the file.
    """
    if tuple(shape) != tuple(sides):
        raise ValueError(
            f"mask {path} is {shape[0]}x{shape[1]} beside a picture of "
            f"{sides[0]}x{sides[1]}: give one of the same size"
        )
