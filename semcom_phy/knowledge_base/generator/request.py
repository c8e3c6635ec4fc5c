"""What is asked of an image generator, and the size of what it gives."""

import numpy as np
from PIL import Image, ImageOps

from semcom_phy.seeding import derived_seed


def check_request(captions, num, size, first=0):
    """Refuses what no pictures can be made of.

    Raises
    ------
    ValueError
        If there is no caption, one is no text, number or size is no whole number of at
        least 1, or the first number none of at least 0.
    """
    if isinstance(captions, str) or not len(captions):
        raise ValueError(f"captions is {captions!r}; give a list of texts")
    for caption in captions:
        if not isinstance(caption, str) or not caption.strip():
            raise ValueError(f"a caption is {caption!r}; give a text")
    if num != int(num) or num < 1:
        raise ValueError(f"num is {num!r}; give 1 picture or more")
    if size is not None and (len(size) != 2 or any(n != int(n) or n < 1 for n in size)):
        raise ValueError(f"size is {size!r}; give height and width [pixels]")
    if first != int(first) or first < 0:
        raise ValueError(f"first is {first!r}; give 0 or the number of a picture")


def picture_seed(seed, caption, k):
    """Seed of picture number k of a caption."""
    return derived_seed(seed, "generate", caption, k)


def resized(image, size):
    """The central part of the aspect ratio of a size, brought to it (Lanczos).

    Input
    -----
    image : [height, width, 3], `uint8`

    size : (`int`, `int`) or `None`
        Height and width; `None` leaves it as it is
    """
    if size is None or image.shape[:2] == tuple(size):
        return image
    height, width = size
    picture = Image.fromarray(image)
    return np.array(ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS))
