"""Score map of a text that looks at the picture first: equations 27 to 30."""

import numpy as np
import pytest
from keras import ops
from layer_checks import (
    array,
    assert_compiled_is_the_same,
    assert_copy_is_the_same,
    assert_gradients,
    normals,
    randomise_zeros,
)

from semcom_phy.layers.semantics.semantic_score import NUM_HEADS, SemanticScore

WIDTH, ROWS, COLUMNS = 8, 3, 4
PATCHES = normals(2, ROWS, COLUMNS, 7, seed=1)
WHOLE, TEXT = normals(2, 5, seed=2), normals(2, 6, seed=3)


@pytest.fixture
def layer():
    score = SemanticScore(WIDTH)
    score(PATCHES, WHOLE, TEXT)
    randomise_zeros(score.weights)
    return score


def dense(x, layer):
    kernel, bias = layer.get_weights()
    return x @ kernel.astype(float) + bias


def gelu(x):
    return array(ops.gelu(x.astype("float32"))).astype(float)


def normalised(x, layer):
    gain, offset = layer.get_weights()
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + (
        offset
    )


def attended(query, context, layer):
    """Head by head, of the weights of Keras' layer: query, key, value, output."""
    (wq, bq, wk, bk, wv, bv, wo, bo) = layer.get_weights()
    out = np.zeros(query.shape)
    for head in range(NUM_HEADS):
        q = query @ wq[:, head] + bq[head]
        k = context @ wk[:, head] + bk[head]
        v = context @ wv[:, head] + bv[head]
        logits = q @ k.swapaxes(1, 2) / np.sqrt(WIDTH / NUM_HEADS)
        share = np.exp(logits - logits.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        out = out + share @ v @ wo[head]
    return out + bo


def convolved(x, layer):
    """Offset by offset, zeros beyond the border."""
    matrix, bias = layer.get_weights()
    kernel = matrix.reshape(3, 3, WIDTH, WIDTH)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.zeros(x.shape) + bias
    for down, right in np.ndindex(3, 3):
        part = padded[:, down : down + ROWS, right : right + COLUMNS]
        y = y + part @ kernel[down, right]
    return y


def reference(layer, patches, whole, query):
    """In double precision, the query as it goes into equation 28."""
    seen = dense(patches, layer.of_patch).reshape(2, -1, WIDTH)
    seen = gelu(seen + array(layer.place))
    normed = normalised(seen, layer.norms[0])
    grid = (seen + attended(normed, normed, layer.mixing)).reshape(
        2, ROWS, COLUMNS, WIDTH
    )
    for conv in layer.convs:
        grid = grid + gelu(convolved(grid, conv))
    seen = grid.reshape(2, -1, WIDTH)
    # Equation 27: the whole picture in front of the patches.
    context = np.concatenate([dense(whole, layer.of_whole)[:, None], seen], 1)
    context = normalised(context, layer.norms[1])
    # Equation 28: cross-attention and a perceptron.
    found = query[:, None] + attended(query[:, None], context, layer.looking)
    found = normalised(found, layer.norms[2])
    found = dense(np.maximum(dense(found, layer.enter), 0), layer.leave)[:, 0]
    # Equations 29 and 30.
    refined = query + array(layer.gamma) * found
    length = np.linalg.norm(seen, axis=-1) * np.linalg.norm(refined, axis=-1)[:, None]
    cosine = np.einsum("bnw,bw->bn", seen, refined) / length
    sharp, offset = array(layer.sharpness)
    return (10 * np.exp(sharp) * cosine + offset).reshape(2, ROWS, COLUMNS)


def test_scores_against_numpy(layer):
    """With a text, and with the learned query where it is a row of zeros (1e-4)."""
    text = TEXT.copy()
    text[1] = 0
    query = dense(text, layer.of_text)
    query[1] = array(layer.anything)
    scores = array(layer(PATCHES, WHOLE, text))
    assert scores.shape == (2, ROWS, COLUMNS) and scores.dtype == np.float32
    np.testing.assert_allclose(
        scores, reference(layer, PATCHES, WHOLE, query), atol=1e-4
    )


def test_a_text_changes_the_score(layer):
    """Of its own picture alone (more than 0.01, others within 1e-5)."""
    text = TEXT.copy()
    text[0] = normals(6, seed=9)
    moved = np.abs(array(layer(PATCHES, WHOLE, text) - layer(PATCHES, WHOLE, TEXT)))
    assert moved[0].max() > 0.01 and moved[1].max() < 1e-5


def test_without_a_text_what_it_would_say_does_not_matter(layer):
    """A row of zeros: the weights of texts have no part (exact)."""
    nothing = np.zeros_like(TEXT)
    before = array(layer(PATCHES, WHOLE, nothing))
    layer.of_text.set_weights([w + 1 for w in layer.of_text.get_weights()])
    np.testing.assert_array_equal(array(layer(PATCHES, WHOLE, nothing)), before)
    layer.anything.assign(array(layer.anything)[::-1].copy())
    assert np.abs(array(layer(PATCHES, WHOLE, nothing)) - before).max() > 0.01


def test_the_picture_refines_the_text(layer):
    """The whole picture counts through gamma alone (exact at 0)."""
    other = normals(2, 5, seed=8)
    one, two = (array(layer(PATCHES, w, TEXT)) for w in (WHOLE, other))
    assert np.abs(one - two).max() > 1e-4
    layer.gamma.assign([0.0])
    one, two = (array(layer(PATCHES, w, TEXT)) for w in (WHOLE, other))
    np.testing.assert_array_equal(one, two)


def test_every_weight_learns_and_the_layer_is_what_its_configuration_says(layer):
    """Finite, non-zero gradients; a key's offset is the same for all keys, and cancels
    in the softmax. The copy exact, compiled within 1e-4."""
    text = TEXT.copy()
    text[1] = 0
    weights = [w for w in layer.trainable_variables if "key/bias" not in w.path]
    assert len(weights) == len(layer.trainable_variables) - 2
    wanted = ops.convert_to_tensor(normals(2, ROWS, COLUMNS, seed=5))

    def loss(patches, whole, text):
        return ops.mean(ops.square(layer(patches, whole, text) - wanted))

    assert_gradients(loss, weights, PATCHES, WHOLE, text)
    assert_copy_is_the_same(layer, lambda one: one(PATCHES, WHOLE, text))
    assert_compiled_is_the_same(layer.__call__, PATCHES, WHOLE, text, atol=1e-4)


@pytest.mark.parametrize("width", [0, 6, -4])
def test_bad_widths_are_refused(width):
    with pytest.raises(ValueError, match=f"multiple of 4, received {width}"):
        SemanticScore(width)
