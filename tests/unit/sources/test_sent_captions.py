"""What is sent of a data set where captions are sent."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.knowledge_base import captioner as captioners
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.photographs import CAPTIONS
from semcom_phy.sources.sample_photographs import SAMPLE_PHOTOGRAPHS
from semcom_phy.sources.samples import hashes_beside
from semcom_phy.sources.sent_captions import (
    captions_of_pictures,
    load_captioned_images,
    load_sent_captions,
)


class Measure:
    """Says how large a picture is, and how red its first pixel."""

    identity = {"model": "measure", "version": 1}

    def __init__(self):
        self.shown = []

    def caption(self, images):
        self.shown.append(len(images))
        height, width = images.shape[1:3]
        return [f"{height} by {width} of {i[0, 0, 0]}" for i in images]


@pytest.fixture(autouse=True)
def measure(monkeypatch):
    """A captioner by the names "measure" and "embedded"."""
    model = Measure()
    for name in ("measure", "embedded"):
        monkeypatch.setitem(captioners.CAPTIONERS, name, lambda: model)
    return model


@pytest.fixture
def folder(tmp_path):
    """Four plain pictures of different sizes, three of them with captions."""
    for i, side in enumerate((32, 64, 64, 700)):
        picture = Image.new("RGB", (side, side), (10 * i, 0, 0))
        picture.save(tmp_path / f"{i}.png")
    return tmp_path


def with_captions(folder, *lines):
    (folder / "captions.txt").write_text("\n".join(["image,caption", *lines]))


OWN = ("0.png,a dog", "0.png,two dogs", "1.png,a cat", "2.png,one", "2.png,two")


def test_the_first_caption_of_every_image_is_the_only_reference(folder):
    """The data set's own where it has any; every image stands for itself (exact)."""
    with_captions(folder, *OWN)
    samples = load_sent_captions(folder, size=16)
    assert samples.texts == (("a dog",), ("a cat",), ("one",))
    assert samples.groups is None
    about = samples.provenance
    assert (about["captioner"], about["unit"], about["num_captions"]) == (
        "data",
        "caption",
        3,
    )
    assert about["texts_sha256"] != load_samples(folder).provenance["texts_sha256"]


def test_every_caption_is_a_sample_of_its_own_in_the_group_of_its_image(folder):
    """First ones first; an image with fewer captions has fewer samples (exact)."""
    with_captions(folder, *OWN)
    samples = load_sent_captions(folder, "data", 5, 16)
    said = [text for (text,) in samples.texts]
    assert said == ["a dog", "a cat", "one", "two dogs", "two"]
    assert samples.groups == (0, 1, 2, 0, 2)
    assert samples.images[:, 0, 0, 0].tolist() == [0, 10, 20, 0, 20]
    about = samples.provenance
    assert (about["num_captions"], about["num_images"]) == (5, 3)
    assert about["groups"] == {"count": 3, "rule": "image"}


def test_groups_of_the_data_set_stay(folder):
    """Captions of pictures of one subfolder are alike, too (exact)."""
    for i in range(2):
        (folder / f"sub{i}").mkdir()
        (folder / f"{i}.png").rename(folder / f"sub{i}" / f"{i}.png")
    with_captions(folder, "0.png,a", "0.png,b", "1.png,c", "1.png,d")
    samples = load_sent_captions(folder, None, 2, 16, group_by="folder")
    assert samples.groups == ("sub0", "sub1", "sub0", "sub1")
    assert samples.provenance["groups"] == {"count": 2, "rule": "subfolder"}


