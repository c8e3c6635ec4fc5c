"""Captions as tokens: one for a word that both ends know, bytes for any other.

    "a cat naps" --> a | cat | n a p s <end of word>

Every text comes back as it was, in lower case and with single blanks: a word outside
the vocabulary costs a token per byte of its UTF-8 form and one for its end, and is
never lost. The vocabulary, ``words.txt``, holds the words that occur at least three
times in the training captions of Flickr8k, and those of the embedded captioner and of
the class prompts; ``python -m link_models.training words`` makes it.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

PAD, BEGIN, END_OF_WORD = range(3)
FIRST_BYTE = 3
FIRST_WORD = FIRST_BYTE + 256
MOST_TOKENS = 64  # of a caption that is sent
WORDS_FILE = Path(__file__).with_name("words.txt")


class CaptionTokens:
    """Texts to tokens and back.

    Parameters
    ----------
    words : sequence of `str`
        The vocabulary, each word once, in lower case and without blanks

    Raises
    ------
    ValueError
        If a word occurs twice, is empty, holds a blank or a capital.

    Example
    -------
    >>> tokens = CaptionTokens(["a", "cat"])
    >>> tokens.encode("A cat zz")
    [259, 260, 125, 125, 2]
    >>> tokens.decode(tokens.encode("A cat zz"))
    'a cat zz'
    """

    def __init__(self, words):
        self.words = tuple(words)
        for word in self.words:
            if word.lower().split() != [word]:
                raise ValueError(f"{word!r} is no word in lower case without blanks")
        self._number = {word: FIRST_WORD + i for i, word in enumerate(self.words)}
        if len(self._number) != len(self.words):
            raise ValueError("a vocabulary holds every word once")

    def __len__(self):
        return FIRST_WORD + len(self.words)

    @property
    def sha256(self):
        """Of the words in their order, hexadecimal: networks know them by number."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()

    def encode(self, text):
        """Tokens of a text, list of `int`.

        Raises
        ------
        ValueError
            If there is no word in it.
        """
        words = text.lower().split()
        if not words:
            raise ValueError(f"the caption {text!r} has no word: leave it out")
        return [token for word in words for token in self._of_word(word)]

    def decode(self, tokens):
        """The text of tokens; bytes that are no UTF-8 show as U+FFFD, a word that lost
        its end is ended by the next known one."""
        words, spelled = [], bytearray()

        def end_word():
            if spelled:
                words.append(spelled.decode("utf-8", errors="replace"))
                spelled.clear()

        for token in tokens:
            if FIRST_BYTE <= token < FIRST_WORD:
                spelled.append(token - FIRST_BYTE)
                continue
            end_word()
            if token >= FIRST_WORD:
                words.append(self.words[token - FIRST_WORD])
        end_word()
        return " ".join(words)

    def _of_word(self, word):
        if word in self._number:
            return [self._number[word]]
        spelled = [FIRST_BYTE + byte for byte in word.encode("utf-8")]
        return [*spelled, END_OF_WORD]


def spelled_bytes(tokens):
    """Bytes that tokens spell, each once and sorted, list of `int`."""
    found = {t - FIRST_BYTE for t in tokens if FIRST_BYTE <= t < FIRST_WORD}
    return sorted(found)


@lru_cache(maxsize=1)
def caption_tokens():
    """Those of the shipped vocabulary, :class:`CaptionTokens`."""
    return CaptionTokens(WORDS_FILE.read_text(encoding="utf-8").split("\n")[:-1])
