"""Masks of salient objects in files, and cut and reduced as their pictures."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources.masks import fit_mask, read_mask
from semcom_phy.sources.picture import fit_picture

SIDES = (20, 30)
MASK = np.zeros(SIDES, np.uint8)
MASK[5:15, 8:20] = 1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mask.png"


@pytest.mark.parametrize(
    "stored",
    [
        Image.fromarray(MASK),
        Image.fromarray(MASK * 255),
        Image.fromarray(MASK.astype(bool)),
        Image.fromarray(np.where(MASK, 128, 127).astype(np.uint8)),
        Image.fromarray(MASK * 255).convert("RGB"),
        Image.fromarray(MASK * 255).convert("P"),
        Image.fromarray(MASK * 255).convert("RGBA"),
    ],
    ids=["0 and 1", "0 and 255", "bits", "127 and 128", "RGB", "palette", "RGBA"],
)
def test_every_way_to_store_a_mask(path, stored):
    """Two levels apart are foreground and background, 0 and 1 too (exact)."""
    stored.save(path)
    mask = read_mask(path, SIDES)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, MASK)


def test_no_salient_object_is_no_error(path):
    """A mask of zeros stays one (exact)."""
    Image.fromarray(np.zeros(SIDES, np.uint8)).save(path)
    assert not read_mask(path, SIDES).any()


def test_all_classes_but_background_and_border_are_foreground(path):
    """Numbers of a palette picture: 0 and 255 are background, whatever their colours
    (exact)."""
    classes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(classes, mode="P")
    picture.putpalette([0] * 768)  # colours say nothing
    picture.save(path)
    mask = read_mask(path, (16, 16), is_class_map=True)
    assert set(classes[mask == 0]) == {0, 255}
    Image.new("RGB", (16, 16)).save(path)
    with pytest.raises(ValueError, match="mask.png has colour mode 'RGB'.*of L, P"):
        read_mask(path, (16, 16), is_class_map=True)


def test_what_is_no_mask_is_refused_by_name(path):
    """Missing, damaged, of another size or mode, faint (exact)."""
    with pytest.raises(FileNotFoundError, match="mask .*mask.png: no such file"):
        read_mask(path, SIDES)
    path.write_text("no picture")
    with pytest.raises(ValueError, match="mask.png is damaged"):
        read_mask(path, SIDES)
    noise = np.random.default_rng(1).integers(0, 256, SIDES, np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="mask .*mask.png is damaged"):
        read_mask(path, SIDES)
    Image.fromarray(MASK).save(path)
    with pytest.raises(ValueError, match="mask.png is 20x30 beside a picture of 30x20"):
        read_mask(path, SIDES[::-1])
    Image.fromarray(MASK * 37).save(path)
    with pytest.raises(ValueError, match="mask.png has grey levels up to 37"):
        read_mask(path, SIDES)
    Image.fromarray(MASK.astype(np.uint16)).save(path)
    with pytest.raises(ValueError, match="mask.png has colour mode 'I;16'"):
        read_mask(path, SIDES)


@pytest.mark.parametrize("sides", [(32, 64), (64, 40), (48, 48), (51, 37)])
@pytest.mark.parametrize("size", [(16, 16), (24, 16), (16, 24)])
def test_masks_are_cut_as_their_pictures(sides, size):
    """A picture that shows its mask still shows it after both are fitted, up to pixels
    that are cut by an edge (grey levels near the half: skipped)."""
    mask = np.zeros(sides, np.uint8)
    mask[sides[0] // 3 :, sides[1] // 4 : sides[1] // 2] = 1
    shown = Image.fromarray(mask * 255).convert("RGB")
    picture = fit_picture(shown, size, "picture")[..., 0].astype(int)
    fitted = fit_mask(mask, size)
    assert fitted.dtype == np.uint8 and fitted.shape == size
    clear = np.abs(picture - 127.5) > 64
    assert clear.mean() > 0.7 and 0 < fitted.mean() < 1
    np.testing.assert_array_equal(fitted[clear], picture[clear] > 127)


def test_half_of_the_area_is_foreground():
    """Of 2x2 pixels two make one, one does not (exact)."""
    mask = np.zeros((4, 4), np.uint8)
    mask[0, :2] = mask[3, 3] = 1
    assert fit_mask(mask, (2, 2)).tolist() == [[1, 0], [0, 0]]
    np.testing.assert_array_equal(fit_mask(mask, (4, 4)), mask)