def test_a_captioner_sees_pictures_with_as_many_pixels_as_they_have(folder, measure):
    """Not at the size beside the captions, though never above 512 (exact)."""
    samples = load_sent_captions(folder, "measure", size=16)
    sizes = ("32 by 32 of 0", "64 by 64 of 10", "64 by 64 of 20", "512 by 512 of 30")
    assert samples.texts == tuple((text,) for text in sizes)
    assert samples.images.shape == (4, 16, 16, 3)
    assert samples.provenance["captioner"] == Measure.identity
    assert samples.provenance["source"].endswith("captions said by measure")
    assert measure.shown == [1, 2, 1]  # those of one size together
    wide = load_sent_captions(folder, "measure", size=(16, 32))
    assert [wide.texts[i][0] for i in (1, 3)] == ["32 by 64 of 10", "256 by 512 of 30"]


def test_captions_of_many_pictures_are_asked_for_in_batches(measure):
    """Of at most 32 (exact)."""
    pictures = (np.full((16, 16, 3), i, np.uint8) for i in range(70))
    found = captions_of_pictures(measure, pictures)
    assert found == [f"16 by 16 of {i}" for i in range(70)]
    assert measure.shown == [32, 32, 6]


def test_without_captions_the_embedded_captioner_says_them(folder):
    """And the draw is that of the images (exact)."""
    samples = load_sent_captions(folder, size=16, num_images=2, seed=5)
    assert samples.texts[0][0].endswith(f"of {samples.images[0, 0, 0, 0]}")
    expected = load_samples(folder, 2, 16, seed=5)
    np.testing.assert_array_equal(samples.images, expected.images)
    assert samples.provenance["captioner"]["model"] == "measure"


def test_labels_and_masks_stay_beside_their_captions(tmp_path):
    """As of the images (exact)."""
    from semcom_phy.sources.packed_pictures import _MEMBERS

    files, offset = [], [0]
    for i in range(4):
        path = tmp_path / "one.webp"
        Image.new("RGB", (16, 16), (60 * i, 0, 0)).save(path, lossless=True)
        files.append(np.frombuffer(path.read_bytes(), np.uint8))
        offset.append(offset[-1] + len(files[-1]))
    path.unlink()
    names = np.array([f"{'ab'[i % 2]}/{i}.webp" for i in range(4)])
    masks = np.random.default_rng(1).integers(0, 2, (4, 16, 16), np.uint8)
    values = np.concatenate(files), np.array(offset), names
    np.savez(
        tmp_path / "test.npz",
        **dict(zip(_MEMBERS, values, strict=True)),
        labels=np.arange(4) % 2,
        masks=np.packbits(masks, axis=-1),
    )
    samples = load_sent_captions(tmp_path, "measure", size=16)
    assert samples.labels.tolist() == [0, 1, 0, 1]
    assert samples.class_names == ("a", "b")
    np.testing.assert_array_equal(samples.masks, masks)
    assert hashes_beside(labels=samples.labels).items() <= samples.provenance.items()
    with_captions(tmp_path, "2.webp,c", "2.webp,d", "3.webp,e")
    samples = load_sent_captions(tmp_path, "data", 2, 16)
    np.testing.assert_array_equal(samples.masks, masks[[2, 3, 2]])
    assert hashes_beside(masks=samples.masks).items() <= samples.provenance.items()


def test_every_image_has_one_caption_beside_it(folder):
    """What the captioner says of it as large as it is, whatever the data set says; the
    unit is the image (exact)."""
    with_captions(folder, *OWN)
    samples = load_captioned_images(folder, "measure", 16)
    expected = load_samples(folder, None, 16)
    np.testing.assert_array_equal(samples.images, expected.images)
    sizes = ("32 by 32 of 0", "64 by 64 of 10", "64 by 64 of 20")
    assert samples.texts == tuple((text,) for text in sizes)
    about = samples.provenance
    assert about["captioner"] == Measure.identity and "unit" not in about
    assert about["source"].endswith("captions said by measure")
    assert about["texts_sha256"] == hashes_beside(samples.texts)["texts_sha256"]
    assert about["texts_sha256"] != expected.provenance["texts_sha256"]
    own = load_captioned_images(folder, "data", 16)
    assert own.texts == (("a dog",), ("a cat",), ("one",))
    assert own.provenance["captioner"] == "data"
    assert hashes_beside(own.texts).items() <= own.provenance.items()


