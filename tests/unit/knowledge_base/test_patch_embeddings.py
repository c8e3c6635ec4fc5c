"""What a dual encoder sees in patches, as rows of one array."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.patch_embeddings import PatchEmbeddings, to_grid

IMAGES = np.random.default_rng(1).integers(0, 256, (5, 32, 48, 3), np.uint8)


class Colours:
    """Mean colours of 2x2 places and of all; of 4x4 places, their squares."""

    identity = {"model": "colours"}

    def __init__(self):
        self.asked = []

    def image_features(self, images):
        return self._places(images, 1)[:, 0, 0]

    def patch_features(self, images):
        self.asked.append(len(images))
        return self._places(images, 2)

    def detail_features(self, images):
        return np.tile(self._places(images, 4) ** 2, 2)

    @staticmethod
    def _places(images, side):
        n, height, width, _ = images.shape
        shape = n, side, height // side, side, width // side, 3
        return images.reshape(shape).mean((2, 4), dtype="float32") / 255 + 0.1


def test_rows_of_patches_and_the_row_of_the_picture():
    """Patches row by row, both parts of unit mean square, the picture last; rows are as
    long as patches ask for, or a picture and a text, and end in zeros (2e-3, of
    float16)."""
    embeddings = PatchEmbeddings(Colours())
    assert (embeddings.common_width, embeddings.patch_width) == (3, 9)
    assert embeddings.row_width == 9 and embeddings.identity == Colours.identity
    rows = embeddings.of(IMAGES, (4, 4))
    assert rows.shape == (5, 17, 9) and rows.dtype == np.float16
    parts = rows[:, :-1, :3], rows[:, :-1, 3:], rows[:, -1, :3]
    for part in parts:
        square = np.square(part.astype(float)).mean(-1)
        np.testing.assert_allclose(square, 1, atol=4e-3)
    assert not rows[:, -1, 3:].any()
    detail = Colours().detail_features(IMAGES).reshape(5, 16, 6)
    detail /= np.sqrt(np.square(detail).mean(-1, keepdims=True))
    np.testing.assert_allclose(rows[:, :-1, 3:], detail, atol=2e-3)


def test_grids_are_interpolated():
    """The same grid as it is; twice as fine, between the centres of places and their
    border; half as fine, means of two; one constant stays one (1e-6)."""
    maps = np.random.default_rng(2).random((2, 4, 6, 3))
    np.testing.assert_allclose(to_grid(maps, (4, 6)), maps, atol=1e-12)
    fine = to_grid(maps, (8, 6))
    np.testing.assert_allclose(fine[:, 0], maps[:, 0], atol=1e-12)
    np.testing.assert_allclose(
        fine[:, 1], 0.75 * maps[:, 0] + 0.25 * maps[:, 1], atol=1e-12
    )
    coarse = to_grid(maps, (4, 3))
    expected = maps.reshape(2, 4, 3, 2, 3).mean(3)
    np.testing.assert_allclose(coarse, expected, atol=1e-12)
    np.testing.assert_allclose(to_grid(np.ones((1, 7, 7, 1)), (16, 5)), 1, atol=1e-12)


def test_batches_do_not_matter(monkeypatch):
    """A picture has the same rows alone, and in a batch that goes in parts (exact)."""
    model = Colours()
    embeddings = PatchEmbeddings(model)
    whole = embeddings.of(IMAGES, (4, 6))
    monkeypatch.setattr("semcom_phy.knowledge_base.patch_embeddings._AT_ONCE", 2)
    np.testing.assert_array_equal(embeddings.of(IMAGES, (4, 6)), whole)
    assert model.asked == [5, 2, 2, 1]
    np.testing.assert_array_equal(embeddings.of(IMAGES[3:4], (4, 6))[0], whole[3])


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError):
        PatchEmbeddings(Colours()).of(IMAGES / 255.0, (4, 4))
