"""Images of networks to those of files."""

import numpy as np
from keras import ops


def to_uint8(images):
    """Float images around [0, 1] to 8 bits, [batch, H, W, C] `uint8`.

    Raises
    ------
    ValueError
        If an image holds a value that is not finite.
    """
    images = np.asarray(ops.convert_to_numpy(images))
    if not np.isfinite(images).all():
        raise ValueError(
            "The decoder returned values that are not finite: the weights are broken, "
            "the decoder divides by zero, or a channel has a rank below its number of "
            "streams in 32 bits (lower the SNR)."
        )
    scaled = np.clip(images, 0.0, 1.0)
    scaled *= 255.0  # in place: large pictures take much memory
    return np.rint(scaled, out=scaled).astype(np.uint8)
