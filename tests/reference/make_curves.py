"""Makes `curves/*.json`; run it from the repository root, all or some systems:

    python tests/reference/make_curves.py [SYSTEM ...]

A curve is what a shipped system gives for a few images over fixed fades at two SNRs.
`test_curves.py` computes it again: whatever changes a figure of a system has to be
meant. Fades come from a NumPy generator and noise from the seeds of the images, so that
both Sionna generations see the same. Scenes are painted, so that no data are needed.
Nothing is compiled: for so few images that would take most of the time.
"""

import contextlib
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from painted_scenes import painted_camvid

from link_models.systems import frame_system, semantic_coder
from link_models.systems.published import Published
from link_models.systems.table import SYSTEMS, build_system
from scenarios import adaptive_rate, driving_scene, kodak_2x2, mimo_2x2
from semcom_phy.knowledge_base.importance.driving_rule import DrivingRule
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.simulation.statistics.intervals import clustered_mean
from semcom_phy.sources.driving import load_driving_scenes
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

FOLDER = Path(__file__).parent / "curves"
SNR_DB = (5.0, 15.0)
NUM_IMAGES = 4
NOT_SHIPPED = {
    "deepjscc": "has no weights",
    **{
        name: "has weights that its authors publish and a user imports"
        for name, entry in SYSTEMS.items()
        if isinstance(entry, Published)
    },
    **{
        name: "needs the programs of BPG"
        for name in (
            "bpg_ldpc",
            "bpg_capacity",
            "bpg_outage_capacity",
            "bpg_lmmse_capacity",
        )
    },
    **{
        name: "sends captions, a curve is of images"
        for name in SYSTEMS
        if name.startswith(("text_", "vlm_csc"))
    },
    "caption_only": "sends captions, a curve is of images",
    "sgdjscc": "is for images with captions",
    "hevc_ldpc_edited": "is hevc_ldpc, and an editor behind it",
    **{
        name: "needs masks that a dual encoder finds"
        for name in SYSTEMS
        if name.startswith(("gened_sc", "mask_and_caption", "hevc_ldpc_mask"))
    },
    **{
        name: "selects among candidates that take minutes to paint"
        for name in SYSTEMS
        if name.startswith(("mmsemcom", "candidate"))
    },
}
NAMES = [name for name in SYSTEMS if name not in NOT_SHIPPED]
ADAPTIVE = ("eca", "swinjscc", "hevc_ldpc_", "hevc_half_", "hevc_finer_ldpc_")
SCENES = (
    *("ntscc", "oosc", "sa_oosc", "deepjscc_patches"),
    *("hevc_ldpc_labels", "hevc_ldpc_student"),
)
PHOTOGRAPHS = replace(kodak_2x2.SCENARIO, dataset="photographs", image_size=(96, 144))
COMPILING = (frame_system, semantic_coder)


@contextlib.contextmanager
def small_world():
    """Painted scenes for CamVid, and functions that are run as they are."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for module in COMPILING:
            plain = mock.patch.object(module, "compile_fn", lambda fn, jit=True: fn)
            stack.enter_context(plain)
        counts = dict.fromkeys(("train", "val", "test"), NUM_IMAGES // 2)
        stack.enter_context(painted_camvid(folder, counts))
        yield


def scenario_of(name):
    """The scenario that a system is made for."""
    if name.endswith("_photo"):
        return PHOTOGRAPHS
    if name.startswith(SCENES):
        return driving_scene.SCENARIO
    if name.startswith(ADAPTIVE):
        return adaptive_rate.SCENARIO
    return mimo_2x2.SCENARIO


def curve(name):
    """The curve of a system, plain values; inside :func:`small_world`."""
    scenario = scenario_of(name)
    size = scenario.image_shape[:2]
    if scenario.dataset == "camvid":
        scenes = load_driving_scenes("camvid", "test", size)
        samples = Samples(scenes.images, None, {}, labels=scenes.labels)
    else:
        data = "photographs" if scenario is PHOTOGRAPHS else "sample"
        samples = Samples(load_images(data, NUM_IMAGES, size=size)[0], None, {})
    system = build_system(name, scenario)
    h, index = fades(len(samples), scenario), np.arange(len(samples))
    points = [system.transmit(samples, snr, h, list(index)) for snr in SNR_DB]
    figures = [figures_of(sent, samples) for sent in points]
    return {
        "system": name,
        "scenario": scenario.name,
        "num_images": len(samples),
        "snr_db": list(SNR_DB),
        "psnr_db": [
            _estimate(
                clustered_mean(
                    psnr(samples.images, sent.delivered.images), index, index
                )
            )
            for sent in points
        ],
        "outage": [float(np.mean(sent.outage)) for sent in points],
        "figures": {
            key: [_mean(at_snr[key]) for at_snr in figures] for key in figures[0]
        },
    }


def figures_of(sent, samples):
    """All that is told of a transmission beside the images: rates in complex symbols
    per value of the images, segments lost, figures; of scenes the error by level."""
    spent = {"cbr": sent.spent.data, "side_cbr": sent.spent.side}
    rates = {name: n / samples.images[0].size for name, n in spent.items()}
    lost = {f"lost_{name}": values for name, values in sent.lost.items()}
    scores = {}
    if samples.labels is not None:
        levels = level_maps(DrivingRule(), samples.images, samples.labels)
        scores = psnr_by_level(samples.images, sent.delivered.images, levels)
    return rates | lost | sent.figures | scores


def fades(count, scenario):
    """Block fades of a scenario from a NumPy generator."""
    num_rx, num_tx = scenario.num_rx_ant, scenario.num_tx_ant
    if scenario.channel == "awgn":
        h = np.tile(np.sqrt(num_tx) * np.eye(num_rx, num_tx), (count, 1, 1))
    else:
        parts = np.random.default_rng(3).normal(size=(2, count, num_rx, num_tx))
        h = (parts[0] + 1j * parts[1]) / np.sqrt(2)
    return h[:, None, :, :, None, None].astype("complex64")


def _estimate(estimate):
    ends = estimate.ci95 and [round(float(end), 4) for end in estimate.ci95]
    return {"mean": round(float(estimate.mean), 4), "ci95": ends}


def _mean(values):
    values = np.asarray(values, float)
    known = values[~np.isnan(values)]
    return round(float(known.mean()), 5) if len(known) else None


def main(names):
    """Writes the curves of some systems, or all."""
    FOLDER.mkdir(exist_ok=True)
    with small_world():
        for name in names or NAMES:
            text = json.dumps(curve(name), indent=1)
            (FOLDER / f"{name}.json").write_text(text + "\n")
            print(f"wrote {name}.json", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
