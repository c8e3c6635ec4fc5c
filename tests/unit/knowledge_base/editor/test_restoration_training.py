"""Training of the restoration network, on a handful of painted pictures."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from link_models.training.knowledge import restoration
from link_models.training.knowledge.restoration import Recipe, batch, main, train
from semcom_phy.knowledge_base.editor import restoration_network
from semcom_phy.knowledge_base.editor.restoration import RestorationEditor

SMALL = {"widths": [4, 8], "blocks": [1, 1]}
RECIPE = Recipe(steps=6, batch_size=2, crop=32)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(restoration_network, "CONFIG", SMALL)


@pytest.fixture
def photographs():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (4, 128, 128, 3), dtype="uint8")


@pytest.fixture
def folder(tmp_path, photographs):
    folder = tmp_path / "pictures" / "train"
    folder.mkdir(parents=True)
    for number, image in enumerate(photographs):
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder.parent


def weights(network):
    return torch.cat([p.detach().ravel() for p in network.parameters()])


def test_a_run_is_fixed_by_steps_and_seed(photographs, tmp_path):
    """Bit for bit, whatever was drawn before; another seed gives others."""
    first, _ = train(photographs, RECIPE, tmp_path / "a")
    torch.manual_seed(9)
    again, _ = train(photographs, RECIPE, tmp_path / "b")
    assert torch.equal(weights(first), weights(again))
    other, _ = train(photographs, Recipe(6, 2, 32, seed=2), tmp_path / "c")
    assert not torch.equal(weights(first), weights(other))


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    photographs, tmp_path, monkeypatch
):
    """Stopped after its fourth step, with a checkpoint every two."""
    whole, _ = train(photographs, RECIPE, tmp_path / "whole")

    def stop(photographs, recipe, step):
        if step == 4:
            raise KeyboardInterrupt
        return batch(photographs, recipe, step)

    path = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(restoration, "batch", stop)
        with pytest.raises(KeyboardInterrupt):
            train(photographs, RECIPE, path, every=2)
    rest, _ = train(photographs, RECIPE, path, resume=True)
    assert torch.equal(weights(whole), weights(rest))
    with pytest.raises(ValueError, match="another run"):
        train(photographs, Recipe(7, 2, 32), path, resume=True)
    with pytest.raises(FileNotFoundError, match="leave out --resume"):
        train(photographs, RECIPE, tmp_path / "nothing", resume=True)


def test_training_lowers_the_error(tmp_path):
    """Flat pictures under noise and coding: 60 steps take a third of the error away."""
    colours = np.random.default_rng(1).integers(0, 256, (8, 1, 1, 3), dtype="uint8")
    flat = np.tile(colours, (1, 64, 64, 1))
    recipe = Recipe(steps=60, batch_size=4, crop=32, average_decay=0.9)
    network, _ = train(flat, recipe, tmp_path / "run")
    noisy, clean = batch(flat, recipe, 1000)
    left = restoration.restored(network, noisy).astype(float) - clean
    assert np.mean(left**2) < np.mean((noisy.astype(float) - clean) ** 2) / 1.5


def test_a_step_is_a_function_of_its_number(photographs):
    first, again, other = (batch(photographs, RECIPE, n) for n in (3, 3, 4))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == (2, 32, 32, 3) and a.dtype == np.uint8
    assert np.any(first[1] != other[1])


def test_the_command_ships_what_the_editor_loads(folder, tmp_path):
    argv = ["--data", str(folder), "--steps", "2", "--batch-size", "1"]
    places = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert main([*argv, *places, "--validation-images", "1"]) == 0
    record = json.loads((tmp_path / "out" / "restoration.json").read_text())
    assert record["command"].startswith("python -m link_models.training restoration")
    assert record["recipe"]["steps"] == 2
    assert record["data"][0]["split"] == "train"
    assert record["validation"]["clean"]["psnr_before"] == 60
    assert set(record["validation"]) == {"what", *restoration.KINDS}
    images = np.zeros((1, 16, 16, 3), "uint8")
    editor = RestorationEditor(tmp_path / "out")
    assert editor.edit(images, [""], seed=1).shape == images.shape


@pytest.mark.parametrize(
    "options, told",
    [
        (["--data", "no_such_set"], "no_such_set"),
        (["--validation-images", "4"], "held back"),
    ],
)
def test_what_the_command_refuses(folder, tmp_path, capsys, options, told, monkeypatch):
    monkeypatch.delenv("SEMCOM_DATA", raising=False)
    argv = ["--data", str(folder), "--steps", "2", "--runs", str(tmp_path)]
    assert main([*argv, "--out", str(tmp_path), *options]) == 2
    assert told in capsys.readouterr().err
