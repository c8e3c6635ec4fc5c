"""Texts: words, exact matches, BLEU against sacrebleu and values worked out by hand,
word errors, likeness of sentences."""

import sys

import numpy as np
import pytest
import sacrebleu

from semcom_phy.metrics.text import (
    bleu_counts,
    corpus_bleu,
    linearised_bleu,
    sentence_similarity,
    text_exact,
    word_errors,
    words,
)
from semcom_phy.simulation.statistics.intervals import clustered_mean

# Of the BLEU paper (Papineni et al., section 2): "the" counts twice in reference 1.
THE_CAT = [["The cat is on the mat .", "There is a cat on the mat ."]]
SEVEN_THE = ["the the the the the the the"]


def test_words_stand_between_blanks():
    """In lower case; marks belong to the words that they stand at, or are words of
    their own (exact)."""
    assert words('  A "Hündchen" , isn\'t\tit?') == [
        "a",
        '"hündchen"',
        ",",
        "isn't",
        "it?",
    ]
    assert words("  ") == []


def test_texts_are_exact_where_all_words_are():
    """Any reference will do; order and number of the words matter, case and blanks do
    not (exact)."""
    references = [["A dog", "two dogs"]] * 6
    texts = ["a  dog", "Two dogs", "dog a", "a dog dog", "", "a dog ."]
    found = text_exact(references, texts)
    assert found.dtype == bool and found.tolist() == [True, True] + [False] * 4


def test_bleu_is_that_of_sacrebleu():
    """On a corpus of 300 texts with one to five references, in parts as in whole (1e-9,
    all n)."""
    rng = np.random.default_rng(1)
    vocabulary = np.array("A a dog Dog 's runs , over the hill .".split())

    def drawn(least):
        return " ".join(rng.choice(vocabulary, rng.integers(least, 12)))

    references = [[drawn(1) for _ in range(rng.integers(1, 6))] for _ in range(300)]
    texts = [drawn(0) for _ in references]
    parts = [bleu_counts(references[i::7], texts[i::7]) for i in range(7)]
    counts = {n: np.concatenate([part[n] for part in parts]) for n in parts[0]}
    padded = [own + [None] * (5 - len(own)) for own in references]
    streams = [list(stream) for stream in zip(*padded, strict=True)]
    for n in range(1, 5):
        bleu = sacrebleu.BLEU(
            lowercase=True,
            tokenize="none",
            smooth_method="none",
            max_ngram_order=n,
            force=True,
        )
        expected = bleu.corpus_score(texts, streams).score / 100
        assert corpus_bleu(counts, n) == pytest.approx(expected, abs=1e-9)
        assert linearised_bleu(counts, n).mean() == pytest.approx(expected, abs=1e-9)
    expected = sacrebleu.corpus_bleu(
        texts, streams, lowercase=True, tokenize="none", force=True
    )  # smooths what is 0 in the whole corpus, where nothing is here
    assert corpus_bleu(counts, 4) == pytest.approx(expected.score / 100, abs=1e-9)


def test_without_sacrebleu_the_extra_is_named(monkeypatch):
    """Counting says what to install; figures of counts need nothing (exact)."""
    counts = bleu_counts([["a b"]], ["a b"])
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(ImportError) as error:
        bleu_counts([["a b"]], ["a b"])
    assert "install semcom-phy[text]" in str(error.value)
    assert corpus_bleu(counts, 2) == 1


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
    assert corpus_bleu(bleu_counts([["a b c d"]], ["A b  c d"]), 4) == 1
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


def test_word_errors_by_hand():
    """Put in, left out, changed; nothing received; of two references the one with the
    smaller share of errors, not the fewer of them (exact)."""
    one = "a dog runs over the hill"
    cases = [
        ([one], one.upper(), 0, 6),
        ([one], "a big dog runs over the hill", 1, 6),
        ([one], "a dog over the hill", 1, 6),
        ([one], "the dog runs over a hill", 2, 6),
        ([one], "hill the over runs dog a", 6, 6),
        ([one], "", 6, 6),
        (["cat", one], "a cat", 5, 6),
        (["a cat", "a cat sat on the mat by the sea"], "a dog sat on the mat", 4, 9),
    ]
    found = word_errors([case[0] for case in cases], [case[1] for case in cases])
    assert found["word_errors"].tolist() == [case[2] for case in cases]
    assert found["word_reference_length"].tolist() == [case[3] for case in cases]
    with pytest.raises(ValueError, match="text 1 has a reference without words"):
        word_errors([["a"], ["b", " "]], ["a", "b"])
    with pytest.raises(ValueError, match="text 0 has no reference"):
        word_errors([[]], ["a"])


def test_word_errors_are_a_distance():
    """Symmetric, the triangle holds, at least the difference of the lengths, at most
    the longer one (exact; 200 triples of random texts)."""
    rng = np.random.default_rng(1)

    def away(one, other):
        return word_errors([[one]], [other])["word_errors"][0]

    for _ in range(200):
        a, b, c = (" ".join(rng.choice(list("xyz"), rng.integers(1, 9))) for _ in "abc")
        sizes = len(a.split()), len(b.split())
        assert away(a, b) == away(b, a) <= away(a, c) + away(c, b)
        assert abs(sizes[0] - sizes[1]) <= away(a, b) <= max(sizes)


class LetterEncoder:
    """Unit vectors that count the letters a, b and c."""

    def encode(self, texts):
        counts = np.array([[t.count(letter) for letter in "abc"] for t in texts], float)
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype("f4")


def test_similarity_is_that_to_the_closest_reference():
    """Cosines of the encoder's vectors, the best of each text's own (1e-6)."""
    references = [["aab", "c"], ["a"], ["abc", "b", "aaaa"]]
    found = sentence_similarity(references, ["c", "b", "ab"], LetterEncoder())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [1, 0, (2 / 3) ** 0.5], atol=1e-6)
