"""Frames of a drive are alike: what the command line makes of them."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios import driving_scene, runner
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.statistics.drives import drive_segments
from semcom_phy.simulation.statistics.intervals import clustered_mean

NAMES = [
    f"{drive}_{frame:05d}" for drive in ("0001TP", "Seq05VD") for frame in range(14)
]
SIZE = (32, 48)
SCENARIO = replace(
    driving_scene.SCENARIO,
    systems=("fragile",),
    image_size=SIZE,
    num_images=len(NAMES),
    snr_db=(5.0,),
)


@pytest.fixture
def camvid(tmp_path, monkeypatch):
    """A small data set in CamVid's place."""
    rng = np.random.default_rng(1)
    (tmp_path / "camvid").mkdir()
    np.savez(
        tmp_path / "camvid" / "test.npz",
        images=rng.integers(0, 256, (len(NAMES), *SIZE, 3), np.uint8),
        labels=rng.integers(0, 11, (len(NAMES), *SIZE), np.uint8),
        names=np.array(NAMES),
    )
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))


def test_intervals_of_driving_scenes_count_segments(camvid, tmp_path):
    """The interval in the file is that of the segments, four of them, and not that of
    the 28 frames (to the digits of the file)."""
    assert runner.main(["--out", str(tmp_path / "out")], SCENARIO, "tiny_systems") == 0
    file = ResultFile.read(tmp_path / "out" / "fragile.json")
    rows = file.rows()[5.0]
    segments = np.array(drive_segments(NAMES))[rows["image"]]
    assert file.header["data"]["groups"]["count"] == len(set(segments)) == 4
    found = file.estimate("psnr_db", 5.0)
    expected = clustered_mean(rows["psnr_db"], rows["image"], segments)
    by_frame = clustered_mean(rows["psnr_db"], rows["image"])
    np.testing.assert_allclose(found.ci95, expected.ci95, rtol=1e-6)
    assert abs(by_frame.half_width / expected.half_width - 1) > 0.1
    assert found.num_images == len(NAMES)
