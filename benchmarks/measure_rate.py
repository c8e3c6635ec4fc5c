"""What adaptive weights spend: ``python -m benchmarks.measure_rate LABEL``.

Held-out training images, ten fades each, perfect CSI; written into the weights' JSON,
from where systems that are compared with them at equal rate take it.
"""

import argparse
import json
import os
import sys
from dataclasses import replace

import numpy as np

from link_models import weights_store
from link_models.adaptive_system import MAX_SIDE_SYMBOLS, AdaptiveSystem
from link_models.learned import load_link
from link_models.systems import build_channel
from link_models.training_data import split_data
from scenarios.adaptive_rate import SCENARIO
from semcom_phy.seeding import derived_seed, set_seed
from semcom_phy.source_coding.quality import outage_color
from semcom_phy.sources.images import load_cifar10_training_images

SNR_DB = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5, 20.0)
DRAWS = 10
SEED = 7


def measure(label, images, snr_db=SNR_DB, draws=DRAWS):
    """Mean rates of weights over images and fades.

    Output
    ------
    : `dict`
        ``snr_db``, ``cr_real``, ``cr_real_charged``, and count and seed
    """
    channel = build_channel(replace(SCENARIO, csi="perfect"), MAX_SIDE_SYMBOLS)
    link, _ = load_link(label, channel, images.shape[1:], MAX_SIDE_SYMBOLS)
    system = AdaptiveSystem("", "", link, images.shape[1:], {}, outage_color())
    rates = {"cr_real": [], "cr_real_charged": []}
    for snr in snr_db:
        parts = {name: [] for name in rates}
        for draw in range(draws):
            set_seed(derived_seed(SEED, draw))
            h = channel.sample(len(images))
            noise = channel.draw_noise(len(images), np.random.default_rng((SEED, draw)))
            for name, values in system.spent(images, snr, h, noise).items():
                parts[name].append(values.mean())
        for name, values in parts.items():
            rates[name].append(round(float(np.mean(values)), 5))
    about = {"num_images": len(images), "draws": draws, "seed": SEED}
    return {"snr_db": list(snr_db), **rates, **about}


def main(argv=None):
    """Measures, and writes the JSON anew; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="+", help="labels or files of weights")
    args = parser.parse_args(argv)
    data = split_data(*load_cifar10_training_images())
    try:
        for label in args.labels:
            path = weights_store.find(label)
            record = json.loads(path.read_text())
            record["rate_profile"] = measure(label, data.validation)
            trial = path.with_suffix(".tmp.json")
            trial.write_text(json.dumps(record, indent=1) + "\n")
            os.replace(trial, path)
            print(f"{label}: {record['rate_profile']['cr_real']}")
    except (ValueError, OSError) as error:
        print(f"measure_rate: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
