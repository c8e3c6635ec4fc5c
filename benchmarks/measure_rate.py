"""What adaptive weights spend and reach: ``python -m benchmarks.measure_rate LABEL``.

Held-out training images, perfect CSI, at the rate weight in the weights' JSON. The
rate, ten fades per image (one with aged feedback), is written there as
``rate_profile``, with that over eigenmodes inside as ``precoded``, from
where systems that are compared at equal rate take it; PSNR and rate over one fade per
image as ``validation``.

``--below`` sets the rate weight first, so that the mean rates stay just below those
given, at 0, 5, 10, 15 and 20 dB; what the weights were trained with is kept as
``trained_with``.
"""

import argparse
import json
import sys
from dataclasses import replace

import numpy as np

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.side_information import ShortSide
from link_models.systems.transmitter import Transmitter
from link_models.training.data import split_data
from link_models.training.image_task import VALIDATION_SNR_DB
from link_models.weights import store
from scenarios.adaptive_rate import SCENARIO
from semcom_phy.metrics.image import psnr, psnr_of_mean_mse
from semcom_phy.phy.feedback import AgedFeedback, Feedback
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.storage import replaced
from semcom_phy.sources.cifar10 import load_cifar10_training_images
from semcom_phy.sources.samples import Samples

SNR_DB = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5, 20.0)
DRAWS = 10
# With aged feedback: correlations with the channel that is sent over, upwards.
CORRELATIONS = (0.0, 0.4, 0.72, 0.9, 0.97, 0.99)
AGED_SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
SEED = 7
SHARE = 0.997  # of the limits that is aimed at
MOST_TRIALS = 8


def measure(label, images, snr_db=SNR_DB, draws=DRAWS, **options):
    """Mean rates of weights over images and fades; further options are those of
    :func:`_system`.

    Output
    ------
    : `dict`
        ``correlation``, ``snr_db``, ``cr_real``, ``cr_real_charged``, and count and
        seed
    """
    system = _system(label, images, **options)
    samples = Samples(images, None, {})
    rates = {"cr_real": [], "cr_real_charged": []}
    for snr in snr_db:
        parts = {name: [] for name in rates}
        for draw in range(draws):
            seeds = image_seeds(SEED, draw, range(len(images)))
            h = sample_fades(system.channel, seeds)
            data, side = system.coder.spent(samples, snr, h, seeds)
            for name, count in (("cr_real", data), ("cr_real_charged", data + side)):
                parts[name].append(2 * count.mean() / images[0].size)
        for name, values in parts.items():
            rates[name].append(round(float(np.mean(values)), 5))
    about = {"num_images": len(images), "draws": draws, "seed": SEED}
    about["correlation"] = options.get("correlation", 1.0)
    return {"snr_db": list(snr_db), **rates, **about}


def validate(label, images, snr_db=VALIDATION_SNR_DB):
    """PSNR and rate of weights, one fade per image, as the trainer notes them.

    Output
    ------
    : `dict`
        ``snr_db``, ``psnr_db``, ``psnr_of_mean_mse_db``, ``cr_real``
    """
    system = _system(label, images, side_sent=False)
    figures = {"psnr_db": [], "psnr_of_mean_mse_db": [], "cr_real": []}
    seeds = image_seeds(SEED, 0, range(len(images)))
    h = sample_fades(system.channel, seeds)
    samples = Samples(images, None, {})
    for snr in snr_db:
        sent = system.transmit(samples, snr, h, seeds)
        images_hat = sent.delivered.images
        figures["psnr_db"].append(psnr(images, images_hat).mean())
        figures["psnr_of_mean_mse_db"].append(psnr_of_mean_mse(images, images_hat))
        figures["cr_real"].append(2 * sent.spent.data.mean() / images[0].size)
    rounded = {n: [round(float(v), 4) for v in vs] for n, vs in figures.items()}
    return {"snr_db": list(snr_db), **rounded}


