"""Training of the restoration network, on a handful of random pictures."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from link_models.training.__main__ import main
from link_models.training.knowledge import restoration
from link_models.training.knowledge.restoration import batch, charbonnier
from semcom_phy.knowledge_base.editor.restoration import RestorationEditor
from semcom_phy.knowledge_base.editor.restoration_network import RestorationNetwork

SMALL = {"widths": [4, 8], "blocks": [1, 1]}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Two data sets of four pictures each, and a small network."""
    rng = np.random.default_rng(0)
    for name in restoration.DATA:
        for split in ("train", "test"):
            folder = tmp_path / "data" / name / split
            folder.mkdir(parents=True)
            for number in range(4):
                image = rng.integers(0, 256, (128, 128, 3), dtype="uint8")
                Image.fromarray(image).save(folder / f"{number}.png")
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(restoration, "CONFIG", SMALL)
    return tmp_path / "data"


def run(out, *options):
    argv = ["restoration", "--steps", "3", "--batch-size", "2", "--out", str(out)]
    return main([*argv, *options])


def test_the_command_ships_what_the_editor_loads(data, tmp_path, monkeypatch):
    """The record says what it was trained on; the same command gives the same bytes."""
    monkeypatch.setattr(restoration.load_photographs, "__defaults__", (("ecssd",), 1))
    assert run(tmp_path / "a") == run(tmp_path / "b", "--seed", "1") == 0
    assert run(tmp_path / "c", "--seed", "2") == 0
    record, again, other = (
        json.loads((tmp_path / name / "restoration.json").read_text()) for name in "abc"
    )
    assert record["sha256"] == again["sha256"] != other["sha256"]
    command = "python -m link_models.training restoration --steps 3 --batch-size 2"
    assert record["command"] == command
    assert record["config"] == SMALL
    assert record["data"]["sets"][0]["split"] == "train"
    counts = record["data"]["training_images"], record["data"]["validation_images"]
    assert counts == (3, 1)
    assert record["validation"]["clean"]["psnr_before"] == 60
    assert set(record["validation"]) == {"num_images", *restoration.KINDS}
    images = np.zeros((1, 16, 16, 3), "uint8")
    editor = RestorationEditor(tmp_path / "a")
    assert editor.edit(images, [""], seed=1).shape == images.shape


def test_held_back_photographs_are_not_trained_on(data):
    """All pictures of the train splits are there once, in one of the two parts."""
    photographs, held, provenance = restoration.load_photographs(num_held=3)
    assert len(held) == 3 and len(photographs) == 5
    assert [entry["split"] for entry in provenance["sets"]] == ["train", "train"]
    seen = {image.tobytes() for image in photographs}
    assert len(seen) == 5 and not seen & {image.tobytes() for image in held}


def test_missing_data_are_told(data, tmp_path, capsys):
    (data / "ecssd").rename(data / "elsewhere")
    assert run(tmp_path / "out") == 2
    assert "no folder ecssd" in capsys.readouterr().err


def test_a_batch_is_a_function_of_its_generator():
    """Crops of 64x64 of the photographs, turned; some of them are clean."""
    photographs = np.random.default_rng(0).integers(0, 256, (4, 128, 128, 3), "uint8")
    first, again = (batch(photographs, 40, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == (40, 64, 64, 3) and a.dtype == np.uint8
    clean = sum(np.array_equal(a, b) for a, b in zip(*first, strict=True))
    assert 1 <= clean <= 15  # 6 of 40 on average


def test_the_loss_is_learned():
    """One noisy batch: 80 steps of Adam take a fifth of the error away."""
    rng = np.random.default_rng(1)
    whole = np.tile(rng.integers(40, 216, (8, 1, 1, 3)), (1, 32, 32, 1))
    noisy = whole + rng.normal(0, 20, whole.shape)
    x, target = (
        torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255
        for part in (noisy, whole)
    )
    torch.manual_seed(0)
    network = RestorationNetwork(widths=[8, 16], blocks=[1, 1])
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    first = charbonnier(network(x), target).item()
    for _ in range(80):
        optimizer.zero_grad()
        loss = charbonnier(network(x), target)
        loss.backward()
        optimizer.step()
    assert first == pytest.approx(20 / 255 * np.sqrt(2 / np.pi), rel=0.05)
    assert loss.item() < 0.8 * first
