"""A source codec with an ideal channel code: what no separate system with equal power
on all antennas can exceed.

    image --> source codec (budget = bits that the fade carries) --> image_hat

Three rules fix the bits that N_RE resource elements carry:

* ``realisation``: the capacity of this very fade. A genie: the transmitter follows
  each fade and the code, at any length, works at capacity.
* ``outage``: one rate per image and SNR, the best for this very image on average over
  many fades; a fade whose capacity is below it is an outage. What an ideal code reaches
  without feedback.
* ``lmmse``: the sum rate after L-MMSE detection of this fade: a genie with the
  detector of the other systems.

Each reference knows the channel perfectly, whatever the scenario's CSI; pilots are
not charged to any system.
"""

from functools import lru_cache

import numpy as np
from keras import ops

from link_models.links.expected_fades import expected_fades
from link_models.systems.knowledge import (
    AVERAGE_SNR,
    CAPACITY,
    LMMSE_RATE,
    PERFECT_CSI,
    knows,
)
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.link import lmmse_sum_rate, mimo_capacity
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding.rate_choice import choose_rates
from semcom_phy.sources.samples import Delivered

NUM_FADES = 2000
FADES_SEED = 20211
KNOWN = {"realisation": CAPACITY, "outage": AVERAGE_SNR, "lmmse": LMMSE_RATE}
RULES = {"realisation": mimo_capacity, "outage": mimo_capacity, "lmmse": lmmse_sum_rate}


class CapacitySystem:
    """Source codec at the ideal rate of a fade; the other
    parameters as for :class:`~link_models.systems.separation.coder.SeparationCoder`.

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
        self._fixed_rates = lru_cache(maxsize=None)(self._rates_of_many_fades)

    def describe(self):
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(
                self.channel.framing, self.image_shape
            ).as_dict(),
            "source_codec": self.codec.name,
            "knows": knows(AVERAGE_SNR, PERFECT_CSI, KNOWN[self.rule]),
            "ideal_code": self.rule,
            "outage_color": self.outage_color.tolist(),
        }

    def shared(self, spreading, how):
        """The bound itself, that of a user alone: with ideal codes and perfect CSI his
        share of the time is worth the same whoever has the rest."""
        return self

    def transmit(self, samples, snr_db, h, seeds):
        """Sends images.

        Output
        ------
        : :class:`~semcom_phy.simulation.system.Transmission`
            figures: ``ideal_bits`` (at a fixed rate 0 where it fails) and, where the
            image does not fit, ``smallest_stream_bytes`` and ``room_bytes``
        """
        images = samples.images
        carried = self._bits(ops.convert_to_numpy(h), snr_db)
        images_hat = np.empty_like(images)
        images_hat[:] = self.outage_color
        value = psnr(images, images_hat)  # of an outage
        bits, nothing = carried.copy(), np.full(len(images), np.nan)
        figures = {"ideal_bits": bits, "smallest_stream_bytes": nothing}
        figures["room_bytes"] = nothing.copy()
        received = np.zeros(len(images), bool)
        rates, outage = carried[:, None], np.zeros((len(images), 1))
        if self.rule == "outage":
            fixed = self._fixed_rates(snr_db)
            rates, outage = (np.tile(each, (len(images), 1)) for each in fixed)
        choices = choose_rates(self.codec.ladder, images, rates // 8, outage, value)
        for i, choice in enumerate(choices):
            if choice.smallest_bytes is not None:
                figures["smallest_stream_bytes"][i] = choice.smallest_bytes
                figures["room_bytes"][i] = choice.room_bytes
            received[i] = (
                choice.index is not None and carried[i] >= rates[i, choice.index]
            )
            if self.rule == "outage":
                bits[i] = rates[i, choice.index] if received[i] else 0.0
            if received[i]:
                images_hat[i] = self.codec.decode(choice.encoded.bytes)
        data = np.full(len(images), float(self.channel.framing.num_symbols))
        spent = Spent(data, np.zeros(len(images)))
        return Transmission(Delivered(images_hat), ~received, spent, figures=figures)

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def _bits(self, h, snr_db):
        """Bits that the data resource elements of a frame carry, [batch]."""
        framing = self.channel.framing
        no = snr_db_to_no(float(snr_db), self.channel.num_tx_ant)
        # [batch, slots, Nr, Nt, T, F] -> one matrix per place where h differs
        matrices = np.moveaxis(h, (2, 3), (-2, -1))
        rate = RULES[self.rule](matrices, float(no)).mean(axis=(1, 2, 3))
        # A last element with an empty stream is not better than a full one.
        return rate * framing.num_symbols / framing.num_streams

    def _rates_of_many_fades(self, snr_db):
        """Fixed rates to choose from [bit], and the share of fades below each."""
        fades = expected_fades(self.channel, NUM_FADES, FADES_SEED)
        parts = [self._bits(ops.convert_to_numpy(h), snr_db) for h in fades]
        rates = np.sort(np.concatenate(parts))
        return rates, np.searchsorted(rates, rates) / len(rates)
