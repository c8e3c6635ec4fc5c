"""What is said of the picture that looks most alike."""

import json

import numpy as np
import pytest
from PIL import Image

from semcom_phy.knowledge_base.captioner import find_captioner, nearest
from semcom_phy.knowledge_base.captioner.nearest import NearestCaptioner
from semcom_phy.sources.samples import Samples

TRAIN = {"dataset": "colours", "split": "train"}
COLOURS = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250)], np.uint8)
TEXTS = (("a red thing", "crimson"), ("a green thing",), ("a blue thing",))


class MeanColour:
    """A picture is its mean colour."""

    identity = {"model": "mean colour"}

    def __init__(self):
        self.asked = []

    def image_features(self, images):
        self.asked.append(len(images))
        mean = images.mean((1, 2)).astype("float32")
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def plain(colours, side=16):
    return np.tile(np.asarray(colours, np.uint8)[:, None, None], (1, side, side, 1))


def test_the_nearest_picture_gives_its_first_caption():
    """Whatever its size, and each picture once (exact)."""
    encoder = MeanColour()
    model = NearestCaptioner(Samples(plain(COLOURS), None, TRAIN, TEXTS), encoder)
    seen = plain([(20, 200, 10), (90, 80, 240), (200, 50, 50)], 24)
    told = ["a green thing", "a blue thing", "a red thing"]
    assert model.caption(seen) == told
    assert model.caption(seen[1:]) == told[1:] and encoder.asked == [3, 3]


def test_classes_are_said_where_there_are_no_captions():
    """As a prompt of their names (exact)."""
    labels = np.array([0, 1, 0])
    samples = Samples(
        plain(COLOURS), None, TRAIN, labels=labels, class_names=("Cat", "Dog")
    )
    model = NearestCaptioner(samples, MeanColour())
    assert model.caption(plain(COLOURS[1:])) == ["a photo of a dog", "a photo of a cat"]


def test_what_it_is_is_told():
    """Pictures, texts and encoder are in the identity."""
    samples = Samples(plain(COLOURS), None, TRAIN, TEXTS)
    identity = NearestCaptioner(samples, MeanColour()).identity
    assert json.loads(json.dumps(identity)) == identity
    assert identity["encoder"] == {"model": "mean colour"}
    others = Samples(plain(COLOURS), None, TRAIN, TEXTS[::-1])
    assert NearestCaptioner(others, MeanColour()).identity != identity


def test_test_images_and_nameless_ones_are_refused():
    """What both ends hold is never what is sent."""
    test = TRAIN | {"split": "test"}
    with pytest.raises(ValueError, match="give its split train"):
        NearestCaptioner(Samples(plain(COLOURS), None, test, TEXTS), MeanColour())
    with pytest.raises(ValueError, match="neither captions nor classes"):
        NearestCaptioner(Samples(plain(COLOURS), None, TRAIN), MeanColour())


def test_found_by_name(tmp_path, monkeypatch):
    """Pictures of the folder's split train (exact); a missing one is one line."""
    from semcom_phy.knowledge_base import dual_encoder

    monkeypatch.setattr(dual_encoder, "find_dual_encoder", lambda name: MeanColour())
    for split, colour in (("train", COLOURS[0]), ("test", COLOURS[1])):
        (tmp_path / split).mkdir()
        Image.fromarray(plain([colour], 64)[0]).save(tmp_path / split / f"{split}.png")
    lines = ["image,caption", "train.png,held", "test.png,sent"]
    (tmp_path / "captions.txt").write_text("\n".join(lines))
    model = find_captioner(f"nearest:{tmp_path}")
    assert isinstance(model, nearest.NearestCaptioner)
    assert model.caption(plain(COLOURS[1:2])) == ["held"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_captioner("nearest:nowhere")
