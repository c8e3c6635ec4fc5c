"""Tiny random captioners from folders: what they say, and what is refused."""

import sys

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_transformers import (
    WORDS,
    lay_out_as_on_the_hub,
    save_tiny_blip,
    save_tiny_clip,
    save_tiny_git,
    save_tiny_llava,
)

from semcom_phy.knowledge_base.captioner import find_captioner
from semcom_phy.knowledge_base.captioner.questions import Question
from semcom_phy.knowledge_base.captioner.transformers_captioner import (
    QUESTION,
    TransformersCaptioner,
)
from semcom_phy.knowledge_base.loading import folder_identity

SAVED = {"blip": save_tiny_blip, "git": save_tiny_git, "llava": save_tiny_llava}
IMAGES = np.random.default_rng(1).integers(0, 256, (6, 32, 48, 3), np.uint8)
for place, factor in enumerate((1, 3, 9, 27)):  # unlike each other
    IMAGES[place] = IMAGES[place] // factor + 40 * place


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {name: tmp_path_factory.mktemp(name) for name in SAVED}
    for name, save in SAVED.items():
        save(found[name])
    return found


def load(folders, family, **options):
    options = {"max_new_tokens": 6} | options
    return TransformersCaptioner.load(folders[family], **options)


@pytest.mark.parametrize("num_beams", [1, 3])
@pytest.mark.parametrize("family", SAVED)
def test_a_caption_belongs_to_its_picture(folders, family, num_beams):
    """Alone, beside others and in another order it is the same, also where captions of
    a batch end sooner than others (exact)."""
    alone = load(folders, family, num_beams=num_beams).caption(IMAGES)
    batched = load(folders, family, num_beams=num_beams, batch_size=4)
    assert batched.caption(IMAGES[::-1]) == alone[::-1]
    assert len(set(alone)) > 2
    if family != "llava":  # it speaks bytes
        assert {word for text in alone for word in text.split()} <= set(WORDS)
        assert len({len(text.split()) for text in alone}) > 1


