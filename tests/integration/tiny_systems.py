"""A table of systems small enough for tests: pixels over AWGN, no radio link.

Stands in for ``link_models.systems`` on the command line. ``pixels`` sends every
pixel as it is; ``fragile`` besides loses images whose fade is deep; ``rated`` sends
what the rate lets it, 1/48 at least; ``words`` sends the
first caption and no image, and loses words; the scenario may make images of what
arrives. All wait for ``$TINY_DELAY`` seconds per
batch, so that a test can kill them on the way.
"""

import math
import os
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np

from semcom_phy.seeding import complex_normals, image_generator
from semcom_phy.simulation.system import Spent, SymbolMaps, Transmission
from semcom_phy.sources.samples import Delivered


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
        self.name, self.title, self.margin_db = name, name.capitalize(), margin_db

    def describe(self):
        return {
            "title": self.title,
            "knows": ["average SNR"],
            "margin_db": self.margin_db,
            "bandwidth": {"side_info_symbols": 0},
        }

    def transmit(self, samples, snr_db, h, seeds):
        images = samples.images
        time.sleep(float(os.environ.get("TINY_DELAY", 0)))
        noise = [np.random.default_rng(s).normal(size=images.shape[1:]) for s in seeds]
        received = images + 128 * 10 ** (-snr_db / 20) * np.stack(noise)
        outage = np.zeros(len(images), bool)
        if self.margin_db is not None:
            outage = snr_db + 20 * np.log10(np.abs(h)) < self.margin_db
            received[outage] = 128
        return Transmission(
            Delivered(images=np.clip(np.rint(received), 0, 255).astype("uint8")),
            outage,
            _spent(images),
            figures={"block_error": outage, "gain": np.abs(h) ** 2},
        )

    def symbol_maps(self, samples, snr_db, seed):
        return None


class PixelsAtRate(PixelsOverAWGN):
    """Has 3 dB less noise for twice the rate."""

    def __init__(self, name, scenario):
        super().__init__(name)
        if scenario.cbr < Fraction(1, 48):
            raise ValueError(f"num_symbols must be 64 at least, {scenario.num_symbols}")
        self.gain_db = 10 * math.log10(48 * scenario.cbr)
        self.num_symbols = scenario.num_symbols

    def transmit(self, samples, snr_db, h, seeds):
        sent = super().transmit(samples, snr_db + self.gain_db, h, seeds)
        batch = len(samples)
        spent = Spent(np.full(batch, self.num_symbols), np.zeros(batch))
        return replace(sent, spent=spent)


class WordsOverAir:
    """Loses a word of the first caption with a probability that falls with the SNR, and
    all of them where none of the first two arrives."""

    name, title = "words", "Words"

    def describe(self):
        return {"title": self.title, "knows": ["average SNR"], "bandwidth": {}}

    def transmit(self, samples, snr_db, h, seeds):
        time.sleep(float(os.environ.get("TINY_DELAY", 0)))
        texts, outage = [], []
        for own, seed in zip(samples.texts, seeds, strict=True):
            sent = own[0].split()
            kept = np.random.default_rng(seed).random(len(sent)) > 10 ** (-snr_db / 20)
            outage.append(not kept[:2].any())
            arrived = [word for word, k in zip(sent, kept, strict=True) if k]
            texts.append("" if outage[-1] else " ".join(arrived))
        lost = np.array(outage)
        spent = _spent(samples.images)
        return Transmission(Delivered(texts=texts), lost, spent, {"head": lost})

    def symbol_maps(self, samples, snr_db, seed):
        first = samples.images[:2]
        patches = np.ones((len(first), 2, 2), int)
        cells = {snr: np.ones((len(first), 2, 2, 3)) for snr in snr_db}
        return SymbolMaps(self.title, first, patches, cells)


def _spent(images):
    batch, dimensions = len(images), np.prod(images.shape[1:])
    return Spent(np.full(batch, dimensions / 4), np.zeros(batch))


SYSTEMS = {
    "pixels": lambda scenario: PixelsOverAWGN("pixels"),
    "fragile": lambda scenario: PixelsOverAWGN("fragile", margin_db=0.0),
    "rated": lambda scenario: PixelsAtRate("rated", scenario),
    "words": lambda scenario: scenario.at_receiver(WordsOverAir()),
}


def build_system(name, scenario):
    return SYSTEMS[name](scenario)


def build_channel(scenario):
    return TinyChannel()
