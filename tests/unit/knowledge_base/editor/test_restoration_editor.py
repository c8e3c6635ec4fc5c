"""The embedded editor: its network, its weights, what it leaves alone."""

import json
import shutil

import numpy as np
import pytest
import torch

from semcom_phy.knowledge_base.editor.restoration import (
    NAME,
    RestorationEditor,
    restored,
)
from semcom_phy.knowledge_base.editor.restoration_network import (
    CONFIG,
    RestorationNetwork,
)
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, save_weights
from semcom_phy.metrics.image import psnr
from semcom_phy.sources.images import load_samples

SMALL = {"widths": [4, 8], "blocks": [1, 1]}


def random_network(**config):
    torch.manual_seed(0)
    network = RestorationNetwork(**config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    state = random_network(**SMALL).state_dict()
    tensors = {name: value.numpy() for name, value in state.items()}
    save_weights(NAME, tensors, {"config": SMALL, "command": "test"}, folder)
    return folder


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 33, 3), dtype="uint8")


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (128, 128), (33, 20)])
def test_any_size_comes_back_as_it_is(size):
    x = torch.rand(2, 3, *size)
    assert random_network(**CONFIG)(x).shape == x.shape


def test_an_untrained_network_leaves_a_picture_as_it_is(images):
    """Its last layer is zero: training starts at the picture itself."""
    network = RestorationNetwork(**CONFIG).eval()
    np.testing.assert_array_equal(restored(network, images), images)


def test_every_weight_of_the_network_is_trained():
    """Finite gradients that are not zero, with the zero-started layer randomised."""
    network = random_network(**CONFIG)
    network(torch.rand(1, 3, 32, 32)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_picture_is_restored_by_itself(folder, images):
    """Not a function of the batch, the prompt or the seed."""
    editor = RestorationEditor(folder)
    edited = editor.edit(images, ["a", "b", "c"], seed=1)
    assert edited.shape == images.shape and edited.dtype == np.uint8
    assert np.any(edited != images)
    again = editor.edit(images[[2, 0]], ["d", "e"], seed=2)
    np.testing.assert_array_equal(again, edited[[2, 0]])


def test_what_is_out_of_range_is_clipped():
    """A network that adds more than there is room for."""
    network = RestorationNetwork(**SMALL).eval()
    image = np.full((1, 16, 16, 3), 200, "uint8")
    for added, expected in ((1.0, 255), (-1.0, 0)):
        torch.nn.init.constant_(network.last[0].bias, added)
        assert np.all(restored(network, image) == expected)


def test_identity_says_what_has_no_influence(folder):
    editor = RestorationEditor(folder)
    record = json.loads((folder / f"{NAME}.json").read_text())
    assert editor.identity == {
        "model": NAME,
        "sha256": record["sha256"],
        "prompt": "without influence",
        "seed": "without influence",
    }


def test_weights_are_frozen(folder):
    network = RestorationEditor(folder).network
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_altered_weights_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"{NAME}.h5"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="truncated or altered"):
        RestorationEditor(tmp_path)


@pytest.mark.parametrize(
    "shape, dtype, prompts, told",
    [
        ((1, 16, 16, 3), "float32", ["a"], "uint8"),
        ((16, 16, 3), "uint8", ["a"], "uint8"),
        ((1, 16, 16, 1), "uint8", ["a"], "uint8"),
        ((1, 15, 16, 3), "uint8", ["a"], "15x16"),
        ((1, 16, 16, 3), "uint8", [], "0 prompts for 1 images"),
        ((1, 16, 16, 3), "uint8", "a", "one text"),
        ((1, 16, 16, 3), "uint8", [None], "no text"),
    ],
)
def test_what_no_editor_takes(folder, shape, dtype, prompts, told):
    with pytest.raises(ValueError, match=told):
        RestorationEditor(folder).edit(np.zeros(shape, dtype), prompts, seed=1)


def test_no_pictures_are_no_pictures(folder):
    empty = np.zeros((0, 16, 16, 3), "uint8")
    assert RestorationEditor(folder).edit(empty, [], seed=1).shape == empty.shape


def test_the_shipped_network_repairs():
    """Six photographs that no training saw, mean PSNR: white noise of 15 grey levels
    gains 3 dB at least, Gaussian blur of 1.5 pixels 0.5 dB; clean stays above 40 dB."""
    from scipy.ndimage import gaussian_filter

    clean = load_samples("sample", 6, 128).images
    noise = np.random.default_rng(0).normal(0, 15, clean.shape)
    blurred = gaussian_filter(clean.astype(float), (0, 1.5, 1.5, 0))

    def before_and_after(bad):
        bad = np.clip(bad, 0, 255).round().astype("uint8")
        edited = RestorationEditor(SHIPPED).edit(bad, [""] * len(bad), seed=1)
        return psnr(clean, bad).mean(), psnr(clean, edited).mean()

    assert before_and_after(clean)[1] > 40
    before, after = before_and_after(clean + noise)
    assert after > before + 3
    before, after = before_and_after(blurred)
    assert after > before + 0.5


def test_shipped_weights_say_where_they_are_from():
    """At most 3 MB; the command, the data, the validation of every degradation."""
    record = json.loads((SHIPPED / f"{NAME}.json").read_text())
    assert (SHIPPED / f"{NAME}.h5").stat().st_size <= 3e6
    assert record["command"].startswith("python -m link_models.training restoration")
    assert {entry["split"] for entry in record["data"]["sets"]} == {"train"}
    assert record["config"] == CONFIG
    for kind in ("gaussian_blur", "motion_blur", "noise", "jpeg", "webp", "mixed"):
        figures = record["validation"][kind]
        assert figures["psnr_after"] > figures["psnr_before"], kind
