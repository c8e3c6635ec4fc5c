import pytest

from semcom_phy.language.caption_tokens import (
    END_OF_WORD,
    FIRST_BYTE,
    FIRST_WORD,
    CaptionTokens,
    caption_tokens,
)


def test_known_words_take_one_token():
    assert CaptionTokens(["a", "cat"]).encode(" A  cat ") == [
        FIRST_WORD,
        FIRST_WORD + 1,
    ]


@pytest.mark.parametrize(
    "text",
    ["a dog runs", "xyzzy", "the naïve 猫 sees 😀 twice", "x" * 300, "don't . , !"],
)
def test_every_text_comes_back(text):
    tokens = caption_tokens()
    assert tokens.decode(tokens.encode(text)) == text


def test_unknown_word_costs_its_bytes_and_an_end():
    assert CaptionTokens(["a"]).encode("é") == [
        FIRST_BYTE + 0xC3,
        FIRST_BYTE + 0xA9,
        END_OF_WORD,
    ]


def test_damaged_tokens_give_a_text():
    tokens = CaptionTokens(["a"])
    assert tokens.decode([FIRST_BYTE + 0xC3, FIRST_WORD, END_OF_WORD]) == "\ufffd a"
    assert tokens.decode([]) == ""


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_caption_is_refused(text):
    with pytest.raises(ValueError, match="has no word"):
        caption_tokens().encode(text)


@pytest.mark.parametrize("words", [["a", "a"], ["A"], ["a b"], [""]])
def test_bad_vocabulary_is_refused(words):
    with pytest.raises(ValueError, match="word"):
        CaptionTokens(words)


def test_vocabulary_holds_captions_of_the_captioner_and_prompts():
    tokens = caption_tokens()
    assert len(tokens.encode("a photo of a cat that shows the picture")) == 9
