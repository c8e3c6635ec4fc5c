"""Schedules of belief propagation, compiled and not, against Sionna's decoder."""

import sys

import numpy as np
import pytest
from keras import ops
from scipy.sparse import csr_matrix
from sionna.phy.fec.ldpc import LDPC5GDecoder

from semcom_phy.channel_coding.decoding.belief_propagation import (
    SCHEDULES,
    BeliefPropagationDecoder,
    numba_is_installed,
)
from semcom_phy.channel_coding.decoding.tanner_graph import TannerGraph
from semcom_phy.channel_coding.ldpc import LDPC5GCode

needs_numba = pytest.mark.skipif(
    not numba_is_installed(), reason="Numba is not installed"
)


def noisy_words(code, num_words, ebno_db, seed):
    """Sent bits and LLRs of BPSK on AWGN."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (num_words, code.k), dtype=np.uint8)
    variance = code.n / (2 * code.k * 10 ** (ebno_db / 10))
    noise = rng.normal(scale=variance**0.5, size=(num_words, code.n))
    y = 2.0 * code.encode(bits) - 1 + noise
    return bits, (2 * y / variance).astype(np.float32)


@needs_numba
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("k", "n", "ebno_db"), [(100, 300, 1.2), (600, 800, 2.6)])
def test_compiled_numbers_are_those_of_numpy(schedule, k, n, ebno_db):
    """Bits, iterations and checks of 300 words in the waterfall, right and wrong ones
    alike; more words than lanes (exact)."""
    code = LDPC5GCode(k, n, schedule=schedule)
    llr = code.to_mother(noisy_words(code, 300, ebno_db, seed=1)[1])
    compiled, plain = (
        BeliefPropagationDecoder(code.sent_pcm, 20, schedule, compiled)(llr)
        for compiled in (True, False)
    )
    assert 0.01 < np.mean(~plain[2]) < 0.9
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(a, b)


@needs_numba
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_compiled_messages_are_those_of_numpy(schedule):
    """Every message after three iterations, erased and saturated words among them
    (bit by bit)."""
    from semcom_phy.channel_coding.decoding import (
        compiled_message_passing,
        message_passing,
    )

    code = LDPC5GCode(100, 220)
    llr = code.to_mother(noisy_words(code, 40, 1.0, seed=2)[1])
    llr[0], llr[1] = 0, -20
    layered = schedule == "layered"
    graph = TannerGraph(code.sent_pcm, layered, 40)
    found = []
    for kernels in (compiled_message_passing, message_passing):
        channel = np.exp(-llr.T[graph.order].copy())
        total = channel.astype(np.float64 if layered else np.float32)
        message = np.ones((graph.num_edges, 40), np.float32)
        for _ in range(3):
            if layered:
                kernels.layered(graph, total, message)
            else:
                kernels.flooding(graph, channel, total, message)
        found.append((total, message))
    for a, b in zip(*found, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_words_are_sionnas(schedule):
    """All information bits of words that Sionna's fixed iterations of the same schedule
    get right, and no other word right: 200 words in the waterfall (exact, but for 1 in
    100 at the edge, which early termination and rounding decide)."""
    k, n, ebno_db = 100, 300, 1.2
    code = LDPC5GCode(k, n, num_iter=10, schedule=schedule)
    bits, llr = noisy_words(code, 200, ebno_db, seed=3)
    sionna = LDPC5GDecoder(code.encoder, num_iter=10, cn_schedule=schedule)
    expected = ops.convert_to_numpy(sionna(ops.convert_to_tensor(llr)))
    ours, _ = code.decode(llr)
    right = (expected == bits).all(axis=1)
    assert 0.5 < right.mean() < 0.99
    differ = (ours != expected).any(axis=1)
    assert (differ & right).sum() <= 2
    assert ((ours == bits).all(axis=1) & ~right).sum() <= 2


def test_layered_is_not_worse_than_flooding():
    """Fewer words wrong, 5 standard errors of the paired difference, and fewer than 0.7
    of the iterations (400 words in the waterfall of 20 iterations, seed 4)."""
    wrong, iterations = {}, {}
    for schedule in SCHEDULES:
        code = LDPC5GCode(500, 1000, schedule=schedule)
        bits, llr = noisy_words(code, 400, 1.1, seed=4)
        found, iterations[schedule] = code.decode(llr)
        wrong[schedule] = (found != bits).any(axis=1)
    more = wrong["flooding"].astype(int) - wrong["layered"]
    assert more.mean() > 5 * more.std() / np.sqrt(len(more))
    assert iterations["layered"].mean() < 0.7 * iterations["flooding"].mean()


def test_layers_share_no_bit():
    """Blocks of a layered graph name each bit at most once, rows stay in order, and all
    edges are there (exact), for a matrix without any structure."""
    dense = np.random.default_rng(5).random((30, 60)) < 0.06
    pcm = csr_matrix(dense.astype(int))
    graph = TannerGraph(pcm, layered=True)
    seen = 0
    for first, degree, num in graph.blocks:
        bits = graph.edge_bit[first : first + degree * num]
        assert len(np.unique(bits)) == len(bits)
        seen += len(bits)
    assert seen == dense.sum() == graph.num_edges
    degree = np.bincount(graph.edge_bit, minlength=60)
    np.testing.assert_array_equal(degree, dense.sum(axis=0)[graph.order])


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_bits_of_very_many_checks_stay_finite(schedule):
    """A bit in 200 checks, all saturated and of one mind: no overflow reaches a message
    or a decision (exact)."""
    pcm = csr_matrix(np.hstack([np.ones((200, 1)), np.eye(200)]))
    for compiled in {False, numba_is_installed()}:
        decoder = BeliefPropagationDecoder(pcm, 5, schedule, compiled)
        llr = np.full((2, 201), 20.0)
        llr[1] = -20.0
        llr[:, 0] *= -1  # one bit against 200
        bits, _, converged = decoder(llr)
        assert converged.all()
        np.testing.assert_array_equal(bits, [[1] * 201, [0] * 201])


def test_an_unknown_schedule_is_refused():
    """By a message that names it and those there are."""
    with pytest.raises(ValueError, match="'layered'.*Received: 'serial'"):
        LDPC5GCode(100, 300, schedule="serial")


def test_no_words_are_no_error():
    """An empty batch gives empty arrays."""
    bits, iterations = LDPC5GCode(100, 300).decode(np.zeros((0, 300)))
    assert bits.shape == (0, 100) and iterations.shape == (0,)


def test_missing_numba_names_the_extra(monkeypatch):
    """The message says which extra brings what was asked for."""
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(
        sys.modules,
        "semcom_phy.channel_coding.decoding.compiled_message_passing",
        raising=False,
    )
    monkeypatch.delattr(
        "semcom_phy.channel_coding.decoding.compiled_message_passing", raising=False
    )
    pcm = csr_matrix(np.ones((1, 4)))
    with pytest.raises(ImportError, match=r"semcom-phy\[compiled\]"):
        BeliefPropagationDecoder(pcm, compiled=True)
