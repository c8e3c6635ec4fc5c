"""A few of the samples that were sent, and what was made of them, for people to see."""

import base64
import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

_COUNT = "images"  # entry of a PNG that tells how many lie side by side


class Shown(NamedTuple):
    """The first reconstructions of a point.

    Attributes
    ----------
    images : [num_shown, height, width, 3], `uint8`, or `None`
        As delivered, reduced where they are large

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
        count = int(picture.text[_COUNT])
    return np.stack(np.split(strip, count, axis=1))
