"""Short-term and long-term memory of continual learning."""

import numpy as np
import pytest

from link_models.training.continual.memory import Memory, Selection, similarities

# Feature of a sample: its number, on a line.
ON_A_LINE = 10.0


def on_a_line(samples):
    return np.asarray(samples, "float64")[:, None] * ON_A_LINE


def full_memory(selection, old, new, **sizes):
    """A memory that moved ``old`` whole and is full of ``new``."""
    memory = Memory(selection, seed=3, stm_size=len(old), **sizes)
    memory.store(old)
    memory.consolidate(on_a_line)
    memory.store(new)
    return memory


def test_kernel_is_that_of_squared_distances():
    """Equation 13, entry by entry (rounding alone)."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(5, 128)), rng.normal(size=(3, 128))
    expected = [[np.exp(-np.sum((a - b) ** 2) / 200) for b in other] for a in one]
    np.testing.assert_allclose(similarities(one, other), expected, rtol=1e-12)


def test_a_sample_is_fully_similar_to_itself():
    """A distance that rounds to less than zero stays one of zero."""
    one = np.random.default_rng(2).normal(size=(50, 128)) * 1e3
    kernel = similarities(one, one)
    assert np.all(kernel <= 1)
    np.testing.assert_allclose(np.diag(kernel), 1, atol=1e-6)


def test_the_printed_threshold_decides_nothing():
    """Layer-normalised vectors are at most 2 sqrt(128) apart: R is at least
    exp(-2.56) = 0.077, so that with 0.05 all samples move by the equation, and none by
    the text, whatever they are (here: as far apart as can be)."""
    vectors = np.random.default_rng(3).normal(size=(20, 128))
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= vectors.std(axis=1, keepdims=True)
    features = np.concatenate([vectors, -vectors])
    memory = Memory(None, seed=0, stm_size=20)
    memory.stm, memory.ltm = np.arange(20), np.arange(20, 40)
    lowest = similarities(vectors, -vectors).min()
    relevance = memory.relevance(lambda samples: features[samples])
    np.testing.assert_allclose(lowest, np.exp(-2.56), rtol=1e-9)
    assert relevance.min() > 0.077
    assert Selection("equation", 0.05).moved(relevance).all()
    assert not Selection("text", 0.05).moved(relevance).any()


@pytest.mark.parametrize(
    ("reading", "moved"), [("equation", [0, 1]), ("text", [50, 51])]
)
def test_which_samples_are_remembered(reading, moved):
    """Equation 16 takes what is similar to the long-term memory, the text what differs;
    half of the samples with a threshold at the median of R."""
    memory = full_memory(Selection(reading), [0, 1, 2, 3], [50, 0, 51, 1])
    relevance, count = memory.consolidate(on_a_line)
    assert sorted(memory.ltm[4:]) == moved
    assert count == 2
    assert len(relevance) == 4
    assert not len(memory.stm)


def test_an_absolute_threshold():
    """Samples on either side of lambda."""
    relevance = np.array([0.2, 0.5, 0.8])
    assert Selection("equation", 0.5).moved(relevance).tolist() == [False, False, True]
    assert Selection("text", 0.5).moved(relevance).tolist() == [True, False, False]


@pytest.mark.parametrize("reading", ["equation", "text"])
def test_equal_samples_do_not_stop_the_memory(reading):
    """The share moves where all R are the same, too."""
    assert Selection(reading, share=0.25).moved(np.ones(8)).sum() == 2


def test_first_full_memory_moves_whole():
    """Where there is nothing to compare with."""
    memory = Memory(Selection("text", 0.0), seed=1, stm_size=3)
    memory.store([7, 8])
    memory.store([9])
    assert memory.consolidate(on_a_line) == (None, 3)
    assert memory.ltm.tolist() == [7, 8, 9]


def test_without_a_selection_nothing_is_kept():
    """What a run without memory is."""
    memory = Memory(None, seed=1, stm_size=2)
    memory.store([1, 2])
    assert memory.consolidate(on_a_line) == (None, 0)
    assert not len(memory.ltm)


def test_a_full_long_term_memory_keeps_all_times_alike():
    """Of 40 rounds of 20 samples a reservoir of 100 holds each with the same
    probability: 50 of the first half, within 4 standard deviations (5 each)."""
    memory = Memory(Selection("text", share=1.0), seed=5, stm_size=20, ltm_size=100)
    for first in range(0, 800, 20):
        memory.store(range(first, first + 20))
        memory.consolidate(on_a_line)
    assert len(memory.ltm) == len(set(memory.ltm)) == 100
    assert abs(np.sum(memory.ltm < 400) - 50) < 20


def test_batches_in_proportion():
    """Of 20 new and 60 old samples a batch of 10 has 7 or 8 old ones, 7.5 in the mean
    (500 batches: within 4 standard errors of 0.022)."""
    memory = full_memory(None, list(range(60)), list(range(60, 80)))
    memory.ltm = np.arange(60)
    rng = np.random.default_rng(4)
    batches = np.array([memory.draw(10, rng) for _ in range(500)])
    old = np.sum(batches < 60, axis=1)
    assert set(old) == {7, 8}
    assert abs(old.mean() - 7.5) < 4 * 0.5 / 500**0.5
    assert set(batches.ravel()) == set(range(80))


def test_a_state_goes_on_as_if_nothing_had_happened(tmp_path):
    """Plain arrays, through a file without pickles."""
    sizes = {"ltm_size": 6}
    first = full_memory(Selection("text"), [0, 1, 2, 3], [9, 8, 7, 6], **sizes)
    np.savez(tmp_path / "state.npz", **first.state())
    with np.load(tmp_path / "state.npz", allow_pickle=False) as stored:
        other = Memory(Selection("text"), seed=3, stm_size=4, **sizes)
        other.restore(stored)
    for memory in (first, other):
        memory.consolidate(on_a_line)
        memory.store([20, 21, 22, 23])
        memory.consolidate(on_a_line)
    assert first.ltm.tolist() == other.ltm.tolist()
    rng, again = np.random.default_rng(1), np.random.default_rng(1)
    assert first.draw(5, rng).tolist() == other.draw(5, again).tolist()


def test_what_is_refused():
    """With the value, and what to do."""
    with pytest.raises(ValueError, match="reading must be one of equation, text"):
        Selection("both")
    with pytest.raises(ValueError, match="threshold must be a number from 0 to 1"):
        Selection("text", 2.0)
    with pytest.raises(ValueError, match="ltm_size must be at least 5, got 4"):
        Memory(None, 0, stm_size=5, ltm_size=4)
    memory = Memory(None, 0, stm_size=2)
    with pytest.raises(ValueError, match="the memory is empty"):
        memory.draw(1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 samples for a short-term memory with room"):
        memory.store([1, 2, 3])
    with pytest.raises(ValueError, match="a state of 3 and 0 samples does not fit"):
        memory.restore({"stm": [1, 2, 3], "ltm": [], "num_chosen": 0})
