"""A few bits beside an image: the 5G code of small block lengths on QPSK.

number --> 1 to 11 bits --> (32, K) code, repeated or cut --> scrambling --> QPSK
"""

from functools import cache, lru_cache

import numpy as np
from scipy.special import ndtr

from semcom_phy.channel_coding.messages.number_message import NumberMessage
from semcom_phy.channel_coding.qam import qam_demap, qam_modulate

MAX_BITS = 11
# TS 38.212, table 5.3.3.3-1: basis sequences M_{i,0} to M_{i,10}, a row for each i.
_BASIS = """
11000000001 11100000011 10010010111 10110000101 11110001001 11001011101 10101010111
10011001101 11011001011 10111010011 10100111011 11100110101 10010101111 11010101011
10001101001 11001111011 11101110010 10011100100 11011111000 10000110000 10100010001
11010000011 10001001101 11101000111 11111011110 11000111001 10110100110 11110101110
10101110100 10111111100 11111111111 10000000000
"""
BASIS = np.array([list(row) for row in _BASIS.split()], np.uint8)  # [32, MAX_BITS]
# Coded bits of every format, two a symbol.
FORMATS = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
_COPIES = FORMATS[-1] // len(BASIS)
_RNG = np.random.default_rng(38212)
# Of the coded bits: copies after the first in an order of their own, so that a bit does
# not meet the same stream, and the same symbol on the other one, each time.
_ORDER = np.concatenate(
    [np.arange(len(BASIS)), *(_RNG.permutation(len(BASIS)) for _ in range(_COPIES - 1))]
)
_SCRAMBLING = _RNG.integers(0, 2, FORMATS[-1])  # else interference would add up


class SmallBlockMessage(NumberMessage):
    r"""Numbers below a limit, sent on as few symbols as the channel allows.

    The code of 5G control information of 3 to 11 bits (here 1 and 2 as well), decoded
    by maximum likelihood. It has no CRC, which would take as much as the number: a
    wrong number is not noticed. Where it has to be, there is
    :class:`~semcom_phy.channel_coding.messages.short_message.ShortMessage`.

    *Error rate.* By the union bound over all words, with their weights :math:`w_k` on
    the streams and the SINR :math:`\gamma_k` of these,

    .. math::
        \epsilon \le \sum_{\mathbf{w}} A_{\mathbf{w}}\,
        Q\Bigl(\sqrt{\textstyle\sum_k w_k \gamma_k}\Bigr).

    Symbol i of the message is on stream i mod the number of streams.

    Parameters
    ----------
    num_values : `int`
        Messages are the numbers from 0 to ``num_values - 1``; at most 2^11

    target_error_rate : `float`, in (0, 1), (default 1e-3)
        What :meth:`choose_format` aims at

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    3GPP TS 38.212, clauses 5.3.3.3 and 5.4.3; there copies are alike, here they differ
    in their order.
    """

    most_bits = MAX_BITS

    @property
    def num_symbols(self):
        """Symbols of every format, upwards, `tuple` of `int`."""
        return tuple(coded // 2 for coded in FORMATS)

    def choose_format(self, sinr):
        """As :meth:`ShortMessage.choose_format`, shapes included."""
        sinr = np.asarray(sinr, float)
        low = np.zeros(len(sinr), int)
        high = np.full(len(sinr), len(FORMATS) - 1)
        # Formats begin alike: the bound falls from each to the next longer one.
        while np.any(low < high):
            middle = (low + high) // 2
            for i in np.unique(middle[low < high]):
                rows = np.flatnonzero((middle == i) & (low < high))
                weights, counts = _weights(self.needed_bits, i, sinr.shape[-1])
                distance = np.sqrt(sinr[rows] @ weights.T)
                error_rate = np.minimum(ndtr(-distance) @ counts, 1).mean(axis=-1)
                met = error_rate <= self.target_error_rate
                high[rows[met]], low[rows[~met]] = i, i + 1
        return high

    def encode(self, values, formats):
        """Numbers to symbols.

        Input
        -----
        values : [batch], `int`
            From 0 to ``num_values - 1``

        formats : [batch], `int`
            From :meth:`choose_format`

        Output
        ------
        x : [batch, max(num_symbols)], `complex64`
            QPSK symbols of unit power, 0 behind those of the format

        Raises
        ------
        ValueError
            If a number is out of its range.
        """
        words = _code_words(self.bits(values, self.needed_bits))
        words = qam_modulate(words ^ _SCRAMBLING, 2)
        symbols = np.arange(words.shape[1])
        used = symbols < np.array(self.num_symbols)[formats][:, None]
        return np.where(used, words, 0).astype(np.complex64)

    def decode(self, x_hat, no_eff, formats):
        """Symbols to numbers.

        Input
        -----
        x_hat : [batch, max(num_symbols)], `complex64`
            Unbiased estimates

        no_eff : [batch, max(num_symbols)], `float32`
            Their error variances [linear]

        formats : [batch], `int`
            From :meth:`choose_format`

        Output
        ------
        values : [batch], `int`
            The most likely ones

        received : [batch], `bool`
            True: nothing tells a wrong number
        """
        llr = np.asarray(qam_demap(x_hat, no_eff, 2)).reshape(len(x_hat), -1)
        llr = llr * (1 - 2 * _SCRAMBLING)
        used = np.arange(llr.shape[1]) < np.array(FORMATS)[formats][:, None]
        signs = 2.0 * _all_words(self.needed_bits)[: self.num_values] - 1
        values = np.argmax(np.where(used, llr, 0) @ signs.T, axis=1)
        return values, np.ones(len(values), bool)


def _code_words(bits):
    """Code words on the longest format, [batch, FORMATS[-1]]."""
    words = bits @ BASIS[:, : bits.shape[1]].T.astype(np.int64) % 2
    return words[:, _ORDER]


@lru_cache(maxsize=MAX_BITS)
def _all_words(num_bits):
    """Code words of all numbers, [2^num_bits, FORMATS[-1]]."""
    numbers = np.arange(2**num_bits)[:, None]
    return _code_words((numbers >> np.arange(num_bits)[::-1]) & 1)


@cache
def _weights(num_bits, index, num_streams):
    """Weights of the words of a format on every stream, [words, num_streams], and how
    many words have them, [words]."""
    bits = _all_words(num_bits)[1:, : FORMATS[index]]
    stream = np.arange(FORMATS[index]) // 2 % num_streams
    weights = bits @ (stream[:, None] == np.arange(num_streams))
    return np.unique(weights, axis=0, return_counts=True)
