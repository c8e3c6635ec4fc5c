"""Systems whose images are also scored by importance."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_systems

from link_models.importance_scores import ScoredByImportance
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.simulation.image_strip import encode_strip
from semcom_phy.simulation.plotting import plot_all
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.sweep import Link, SweepSettings, run_sweep, simulate_point

IMAGES = np.random.default_rng(1).integers(0, 256, (6, 32, 48, 3), "uint8")


def level_maps(images):
    """High and background by turns; a low patch where the first pixel is bright."""
    levels = np.zeros((len(images), 2, 3), int)
    levels[:, 0, 0] = 3
    levels[:, 1, 1] = images[:, 0, 0, 0] > 127
    return levels


def scored(name="pixels"):
    return ScoredByImportance(tiny_systems.build_system(name, None), level_maps)


def test_scores_are_added_and_nothing_else_changes():
    """Images, outages and other extras are the system's own (exact)."""
    plain, channel = tiny_systems.build_system("fragile", None), tiny_systems
    h = channel.build_channel(None).sample_each(range(len(IMAGES)))
    before = plain.transmit(IMAGES, 5.0, h, range(len(IMAGES)))
    after = scored("fragile").transmit(IMAGES, 5.0, h, range(len(IMAGES)))
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.outage, before.outage)
    expected = psnr_by_level(IMAGES, before.images, level_maps(IMAGES))
    assert set(after.extras) == {*before.extras, *expected}
    for name, values in {**before.extras, **expected}.items():
        np.testing.assert_array_equal(after.extras[name], values)


def test_what_a_sweep_asks_of_a_system_is_passed_on():
    """Name and description, and title and drawing only where the system has them
    (exact)."""
    plain = tiny_systems.build_system("pixels", None)
    system = ScoredByImportance(plain, level_maps)
    assert (system.name, system.describe()) == ("pixels", plain.describe())
    assert not hasattr(system, "draw") and not hasattr(system, "title")
    rich = SimpleNamespace(name="rich", title="Rich", draw=lambda: ["figure"])
    system = ScoredByImportance(rich, level_maps)
    assert (system.title, system.draw()) == ("Rich", ["figure"])


def test_scoring_twice_is_refused():
    """The names that would be overwritten are in the message (exact)."""
    twice = ScoredByImportance(scored(), level_maps)
    h = tiny_systems.build_channel(None).sample_each(range(len(IMAGES)))
    with pytest.raises(ValueError, match="'pixels' already has the extras mse_back"):
        twice.transmit(IMAGES, 5.0, h, range(len(IMAGES)))


def test_scores_go_through_sweep_file_and_figure(tmp_path):
    """A sweep by group files every level over the images that have it, null where none
    has, intervals by group, and draws them (exact, to the digits of the file)."""
    groups = {"count": 3, "rule": "pairs"}
    header = {
        "scenario": {
            "num_tx_ant": 1,
            "num_rx_ant": 1,
            "channel": "awgn",
            "csi": "perfect",
        },
        "system": "pixels",
        "description": {"title": "Pixels"},
        "bandwidth": {"cbr": 1.0},
        "seed": 1,
        "sweep": {},
        "data": {"sha256": "", "groups": groups},
        "definitions": {},
        "versions": {},
        "original": encode_strip(IMAGES[:, :32, :32]),
    }
    file = ResultFile.open(tmp_path / "pixels.json", header, [0, 10])
    curves = {lambda: Link(scored(), tiny_systems.TinyChannel()): file}
    settings = SweepSettings(batch_size=4)
    run_sweep(
        curves, IMAGES, [0, 10], settings, progress=False, groups=[0, 0, 1, 1, 2, 2]
    )
    document = json.loads(file.path.read_text())
    link = Link(scored(), tiny_systems.TinyChannel())
    (low, high), alone = (
        simulate_point(link, IMAGES, 10, settings, groups=g).metrics["psnr_db"].ci95
        for g in ([0, 0, 1, 1, 2, 2], None)
    )
    assert document["psnr_db"]["ci95"][1] == pytest.approx([low, high], rel=1e-7)
    assert (low, high) != alone
    bright = int(np.sum(IMAGES[:, 0, 0, 0] > 127))
    assert 0 < bright < len(IMAGES)
    extras = document["extras"]
    assert extras["psnr_high"]["num_images"] == [6, 6]
    assert extras["psnr_low"]["num_images"] == [bright, bright]
    assert extras["psnr_medium"]["mean"] == extras["mse_medium"]["mean"] == [None, None]
    assert extras["psnr_high"]["mean"][1] > extras["psnr_high"]["mean"][0] + 5
    assert document["data"]["groups"] == groups
    figures = plot_all([ResultFile.read(file.path)], tmp_path)
    assert figures[-1].name == "psnr_by_importance.png" and figures[-1].is_file()
