"""Lengths of patches: the quantiser, and the step that keeps to a budget."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.mapping.rate_allocation import (
    LENGTHS,
    equal_lengths,
    fit_step,
    length_of,
    quantize_length,
)

GRID = (12, 16)


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def demand(batch=5, seed=0):
    """Symbols that patches ask for at a step: the rate of Gaussians of all scales."""
    rng = np.random.default_rng(seed)
    log_std = tensor(rng.normal(-3.0, 1.0, (batch, *GRID, 40)))

    def symbols_at(log_step):
        ratio = ops.exp(2.0 * (log_std - log_step[:, None, None, None]))
        return 0.35 * 0.5 * ops.sum(ops.log1p(ratio), axis=-1) / np.log(2.0)

    return symbols_at


def fit(budget, **more):
    symbols_at = demand(len(budget))
    log_step, index = fit_step(symbols_at, tensor(budget), **more)
    log_step, index = map(ops.convert_to_numpy, (log_step, index))
    return log_step, index, np.array(LENGTHS)[index].sum(axis=(1, 2))


def test_the_quantiser_takes_the_nearest_length():
    """Of every number of symbols, ties upwards; beyond the table its ends (exact)."""
    symbols = np.arange(-8, 4 * LENGTHS[-1] + 1) / 2
    index = ops.convert_to_numpy(quantize_length(tensor(symbols)))
    assert index.dtype == np.int32
    distance = np.abs(symbols[:, None] - np.array(LENGTHS))
    nearest = np.array([np.flatnonzero(d == d.min())[-1] for d in distance])
    np.testing.assert_array_equal(index, nearest)


def test_indices_and_lengths_correspond():
    """quantize_length inverts length_of, over any shape (exact)."""
    index = np.arange(len(LENGTHS), dtype="int32").reshape(2, -1, 2)
    lengths = length_of(ops.convert_to_tensor(index))
    assert ops.convert_to_numpy(lengths).ravel().tolist() == list(LENGTHS)
    again = quantize_length(ops.cast(lengths, "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(again), index)


def test_equal_lengths_share_out_the_budget():
    """Two neighbouring lengths in turn, all of the budget but less than their distance,
    from one symbol a patch to the longest for all; the same at every place of the batch
    (exact)."""
    budget = np.concatenate([np.arange(12, 1600), [48 * 12.0, 1e5, 3.0, 0.0]])
    index = ops.convert_to_numpy(equal_lengths(tensor(budget), 3, 4))
    assert index.shape == (len(budget), 3, 4) and index.dtype == np.int32
    lengths = np.array(LENGTHS)
    for asked, grid in zip(budget, index, strict=True):
        used, low, high = lengths[grid].sum(), grid.min(), grid.max()
        assert high - low <= 1
        if asked < 12:
            assert high == 0
        elif asked >= 12 * LENGTHS[-1]:
            assert low == len(LENGTHS) - 1
        else:
            step = lengths[low + 1] - lengths[low]
            assert used <= asked < used + step, asked
            longer = np.cumsum(grid.ravel() > low)  # spread out, not bunched
            even = longer[-1] * np.arange(1, 13) / 12
            assert np.all(abs(longer - even) < 1)


def test_the_budget_is_kept_and_nearly_used():
    """Never more, and at least 95 %: one patch's change of length, at most 48 symbols,
    is less of any budget whose patches come that far."""
    budget = np.array([400.0, 900.0, 2000.0, 4096.0, 9000.0])
    log_step, index, used = fit(budget)
    assert log_step.shape == (5,) and log_step.dtype == np.float32
    assert index.shape == (5, *GRID) and index.dtype == np.int32
    assert np.all(used <= budget) and np.all(used >= 0.95 * budget)


def test_the_lengths_are_those_at_the_step():
    """What is asked for at the step that is given back, quantised (exact)."""
    budget = [700.0, 1500.0, 3000.0]
    log_step, index, _ = fit(budget)
    asked = quantize_length(demand(3)(ops.convert_to_tensor(log_step)))
    np.testing.assert_array_equal(ops.convert_to_numpy(asked), index)


def test_a_larger_budget_gives_every_patch_at_least_as_much():
    """The same image at rising budgets: the step falls, no patch loses (exact)."""
    symbols_at = demand(1)
    budgets = np.geomspace(250, 15000, 12)
    steps, lengths = [], []
    for budget in budgets:
        log_step, index = fit_step(symbols_at, tensor([budget]))
        steps.append(float(log_step[0]))
        lengths.append(ops.convert_to_numpy(length_of(index))[0])
    assert np.all(np.diff(steps) < 0)
    assert np.all(np.diff(lengths, axis=0) >= 0)
    assert np.all(np.diff(np.sum(lengths, axis=(1, 2))) > 0)


def test_images_of_a_batch_have_their_own_steps():
    """Together or alone, the same lengths (exact)."""
    budget = [500.0, 5000.0]
    _, together, _ = fit(budget)
    whole = demand(2)
    for b in range(2):

        def alone(log_step, b=b):
            return whole(ops.broadcast_to(log_step, (2,)))[b : b + 1]

        _, index = fit_step(alone, tensor(budget[b : b + 1]))
        np.testing.assert_array_equal(ops.convert_to_numpy(index)[0], together[b])


@pytest.mark.parametrize("budget", [0.0, 12.0, 191.0])
def test_too_small_a_budget_gives_the_shortest_lengths(budget):
    """The caller sees that they are too many (exact)."""
    _, index, used = fit([budget, 1000.0])
    assert np.all(index[0] == 0) and used[0] == 192 > budget
    assert np.any(index[1] > 0)


def test_too_coarse_a_range_of_steps_gives_the_shortest_lengths():
    """Where even the largest step asks for too much (exact)."""
    _, index, _ = fit([300.0], low=-9.0, high=-8.0)
    assert np.all(index == 0)


def test_an_ample_budget_gives_the_smallest_step():
    """Where all patches have the longest lengths, nothing more can be had (2^-15 of
    the range of steps)."""
    log_step, index, used = fit([1e6])
    assert log_step[0] == pytest.approx(-9.0, abs=12 * 2.0**-15 + 1e-6)
    assert np.all(used == LENGTHS[-1] * np.prod(GRID))
