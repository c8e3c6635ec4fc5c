"""Transformer layers over words."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.text_transformer import (
    TextDecoderLayer,
    TextEncoderLayer,
    WordAttention,
    sinusoidal_positions,
)

BATCH, WORDS, WIDTH, HEADS = 2, 6, 16, 4


def random(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape).astype("float32")
    return ops.convert_to_tensor(values)


def built(layer):
    layer.build((None, None, WIDTH))
    return layer


def test_attention_is_that_of_keras():
    """The same weights in `keras.layers.MultiHeadAttention` (1e-5)."""
    own = built(WordAttention(HEADS))
    other = keras.layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
    x, memory = random(BATCH, 3, WIDTH), random(BATCH, WORDS, WIDTH, seed=1)
    other(x, memory)
    layers = (own.query_layer, own.key_layer, own.value_layer, own.output_layer)
    weights = [w for layer in layers for w in layer.get_weights()]
    weights = [
        w.reshape(theirs.shape)
        for w, theirs in zip(weights, other.get_weights(), strict=True)
    ]
    # Theirs come as query, key, value, output, too.
    other.set_weights(weights)
    seen = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0]], "float32")[:, None]
    y = own(x, *own.project(memory), ops.convert_to_tensor(seen))
    expected = other(x, memory, attention_mask=np.repeat(seen > 0, 3, axis=1))
    np.testing.assert_allclose(
        ops.convert_to_numpy(y), ops.convert_to_numpy(expected), atol=1e-5
    )


def test_what_is_not_seen_does_not_matter():
    layer = built(TextEncoderLayer(HEADS, 32))
    x = ops.convert_to_numpy(random(BATCH, WORDS, WIDTH)).copy()
    seen = ops.convert_to_tensor(np.array([1, 1, 1, 1, 0, 0], "float32")[None, None])
    first = ops.convert_to_numpy(layer(ops.convert_to_tensor(x), seen))
    x[:, 4:] = 7.0
    second = ops.convert_to_numpy(layer(ops.convert_to_tensor(x), seen))
    np.testing.assert_array_equal(first[:, :4], second[:, :4])
    np.testing.assert_allclose(first.mean(axis=-1), 0, atol=1e-5)  # normalised


def test_decoder_sees_no_later_word():
    layer = built(TextDecoderLayer(HEADS, 32))
    memory = layer.other.project(random(BATCH, WORDS, WIDTH, seed=1))
    causal, seen = ops.tril(ops.ones((1, WORDS, WORDS))), ops.ones((1, 1, WORDS))

    def run(x):
        x = ops.convert_to_tensor(x)
        return ops.convert_to_numpy(
            layer(x, layer.own.project(x), causal, memory, seen)
        )

    x = ops.convert_to_numpy(random(BATCH, WORDS, WIDTH)).copy()
    first = run(x)
    x[:, 3] += 1.0
    second = run(x)
    np.testing.assert_array_equal(first[:, :3], second[:, :3])
    assert np.abs(first[:, 3:] - second[:, 3:]).min(axis=(0, 2)).min() > 0


def test_positions_are_sines():
    """Sine and cosine of the place over 10000^(2i/width) (1e-6)."""
    found = ops.convert_to_numpy(sinusoidal_positions(5, 8))
    assert found.shape == (5, 8)
    np.testing.assert_allclose(found[3, 2], np.sin(3 / 10000 ** (2 / 8)), atol=1e-6)
    np.testing.assert_allclose(found[3, 5], np.cos(3 / 10000 ** (4 / 8)), atol=1e-6)


def test_heads_must_share_the_features():
    with pytest.raises(ValueError, match="16 features cannot be shared by 3 heads"):
        built(WordAttention(3))
