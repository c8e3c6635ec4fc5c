"""Driving scenes through the command line: metrics by importance to the driver."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_systems
from painted_scenes import painted_camvid

from benchmarks.sa_oosc_comparison import PARTS, show_parts
from scenarios import driving_scene, runner
from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.shown import shrink_for_figure
from semcom_phy.simulation.sweep import Link, SweepSettings, simulate_point
from semcom_phy.sources.driving import (
    CLASSES,
    load_driving_samples,
    load_driving_scenes,
)

SCENARIO = replace(
    driving_scene.SCENARIO, systems=("pixels",), num_images=6, snr_db=(0.0, 10.0)
)


def test_importance_goes_through_sweep_file_and_figure(tmp_path):
    """The rows hold the PSNR of every level of the driving rule, image by image, the
    file their means and its labels' hash, and there is a figure (exact)."""
    with painted_camvid(tmp_path, {"test": 8}):
        argv = ["--out", str(tmp_path / "out"), "--batch-size", "4"]
        assert runner.main(argv, SCENARIO, "tiny_systems") == 0
        scenes = load_driving_scenes("camvid", "test", (192, 256), 6, seed=1)
        samples = load_driving_samples("camvid", "test", (192, 256), 6, seed=1)
    file = ResultFile.read(tmp_path / "out" / "pixels.json")
    rows = file.rows()[10.0]
    assert list(file.points[10.0].metrics) == [*SCENARIO.metrics, "outage"]
    channel, system = tiny_systems.TinyChannel(), tiny_systems.PixelsOverAWGN("pixels")
    settings = SweepSettings(num_shown=6, max_shown_size=256)
    received = simulate_point(Link(system, channel), samples, 10.0, settings)
    levels = level_maps(DrivingRule(), scenes.images, scenes.labels)
    scores = psnr_by_level(scenes.images, received.shown.images, levels)
    for name in set(SCENARIO.metrics) & set(scores):
        np.testing.assert_array_equal(rows[name], scores[name])
        mean = file.estimate(name, 10.0).mean
        assert mean == pytest.approx(np.nanmean(scores[name]), rel=1e-7)
    assert file.estimate("psnr_high", 10.0).num_images == 6
    assert file.header["data"]["labels_sha256"] == samples.provenance["labels_sha256"]
    assert (tmp_path / "out" / "psnr_by_importance.png").is_file()
    shown = shrink_for_figure(scenes.images, 128)
    np.testing.assert_array_equal(file.original, shown)
    assert file.points[10.0].shown.images.shape == (6, 96, 128, 3)


def test_columns_of_the_table_stand_apart(tmp_path, capsys):
    """Squared errors are as wide as they are, and a level that no image has is none,
    not a point that was not run (exact)."""
    with painted_camvid(tmp_path, {"test": 24}):
        path = tmp_path / "camvid" / "test.npz"
        with np.load(path) as archive:
            data = dict(archive)
        data["labels"][data["labels"] == CLASSES.index("SignSymbol")] = 0
        np.savez(path, **data)
        argv = ["--out", str(tmp_path / "out"), "--metrics", "mse_background"]
        argv += ["psnr_low", "--images", "24", "--systems", "fragile"]
        assert runner.main(argv, SCENARIO, "tiny_systems") == 0
    lines = capsys.readouterr().out.splitlines()
    row = lines[lines.index("PSNR of low importance [dB]") + 2]
    assert row.split() == ["Fragile", "none", "none"]
    head = next(i for i, line in enumerate(lines) if line.startswith("MSE of the back"))
    snr, row = lines[head + 1 : head + 3]
    assert len(snr) == len(row) and row.split()[2::3] == ["+-", "+-"]
    assert not re.search(r"\d{6}|\d\.\d+\.\d", row)


def test_other_labels_are_another_simulation(tmp_path, capsys):
    """The same pictures with other label maps do not enter the file (exact)."""
    with painted_camvid(tmp_path, {"test": 8}):
        argv = ["--out", str(tmp_path / "out"), "--snr", "0"]
        assert runner.main(argv, SCENARIO, "tiny_systems") == 0
        path = tmp_path / "camvid" / "test.npz"
        with np.load(path) as archive:
            data = dict(archive)
        data["labels"] = np.zeros_like(data["labels"])
        np.savez(path, **data)
        capsys.readouterr()
        assert runner.main(argv, SCENARIO, "tiny_systems") == 2
    assert "data labels_sha256" in capsys.readouterr().err


def test_importance_needs_label_maps(tmp_path, capsys):
    """On photographs the first such metric is named with the remedy (exact)."""
    argv = ["--dataset", "sample", "--image-size", "32", "--images", "4"]
    argv += ["--out", str(tmp_path / "out")]
    assert runner.main(argv, SCENARIO, "tiny_systems") == 2
    error = capsys.readouterr().err
    assert "metric 'psnr_high' needs label maps, which the data set does not" in error
    assert "--dataset, such as camvid, or leave it out of --metrics" in error
    argv += ["--metrics", "psnr_db"]
    assert runner.main(argv, SCENARIO, "tiny_systems") == 0
    document = json.loads((tmp_path / "out" / "pixels.json").read_text())
    assert [metric["name"] for metric in document["metrics"]] == ["psnr_db"]


def test_the_comparison_tells_what_side_information_takes(capsys):
    """Its share of all symbols, mean over images, where there is any and where there is
    none (to the digits shown)."""
    group, table = np.repeat(np.arange(8), 2), {}
    common = {f"psnr_{part}": 20.0 + group for part in PARTS}
    common |= {"mse_non_background": 100.0 + group, "outage": group == 3}
    for name, side in (("own", 0.01), ("free", 0.0)):
        spent = {"side_cbr": np.full(16, side), "cbr_total": np.full(16, 0.04)}
        rows = {10.0: common | spent | {"group": group, "image": np.arange(16)}}
        table[name] = SimpleNamespace(rows=rows)
    show_parts(table, 10.0)
    head, own, free, counts = capsys.readouterr().out.strip().splitlines()[1:]
    assert head.split()[-2:] == ["cbr_total", "side_share"]
    assert own.split()[-3:] == ["0.2500", "+-", "0.0000"]
    assert free.split()[-3:] == ["0.0000", "+-", "0.0000"]
    assert counts.split()[2:] == ["16", "(8)"] * len(PARTS)
