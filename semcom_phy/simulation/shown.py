"""A few of the samples that were sent, and what was made of them, for people to see."""

import base64
import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

WHOLE_SIDE = 256  # images with a longer side are shown as a crop [pixel]
_CROP_SIDE = (16, 256)  # smallest and largest side of a crop [pixel]
_STEP = 8  # between the places that are looked at [pixel]
_COUNT = "images"  # entry of a PNG that tells how many lie side by side


class Crop(NamedTuple):
    """A square of an image.

    Attributes
    ----------
    top, left : `int`
        Its first row and column [pixel]

    size : `int`
        Its side [pixel]
    """

    top: int
    left: int
    size: int

    def of(self, image):
        """The pixels of an image [height, width, 3] inside."""
        down, across = (slice(at, at + self.size) for at in self[:2])
        return image[down, across]


class Shown(NamedTuple):
    """The first reconstructions of a point.

    Attributes
    ----------
    images : [num_shown, height, width, 3], `uint8`, or `None`
        As delivered; crops where images are large

    texts : `tuple` of [num_shown] `str`, or `None`
        As delivered

    values : (`str` or `None`, `tuple` of [num_shown] `float`)
        Name of the first metric that single samples have, and its values, NaN where a
        sample has none; `None` and nothing where only sets have figures

    outage : `tuple` of [num_shown] `bool`
        True where what is shown is an outage
    """

    images: np.ndarray | None
    texts: tuple | None
    values: tuple
    outage: tuple

    def to_dict(self):
        """Plain JSON values."""
        name, values = self.values
        known = [None if math.isnan(v) else float(f"{v:.8g}") for v in values]
        return {
            "metric": name,
            "values": known,
            "outage": list(self.outage),
            "images": None if self.images is None else encode_strip(self.images),
            "texts": None if self.texts is None else list(self.texts),
        }

    @classmethod
    def from_dict(cls, entry):
        """The samples of :meth:`to_dict`."""
        images, texts = entry["images"], entry["texts"]
        values = tuple(math.nan if v is None else float(v) for v in entry["values"])
        return cls(
            None if images is None else decode_strip(images),
            None if texts is None else tuple(texts),
            (entry["metric"], values),
            tuple(entry["outage"]),
        )


def crops_for_figure(originals, crop=None, max_size=128):
    """Where images are shown: whole, or a square of each, the same for all systems.

    Images with a side of more than 256 pixels are shown as a crop, by default the
    square with the most detail of the original: the largest sum of squared differences
    of neighbouring pixels, of the squares that begin at every 8th pixel; of several,
    the first.

    Input
    -----
    originals : [num_images, height, width, 3], `uint8`

    crop : (`int`, `int`, `int`) or `None` (default)
        Top, left and size of the square of all images, whatever their size [pixel]

    max_size : `int`, (default 128)
        Size of squares that are looked for, where images are as large [pixel]

    Output
    ------
    : `tuple` of :class:`Crop`, or `None`
        `None`: whole

    Raises
    ------
    ValueError
        If the crop does not lie inside the images.
    """
    height, width = originals.shape[1:3]
    if crop is not None:
        check_crop(crop, height, width)
        return (Crop(*crop),) * len(originals)
    if max(height, width) <= WHOLE_SIDE:
        return None
    size = min(max_size, height, width)
    return tuple(_most_detail(image, size) for image in originals)


def check_crop(crop, height, width):
    """Refuses squares that are no part of images, or too large for a small file.

    Raises
    ------
    ValueError
        With the values, what is allowed, and the remedy.
    """
    text = ",".join(map(str, crop))
    if len(crop) != 3:
        raise ValueError(
            f"crop must be top, left and size, got {text}: give --crop TOP,LEFT,SIZE"
        )
    top, left, size = crop
    low, high = _CROP_SIDE
    if not low <= size <= high:
        raise ValueError(
            f"crop {text} must have a size from {low} to {high} pixels, got {size}"
        )
    if min(top, left) < 0 or top + size > height or left + size > width:
        raise ValueError(
            f"crop {text} does not lie inside images of {height}x{width}: top may be "
            f"0 to {height - size}, left 0 to {width - size}"
        )


def crop_for_figure(images, crops, max_size):
    """What a figure shows of images: the squares that :func:`crops_for_figure` gave,
    pixel by pixel, or whole images as of :func:`shrink_for_figure`."""
    if crops is None:
        return shrink_for_figure(images, max_size)
    return np.stack([c.of(image) for c, image in zip(crops, images, strict=True)])


def _most_detail(image, size):
    """In whole numbers, so that it is the same place on every machine."""
    light = image.astype(np.int64).sum(axis=-1)
    detail = np.zeros_like(light)
    detail[1:] += np.diff(light, axis=0) ** 2
    detail[:, 1:] += np.diff(light, axis=1) ** 2
    sums = np.pad(detail.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size]
    inside = (inside + sums[:-size, :-size])[::_STEP, ::_STEP]
    top, left = np.unravel_index(np.argmax(inside), inside.shape)
    return Crop(int(top) * _STEP, int(left) * _STEP, size)


def shrink_for_figure(images, max_size):
    """Images with a longer side of at most ``max_size`` pixels; larger ones are reduced
    (Lanczos), and keep their aspect ratio.

    Input
    -----
    images : [num_images, height, width, 3], `uint8`

    max_size : `int`, at least 1

    Output
    ------
    : [num_images, new height, new width, 3], `uint8`
    """
    sides = images.shape[1:3]
    scale = max_size / max(sides)
    if scale >= 1:
        return images
    height, width = (max(1, round(scale * side)) for side in sides)
    reduced = [
        Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
        for image in images
    ]
    return np.stack([np.asarray(image) for image in reduced])


def encode_strip(images):
    """`uint8` [k, h, w, 3] side by side as one lossless PNG in base64, which itself
    says how many there are."""
    strip = np.concatenate(list(images), axis=1)
    about = PngImagePlugin.PngInfo()
    about.add_text(_COUNT, str(len(images)))
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "PNG", optimize=True, pnginfo=about)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_strip(text):
    """The images of :func:`encode_strip`.

    Raises
    ------
    OSError, LookupError or ValueError
        If it is none.
    """
    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        strip = np.asarray(picture.convert("RGB"))
        count = int(picture.info[_COUNT])
    return np.stack(np.split(strip, count, axis=1))
