"""What is made of a picture file."""

import numpy as np
import pytest
from PIL import Image
from png_files import write_png

from semcom_phy.sources.picture import fit_picture, read_picture

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "picture.png"


def pixels(path, **options):
    picture, remarks = read_picture(path, **options)
    assert picture.mode == "RGB"
    return np.asarray(picture), remarks


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_exif_orientation_is_applied(tmp_path, suffix):
    """A picture that was stored lying, to be turned by 90 degrees, stands upright, also
    where strict (JPEG: 8 grey levels)."""
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:, :8] = 255  # the left side of what is stored is the top of what is meant
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to view
    path = tmp_path / f"picture.{suffix}"
    lossless = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(stored).save(path, exif=exif, **lossless)
    upright, remarks = pixels(path, strict=True)
    expected = np.rot90(stored, -1).astype(int)
    assert upright.shape == (48, 32, 3) and remarks == ("turned by EXIF",)
    assert np.abs(upright - expected).max() <= (8 if suffix == "jpg" else 0)


def test_size_is_that_of_the_upright_picture(tmp_path):
    """A picture stored as 32x48 that stands 48 high is no picture of 32x48."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "picture.jpg"
    Image.new("RGB", (48, 32)).save(path, exif=exif)
    assert pixels(path, size=(48, 32))[0].shape == (48, 32, 3)


def test_grey(path):
    """Grey levels become three equal colours (exact)."""
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20).astype(np.uint8)
    Image.fromarray(grey).save(path)
    values, remarks = pixels(path)
    np.testing.assert_array_equal(values, np.repeat(grey[..., None], 3, -1))
    assert remarks == ("grey",)
    Image.fromarray(grey > 100).save(path)
    values, remarks = pixels(path)
    assert set(np.unique(values)) == {0, 255} and remarks == ("grey",)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey(tmp_path, suffix):
    """The upper 8 of 16 bits are kept, not clipped to white (exact)."""
    deep = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(deep).save(path)
    values, remarks = pixels(path)
    np.testing.assert_array_equal(values[..., 1], deep >> 8)
    assert remarks == ("16 bits", "grey")


def test_16_bit_grey_pgm(tmp_path):
    """The same of a PGM file (exact)."""
    deep = np.linspace(0, 65535, 400).astype(">u2").reshape(20, 20)
    path = tmp_path / "deep.pgm"
    path.write_bytes(b"P5 20 20 65535\n" + deep.tobytes())
    values, remarks = pixels(path)
    np.testing.assert_array_equal(values[..., 1], deep >> 8)
    assert remarks == ("16 bits", "grey")


def test_16_bit_colour(path):
    """So are those of colours, and they are told from 8-bit ones (exact)."""
    deep = np.random.default_rng(1).integers(0, 65536, (20, 20, 3), np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    write_png(path, 20, 20, 16, rows)
    values, remarks = pixels(path)
    np.testing.assert_array_equal(values, deep >> 8)
    assert remarks == ("16 bits",)
    with pytest.raises(ValueError, match="picture.png.*16 bits"):
        pixels(path, strict=True)


def test_transparent_shows_white(path):
    """What is transparent shows white, not the colour that hides there; half of it,
    half (1 grey level)."""
    colours = np.zeros((20, 20, 4), np.uint8)
    colours[:] = (*RED, 0)
    colours[10:, :, 3] = 255
    colours[:, 10:] = (*BLUE, 128)
    Image.fromarray(colours).save(path)
    values, remarks = pixels(path)
    assert tuple(values[0, 0]) == (255, 255, 255) and tuple(values[19, 0]) == RED
    assert np.abs(values[0, 19].astype(int) - (127, 127, 255)).max() <= 1
    assert remarks == ("alpha channel",)


def test_palette(path):
    """Entries of a palette become their colours (exact)."""
    picture = Image.new("RGB", (20, 20), RED)
    picture.paste(BLUE, (0, 0, 10, 20))
    picture.convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    values, remarks = pixels(path)
    assert tuple(values[0, 0]) == BLUE and tuple(values[0, 19]) == RED
    assert remarks == ("palette",)


def test_values_without_a_range_are_refused(tmp_path):
    """Floats, and integers of 32 bits, have no range that could be made 8 bits."""
    for values in (np.ones((20, 20), np.float32), np.ones((20, 20), np.int32)):
        path = tmp_path / "values.tif"
        Image.fromarray(values).save(path)
        with pytest.raises(ValueError, match="values.tif has colour mode '[FI]'"):
            read_picture(path)


def test_a_picture_keeps_as_many_pixels_as_it_has(path):
    """Up to a longest side; the aspect ratio is that of the size, which is the least
    (exact)."""
    picture = Image.new("RGB", (300, 200))
    for size, longest, expected in (
        ((32, 32), None, (32, 32)),
        ((32, 32), 512, (200, 200)),
        ((32, 32), 100, (100, 100)),
        ((32, 48), 512, (200, 300)),
        ((16, 48), 120, (40, 120)),
        ((32, 32), 16, (32, 32)),
    ):
        assert fit_picture(picture, size, path, longest).shape == (*expected, 3)