@pytest.mark.parametrize("family", ["blip", "git"])
def test_a_caption_goes_on_from_the_prompt(folders, family):
    """The words after it are what the model says with it in front, by the library's own
    call (exact), and others than without it."""
    captioner = load(folders, family, prompt="two dog", num_beams=1)
    found = captioner.caption(IMAGES)
    assert found != load(folders, family, num_beams=1).caption(IMAGES)
    assert captioner.identity["prompt"] == "two dog"
    processor, model = captioner.processor, captioner.model
    first = model.config.text_config if family == "blip" else model.config
    ids = processor.tokenizer("two dog", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([[first.bos_token_id, *ids]])
    for image, caption in zip(IMAGES, found, strict=True):
        pixels = processor.image_processor(image, return_tensors="pt")["pixel_values"]
        if family == "blip":  # its decoder alone, with what the picture is to it
            seen = model.vision_model(pixels)[0]
            decoder, about = model.text_decoder, {"encoder_hidden_states": seen}
        else:
            decoder, about = model, {"pixel_values": pixels}
        said = decoder.generate(
            input_ids=ids,
            eos_token_id=processor.tokenizer.sep_token_id,
            pad_token_id=processor.tokenizer.pad_token_id,
            max_new_tokens=6,
            do_sample=False,
            **about,
        )
        text = processor.decode(said[0], skip_special_tokens=True)
        assert text.split() == ["two", "dog", *caption.split()]


def test_a_model_that_chats_is_asked(folders, monkeypatch):
    """By the template's turn of the user; what it is asked is no part of the caption
    (exact)."""
    captioner, asked = load(folders, "llava"), []
    tokenizer = captioner.processor.tokenizer

    def generate(input_ids, pixel_values, **options):
        asked.append(tokenizer.decode(input_ids[0]))
        reply = tokenizer("A Dog.</s>", return_tensors="pt")["input_ids"]
        return torch.cat([input_ids, reply], dim=1)

    monkeypatch.setattr(captioner.model, "generate", generate)
    assert captioner.caption(IMAGES[:1]) == ["a dog"]
    patches = "<image>" * 5  # 2 x 2, and the class
    assert asked == [f"user: {patches}{QUESTION}assistant: "]
    captioner.prompt = "What?"
    captioner.caption(IMAGES[1:2])
    assert asked[1] == f"user: {patches}What?assistant: "
    other = load(folders, "llava").asked(Question("Why?", 7))
    monkeypatch.setattr(other.model, "generate", generate)
    assert other.caption(IMAGES[:1]) == ["a dog"]
    assert asked[2] == f"user: {patches}Why?assistant: "
    expected = load(folders, "llava").identity
    assert other.identity == expected | {"prompt": "Why?", "max_new_tokens": 7}


@pytest.mark.parametrize("family", ["blip", "git"])
def test_a_model_that_does_not_chat_is_not_asked(folders, family):
    """A question would be the beginning of its caption (exact)."""
    captioner = load(folders, family)
    assert captioner.asked(Question("Why?", 7)) is captioner


@pytest.mark.parametrize(
    "family, preprocessor",
    [
        (
            "blip",
            {
                "image_processor_type": "BlipImageProcessor",
                "processor_class": "BlipProcessor",
                "size": {"height": 32, "width": 32},
            },
        ),
        (
            "git",
            {
                "image_processor_type": "CLIPImageProcessor",
                "processor_class": "GitProcessor",
                "size": {"shortest_edge": 32},
                "crop_size": {"height": 32, "width": 32},
            },
        ),
    ],
)
def test_files_as_they_are_on_the_hub(folders, tmp_path, family, preprocessor):
    """Models saved by older versions say the same (exact)."""
    SAVED[family](tmp_path)
    lay_out_as_on_the_hub(tmp_path, preprocessor)
    found = TransformersCaptioner.load(tmp_path, max_new_tokens=6).caption(IMAGES)
    assert found == load(folders, family).caption(IMAGES)


def test_a_picture_is_seen_once(folders, monkeypatch):
    """What was captioned before is remembered, in whatever batch (exact)."""
    captioner, seen = load(folders, "git"), []
    generate = captioner.model.generate

    def counted(**inputs):
        seen.append(len(inputs["pixel_values"]))
        return generate(**inputs)

    monkeypatch.setattr(captioner.model, "generate", counted)
    first = captioner.caption(IMAGES[[0, 1, 0]])
    assert seen == [1, 1] and first[0] == first[2]
    assert captioner.caption(IMAGES[:3])[:2] == first[:2]
    assert seen == [1, 1, 1]
    assert captioner.caption(IMAGES[:0]) == []


def test_frozen_and_named(folders):
    """Nothing learns, nothing drops out; the identity says what was asked and names the
    folder, not where it lies."""
    captioner = load(folders, "blip", num_beams=2)
    assert not captioner.model.training
    assert not any(p.requires_grad for p in captioner.model.parameters())
    assert captioner.identity == folder_identity(folders["blip"]) | {
        "prompt": None,
        "max_new_tokens": 6,
        "num_beams": 2,
    }


@pytest.mark.parametrize("name", ["max_new_tokens", "num_beams", "batch_size"])
def test_bad_numbers(folders, name):
    """ValueError with name and value."""
    with pytest.raises(ValueError, match=f"{name} is 0; give at least 1"):
        load(folders, "git", **{name: 0})


def test_missing_model(tmp_path, monkeypatch):
    """One line with the id, the folder that was looked for, and HF_HOME."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as error:
        find_captioner("nobody/captioner")
    told = str(error.value)
    for part in ("'nobody/captioner'", str(tmp_path / "nobody/captioner"), "HF_HOME"):
        assert part in told
    assert str(tmp_path / "home") in told and "\n" not in told
    with pytest.raises(ValueError, match=f"'{tmp_path}' cannot be loaded"):
        find_captioner(tmp_path)  # a folder with something else in it


def test_pickles_are_refused(tmp_path):
    """A folder with pytorch_model.bin alone is as good as none."""
    save_tiny_git(tmp_path)
    weights = tmp_path / "model.safetensors"
    torch.save(load_file(weights), tmp_path / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="safetensors") as error:
        find_captioner(tmp_path)
    assert "\n" not in str(error.value)


def test_another_kind_of_model(tmp_path):
    """A CLIP says nothing: one line with the folder."""
    save_tiny_clip(tmp_path)
    with pytest.raises(ValueError, match="image-to-text model") as error:
        find_captioner(tmp_path)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_a_model_that_cannot_be_asked(tmp_path):
    """One that chats needs a chat template."""
    save_tiny_llava(tmp_path, has_template=False)
    with pytest.raises(ValueError, match="'llava'.*blip, git.*chat template"):
        find_captioner(tmp_path)


def test_missing_weights_are_not_drawn(tmp_path):
    """A file that lacks a weight is refused with its name; transformers would fill it
    at random."""
    save_tiny_git(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    name = sorted(weights)[-1]
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=f"1 weights are missing.*{name}"):
        find_captioner(tmp_path)


def test_missing_library(monkeypatch):
    """ImportError names the extra."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[generative\]"):
        TransformersCaptioner.load("folder")
