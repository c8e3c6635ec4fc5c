"""How many words of a caption are sent, and by which modulation, on given symbols."""

from typing import NamedTuple

import numpy as np

from link_models.systems.block_outage import MODULATION_ORDERS
from semcom_phy.channel_coding.messages.short_block import BlockFormat


class Choice(NamedTuple):
    """What is sent of a caption.

    Attributes
    ----------
    block : :class:`~semcom_phy.channel_coding.messages.short_block.BlockFormat`, or
    `None`
        `None`: not even the first word fits

    payload : `bytes`, or `None`

    num_words : `int`
        Words that are sent, the first ones

    outage : `float`
        Predicted error rate
    """

    block: BlockFormat | None
    payload: bytes | None
    num_words: int
    outage: float


def choose_words(prefixes, num_symbols, outage):
    """The first words of which most are expected to arrive.

    Input
    -----
    prefixes : sequence of `bytes`
        Of :func:`encoded_prefixes`

    num_symbols : `int`
        That the caption has [channel uses]

    outage : callable, block -> `float`
        Predicted error rate

    Output
    ------
    : :class:`Choice`
    """
    best, most = Choice(None, None, 0, 1.0), 0.0
    for number, payload in enumerate(prefixes, start=1):
        for order in MODULATION_ORDERS:
            block = BlockFormat(len(payload), order, num_symbols)
            lost = outage(block)
            if number * (1 - lost) > most:
                best = Choice(block, payload, number, lost)
                most = number * (1 - lost)
    return best


def encoded_prefixes(codec, words, num_tokens):
    """Bytes of the first word, of the first two, ... of all words.

    Input
    -----
    codec : :class:`~semcom_phy.source_coding.text.codec.TextCodec`

    words : sequence of `str`

    num_tokens : `int`
        Tokens that the receiver expects at most

    Output
    ------
    : list of `bytes`, of one byte at least
    """
    texts = [" ".join(words[: i + 1]) for i in range(len(words))]
    return [codec.encode(text, num_tokens) or b"\0" for text in texts]


def leading(words, cost, most):
    """The first words that cost no more than there is.

    Input
    -----
    words : list of `str`

    cost : callable, word -> number
        Of each, by itself

    most : number
        Of all of them

    Output
    ------
    : list of `str`
    """
    total = np.cumsum([cost(word) for word in words])
    return words[: int(np.searchsorted(total, most, side="right"))]
