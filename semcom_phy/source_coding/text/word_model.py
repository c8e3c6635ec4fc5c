"""What both ends expect of the next token of a caption: counts of up to three in a row.

two tokens before --> counts of the third, of the second alone, of any
                  --> distribution of the next one, the caption's own mixed in
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semcom_phy.language.caption_tokens import BEGIN, PAD, caption_tokens

MODEL_FILE = Path(__file__).with_name("word_model.npz")
# Chosen on validation captions (python -m link_models.training word_model).
OWN_SHARE, OWN_DELAY = 0.005, 5.0


class Counts(NamedTuple):
    """What followed contexts of one length.

    Attributes
    ----------
    context : [num_contexts, order - 1], `int`
        Tokens before, in their order

    total : [num_contexts], `int`
        How often anything followed, what was pruned included

    size : [num_contexts], `int`
        How many different tokens are kept

    token, count : [sum of size], `int`
        Tokens that followed, and how often, one context behind the other

    discount : `float`
        Taken from every count, for what was never seen
    """

    context: np.ndarray
    total: np.ndarray
    size: np.ndarray
    token: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # hides tuple.count
    discount: float


class WordModel:
    r"""Distribution of the next token, by interpolated Kneser-Ney counts.

    .. math::
        p(w | u v) = \frac{\max(c(u v w) - D, 0)}{c(u v \cdot)}
                     + \lambda_{u v}\, p(w | v)

    and likewise from :math:`p(w|v)` to :math:`p(w)`, where the lower orders count
    different contexts and not occurrences; :math:`\lambda` is what the discounts, and
    what was pruned, leave. The lowest order holds every token that a caption can hold.
    The counts of the caption so far are mixed in, with a share of ``OWN_SHARE`` at
    most.

    Both ends form the same numbers by the same operations.

    Parameters
    ----------
    single : [num_tokens], `int`
        Contexts of every token

    pairs, triples : :class:`Counts`
        Behind one token, and behind two

    References
    ----------
    S. F. Chen, J. Goodman, "An empirical study of smoothing techniques for language
    modeling", Computer Speech and Language 13, 1999.
    """

    def __init__(self, single, pairs, triples):
        self.num_tokens = len(single)
        seen = np.maximum(np.asarray(single, float) - 0.5, 0) / np.sum(single)
        possible = np.ones(self.num_tokens)
        possible[[PAD, BEGIN]] = 0  # which no caption holds
        self._single = seen + (1 - seen.sum()) * possible / possible.sum()
        self._pairs, self._triples = _by_context(pairs), _by_context(triples)
        self._expected = lru_cache(maxsize=4096)(self._interpolate)

    def distributions(self, tokens):
        """What is expected at every place of a caption.

        Input
        -----
        tokens : sequence of `int`

        Output
        ------
        : iterator of arrays [num_tokens], `float`
            Each is worked out when it is asked for, from the tokens that the sequence
            holds by then: a decoder appends to it on the way
        """
        own, before, last = np.zeros(self.num_tokens), BEGIN, BEGIN
        yield self._expected(before, last)
        for place, token in enumerate(tokens, start=1):
            own[token] += 1
            before, last = last, token
            share = OWN_SHARE * place / (place + OWN_DELAY)
            yield (1 - share) * self._expected(before, last) + share * own / place

    def _interpolate(self, before, last):
        """Without the caption's own counts, [num_tokens]."""
        expected = _mixed(self._pairs, (last,), self._single)
        return _mixed(self._triples, (before, last), expected)


@lru_cache(maxsize=2)
def shared_word_model(path=MODEL_FILE):
    """The process's one model of a file, the shipped one if none is given.

    Raises
    ------
    FileNotFoundError
        If there is no such file.

    ValueError
        If it was made for another vocabulary.
    """
    stored = _read(path)
    levels = [
        Counts(*(stored[f"{name}_{field}"] for field in Counts._fields))
        for name in ("pairs", "triples")
    ]
    return WordModel(stored["single"], *levels)


def shared_token_counts(path=MODEL_FILE):
    """How often each token occurs in the captions of the model, [num_tokens] `int`;
    see :func:`shared_word_model`."""
    return _read(path)["occurrences"]


def shared_mean_counts(path=MODEL_FILE):
    """How often each token occurs in one caption of the model, mean, [num_tokens]
    `float`; see :func:`shared_word_model`."""
    stored = _read(path)
    (first,) = np.flatnonzero(stored["pairs_context"][:, 0] == BEGIN)
    return stored["occurrences"] / stored["pairs_total"][first]


@lru_cache(maxsize=2)
def _read(path):
    """`dict` of name -> array."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"there is no word model at {path}: python -m link_models.training "
            "word_model makes it"
        )
    with np.load(path, allow_pickle=False) as file:
        stored = dict(file)
    if len(stored["single"]) != len(caption_tokens()):
        raise ValueError(
            f"the word model {path} is of {len(stored['single'])} tokens, the "
            f"vocabulary of {len(caption_tokens())}: make it again with python -m "
            "link_models.training word_model"
        )
    return stored


def _by_context(counts):
    """`dict` of context -> tokens, shares of the discounted counts, what is left."""
    ends = np.cumsum(counts.size)
    table = {}
    for context, total, size, end in zip(
        counts.context.tolist(), counts.total, counts.size, ends, strict=True
    ):
        kept = slice(end - size, end)
        share = (counts.count[kept] - float(counts.discount)) / total
        table[tuple(context)] = counts.token[kept], share, 1 - share.sum()
    return table


def _mixed(table, context, lower):
    """A context's own distribution over the one of the next lower order."""
    if context not in table:
        return lower
    token, share, left = table[context]
    expected = left * lower
    expected[token] += share
    return expected
