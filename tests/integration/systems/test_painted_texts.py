"""Received texts that become images."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_systems import WordsOverAir

from link_models.systems.captions.painted_texts import PaintedTexts, Painter
from scenarios.caption_awgn import SCENARIO
from semcom_phy.seeding import derived_seed
from semcom_phy.sources.samples import Samples

COLOR = (9, 8, 7)
TEXTS = tuple((f"a dog number {i} runs over the hill",) for i in range(12))
IMAGES = np.zeros((12, 16, 24, 3), np.uint8)
SAMPLES = Samples(IMAGES, None, {}, TEXTS)
SEEDS = [derived_seed(1, i) for i in range(12)]


class Colours:
    """A plain picture of a colour that follows from caption and seed."""

    identity = {"model": "colours"}

    def __init__(self):
        self.asked = []

    def generate(self, captions, seed, num=1, size=None):
        self.asked += [(text, seed) for text in captions]
        rows = [np.random.default_rng([seed, len(t)]) for t in captions]
        colours = [rng.integers(10, 256, (num, 1, 1, 3), np.uint8) for rng in rows]
        return np.stack([np.tile(c, (1, *size, 1)) for c in colours])


@pytest.fixture
def system():
    return PaintedTexts(WordsOverAir(), Painter(Colours()), COLOR)


def transmit(system, snr_db, samples=SAMPLES, seeds=SEEDS):
    return system.transmit(samples, snr_db, np.ones(len(samples)), seeds)


def test_every_text_has_the_image_of_its_words_and_its_seed(system):
    """Beside the text, of the size that was sent; the mean colour where nothing
    arrived (exact)."""
    sent = transmit(system, 4.0)
    plain = WordsOverAir().transmit(SAMPLES, 4.0, np.ones(12), SEEDS)
    assert sent.delivered.texts == plain.delivered.texts
    np.testing.assert_array_equal(sent.outage, plain.outage)
    assert 0 < sent.outage.sum() < 12
    images = sent.delivered.images
    assert images.shape == IMAGES.shape and images.dtype == np.uint8
    for i, text in enumerate(sent.delivered.texts):
        expected = np.broadcast_to(COLOR, (16, 24, 3))
        if not sent.outage[i]:
            expected = Colours().generate([text], SEEDS[i], size=(16, 24))[0, 0]
        np.testing.assert_array_equal(images[i], expected)


def test_a_text_without_words_that_is_no_outage_is_not_painted(system, monkeypatch):
    """A generator is never asked for nothing."""
    plain = WordsOverAir().transmit(SAMPLES, 60.0, np.ones(12), SEEDS)
    texts = [" ", *plain.delivered.texts[1:]]
    delivered = plain.delivered._replace(texts=texts)
    blank = replace(plain, delivered=delivered)
    monkeypatch.setattr(system.system, "transmit", lambda *given: blank)
    images = transmit(system, 60.0).delivered.images
    assert np.all(images[0] == COLOR) and np.all(images[1:] >= 10)


def test_a_text_of_a_seed_is_painted_once(system):
    """At all SNRs and by all systems that share the painter (exact)."""
    first = transmit(system, 60.0)
    other = PaintedTexts(WordsOverAir(), system.painter, COLOR)
    again = transmit(other, 61.0)
    np.testing.assert_array_equal(first.delivered.images, again.delivered.images)
    asked = system.painter.generator.asked
    assert len(asked) == len(set(asked)) == 12
    transmit(system, 60.0, seeds=SEEDS[::-1])
    assert len(asked) == 24


def test_all_lost_is_all_mean_colour(system):
    """And the generator is left alone."""
    sent = transmit(system, -60.0)
    assert sent.outage.all() and np.all(sent.delivered.images == COLOR)
    assert system.painter.generator.asked == []


def test_what_the_receiver_holds_is_told(system):
    """The generator, in words and by its identity (exact)."""
    about = system.describe()
    assert about["knows"] == ["average SNR", "captioner and image generator"]
    assert about["generator"] == {"model": "colours"}
    assert about["outage_color"] == list(COLOR)
    assert (system.name, system.title) == ("words", "Words")


def test_a_scenario_without_generation_leaves_systems_alone():
    plain = WordsOverAir()
    assert SCENARIO.at_receiver(plain) is plain


@pytest.mark.parametrize(
    "values, told",
    [
        ({"generator": "gallery:cifar10"}, "no image is generated: give --generate"),
        (
            {"generate": True, "generator": "gallery"},
            "generator 'gallery' holds the pictures of 'photographs'",
        ),
    ],
)
def test_generators_that_do_not_fit_are_refused(values, told):
    with pytest.raises(ValueError, match=told):
        replace(SCENARIO, **values)


def test_the_embedded_generator_is_the_default():
    assert replace(SCENARIO, generate=True).generator == "embedded"
