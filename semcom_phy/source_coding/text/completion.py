"""Words in the place of those of a caption that did not arrive.

    words that arrived, number of tokens, word model --> as many tokens as were sent

Its length is known, and so is what captions hold: "a" in four of five, "dog" in one of
four. Words are filled in by how likely it is that a caption holds them, once, twice and
so on, beside those that are there. That makes no sentence; it is the best guess by the
count of right words, which BLEU-1 is.
"""

from collections import Counter
from functools import lru_cache

import numpy as np
from scipy.stats import poisson

from semcom_phy.language.caption_tokens import FIRST_WORD, caption_tokens
from semcom_phy.source_coding.text.word_model import shared_mean_counts

_MOST_WORDS, _MOST_TIMES = 200, 8  # that are in question


def complete(text, num_tokens):
    """A text with likely words behind it.

    Input
    -----
    text : `str`
        The first words of a caption, or none

    num_tokens : `int`
        Tokens of the caption
        (:func:`~semcom_phy.language.caption_tokens.caption_tokens`)

    Output
    ------
    : `str`
    """
    tokens = caption_tokens().encode(text) if text else []
    held = Counter(tokens)
    for token, times in _likely_words():
        if len(tokens) >= num_tokens:
            break
        if held[token] < times:
            held[token] += 1
            tokens.append(token)
    return caption_tokens().decode(tokens)


@lru_cache(maxsize=1)
def _likely_words():
    """(word, how often), the likeliest first: how often a word occurs in a caption is
    taken for a Poisson variable."""
    mean = shared_mean_counts()
    mean[:FIRST_WORD] = 0
    words = np.argsort(-mean, kind="stable")[:_MOST_WORDS]
    times = np.arange(1, _MOST_TIMES + 1)
    chance = poisson.sf(times - 1, mean[words][:, None])
    order = np.argsort(-chance, axis=None, kind="stable")
    word, time = np.unravel_index(order, chance.shape)
    return list(zip(words[word].tolist(), times[time].tolist(), strict=True))
