"""Values of about Gaussian distribution as bits, some or all of them.

values --> the first ones, so many bits each --> levels of least squared error --> bits
"""

from functools import cache

import numpy as np
from scipy.stats import norm

MOST_BITS = 8  # of a value
_ROUNDS = 200


@cache
def levels(bits):
    """Levels of least squared error for unit variance (Lloyd-Max).

    Parameters
    ----------
    bits : `int`, 1 to 8

    Output
    ------
    : [2**bits], `float64`, upwards

    References
    ----------
    S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 1982.
    """
    num = 2**bits
    found = norm.ppf((np.arange(num) + 0.5) / num)
    for _ in range(_ROUNDS * bits):
        edges = np.concatenate([[-np.inf], (found[1:] + found[:-1]) / 2, [np.inf]])
        found = -np.diff(norm.pdf(edges)) / np.diff(norm.cdf(edges))
    return found


@cache
def error(bits):
    """Squared error of a value of unit variance, `float`; 1 without bits."""
    if not bits:
        return 1.0
    # The error of optimal levels: what their own power is short of 1.
    own = levels(bits)
    edges = np.concatenate([[-np.inf], (own[1:] + own[:-1]) / 2, [np.inf]])
    return float(1 - np.sum(own**2 * np.diff(norm.cdf(edges))))


def bits_of_values(num_values, num_bits):
    """How a number of bits is shared: [num_values] `int`, the first ones one more.

    Raises
    ------
    ValueError
        If there are more than 8 a value.
    """
    each, more = divmod(num_bits, num_values)
    shares = np.full(num_values, each)
    shares[:more] += 1
    if shares.max(initial=0) > MOST_BITS:
        raise ValueError(
            f"{num_bits} bits for {num_values} values are more than {MOST_BITS} each"
        )
    return shares


def quantise(values, num_bits):
    """[num_values], `float` of unit variance -> [num_bits], `uint8`."""
    parts = []
    for value, bits in zip(values, bits_of_values(len(values), num_bits), strict=True):
        if bits:
            number = int(np.argmin(np.abs(levels(int(bits)) - value)))
            parts.append([number >> i & 1 for i in range(int(bits))[::-1]])
    return np.array([bit for part in parts for bit in part], np.uint8)


def dequantise(code, num_values):
    """Inverse of :func:`quantise`, [num_values] `float64`; 0 where there are no bits.

    Input
    -----
    code : [num_bits], `uint8`

    num_values : `int`
    """
    values, start = np.zeros(num_values), 0
    for i, bits in enumerate(bits_of_values(num_values, len(code))):
        if bits:
            own = code[start : start + bits]
            values[i] = levels(int(bits))[int("".join(map(str, own)), 2)]
            start += bits
    return values
