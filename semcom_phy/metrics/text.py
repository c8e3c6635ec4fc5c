"""Fidelity of texts: BLEU over a corpus, errors in words, texts that arrived whole.

A *word* is what stands between blanks, in lower case; a stop or a comma that stands
alone is one. So captions are written that are kept in words and marks (Flickr8k).
"""

import numpy as np

MAX_BLEU_ORDER = 4


def words(text):
    """The words of a text, in lower case.

    Example
    -------
    >>> words("A dog 's ball , isn't it")
    ['a', 'dog', "'s", 'ball', ',', "isn't", 'it']
    """
    return text.lower().split()


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
    r"""What corpus BLEU is made of, text by text, as sacrebleu counts it.

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

    ImportError
        If sacrebleu, of the extra ``text``, is not installed.

    Example
    -------
    >>> counts = bleu_counts([("a dog runs",)], ["a dog sits"])
    >>> round(corpus_bleu(counts, 1), 3)
    0.667

    References
    ----------
    M. Post, "A call for clarity in reporting BLEU scores", WMT 2018 (sacrebleu).
    """
    try:
        from sacrebleu.metrics import BLEU
    except ImportError as error:
        raise ImportError(
            "sacrebleu counts for BLEU: install semcom-phy[text]"
        ) from error
    bleu = BLEU(lowercase=True, force=True, tokenize="none", smooth_method="none")
    rows = []
    for own, text in _pairs(references, texts):
        score = bleu.corpus_score([text], [[reference] for reference in own])
        rows.append([*score.counts, *score.totals, score.ref_len])
    orders = range(1, MAX_BLEU_ORDER + 1)
    names = [f"bleu_{what}_{n}" for what in ("match", "total") for n in orders]
    names.append("bleu_reference_length")
    columns = np.array(rows, "float64").reshape(-1, len(names)).T
    return dict(zip(names, columns, strict=True))


def word_errors(references, texts):
    r"""What the word error rate is made of, text by text.

    Of several references the one counts in whose words the share of errors is least.
    The rate of a corpus is that of all errors in all words of these references.

    Input
    -----
    references : sequence of sequences of `str`, [batch]
        One or several for each text

    texts : sequence of `str`, [batch]

    Output
    ------
    : `dict` of name -> [batch], `float64`
        ``word_errors``: words that are put in, left out or changed at least
        (Levenshtein's distance); ``word_reference_length``: words of the reference

    Raises
    ------
    ValueError
        If a text has no reference, or one without words.

    References
    ----------
    V. Levenshtein, "Binary codes capable of correcting deletions, insertions, and
    reversals", Soviet Physics Doklady 10(8), 1966.
    """
    rows = []
    for number, (own, text) in enumerate(_pairs(references, texts)):
        meant = [words(reference) for reference in own]
        if not all(meant):
            raise ValueError(f"text {number} has a reference without words")
        found = [(_distance(ref, words(text)), len(ref)) for ref in meant]
        rows.append(min(found, key=lambda one: (one[0] / one[1], one)))
    errors, lengths = np.array(rows, "float64").reshape(-1, 2).T
    return {"word_errors": errors, "word_reference_length": lengths}


def sentence_similarity(references, texts, encoder):
    """Cosine of the vectors of a text and of the reference closest to it.

    Input
    -----
    references : sequence of sequences of `str`, [batch]
        One or several for each text

    texts : sequence of `str`, [batch]

    encoder : :class:`~semcom_phy.knowledge_base.sentence_encoder.SentenceEncoder`
        Or another one with ``encode``, texts -> unit vectors

    Output
    ------
    : [batch], `float64`
        -1 ... 1, 1 for the same words

    Raises
    ------
    ValueError
        If a text has no reference.
    """
    return np.array(
        [
            np.max(encoder.encode(list(own)) @ encoder.encode([text])[0])
            for own, text in _pairs(references, texts)
        ],
        "float64",
    )


def corpus_bleu(counts, n):
    r"""BLEU-n over a corpus.

    .. math::
        \mathrm{BLEU}_n = \min\left(1, e^{1 - r / c}\right)
        \Big(\prod_{k=1}^n \frac{\sum_i m_{ik}}{\sum_i t_{ik}}\Big)^{1 / n}

    with matches :math:`m_{ik}` and n-grams :math:`t_{ik}` of text i, the words
    :math:`c` of all texts and :math:`r` of the closest references. Nothing is smoothed:
    without a common n-gram in the whole corpus it is 0. It is the hundredth of what
    sacrebleu says with ``tokenize="none", lowercase=True, smooth_method="none"`` and
    ``max_ngram_order=n``; from counts it is worked out without that package.

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


def _pairs(references, texts):
    """References and text, one by one, none of them without any."""
    for number, (own, text) in enumerate(zip(references, texts, strict=True)):
        if not len(own):
            raise ValueError(f"text {number} has no reference: give at least one")
        yield own, text


def _distance(meant, said):
    """Words put in, left out or changed, row by row of Levenshtein's table."""
    row = list(range(len(said) + 1))
    for i, one in enumerate(meant, start=1):
        above, row = row, [i]
        for j, other in enumerate(said):
            changed = above[j] + (one != other)
            row.append(min(changed, above[j + 1] + 1, row[j] + 1))
    return row[-1]
