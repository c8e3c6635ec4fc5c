"""Byte strings of any length beside an image: a short header, then coded payload.

bytes --> length --> ShortMessage --> 32 QPSK symbols ---.
     `--> Transport as long as the bytes need, CRC ------+--> x
"""

import math
from itertools import count

import numpy as np

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.short_message import FORMATS, ShortMessage
from semcom_phy.channel_coding.transport import Transport

_HEADER_FORMAT = FORMATS.index((64, 1))  # 18 bits at rate 0.28
_MAX_WORD_BITS = 8448  # information bits of the longest code word of TS 38.212


class ProtectedMessage:
    r"""Sends byte strings on as many symbols as each of them needs.

    The header holds the number of bytes, and is decoded without knowing anything but
    where it is. The payload follows at a fixed MCS, its size rounded up so that few
    LDPC codes are in use; an empty one takes the smallest size, because its CRC is
    what confirms the header. A message is received if the header is, the symbols it
    announces are there, the CRC holds, and the payload has the announced length.

    Parameters
    ----------
    mcs : `Mcs`, (default QPSK, rate 1/3)
        Of the payload

    max_bytes : `int`, 1 to 4095, (default 255)
        Longest byte string

    granularity : `int`, >= 1, (default 4)
        Payload sizes are multiples of it [byte]

    Input of `encode`
    -----------------
    payloads : list of [batch] `bytes`

    Output of `encode`
    ------------------
    x : list of [batch] arrays [num_symbols], `complex64`
        Header and payload, unit average power over the constellation [linear]

    Input of `decode`
    -----------------
    x_hats : list of [batch] arrays [at least num_symbols], `complex64`
        Unbiased estimates, the message first; what follows it is not read

    no_effs : list of [batch] arrays or broadcastable, `float32`, > 0
        Their error variances [linear]

    Output of `decode`
    ------------------
    payloads : list of [batch] `bytes` | `None`
        `None` where the message is lost

    received : [batch], `bool`

    Raises
    ------
    ValueError
        If an argument is out of its range, or a payload is too long.

    Example
    -------
    >>> message = ProtectedMessage()
    >>> x = message.encode([b"hello", b"world, how are you?"])
    >>> [len(x_i) for x_i in x]
    [154, 298]
    >>> message.decode(x, [0.1, 0.1])[0]
    [b'hello', b'world, how are you?']
    """

    def __init__(self, mcs=None, max_bytes=255, granularity=4):
        if not 1 <= max_bytes <= 4095:
            raise ValueError(
                f"max_bytes must be from 1 to 4095, so that the header holds it; got "
                f"{max_bytes}."
            )
        if granularity < 1:
            raise ValueError(f"granularity must be at least 1, got {granularity}.")
        self.mcs = Mcs(2, 1 / 3) if mcs is None else mcs
        self.max_bytes, self.granularity = max_bytes, granularity
        self._header = ShortMessage(max_bytes + 1)
        self._header_symbols = self._header.num_symbols[_HEADER_FORMAT]
        self._transports = {}

    def num_symbols(self, num_bytes):
        """Symbols of a payload of this length, header included [channel uses]."""
        if not 0 <= num_bytes <= self.max_bytes:
            raise ValueError(
                f"num_bytes must be from 0 to max_bytes={self.max_bytes}, got "
                f"{num_bytes}."
            )
        transport = self._transport(self._size(num_bytes))
        return self._header_symbols + transport.num_symbols

    def encode(self, payloads):
        lengths = np.array([len(payload) for payload in payloads], np.int64)
        headers = self._send_headers(lengths)
        x = [None] * len(payloads)
        for transport, index in self._groups(lengths):
            symbols = transport.encode([payloads[i] for i in index])
            for i, symbols_i in zip(index, symbols, strict=True):
                x[i] = np.concatenate([headers[i], symbols_i])
        return x

    def decode(self, x_hats, no_effs):
        if len(x_hats) != len(no_effs):
            raise ValueError(
                f"x_hats and no_effs must be equally many, got {len(x_hats)} and "
                f"{len(no_effs)}."
            )
        no_effs = [
            np.broadcast_to(no_eff, np.shape(x_hat))
            for x_hat, no_eff in zip(x_hats, no_effs, strict=True)
        ]
        lengths = self._receive_headers(x_hats, no_effs)
        payloads = [None] * len(x_hats)
        start = self._header_symbols
        for transport, index in self._groups(lengths):
            used = slice(start, start + transport.num_symbols)
            index = [i for i in index if len(x_hats[i]) >= used.stop]
            if not index:
                continue
            found, _ = transport.decode(
                np.stack([x_hats[i][used] for i in index]),
                np.stack([no_effs[i][used] for i in index]),
            )
            for i, payload in zip(index, found, strict=True):
                if payload is not None and len(payload) == lengths[i]:
                    payloads[i] = payload
        return payloads, np.array([payload is not None for payload in payloads], bool)

    def _send_headers(self, lengths):
        if np.any(lengths > self.max_bytes):
            raise ValueError(
                f"a payload of {lengths.max()} bytes exceeds max_bytes="
                f"{self.max_bytes}; shorten it or raise max_bytes."
            )
        formats = np.full(len(lengths), _HEADER_FORMAT)
        return self._header.encode(lengths, formats)[:, : self._header_symbols]

    def _receive_headers(self, x_hats, no_effs):
        """Announced lengths [batch], -1 where the header is lost."""
        lengths = np.full(len(x_hats), -1)
        used = slice(0, self._header_symbols)
        index = [i for i in range(len(x_hats)) if len(x_hats[i]) >= used.stop]
        if index:
            lengths[index], _ = self._header.decode(
                np.stack([x_hats[i][used] for i in index]),
                np.stack([no_effs[i][used] for i in index]),
                np.full(len(index), _HEADER_FORMAT),
            )
        return lengths

    def _groups(self, lengths):
        """Transports with the messages that use them; lengths of -1 are left out."""
        sizes = np.array([self._size(n) if n >= 0 else -1 for n in lengths])
        for size in np.unique(sizes[sizes >= 0]):
            yield self._transport(size), np.flatnonzero(sizes == size)

    def _size(self, num_bytes):
        return max(1, math.ceil(num_bytes / self.granularity)) * self.granularity

    def _transport(self, size):
        """The transport of the fewest symbols that holds ``size`` bytes."""
        if size not in self._transports:
            at_least = math.ceil(8 * size / self.mcs.spectral_efficiency)
            plans = ((n, plan_blocks(self.mcs, n)) for n in count(at_least))
            num_symbols = next(
                n for n, plan in plans if plan and plan.max_bytes >= size
            )
            self._transports[size] = Transport(self.mcs, num_symbols)
        return self._transports[size]


def naive_symbols(num_patches, bits_per_index, mcs):
    """Symbols of indices padded to the longest code word, without entropy coding.

    A link that keeps one LDPC code for its side information fills up the longest
    information word of TS 38.212, 8448 bits (base graph 1), whatever it has to send;
    further words follow if one does not hold all indices.

    Input
    -----
    num_patches : `int`, >= 1
        Indices per image

    bits_per_index : `int`, >= 1
        Of an index as it is [bit]

    mcs : `Mcs`

    Output
    ------
    : `int`
        [channel uses]
    """
    if num_patches < 1 or bits_per_index < 1:
        raise ValueError(
            "num_patches and bits_per_index must be at least 1, got "
            f"{num_patches} and {bits_per_index}."
        )
    num_words = math.ceil(num_patches * bits_per_index / _MAX_WORD_BITS)
    coded_bits = round(num_words * _MAX_WORD_BITS / mcs.code_rate)
    return math.ceil(coded_bits / mcs.modulation_order)
