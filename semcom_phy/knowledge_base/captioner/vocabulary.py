"""The words that the embedded captioner knows, as numbers."""

from collections import Counter

PAD, BEGIN, END, UNKNOWN = range(4)
_FIRST = 4


class Vocabulary:
    """Words between blanks, in lower case.

    Parameters
    ----------
    words : sequence of `str`
        Each once
    """

    def __init__(self, words):
        self.words = tuple(words)
        self._number = {word: _FIRST + i for i, word in enumerate(self.words)}
        if len(self._number) != len(self.words):
            raise ValueError("a vocabulary holds every word once")

    @classmethod
    def of_texts(cls, texts, least):
        """The words that occur at least so often, the most frequent first."""
        counts = Counter(word for text in texts for word in text.lower().split())
        kept = [word for word, count in counts.items() if count >= least]
        return cls(sorted(kept, key=lambda word: (-counts[word], word)))

    def __len__(self):
        return _FIRST + len(self.words)

    def encode(self, text):
        """Numbers of the words between a begin and an end, list of `int`."""
        numbers = [self._number.get(word, UNKNOWN) for word in text.lower().split()]
        return [BEGIN, *numbers, END]

    def decode(self, numbers):
        """The text up to the end, without what is no word."""
        words = []
        for number in numbers:
            if number == END:
                break
            if number >= _FIRST:
                words.append(self.words[number - _FIRST])
        return " ".join(words)
