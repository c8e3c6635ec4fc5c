"""SA-OOSC: what importance does to lengths, and what teaches it."""

from functools import partial

import numpy as np
import pytest
from codec_calls import encode, tensor
from keras import ops
from patch_codecs import (
    GRID,
    SIZES,
    fading_link,
    pictures,
    randomised,
    training_batch,
)

from link_models.training.tasks.scene import RateDistortionLoss, SceneTask
from semcom_phy.backend import gradients_fn
from semcom_phy.codecs.sa_oosc import NUM_LEVELS, SaOoscEncoder
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.seeding import set_seed

WEIGHTS, SYMBOLS = (0.03, 0.4, 1.0, 2.5), (0.0, 2.0, 6.0, 12.0)
CONFIG = SIZES | {"level_weights": WEIGHTS, "level_symbols": SYMBOLS}


@pytest.fixture
def encoder():
    set_seed(2)
    return randomised(SaOoscEncoder(**CONFIG))


def encoded(encoder, budget, levels=None):
    return encode(encoder, pictures(), np.zeros(4), budget=budget, levels=levels)


def analysed_by(encoder, source=None):
    source = tensor(pictures()) if source is None else source
    return encoder.analyse(source, TxKnowledge(ops.zeros(source.shape[:1])))


def sure_of(encoder, level):
    """Has the head say the same level of every patch."""
    bias = np.zeros(NUM_LEVELS)
    bias[level] = 40.0
    encoder.importance_out.kernel.assign(ops.zeros(encoder.importance_out.kernel.shape))
    encoder.importance_out.bias.assign(bias)
    return encoder


def test_weights_and_symbols_by_level(encoder):
    """As configured; nothing where the level is -1, unknown (exact)."""
    levels = tensor([[[0, 1, 2], [3, -1, 0]]], "int32")
    weights = ops.convert_to_numpy(encoder.patch_weights(levels))
    expected = np.float32([[[0.03, 0.4, 1.0], [2.5, 0.0, 0.03]]])
    np.testing.assert_array_equal(weights, expected)
    features = tensor(np.zeros((1, 2, 3, 2 * encoder.filters)))
    extra = ops.convert_to_numpy(encoder.allocation(features, levels)[0].extra)
    np.testing.assert_array_equal(extra, [[[0, 2, 6], [12, 0, 0]]])
    log_gain, same = encoder.level_tables(ops.convert_to_numpy(levels))
    np.testing.assert_array_equal(same, extra)
    expected[0, 1, 1] = 1  # unknown importance leaves the step
    np.testing.assert_allclose(np.exp(2 * log_gain), expected, rtol=1e-6)


def test_uncertain_levels_have_the_expected_weight(encoder):
    """What is told of a patch weighs as much as its levels do in the mean (1e-5); a
    sure level is told as it is (1e-6)."""
    rng = np.random.default_rng(0)
    likely = rng.dirichlet(np.full(NUM_LEVELS, 0.5), (2, 3, 4))
    told = encoder.level_of_expected_weight(likely)
    assert told.shape == (2, 3, 4) and told.dtype == np.float32
    tables = 0.5 * np.log(np.array(WEIGHTS))
    log_gain = encoder._by_level(tables, tensor(told))
    weight = np.exp(2 * ops.convert_to_numpy(log_gain).astype("float64"))
    np.testing.assert_allclose(weight, likely @ np.array(WEIGHTS), rtol=1e-5)
    sure = encoder.level_of_expected_weight(np.eye(NUM_LEVELS))
    np.testing.assert_allclose(sure, np.arange(NUM_LEVELS), atol=1e-6)


def test_a_head_that_is_not_sure_refines_by_the_expected_weight(encoder):
    """As many chances for every level: the root of the mean weight (1e-5)."""
    kernel, bias = encoder.importance_out.get_weights()
    encoder.importance_out.set_weights([0 * kernel, 0 * bias])
    features = tensor(np.zeros((1, 2, 3, 2 * encoder.filters)))
    log_gain = ops.convert_to_numpy(encoder.allocation(features)[0].log_gain)
    np.testing.assert_allclose(log_gain, 0.5 * np.log(np.mean(WEIGHTS)), atol=1e-5)


def test_weights_that_fall_have_no_level_of_a_weight():
    """The weights are told (exact)."""
    weights = (0.1, 1.0, 0.5, 3.0)
    encoder = SaOoscEncoder(**SIZES, level_weights=weights, level_symbols=SYMBOLS)
    with pytest.raises(ValueError, match=r"level_weights are \(0.1, 1.0, 0.5, 3.0\)"):
        encoder.level_of_expected_weight(np.full((1, 1, 1, 4), 0.25))


def test_without_levels_no_symbols_are_added(encoder):
    """No annotator, or one that knows nothing: the same lengths (exact)."""
    budget = tensor(np.full(4, 500.0))
    unknown = tensor(np.full((4, *GRID), -1), "int32")
    none, silent = (encoded(encoder, budget, levels) for levels in (None, unknown))
    extra = analysed_by(encoder).allocation.extra
    assert not np.any(ops.convert_to_numpy(extra))
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(coded.side) for coded in (none, silent))
    )


def test_annotated_patches_get_more(encoder):
    """C2 adds symbols where the annotator says so and takes them elsewhere, within the
    budget; the head's logits do not change (exact)."""
    levels = np.zeros((4, *GRID))
    levels[:, 1, 2] = 3
    budget = np.full(4, 400.0)
    plain, told = (
        encoded(encoder, tensor(budget), tensor(level, "int32"))
        for level in (0 * levels, levels)
    )
    one, two = (np.array(LENGTHS)[ops.convert_to_numpy(c.side)] for c in (plain, told))
    assert np.all(two[:, 1, 2] >= one[:, 1, 2])
    assert two[:, 1, 2].sum() > 1.2 * one[:, 1, 2].sum()
    assert np.all(two.sum(axis=(1, 2)) <= budget)
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(coded.details.importance) for coded in (plain, told))
    )


