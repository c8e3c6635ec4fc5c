"""Gray-labelled square QAM of TS 38.211: bits to symbols, symbols to exact LLRs."""

from functools import lru_cache

import numpy as np
from keras import ops
from sionna.phy.mapping import Constellation

_MIN_EXPONENT = -80.0  # exp() stays a normal float32 number
_SYMBOLS_AT_ONCE = 2**18  # bounds the memory of long frames


@lru_cache
def qam_points(modulation_order):
    """Unit-power constellation points, indexed by their bit label.

    Output
    ------
    : [2**modulation_order], `complex64`
        Points of Sionna's `Constellation("qam")`, first bit = most significant
    """
    constellation = Constellation("qam", modulation_order)
    return ops.convert_to_numpy(constellation.points).astype(np.complex64)


@lru_cache
def _pam_levels(modulation_order):
    """Levels [2**(m/2)] of one real dimension and their bits [m/2, 2**(m/2)]."""
    half = modulation_order // 2
    label = np.arange(2**half)
    bits = (label >> np.arange(half - 1, -1, -1)[:, None]) & 1
    # The even bits of a label select the real part (TS 38.211, clause 5.1).
    points = qam_points(modulation_order)
    index = (bits << (2 * np.arange(half)[::-1] + 1)[:, None]).sum(axis=0)
    return points.real[index], bits


def qam_modulate(bits, modulation_order):
    """Maps bits to QAM symbols.

    Input
    -----
    bits : [batch, num_symbols * modulation_order], 0 | 1

    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    Output
    ------
    x : [batch, num_symbols], `complex64`
        Symbols, unit power on average over the constellation
    """
    labels = bits.reshape(len(bits), -1, modulation_order)
    weight = 1 << np.arange(modulation_order - 1, -1, -1)
    return qam_points(modulation_order)[labels @ weight]


def qam_demap(x_hat, no_eff, modulation_order):
    r"""Exact a-posteriori LLRs of equally likely bits.

    .. math::
        \ell_i = \ln \frac{\sum_{c \in C_{i,1}} e^{-|\hat{x} - c|^2 / N_0}}
                          {\sum_{c \in C_{i,0}} e^{-|\hat{x} - c|^2 / N_0}}

    A square Gray labelling splits into its real and its imaginary part, so that the
    sums run over :math:`2^{m/2}` levels; the result is that of Sionna's
    `Demapper("app", "qam", m)`.

    Input
    -----
    x_hat : [batch, num_symbols], `complex64`
        Equalised symbols, unbiased

    no_eff : [batch, num_symbols] or broadcastable, `float32`, > 0
        Error variance of ``x_hat`` [linear, unit symbol power]

    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    Output
    ------
    llr : [batch, num_symbols * modulation_order], `float32`
        Logits :math:`\ln p(1)/p(0)` within +-80

    Example
    -------
    >>> bits = np.array([[0, 1, 1, 0]])
    >>> llr = qam_demap(qam_modulate(bits, 2), 0.1, 2)
    >>> (llr > 0).astype(int).tolist()
    [[0, 1, 1, 0]]
    """
    no = np.broadcast_to(np.asarray(no_eff, np.float32), x_hat.shape).reshape(-1)
    symbols = np.asarray(x_hat).reshape(-1)
    llr = np.empty((len(symbols), modulation_order), np.float32)
    for start in range(0, len(symbols), _SYMBOLS_AT_ONCE):
        part = slice(start, start + _SYMBOLS_AT_ONCE)
        llr[part] = _demap(symbols[part], no[part], modulation_order)
    return llr.reshape(len(x_hat), -1)


def _demap(x_hat, no, modulation_order):
    """LLRs [num_symbols, modulation_order] of a row of symbols."""
    levels, bits = _pam_levels(modulation_order)
    y = np.stack([x_hat.real, x_hat.imag], axis=-1).astype(np.float32)
    exponent = [-((y - level) ** 2) / no[:, None] for level in levels]
    largest = np.maximum.reduce(exponent)
    weight = [np.exp(np.maximum(e - largest, _MIN_EXPONENT)) for e in exponent]
    llr = np.empty((len(x_hat), modulation_order), np.float32)
    for i, bit in enumerate(bits):
        one = sum(w for w, b in zip(weight, bit, strict=True) if b)
        zero = sum(w for w, b in zip(weight, bit, strict=True) if not b)
        llr[:, 2 * i : 2 * i + 2] = np.log(one / zero)
    return llr


def qam_decide(x_hat, modulation_order):
    """Bits of the nearest constellation point, for uncoded transmission.

    Input
    -----
    x_hat : [batch, num_symbols], `complex64`
        Equalised symbols, unbiased

    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]

    Output
    ------
    bits : [batch, num_symbols * modulation_order], `uint8`, 0 | 1
    """
    levels, bits = _pam_levels(modulation_order)
    rank = np.argsort(levels)
    edges = (levels[rank][1:] + levels[rank][:-1]) / 2
    x_hat = np.asarray(x_hat)
    y = np.stack([x_hat.real, x_hat.imag], axis=-1)
    nearest = rank[np.searchsorted(edges, y)]  # [batch, num_symbols, 2]
    return bits.astype(np.uint8).T[nearest].swapaxes(2, 3).reshape(len(x_hat), -1)


def interleave(code_bits, modulation_order):
    r"""Bit interleaver of TS 38.212, clause 5.4.2.2.

    Row-wise in, column-wise out: :math:`f_{i + jm} = e_{iE/m + j}`. The first coded
    bits, the systematic ones, get the reliable first positions of every symbol.

    Input
    -----
    code_bits : [batch, num_symbols * modulation_order]

    modulation_order : `int`
        Bits per symbol [bit]

    Output
    ------
    : same shape
        In the order of transmission
    """
    rows = code_bits.reshape(len(code_bits), modulation_order, -1)
    return rows.swapaxes(1, 2).reshape(code_bits.shape)


def deinterleave(llr, modulation_order):
    """Inverse of `interleave`, with the same shapes."""
    rows = llr.reshape(len(llr), -1, modulation_order)
    return rows.swapaxes(1, 2).reshape(llr.shape)
