"""A tiny random ResNet from its folder."""

import sys

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from tiny_transformers import save_tiny_clip, save_tiny_resnet
from transformers import ResNetForImageClassification

from semcom_phy.knowledge_base.cnn import find_cnn
from semcom_phy.knowledge_base.cnn.transformers_resnet import TransformersResNet
from semcom_phy.knowledge_base.loading import folder_identity

IMAGES = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_resnet(tmp_path_factory.mktemp("tiny-resnet"))


@pytest.fixture(scope="module")
def cnn(folder):
    return find_cnn(folder)


def test_the_maps_that_the_library_pools(folder, cnn):
    """Of a model that tells classes, the classes follow from the mean over the places
    (1e-4); the size, mean and deviation of pixels are those of its processor."""
    maps = cnn.maps(IMAGES)
    assert maps.shape == (20, *cnn.grid, cnn.width) == (20, 4, 4, 16)
    assert maps.dtype == np.float32 and maps.std() > 0.1
    whole = ResNetForImageClassification.from_pretrained(folder).eval()
    inputs = cnn.processor(list(IMAGES), return_tensors="pt")["pixel_values"]
    assert inputs.shape == (20, 3, 32, 32)
    with torch.inference_mode():
        classes = whole(inputs).logits
        found = whole.classifier(torch.from_numpy(maps.mean((1, 2)))[..., None, None])
    np.testing.assert_allclose(found, classes, atol=1e-4)


def test_places_are_where_they_are(cnn):
    """Row by row: a corner that changes moves the place in that corner most."""
    changed = np.full((2, 32, 32, 3), 100, "uint8")
    changed[1, 24:, :8] = 200
    maps = cnn.maps(changed)
    moved = np.abs(maps[1] - maps[0]).sum(-1)
    assert np.unravel_index(moved.argmax(), moved.shape) == (3, 0)


def test_nothing_depends_on_the_batch(folder, cnn):
    """A picture alone has the same maps (1e-5), and so has the model loaded again; no
    pictures have none."""
    maps = cnn.maps(IMAGES)
    np.testing.assert_allclose(cnn.maps(IMAGES[17:18])[0], maps[17], atol=1e-5)
    np.testing.assert_array_equal(find_cnn(str(folder)).maps(IMAGES), maps)
    assert cnn.maps(IMAGES[:0]).shape == (0, 4, 4, 16)


def test_frozen_and_named(folder, cnn, tmp_path):
    """Nothing learns; the identity is of the content: a copy elsewhere is the same,
    other weights are others."""
    assert not cnn.model.training
    assert not any(p.requires_grad for p in cnn.model.parameters())
    assert cnn.identity == folder_identity(folder)
    same = find_cnn(save_tiny_resnet(tmp_path / "a")).identity
    other = find_cnn(save_tiny_resnet(tmp_path / "b", seed=2)).identity
    assert same["sha256"] == cnn.identity["sha256"] != other["sha256"]


def test_missing_model(tmp_path, monkeypatch):
    """One line with the id, the folder that was looked for, and HF_HOME."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="'nobody/resnet'.*HF_HOME") as error:
        find_cnn("nobody/resnet")
    assert str(tmp_path / "nobody/resnet") in str(error.value)
    assert "\n" not in str(error.value)


def test_another_kind_of_model(tmp_path):
    """A CLIP is refused with its kind."""
    with pytest.raises(ValueError, match="a ResNet: its model type is 'clip'$"):
        find_cnn(save_tiny_clip(tmp_path))


@pytest.mark.parametrize("share", [0, 0.5])
def test_weights_that_are_cut_off(tmp_path, share):
    """One line that says so, whatever is left of the file."""
    weights = save_tiny_resnet(tmp_path) / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="is not whole: .*download it again$") as error:
        find_cnn(tmp_path)
    assert "\n" not in str(error.value)


def test_pictures_of_another_shape(folder):
    """A processor that keeps the shape of what it is shown is found out."""
    from transformers import ConvNextImageProcessorPil

    whole = TransformersResNet.load(folder)
    keeps = ConvNextImageProcessorPil(do_resize=False)
    cnn = TransformersResNet(whole.model, keeps, whole.identity)
    assert cnn.grid == (8, 8)
    with pytest.raises(ValueError, match="32x48 have 4x6 places.*give square images"):
        cnn.maps(np.zeros((1, 32, 48, 3), "uint8"))


def test_pictures_of_another_kind(cnn):
    """Values in [0, 1] would be seen as darkness."""
    with pytest.raises(ValueError, match="images are float64"):
        cnn.maps(IMAGES / 255)


def test_missing_library(monkeypatch):
    """ImportError names the extra."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[generative\]"):
        TransformersResNet.load("folder")
