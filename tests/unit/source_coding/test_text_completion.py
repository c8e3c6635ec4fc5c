"""Likely words in the place of those that did not arrive."""

import pytest

from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.source_coding.text.completion import complete
from semcom_phy.source_coding.text.word_model import shared_mean_counts


def test_counts_are_those_of_one_caption():
    """Captions of Flickr8k have 8 to 14 words, and most hold an "a"."""
    mean = shared_mean_counts()
    (a,) = caption_tokens().encode("a")
    assert 8 < mean.sum() < 14
    assert 1 < mean[a] < 2.5


@pytest.mark.parametrize("text", ["", "a dog runs", "zzyx dog"])
@pytest.mark.parametrize("num_tokens", [9, 40, 64])
def test_what_arrived_stays_and_the_length_is_reached(text, num_tokens):
    """The first words (exact), and as many tokens as were sent."""
    found = complete(text, num_tokens)
    assert found.startswith(text)
    assert len(caption_tokens().encode(found)) == num_tokens


def test_a_whole_caption_stays_as_it_is():
    text = "a dog runs through the grass"
    assert complete(text, len(caption_tokens().encode(text))) == text


def test_words_that_are_there_are_not_filled_in_again():
    """Of nothing the likeliest is "a", a second time before rare words; behind two "a"
    it is another word."""
    assert complete("", 2) == "a a"
    assert complete("a a", 3) == "a a in"
