"""The images and texts of a result file, inside its text."""

import json
import math

import numpy as np
import pytest

from semcom_phy.simulation.shown import (
    Shown,
    decode_strip,
    encode_strip,
    shrink_for_figure,
)

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), "uint8")


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 16, 16), (4, 12, 40), (2, 40, 12)])
def test_a_strip_keeps_every_pixel(shape):
    """Images of any shape survive the PNG strip, also a single one (exact)."""
    images = np.random.default_rng(1).integers(0, 256, (*shape, 3), "uint8")
    np.testing.assert_array_equal(decode_strip(encode_strip(images)), images)


def test_what_is_shown_is_plain_json():
    """Values to eight digits, null where a sample has none, nothing where there are no
    images or texts (exact)."""
    shown = Shown(IMAGES, None, ("psnr_db", (100 / 3, math.nan, 1.0)), (False,) * 3)
    text = json.dumps(shown.to_dict(), allow_nan=False)
    assert json.loads(text)["values"] == [33.333333, None, 1.0]
    assert json.loads(text)["texts"] is None
    assert json.loads(json.dumps(Shown(None, None, (None, ()), ()).to_dict())) == {
        "metric": None,
        "values": [],
        "outage": [],
        "images": None,
        "texts": None,
    }


@pytest.mark.parametrize(
    "sides, shrunk",
    [
        ((32, 32), (32, 32)),
        ((128, 64), (128, 64)),
        ((192, 256), (96, 128)),
        ((256, 192), (128, 96)),
        ((20, 2000), (1, 128)),
    ],
)
def test_large_images_are_reduced(sides, shrunk):
    """The longer side is 128 at most, the aspect ratio stays; what is not larger is as
    it was (exact), and the mean colour is kept (1 of 255)."""
    images = np.random.default_rng(2).integers(0, 256, (2, *sides, 3), "uint8")
    found = shrink_for_figure(images, 128)
    assert found.shape == (2, *shrunk, 3) and found.dtype == np.uint8
    if sides == shrunk:
        np.testing.assert_array_equal(found, images)
    assert abs(found.mean() - images.mean()) < 1
