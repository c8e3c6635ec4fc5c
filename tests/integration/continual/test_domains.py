"""What is learned one after the other."""

import json

import numpy as np
import pytest

from link_models.training.continual import captioned, domains
from link_models.training.continual.domains import (
    BLOCK,
    EVERY,
    REST,
    Domain,
    flickr8k_domains,
    paper_domains,
    topic_of,
)


@pytest.fixture
def flickr8k(tmp_path, monkeypatch):
    """Three blocks of captions that are held back, and all before them."""
    subjects = ("A dog", "Two surfers", "A girl")
    lines = [f"{subjects[i % 3]} number {i} ." for i in range(3 * BLOCK * EVERY)]
    lines[0] = lines[-3]  # one caption twice
    folder = tmp_path / "captions"
    folder.mkdir()
    (folder / "flickr8k.txt").write_text("\n".join(lines))
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    return lines


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("a dog in the snow", "dog"),
        ("a man in the snow", "water, snow, sport"),
        ("the hotdog stand", REST),
    ],
)
def test_topic_by_words(text, topic):
    """The first topic of which there is a whole word."""
    assert topic_of(text) == topic


def test_topics_of_flickr8k(flickr8k):
    """Every caption is in one part of one topic; whole blocks are held back."""
    found = flickr8k_domains()
    assert [domain.name for domain in found] == ["dog", "water, snow, sport", REST]
    learned = [text for domain in found for text in domain.training]
    tested = [text for domain in found for text in domain.test]
    assert not set(learned) & set(tested)
    assert len(tested) == 3 * BLOCK
    assert len(learned) == len(flickr8k) - 3 * BLOCK - 1  # the one that is there twice
    for domain in found:
        assert all(topic_of(text) == domain.name for text in domain.training)
        assert set(domain.groups) == {EVERY - 1, 2 * EVERY - 1, 3 * EVERY - 1}
        about = domain.describe()
        assert about["test_captions"] == len(domain.test)
        assert about["share_of_test_seen_in_training"] == 0


class Parrot:
    """A captioner that counts how often it is asked."""

    def __init__(self, says):
        self.identity, self.says, self.asked = {"model": says}, says, 0

    def caption(self, images):
        self.asked += len(images)
        return [f"A  {self.says} {image.mean():.0f}" for image in images]


def test_captions_are_kept_by_picture_and_captioner(tmp_path, monkeypatch):
    """Asked once; another captioner or other pictures are asked anew."""
    models = {name: Parrot(name) for name in ("bird", "cat")}
    monkeypatch.setattr(captioned, "find_captioner", models.get)
    images = np.arange(100, dtype="uint8")[:, None, None, None] * np.ones(
        (1, 16, 16, 3), "uint8"
    )
    first, identity = captioned.captions_of(images, "bird", tmp_path, "x")
    assert (first[7], identity) == ("a bird 7", {"model": "bird"})
    assert captioned.captions_of(images, "bird", tmp_path, "x")[0] == first
    assert models["bird"].asked == 100
    assert captioned.captions_of(images, "cat", tmp_path, "x")[0][7] == "a cat 7"
    captioned.captions_of(images[:5], "bird", tmp_path, "x")
    assert models["bird"].asked == 105


def test_domains_of_the_paper(tmp_path, monkeypatch):
    """In its order, test pictures apart; how many test captions are new is told."""

    class Found:
        provenance = {"source": "here"}

        def __init__(self, name, split):
            first = 0 if split == "train" else 4
            value = np.arange(first, first + 8, dtype="uint8")
            self.images = np.tile(value[:, None, None, None], (1, 16, 16, 3))

    monkeypatch.setattr(
        domains, "labelled_set", lambda name, split: (Found(name, split), None)
    )
    monkeypatch.setattr(captioned, "find_captioner", Parrot)
    found = paper_domains("it", tmp_path)
    assert [domain.name for domain in found] == ["cifar10", "birds525", "catsdogs"]
    about = found[0].describe()
    assert about["share_of_test_seen_in_training"] == 0.5
    assert about["captioner"] == {"model": "it"}
    assert json.dumps(about)
    assert len(found[1].groups) == len(found[1].test) == 8


def test_a_domain_without_captions_is_refused():
    """By its name."""
    with pytest.raises(ValueError, match="'empty' has no test captions"):
        Domain("empty", ("a",), (), ())
