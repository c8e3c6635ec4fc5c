"""The messages of `message_passing`, compiled by Numba: the same numbers, sooner.

Words lie beside each other in memory, so that the compiler computes many at once. It
may not reorder (no `fastmath`), and operations of single and double precision are the
same in NumPy: results are equal bit by bit. Functions are compiled at their first use,
for seconds, and then kept on disk for other processes.
"""

import numba
import numpy as np

from semcom_phy.channel_coding.decoding.message_passing import (
    BELOW_ONE,
    HIGHEST,
    LAYERED_HIGHEST,
    LAYERED_LOWEST,
    LOWEST,
    NON_ZERO,
)

_ONE = np.float32(1)
_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


def flooding(graph, channel, total, message):
    _check_nodes(graph.blocks, graph.edge_bit, total, message)
    _bit_nodes(graph.bit_first, graph.bit_edges, channel, total, message)


def layered(graph, total, message):
    _layers(graph.blocks, graph.edge_bit, total, message)


def parity_holds(graph, hard):
    return ~_fails(graph.blocks, graph.edge_bit, hard.view(np.uint8)).view(bool)


def keep(array, lanes):
    """As in NumPy, but into the memory of ``array``, which is worth nothing then."""
    flat = array.reshape(-1)
    _close_up(flat, array.shape[1], lanes)
    return flat[: len(array) * len(lanes)].reshape(len(array), len(lanes))


@_compiled
def load(array, lanes, rows, order):
    for i in range(len(order)):
        for k in range(len(lanes)):
            array[i, lanes[k]] = rows[k, order[i]]


@_compiled
def reset(array, lanes):
    for i in range(len(array)):
        for k in range(len(lanes)):
            array[i, lanes[k]] = _ONE


@_compiled
def store(array, lanes, rows, words, order):
    for i in range(len(order)):
        for k in range(len(lanes)):
            rows[words[k], order[i]] = array[i, lanes[k]]


@_compiled
def _check_nodes(blocks, edge_bit, total, message):
    num_words = total.shape[1]
    t = np.empty((blocks[:, 1].max(), num_words), np.float32)
    product = np.empty(num_words, np.float32)
    for first, degree, num in blocks:
        for check in range(num):
            product[:] = _ONE
            for i in range(degree):
                edge = first + i * num + check
                bit = edge_bit[edge]
                for w in range(num_words):
                    ratio, old = total[bit, w], message[edge, w]
                    t[i, w] = (ratio - old) / (ratio + old) + NON_ZERO
                    product[w] *= t[i, w]
            for w in range(num_words):
                product[w] *= BELOW_ONE
            for i in range(degree):
                edge = first + i * num + check
                for w in range(num_words):
                    message[edge, w] = (t[i, w] + product[w]) / (t[i, w] - product[w])


@_compiled
def _bit_nodes(bit_first, bit_edges, channel, total, message):
    num_words = total.shape[1]
    product = np.empty(num_words, np.float64)
    for bit in range(len(total)):
        for w in range(num_words):
            product[w] = channel[bit, w]
        first, last = bit_first[bit], bit_first[bit + 1]
        for i in range(first + 1, last, 2):
            one, two = bit_edges[i - 1], bit_edges[i]
            for w in range(num_words):
                product[w] *= message[one, w] * message[two, w]
        if (last - first) % 2:
            one = bit_edges[last - 1]
            for w in range(num_words):
                product[w] *= message[one, w]
        for w in range(num_words):
            total[bit, w] = _between(LOWEST, product[w], HIGHEST)


@_compiled
def _layers(blocks, edge_bit, total, message):
    num_words = total.shape[1]
    t = np.empty((blocks[:, 1].max(), num_words), np.float32)
    product = np.empty(num_words, np.float32)
    for first, degree, num in blocks:
        for check in range(num):
            product[:] = _ONE
            for i in range(degree):
                edge = first + i * num + check
                bit = edge_bit[edge]
                for w in range(num_words):
                    ratio = np.float32(_between(LOWEST, total[bit, w], HIGHEST))
                    old = message[edge, w]
                    t[i, w] = (ratio - old) / (ratio + old) + NON_ZERO
                    product[w] *= t[i, w]
            for w in range(num_words):
                product[w] *= BELOW_ONE
            for i in range(degree):
                edge = first + i * num + check
                bit = edge_bit[edge]
                for w in range(num_words):
                    old = message[edge, w]
                    change = (t[i, w] + product[w]) / ((t[i, w] - product[w]) * old)
                    message[edge, w] = change * old
                    total[bit, w] = _between(
                        LAYERED_LOWEST,
                        total[bit, w] * np.float64(change),
                        LAYERED_HIGHEST,
                    )


@_compiled
def _between(low, value, high):
    value = value if value > low else low
    return value if value < high else high


@_compiled
def _fails(blocks, edge_bit, hard):
    num_words = hard.shape[1]
    fails = np.zeros(num_words, np.uint8)
    parity = np.empty(num_words, np.uint8)
    for first, degree, num in blocks:
        for check in range(num):
            parity[:] = 0
            for i in range(degree):
                bit = edge_bit[first + i * num + check]
                for w in range(num_words):
                    parity[w] ^= hard[bit, w]
            for w in range(num_words):
                fails[w] |= parity[w]
    return fails


@_compiled
def _close_up(flat, num_lanes, lanes):
    for row in range(len(flat) // num_lanes):
        for k in range(len(lanes)):
            flat[row * len(lanes) + k] = flat[row * num_lanes + lanes[k]]
