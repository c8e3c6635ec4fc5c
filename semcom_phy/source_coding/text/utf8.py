"""Captions as their characters are: eight bits a letter, no model."""

from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.text.codec import tokens_and_cut


class Utf8TextCodec:
    """Plain UTF-8, as of :class:`~.codec.TextCodec`; zeros behind it are its end."""

    title = "UTF-8"

    def encode(self, text, num_tokens=None):
        tokens_and_cut(text, num_tokens)
        data = " ".join(text.lower().split()).encode("utf-8")
        if data.endswith(b"\0"):
            raise ValueError(f"{text!r} ends with a zero, which is not sent in UTF-8")
        return data

    def decode(self, data, num_tokens):
        try:
            text = data.rstrip(b"\0").decode("utf-8")
            if len(caption_tokens().encode(text)) <= num_tokens:
                return text
        except ValueError as error:
            raise DecodeError(f"damaged text: {error}") from error
        raise DecodeError(f"damaged text: more than {num_tokens} tokens")
