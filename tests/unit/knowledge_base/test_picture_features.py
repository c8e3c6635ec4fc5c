"""Rows of places and prompts, with a CNN and a dual encoder that are plain to see."""

import json

import numpy as np
import pytest
from tiny_transformers import save_tiny_clip, save_tiny_resnet

from semcom_phy.knowledge_base.cnn import find_cnn
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.knowledge_base.picture_features import PictureFeatures

PROMPTS = ["blue", "red", "green"]
_AXES = {"red": 0, "green": 1, "blue": 2}


class Blocks:
    """A CNN of 2x2 places: the pixel in the corner of each."""

    identity = {"model": "blocks"}
    grid, width = (2, 2), 3

    def __init__(self):
        self.asked = []

    def maps(self, images):
        self.asked.append(len(images))
        return images[:, ::16, ::16].astype("float32")


class Colours:
    """A dual encoder that knows three words, in five dimensions."""

    identity = {"model": "colours"}

    def text_features(self, texts):
        return np.eye(5, dtype="float32")[[_AXES[text] for text in texts]]

    def image_features(self, images):
        found = np.zeros((len(images), 5), "float32")
        found[:, :3] = images.mean((1, 2))
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def features():
    return PictureFeatures(Blocks(), Colours(), PROMPTS, 2)


def painted(*colours):
    """Pictures of 32x32 of one colour each."""
    return np.array(colours, "uint8")[:, None, None] * np.ones((32, 32, 1), "uint8")


def test_rows_of_places_then_of_prompts(features):
    """Places row by row, prompts as unit vectors, zeros behind both (exact)."""
    images = painted((10, 20, 200))
    images[0, 16:, :16] = (90, 91, 92)
    rows = features.of(images)
    assert (features.places, features.cnn_width, features.text_width) == (4, 3, 5)
    assert rows.shape == (1, 4 + 2, features.row_width) == (1, 6, 5)
    assert rows.dtype == np.float16
    np.testing.assert_array_equal(rows[0, :4, :3], images[0, ::16, ::16].reshape(4, 3))
    np.testing.assert_array_equal(rows[0, 2, :3], (90, 91, 92))
    assert (rows[0, :4, 3:] == 0).all()
    np.testing.assert_array_equal(rows[0, 4:], np.eye(5)[[2, 1]])  # blue, green


def test_the_same_prompts_are_the_same_rows(features):
    """Whichever of them is the better one: their order is that of the list."""
    images = painted((200, 10, 100), (100, 10, 200))
    numbers = features.prompt_numbers(images)
    assert numbers.dtype == np.int32
    np.testing.assert_array_equal(numbers, [[0, 1], [0, 1]])
    rows = features.of(images)[:, features.places :]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0, :, :5], features.text_rows[numbers[0]])


def test_in_blocks_of_fifty(features):
    """As many as are asked for, none beside another (exact)."""
    images = np.random.default_rng(1).integers(0, 256, (120, 32, 32, 3), np.uint8)
    rows = features.of(images)
    assert features._cnn.asked == [50, 50, 20]
    np.testing.assert_array_equal(features.of(images[77:78])[0], rows[77])
    assert features.of(images[:0]).shape == (0, 6, 5)
    assert features.prompt_numbers(images[:0]).shape == (0, 2)


def test_identity_tells_everything_apart(features):
    """Another list, order, number of prompts or model is another identity."""
    identity = json.loads(json.dumps(features.identity))
    assert identity["cnn"] == Blocks.identity and identity["num_prompts"] == 2
    same = PictureFeatures(Blocks(), Colours(), tuple(PROMPTS), 2)
    assert same.identity == identity
    for prompts, num in ((PROMPTS[::-1], 2), (PROMPTS[:2], 2), (PROMPTS, 3)):
        other = PictureFeatures(Blocks(), Colours(), prompts, num)
        assert other.identity != identity


@pytest.mark.parametrize(
    ("prompts", "num", "message"),
    [
        (["red", "blue", "red"], 2, "prompts holds 'red' twice"),
        (PROMPTS, 4, "num_prompts must be from 1 to 3, got 4"),
        (PROMPTS, 0, "num_prompts must be from 1 to 3, got 0"),
        ("red", 1, "prompts is one text, 'red'"),
    ],
)
def test_bad_lists_and_numbers_are_refused(prompts, num, message):
    """In one line with the value."""
    with pytest.raises(ValueError, match=message):
        PictureFeatures(Blocks(), Colours(), prompts, num)


def test_models_of_transformers(tmp_path):
    """A tiny ResNet and a tiny CLIP go together; finite numbers, unit vectors of the
    prompts (2e-3, 16 bits), here the narrower ones."""
    cnn = find_cnn(save_tiny_resnet(tmp_path / "resnet"))
    encoder = find_dual_encoder(save_tiny_clip(tmp_path / "clip"))
    features = PictureFeatures(cnn, encoder, ["a cat", "grass", "red"], 2)
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    rows = features.of(images)
    assert rows.shape == (3, 16 + 2, 16) and np.isfinite(rows).all()
    norms = np.linalg.norm(rows[:, 16:].astype("float32"), axis=-1)
    np.testing.assert_allclose(norms, 1, atol=2e-3)
    assert (rows[:, 16:, 12:] == 0).all()
