"""Metrics of foreground and background, with masks and without, on the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scenarios import mimo_2x2, runner
from semcom_phy.simulation.results import ResultFile

PARTS = ("psnr_foreground_db", "psnr_background_db")
SCENARIO = replace(
    mimo_2x2.SCENARIO,
    systems=("pixels", "fragile"),
    metrics=("psnr_db", *PARTS, "ms_ssim_foreground", "ms_ssim_background"),
    num_images=4,
    snr_db=(5.0, 15.0),
)
WITHOUT = "the data set has no masks of salient objects: choose one that has"


@pytest.fixture
def folder(tmp_path):
    """Four pictures in the layout of ECSSD, the last without a salient object."""
    for name in ("images", "ground_truth_mask"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / "images" / f"{i}.png")
        mask = np.zeros((32, 32), np.uint8)
        mask[: 16 * (i < 3), :16] = 255
        path = tmp_path / "data" / "ground_truth_mask" / f"{i}.png"
        Image.fromarray(mask).save(path)
    return tmp_path / "data"


def run(dataset, out, *options):
    argv = ["--dataset", str(dataset), "--out", str(out), *options]
    return runner.main(argv, SCENARIO, "tiny_systems")


def test_parts_go_through_sweep_file_and_table(folder, tmp_path, capsys):
    """An image without a salient object has no foreground: the count is one less, and
    the table and the file say why (exact)."""
    assert run(folder, tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "masks of ground_truth_mask" in out
    assert "psnr_foreground_db: 1 of 4 images have no foreground, and do not" in out
    assert "psnr_background_db: " not in out
    file = ResultFile.read(tmp_path / "out" / "pixels.json")
    rows = file.rows()[15.0]
    assert np.isnan(rows["psnr_foreground_db"]).tolist() == [
        image == 3 for image in order(folder)
    ]
    for name in SCENARIO.metrics:
        estimate = file.estimate(name, 15.0)
        assert estimate.num_images == (3 if "foreground" in name else 4)
        assert estimate.mean == pytest.approx(np.nanmean(rows[name]), rel=1e-7)
    assert "masks_sha256" in file.header["data"]


def order(folder):
    """Numbers of the pictures in the order of the draw."""
    from semcom_phy.sources.images import load_samples

    whole, drawn = load_samples(folder), load_samples(folder, 4)
    return [
        int(np.flatnonzero((whole.images == image).all((1, 2, 3)))[0])
        for image in drawn.images
    ]


def test_other_masks_are_another_simulation(folder, tmp_path, capsys):
    """Points by other masks of the same pictures do not meet in one file (exact)."""
    assert run(folder, tmp_path / "out") == 0
    path = folder / "ground_truth_mask" / "0.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    capsys.readouterr()
    assert run(folder, tmp_path / "out") == 2
    assert "data masks_sha256" in capsys.readouterr().err


@pytest.mark.parametrize("first", ["psnr_db", PARTS[0]])
def test_without_masks_they_are_null_with_a_reason(tmp_path, capsys, first):
    """In the file, beside the table, and also where such a metric is the first, which
    then has no figure (exact)."""
    metrics = [first, *(name for name in SCENARIO.metrics if name != first)]
    assert run("sample", tmp_path / "out", "--metrics", *metrics) == 0
    out = capsys.readouterr().out
    assert out.count(WITHOUT) == 4
    document = json.loads((tmp_path / "out" / "pixels.json").read_text())
    for about in document["metrics"]:
        lacking = about["name"] != "psnr_db"
        assert about.get("reason", "").startswith(WITHOUT) == lacking
        assert (document[about["name"]]["mean"] == [None, None]) == lacking
    figure = tmp_path / "out" / f"{first.removesuffix('_db')}_vs_snr.png"
    assert figure.is_file() == (first == "psnr_db")
    assert (tmp_path / "out" / "reconstructions.png").is_file()
    assert run("sample", tmp_path / "out", "--metrics", *metrics) == 0  # goes on
