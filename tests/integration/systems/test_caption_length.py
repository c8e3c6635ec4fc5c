"""The limit of captions, and the message of their length."""

import numpy as np
import pytest

from link_models.systems.captions.length import (
    length_payloads,
    length_side,
    sent_captions,
    tokens_of,
)
from semcom_phy.language.caption_tokens import MOST_TOKENS, caption_tokens
from semcom_phy.sources.samples import Samples


def captions(*texts):
    """Black pictures with these texts, each a tuple."""
    images = np.zeros((len(texts), 16, 16, 3), np.uint8)
    return Samples(images, None, {}, tuple(texts))


def test_the_first_caption_is_what_is_sent():
    samples = captions(("a dog runs", "a cat"), ("Two men",))
    assert sent_captions(samples) == ["a dog runs", "Two men"]
    found = [caption_tokens().decode(tokens) for tokens in tokens_of(samples)]
    assert found == ["a dog runs", "two men"]


def test_a_caption_at_the_limit_is_sent_and_one_above_it_is_refused():
    (tokens,) = tokens_of(captions((" ".join(["dog"] * MOST_TOKENS),)))
    assert length_payloads([tokens]) == [bytes([MOST_TOKENS])]
    with pytest.raises(ValueError, match=f"dog.* has 65 tokens.* most {MOST_TOKENS}"):
        tokens_of(captions((" ".join(["dog"] * (MOST_TOKENS + 1)),)))
    with pytest.raises(ValueError, match="'zqxj.*has 85 tokens.*each of its bytes"):
        tokens_of(captions(("zqxj" * 21,)))


@pytest.mark.parametrize(
    "samples, message",
    [
        (Samples(np.zeros((1, 16, 16, 3), np.uint8), None, {}), "with captions"),
        (captions(("a dog",), ()), "sample 1 has no caption"),
        (captions(("  ",)), "has no word"),
    ],
)
def test_what_cannot_be_sent_is_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        tokens_of(samples)


def test_the_length_message_holds_every_length_and_its_target():
    """A target of 1 % takes no more symbols than one of 0.1 %, and fewer somewhere."""
    message = length_side().message
    assert message.num_values == MOST_TOKENS + 1
    assert message.target_error_rate == 1e-2
    sinr = 10 ** (np.arange(-2.0, 12.0)[:, None, None] / 10)
    strict = type(message)(message.num_values).choose_format(sinr)
    chosen = message.choose_format(sinr)
    assert np.all(chosen <= strict) and np.any(chosen < strict)
