"""Text-to-image pipelines of diffusers, on a tiny Stable Diffusion made here."""

import json

import numpy as np
import pytest
from tiny_diffusion import SIDE, save_stable_diffusion

from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.generator.pipeline import PipelineGenerator
from semcom_phy.knowledge_base.loading import folder_identity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_stable_diffusion(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def generator(folder):
    return PipelineGenerator(folder, steps=2)


def test_pictures_have_the_shape_and_size_that_is_asked_for(generator):
    """uint8 of the pipeline's own side, or of any size and aspect ratio."""
    own = generator.generate(["a cat", "a dog"], seed=1, num=2)
    assert own.shape == (2, 2, SIDE, SIDE, 3) and own.dtype == np.uint8
    assert own.std() > 0
    assert generator.generate(["a cat"], 1, size=(21, 30)).shape == (1, 1, 21, 30, 3)


def test_a_picture_depends_on_seed_caption_and_number_alone(generator):
    """Not on the captions beside it, nor on how many are asked for."""
    several = generator.generate(["a dog", "a cat"], seed=5, num=2)
    alone = generator.generate(["a cat"], seed=5, num=1)
    np.testing.assert_array_equal(several[1, :1], alone[0])
    assert (several[1, 0] != several[1, 1]).any()
    assert (several[0] != several[1]).any()
    assert (generator.generate(["a cat"], seed=6)[0] != alone[0]).any()


def test_a_folder_is_found_by_its_name(folder):
    """As any name that no embedded generator has; the identity is plain JSON."""
    found = find_generator(folder)
    assert isinstance(found, PipelineGenerator)
    identity = json.loads(json.dumps(found.identity))
    settings = {"steps": 30, "guidance": 7.5, "side": SIDE}
    assert identity == folder_identity(folder, **settings)


def test_what_is_missing_or_something_else_is_one_clear_line(folder, tmp_path):
    """No folder, and a folder that holds only a part of a pipeline."""
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        find_generator(tmp_path / "nowhere")
    with pytest.raises((FileNotFoundError, ValueError), match="text-to-image"):
        find_generator(folder / "unet")


def test_weights_that_are_no_safetensors_are_not_read(folder, tmp_path):
    """Pickled weights are refused, even where nothing else is there."""
    import shutil

    copy = shutil.copytree(folder, tmp_path / "pickled")
    (weights,) = (copy / "unet").glob("*.safetensors")
    weights.rename(copy / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="safetensors"):
        PipelineGenerator(copy)


def test_a_picture_that_is_blacked_out_is_drawn_again(folder, monkeypatch):
    """The next draw takes its place; where all are refused, the caption is named."""
    generator = PipelineGenerator(folder, steps=2)
    plain = generator.generate(["a cat"], seed=1)
    refused = []

    def refuse_the_first(image, device, dtype):
        flagged = len(refused) < num_refused
        refused.append(flagged)
        return (image * 0 if flagged else image), [flagged]

    monkeypatch.setattr(generator._pipeline, "run_safety_checker", refuse_the_first)
    num_refused = 1
    again = generator.generate(["a cat"], seed=1)
    assert refused == [True, False]
    assert again.std() > 0 and (again != plain).any()
    num_refused = 99
    with pytest.raises(ValueError, match="blacked out 4 draws of 'a cat'"):
        generator.generate(["a cat"], seed=1)


@pytest.mark.parametrize(
    "captions, num, size, match",
    [
        ("a cat", 1, None, "list of texts"),
        ([], 1, None, "list of texts"),
        (["a cat", " "], 1, None, "caption is ' '"),
        (["a cat"], 0, None, "num is 0"),
        (["a cat"], 1, (32,), "size is"),
        (["a cat"], 1, (32, 0), "size is"),
    ],
)
def test_a_request_that_is_none_is_refused(generator, captions, num, size, match):
    """With the value and what is to be given."""
    with pytest.raises(ValueError, match=match):
        generator.generate(captions, 1, num, size)
