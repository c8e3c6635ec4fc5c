"""What adaptive weights spend and reach: ``python -m benchmarks.measure_rate LABEL``.

Held-out training images, perfect CSI, at the rate weight in the weights' JSON. The
rate, ten fades per image (one with aged feedback), is written there as
``rate_profile``, with that over eigenmodes inside as ``precoded``, from
where systems that are compared at equal rate take it; PSNR and rate over one fade per
image as ``validation``.

``--below`` sets rate weight and slope first, so that the mean rates stay just below
those given, at 0, 5, 10, 15 and 20 dB; what the weights were trained with is kept as
``trained_with``. ``--validation-only`` leaves the rate profile out: for ablations, at
whose rate nothing is compared.
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
from link_models.training.tasks.image import VALIDATION_SNR_DB
from link_models.weights import store
from scenarios.adaptive_rate import SCENARIO
from scenarios.command.arguments import Parser
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
SHARE = 0.995  # of the limits that is aimed at
PRICES = tuple(np.geomspace(1.0, 20.0, 9).round(2))  # tried, in nat per cr_real
WEIGHTS, SLOPES = np.geomspace(1.0, 20.0, 151), np.linspace(0, 4, 81)
MOST_TRIALS = 5


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


def choose_price(label, images, limits):
    r"""Sets rate weight and slope in the JSON of weights.

    The rate at an SNR follows the price there, :math:`w = \lambda (1 + s \sqrt{u})`
    with u from 0 at 0 dB to 1 at 20 dB. From the rates at several prices those
    :math:`\lambda` and s are found that come nearest to the limits from below.

    Parameters
    ----------
    label : `str`

    images : [n, H, W, 3], `uint8`

    limits : [5], `float`
        Of cr_real at 0, 5, 10, 15, 20 dB

    Raises
    ------
    ValueError
        If no price in question keeps them.
    """

    def rates(*price):
        found = measure(label, images, VALIDATION_SNR_DB, 1, price=price)["cr_real"]
        return np.array(found)

    limits = np.asarray(limits)
    spent, goal = np.array([rates(price, 0.0) for price in PRICES]), SHARE * limits
    for _ in range(MOST_TRIALS):
        weight, slope = _price(spent, goal)
        found = rates(weight, slope)
        if np.all(found <= limits):
            _set_price(store.find(label), weight, slope)
            print(f"{label}: rate weight {weight}, slope {slope}: {found.tolist()}")
            return
        goal = np.where(found > limits, goal * SHARE * limits / found, goal)
    raise ValueError(f"no price found for {label!r} in {MOST_TRIALS} trials")


def _price(spent, goal):
    """Rate weight and slope that spend most of what is asked for and nowhere more, by
    rates [prices, SNRs] and those asked for [SNRs]."""
    root = np.sqrt(np.array(VALIDATION_SNR_DB) / VALIDATION_SNR_DB[-1])
    weights, slopes = np.meshgrid(WEIGHTS, SLOPES, indexing="ij")
    prices = np.log(weights[..., None] * (1 + slopes[..., None] * root))
    rates = [
        np.interp(prices[..., i], np.log(PRICES), np.log(column))
        for i, column in enumerate(spent.T)
    ]
    share = np.stack(rates, axis=-1) - np.log(goal)
    used = np.where(np.all(share <= 0, axis=-1), share.sum(axis=-1), -np.inf)
    if not np.isfinite(used).any():
        raise ValueError(
            f"rates from {spent[-1].tolist()} to {spent[0].tolist()} at the prices "
            f"{PRICES[-1]} to {PRICES[0]}: none is below {goal.round(4).tolist()}"
        )
    best = np.unravel_index(used.argmax(), used.shape)
    return round(float(weights[best]), 3), round(float(slopes[best]), 3)


def _profile(label, images, fed_back):
    """Rates with fresh feedback, with aged feedback and, where the channel is fed back,
    over its eigenmodes, `dict`."""
    aged = [
        measure(label, images, AGED_SNR_DB, 1, correlation=rho) for rho in CORRELATIONS
    ]
    profile = measure(label, images) | {"aged": aged}
    if fed_back:
        profile["precoded"] = measure(label, images, precoding=True)
    return profile


def _set_price(path, weight, slope):
    record = json.loads(path.read_text())
    told = record["config"]["encoder"]
    trained = {name: told[name] for name in ("rate_weight", "slope")}
    record.setdefault("trained_with", trained | {"validation": record["validation"]})
    told |= {"rate_weight": weight, "slope": slope}
    _write(path, record)


def _write(path, record):
    with replaced(path) as trial:
        trial.write_text(json.dumps(record, indent=1) + "\n")


def _system(
    label, images, correlation=1.0, side_sent=True, precoding=False, price=None
):
    """The weights as a system; where its side information is not sent, nothing of it
    can be lost. With another rate weight and slope than in the JSON, if given."""
    shape = images.shape[1:]
    codec = store.read_record(label)["config"]["encoder"]
    antennas = {name: codec[name] for name in ("num_tx_ant", "num_rx_ant")}
    scenario = replace(SCENARIO, csi="perfect", **antennas)
    bare = build_channel(scenario)
    link, _ = load_link(label, bare, shape)
    side = ShortSide.of(link.encoder)
    channel = build_channel(scenario, extra_symbols=side.room)
    link, _ = load_link(label, channel, shape, bare.framing.num_symbols)
    if price is not None:
        link.encoder.rate_weight, link.encoder.slope = price
    feedback = Feedback(channel)
    if correlation < 1:
        feedback = AgedFeedback(channel, correlation)
    transmitter = Transmitter(channel, feedback, precoding)
    sent = {"side": side} if side_sent else {"free": True}
    coder = SemanticCoder(link, transmitter, **sent)
    return FrameSystem("", "", coder, channel, outage_color("cifar10"))


def main(argv=None):
    """Measures, and writes the JSON anew; returns the exit code."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", nargs="+", help="labels or files of weights")
    parser.add_argument(
        "--below", type=float, nargs=5, metavar="CR", help="largest rates; see above"
    )
    parser.add_argument(
        "--validation-only", action="store_true", help="no rate profile; see above"
    )
    args = parser.parse_args(argv)
    data = split_data(*load_cifar10_training_images())
    try:
        for label in args.labels:
            path = store.find(label)
            if args.below:
                choose_price(label, data.validation, args.below)
            record = json.loads(path.read_text())
            if not args.validation_only:
                fed_back = record["config"]["encoder"].get("use_csi", True)
                profile = _profile(label, data.validation, fed_back)
                record["rate_profile"] = profile
            figures = validate(label, data.validation)
            record["validation"] = {record["tasks"][0]["name"]: figures}
            if "stored_as" in record:  # shipped, so that its weights are rounded
                stored = record["stored_as"]
                record["stored_as"] = stored.replace("before the", "after the")
            _write(path, record)
            print(f"{label}: cr_real {figures['cr_real']}, {figures['psnr_db']} dB")
    except (ValueError, OSError) as error:
        print(f"measure_rate: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
