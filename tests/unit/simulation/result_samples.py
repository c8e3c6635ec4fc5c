"""A result file to write: header, points, rows. Imports no tensor library."""

import numpy as np

from semcom_phy.simulation.metric_table import IMAGE_METRICS
from semcom_phy.simulation.results import Point, describe_metrics
from semcom_phy.simulation.shown import Shown, encode_strip
from semcom_phy.simulation.statistics.intervals import Estimate

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), "uint8")
HEADER = {
    "scenario": {"name": "test", "csi": "perfect"},
    "system": "pixels",
    "description": {"title": "Pixels", "config": {"filters": 16}},
    "bandwidth": {"cbr": 0.25},
    "seed": 1,
    "sweep": {"draws": 2},
    "data": {"dataset": "sample", "sha256": "0a"},
    "definitions": {"SNR": "per receive antenna"},
    "versions": {"semcom_phy": "0.1.0"},
    "metrics": describe_metrics(IMAGE_METRICS),
    "original": encode_strip(IMAGES),
}
FIGURES = (*(metric.name for metric in IMAGE_METRICS), "outage")
SHOWN = Shown(IMAGES, None, ("psnr_db", (29.0, 30.0, 31.0)), (False, True, False))


def point(value=30.0, status="done", extras=()):
    estimate = Estimate(value, (value - 1 / 3, value + 1 / 3), 3, 6)
    return Point(
        status,
        dict.fromkeys(FIGURES, estimate),
        dict.fromkeys(extras, estimate),
        SHOWN,
        rows(value, extras),
    )


def rows(value=30.0, extras=()):
    """Three images, two draws each."""
    columns = dict.fromkeys(("psnr_db", "mse", *extras), np.linspace(value, 40, 6))
    names = np.array(["0a", "0b", "0c"] * 2)
    return columns | {
        "image": np.tile(np.arange(3), 2),
        "image_sha256": names,
        "draw": np.repeat([0, 1], 3),
        "group": names,
        "fade_power": np.ones(6),
        "outage": np.arange(6) == 1,
    }


def contents(path):
    """Both files of a curve."""
    return path.read_bytes(), path.with_suffix(".rows.npz").read_bytes()