def test_masks_and_groups_stay_beside_captioned_images(folder):
    """Also of a draw (exact)."""
    for name in ("images", "ground_truth_mask"):
        (folder / name).mkdir()
    for i in range(4):
        (folder / f"{i}.png").rename(folder / "images" / f"{i}_0.png")
        side = (32, 64, 64, 700)[i]
        mask = Image.new("L", (side, side), 255 * (i % 2))
        mask.save(folder / "ground_truth_mask" / f"{i}_0.png")
    options = {"num_images": 3, "seed": 2, "group_by": "name"}
    samples = load_captioned_images(folder, "measure", 16, **options)
    for image, mask, group, (text,) in zip(
        samples.images, samples.masks, samples.groups, samples.texts, strict=True
    ):
        number = image[0, 0, 0] // 10
        assert group == str(number) and text.endswith(f" of {10 * number}")
        assert (mask == number % 2).all()


def test_an_image_of_which_nothing_is_said_has_an_empty_caption(folder, measure):
    """It is sent all the same, and the provenance counts it (exact)."""
    measure.caption = lambda images: ["" if i[0, 0, 0] == 20 else "x" for i in images]
    samples = load_captioned_images(folder, "measure", 16)
    assert samples.texts == (("x",), ("x",), ("",), ("x",))
    source = samples.provenance["source"]
    assert source.endswith("said by measure, which says nothing of 1 of them")


def test_a_captioner_is_asked_the_question(folder, monkeypatch):
    """Captions of a data set, or of one without a question, are not (exact)."""
    asked = []

    def find(name, question=None):
        asked.append((name, question))
        return Measure()

    monkeypatch.setattr("semcom_phy.sources.sent_captions.find_captioner", find)
    load_captioned_images(folder, "model", 16, question="why")
    load_sent_captions(folder, "model", 1, 16)
    assert asked == [("model", "why"), ("model", None)]


@pytest.mark.parametrize(
    "options, told",
    [
        ({"captioner": "data"}, "captioner is 'data', but .* has no captions"),
        ({"captioner": "measure", "per_image": 2}, "captions_per_image is 2, but a"),
        ({"per_image": 0}, "captions_per_image is 0; give at least 1"),
        ({"dataset": "nowhere"}, "no such folder"),
        ({"captioner": "./no_such_model"}, "no_such_model"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(folder, options, told):
    options = {"dataset": folder} | options
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        load_sent_captions(**options)


def test_an_empty_caption_is_refused(folder, monkeypatch, measure):
    """With the image that it is of."""
    monkeypatch.setattr(measure, "caption", lambda images: [" "] * len(images))
    with pytest.raises(ValueError, match="the caption of image 1 of .* is empty"):
        load_sent_captions(folder, "measure")


def test_a_file_of_captions_has_nothing_to_look_at(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("a dog\na cat\n")
    samples = load_sent_captions(path, size=16, group_by="picture", strict=False)
    assert samples.texts == (("a dog",), ("a cat",)) and not samples.has_pictures
    assert samples.provenance["captioner"] == "data"
    with pytest.raises(ValueError, match="captioner is 'tags', but .* no pictures"):
        load_sent_captions(path, "tags")
    with pytest.raises(ValueError, match="group_by is 'name', .* leave both out"):
        load_sent_captions(path, group_by="name")
    assert len(load_sent_captions(path, "data", 3)) == 2


def test_photographs_have_captions_of_their_own():
    """All twelve, whole, five different captions each, and nothing else to install."""
    samples = load_sent_captions("photographs", None, 5, 16)
    assert len(samples) == 60 and samples.provenance["groups"]["count"] == 12
    assert len(CAPTIONS) == len(SAMPLE_PHOTOGRAPHS)
    assert len({text for (text,) in samples.texts}) == 60
    assert samples.provenance["captioner"] == "data"
