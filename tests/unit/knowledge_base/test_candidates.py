"""Pictures that both ends imagine alike, and what is computed of them."""

import json

import numpy as np
import pytest
from tiny_generator import save_class_generator, smooth_pictures

from semcom_phy.knowledge_base.candidates import Candidates
from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.generator.classes import ClassGenerator
from semcom_phy.knowledge_base.same_candidates import same_in_another_process

TEXT = "a photo of a cat"


class Greys:
    """Paints picture k in grey level k + seed, and counts what it is asked."""

    def __init__(self, name="greys"):
        self.identity = {"model": name}
        self.asked = []

    def generate(self, captions, seed, num=1, size=None, first=0):
        self.asked.append((first, num))
        levels = np.arange(first, first + num) + seed + len(captions[0])
        return np.broadcast_to(
            levels.astype("uint8")[None, :, None, None, None], (1, num, *size, 3)
        )


def test_painted_once_in_blocks(tmp_path):
    """[num, 32, 32, 3], picture by picture; read the second time."""
    generator = Greys()
    candidates = Candidates(generator, 120, 7, tmp_path)
    images = candidates.images("a")
    assert images.shape == (120, 32, 32, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 3, 4, 1], np.arange(120) + 7 + 1)
    assert generator.asked == [(0, 50), (50, 50), (100, 20)]
    np.testing.assert_array_equal(candidates.images("a"), images)
    assert len(generator.asked) == 3


def test_whatever_tells_them_apart(tmp_path):
    """Generator, number, seed and text: none is taken for another."""
    first = Candidates(Greys(), 3, 7, tmp_path)
    first.images("a")
    for generator, num, seed, text in (
        (Greys("others"), 3, 7, "a"),
        (Greys(), 4, 7, "a"),
        (Greys(), 3, 8, "a"),
        (Greys(), 3, 7, "ab"),
    ):
        candidates = Candidates(generator, num, seed, tmp_path)
        candidates.images(text)
        assert len(generator.asked) == 1
        if text == "a":
            assert candidates.identity != first.identity
    json.dumps(first.identity)


def test_many_begin_with_few(tmp_path):
    """Of a generator of classes, whose blocks are as large (exact)."""
    generator = ClassGenerator("tiny", save_class_generator(tmp_path), steps=2, done=2)
    many, few = (
        Candidates(generator, num, 1, tmp_path / "kept").images(TEXT)
        for num in (60, 20)
    )
    np.testing.assert_array_equal(many[:20], few)
    assert len(np.unique(many.reshape(60, -1), axis=0)) == 60


def test_computed_once_in_blocks(tmp_path):
    """Of the very pixels: other keys, or other candidates, are computed anew."""
    candidates = Candidates(Greys(), 120, 7, tmp_path)
    asked = []

    def make(images):
        asked.append(len(images))
        return images[:, 0, :2].astype("float16")

    for _ in range(2):
        found = candidates.computed("a", {"by": "corner"}, make)
        np.testing.assert_array_equal(found, candidates.images("a")[:, 0, :2])
        assert found.dtype == np.float16
    assert asked == [50, 50, 20]
    candidates.computed("a", {"by": "another corner"}, make)
    Candidates(Greys(), 120, 8, tmp_path).computed("a", {"by": "corner"}, make)
    assert len(asked) == 9


def test_altered_pictures_are_painted_anew(tmp_path):
    """A bit in the file does it."""
    generator = Greys()
    candidates = Candidates(generator, 3, 7, tmp_path)
    hash_before = candidates.sha256("a")
    (file,) = tmp_path.glob("*.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert candidates.sha256("a") == hash_before
    assert len(generator.asked) == 2


@pytest.mark.parametrize(("num", "seed"), [(0, 1), (2.5, 1), (3, -1)])
def test_numbers_out_of_range(tmp_path, num, seed):
    """Are refused by name."""
    with pytest.raises(ValueError, match="num must be|seed must be"):
        Candidates(Greys(), num, seed, tmp_path)


@pytest.fixture
def gallery(tmp_path, monkeypatch):
    """The name of a generator that another process finds, too, and that generator."""
    (tmp_path / "data" / "cifar10").mkdir(parents=True)
    np.savez(
        tmp_path / "data" / "cifar10" / "train.npz",
        x_train=smooth_pictures(20),
        y_train=np.arange(20) % 10,
    )
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "data"))
    return "gallery:cifar10", find_generator("gallery:cifar10")


def test_another_process_imagines_the_same(gallery, tmp_path):
    """It is told the name, the number, the seed and the texts, and no pixel."""
    name, generator = gallery
    candidates = Candidates(generator, 3, 5, tmp_path)
    hashes = same_in_another_process(candidates, name, [TEXT])
    assert hashes == {TEXT: candidates.sha256(TEXT)}


def test_another_process_with_others_is_found_out(gallery, tmp_path):
    """Other pixels, another generator and a missing one: one line each, with what to
    do."""
    name, generator = gallery

    class Altered:
        identity = generator.identity

        def generate(self, captions, seed, num=1, size=None, first=0):
            return generator.generate(captions, seed, num, size, first) ^ 1

    candidates = Candidates(Altered(), 3, 5, tmp_path)
    for asked, told, message in (
        (candidates, name, "here and .* in another process: give both ends the same"),
        (Candidates(Greys(), 3, 5, tmp_path), name, "give the name that"),
        (candidates, "gallery:nowhere", "cannot make .*'gallery:nowhere'.*install"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            same_in_another_process(asked, told, [TEXT])
        assert "\n" not in str(error.value)
