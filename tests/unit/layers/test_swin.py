"""Swin blocks against a plain NumPy forward pass, and what attends to what."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import erf

from link_models.training.batched_muon import BatchedMuon
from semcom_phy.backend import compile_fn, gradients_fn
from semcom_phy.layers.swin import SwinBlock, SwinStage, WindowAttention

CHANNELS, HEADS, CONDITION = 6, 2, 7


def features(height, width, batch=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, height, width, CHANNELS)).astype("float32")


def conditions(batch=2, seed=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, CONDITION)).astype("float32")


def randomised(layer, shape, seed=1):
    """The layer, built for maps of a shape, with random numbers in all weights."""
    aware = getattr(layer, "channel_aware", False)
    layer.build((None, *shape, CHANNELS), *[(None, CONDITION)] * aware)
    rng = np.random.default_rng(seed)
    layer.set_weights([0.4 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def dense(x, layer):
    kernel, bias = layer.get_weights()
    return x @ kernel.astype(float) + bias


def attention(x, layer, size, shift):
    """Token by token: windows of the rolled map, keys that the roll left in place."""
    batch, height, width, _ = x.shape
    depth = CHANNELS // HEADS
    table = ops.convert_to_numpy(layer.bias)
    table = table.reshape(2 * size - 1, 2 * size - 1, HEADS)
    qkv = dense(x, layer.qkv).reshape(batch, height, width, 3, HEADS, depth)
    y = np.zeros((batch, height, width, HEADS, depth))
    for image, row, column, head in np.ndindex(batch, height, width, HEADS):
        logits, values = [], []
        place = np.array([(row - shift) % height, (column - shift) % width])
        for other in np.ndindex(size, size):
            other = place // size * size + other
            there = (other + shift) % (height, width)
            step = place - other
            if np.any(step != np.array([row, column]) - there):
                continue  # neighbours after the roll alone
            query = qkv[image, row, column, 0, head]
            _, key, value = qkv[image, *there, :, head]
            bias = table[*(step + size - 1), head]
            logits.append(query @ key / np.sqrt(depth) + bias)
            values.append(value)
        share = np.exp(logits - np.max(logits))
        y[image, row, column, head] = share / share.sum() @ np.array(values)
    return dense(y.reshape(x.shape), layer.projection)


def normalised(x, layer):
    gain, offset = layer.get_weights()
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * gain + offset


def modulated(x, condition, layer):
    """The channel condition adaptive module."""
    pooled = np.concatenate([x.mean((1, 2)), condition], 1)
    scale, shift = (
        dense(np.maximum(dense(pooled, hidden), 0), out)[:, None, None]
        for hidden, out in (
            (layer.scale_hidden, layer.scale_out),
            (layer.shift_hidden, layer.shift_out),
        )
    )
    return x * (1 + scale) + shift


def block(x, layer, size, shift):
    x = x + attention(normalised(x, layer.norm_attention), layer.attention, size, shift)
    hidden = dense(normalised(x, layer.norm_mlp), layer.expand)
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    return x + dense(hidden, layer.contract)


@pytest.mark.parametrize(
    "shape, window, shift, size, active",
    [
        ((8, 8), 4, 0, 4, 0),
        ((8, 8), 4, 2, 4, 2),
        ((8, 12), 4, 1, 4, 1),
        ((4, 6), 2, 1, 2, 1),
        ((4, 4), 4, 2, 4, 0),  # one window is the whole map: nothing to shift
        ((4, 8), 4, 2, 4, 0),
        ((2, 4), 4, 3, 2, 0),  # a map smaller than the window
    ],
)
def test_block_against_numpy(shape, window, shift, size, active):
    """Attention and the whole block equal the formulas (float32 rounding, 1e-5)."""
    layer = randomised(SwinBlock(HEADS, window, shift, mlp_ratio=1.5), shape)
    x = features(*shape)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer.attention(x)),
        attention(x.astype(float), layer.attention, size, active),
        atol=1e-5,
    )
    y = ops.convert_to_numpy(layer(x))
    assert y.dtype == np.float32 and y.shape == x.shape
    np.testing.assert_allclose(
        y, block(x.astype(float), layer, size, active), atol=1e-5
    )


@pytest.mark.parametrize("shape, shift", [((6, 8), 0), ((5, 6), 2), ((2, 3), 1)])
def test_padded_windows_attend_to_zeros(shape, shift):
    """Maps that windows do not divide are those with zeros below and to the right after
    the norm, whatever their size; shifts stay (1e-5); a copy is the same (exact)."""
    layer = randomised(SwinBlock(HEADS, 4, shift, padded=True), shape)
    x = features(*shape)
    y = normalised(x.astype(float), layer.norm_attention)
    filled = [(0, 0), *((0, -n % 4) for n in shape), (0, 0)]
    y = attention(np.pad(y, filled), layer.attention, 4, shift)
    y = y[:, : shape[0], : shape[1]]
    found = ops.convert_to_numpy(
        layer.attention(ops.convert_to_tensor(normalised(x, layer.norm_attention)))
    )
    np.testing.assert_allclose(found, y, atol=1e-5)
    assert layer(x).shape == x.shape
    copy = SwinBlock.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config() and copy.attention.padded


def test_stage_shifts_every_second_block():
    """Block two alone is shifted, by half a window (1e-5), compiled or not."""
    stage = randomised(SwinStage(3, HEADS, 4, mlp_ratio=2), (8, 8))
    x = features(8, 8, batch=1)
    expected = x.astype(float)
    for layer, shift in zip(stage.blocks, (0, 2, 0), strict=True):
        expected = block(expected, layer, 4, shift)
    scale = np.abs(expected).max()
    for run in (stage, compile_fn(stage.__call__, jit=False)):
        y = ops.convert_to_numpy(run(ops.convert_to_tensor(x)))
        np.testing.assert_allclose(y / scale, expected / scale, atol=1e-5)


def test_channel_aware_stage_against_numpy():
    """Each block ends with its module, by the formula (relative 1e-5)."""
    stage = randomised(SwinStage(2, HEADS, 4, 2, channel_aware=True), (8, 8))
    x, condition = features(8, 8), conditions()
    expected = x.astype(float)
    for layer, shift in zip(stage.blocks, (0, 2), strict=True):
        expected = modulated(
            block(expected, layer, 4, shift), condition, layer.modulation
        )
    y = ops.convert_to_numpy(stage(x, condition))
    assert stage.compute_output_shape(x.shape, condition.shape) == y.shape
    scale = np.abs(expected).max()
    np.testing.assert_allclose(y / scale, expected / scale, atol=1e-5)


@pytest.mark.parametrize("kind", [SwinBlock, SwinStage])
def test_channel_aware_starts_as_without(kind):
    """Built by a call, the other weights the same: the same numbers before training,
    whatever the channel (exact)."""
    sizes = (HEADS, 4) if kind is SwinBlock else (2, HEADS, 4)
    aware, plain = kind(*sizes, channel_aware=True), kind(*sizes)
    x = features(8, 8)
    y = ops.convert_to_numpy(aware(x, conditions()))
    plain(x)
    shared = [w for w in aware.weights if "modulation" not in w.path]
    assert len(aware.weights) == len(shared) + 8 * len(getattr(aware, "blocks", [1]))
    plain.set_weights([ops.convert_to_numpy(w) for w in shared])
    np.testing.assert_array_equal(y, ops.convert_to_numpy(plain(x)))
    np.testing.assert_array_equal(y, ops.convert_to_numpy(aware(x, conditions(seed=6))))


@pytest.mark.parametrize(
    "shift, token, rows, columns",
    [
        (0, (3, 3), (0, 4), (0, 4)),
        (2, (0, 0), (0, 2), (0, 2)),  # not with the last rows and columns
        (2, (3, 7), (2, 6), (6, 8)),
        (2, (4, 4), (2, 6), (2, 6)),
        (1, (7, 0), (5, 8), (0, 1)),
    ],
)
def test_tokens_hear_their_window_alone(shift, token, rows, columns):
    """A changed token changes every output of its part of the window and no other: the
    roll lets no opposite edges meet (others: 1e-6, float32 rounding)."""
    layer = randomised(WindowAttention(HEADS, 4, shift), (8, 8))
    x = features(8, 8, batch=1)
    changed = x.copy()
    changed[0, *token] += 1.0
    gap = ops.convert_to_numpy(layer(changed) - layer(x))
    gap = np.abs(gap[0]).max(-1)
    inside = np.zeros((8, 8), bool)
    inside[slice(*rows), slice(*columns)] = True
    assert gap[inside].min() > 1e-3 and gap[~inside].max() < 1e-6


@pytest.mark.parametrize("aware", [False, True])
def test_configuration_round_trip(aware):
    """A stage from its serialised configuration has the same weights at the same paths,
    each path once, and with their values gives the same numbers (exact)."""
    stage = SwinStage(2, HEADS, 4, 2.5, channel_aware=aware, name="stage")
    stage = randomised(stage, (8, 8))
    config = keras.saving.serialize_keras_object(stage)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == stage.get_config()
    x = [features(8, 8)] + [conditions()] * aware
    shapes = [v.shape for v in x]
    assert copy(*x).shape == copy.compute_output_shape(*shapes) == shapes[0]
    paths = [w.path for w in stage.weights]
    assert [w.path for w in copy.weights] == paths and len(set(paths)) == len(paths)
    copy.set_weights(stage.get_weights())
    np.testing.assert_array_equal(
        ops.convert_to_numpy(copy(*x)), ops.convert_to_numpy(stage(*x))
    )


@pytest.mark.parametrize("aware", [False, True])
def test_gradient_reaches_every_weight(aware):
    """Each weight has a finite gradient that is not zero, and so has each entry of the
    position tables."""
    stage = randomised(SwinStage(2, HEADS, 4, channel_aware=aware), (8, 8))
    condition = ops.convert_to_tensor(conditions())
    target = ops.convert_to_tensor(features(8, 8, seed=3))
    weights = stage.trainable_variables
    gradients = gradients_fn(
        lambda x: ops.mean(ops.square(stage(x, condition) - target)),
        weights,
        compiled=False,
    )(ops.convert_to_tensor(features(8, 8)))
    assert len(weights) == 2 * (13 + 8 * aware)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None, weight.path
        gradient = ops.convert_to_numpy(gradient)
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path
        if "position" in weight.path:
            assert np.all(gradient), weight.path


def test_muon_leaves_the_position_table_to_adam():
    """Of a block's matrices the table alone, by its name, is not orthogonalised."""
    layer = randomised(SwinBlock(HEADS, 4), (8, 8))
    matrices = [w for w in layer.weights if len(w.shape) == 2]
    to_adam = [w for w in matrices if BatchedMuon()._should_use_adamw(w)]
    assert len(matrices) == 5 and to_adam == [layer.attention.bias]
    assert "embedding" in layer.attention.bias.path


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: WindowAttention(0, 4), "received 0, 4 and 0"),
        (lambda: WindowAttention(2, 0), "received 2, 0 and 0"),
        (
            lambda: WindowAttention(2, 4, 4),
            r"shift in \[0, window\), received 2, 4 and 4",
        ),
        (lambda: WindowAttention(2, 4, -1), "received 2, 4 and -1"),
        (
            lambda: SwinBlock(2, 4, mlp_ratio=0),
            "mlp_ratio must be positive, received 0",
        ),
        (lambda: SwinStage(0, 2, 4), "depth must be positive, received 0"),
        (lambda: SwinBlock(4, 4)(features(8, 8)), "6 channels .* into 4 heads"),
        (lambda: SwinBlock(2, 4)(features(8, 6)), "a 8x6 feature map .* 4x4"),
        (lambda: SwinBlock(2, 8)(features(4, 6)), "a 4x6 feature map .* 4x4"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    """The sizes received are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        make()
