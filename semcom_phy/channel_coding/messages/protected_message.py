"""Byte strings of any length beside an image: a short header, then coded payload.

bytes --> length --> ShortMessage --> 32 QPSK symbols ---.
     `--> Transport as long as the bytes need, CRC ------+--> x

Beyond 4,095 bytes several such segments follow each other.
"""

import math
from itertools import count
from typing import Any

import numpy as np

from semcom_phy.channel_coding.bler import block_error_rate
from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.messages.short_message import FORMATS, ShortMessage
from semcom_phy.channel_coding.mutual_information import effective_snr_db
from semcom_phy.channel_coding.transport import Transport

_HEADER_FORMAT = FORMATS.index((64, 1))  # 18 bits at rate 0.28
_MAX_WORD_BITS = 8448  # information bits of the longest code word of TS 38.212
_MAX_SEGMENT = 4095  # [byte], the largest number that the header holds
_SIZES_PER_OCTAVE = 32  # of long payloads: rounding them up costs 3 % at most


class ProtectedMessage:
    r"""Sends byte strings on as many symbols as each of them needs.

    A byte string is cut into segments. The header of a segment holds its number of
    bytes, and is decoded without knowing anything but where it is: behind the segment
    before it. A segment of the largest size says that another one follows, which may be
    empty. The payload follows its header at a fixed MCS, its size rounded up so that
    few LDPC codes are in use; an empty one takes the smallest size, because its CRC is
    what confirms the header. A message is received if every header of it is, the
    symbols they announce are there, the CRCs hold, and the payloads have the announced
    lengths.

    Parameters
    ----------
    mcs : `Mcs`, (default QPSK, rate 1/3)
        Of the payload

    segment_bytes : `int`, 1 to 4095, (default 4095)
        Largest segment

    granularity : `int`, >= 1, (default 4)
        Sizes of short payloads are multiples of it [byte]; long ones are rounded up to
        one of 32 sizes between two powers of 2

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
        If an argument is out of its range.

    Example
    -------
    >>> message = ProtectedMessage()
    >>> x = message.encode([b"hello", b"world, how are you?"])
    >>> [len(x_i) for x_i in x]
    [154, 298]
    >>> message.decode(x, [0.1, 0.1])[0]
    [b'hello', b'world, how are you?']
    """

    def __init__(self, mcs=None, segment_bytes=_MAX_SEGMENT, granularity=4):
        if not 1 <= segment_bytes <= _MAX_SEGMENT:
            raise ValueError(
                f"segment_bytes must be from 1 to {_MAX_SEGMENT}, so that the header "
                f"holds it; got {segment_bytes}."
            )
        if granularity < 1:
            raise ValueError(f"granularity must be at least 1, got {granularity}.")
        self.mcs = Mcs(2, 1 / 3) if mcs is None else mcs
        self.segment_bytes, self.granularity = segment_bytes, granularity
        self._header = ShortMessage(segment_bytes + 1)
        self._header_symbols = self._header.num_symbols[_HEADER_FORMAT]
        self._plans: dict[int, Any] = {}
        self._transports: dict[int, Transport] = {}

    def num_symbols(self, num_bytes):
        """Symbols of a byte string of this length, headers included [channel uses]."""
        if num_bytes < 0:
            raise ValueError(f"num_bytes must not be negative, got {num_bytes}.")
        full, rest = divmod(num_bytes, self.segment_bytes)
        number = self._segment_symbols(rest)
        if full:
            number += full * self._segment_symbols(self.segment_bytes)
        return number

    def error_rate(self, num_bytes, sinr):
        r"""Predicted share of payloads of this length that are lost on each fade, by
        the stored AWGN curves of their code; headers, which are much stronger at most
        schemes, are left out.

        Input
        -----
        num_bytes : `int`, >= 0
            [byte]

        sinr : [num_fades, num_streams], `float`, >= 0
            SINR after equalisation [linear]; more columns for channels that vary over
            the grid

        Output
        ------
        : [num_fades], `float64`, 0 to 1
        """
        order = self.mcs.modulation_order
        snr_db = effective_snr_db(order, sinr)
        full, rest = divmod(num_bytes, self.segment_bytes)
        arrives = 1.0
        for size, number in ((self.segment_bytes, full), (rest, 1)):
            if number:
                _, plan = self._plan(self._size(size))
                arrives = (
                    arrives * (1 - block_error_rate(plan, order, snr_db)) ** number
                )
        return 1 - arrives

    def encode(self, payloads):
        cut = [self._segments(payload) for payload in payloads]
        parts = iter(self._encode_segments([part for parts in cut for part in parts]))
        return [np.concatenate([next(parts) for _ in segments]) for segments in cut]

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
        payloads: list[Any] = [b""] * len(x_hats)
        start = [0] * len(x_hats)
        waiting = list(range(len(x_hats)))  # for their next segment
        while waiting:
            parts = self._decode_segments(
                [x_hats[i][start[i] :] for i in waiting],
                [no_effs[i][start[i] :] for i in waiting],
            )
            more = []
            for i, part in zip(waiting, parts, strict=True):
                if part is None:
                    payloads[i] = None
                    continue
                payloads[i] += part
                if len(part) == self.segment_bytes:
                    start[i] += self._segment_symbols(len(part))
                    more.append(i)
            waiting = more
        return payloads, np.array([payload is not None for payload in payloads], bool)

    def _segments(self, payload):
        """The payload in pieces, the last one shorter than the others."""
        size = self.segment_bytes
        starts = range(0, len(payload) + 1, size)
        return [payload[start : start + size] for start in starts]

    def _segment_symbols(self, num_bytes):
        num_symbols, _ = self._plan(self._size(num_bytes))
        return self._header_symbols + num_symbols

    def _encode_segments(self, segments):
        lengths = np.array([len(segment) for segment in segments], np.int64)
        formats = np.full(len(lengths), _HEADER_FORMAT)
        headers = self._header.encode(lengths, formats)[:, : self._header_symbols]
        x = [None] * len(segments)
        for transport, index in self._groups(lengths):
            symbols = transport.encode([segments[i] for i in index])
            for i, symbols_i in zip(index, symbols, strict=True):
                x[i] = np.concatenate([headers[i], symbols_i])
        return x

    def _decode_segments(self, x_hats, no_effs):
        """What the first segment of each holds, `None` where it is lost."""
        lengths = self._receive_headers(x_hats, no_effs)
        segments = [None] * len(x_hats)
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
            for i, segment in zip(index, found, strict=True):
                if segment is not None and len(segment) == lengths[i]:
                    segments[i] = segment
        return segments

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
        octave = 2 ** math.ceil(math.log2(max(num_bytes, 1)))  # the next power of 2
        step = max(self.granularity, octave // (2 * _SIZES_PER_OCTAVE))
        return max(1, math.ceil(num_bytes / step)) * step

    def _plan(self, size):
        """The fewest symbols that hold ``size`` bytes, and how they are coded."""
        if size not in self._plans:
            at_least = math.ceil(8 * size / self.mcs.spectral_efficiency)
            plans = ((n, plan_blocks(self.mcs, n)) for n in count(at_least))
            self._plans[size] = next(
                (n, plan) for n, plan in plans if plan and plan.max_bytes >= size
            )
        return self._plans[size]

    def _transport(self, size):
        if size not in self._transports:
            num_symbols, _ = self._plan(size)
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
