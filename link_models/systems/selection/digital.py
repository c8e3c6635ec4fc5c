"""Values of features as bits on one code word: what separate coding makes of MMSemCom.

prompts --> their numbers in the list, which both ends hold --.
values of the picture --> quantiser, as many bits as pay --> CRC, polar code, QAM

As many symbols as the analogue sender takes. How many bits are sent, and by which
modulation, follows from the average SNR, which both ends know: the least error of the
values is expected, where a lost code word counts as none of them. A picture whose code
word is lost is an outage.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from link_models.systems.block_outage import MODULATION_ORDERS, BlockOutage
from semcom_phy.channel_coding.messages.short_block import BlockFormat
from semcom_phy.channel_coding.protection import BlockProtection
from semcom_phy.phy.segments import Digital
from semcom_phy.source_coding.gaussian_quantiser import (
    MOST_BITS,
    bits_of_values,
    dequantise,
    error,
    quantise,
)

ADAPTATION_SEED = 20213


class Choice(NamedTuple):
    """What is sent of every picture at an SNR.

    Attributes
    ----------
    block : :class:`~semcom_phy.channel_coding.messages.short_block.BlockFormat`

    num_bits : `int`
        Of the values, prompts not counted

    outage : `float`
        Predicted error rate
    """

    block: BlockFormat
    num_bits: int
    outage: float


class DigitalValues:
    """The values that an encoder gives, quantised.

    Parameters
    ----------
    valuer, held, rule, about
        As of :class:`~link_models.systems.selection.analogue.AnalogueValues`

    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    num_symbols : `int`
        Symbols of the code word
    """

    knows = ()

    def __init__(self, valuer, held, rule, blocks, channel, num_symbols, about):
        self.valuer, self.held, self.rule = valuer, held, rule
        self.blocks, self.room = blocks, num_symbols
        self.about = dict(about)
        encoder = valuer.encoder
        self._has_prompts = "prompts" in encoder.send
        (self._part,) = set(encoder.send) - {"prompts"}
        self._num_values = encoder.sizes[self._part]
        each = max(1, (len(held.features.prompts) - 1).bit_length())
        self._bits_a_prompt = each
        self._prompt_bits = each * encoder.num_prompts if self._has_prompts else 0
        self._outage = BlockOutage(blocks, channel, ADAPTATION_SEED)
        self.choice = lru_cache(maxsize=64)(self._choose_format)

    def describe(self):
        return {
            **self.about,
            "sends": list(self.valuer.encoder.send),
            "prompts_as": "numbers in the list" if self._has_prompts else None,
            "channel_code": self.blocks.words.title,
            "link_adaptation": "average",
            "selection": self.rule.describe(),
            "features": self.held.features.identity,
        }

    def encode(self, targets, view, snr_db):
        parts = self.held.target_parts(targets.images, self.valuer)
        told = self.held.features.prompt_numbers(targets.images)
        known = list(zip(parts[self._part], told, strict=True))
        choice = self.choice(float(snr_db))
        payloads = [self._payload(*own, choice) for own in known]
        count = len(known)
        protection = BlockProtection(
            self.blocks, [choice.block] * count, [self.room] * count
        )
        return Digital(payloads, protection), (known, choice)

    def choose(self, received, reception, labels, targets, state):
        _, choice = state
        chosen = np.full(len(labels), -1)
        for i, payload in enumerate(received.payloads):
            if payload is not None:
                values, told = self._read(payload, choice)
                chosen[i] = self._chosen(values, told, labels[i])
        return chosen

    def noiseless(self, targets, state):
        known, _ = state
        return np.array(
            [
                self._chosen(values, told, label)
                for (values, told), label in zip(known, targets.labels, strict=True)
            ]
        )

    def _chosen(self, values, told, label):
        candidates = self.held.parts(label, self.valuer)
        value = {self._part: values}
        if self._has_prompts:
            value["prompts"] = self._vectors(told)
        return self.rule.choose(value, candidates)

    def _vectors(self, told):
        """Vectors of prompts of unit mean square, as an encoder gives them."""
        vectors = self.held.features.text_rows[told]
        return vectors * np.sqrt(vectors.shape[1])

    def _payload(self, values, told, choice):
        each = self._bits_a_prompt
        bits = quantise(values, choice.num_bits)
        if self._has_prompts:
            numbers = [[int(n) >> i & 1 for i in range(each)[::-1]] for n in told]
            bits = np.concatenate([np.array(numbers, np.uint8).ravel(), bits])
        return np.packbits(bits).tobytes()

    def _read(self, payload, choice):
        """Inverse of :meth:`_payload`; a number that is none is that of the first."""
        bits = np.unpackbits(np.frombuffer(payload, np.uint8))
        told = None
        if self._has_prompts:
            rows = bits[: self._prompt_bits].reshape(-1, self._bits_a_prompt)
            told = rows @ (1 << np.arange(self._bits_a_prompt)[::-1])
            told = np.where(told < len(self.held.features.prompts), told, 0)
        code = bits[self._prompt_bits : self._prompt_bits + choice.num_bits]
        return dequantise(code, self._num_values), told

    def _choose_format(self, snr_db):
        """The :class:`Choice` that leaves the least error."""
        best, least = None, np.inf
        for num_bits in self._numbers_of_bits():
            shares = bits_of_values(self._num_values, num_bits)
            left = np.mean([error(int(bits)) for bits in shares])
            num_bytes = -(-(self._prompt_bits + num_bits) // 8)
            for order in MODULATION_ORDERS:
                block = BlockFormat(num_bytes, order, self.room)
                outage = self._outage(block, snr_db)
                expected = outage + (1 - outage) * left
                if self.blocks.words.fits(block) and expected < least:
                    best, least = Choice(block, num_bits, outage), expected
        if best is None:
            raise ValueError(
                f"no code word of {self.room} symbols holds {self._prompt_bits} bits "
                "of prompts and some of values: send fewer prompts"
            )
        return best

    def _numbers_of_bits(self):
        """Bits of all values that are tried: whole bytes together with the prompts."""
        most = MOST_BITS * self._num_values
        first = -self._prompt_bits % 8 or 8
        return range(first, most + 1, 8)
