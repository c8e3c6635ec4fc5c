"""What all systems that send captions share: the limit of a caption, and the message
that tells its length.

    caption --> tokens, at most 64 --> their number --> ShortMessage --> [ side ]
"""

from link_models.systems.side_information import ShortSide
from semcom_phy.codecs.vlm_csc import VlmCscEncoder
from semcom_phy.language.caption_tokens import MOST_TOKENS, caption_tokens


def length_side():
    """How the number of tokens is sent, :class:`ShortSide`: as by VLM-CSC, charged."""
    return ShortSide.of(VlmCscEncoder)


def length_payloads(tokens):
    """The numbers of tokens as :func:`length_side` sends them.

    Input
    -----
    tokens : list of [batch] lists of `int`
        Of :func:`tokens_of`

    Output
    ------
    : list of [batch] `bytes`
    """
    return [bytes([len(own)]) for own in tokens]


def sent_captions(samples):
    """The caption of every sample that is sent, the first of its texts.

    Input
    -----
    samples : :class:`~semcom_phy.sources.samples.Samples`

    Output
    ------
    : list of [batch] `str`

    Raises
    ------
    ValueError
        If the samples, or one of them, have no caption.
    """
    if samples.texts is None:
        raise ValueError(
            "a system that sends captions needs pictures with captions: name a dataset "
            "that has them"
        )
    for number, texts in enumerate(samples.texts):
        if not texts:
            raise ValueError(f"sample {number} has no caption: leave it out")
    return [texts[0] for texts in samples.texts]


def tokens_of(samples):
    """Tokens of the captions that are sent, of
    :func:`~semcom_phy.language.caption_tokens.caption_tokens`.

    Input
    -----
    samples : :class:`~semcom_phy.sources.samples.Samples`

    Output
    ------
    : list of [batch] lists of `int`, each of 1 to ``MOST_TOKENS``

    Raises
    ------
    ValueError
        If a caption is missing, has no word, or is longer than the limit.
    """
    return [_limited(caption) for caption in sent_captions(samples)]


def _limited(caption):
    tokens = caption_tokens().encode(caption)
    if len(tokens) > MOST_TOKENS:
        shown = caption if len(caption) <= 60 else f"{caption[:57]}..."
        raise ValueError(
            f"the caption {shown!r} has {len(tokens)} tokens (a word that is not in "
            f"the vocabulary takes one for each of its bytes and one for its end); at "
            f"most {MOST_TOKENS} are sent: shorten it"
        )
    return tokens
