"""all-MiniLM-L6-v2: unit vectors, a text's own, close where the meaning is."""

import numpy as np
import pytest

from semcom_phy.knowledge_base import sentence_encoder as module
from semcom_phy.knowledge_base.sentence_encoder import SentenceEncoder, sentence_encoder

TEXTS = ["a dog runs on the beach", "a puppy is running along the shore"]
TEXTS += ["two men repair a bus engine", ""]


@pytest.fixture(scope="module")
def encoder():
    return sentence_encoder()


def test_vectors_are_of_length_1(encoder):
    """[num_texts, 384] float32, also of no text and of an empty one (1e-6)."""
    found = encoder.encode(TEXTS)
    assert found.shape == (4, 384) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, 384)


def test_a_text_is_encoded_alone(encoder):
    """Order, company and cache make no difference (exact)."""
    fresh = SentenceEncoder()
    found = fresh.encode([*TEXTS[::-1], TEXTS[0]])
    np.testing.assert_array_equal(found[:4], encoder.encode(TEXTS)[::-1])
    np.testing.assert_array_equal(found[0], fresh.encode([TEXTS[3]])[0])
    np.testing.assert_array_equal(found[4], found[3])


def test_like_meanings_are_close(encoder):
    """Paraphrases by 0.3 closer than strangers; and the published way of pooling: the
    mean under the attention mask of a padded batch (1e-5)."""
    import torch

    found = encoder.encode(TEXTS)
    assert found[0] @ found[1] > found[0] @ found[2] + 0.3
    batch = encoder._tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = encoder._model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    mean = ((states * mask).sum(1) / mask.sum(1)).numpy()
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(found, mean, atol=1e-5)


def test_long_texts_are_cut(encoder):
    """256 tokens, two of them marks: words beyond make no difference (exact)."""
    start = "dog " * 254
    found = encoder.encode([start, start + "bus engine"])
    np.testing.assert_array_equal(*found)


def test_other_weights_are_refused(monkeypatch):
    """Results are those of the weights that the identity names (exact)."""
    monkeypatch.setattr(module, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="model.safetensors is not the file that"):
        SentenceEncoder()


def test_many_texts_have_the_same_vectors(encoder):
    """Those of as many tokens go together, in any order (1e-5)."""
    texts = [*TEXTS, "a dog", "a cat", *TEXTS[::-1]]
    found = encoder.encode_many(texts)
    np.testing.assert_allclose(found, encoder.encode(texts), atol=1e-5)
