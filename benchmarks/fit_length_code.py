"""Fits the codes of variable-length weights' side information, and files them beside.

    python -m benchmarks.fit_length_code LABEL [LABEL ...]

Lengths, and orders where there are, are those of the training scenes, or photographs,
at several budgets and, of codecs that are told it, SNRs, so that no test image has a
say in the code.
"""

import json
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems.levels import LabelLevels
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.transmitter import Transmitter
from link_models.training.photo_data import (
    PHOTOGRAPHS,
    VALIDATION_SIZE,
    central_part,
    load_photo_data,
)
from link_models.training.tasks.photo import CROP
from link_models.weights import store
from scenarios.command.arguments import Parser
from scenarios.driving_scene import SCENARIO
from scenarios.kodak_awgn import SCENARIO as KODAK
from semcom_phy.codecs.patch_side import PatchSide
from semcom_phy.entropy_coding.conditional_code import ConditionalCode
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.simulation.storage import replaced
from semcom_phy.sources.driving import load_driving_scenes
from semcom_phy.sources.samples import Samples

CBRS = ("1/64", "1/48", "1/32", "1/24")
PHOTO_CBRS, PHOTO_SNR_DB = ("1/48", "1/24", "1/12", "1/8"), (0.0, 10.0, 20.0)
ROUNDS = 3
PHOTO_STEP = 16  # one training photograph in so many


def training_grids(label, annotators, dataset="camvid", batch_size=32):
    """Side information of the training scenes at ``CBRS``, a list of
    :class:`~semcom_phy.codecs.patch_side.PatchSide` of one scene each.

    Parameters
    ----------
    label : `str`
        Weights

    annotators : sequence of "rule", "static" or `None`
        Who tells importance at the transmitter; the grids of all are pooled
    """
    scenes = load_driving_scenes(dataset, "train", SCENARIO.image_shape[:2])
    samples = Samples(scenes.images, None, {}, labels=scenes.labels)
    grids = []
    for cbr in CBRS:
        channel = build_channel(replace(SCENARIO, cbr=Fraction(cbr)))
        link, _ = load_link(label, channel, SCENARIO.image_shape)
        for annotator in annotators:
            levels = annotator and LabelLevels(annotator)
            coder = SemanticCoder(link, Transmitter(channel), free=True, levels=levels)
            for start in range(0, len(samples) - batch_size + 1, batch_size):
                part = samples.take(range(start, start + batch_size))
                seeds = range(batch_size)  # no figure of it depends on the channel
                message = coder.encode(part, 10.0, channel.sample(batch_size), seeds)
                grids += _of_images(link, message)
    return grids


def _of_images(link, message):
    """Lengths and orders of the images of a message."""
    lengths, orders, _ = link.encoder.side_code.parts(message.state.side)
    orders = [None] * len(lengths) if orders is None else orders
    return [PatchSide(*told) for told in zip(lengths, orders, strict=True)]


def photo_grids(label):
    """The same of training photographs at ``PHOTO_CBRS`` and ``PHOTO_SNR_DB``."""
    large = load_photo_data(PHOTOGRAPHS, CROP).large[::PHOTO_STEP]
    images = np.stack([central_part(picture) for picture in large])
    samples, grids = Samples(images, None, {}), []
    for cbr in PHOTO_CBRS:
        scenario = replace(KODAK, image_size=VALIDATION_SIZE, cbr=Fraction(cbr))
        channel = build_channel(scenario)
        link, _ = load_link(label, channel, scenario.image_shape)
        coder = SemanticCoder(link, Transmitter(channel), free=True)
        for snr_db in PHOTO_SNR_DB:
            for start in range(0, len(samples), 8):
                part = samples.take(range(start, min(start + 8, len(samples))))
                h = channel.sample(len(part))
                message = coder.encode(part, snr_db, h, range(len(part)))
                grids += _of_images(link, message)
    return grids


def main(argv=None):
    """Command line; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", nargs="+")
    args = parser.parse_args(argv)
    try:
        for label in args.labels:
            _fit(label)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _fit(label):
    """Orders are chosen by what they cost as well, which follows from their code: the
    two are found in turn."""
    config = store.read_record(label)["config"]["encoder"]
    for _ in range(ROUNDS if config.get("num_orders", 1) > 1 else 1):
        _fit_once(label)


def _fit_once(label):
    record = store.read_record(label)
    annotators = (None,)
    if record["config"]["codec"] == "sa_oosc":
        annotators = (record["data"]["annotator"], None)
    config = record["config"]["encoder"]
    lengths = config.get("lengths", LENGTHS)
    if "annotator" in record["data"]:  # of driving scenes
        grids = training_grids(label, annotators)
    else:
        grids = photo_grids(label)
    codes, bits = {}, 0.0
    if not config.get("fixed"):
        code = LengthCode.fit([side.rate_index for side in grids], len(lengths))
        codes["length_code"] = code.to_dict()
        some = grids[:: len(grids) // 200 + 1]
        bits += np.mean([code.cost_bits(side.rate_index) for side in some])
    if config.get("num_orders", 1) > 1:
        contexts, values = (
            np.concatenate([part.ravel() for part in parts])
            for parts in zip(*[side[:2] for side in grids], strict=True)
        )
        num_orders = config["num_orders"]
        code = ConditionalCode.fit(contexts, values, len(lengths), num_orders)
        codes["order_code"] = code.to_dict()
        bits += code.cost_bits(values, contexts) / len(grids)
    patches = grids[0].rate_index.size
    print(f"{label}: {bits:.0f} bits an image, {bits / patches:.2f} a patch")
    path = store.find(label)
    record = json.loads(path.read_text()) | codes
    with replaced(path) as trial:
        trial.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
