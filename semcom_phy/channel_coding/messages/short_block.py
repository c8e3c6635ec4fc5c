"""A few bytes as one code word on QAM symbols, 5G LDPC or polar, and its error rate.

bytes --> XOR fixed bits --> CRC16 --> LDPC or polar code --> QAM --> x
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from semcom_phy.channel_coding.crc import Crc
from semcom_phy.channel_coding.ldpc import LDPC5GCode, is_decodable
from semcom_phy.channel_coding.mutual_information import bicm_capacity
from semcom_phy.channel_coding.polar import PolarCode, list_decode
from semcom_phy.channel_coding.qam import (
    deinterleave,
    interleave,
    qam_demap,
    qam_modulate,
)

CRC_BITS = 16
_WHITENING = np.random.default_rng(38212).integers(0, 2, 8192, dtype=np.uint8)


class BlockFormat(NamedTuple):
    """Sizes of one block.

    Attributes
    ----------
    num_bytes : `int`
        Payload [byte]

    modulation_order : `int`, 2 | 4 | 6
        [bit]

    num_symbols : `int`
        [channel uses]
    """

    num_bytes: int
    modulation_order: int
    num_symbols: int

    @property
    def info_bits(self):
        """Bits into the encoder, CRC included, `int`."""
        return 8 * self.num_bytes + CRC_BITS

    @property
    def coded_bits(self):
        """Bits out of it, `int`."""
        return self.modulation_order * self.num_symbols


class LdpcWords:
    """Code words of the 5G LDPC codes, bit-interleaved as in TS 38.212."""

    title = "5G LDPC"
    # Of every modulation order, as of ShortBlocks.
    gap = {2: (0.1, 0.27), 4: (1.3, 0.21), 6: (2.0, 0.15)}

    def fits(self, block):
        """Whether there is a code for a :class:`BlockFormat`."""
        short = block.info_bits <= min(0.95 * block.coded_bits, 3840)
        return short and is_decodable(*self._sizes(block))

    def encode(self, bits, block):
        """Code bits [batch, coded_bits] of bits [batch, info_bits]."""
        return interleave(self._code(block).encode(bits), block.modulation_order)

    def decode(self, llrs, blocks):
        """What may have been sent.

        Input
        -----
        llrs : list of [coded_bits] `float32`
            Logits, one row per block

        blocks : list of :class:`BlockFormat`

        Output
        ------
        : list of [num_candidates, info_bits] `uint8`
            The most likely first
        """
        words = [None] * len(blocks)
        for block, rows in _groups(blocks):
            llr = np.stack([llrs[i] for i in rows])
            found, _ = self._code(block).decode(
                deinterleave(llr, block.modulation_order)
            )
            for i, bits in zip(rows, found, strict=True):
                words[i] = bits[None]
        return words

    def _code(self, block):
        return _ldpc_code(*self._sizes(block))

    @staticmethod
    def _sizes(block):
        k, n = block.info_bits, block.coded_bits
        low = k <= 292 + CRC_BITS or k / n <= 0.67  # clause 6.2.2
        return k, n, "bg2" if low else "bg1"


class PolarWords:
    """Code words of the 5G polar codes of the uplink, by list decoding."""

    title = "5G polar code"
    gap = {2: (-10.4, 0.25), 4: (-12.7, 0.26), 6: (-12.4, 0.25)}

    def fits(self, block):
        """As :meth:`LdpcWords.fits`."""
        return block.info_bits <= min(0.95 * block.coded_bits, 1000)

    def encode(self, bits, block):
        """As :meth:`LdpcWords.encode`."""
        return self._code(block).encode(bits)

    def decode(self, llrs, blocks):
        """As :meth:`LdpcWords.decode`; one run of the decoder per mother code."""
        codes = [self._code(block) for block in blocks]
        words = [None] * len(blocks)
        for mother in sorted({code.mother for code in codes}):
            rows = [i for i, code in enumerate(codes) if code.mother == mother]
            llr = np.concatenate([codes[i].mother_llr(llrs[i][None]) for i in rows])
            free = np.zeros(llr.shape, bool)
            for row, i in zip(free, rows, strict=True):
                row[codes[i].positions] = True
            for i, paths in zip(rows, list_decode(llr, free), strict=True):
                words[i] = paths[:, codes[i].positions]
        return words

    def _code(self, block):
        return _polar_code(block.info_bits, block.coded_bits)


class ShortBlocks:
    r"""Byte strings, each as one code word of a size that both ends know.

    *Error rate.* By the normal approximation, with the mutual information :math:`I` per
    coded bit, :math:`n` coded bits and :math:`k` information bits, CRC included,

    .. math::
        \epsilon = Q\left(\frac{n I - k - a - b\, k (1 - k / n)}
                    {\sqrt{2 n \log_2(e)\, I (1 - I)}}\right)

    where :math:`a` and :math:`b`, the code's ``gap`` at the modulation, are what it is
    short of it for 24 to 320 bits, as measured by
    ``python -m benchmarks.short_block_errors``.

    Parameters
    ----------
    words : :class:`LdpcWords` or :class:`PolarWords`

    References
    ----------
    Y. Polyanskiy, H. V. Poor, S. Verdu, "Channel coding rate in the finite blocklength
    regime", IEEE Trans. Inf. Theory 2010.
    """

    def __init__(self, words):
        self.words = words
        self._crc = Crc("CRC16")

    def encode(self, payloads, blocks):
        """Payloads to symbols.

        Input
        -----
        payloads : list of [batch] `bytes`
            At most ``num_bytes`` of its block; zeros fill it up

        blocks : list of [batch] :class:`BlockFormat`

        Output
        ------
        x : list of [batch] arrays [num_symbols], `complex64`
            Unit average power over the constellation [linear]

        Raises
        ------
        ValueError
            If a payload exceeds its block, or there is no code for the block.
        """
        x = [None] * len(payloads)
        for block, rows in _groups(blocks):
            if not self.words.fits(block):
                raise ValueError(f"there is no {self.words.title} of {block}")
            bits = np.stack([_bits(payloads[i], block) for i in rows])
            coded = self.words.encode(self._crc.append(bits), block)
            symbols = qam_modulate(coded.astype(np.int64), block.modulation_order)
            for i, row in zip(rows, symbols, strict=True):
                x[i] = row
        return x

    def decode(self, x_hats, no_effs, blocks):
        """Symbols to payloads.

        Input
        -----
        x_hats : list of [batch] arrays [at least num_symbols], `complex64`
            Unbiased estimates

        no_effs : list of [batch] arrays, `float32`, > 0
            Their error variances [linear]

        blocks : list of [batch] :class:`BlockFormat`

        Output
        ------
        : list of [batch] `bytes` of ``num_bytes``, or `None` where the CRC fails
        """
        llrs = [
            qam_demap(x[None, :n], no[None, :n], order)[0]
            for x, no, (_, order, n) in zip(x_hats, no_effs, blocks, strict=True)
        ]
        payloads = [None] * len(blocks)
        for words in zip(*self.words.decode(llrs, blocks), strict=True):
            lost = [i for i, payload in enumerate(payloads) if payload is None]
            if lost:
                good = self._hold([words[i] for i in lost])
                for i in np.array(lost)[good]:
                    payloads[i] = _bytes(words[i][:-CRC_BITS])
        return payloads

    def error_rate(self, block, sinr):
        """Predicted error rate of a block.

        Input
        -----
        block : :class:`BlockFormat`

        sinr : [..., num_streams], `float`
            After detection [linear]; the symbols share the streams evenly

        Output
        ------
        : [...], `float`, 0 to 1
            1 where there is no code
        """
        if not self.words.fits(block):
            return np.ones(np.shape(sinr)[:-1])
        k, n = block.info_bits, block.coded_bits
        info = _information(block.modulation_order, sinr)
        spread = 2 * n * np.log2(np.e) * np.maximum(info * (1 - info), 1e-12)
        base, share = self.words.gap[block.modulation_order]
        needed = k + base + share * k * (1 - k / n)
        return ndtr((needed - n * info) / np.sqrt(spread))

    def _hold(self, words):
        """Whether the CRC of each word holds, [num_words] `bool`.

        Zeros in front of a word do not change its CRC: all are checked at once.
        """
        longest = max(map(len, words))
        filled = [np.pad(word, (longest - len(word), 0)) for word in words]
        return self._crc.holds(np.stack(filled))


def _information(modulation_order, sinr):
    """Mutual information per coded bit, mean over streams [bit]."""
    snr_db = 10 * np.log10(np.maximum(sinr, 1e-9))
    return bicm_capacity(modulation_order, snr_db).mean(axis=-1) / modulation_order


def _bits(payload, block):
    """Bits [8 num_bytes] of a payload and of the zeros behind it, whitened."""
    if len(payload) > block.num_bytes:
        raise ValueError(f"{len(payload)} bytes do not fit {block}")
    filled = payload.ljust(block.num_bytes, b"\0")
    bits = np.unpackbits(np.frombuffer(filled, np.uint8))
    return bits ^ _WHITENING[: len(bits)]


def _bytes(bits):
    return np.packbits(bits ^ _WHITENING[: len(bits)]).tobytes()


def _groups(blocks):
    """Blocks of one size, each with the rows that are of it."""
    rows = {}
    for i, block in enumerate(blocks):
        rows.setdefault(block, []).append(i)
    return rows.items()


@lru_cache(maxsize=1024)
def _ldpc_code(k, n, base_graph):
    return LDPC5GCode(k, n, base_graph)


@lru_cache(maxsize=1024)
def _polar_code(k, n):
    return PolarCode(k, n)
