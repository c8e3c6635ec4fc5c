"""Editors of diffusers, on tiny random pipelines that are saved and loaded."""

import json
import shutil

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_diffusion import save_stable_diffusion, tiny_parts

from semcom_phy.knowledge_base.editor.pipelines import KINDS, PipelineEditor
from semcom_phy.knowledge_base.loading import folder_identity


def save_instruct_pix2pix(folder):
    diffusers.StableDiffusionInstructPix2PixPipeline(
        **tiny_parts(folder / "parts", in_channels=8), requires_safety_checker=False
    ).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("pipelines")
    return {
        "StableDiffusionPipeline": save_stable_diffusion(place / "painter"),
        "StableDiffusionInstructPix2PixPipeline": save_instruct_pix2pix(
            place / "instructed"
        ),
    }


@pytest.fixture(scope="module")
def editors(folders):
    return {
        name: PipelineEditor(folder, steps=2, side=16)
        for name, folder in folders.items()
    }


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 33, 3), dtype="uint8")


def copy_of(folder, place):
    return shutil.copytree(folder, place / "copy")


def change_index(folder, **entries):
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


BOTH = pytest.mark.parametrize(
    "name", ["StableDiffusionPipeline", "StableDiffusionInstructPix2PixPipeline"]
)


@BOTH
def test_edited_pictures_have_the_size_of_what_is_edited(editors, images, name):
    edited = editors[name].edit(images, ["a cat", "a", "cat"], seed=1)
    assert edited.shape == images.shape and edited.dtype == np.uint8
    assert edited.std() > 0


@BOTH
def test_an_edit_is_a_function_of_picture_prompt_and_seed(editors, images, name):
    """Not of the batch, its order, or torch's streams; each of the three counts."""
    editor, prompts = editors[name], ["a cat", "a", "cat"]
    first = editor.edit(images, prompts, seed=1)
    torch.manual_seed(5)
    again = editor.edit(images[[2, 0]], ["cat", "a cat"], seed=1)
    np.testing.assert_array_equal(again, first[[2, 0]])
    assert np.any(editor.edit(images[:1], ["a cat"], seed=2) != first[:1])
    assert np.any(editor.edit(images[:1], ["a dog"], seed=1) != first[:1])


@pytest.mark.parametrize("strength, made", [(0.25, 1), (0.5, 2), (1.0, 4)])
def test_strength_is_the_share_of_steps_that_are_made(folders, images, strength, made):
    """Of four steps; each of them asks the network once."""
    editor = PipelineEditor(
        folders["StableDiffusionPipeline"], steps=4, strength=strength, side=16
    )
    calls = []
    editor.pipeline.unet.register_forward_hook(lambda *_: calls.append(1))
    editor.edit(images[:1], ["cat"], seed=1)
    assert len(calls) == made


@BOTH
def test_usual_settings_and_own_ones(folders, name):
    """Identity names folder, class and settings; nothing of it depends on the place."""
    editor = PipelineEditor(folders[name], steps=3)
    usual = KINDS[name].usual
    assert editor.identity == folder_identity(folders[name]) | {
        "pipeline": name,
        **usual,
        "steps": 3,
        "side": 512,
        "dtype": "float32",
    }
    json.dumps(editor.identity)


@BOTH
def test_weights_are_frozen(editors, name):
    parts = editors[name].pipeline.components.values()
    modules = [part for part in parts if isinstance(part, torch.nn.Module)]
    assert len(modules) == 3
    for module in modules:
        assert not module.training
        assert not any(p.requires_grad for p in module.parameters())


def test_half_precision_is_taken_as_asked(folders, images):
    editor = PipelineEditor(
        folders["StableDiffusionPipeline"], steps=2, side=16, dtype="bfloat16"
    )
    assert editor.pipeline.unet.dtype == torch.bfloat16
    assert editor.edit(images[:1], ["cat"], seed=1).shape == images[:1].shape


def test_safety_checker_refuses_aloud(editors, images, monkeypatch):
    """A picture that the checker blacks out is an error, not a picture."""
    editor = editors["StableDiffusionPipeline"]

    def check(self, image, device, dtype):
        return torch.zeros_like(image), [True]

    monkeypatch.setattr(type(editor.pipeline), "run_safety_checker", check)
    with pytest.raises(ValueError, match="safety checker of .* refuses .* 'cat'"):
        editor.edit(images[:1], ["cat"], seed=1)


