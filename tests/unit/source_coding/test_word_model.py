"""The word model: distributions that both ends form alike, and where it comes from."""

import numpy as np
import pytest

from link_models.training import word_model as training
from semcom_phy.language.caption_tokens import BEGIN, PAD, caption_tokens
from semcom_phy.source_coding.text.word_model import WordModel, shared_word_model

CAPTIONS = ["a dog runs", "a dog sits", "a cat runs", "the dog runs fast", "zqxj"]


def tokens(text):
    return caption_tokens().encode(text)


def small_model(least_triples=1):
    return WordModel(*training.count_tokens(map(tokens, CAPTIONS), least_triples))


@pytest.mark.parametrize("model", [small_model(), small_model(2), shared_word_model()])
def test_distributions_add_up_and_leave_nothing_out(model):
    """To 1 within 1e-9, above 0 for all but what no caption holds."""
    for text in ("a dog runs fast", "привет zqxj", "never seen before"):
        for expected, _ in zip(
            model.distributions(tokens(text)), tokens(text), strict=False
        ):
            assert abs(expected.sum() - 1) < 1e-9
            assert np.flatnonzero(expected <= 0).tolist() == sorted((PAD, BEGIN))


def test_what_followed_is_expected():
    """Behind "a" a dog, which stood there twice, before a cat, which stood there once;
    behind "a dog" what followed both of them."""
    first, then = tokens("a dog")
    steps = list(small_model().distributions([first, then]))
    (cat,), (runs,), (fast,) = tokens("cat"), tokens("runs"), tokens("fast")
    assert steps[1][then] > steps[1][cat] > steps[1][runs]
    assert steps[2][runs] > steps[2][fast]


def test_the_caption_so_far_counts():
    """A word that was said is expected more than the model alone expects it."""
    said = tokens("bridge bridge")
    (other,) = tokens("bicycle")
    steps = list(small_model().distributions(said))
    assert steps[0][said[0]] == pytest.approx(steps[0][other])
    assert steps[2][said[0]] > 10 * steps[2][other]


def test_a_decoder_may_append_on_the_way():
    """The same numbers as for a whole caption (exact)."""
    whole, found = tokens("a dog runs"), []
    steps = shared_word_model().distributions(found)
    for token, expected in zip(
        whole, shared_word_model().distributions(whole), strict=False
    ):
        np.testing.assert_array_equal(next(steps), expected)
        found.append(token)


def test_the_command_counts_and_says_what_it_found(monkeypatch, tmp_path):
    """What is stored is what is counted, and the model of a file that of the counts."""
    monkeypatch.setattr(training, "training_captions", lambda: CAPTIONS)
    monkeypatch.setattr(training, "NUM_VALIDATION", 1)
    path = tmp_path / "model.npz"
    assert training.main(["--out", str(path)]) == 0
    assert path.with_suffix(".json").is_file()
    counted = training.count_tokens([tokens(text) for text in CAPTIONS[:-1]])
    for stored, own in zip(
        shared_word_model(path).distributions(tokens("a dog")),
        WordModel(*counted).distributions(tokens("a dog")),
        strict=True,
    ):
        np.testing.assert_array_equal(stored, own)


def test_a_missing_model_and_one_of_other_words_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="word_model makes it"):
        shared_word_model(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", single=np.ones(7))
    with pytest.raises(ValueError, match="7 tokens.*make it again"):
        shared_word_model(tmp_path / "other.npz")