def test_entropy_rises_with_predicted_importance(encoder):
    """A head sure of a level refines the step by the root of its weight (1e-5), and the
    entropy of every patch rises from level to level."""
    entropies = []
    for level in range(NUM_LEVELS):
        analysed = analysed_by(sure_of(encoder, level))
        log_gain = ops.convert_to_numpy(analysed.allocation.log_gain)
        np.testing.assert_allclose(log_gain, 0.5 * np.log(WEIGHTS[level]), atol=1e-5)
        bits = encoder.bits(*analysed[:3], tensor(-2.0 - log_gain))
        entropies.append(ops.convert_to_numpy(bits).sum(axis=-1))
    assert np.all(np.diff(entropies, axis=0) > 0)


def test_patches_that_are_told_important_get_symbols(encoder):
    """The head itself, without an annotator: told apart by the context of a patch, the
    half that it takes for important gets more than with equal importance."""
    source, budget = tensor(pictures()), tensor(np.full(4, 400.0))
    logits = ops.convert_to_numpy(analysed_by(encoder, source).importance)
    # Makes the head say "high" for what lies above the middle of one of its logits.
    kernel, bias = (ops.convert_to_numpy(w) for w in encoder.importance_out.weights)
    middle = np.median(logits[..., 1])
    sharp = np.zeros_like(kernel), np.zeros_like(bias)
    sharp[0][:, 3], sharp[1][3] = 500 * kernel[:, 1], 500 * (bias[1] - middle)
    encoder.importance_out.set_weights(sharp)
    important = logits[..., 1] > middle
    analysed, lengths = analysed_by(encoder, source), []
    for factor in (0.0, 1.0):
        chosen = analysed.allocation
        chosen = chosen._replace(log_gain=factor * chosen.log_gain)
        _, index = encoder.choose_lengths(analysed._replace(allocation=chosen), budget)
        lengths.append(np.array(LENGTHS)[ops.convert_to_numpy(index)])
    one, two = lengths
    assert 0.2 < important.mean() < 0.8
    assert two[important].sum() > 1.2 * one[important].sum()


def test_only_the_cross_entropy_teaches_the_head():
    """The head's gradient of the whole loss is that of the cross entropy: neither
    distortion nor rate reaches it through the step (1e-4 of the largest entry)."""
    link = fading_link("sa_oosc")
    encoder = link.encoder
    task = SceneTask("", link.channel, RateDistortionLoss(gamma=0.1))
    head = [*encoder.importance_hidden.weights, *encoder.importance_out.weights]
    batch = training_batch(link)

    def cross_entropy(source, *rest):
        target = ops.one_hot(rest[3], NUM_LEVELS, dtype="float32")
        log_p = ops.log_softmax(analysed_by(encoder, source).importance)
        return -0.1 * ops.mean(ops.sum(target * log_p, axis=-1))

    whole = gradients_fn(partial(task.training_loss, link), head)(*batch)
    alone = gradients_fn(cross_entropy, head)(*batch)
    for weight, one, two in zip(head, whole, alone, strict=True):
        one, two = ops.convert_to_numpy(one), ops.convert_to_numpy(two)
        assert np.any(two), weight.path
        np.testing.assert_allclose(one, two, atol=1e-4 * np.abs(two).max())

    # Without an annotator, too, where the head itself sets the steps.
    def entropy(source):
        packet = encode(encoder, source, np.zeros(2), budget=batch[5])
        return ops.sum(packet.details.entropy)

    for gradient in gradients_fn(entropy, head)(batch[0]):
        assert gradient is None or not np.any(ops.convert_to_numpy(gradient))


def test_weights_of_levels_weigh_the_distortion():
    """A background patch counts 0.03 / 2.5 of an important one: squared errors of 1 in
    either, by hand (1e-6)."""
    source = np.zeros((2, 32, 32, 3))
    wrong = source.copy()
    wrong[0, :16, :16] = 1  # the background of image 0
    wrong[1, 16:, 16:] = 1  # what matters in image 1
    levels = tensor(np.full((2, 2, 2), [[0, 1], [2, 3]]), "int32")
    weights = SaOoscEncoder(**CONFIG).patch_weights(levels)
    distortion = RateDistortionLoss._distortion(tensor(source), tensor(wrong), weights)
    expected = np.array([0.03, 2.5]) / sum(WEIGHTS)
    np.testing.assert_allclose(ops.convert_to_numpy(distortion), expected, rtol=1e-6)


def test_configuration_holds_weights_and_symbols():
    """Plain values under the same names (exact)."""
    encoder = SaOoscEncoder(
        **SIZES, level_weights=[0.1, 1, 2, 3], level_symbols=(0, 1, 2, 3)
    )
    config = encoder.get_config()
    assert config["level_weights"] == (0.1, 1.0, 2.0, 3.0) and "fixed" not in config
    copy = SaOoscEncoder.from_config(config)
    assert copy.get_config() == config
    assert copy.level_symbols == (0.0, 1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"level_weights": (1.0, 2.0, 3.0)}, "4 positive, got"),
        ({"level_weights": (0.0, 1.0, 2.0, 3.0)}, r"4 positive, got \(0.0, 1.0"),
        ({"level_symbols": (1.0, 2.0)}, r"4 numbers, got \(1.0, 2.0\)"),
    ],
)
def test_levels_that_do_not_fit_are_refused(values, message):
    """The values received are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        SaOoscEncoder(**SIZES | values)
