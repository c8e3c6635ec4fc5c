"""Words in the place of a sentence."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.captioner.tags import WORDS_FILE, TagsCaptioner
from semcom_phy.knowledge_base.dual_encoder.prompt_list import read_prompts


class Colours:
    """A picture is its mean colour, and so is the text that names it."""

    identity = {"model": "colours"}
    named = {"red": (1, 0, 0), "green": (0, 1, 0), "yellow": (0.7, 0.7, 0)}

    def image_features(self, images):
        mean = images.mean((1, 2)).astype("float32")
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)

    def text_features(self, texts):
        self.asked = texts
        names = [text.removeprefix("a photo of a ") for text in texts]
        return np.array([self.named[name] for name in names], "float32")


RED = np.full((1, 4, 4, 3), (250, 20, 0), np.uint8)
GREEN = np.full((1, 4, 4, 3), (0, 250, 5), np.uint8)


def test_best_words_come_first():
    """As many as are asked for, by their similarity, for each picture its own
    (exact)."""
    tags = TagsCaptioner(Colours(), ["green", "yellow", "red"], 2)
    both = np.concatenate([RED, GREEN])
    assert tags.caption(both) == ["red, yellow", "green, yellow"]
    assert tags.caption(GREEN) == ["green, yellow"]
    assert TagsCaptioner(Colours(), ["green", "red"], 1).caption(RED) == ["red"]


def test_what_it_is_is_told():
    """Encoder, words and their number are in the identity."""
    identity = TagsCaptioner(Colours(), ["green", "red"], 1).identity
    assert identity["encoder"] == {"model": "colours"} and identity["num"] == 1
    other = TagsCaptioner(Colours(), ["red", "green"], 1).identity
    assert other["words_sha256"] != identity["words_sha256"]


@pytest.mark.parametrize("num", [0, 3, 1.5])
def test_more_words_than_there_are(num):
    """ValueError with the number and the range."""
    with pytest.raises(ValueError, match=f"num is {num}; give 1 to 2"):
        TagsCaptioner(Colours(), ["green", "red"], num)


def test_shipped_words():
    """About two hundred in lower case without commas, so that tags can be told
    apart."""
    words = read_prompts(WORDS_FILE)
    assert 200 <= len(words) <= 250
    assert all(word == word.lower() and "," not in word for word in words)
    assert TagsCaptioner(Colours()).words == words
