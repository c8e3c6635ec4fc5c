"""Figures: drawn from the files alone, and for what was simulated only."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.simulation import plotting
from semcom_phy.simulation.image_strip import encode_strip
from semcom_phy.simulation.intervals import Estimate
from semcom_phy.simulation.results import METRICS, Point, ResultFile

IMAGES = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), "uint8")
RECEIVED = np.random.default_rng(2).integers(0, 256, (4, 16, 16, 3), "uint8")


def make_curve(path, title, outage, snr_db=(0, 10), run=(0, 10), extras=None):
    header = {
        "scenario": {
            "name": "t",
            "num_tx_ant": 2,
            "num_rx_ant": 2,
            "channel": "rayleigh",
            "csi": "estimated",
        },
        "system": title,
        "description": {"title": title},
        "bandwidth": {"cbr": 0.25},
        "seed": 1,
        "sweep": {},
        "data": {"sha256": ""},
        "definitions": {},
        "versions": {},
        "original": encode_strip(IMAGES),
    }
    file = ResultFile.open(path / f"{title}.json", header, snr_db)
    for snr in run:
        psnr = Estimate(20.0 + snr, (19.0 + snr, 21.0 + snr), 4, 8)
        metrics = dict.fromkeys(METRICS, psnr)
        metrics["outage"] = Estimate(outage, (0.0, outage + 0.1), 4, 8)
        file.record(
            snr,
            Point(
                "done",
                metrics,
                extras or {},
                RECEIVED,
                (20.0,) * 4,
                (False,) * 3 + (True,),
                {"image": np.arange(4)},
            ),
        )
    return file


def test_figures_come_from_the_files_alone(tmp_path):
    """Files that were read back give the same figures, pixel by pixel (exact)."""
    curves = [make_curve(tmp_path, name, 0.2) for name in ("a", "b")]
    drawn = [np.asarray(Image.open(p)) for p in plotting.plot_all(curves, tmp_path)]
    again = [ResultFile.read(curve.path) for curve in curves]
    paths = plotting.plot_all(again, tmp_path)
    assert [path.name for path in paths] == [
        "psnr_vs_snr.png",
        "reconstructions.png",
        "outage_vs_snr.png",
    ]
    for before, path in zip(drawn, paths, strict=True):
        np.testing.assert_array_equal(before, np.asarray(Image.open(path)))


def test_the_grid_shows_the_stored_images(tmp_path):
    """The colours of the first three originals and reconstructions are all drawn,
    those of the fourth are not (exact; 1 % for pixels under the outage frame)."""
    curve = make_curve(tmp_path, "a", 0.0)
    plotting.plot_reconstructions([curve], tmp_path / "grid.png")
    figure = np.asarray(Image.open(tmp_path / "grid.png").convert("RGB"))
    drawn = {tuple(c) for c in np.unique(figure.reshape(-1, 3), axis=0)}

    def share_drawn(images):
        return np.mean([tuple(c) in drawn for c in images.reshape(-1, 3)])

    assert share_drawn(IMAGES[:3]) > 0.99
    assert share_drawn(RECEIVED[:3]) > 0.99
    assert share_drawn(IMAGES[3]) < 0.1
    assert share_drawn(RECEIVED[3]) < 0.1


def test_no_outage_no_outage_figure(tmp_path):
    """A probability that is zero everywhere is not drawn (exact)."""
    paths = plotting.plot_all([make_curve(tmp_path, "a", 0.0)], tmp_path)
    assert [path.name for path in paths] == ["psnr_vs_snr.png", "reconstructions.png"]


def test_points_that_were_not_run_are_left_out(tmp_path):
    """An open point at the end draws nothing, a missing curve is an error (exact)."""
    half = make_curve(tmp_path, "half", 0.0, run=(0,))
    plotting.plot_metric([half], "psnr_db", tmp_path / "a.png")
    plotting.plot_reconstructions([half], tmp_path / "b.png")
    empty = make_curve(tmp_path, "empty", 0.0, run=())
    with pytest.raises(ValueError, match="simulated"):
        plotting.plot_metric([empty], "psnr_db", tmp_path / "a.png")
    with pytest.raises(ValueError, match="simulated"):
        plotting.plot_reconstructions([half, empty], tmp_path / "b.png")


def test_scores_by_importance_are_drawn(tmp_path):
    """A panel per level, also where no image has that level or another system has no
    scores; the figure is that of files read back (exact)."""
    scores = {"psnr_high": Estimate(30.0, (29.0, 31.0), 4, 8), "psnr_low": None}
    scored = make_curve(tmp_path, "scored", 0.0, extras=scores)
    curves = [make_curve(tmp_path, "plain", 0.0), scored]
    paths = plotting.plot_all(curves, tmp_path)
    assert [path.name for path in paths][2:] == ["psnr_by_importance.png"]
    drawn = paths[-1].read_bytes()
    plotting.plot_by_importance(
        [ResultFile.read(curve.path) for curve in curves], paths[-1]
    )
    assert paths[-1].read_bytes() == drawn
    other = {"psnr_high": Estimate(20.0, (19.0, 21.0), 4, 8)}
    curves[1] = make_curve(tmp_path, "other", 0.0, extras=other)
    plotting.plot_by_importance(curves, paths[-1])
    assert paths[-1].read_bytes() != drawn


def test_only_systems_with_scores_enter_the_panels(tmp_path, monkeypatch):
    """A curve is drawn in a panel where it has points, and nowhere else (exact)."""
    scores = {"psnr_high": Estimate(30.0, (29.0, 31.0), 4, 8), "psnr_low": None}
    scored = make_curve(tmp_path, "scored", 0.0, extras=scores)
    drawn = []
    monkeypatch.setattr(
        plotting,
        "_draw_curve",
        lambda _, points, name, *__: drawn.append((name, points)),
    )
    curves = [make_curve(tmp_path, "plain", 0.0), scored]
    plotting.plot_by_importance(curves, tmp_path / "a.png")
    assert drawn == [("scored", [(snr, scores["psnr_high"]) for snr in (0.0, 10.0)])]


def test_no_scores_no_figure_by_importance(tmp_path):
    """Without scores there is nothing to draw (exact)."""
    curve = make_curve(tmp_path, "plain", 0.0)
    with pytest.raises(ValueError, match="no point with a PSNR by importance"):
        plotting.plot_by_importance([curve], tmp_path / "a.png")


def test_groups_are_named_in_the_caption(tmp_path):
    """A figure says how many groups stand behind its intervals (exact)."""
    curve = make_curve(tmp_path, "a", 0.0)
    assert plotting._count([curve]) == "4 images, 8 transmissions"
    curve.header["data"]["groups"] = {"count": 2, "rule": "pairs"}
    assert plotting._count([curve]) == "4 images in 2 groups, 8 transmissions"
