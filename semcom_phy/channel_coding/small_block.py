"""A few bits beside an image: the 5G code of small block lengths on QPSK.

number --> 1 to 11 bits --> (32, K) code, repeated or cut --> QPSK symbols
"""

from functools import cache, lru_cache

import numpy as np
from scipy.special import ndtr

from semcom_phy.channel_coding.number_message import NumberMessage
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
_GRID_DB = np.arange(-30.0, 40.01, 0.1)


class SmallBlockMessage(NumberMessage):
    r"""Numbers below a limit, sent on as few symbols as the channel allows.

    The code of 5G control information of 3 to 11 bits (here 1 and 2 as well), decoded
    by maximum likelihood. It has no CRC, which would take as much as the number: a
    wrong number is not noticed. Where it has to be, there is
    :class:`~semcom_phy.channel_coding.short_message.ShortMessage`.

    *Error rate.* By the union bound over the weights :math:`w` of the words

    .. math::
        \epsilon \le \sum_w A_w\, Q(\sqrt{w\, \gamma}), \qquad
        \gamma = -2 \ln \overline{e^{-\gamma_s / 2}}

    with the SINR :math:`\gamma_s` of the streams, whose average is the one of
    Chernoff's bound (exponential effective SINR).

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
    3GPP TS 38.212, clauses 5.3.3.3 and 5.4.3 (rate matching: bit i is that of i mod
    32).
    """

    most_bits = MAX_BITS

    @property
    def num_symbols(self):
        """Symbols of every format, upwards, `tuple` of `int`."""
        return tuple(coded // 2 for coded in FORMATS)

    def choose_format(self, sinr):
        """As :meth:`ShortMessage.choose_format`, shapes included."""
        sinr = np.maximum(np.asarray(sinr, float), 1e-9)
        least = sinr.min(axis=-1, keepdims=True)  # so that no exponent underflows
        rest = np.exp(-(sinr - least) / 2).mean(axis=-1)
        gamma_db = 10 * np.log10(least[..., 0] - 2 * np.log(rest))
        chosen = np.full(len(sinr), len(FORMATS) - 1)
        for i in reversed(range(len(FORMATS))):
            bound = np.interp(gamma_db, _GRID_DB, _union_bound(self.needed_bits, i))
            error_rate = np.minimum(bound, 1).mean(axis=-1)
            chosen = np.where(error_rate <= self.target_error_rate, i, chosen)
        return chosen

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
        bits = self.bits(values, self.needed_bits)
        words = qam_modulate(_code_words(bits), 2)
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
        used = np.arange(llr.shape[1]) < np.array(FORMATS)[formats][:, None]
        signs = 2.0 * _all_words(self.needed_bits)[: self.num_values] - 1
        values = np.argmax(np.where(used, llr, 0) @ signs.T, axis=1)
        return values, np.ones(len(values), bool)


def _code_words(bits):
    """Code words, repeated to the longest format, [batch, FORMATS[-1]]."""
    words = bits @ BASIS[:, : bits.shape[1]].T.astype(np.int64) % 2
    return np.tile(words, (1, FORMATS[-1] // len(BASIS)))


@lru_cache(maxsize=MAX_BITS)
def _all_words(num_bits):
    """Code words of all numbers, [2^num_bits, FORMATS[-1]]."""
    numbers = np.arange(2**num_bits)[:, None]
    return _code_words((numbers >> np.arange(num_bits)[::-1]) & 1)


@cache
def _union_bound(num_bits, index):
    """Error rate on the grid of effective SINR by the weights of a format."""
    weights = _all_words(num_bits)[1:, : FORMATS[index]].sum(axis=1)
    weights, counts = np.unique(weights, return_counts=True)
    gamma = 10 ** (_GRID_DB / 10)
    return ndtr(-np.sqrt(weights * gamma[:, None])) @ counts
