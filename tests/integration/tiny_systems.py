"""A table of systems small enough for tests: pixels over AWGN, no radio link.

Stands in for ``link_models.systems`` on the command line. ``pixels`` sends every
pixel as it is; ``fragile`` besides loses images whose fade is deep. Both wait for
``$TINY_DELAY`` seconds per batch, so that a test can kill them on the way.
"""

import os
import time

import numpy as np

from link_models.transmission import Transmission
from semcom_phy.seeding import complex_normals, image_generator


class TinyChannel:
    """One CN(0, 1) fade per image."""

    num_tx_ant = num_rx_ant = 1

    def sample_each(self, seeds):
        return np.array(
            [complex_normals(image_generator(s, "fade"), ()) for s in seeds]
        )


class PixelsOverAWGN:
    """Adds noise of standard deviation ``128 * 10**(-snr_db / 20)`` to the pixels."""

    def __init__(self, name, margin_db=None):
        self.name, self.margin_db = name, margin_db

    def describe(self):
        return {
            "title": self.name.capitalize(),
            "knows": ["average SNR"],
            "margin_db": self.margin_db,
            "bandwidth": {"side_info_symbols": 0},
        }

    def transmit(self, images, snr_db, h, seeds):
        time.sleep(float(os.environ.get("TINY_DELAY", 0)))
        noise = [np.random.default_rng(s).normal(size=images.shape[1:]) for s in seeds]
        received = images + 128 * 10 ** (-snr_db / 20) * np.stack(noise)
        outage = np.zeros(len(images), bool)
        if self.margin_db is not None:
            outage = snr_db + 20 * np.log10(np.abs(h)) < self.margin_db
            received[outage] = 128
        return Transmission(
            np.clip(np.rint(received), 0, 255).astype("uint8"),
            outage,
            {"block_error": outage, "gain": np.abs(h) ** 2},
        )


SYSTEMS = {
    "pixels": lambda scenario: PixelsOverAWGN("pixels"),
    "fragile": lambda scenario: PixelsOverAWGN("fragile", margin_db=0.0),
}


def build_system(name, scenario):
    return SYSTEMS[name](scenario)


def build_channel(scenario):
    return TinyChannel()
