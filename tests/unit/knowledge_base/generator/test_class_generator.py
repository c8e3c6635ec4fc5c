"""The image generator of classes, with tiny random weights."""

import json

import numpy as np
import pytest
from tiny_generator import save_class_generator

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.generator import classes as module
from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.generator.classes import ClassGenerator, weights_name
from semcom_phy.sources.class_pictures import class_pictures

CAT, ORANGE = "a photo of a cat", "a photo of an orange"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_class_generator(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def generator(folder):
    return ClassGenerator("tiny", folder, steps=2, done=2)


def test_pictures_have_the_shape_and_size_that_is_asked_for(generator):
    """uint8, 32x32 or brought to any size; a class has pictures of its own."""
    own = generator.generate([CAT, ORANGE], seed=1, num=3)
    assert own.shape == (2, 3, 32, 32, 3) and own.dtype == np.uint8
    assert (own[0] != own[1]).any() and (own[0, 0] != own[0, 1]).any()
    assert generator.generate([CAT], 1, size=(20, 50)).shape == (1, 1, 20, 50, 3)


def test_a_picture_depends_on_seed_class_and_number_alone(generator):
    """Not on the classes beside it, how many are asked for, or where one begins, within
    a block of 50 or beyond it (exact)."""
    several = generator.generate([ORANGE, CAT], seed=5, num=60)
    alone = generator.generate([CAT], seed=5, num=2)
    np.testing.assert_array_equal(several[1, :2], alone[0])
    later = generator.generate([CAT], seed=5, num=12, first=45)
    np.testing.assert_array_equal(several[1, 45:57], later[0])
    assert (generator.generate([CAT], seed=6, num=2) != alone).any()


def test_a_class_is_said_in_several_ways(generator):
    """By its name, or by any sentence that stands for a class (exact)."""
    said = ["fire_engine", "a photo of a fire engine", "a close up of a fire engine"]
    pictures = generator.generate(said, seed=1)
    for other in pictures[1:]:
        np.testing.assert_array_equal(other, pictures[0])


def test_bad_requests_are_refused(folder, generator, tmp_path):
    """In one line, with the value and what is to be given."""
    with pytest.raises(ValueError, match="'a dog' is no class.* Cat, orange, fire_en"):
        generator.generate(["a dog"], 1)
    with pytest.raises(ValueError, match="first is -1"):
        generator.generate([CAT], 1, first=-1)
    with pytest.raises(ValueError, match="steps must be"):
        ClassGenerator("tiny", folder, steps=0)
    with pytest.raises(FileNotFoundError, match="generator_classes_tiny.json is miss"):
        ClassGenerator("tiny", tmp_path)


def test_damaged_weights_are_refused(tmp_path):
    """A file that is cut off is none."""
    weights = save_class_generator(tmp_path) / "generator_classes_tiny.h5"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ValueError, match="truncated or altered"):
        ClassGenerator("tiny", tmp_path)


def test_identity_is_plain_and_names_weights_and_settings(folder, generator, tmp_path):
    """Results of other weights or steps are told apart."""
    identity = json.loads(json.dumps(generator.identity))
    assert identity["dataset"] == "tiny" and identity["steps"] == 2
    assert ClassGenerator("tiny", folder, steps=3, done=3).identity != identity
    others = save_class_generator(tmp_path, seed=2)
    assert ClassGenerator("tiny", others, steps=2, done=2).identity != identity


def test_it_is_found_by_its_data_set(monkeypatch):
    """ "classes:NAME" is the generator of that name's weights."""
    monkeypatch.setattr(module, "ClassGenerator", lambda dataset: dataset)
    assert find_generator("classes:sample") == "sample"
    assert weights_name("Tiny ImageNet/24") == "generator_classes_tiny_imagenet_24"


def test_the_pictures_that_it_has_seen(tmp_path):
    """They are drawn again, and refused if the data set is another by now."""
    samples = class_pictures("sample", 24, 3)
    sha256 = array_sha256(samples.images, samples.labels)
    seen = {"dataset": "sample", "most": 24, "seed": 3, "sha256": sha256}
    generator = ClassGenerator("tiny", save_class_generator(tmp_path, seen=seen))
    found = generator.seen()
    np.testing.assert_array_equal(found.images, samples.images)
    np.testing.assert_array_equal(found.labels, samples.labels)
    others = save_class_generator(tmp_path, seen=seen | {"seed": 4})
    with pytest.raises(ValueError, match="'sample' are not those.*restore the data"):
        ClassGenerator("tiny", others).seen()


def test_the_unet_paints_classes_too(tmp_path):
    """From pixels what the other paints from coefficients."""
    config = {"kind": "unet", "channels": [4, 8, 8, 8], "head_width": 4, "groups": 2}
    folder = save_class_generator(tmp_path, config=config)
    generator = ClassGenerator("tiny", folder, steps=1, done=1)
    assert generator.generate(["Cat"], seed=1).shape == (1, 1, 32, 32, 3)
