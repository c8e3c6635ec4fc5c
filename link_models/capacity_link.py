"""A source codec with an ideal channel code: what no separate system can exceed.

    image --> source codec (budget = bits that the fade carries) --> image_hat

Three rules fix the bits that N_RE resource elements carry:

* ``realisation``: the capacity of this very fade. A genie: the transmitter follows
  each fade and the code, at any length, works at capacity.
* ``outage``: one rate per SNR, the best on average over many fades; a fade whose
  capacity is below it is an outage. What an ideal code reaches without feedback.
* ``lmmse``: the sum rate after L-MMSE detection of this fade: a genie with the
  detector of the other systems.

Each reference knows the channel perfectly, whatever the scenario's CSI; pilots are
not charged to any system.
"""

from functools import lru_cache

import numpy as np
from keras import ops

from link_models.knowledge import (
    AVERAGE_SNR,
    CAPACITY,
    LMMSE_RATE,
    PERFECT_CSI,
    knows,
)
from link_models.transmission import Transmission
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.metrics.link import lmmse_sum_rate, mimo_capacity
from semcom_phy.seeding import private_streams
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding import BudgetError
from semcom_phy.source_coding.quality import mean_quality

NUM_FADES = 2000
FADES_SEED = 20211
KNOWN = {"realisation": CAPACITY, "outage": AVERAGE_SNR, "lmmse": LMMSE_RATE}
RULES = {"realisation": mimo_capacity, "outage": mimo_capacity, "lmmse": lmmse_sum_rate}


class CapacitySystem:
    """Source codec at the ideal rate of a fade; parameters as `SeparationSystem`.

    Parameters
    ----------
    rule : `str`
        "realisation", "outage" or "lmmse", see above

    Raises
    ------
    ValueError
        If ``rule`` is none of the three.
    """

    def __init__(self, name, title, codec, channel, rule, outage_color, image_shape):
        if rule not in RULES:
            raise ValueError(f"rule must be one of {sorted(RULES)}, got {rule!r}")
        self.name = name
        self.title = title
        self.codec = codec
        self.channel = channel
        self.rule = rule
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.image_shape = tuple(image_shape)
        self._fixed_bits = lru_cache(maxsize=None)(self._best_fixed_bits)

    def describe(self):
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(
                self.channel.framing, self.image_shape
            ).as_dict(),
            "source_codec": self.codec.name,
            "knows": knows(AVERAGE_SNR, PERFECT_CSI, KNOWN[self.rule]),
            "ideal_code": self.rule,
        }

    def transmit(self, images, snr_db, h, seeds):
        bits = self._bits(ops.convert_to_numpy(h), snr_db)
        if self.rule == "outage":
            fixed = self._fixed_bits(snr_db)
            bits = np.where(bits >= fixed, fixed, 0.0)
        images_hat = np.empty_like(images)
        images_hat[:] = self.outage_color
        received = np.zeros(len(images), bool)
        for i, (image, budget) in enumerate(zip(images, bits // 8, strict=True)):
            try:
                encoded = self.codec.ladder.best(image, int(budget))
            except BudgetError:
                continue  # an outage that the sweep counts
            images_hat[i] = encoded.reconstruction
            received[i] = True
        return Transmission(images_hat, ~received, {"ideal_bits": bits})

    def _bits(self, h, snr_db):
        """Bits that the data resource elements of a frame carry, [batch]."""
        framing = self.channel.framing
        no = snr_db_to_no(float(snr_db), self.channel.num_tx_ant)
        # [batch, slots, Nr, Nt, T, F] -> one matrix per place where h differs
        matrices = np.moveaxis(h, (2, 3), (-2, -1))
        rate = RULES[self.rule](matrices, float(no)).mean(axis=(1, 2, 3))
        # A last element with an empty stream is not better than a full one.
        return rate * framing.num_symbols / framing.num_streams

    def _best_fixed_bits(self, snr_db):
        with private_streams(FADES_SEED):
            h = ops.convert_to_numpy(self.channel.sample(NUM_FADES))
        bits = np.sort(self._bits(h, snr_db))
        pixels = self.image_shape[0] * self.image_shape[1]
        quality = mean_quality(self.codec.name, self.image_shape[:2])
        outage = np.arange(len(bits)) / len(bits)
        psnr = np.array([quality(b // 8 / pixels) or quality.outage_psnr for b in bits])
        expected = (1 - outage) * psnr + outage * quality.outage_psnr
        return float(bits[np.argmax(expected)])