def choose_rate_weight(label, images, limits):
    """Sets the rate weight in the JSON of weights.

    Parameters
    ----------
    label : `str`

    images : [n, H, W, 3], `uint8`

    limits : [5], `float`
        Of cr_real at 0, 5, 10, 15, 20 dB

    Raises
    ------
    ValueError
        If none is found.
    """
    path = store.find(label)
    record = json.loads(path.read_text())
    told = record["config"]["encoder"]
    trained = {name: told[name] for name in ("rate_weight", "slope")}
    weights, excess = [np.log(told["rate_weight"])], []  # of a rate over its limit
    for _ in range(MOST_TRIALS):
        weight = round(float(np.exp(weights[-1])), 3)
        options = {"rate_weight": weight}
        spent = measure(label, images, VALIDATION_SNR_DB, 1, **options)["cr_real"]
        excess.append(np.log(np.max(np.divide(spent, limits))))
        print(f"rate weight {weight}: cr_real {spent}", flush=True)
        if 2 * np.log(SHARE) < excess[-1] <= 0:
            told["rate_weight"] = weight
            before = trained | {"validation": record["validation"]}
            record.setdefault("trained_with", before)
            _write(path, record)
            return
        slope = -2.0  # a first guess: rates fall about as the root of the weight
        if len(excess) > 1 and excess[-1] != excess[-2]:
            slope = np.diff(weights[-2:])[0] / np.diff(excess[-2:])[0]
        weights.append(weights[-1] + slope * (np.log(SHARE) - excess[-1]))
    raise ValueError(f"no rate weight found for {label!r} in {MOST_TRIALS} trials")


def _write(path, record):
    with replaced(path) as trial:
        trial.write_text(json.dumps(record, indent=1) + "\n")


def _system(
    label, images, correlation=1.0, side_sent=True, precoding=False, rate_weight=None
):
    """The weights as a system; where its side information is not sent, nothing of it
    can be lost. With another rate weight than that of the JSON, if one is given."""
    shape = images.shape[1:]
    codec = store.read_record(label)["config"]["encoder"]
    antennas = {name: codec[name] for name in ("num_tx_ant", "num_rx_ant")}
    scenario = replace(SCENARIO, csi="perfect", **antennas)
    bare = build_channel(scenario)
    link, _ = load_link(label, bare, shape)
    side = ShortSide.of(link.encoder)
    channel = build_channel(scenario, extra_symbols=side.room)
    link, _ = load_link(label, channel, shape, bare.framing.num_symbols)
    if rate_weight is not None:
        link.encoder.rate_weight = rate_weight
    feedback = Feedback(channel)
    if correlation < 1:
        feedback = AgedFeedback(channel, correlation)
    transmitter = Transmitter(channel, feedback, precoding)
    sent = {"side": side} if side_sent else {"free": True}
    coder = SemanticCoder(link, transmitter, **sent)
    return FrameSystem("", "", coder, channel, outage_color("cifar10"))


def main(argv=None):
    """Measures, and writes the JSON anew; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", nargs="+", help="labels or files of weights")
    parser.add_argument(
        "--below", type=float, nargs=5, metavar="CR", help="largest rates; see above"
    )
    args = parser.parse_args(argv)
    data = split_data(*load_cifar10_training_images())
    try:
        for label in args.labels:
            if args.below:
                choose_rate_weight(label, data.validation, args.below)
            path = store.find(label)
            record = json.loads(path.read_text())
            record["rate_profile"] = measure(label, data.validation) | {
                "aged": [
                    measure(label, data.validation, AGED_SNR_DB, 1, correlation=rho)
                    for rho in CORRELATIONS
                ]
            }
            if record["config"]["encoder"].get("use_csi", True):
                over_eigenmodes = measure(label, data.validation, precoding=True)
                record["rate_profile"]["precoded"] = over_eigenmodes
            figures = validate(label, data.validation)
            record["validation"] = {record["tasks"][0]["name"]: figures}
            _write(path, record)
            print(f"{label}: cr_real {figures['cr_real']}, {figures['psnr_db']} dB")
    except (ValueError, OSError) as error:
        print(f"measure_rate: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
