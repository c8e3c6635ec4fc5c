"""How many symbols each patch of an image gets, under a budget."""

import numpy as np
from keras import ops

# About a factor of 2 apart: finer steps cost more to tell than they gain.
LENGTHS = (1, 3, 6, 12, 24, 48, 80, 128)
_STEPS = 15  # of the bisection


def quantize_length(symbols, lengths=LENGTHS):
    """Index of the nearest of ``lengths``, `int32`: the scalar quantiser Q.

    Input
    -----
    symbols : [...], `float32`
        Symbols asked for
    """
    middles = (np.array(lengths[1:]) + np.array(lengths[:-1])) / 2
    above = symbols[..., None] >= ops.convert_to_tensor(middles.astype("float32"))
    return ops.sum(ops.cast(above, "int32"), axis=-1)


def length_of(rate_index, lengths=LENGTHS):
    """Complex symbols of an index of ``lengths``, `int32`."""
    return ops.take(
        ops.convert_to_tensor(np.array(lengths, "int32")), rate_index, axis=0
    )


def equal_lengths(budget, rows, columns, lengths=LENGTHS):
    """Lengths that need not be told: the budget shared out evenly, in a fixed pattern.

    Where an equal share lies between two of ``lengths``, the patches take the lower and
    the upper one in turn, as often as the budget allows.

    Input
    -----
    budget : [batch], `float32`
        Most symbols that all patches of an image may take together

    Output
    ------
    : [batch, rows, columns], `int32`
        Indices of ``lengths``
    """
    number = rows * columns
    table = ops.convert_to_tensor(np.array(lengths, "float32"))
    share = ops.clip(budget / number, lengths[0], lengths[-1])[:, None]
    lower = ops.sum(ops.cast(share >= table[1:] - 1e-4, "int32"), axis=1)
    upper = ops.minimum(lower + 1, len(lengths) - 1)
    low, high = ops.take(table, lower, axis=0), ops.take(table, upper, axis=0)
    part = (share[:, 0] - low) / ops.maximum(high - low, 1.0)
    taken = ops.floor(ops.clip(part, 0.0, 1.0) * number + 1e-3)
    taken = ops.cast(taken, "int64")[:, None]
    more = ops.cast(spread_evenly(taken, number), "bool")
    rate_index = ops.where(more, upper[:, None], lower[:, None])
    return ops.reshape(rate_index, (-1, rows, columns))


def spread_evenly(taken, number):
    """1 for so many of a number of places, as evenly as can be, [..., number] `int64`.

    Input
    -----
    taken : [..., 1] or scalar, `int64`
        How many

    number : `int`
        Of how many places
    """
    place = ops.arange(number, dtype="int64")
    return (place + 1) * taken // number - place * taken // number


def fit_step(symbols_at, budget, low=-9.0, high=3.0, lengths=LENGTHS):
    r"""Smallest quantisation step whose lengths keep to a budget.

    The step stands for the Lagrange multiplier: where :math:`D = \Delta^2/12` and the
    rate falls by one bit per coefficient when the step doubles,
    :math:`\lambda = -dD/dR = \tfrac{\ln 2}{6} \Delta^2`.

    Input
    -----
    symbols_at : callable, log_step [batch] -> symbols [batch, rows, columns], `float32`
        Symbols asked for at a step, before quantisation, falling as the step grows

    budget : [batch], `float32`
        Most symbols that all patches of an image may take together

    Output
    ------
    log_step : [batch], `float32`
        Natural logarithm of the step

    rate_index : [batch, rows, columns], `int32`
        Indices of ``lengths``. Where even the largest step takes more than the budget,
        every patch has the shortest length
    """

    def at(log_step):
        rate_index = quantize_length(symbols_at(log_step), lengths)
        used = ops.sum(length_of(rate_index, lengths), axis=(1, 2))
        return rate_index, ops.cast(used, "float32") <= budget

    low = ops.full_like(budget, low)
    high = ops.full_like(budget, high)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        _, fits = at(middle)
        low, high = ops.where(fits, low, middle), ops.where(fits, middle, high)
    rate_index, fits = at(high)
    rate_index = ops.where(fits[:, None, None], rate_index, ops.zeros_like(rate_index))
    return high, rate_index
