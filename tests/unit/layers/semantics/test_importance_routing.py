"""What of a picture matters: the choice of patches, in training and behind it."""

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

from semcom_phy.backend import gradient_fn
from semcom_phy.layers.semantics.importance_routing import ImportanceRouting

ROWS, COLUMNS, PATCH, CHANNELS = 3, 4, 2, 8
FEATURES = normals(2, PATCH * ROWS, PATCH * COLUMNS, CHANNELS)
SCORES = 2 * normals(2, ROWS, COLUMNS, seed=1)
UNIFORM = np.random.default_rng(2).uniform(0.01, 0.99, (2, 12)).astype("float32")


def routing(trained=True, **options):
    layer = ImportanceRouting(PATCH, **{"hidden": 6, **options})
    layer(FEATURES, SCORES)
    if trained:
        randomise_zeros(layer.weights)
    return layer


def parts(routed):
    return [array(part) for part in routed]


def test_what_is_found_has_the_documented_shapes():
    """Offsets reach up to 2 places, attentions up to 2 (exact)."""
    height, width = FEATURES.shape[1:3]
    found = parts(routing()(FEATURES, SCORES, UNIFORM))
    shapes = [(2, ROWS, COLUMNS)] * 2
    shapes += [(2, height, width, 2), (2, 1, 1, CHANNELS), (2, height, width, 1)]
    assert [part.shape for part in found] == shapes
    assert all(part.dtype == np.float32 for part in found)
    _, _, offsets, channel, spatial = found
    assert 0 < np.abs(offsets).max() <= 2
    for attention in (channel, spatial):
        assert 0 < attention.min() < 1 < attention.max() < 2


def test_it_starts_as_what_the_score_says():
    """Logits are the scores, offsets 0 and attentions 1 (exact); a trained one is
    not."""
    logits, mask, offsets, channel, spatial = parts(
        routing(trained=False)(FEATURES, SCORES)
    )
    np.testing.assert_array_equal(logits, SCORES)
    np.testing.assert_array_equal(mask, SCORES > 0)
    assert not offsets.any() and np.all(channel == 1) and np.all(spatial == 1)
    moved = parts(routing()(FEATURES, SCORES))
    assert np.abs(moved[0] - SCORES).max() > 0.01


def test_logits_of_a_patch_follow_from_its_places():
    """By the perceptron, of the mean of features, score and modulation (1e-5)."""
    layer = routing()
    fine = SCORES.repeat(PATCH, 1).repeat(PATCH, 2)[..., None]
    modulated = array(ops.silu(layer.modulation(FEATURES)))
    condition = np.concatenate([FEATURES, fine, modulated], -1)
    cells = condition.reshape(2, ROWS, PATCH, COLUMNS, PATCH, -1).mean((2, 4))
    expected = SCORES + array(layer.leave(layer.enter(cells)))[..., 0]
    np.testing.assert_allclose(
        array(layer(FEATURES, SCORES).logits), expected, atol=1e-5
    )


def test_without_a_draw_the_likelier_class_is_taken():
    """1 where the logit is above 0 (exact)."""
    routed = routing()(FEATURES, SCORES)
    np.testing.assert_array_equal(array(routed.mask), array(routed.logits) > 0)


def test_draws_follow_the_logits():
    """Of 4000 draws each, the share of the foreground is sigmoid(logit) within 4
    standard errors, and masks are 0 or 1 (exact)."""
    draws = 4000
    logits = np.array([-3.0, -1.0, 0.0, 0.4, 2.0], "float32")
    uniform = np.random.default_rng(4).uniform(1e-6, 1 - 1e-6, (draws, 5))
    drawn = array(
        ImportanceRouting._choice(
            ops.convert_to_tensor(np.tile(logits, (draws, 1))),
            ops.convert_to_tensor(uniform.astype("float32")),
        )
    )
    assert np.abs(drawn - drawn.round()).max() < 1e-6
    assert set(np.unique(drawn.round())) == {0, 1}
    likely = 1 / (1 + np.exp(-logits.astype(float)))
    error = np.sqrt(likely * (1 - likely) / draws)
    assert np.all(np.abs(drawn.mean(0) - likely) < 4 * error)


def test_a_draw_has_the_gradient_of_the_relaxed_choice():
    """That of the sigmoid of logit and logistic variable (1e-5), whatever was drawn;
    the hard choice has none."""
    logits = ops.convert_to_tensor(SCORES)

    def total(logits):
        return ops.sum(ImportanceRouting._choice(logits, UNIFORM))

    slope = array(gradient_fn(total, compiled=False)(logits))
    drawn = np.log(UNIFORM / (1 - UNIFORM)).reshape(SCORES.shape)
    soft = 1 / (1 + np.exp(-SCORES - drawn))
    np.testing.assert_allclose(slope, soft * (1 - soft), atol=1e-5)


def test_every_weight_learns_and_the_layer_is_what_its_configuration_says():
    """Finite, non-zero gradients through all that is found; the copy exact, compiled
    within 1e-5."""
    layer = routing()

    def loss(features, scores, uniform):
        found = layer(features, scores, uniform)
        return sum(ops.mean(ops.square(part - 0.3)) for part in found)

    assert_gradients(loss, layer.trainable_variables, FEATURES, SCORES, UNIFORM)
    for k in range(5):
        assert_copy_is_the_same(layer, lambda one, k=k: one(FEATURES, SCORES)[k])

    def found(features, scores, uniform):
        routed = layer(features, scores, uniform)
        return ops.concatenate([ops.reshape(part, (-1,)) for part in routed], 0)

    assert_compiled_is_the_same(found, FEATURES, SCORES, UNIFORM)


@pytest.mark.parametrize("options", [{"patch": 0}, {"hidden": 0}])
def test_bad_sizes_are_refused(options):
    with pytest.raises(ValueError, match="patch and hidden must be positive.*0"):
        ImportanceRouting(**options)
