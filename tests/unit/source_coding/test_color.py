"""Colour transform of the HEVC codec."""

import numpy as np
import pytest

from semcom_phy.source_coding.color import planes_to_rgb, rgb_to_planes

COLOURS = {  # ITU-R BT.601 luma and chroma of full-range primaries
    (0, 0, 0): (0, 128, 128),
    (255, 255, 255): (255, 128, 128),
    (255, 0, 0): (76, 85, 255),
    (0, 255, 0): (150, 44, 21),
    (0, 0, 255): (29, 255, 107),
}


@pytest.mark.parametrize("rgb", COLOURS)
def test_primaries(rgb):
    """Black, white and primaries have the textbook BT.601 full-range values (exact)."""
    planes = rgb_to_planes(np.full((2, 2, 3), rgb, np.uint8), False, 8)
    assert tuple(int(plane[0, 0]) for plane in planes) == COLOURS[rgb]


def test_ten_bit_round_trip_is_lossless():
    """Ten-bit planes give back every 8-bit colour, save at the clipped chroma edge
    (error at most 1, in under 1 % of samples; 30,000 random colours, seed 1)."""
    image = np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)
    image_hat = planes_to_rgb(rgb_to_planes(image, False, 10), 10)
    error = np.abs(image_hat.astype(int) - image)
    assert error.max() <= 1 and np.mean(error > 0) < 0.01


def test_subsampled_planes():
    """4:2:0 chroma planes have half the sides, and a grey ramp, which has no chroma,
    passes exactly."""
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 32, axis=0)
    image = np.repeat(ramp, 3, axis=-1)
    planes = rgb_to_planes(image, True, 10)
    assert [plane.shape for plane in planes] == [(32, 64), (16, 32), (16, 32)]
    np.testing.assert_array_equal(planes_to_rgb(planes, 10), image)


def test_chroma_interpolation_is_centred():
    """A linear chroma ramp is interpolated at the centres of the pixels, without
    shift or steps (half a level of rounding), along both axes."""
    ramp = np.tile(512 + 16 * np.arange(16, dtype=np.uint16), (16, 1))
    luma, flat = np.full((32, 32), 400, np.uint16), np.full((16, 16), 512, np.uint16)
    pixel_centres = (np.arange(32) - 0.5) / 2
    expected = (400 + 1.402 * 16 * pixel_centres) / 4
    for red_chroma, axis in ((ramp, 0), (ramp.T, 1)):
        red = planes_to_rgb([luma, flat, red_chroma], 10)[..., 0].astype(float)
        np.testing.assert_allclose(red.mean(axis)[1:-1], expected[1:-1], atol=0.5)
