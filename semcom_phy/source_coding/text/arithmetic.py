"""Captions by adaptive arithmetic coding with a word model that both ends hold.

tokens --> word model --> distributions --> range coder --> bytes
"""

from semcom_phy.entropy_coding.range_coder import Decoder, Encoder
from semcom_phy.language.caption_tokens import END_OF_WORD, FIRST_WORD, caption_tokens
from semcom_phy.source_coding.errors import DecodeError
from semcom_phy.source_coding.text.codec import CUT, CUT_CHANCE, tokens_and_cut
from semcom_phy.source_coding.text.word_model import shared_word_model


class ArithmeticTextCodec:
    """Range coding of tokens, as of :class:`~.codec.TextCodec`.

    Parameters
    ----------
    model : :class:`~semcom_phy.source_coding.text.word_model.WordModel`, optional
        The shipped one if not given

    Raises
    ------
    ImportError
        If constriction is not installed.
    """

    title = "arithmetic coding"

    def __init__(self, model=None):
        self.model = model or shared_word_model()
        Encoder()  # says at once what is not installed

    def encode(self, text, num_tokens=None):
        tokens, encoder = tokens_and_cut(text, num_tokens), Encoder()
        for token, expected in zip(tokens, self._expected(tokens), strict=False):
            encoder.symbols([token], expected)
        return encoder.finish()

    def decode(self, data, num_tokens):
        tokens, decoder = [], Decoder(data)
        try:
            for expected in self._expected(tokens):
                token = decoder.symbol(expected)
                if token == CUT:
                    break
                tokens.append(token)
                if len(tokens) == num_tokens:
                    break
        except ValueError as error:
            raise DecodeError(f"damaged text: {error}") from error
        text = caption_tokens().decode(tokens)
        if not text:
            raise DecodeError("damaged text: no word in it")
        return text

    def _expected(self, tokens):
        """The model's distributions, with the chance of a cut behind every word."""
        for place, expected in enumerate(self.model.distributions(tokens)):
            if place and (
                tokens[place - 1] == END_OF_WORD or tokens[place - 1] >= FIRST_WORD
            ):
                expected = (1 - CUT_CHANCE) * expected
                expected[CUT] = CUT_CHANCE
            yield expected
