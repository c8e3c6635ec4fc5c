"""Belief propagation on small codes whose answers are known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from semcom_phy.channel_coding.decoding.belief_propagation import (
    BeliefPropagationDecoder,
)

HAMMING = csr_matrix(
    np.array([[1, 1, 0, 1, 1, 0, 0], [1, 0, 1, 1, 0, 1, 0], [0, 1, 1, 1, 0, 0, 1]])
)


def test_single_parity_check_is_exact():
    """On a code without cycles BP equals the exact MAP bit decisions (no tolerance)."""
    rng = np.random.default_rng(1)
    llr = rng.normal(scale=3, size=(200, 4)).astype(np.float32)
    words = np.array([w for w in np.ndindex(2, 2, 2, 2) if sum(w) % 2 == 0])
    likelihood = np.exp(llr @ words.T)  # logits: ln p(1)/p(0)
    ones = np.stack([likelihood[:, words[:, i] == 1].sum(1) for i in range(4)], 1)
    zeros = np.stack([likelihood[:, words[:, i] == 0].sum(1) for i in range(4)], 1)
    bits, _, _ = BeliefPropagationDecoder(csr_matrix(np.ones((1, 4))), 20)(llr)
    # Words that satisfy the check at once stop there; BP then agrees with MAP.
    np.testing.assert_array_equal(bits, ones > zeros)


def test_one_erased_or_weak_bit_is_recovered():
    """One flipped weak bit of a Hamming word is corrected (noise-free: exact)."""
    word = np.array([1, 0, 1, 1, 0, 1, 0])
    word[4:] = [word[[0, 1, 3]].sum() % 2, word[[0, 2, 3]].sum() % 2, 0]
    word[6] = word[[1, 2, 3]].sum() % 2
    llr = np.tile((2.0 * word - 1) * 4, (7, 1))
    np.fill_diagonal(llr, -0.25 * np.diag(llr))
    bits, iterations, converged = BeliefPropagationDecoder(HAMMING)(llr)
    np.testing.assert_array_equal(bits, np.tile(word, (7, 1)))
    assert converged.all()
    assert (iterations < 20).all()


def test_words_do_not_influence_each_other():
    """A word decodes alike alone and in a batch that shrinks around it (exact)."""
    rng = np.random.default_rng(2)
    llr = rng.normal(scale=2, size=(300, 7)).astype(np.float32)
    decoder = BeliefPropagationDecoder(HAMMING, 10)
    together = decoder(llr)
    for i in range(0, 300, 37):
        alone = decoder(llr[i : i + 1])
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a[0], b[i])


def test_converged_words_fulfil_all_checks():
    """`converged` holds exactly where the hard decisions are a code word (exact)."""
    rng = np.random.default_rng(3)
    llr = rng.normal(scale=1, size=(500, 7)).astype(np.float32)
    bits, iterations, converged = BeliefPropagationDecoder(HAMMING, 3)(llr)
    np.testing.assert_array_equal(converged, ~((HAMMING @ bits.T) % 2).any(axis=0))
    assert (iterations[~converged] == 3).all()


def test_zero_and_saturated_inputs_stay_finite():
    """Erased words and LLRs beyond the clipping decode without a warning (exact)."""
    llr = np.zeros((3, 7), np.float32)
    llr[1] = -1e6
    llr[2] = -np.inf
    with np.errstate(all="raise", under="ignore"):
        bits, _, _ = BeliefPropagationDecoder(HAMMING)(llr)
    assert not bits[1:].any()


def test_bad_input_raises():
    """A wrong length or iteration count raises and says what was received."""
    with pytest.raises(ValueError, match="Received"):
        BeliefPropagationDecoder(HAMMING, 0)
    with pytest.raises(ValueError, match="Received"):
        BeliefPropagationDecoder(HAMMING)(np.zeros((2, 8)))
