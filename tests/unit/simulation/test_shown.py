"""The images and texts of a result file, inside its text."""

import base64
import io
import json
import math

import numpy as np
import pytest
from PIL import Image

from semcom_phy.simulation.shown import (
    Crop,
    Shown,
    crop_for_figure,
    crops_for_figure,
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


def test_a_picture_that_is_no_strip_is_refused():
    """A PNG or JPEG by somebody else raises one of the errors that are told (exact)."""
    for kind in ("PNG", "JPEG"):
        buffer = io.BytesIO()
        Image.fromarray(IMAGES[0]).save(buffer, kind)
        with pytest.raises(LookupError):
            decode_strip(base64.b64encode(buffer.getvalue()))


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


@pytest.mark.parametrize("sides", [(257, 96), (264, 304)])
def test_large_images_are_shown_where_they_have_most_detail(sides):
    """Of all squares that begin at every 8th pixel the one with the largest sum of
    squared differences to the pixels above and to the left (exact)."""
    rng = np.random.default_rng(3)
    images = rng.normal(128, rng.uniform(0, 40, (2, *sides, 1)), (2, *sides, 3))
    images = np.clip(images, 0, 255).astype("uint8")
    crops = crops_for_figure(images, max_size=64)
    for image, crop in zip(images, crops, strict=True):
        light = image.sum(axis=-1, dtype=float)
        detail = np.zeros(sides)
        detail[1:] += (light[1:] - light[:-1]) ** 2
        detail[:, 1:] += (light[:, 1:] - light[:, :-1]) ** 2
        most = max(
            (detail[top : top + 64, left : left + 64].sum(), -top, -left)
            for top in range(0, sides[0] - 63, 8)
            for left in range(0, sides[1] - 63, 8)
        )
        assert crop == Crop(-most[1], -most[2], 64)
    assert crops[0] != crops[1]
    shown = crop_for_figure(images, crops, 64)
    top, left, _ = crops[1]
    np.testing.assert_array_equal(shown[1], images[1, top : top + 64, left : left + 64])


def test_what_is_shown_whole_and_what_is_not():
    """Up to 256 pixels a side images are whole, unless a place is given; where nothing
    stands out it is the first; a narrow image limits the square (exact)."""
    small, large = (np.zeros((2, 256, n, 3), "uint8") for n in (200, 300))
    assert crops_for_figure(small) is None
    assert crop_for_figure(small, None, 128).shape == (2, 128, 100, 3)
    assert crops_for_figure(small, (8, 72, 128)) == ((8, 72, 128),) * 2
    assert crops_for_figure(large) == ((0, 0, 128),) * 2
    assert crops_for_figure(large[:, :50]) == ((0, 0, 50),) * 2


@pytest.mark.parametrize(
    "crop, message",
    [
        ((0, 0), "must be top, left and size, got 0,0: give --crop TOP,LEFT,SIZE"),
        ((0, 0, 15), "size from 16 to 256 pixels, got 15"),
        ((0, 0, 257), "size from 16 to 256 pixels, got 257"),
        ((-1, 0, 64), "does not lie inside images of 320x480"),
        ((0, 417, 64), "top may be 0 to 256, left 0 to 416"),
    ],
)
def test_places_outside_are_refused(crop, message):
    """With the values and what is allowed."""
    with pytest.raises(ValueError, match=message):
        crops_for_figure(np.zeros((1, 320, 480, 3), "uint8"), crop)
