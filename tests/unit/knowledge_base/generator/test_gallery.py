"""Pictures found by their captions."""

import json

import numpy as np
import pytest
from tiny_generator import WordHashes, smooth_pictures

from benchmarks.generator_classes import grid, recognised, row_of
from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.generator.gallery import Gallery
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.samples import Samples

IMAGES = smooth_pictures(12)
TRAIN = {"dataset": "drawn", "split": "train"}


@pytest.fixture(scope="module")
def of_classes():
    labels = np.arange(12) % 3
    samples = Samples(
        IMAGES, None, TRAIN, labels=labels, class_names=("Cat", "Dog", "SHIP")
    )
    return Gallery(samples, WordHashes())


def _places(pictures):
    """Which of IMAGES they are."""
    return [int(np.flatnonzero((IMAGES == one).all((1, 2, 3)))[0]) for one in pictures]


def test_pictures_of_the_class_come_first_each_of_them_once(of_classes):
    """Four of twelve, then others; the order is the seed's."""
    found = _places(of_classes.generate(["a photo of a dog"], seed=1, num=12)[0])
    assert sorted(found) == list(range(12))
    assert {i % 3 for i in found[:4]} == {1}
    orders = {
        tuple(_places(of_classes.generate(["a photo of a dog"], seed, num=4)[0]))
        for seed in range(5)
    }
    assert len(orders) > 1


def test_a_picture_depends_on_seed_caption_and_number_alone(of_classes):
    """Not on the captions beside it, nor on how many are asked for."""
    several = of_classes.generate(["a photo of a ship", "a photo of a cat"], 3, num=4)
    alone = of_classes.generate(["a photo of a cat"], 3, num=2)
    np.testing.assert_array_equal(several[1, :2], alone[0])


def test_captions_are_found_by_their_words():
    """The picture whose caption has most in common; brought to the size."""
    texts = tuple((f"a {word} on a table", "any") for word in "abcdefghijkl")
    gallery = Gallery(Samples(IMAGES, None, TRAIN, texts=texts), WordHashes())
    found = gallery.generate(["an old e on the table", "the k"], seed=1)
    assert _places(found[:, 0]) == [4, 10]
    assert gallery.generate(["the k"], 1, size=(16, 40)).shape == (1, 1, 16, 40, 3)
    json.dumps(gallery.identity)


def test_test_images_and_nameless_ones_are_refused(of_classes):
    """A gallery never holds what is sent."""
    split = {"dataset": "drawn", "split": "test"}
    with pytest.raises(ValueError, match="give its split train"):
        Gallery(Samples(IMAGES, None, split, texts=(("a",),) * 12), WordHashes())
    with pytest.raises(ValueError, match="neither captions nor classes"):
        Gallery(Samples(IMAGES, None, TRAIN), WordHashes())
    with pytest.raises(ValueError, match="13 pictures .* holds 12"):
        of_classes.generate(["a cat"], 1, num=13)


def test_the_gallery_of_photographs_is_found_by_name():
    """An astronaut is the first one, at its own size."""
    gallery = find_generator("gallery")
    first = load_samples("photographs", size=256).images[0]
    found = gallery.generate(["a portrait of an astronaut"], seed=1)
    np.testing.assert_array_equal(found[0, 0], first)


def test_a_missing_data_set_is_one_clear_line():
    """With its name and the remedy."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_generator("gallery:nowhere")


def test_the_benchmark_counts_what_a_classifier_recognises(of_classes):
    """One that knows the pictures finds all; half of them when it is told half."""

    class Knowing:
        class_names = ("Cat", "Dog", "SHIP")

        def probabilities(self, images):
            return np.eye(3)[[place % 3 for place in _places(images)]]

    pictures, hits, seconds = recognised(of_classes, Knowing(), num=4, seed=1)
    assert hits.shape == (3, 4) and hits.all() and seconds > 0
    hits[:, ::2] = False
    row = row_of("gallery", hits, seconds, Knowing.class_names)
    assert row["recognised"] == 0.5 and row["num_pictures"] == 12
    assert row["ci95"][0] < 0.5 < row["ci95"][1]
    assert row["chance"] == pytest.approx(1 / 3)
    whole = grid(pictures)
    np.testing.assert_array_equal(whole[32:64, 64:96], pictures[1, 2])
