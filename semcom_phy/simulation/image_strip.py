"""A few images as one lossless PNG in a text file."""

import base64
import io

import numpy as np
from PIL import Image


def encode_strip(images):
    """`uint8` [k, h, w, 3] side by side as one lossless PNG in base64.

    ``h`` is told by the PNG; images are square, so that ``k`` is too.
    """
    strip = np.concatenate(list(images), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_strip(text):
    """The images of :func:`encode_strip`."""
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
    return np.stack(np.split(strip, strip.shape[1] // strip.shape[0], axis=1))
