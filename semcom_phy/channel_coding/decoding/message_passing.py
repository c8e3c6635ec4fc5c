r"""Messages of belief propagation in NumPy, one column per code word.

A message is the likelihood ratio :math:`r = p(0)/p(1)`, which spares the check nodes
tanh and ln: with the ratio :math:`q` that a bit sends to a check,

.. math::
    t = \tanh\Big(\tfrac12 \ln q\Big) = \frac{q - 1}{q + 1}, \qquad
    r = \frac{t + P}{t - P}, \quad P = \prod t

so that a message costs two divisions; q is the ratio of the bit over the message.
Words are the columns of all arrays; the columns are called lanes where words take
turns in them. `compiled_message_passing` does the same operations in the same order:
its numbers are these, bit by bit.
"""

import numpy as np

NON_ZERO = np.float32(1.1754e-12)  # keeps erased messages off 0/0
BELOW_ONE = np.float32(1 - 2**-20)  # |product| < 1 despite rounding
# Ratios of bits in single precision: a message times one of these is still a number.
LOWEST, HIGHEST = np.exp(-70.0), np.exp(70.0)
# Of the ratios that a layered schedule carries on: those of any 5G bit lie within.
LAYERED_LOWEST, LAYERED_HIGHEST = np.exp(-650.0), np.exp(650.0)


def flooding(graph, channel, total, message):
    """One iteration in which all checks are computed from the same bits.

    Input
    -----
    graph : TannerGraph

    channel : [n, num_words], `float32`, > 0
        Ratios of the channel; bits in the order of the graph

    total : [n, num_words], `float32`, > 0
        Ratios of the bits, changed in place

    message : [num_edges, num_words], `float32`, > 0
        Ratios from checks to bits, changed in place
    """
    for first, degree, num in graph.blocks:
        edges = slice(first, first + degree * num)
        old = message[edges].reshape(degree, num, -1)
        ratio = total.take(graph.edge_bit[edges], axis=0, mode="clip")
        t = _tanh(ratio.reshape(old.shape), old)
        product = _product(t)
        np.add(t, product, out=old)
        t -= product
        old /= t
    for first, num, edges in graph.bit_blocks:
        factors = message.take(edges, axis=0, mode="clip")
        factors[:-1:2] *= factors[1::2]  # two fit single precision
        product = channel[first : first + num].astype(np.float64)
        with np.errstate(over="ignore"):  # a bit of more than 47 checks
            for factor in factors[::2]:
                product *= factor
        np.clip(product, LOWEST, HIGHEST, out=product)
        total[first : first + num] = product


def layered(graph, total, message):
    """One iteration in which each check is computed from what the last one left.

    Input
    -----
    graph : TannerGraph
        With ``layered``

    total : [n, num_words], `float64`, > 0
        Ratios of the bits, at first those of the channel, changed in place

    message : [num_edges, num_words], `float32`, > 0
        Ratios from checks to bits, changed in place
    """
    for first, degree, num in graph.blocks:
        edges = slice(first, first + degree * num)
        bits = graph.edge_bit[edges].reshape(degree, num)
        old = message[edges].reshape(degree, num, -1)
        ratio = total.take(bits, axis=0, mode="clip")
        t = _tanh(np.clip(ratio, LOWEST, HIGHEST).astype(np.float32), old)
        product = _product(t)
        change = t + product
        t -= product
        t *= old
        change /= t
        old *= change
        ratio *= change
        total[bits] = np.clip(ratio, LAYERED_LOWEST, LAYERED_HIGHEST, out=ratio)


def parity_holds(graph, hard):
    """Which words fulfil all checks, [num_words] `bool`.

    Input
    -----
    hard : [n, num_words], `bool`
        Hard decisions
    """
    valid = np.ones(hard.shape[1], bool)
    for first, degree, num in graph.blocks:
        bits = graph.edge_bit[first : first + degree * num]
        ones = hard.take(bits, axis=0).reshape(degree, num, -1)
        valid &= ~np.logical_xor.reduce(ones, axis=0).any(axis=0)
        if not valid.any():
            break
    return valid


def keep(array, lanes):
    """The columns ``lanes`` [num_kept] of an array."""
    return array.take(lanes, axis=1)


def load(array, lanes, rows, order):
    """Puts rows [num, n] into the columns ``lanes`` [num], in another order."""
    array[:, lanes] = rows[:, order].T


def reset(array, lanes):
    """Puts 1 into the columns ``lanes``."""
    array[:, lanes] = 1


def store(array, lanes, rows, words, order):
    """Puts the columns ``lanes`` [num] into the rows ``words`` [num], bits in order."""
    rows[np.ix_(words, order)] = array[:, lanes].T


def _tanh(ratio, message):
    """t of what bits send to checks; ``ratio`` is overwritten."""
    t = ratio - message
    ratio += message
    t /= ratio
    t += NON_ZERO
    return t


def _product(t):
    """P of each check, from t [degree, num, num_words]."""
    product = t[0].copy()
    for factor in t[1:]:  # in the order of the edges, as the compiled ones are
        product *= factor
    product *= BELOW_ONE
    return product
