"""Images that a receiver generates by a caption, and by the mask of the foreground."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_edited import CAPTIONS, TinyEdited, captioned_samples

from link_models.links.radio import build_channel
from link_models.systems.captions.painted_texts import Painter
from link_models.systems.edited import entries
from link_models.systems.edited.entries import CaptionOnly, MaskAndCaption
from link_models.systems.edited.painted_by_mask import NUM_PAINTED, overlap
from link_models.systems.table import build_system
from semcom_phy.phy.segments import ReceivedDigital
from semcom_phy.seeding import image_seeds, sample_fades

SAMPLES = captioned_samples()
COLOR = (126, 123, 114)


class Squares:
    """Generates black pictures with a white square, at a place that follows from
    caption, seed and number."""

    identity = {"model": "squares"}

    def __init__(self):
        self.asked = []

    def generate(self, captions, seed, num=1, size=None):
        self.asked += [(text, seed, num) for text in captions]
        pictures = np.zeros((len(captions), num, *size, 3), np.uint8)
        for row, text in zip(pictures, captions, strict=True):
            for k, picture in enumerate(row):
                rng = np.random.default_rng([seed, len(text), k])
                top, left = 4 * rng.integers(0, 6, 2)
                picture[top : top + 8, left : left + 8] = 255
        return pictures


class PlainMasks:
    """A byte for eight patches."""

    def encode(self, mask):
        return np.packbits(mask.ravel()).tobytes().rstrip(b"\0")

    def decode(self, data, shape):
        num_bytes = -(-shape[0] * shape[1] // 8)
        if len(data) > num_bytes:
            raise ValueError("too long")
        bits = np.unpackbits(np.frombuffer(data.ljust(num_bytes, b"\0"), np.uint8))
        return bits[: shape[0] * shape[1]].reshape(shape)


def masks_of(images):
    """1 where a patch of 4x4 is bright."""
    batch, height, width, _ = images.shape
    patches = images.reshape(batch, height // 4, 4, width // 4, 4, 3)
    return (patches.mean((2, 4, 5)) > 128).astype("uint8")


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    painter = Painter(Squares())
    monkeypatch.setattr(entries, "find_painter", lambda name: painter)
    return painter.generator


ENTRIES = {
    "caption": CaptionOnly("Caption"),
    "mask": MaskAndCaption("Mask", lambda scenario: masks_of, PlainMasks),
}


def build(kind, **options):
    return ENTRIES[kind].build(kind, TinyEdited(**options))


def transmit(system, snr_db, samples=SAMPLES):
    seeds = image_seeds(1, 0, range(len(samples)))
    h = sample_fades(build_channel(TinyEdited()), seeds)
    return system.transmit(samples, snr_db, h, seeds), seeds


def shown_squares(images):
    """SAMPLES with these pictures in the place of its images."""
    return replace(SAMPLES, images=images)


@pytest.mark.parametrize("way", ["coded", "utf8"])
def test_a_caption_alone_becomes_an_image(way):
    """Of what arrived and the seed, and nothing else is sent or charged (exact)."""
    sent, seeds = transmit(build("caption", caption_as=way), 30.0)
    assert [t.lower() for t in sent.delivered.texts] == [c.lower() for c in CAPTIONS]
    for image, text, seed in zip(
        sent.delivered.images, sent.delivered.texts, seeds, strict=True
    ):
        expected = Squares().generate([text], seed, size=(32, 32))[0, 0]
        np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(sent.spent.data, 0)
    np.testing.assert_array_equal(sent.spent.side, sent.figures["caption_symbols"])
    assert not sent.outage.any()
    if way == "coded":
        np.testing.assert_array_equal(sent.spent.side, 112)


@pytest.mark.parametrize("kind", list(ENTRIES))
@pytest.mark.parametrize("snr_db, captions", [(-30.0, CAPTIONS), (30.0, ["", " "])])
def test_without_a_caption_there_is_no_image(kind, snr_db, captions, squares):
    """Lost, or without words: an outage in the mean colour; lost in one case only, and
    nothing is generated (exact)."""
    sent, _ = transmit(build(kind), snr_db, captioned_samples(captions))
    assert sent.outage.all() and np.all(sent.delivered.images == COLOR)
    assert sent.lost["caption"].all() == (snr_db < 0)
    assert squares.asked == []


def test_the_image_whose_mask_fits_is_shown():
    """Of eight, where one of them is what was sent: that one, for every caption; mask
    and caption are charged (exact)."""
    seeds = image_seeds(1, 0, range(4))
    texts = [c.lower() for c in CAPTIONS]
    all_of_them = [
        Squares().generate([text], seed, NUM_PAINTED, size=(32, 32))[0]
        for text, seed in zip(texts, seeds, strict=True)
    ]
    targets = np.stack([own[3 + i] for i, own in enumerate(all_of_them)])
    sent, _ = transmit(build("mask"), 30.0, shown_squares(targets))
    np.testing.assert_array_equal(sent.delivered.images, targets)
    np.testing.assert_array_equal(sent.delivered.features, masks_of(targets))
    np.testing.assert_array_equal(sent.spent.data, 0)
    np.testing.assert_array_equal(sent.spent.side, 144 + 112)
    assert not sent.lost["mask"].any() and np.all(sent.figures["mask_bits"] > 0)


@pytest.mark.parametrize("trouble", ["lost", "damaged"])
def test_without_a_mask_the_first_image_is_shown(trouble, monkeypatch):
    """As of the caption alone, and no outage (exact)."""
    system = build("mask")
    frame = system.system.coder.frame
    split = frame.split
    payload = None if trouble == "lost" else b"x" * 99

    def without(x_hat, no_eff, placed):
        fake = ReceivedDigital([payload] * 4, np.zeros(4, bool))
        return split(x_hat, no_eff, placed) | {"mask": fake}

    monkeypatch.setattr(frame, "split", without)
    # All but the first would fit the empty mask that stands for one that is lost.
    system.masks_of = lambda images: (
        np.eye(len(images), 1)[:, :, None] * np.ones((8, 8))
    )
    sent, _ = transmit(system, 30.0)
    alone, _ = transmit(build("caption"), 30.0)
    assert sent.lost["mask"].all() and not sent.outage.any()
    np.testing.assert_array_equal(sent.delivered.images, alone.delivered.images)


def test_images_are_generated_and_looked_at_once(squares):
    """At every SNR at which the same caption arrives (exact)."""
    system, asked = build("mask"), []

    def counting(images):
        asked.append(len(images))
        return masks_of(images)

    system.masks_of = counting
    transmit(system, 30.0)
    transmit(system, 31.0)
    assert asked == [NUM_PAINTED] * 4 and len(squares.asked) == 4


def test_what_the_systems_know_and_send_is_told():
    """As JSON; one symbol that is not sent makes the frame (exact)."""
    for kind, more in {
        "caption": [],
        "mask": ["network that finds the foreground"],
    }.items():
        about = json.loads(json.dumps(build(kind).describe()))
        known = ["average SNR", "captioner and image generator", *more]
        assert about["knows"] == known
        assert about["generator"] == {"model": "squares"}
        assert about["caption"]["symbols"] == 112
        side = 112 + 144 * (kind == "mask")
        assert about["bandwidth"]["side_info_symbols"] == side
    assert about["mask_symbols"] == 144 and about["painted"] == NUM_PAINTED


def test_overlap_is_intersection_over_union():
    masks = [[[1, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 0], [1, 0]]]
    np.testing.assert_allclose(overlap(masks, [[1, 1], [0, 0]]), [1, 0, 1 / 3])
    np.testing.assert_allclose(overlap(masks[1:2], [[0, 0], [0, 0]]), [1])


def test_the_table_has_the_caption_alone():
    """By its name (exact)."""
    system = build_system("caption_only", TinyEdited())
    sent, _ = transmit(system, 30.0)
    assert system.name == "caption_only" and not sent.outage.any()
