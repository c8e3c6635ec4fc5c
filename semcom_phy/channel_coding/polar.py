"""5G polar code of any rate: Sionna's ranking, and a list decoder for a mixed batch.

bits with CRC --> reliable positions --> polar transform --> rate matching --> n bits
"""

import math

import numpy as np
from sionna.phy.fec.polar.utils import generate_5g_ranking

# TS 38.212, table 5.4.1.1-1
_SUB_BLOCKS = np.array(
    [0, 1, 2, 4, 3, 5, 6, 7, 8, 16, 9, 17, 10, 18, 11, 19]
    + [12, 20, 13, 21, 14, 22, 15, 23, 24, 25, 26, 28, 27, 29, 30, 31]
)
_MIN_EXPONENT, _MAX_EXPONENT = 5, 10  # of the mother code, in the uplink
_KNOWN = 1e3  # LLR of a shortened bit, which is 0


class PolarCode:
    r"""Polar code of 3GPP TS 38.212 for the uplink between ``k`` and ``n`` bits.

    The code is that of Sionna's `Polar5GEncoder` less its CRC: mother code, rate
    matching by puncturing, shortening or repetition, and triangular interleaver.
    Sionna's decoder takes seconds per length; here one call of :func:`list_decode`
    serves all lengths that share a mother code.

    Parameters
    ----------
    k : `int`, 1 to 1024
        Information bits, CRC included [bit]

    n : `int`, >= k
        Coded bits [bit]; beyond 1024 bits are repeated, where the standard cuts
        messages of 360 bits and more in two

    Raises
    ------
    ValueError
        If there is no such code.

    Example
    -------
    >>> code = PolarCode(k=12, n=40)
    >>> code.encode(np.ones((3, 12), int)).shape
    (3, 40)

    References
    ----------
    3GPP TS 38.212, clauses 5.3.1 and 5.4.1, without the parity bits of clause
    6.3.1.3.1 for messages of 12 to 19 bits.
    """

    def __init__(self, k, n):
        if not 1 <= k <= min(n, 2**_MAX_EXPONENT):
            raise ValueError(f"there is no polar code of {k} bits on {n} coded bits")
        self.k, self.n = k, n
        self.mother = 2 ** _exponent(k, n)
        sub_blocks = _sub_blocks(self.mother)
        first, frozen = 0, np.zeros(0, int)
        self._shortened = np.zeros(0, int)
        if n < self.mother and k / n <= 7 / 16:
            first = self.mother - n
            share = 3 / 4, 1 / 2
            if n < 3 * self.mother / 4:
                share = 9 / 16, 1 / 4
            more = math.ceil(share[0] * self.mother - share[1] * n)
            frozen = np.union1d(sub_blocks[:first], np.arange(more))
        elif n < self.mother:
            frozen = self._shortened = sub_blocks[n:]
        ranking, _ = generate_5g_ranking(0, self.mother, sort=False)
        usable = np.asarray(ranking)[~np.isin(ranking, frozen)]
        if len(usable) < k:
            raise ValueError(f"there is no polar code of {k} bits on {n} coded bits")
        self.positions = np.sort(usable[-k:]).astype(int)
        sent = (first + np.arange(n)) % self.mother
        self._sent = sub_blocks[sent][_triangle(n)]

    def encode(self, bits):
        """Code bits [batch, n] `uint8` of bits [batch, k]."""
        word = np.zeros((len(bits), self.mother), np.uint8)
        word[:, self.positions] = bits
        return polar_transform(word)[:, self._sent]

    def mother_llr(self, llr):
        r"""LLRs of the mother code.

        Input
        -----
        llr : [batch, n], `float32`
            Logits :math:`\ln p(1)/p(0)`

        Output
        ------
        : [batch, mother], `float32`
            :math:`\ln p(0)/p(1)`
        """
        summed = np.zeros((self.mother, len(llr)), np.float32)
        np.subtract.at(summed, self._sent, np.asarray(llr, np.float32).T)
        summed[self._shortened] = _KNOWN
        return summed.T


def polar_transform(bits):
    """[..., N] bits times the N-th polar matrix, its own inverse."""
    word, half = np.array(bits, np.uint8), 1
    while half < word.shape[-1]:
        pairs = word.reshape(*word.shape[:-1], -1, 2, half)
        pairs[..., 0, :] ^= pairs[..., 1, :]
        half *= 2
    return word


