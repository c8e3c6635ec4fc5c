"""Lossless codecs of captions, in words that both ends know or in bytes."""

from functools import lru_cache

from semcom_phy.source_coding.text.arithmetic import ArithmeticTextCodec
from semcom_phy.source_coding.text.huffman import HuffmanTextCodec
from semcom_phy.source_coding.text.utf8 import Utf8TextCodec

TEXT_CODECS = {
    "arithmetic": ArithmeticTextCodec,
    "huffman": HuffmanTextCodec,
    "utf8": Utf8TextCodec,
}

__all__ = ["TEXT_CODECS", "shared_text_codec"]


@lru_cache(maxsize=len(TEXT_CODECS))
def shared_text_codec(name):
    """The process's one codec of a name, see
    :class:`~semcom_phy.source_coding.text.codec.TextCodec`.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in TEXT_CODECS:
        raise ValueError(f"unknown text codec {name!r}; there are {list(TEXT_CODECS)}")
    return TEXT_CODECS[name]()