def test_numbers_that_are_not_finite_are_told(folders, images):
    editor = PipelineEditor(folders["StableDiffusionPipeline"], steps=2, side=16)
    editor.pipeline.vae.decoder.conv_in.weight.data.fill_(float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        editor.edit(images[:1], ["cat"], seed=1)


@pytest.mark.parametrize(
    "name", ["StableDiffusionUpscalePipeline", None, ["own_code", "OwnPipeline"]]
)
def test_unknown_classes_give_one_line(folders, tmp_path, name):
    folder = copy_of(folders["StableDiffusionPipeline"], tmp_path)
    change_index(folder, _class_name=name)
    with pytest.raises(ValueError, match="there are StableDiffusionInstruct") as caught:
        PipelineEditor(folder)
    assert str(name) in str(caught.value) and "\n" not in str(caught.value)


def test_code_beside_a_model_is_not_run(folders, tmp_path):
    folder = copy_of(folders["StableDiffusionPipeline"], tmp_path)
    ran = tmp_path / "ran"
    (folder / "unet" / "own_code.py").write_text(f"open({str(ran)!r}, 'w')")
    change_index(folder, unet=["own_code", "OwnUNet"])
    with pytest.raises(ValueError, match="unet from own_code"):
        PipelineEditor(folder)
    assert not ran.exists()


def test_pickles_are_not_opened(folders, tmp_path):
    folder = copy_of(folders["StableDiffusionPipeline"], tmp_path)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises((FileNotFoundError, ValueError), match="safetensors"):
        PipelineEditor(folder)


def test_missing_weights_are_told(folders, tmp_path):
    folder = copy_of(folders["StableDiffusionPipeline"], tmp_path)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    tensors.pop("conv_in.weight")
    save_file(tensors, weights, {"format": "pt"})
    with pytest.raises(ValueError, match="conv_in.weight"):
        PipelineEditor(folder)


def test_missing_pipeline_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="an image editing pipeline .* missing"):
        PipelineEditor(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name, options, told",
    [
        ("StableDiffusionPipeline", {"steps": 0}, "steps is 0"),
        ("StableDiffusionPipeline", {"strength": 1.5}, "strength is 1.5"),
        ("StableDiffusionPipeline", {"strength": 0.3, "steps": 3}, "strength is 0.3"),
        ("StableDiffusionPipeline", {"guidance": -1}, "guidance is -1"),
        ("StableDiffusionPipeline", {"image_guidance": 2}, "image_guidance is 2"),
        ("StableDiffusionPipeline", {"side": 4}, "side is 4"),
        ("StableDiffusionPipeline", {"dtype": "int8"}, "dtype is 'int8'"),
        ("StableDiffusionInstructPix2PixPipeline", {"strength": 0.3}, "strength is"),
    ],
)
def test_settings_that_are_refused(folders, name, options, told):
    with pytest.raises(ValueError, match=told):
        PipelineEditor(folders[name], **options)


@pytest.mark.parametrize("name", ["QwenImageEditPipeline", "QwenImageEditPlusPipeline"])
def test_qwen_image_edit_is_asked_as_it_wants(tmp_path, images, monkeypatch, name):
    """The class that model_index.json names is loaded, and told guidance, an empty
    negative prompt (there is no guidance without one) and sizes in multiples of 16."""
    asked = []

    class StandIn:
        components = {}

        @classmethod
        def from_pretrained(cls, folder, **options):
            assert options["use_safetensors"] is True
            return cls()

        def set_progress_bar_config(self, disable):
            pass

        def to(self, device):
            return self

        def __call__(self, image, generator, **options):
            asked.append(options | {"size": image.size})
            return (np.ones((1, 64, 112, 3)),)

    monkeypatch.setattr(diffusers, name, StandIn)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": name}))
    edited = PipelineEditor(tmp_path, side=64).edit(images[:1], ["cat"], seed=1)
    assert edited.shape == images[:1].shape and np.all(edited == 255)
    assert asked == [
        {
            "prompt": "cat",
            "size": (112, 64),
            "height": 64,
            "width": 112,
            "num_inference_steps": 50,
            "true_cfg_scale": 4.0,
            "negative_prompt": " ",
            "output_type": "np",
            "return_dict": False,
        }
    ]
