"""A name for a picture that depends on its pixels alone."""

import hashlib

import numpy as np


def pixel_hash(image):
    """SHA-256 of a picture's shape and pixels.

    Parameters
    ----------
    image : [height, width, 3], `uint8`
        RGB

    Output
    ------
    key : `str`
        64 hexadecimal digits

    Raises
    ------
    ValueError
        If the picture is not 8-bit RGB: the same pixels in another type would get
        another name.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            f"the image is {image.dtype} {image.shape}; expected uint8 [H, W, 3]"
        )
    key = hashlib.sha256(repr(image.shape).encode())
    key.update(np.ascontiguousarray(image).data)
    return key.hexdigest()
