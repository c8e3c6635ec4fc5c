"""Texts: words, exact matches, and BLEU against values worked out by hand."""

import numpy as np
import pytest

from semcom_phy.metrics.text import (
    bleu_counts,
    corpus_bleu,
    linearised_bleu,
    text_exact,
    words,
)
from semcom_phy.simulation.intervals import clustered_mean

# Of the BLEU paper (Papineni et al., section 2): "the" counts twice in reference 1.
THE_CAT = [["The cat is on the mat.", "There is a cat on the mat."]]
SEVEN_THE = ["the the the the the the the"]


def test_words_are_lower_case_without_punctuation():
    """Case, stops, quotes and spaces make no difference; letters of any language and
    apostrophes inside a word do (exact)."""
    assert words('  A "Hündchen" , isn\'t\tit?_x ') == "a hündchen isn't it x".split()
    assert words(" . ") == []


def test_texts_are_exact_where_all_words_are():
    """Any reference will do; order and number of the words matter (exact)."""
    references = [["A dog .", "two dogs"]] * 5
    texts = ["a dog", "Two dogs!", "dog a", "a dog dog", ""]
    found = text_exact(references, texts)
    assert found.dtype == bool and found.tolist() == [True, True, False, False, False]


def test_matches_are_clipped():
    """The example of the BLEU paper: 2 of 7 words match, no pair of words does, and of
    references as far from 7 words the only one of 7 is meant (exact)."""
    counts = bleu_counts(THE_CAT, SEVEN_THE)
    assert (counts["bleu_match_1"], counts["bleu_total_1"]) == (2, 7)
    assert (counts["bleu_match_2"], counts["bleu_total_2"]) == (0, 6)
    assert counts["bleu_reference_length"] == 7
    assert corpus_bleu(counts, 1) == pytest.approx(2 / 7, rel=1e-12)
    assert corpus_bleu(counts, 2) == 0


def test_bleu_of_a_corpus_by_hand():
    """Sums over the corpus before the ratio, penalty by the closest reference, the
    shorter of two (round-off 1e-12).

    Text 1 "a dog runs fast" against "a dog runs" and "a dog runs very fast indeed": 4
    of 4 words, 2 of 3 pairs (not "runs fast"), 1 of 2 triples, 0 of 1 fours; closest
    length 3. Text 2 "two cats" against "two small cats sleep": 2 of 2, 0 of 1; length
    4. Together 6/6 words, 2/4 pairs, 1/2 triples; 6 words for 7: penalty exp(-1/6).
    """
    references = [["a dog runs", "a dog runs very fast indeed"]]
    references.append(["two small cats sleep"])
    counts = bleu_counts(references, ["a dog runs fast", "two cats"])
    assert counts["bleu_match_2"].tolist() == [2, 0]
    assert counts["bleu_total_3"].tolist() == [2, 0]
    assert counts["bleu_reference_length"].tolist() == [3, 4]
    penalty = np.exp(1 - 7 / 6)
    expected = [1, 0.5**0.5, 0.25 ** (1 / 3), 0]
    for n, value in enumerate(expected, start=1):
        assert corpus_bleu(counts, n) == pytest.approx(penalty * value, rel=1e-12)


def test_of_two_references_as_close_the_shorter_is_meant():
    """3 and 5 words for a text of 4: 3, hence no penalty (exact)."""
    counts = bleu_counts([["a b c d e", "a b c"]], ["a b c d"])
    assert counts["bleu_reference_length"] == 3
    assert corpus_bleu(counts, 4) == 1


def test_what_was_received_whole_has_bleu_1():
    """And longer texts pay by their precision alone (1e-12)."""
    assert corpus_bleu(bleu_counts([["a b c d"]], ["A b c d."]), 4) == 1
    assert corpus_bleu(bleu_counts([["a b c d"]], ["a b c d e"]), 1) == pytest.approx(
        4 / 5
    )


def test_lost_texts_count_by_their_references():
    """An empty text adds to the length that was meant, nothing else (1e-12)."""
    counts = bleu_counts([["a b c d"]] * 2, ["a b c d", ""])
    assert corpus_bleu(counts, 4) == pytest.approx(np.exp(1 - 8 / 4), rel=1e-12)
    nothing = bleu_counts([["a b"]], [""])
    assert corpus_bleu(nothing, 1) == 0
    assert linearised_bleu(nothing, 1).tolist() == [0]


def test_a_text_without_a_reference_is_refused():
    """Its number is in the message (exact)."""
    with pytest.raises(ValueError, match="text 1 has no reference"):
        bleu_counts([["a"], []], ["a", "b"])


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_the_linear_part_tells_the_spread(share):
    """Its mean is BLEU (1e-12), its standard error that of corpora drawn anew within a
    tenth (2,000 corpora of 200 texts, words lost at random, lost texts shorter)."""
    rng = np.random.default_rng(1)
    vocabulary = np.array("a b c d e f g h i j".split())
    meant = rng.choice(vocabulary, (4000, 10))
    kept = rng.random(meant.shape) > share
    texts = [" ".join(own[k]) for own, k in zip(meant, kept, strict=True)]
    counts = bleu_counts([[" ".join(own)] for own in meant], texts)
    drawn, errors = [], []
    for _ in range(2000):
        index = rng.integers(4000, size=200)
        part = {name: values[index] for name, values in counts.items()}
        drawn.append(corpus_bleu(part, 2))
        if len(errors) < 50:
            values = linearised_bleu(part, 2)
            assert values.mean() == pytest.approx(drawn[-1], rel=1e-12)
            estimate = clustered_mean(values, np.arange(200))
            errors.append(estimate.half_width / 1.972)  # t, 199 degrees of freedom
    assert np.mean(errors) == pytest.approx(np.std(drawn), rel=0.1)