def list_decode(llr, free, list_size=8):
    r"""Most likely inputs of polar codes, by successive-cancellation lists.

    Rows may be of different codes with one mother code: each has its own free
    positions. Min-sum LLRs and path metrics; with these, a sub-code that is frozen in
    every row takes one step and gives the same.

    Input
    -----
    llr : [batch, N], `float32`
        :math:`\ln p(0)/p(1)`

    free : [batch, N], `bool`
        Positions that carry information; all others are 0

    list_size : `int`, a power of 2, (default 8)

    Output
    ------
    : [batch, list_size, N], `uint8`
        Inputs of the polar transform, the most likely first

    References
    ----------
    I. Tal, A. Vardy, "List decoding of polar codes", IEEE Trans. Inf. Theory 2015;
    A. Balatsoukas-Stimming et al., "LLR-based successive cancellation list decoding of
    polar codes", IEEE Trans. Signal Process. 2015.
    """
    lists = _Lists(len(llr), list_size)
    paths = np.repeat(np.asarray(llr, np.float32)[:, None], list_size, axis=1)
    word, _ = lists.decode(paths, np.asarray(free, bool))
    order = np.argsort(lists.metric, axis=1, kind="stable")
    return polar_transform(np.take_along_axis(word, order[..., None], axis=1))


class _Lists:
    """Paths of a batch and their metrics; a path that is none is infinitely bad."""

    def __init__(self, batch, size):
        self.size = size
        self.metric = np.full((batch, size), np.inf)
        self.metric[:, 0] = 0

    def decode(self, llr, free):
        """Code words of a sub-code.

        Input
        -----
        llr : [batch, size, n], `float32`

        free : [batch, n], `bool`

        Output
        ------
        word : [batch, size, n], `uint8`

        origin : [batch, size], `int`, or `None`
            Which path each comes from; `None`: they are the same
        """
        if not free.any():
            self.metric += np.maximum(-llr, 0).sum(axis=-1)
            return np.zeros(llr.shape, np.uint8), None
        if llr.shape[-1] == 1:
            return self._branch(llr[..., 0], free[:, 0])
        half = llr.shape[-1] // 2
        upper, lower = llr[..., :half], llr[..., half:]
        both = np.minimum(np.abs(upper), np.abs(lower))
        left, first = self.decode(
            np.copysign(both, upper) * np.sign(lower), free[:, :half]
        )
        upper, lower = _taken(upper, first), _taken(lower, first)
        right, second = self.decode(
            lower + np.where(left, -upper, upper), free[:, half:]
        )
        left = _taken(left, second)
        if first is not None and second is not None:
            first = np.take_along_axis(first, second, axis=1)
        word = np.concatenate([left ^ right, right], axis=-1)
        return word, second if first is None else first

    def _branch(self, llr, free):
        """One bit: the best of the paths that go on with 0 or, where free, with 1."""
        zero = self.metric + np.maximum(-llr, 0)
        one = np.where(free[:, None], self.metric + np.maximum(llr, 0), np.inf)
        both = np.concatenate([zero, one], axis=1)
        best = np.argsort(both, axis=1, kind="stable")[:, : self.size]
        self.metric = np.take_along_axis(both, best, axis=1)
        bit, origin = np.divmod(best, self.size)
        return bit[..., None].astype(np.uint8), origin


def _taken(values, origin):
    """Values of paths [batch, size, n] in the order of those that go on."""
    if origin is None:
        return values
    return np.take_along_axis(values, origin[..., None], axis=1)


def _exponent(k, n):
    """Of the length of the mother code (clause 5.3.1)."""
    fits = math.ceil(math.log2(n))
    if n <= 9 / 8 * 2 ** (fits - 1) and k / n < 9 / 16:
        fits -= 1
    needed = math.ceil(math.log2(8 * k))
    return max(min(fits, needed, _MAX_EXPONENT), _MIN_EXPONENT)


def _sub_blocks(length):
    """Order in which bits enter the circular buffer (clause 5.4.1.1)."""
    size = length // 32
    return (_SUB_BLOCKS[:, None] * size + np.arange(size)).reshape(-1)


def _triangle(n):
    """Order of the triangular interleaver: in by rows, out by columns (5.4.1.3)."""
    side = math.ceil((math.sqrt(8 * n + 1) - 1) / 2)
    number = np.full((side, side), n)
    row, column = np.nonzero(np.add.outer(np.arange(side), np.arange(side)) < side)
    number[row, column] = np.arange(len(row))
    by_column = number.T.reshape(-1)
    return by_column[by_column < n]
