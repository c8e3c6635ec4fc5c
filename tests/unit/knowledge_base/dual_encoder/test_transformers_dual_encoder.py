"""A tiny random CLIP from its folder."""

import sys
import warnings

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from tiny_transformers import lay_out_as_on_the_hub, save_tiny_clip, save_tiny_git

from semcom_phy.knowledge_base.dual_encoder import DUAL_ENCODERS, find_dual_encoder
from semcom_phy.knowledge_base.dual_encoder.transformers_dual_encoder import (
    TransformersDualEncoder,
)
from semcom_phy.knowledge_base.loading import folder_identity

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 40, 32, 3), np.uint8)
IMAGES[1] //= 4
TEXTS = ["a cat", "two red dogs", "grass"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_clip(tmp_path_factory.mktemp("tiny-clip"))


@pytest.fixture
def encoder(folder):
    return find_dual_encoder(folder)


def test_unit_vectors_of_the_library(encoder):
    """Pictures and texts as transformers encodes them together, up to their length
    (1e-5)."""
    images, texts = encoder.image_features(IMAGES), encoder.text_features(TEXTS)
    inputs = encoder.processor(
        images=list(IMAGES), text=TEXTS, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        found = encoder.model(**inputs)
    np.testing.assert_allclose(images, found.image_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose(texts, found.text_embeds.numpy(), atol=1e-5)
    np.testing.assert_allclose((images**2).sum(-1), 1, atol=1e-5)
    assert images.dtype == texts.dtype == np.float32
    assert images.shape == texts.shape == (3, 12)


def test_patches_are_where_they_are(encoder):
    """4 x 4 places, of which those change most in which the picture changes; unit
    vectors in the common space, as the class token would be put into it (1e-5)."""
    grid = encoder.patch_features(IMAGES)
    assert grid.shape == (3, 4, 4, 12) and grid.dtype == np.float32
    np.testing.assert_allclose((grid**2).sum(-1), 1, atol=1e-5)
    changed = IMAGES[:1].copy()
    changed[0, 4 + 8 : 4 + 16, 24:] = 255  # rows 4 to 36 are the central square
    moved = np.abs(encoder.patch_features(changed) - grid[:1]).sum(-1)[0]
    assert np.unravel_index(moved.argmax(), moved.shape) == (1, 3)
    inputs = encoder.processor.image_processor(list(IMAGES), return_tensors="pt")
    with torch.inference_mode():
        states = encoder.model.vision_model(**inputs).last_hidden_state
        states = encoder.model.vision_model.post_layernorm(states)
        states = encoder.model.visual_projection(states).numpy()
    states /= np.linalg.norm(states, axis=-1, keepdims=True)
    np.testing.assert_allclose(states[:, 0], encoder.image_features(IMAGES), atol=1e-5)
    np.testing.assert_allclose(states[:, 1:].reshape(grid.shape), grid, atol=1e-5)


def test_nothing_depends_on_the_batch(folder, encoder):
    """Not on longer texts or other pictures beside it (1e-6)."""
    alone, beside = find_dual_encoder(folder), [*TEXTS, "a much longer text"]
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(
            alone.text_features([text])[0], encoder.text_features(beside)[i], atol=1e-6
        )
        np.testing.assert_allclose(
            alone.image_features(IMAGES[i : i + 1])[0],
            encoder.image_features(IMAGES)[i],
            atol=1e-6,
        )


def test_long_texts_are_cut(encoder):
    """At 16 tokens, the two of the ends among them: what is beyond changes nothing, and
    nothing is said of it (exact)."""
    assert encoder.max_text_tokens == 16
    kept = "abcdefghijklmn"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = encoder.text_features([kept, kept + " cat", "abcdefghijklm"])
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_files_as_they_are_on_the_hub(encoder, tmp_path):
    """A model saved by older versions gives the same vectors (1e-6)."""
    save_tiny_clip(tmp_path)
    preprocessor = {
        "feature_extractor_type": "CLIPFeatureExtractor",
        "size": 32,
        "crop_size": 32,
        "resample": 3,
    }
    lay_out_as_on_the_hub(tmp_path, preprocessor)
    older = find_dual_encoder(tmp_path)
    for ask in ("image_features", "patch_features"):
        found = [getattr(one, ask)(IMAGES) for one in (older, encoder)]
        np.testing.assert_allclose(*found, atol=1e-6)
    found = [one.text_features(TEXTS) for one in (older, encoder)]
    np.testing.assert_allclose(*found, atol=1e-6)


def test_asked_once(encoder, monkeypatch):
    """Pictures, their patches and texts are remembered apart (exact)."""
    first = encoder.image_features(IMAGES), encoder.text_features(TEXTS)
    grid = encoder.patch_features(IMAGES)

    monkeypatch.setattr(encoder, "model", None)
    np.testing.assert_array_equal(encoder.image_features(IMAGES[::-1]), first[0][::-1])
    np.testing.assert_array_equal(encoder.text_features(TEXTS[:1]), first[1][:1])
    np.testing.assert_array_equal(encoder.patch_features(IMAGES), grid)
    assert encoder.image_features(IMAGES[:0]).shape == (0, 12)
    assert encoder.patch_features(IMAGES[:0]).shape == (0, 4, 4, 12)


def test_frozen_and_named(folder, encoder):
    """Nothing learns; the identity names the folder, not where it lies."""
    assert not encoder.model.training
    assert not any(p.requires_grad for p in encoder.model.parameters())
    assert encoder.identity == folder_identity(folder)


def test_missing_model(tmp_path, monkeypatch):
    """One line with the id, the folder that was looked for, and HF_HOME."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="'nobody/clip'.*HF_HOME") as error:
        find_dual_encoder("nobody/clip")
    assert str(tmp_path / "nobody/clip") in str(error.value)


def test_pickles_are_refused(tmp_path):
    """A folder with pytorch_model.bin alone is as good as none."""
    save_tiny_clip(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="safetensors"):
        find_dual_encoder(tmp_path)


def test_another_kind_of_model(tmp_path):
    """A GIT, whose weights transformers would put in where the names fit, is refused
    with its kind."""
    save_tiny_git(tmp_path)
    with pytest.raises(ValueError, match="CLIP.*'git'"):
        find_dual_encoder(tmp_path)


def test_embedded_one(monkeypatch):
    """It comes from the table."""
    assert set(DUAL_ENCODERS) == {"embedded"}
    monkeypatch.setitem(DUAL_ENCODERS, "embedded", lambda: "mine")
    assert find_dual_encoder("embedded") == "mine"


def test_missing_library(monkeypatch):
    """ImportError names the extra."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[generative\]"):
        TransformersDualEncoder.load("folder")


def test_details_are_states_of_the_middle(encoder, monkeypatch):
    """Of the image tower, without the class token, as transformers gives them (1e-5);
    the same alone, and asked for once."""
    details = encoder.detail_features(IMAGES)
    assert details.shape == (3, 4, 4, 16) and details.dtype == np.float32
    inputs = encoder.processor.image_processor(list(IMAGES), return_tensors="pt")
    with torch.inference_mode():
        states = encoder.model.vision_model(**inputs, output_hidden_states=True)
    middle = states.hidden_states[1][:, 1:].reshape(3, 4, 4, 16)
    np.testing.assert_allclose(details, middle.numpy(), atol=1e-5)
    monkeypatch.delattr(encoder, "processor")  # what was seen is kept
    np.testing.assert_array_equal(encoder.detail_features(IMAGES[1:2])[0], details[1])
    monkeypatch.undo()
    assert encoder.detail_features(IMAGES[:0]).shape == (0, 4, 4, 16)
    assert encoder.patch_features(IMAGES).shape == (3, 4, 4, 12)
