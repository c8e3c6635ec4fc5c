"""Fidelity of texts: BLEU over a corpus, and texts that arrived whole.

A *word* is a run of letters, digits and apostrophes in lower case; punctuation is none.
"""

import re
from collections import Counter

import numpy as np

MAX_BLEU_ORDER = 4

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words(text):
    """The words of a text, in lower case.

    Example
    -------
    >>> words("A dog 's ball; isn't it?")
    ['a', 'dog', 's', 'ball', "isn't", 'it']
    """
    return _WORD.findall(text.lower())


def text_exact(references, texts):
    """Whether the words of a text are those of one of its references, in their order.

    Input
    -----
    references : sequence of sequences of `str`, [batch]
        One or several for each text

    texts : sequence of `str`, [batch]

    Output
    ------
    : [batch], `bool`
    """
    pairs = zip(references, texts, strict=True)
    return np.array(
        [words(text) in [words(ref) for ref in own] for own, text in pairs], bool
    )


def bleu_counts(references, texts):
    r"""What corpus BLEU is made of, text by text.

    Input
    -----
    references : sequence of sequences of `str`, [batch]
        One or several for each text

    texts : sequence of `str`, [batch]

    Output
    ------
    : `dict` of name -> [batch], `float64`
        ``bleu_total_n``: n-grams of the text, n = 1 ... 4; ``bleu_match_n``: those of
        them that a reference has, each at most as often as the reference that has it
        most often; ``bleu_reference_length``: words of the reference whose length is
        closest to the text's, of two the shorter

    Raises
    ------
    ValueError
        If a text has no reference.
    """
    orders = range(1, MAX_BLEU_ORDER + 1)
    names = [f"bleu_{what}_{n}" for what in ("match", "total") for n in orders]
    counts = {name: [] for name in (*names, "bleu_reference_length")}
    for number, (own, text) in enumerate(zip(references, texts, strict=True)):
        if not len(own):
            raise ValueError(f"text {number} has no reference: give at least one")
        said, meant = words(text), [words(reference) for reference in own]
        closest = min((abs(len(ref) - len(said)), len(ref)) for ref in meant)[1]
        counts["bleu_reference_length"].append(closest)
        for n in orders:
            allowed = Counter()
            for reference in meant:
                allowed |= _ngrams(reference, n)
            found = _ngrams(said, n)
            counts[f"bleu_match_{n}"].append((found & allowed).total())
            counts[f"bleu_total_{n}"].append(found.total())
    return {name: np.array(values, "float64") for name, values in counts.items()}


def corpus_bleu(counts, n):
    r"""BLEU-n over a corpus.

    .. math::
        \mathrm{BLEU}_n = \min\left(1, e^{1 - r / c}\right)
        \Big(\prod_{k=1}^n \frac{\sum_i m_{ik}}{\sum_i t_{ik}}\Big)^{1 / n}

    with matches :math:`m_{ik}` and n-grams :math:`t_{ik}` of text i, the words
    :math:`c` of all texts and :math:`r` of the closest references. Nothing is smoothed:
    without a common n-gram in the whole corpus it is 0.

    Input
    -----
    counts : `dict` of name -> [num_texts], `float`
        Of :func:`bleu_counts`

    n : `int`, 1 to 4
        Longest n-gram

    Output
    ------
    : `float`
        0 ... 1

    References
    ----------
    K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, "BLEU: a method for automatic evaluation
    of machine translation", ACL 2002.
    """
    matches, totals, length, reference = _sums(counts, n)
    if not matches.all():
        return 0.0
    penalty = min(0.0, 1.0 - reference / length)
    return float(np.exp(penalty + np.mean(np.log(matches / totals))))


def linearised_bleu(counts, n):
    r"""Values of every text whose mean is :func:`corpus_bleu`, and whose spread is that
    of its linear part in the counts (delta method).

    Output
    ------
    : [num_texts], `float64`
        All 0 where BLEU is 0, which has no linear part
    """
    bleu = corpus_bleu(counts, n)
    lengths = np.asarray(counts["bleu_total_1"], "float64")
    if not bleu:
        return np.zeros(len(lengths))
    count = len(lengths)
    matches, totals, length, reference = (v / count for v in _sums(counts, n))
    relative = np.zeros(count)
    for k in range(n):
        relative += (counts[f"bleu_match_{k + 1}"] - matches[k]) / matches[k] / n
        relative -= (counts[f"bleu_total_{k + 1}"] - totals[k]) / totals[k] / n
    if length < reference:
        relative -= (counts["bleu_reference_length"] - reference) / length
        relative += reference * (lengths - length) / length**2
    return bleu * (1 + relative)


def _sums(counts, n):
    """Matches [n] and n-grams [n], words of the texts and of their references."""
    matches, totals = (
        np.array([np.sum(counts[f"bleu_{what}_{k + 1}"]) for k in range(n)])
        for what in ("match", "total")
    )
    return matches, totals, totals[0], np.sum(counts["bleu_reference_length"])


def _ngrams(said, n):
    return Counter(tuple(said[i : i + n]) for i in range(len(said) - n + 1))
