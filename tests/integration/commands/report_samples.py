"""Result files for reports: three systems whose names try to be markup."""

import numpy as np

from semcom_phy.simulation.metric_table import metrics_of
from semcom_phy.simulation.results import Point, ResultFile, describe_metrics
from semcom_phy.simulation.shown import Shown, encode_strip
from semcom_phy.simulation.statistics.intervals import (
    clustered_mean,
    clustered_probability,
)

SNR_DB = (0.0, 10.0, 20.0)
NASTY = '</script><script>window.broken = 1</script><img src=x onerror="broken=2">&\''
TITLES = {"plain": "Plain", "nasty": NASTY, "richer": "Richer"}
IMAGES = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), "uint8")
SCENARIO = {
    "name": "mimo_2x2",
    "num_tx_ant": 2,
    "num_rx_ant": 2,
    "channel": "rayleigh",
    "csi": "estimated",
    "cbr": "1/4",
    "image_size": 16,
}
DEFINITIONS = {
    "Link": "2x2 rayleigh",
    "SNR": "average received SNR per receive antenna",
    "Rate": "cbr = symbols / (3HW)",
    "PSNR": "8-bit rounded images",
    "CSI": "estimated: least squares from the pilots",
}
INDEX, GROUP = np.arange(40), np.arange(40) // 2


def file_results(folder):
    """A folder of three systems; the last knows more, spends more and lacks a point."""
    for i, name in enumerate(TITLES):
        file_result(folder / f"{name}.json", TITLES[name], i)
    return folder


def file_result(path, title, number=0, **scenario):
    """A result of 40 images in 20 groups."""
    knows = ["average SNR"] + ["fed-back CSI"] * (number == 2)
    cbr = 0.3 if number == 2 else 0.25
    metrics = metrics_of(["psnr_db", "ssim"])
    header = {
        "scenario": SCENARIO | scenario,
        "system": path.stem,
        "description": {"title": title, "knows": knows, "weights_sha256": "ab12"},
        "bandwidth": {"cbr": 0.25},
        "seed": 7,
        "sweep": {"draws": 1},
        "data": {
            "dataset": "sample",
            "source": f"photographs of {NASTY}",
            "num_images": 40,
            "sha256": "0a",
            "groups": {"count": 20, "rule": "photograph"},
        },
        "definitions": DEFINITIONS | {"Knowledge": ", ".join(knows)},
        "versions": {"python": "3.11.7", "sionna": "1.2.2", "commit": "0123456789ab"},
        "metrics": describe_metrics(metrics),
        "original": encode_strip(IMAGES),
    }
    points = SNR_DB[: 2 if number == 2 else 3]
    file = ResultFile.open(path, header, SNR_DB)
    easy = np.random.default_rng(1).normal(size=20)[GROUP]
    for snr in points:
        own = np.random.default_rng((number, int(snr))).normal(size=40)
        rows = {
            "image": INDEX,
            "image_sha256": INDEX.astype(str),
            "draw": np.zeros(40, int),
            "group": GROUP.astype(str),
            "fade_power": np.ones(40),
            "psnr_db": 20 + snr + number + 5 * easy + 0.3 * own,
            "ssim": 0.5 + snr / 50 + 0.01 * own,
            "outage": (own > 1) & (snr < 20),
            "cbr_total": np.full(40, cbr),
        }
        mean = {n: clustered_mean(rows[n], INDEX, GROUP) for n in ("psnr_db", "ssim")}
        mean["outage"] = clustered_probability(rows["outage"], INDEX, GROUP)
        spent = {"cbr_total": clustered_mean(rows["cbr_total"], INDEX, GROUP)}
        images = np.clip(IMAGES.astype(int) + 20 * number + 1, 0, 255).astype("uint8")
        shown = Shown(images, None, ("psnr_db", (25.0 + number, 30.0)), (False, True))
        file.record(snr, Point("done", mean, spent, shown, rows))
    return file
