"""Every received picture as a PNG: whole folders, of what made them."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.simulation.figures.full_pictures import FullPictures, write_originals

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 8, 12, 3), "uint8")


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))


def test_pictures_are_named_by_system_snr_and_picture(tmp_path):
    """Without loss, by the number in the data set, with the draw where there are
    several; systems without images write none (exact)."""
    pictures = FullPictures(tmp_path, "pixels", "code 1")
    assert not pictures.have(-5.0)
    with pictures.filling(-5.0, draws=1) as write:
        write(IMAGES[:2], np.array([0, 1]), 0)
        write(IMAGES[2:], np.array([7]), 0)
        write(None, np.array([8]), 0)
        assert not pictures.have(-5.0) and "made_by" not in str(names(tmp_path))
    folder = "pictures/pixels_snr_-5/pixels_snr_-5_image_"
    assert names(tmp_path) == [f"{folder}{k:04d}.png" for k in (0, 1, 7)]
    for image, number in zip(IMAGES, (0, 1, 7), strict=True):
        found = np.asarray(Image.open(tmp_path / f"{folder}{number:04d}.png"))
        np.testing.assert_array_equal(found, image)
    with pictures.filling(2.5, draws=2) as write:
        write(IMAGES[:1], [3], 1)
    two = "pictures/pixels_snr_2.5/pixels_snr_2.5_image_0003_draw_1.png"
    assert two in names(tmp_path)
    write_originals(tmp_path, IMAGES)
    assert "pictures/original/original_image_0002.png" in names(tmp_path)


def test_pictures_of_other_code_do_not_count(tmp_path):
    """They are not taken for those of this run, and give way to them as a whole
    (exact)."""
    old = FullPictures(tmp_path, "pixels", "code 1")
    with old.filling(5.0, 1) as write:
        write(IMAGES, [0, 1, 2], 0)
    new = FullPictures(tmp_path, "pixels", "code 2")
    assert old.have(5.0) and not new.have(5.0)
    with new.filling(5.0, 1) as write:
        write(IMAGES[:1], [0], 0)
    assert new.have(5.0) and not old.have(5.0)
    assert len(names(tmp_path)) == 1


def test_a_point_that_was_stopped_leaves_nothing(tmp_path):
    """The folder is what it was before, and there is no part of another one (exact)."""
    pictures = FullPictures(tmp_path, "pixels", "code 1")
    with pytest.raises(KeyboardInterrupt), pictures.filling(5.0, 1) as write:
        write(IMAGES, [0, 1, 2], 0)
        raise KeyboardInterrupt
    assert not pictures.have(5.0)
    assert not list((tmp_path / "pictures").iterdir())
