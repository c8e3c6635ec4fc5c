"""Interface of the codecs of captions: few bytes, and the same words back."""

from typing import Protocol

from semcom_phy.language.caption_tokens import PAD, caption_tokens

CUT = PAD  # stands for: what follows is left out
CUT_CHANCE = 1 / 64  # of it behind a word


class TextCodec(Protocol):
    """A lossless codec of texts in lower case and with single blanks.

    The receiver knows from elsewhere how many tokens the caption has
    (:func:`~semcom_phy.language.caption_tokens.caption_tokens`), so that a whole one
    needs no mark at its end. It may also get the first words of a caption alone, and
    finds that out.

    Zeros behind the bytes change nothing: a channel code may fill up its block.

    Attributes
    ----------
    title : `str`
        In figures
    """

    title: str

    def encode(self, text, num_tokens=None) -> bytes:
        """Bytes of a text.

        Input
        -----
        text : `str`
            A caption, or its first words

        num_tokens : `int`, optional
            Tokens of the whole caption; those of the text if not given

        Output
        ------
        : `bytes`
            Without zeros at the end

        Raises
        ------
        ValueError
            If the text has no word, or one that the codec cannot send.
        """

    def decode(self, data, num_tokens) -> str:
        """The text of bytes; zeros may follow them.

        Raises
        ------
        DecodeError
            If the bytes cannot be meant.
        """


def tokens_and_cut(text, num_tokens=None):
    """Tokens of a text, and :data:`CUT` behind them where the caption goes on."""
    tokens = caption_tokens().encode(text)
    if num_tokens is None or len(tokens) == num_tokens:
        return tokens
    if len(tokens) > num_tokens:
        raise ValueError(
            f"{text!r} has {len(tokens)} tokens, which is more than num_tokens = "
            f"{num_tokens}"
        )
    return [*tokens, CUT]
