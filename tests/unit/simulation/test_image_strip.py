"""The images of a result file, inside its text."""

import numpy as np

from semcom_phy.simulation.image_strip import decode_strip, encode_strip

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), "uint8")


def test_a_strip_keeps_every_pixel():
    """Images survive the PNG strip, also a single one (exact)."""
    for images in (IMAGES, IMAGES[:1]):
        again = decode_strip(encode_strip(images))
        np.testing.assert_array_equal(again, images)
