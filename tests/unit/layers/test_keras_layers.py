"""What every Keras layer promises: shapes, configuration, eager = compiled, start."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.layers.adaptation.channel_condition import TwoLayerPerceptron
from semcom_phy.layers.adaptation.modulation import ChannelConditionAdaptiveModule
from semcom_phy.layers.adaptation.snr_attention import SnrAttention
from semcom_phy.layers.adaptation.snr_embedding import SnrTable
from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.residual_trunk import ResidualTrunk

BATCH, IMAGE, CONTEXT = 3, (3, 6, 5, 4), (3, 7)
CASES = [
    (MatrixConv2D(8, 3), (IMAGE,), (3, 6, 5, 8)),
    (MatrixConv2D(2, 1, "zeros"), (IMAGE,), (3, 6, 5, 2)),
    (SnrAttention(6), (IMAGE, CONTEXT), IMAGE),
    (SnrTable(9), (CONTEXT,), (3, 9)),
    (TwoLayerPerceptron(6, 9), (CONTEXT,), (3, 9)),
    (ChannelConditionAdaptiveModule(6), (IMAGE, CONTEXT), IMAGE),
    (ResidualTrunk(8, 2), (IMAGE, CONTEXT), (3, 6, 5, 8)),
    (ResidualTrunk(8, 2, "ccam"), (IMAGE, CONTEXT), (3, 6, 5, 8)),
    (ResidualTrunk(8, 2, None), (IMAGE, CONTEXT), (3, 6, 5, 8)),
]


def normals(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


def randomise(layer, seed=1):
    """Replaces all weights, the zero-started ones too."""
    rng = np.random.default_rng(seed)
    layer.set_weights([0.3 * rng.standard_normal(w.shape) for w in layer.get_weights()])


@pytest.mark.parametrize(
    "layer, shapes, expected", CASES, ids=lambda v: getattr(v, "name", "")
)
def test_layer_contract(layer, shapes, expected):
    """Documented shape and dtype, rebuilt from the configuration with the same weights
    the same layer, compiled the same numbers (float32, 1e-5 of the largest)."""
    inputs = normals(*shapes)
    layer(*inputs)
    randomise(layer)
    y = ops.convert_to_numpy(layer(*inputs))
    assert y.shape == expected and y.dtype == np.float32
    assert layer.compute_output_shape(*shapes) == expected

    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    copy(*inputs)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(copy(*inputs)), y)

    compiled = compile_fn(layer.__call__)(*map(ops.convert_to_tensor, inputs))
    scale = max(1, np.abs(y).max())
    np.testing.assert_allclose(
        ops.convert_to_numpy(compiled) / scale, y / scale, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_matrix_convolution_is_a_convolution(size):
    """The matrix is Conv2D's kernel, reshaped (float32 rounding)."""
    (x,) = normals(IMAGE)
    ours, theirs = MatrixConv2D(5, size), keras.layers.Conv2D(5, size, padding="same")
    ours.build(IMAGE)
    theirs.build(IMAGE)
    randomise(ours)
    matrix, bias = ours.get_weights()
    theirs.set_weights([matrix.reshape(size, size, IMAGE[-1], 5), bias])
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(x)), ops.convert_to_numpy(theirs(x)), atol=1e-5
    )
    assert len(ours.kernel.shape) == 2


def test_attention_starts_as_the_identity():
    """Before training the factor is 2 sigmoid(0) = 1 whatever the SNR (exact)."""
    x, context = normals(IMAGE, CONTEXT)
    np.testing.assert_array_equal(ops.convert_to_numpy(SnrAttention()(x, context)), x)


def test_attention_against_numpy():
    """One factor in (0, 2) per image and channel, by the formula (float32 rounding)."""
    x, context = normals(IMAGE, CONTEXT)
    layer = SnrAttention(6)
    layer(x, context)
    randomise(layer)
    w1, b1, w2, b2 = layer.get_weights()
    pooled = np.concatenate([x.mean((1, 2)), context], 1)
    logit = np.maximum(pooled @ w1 + b1, 0) @ w2 + b2
    expected = x * (2 / (1 + np.exp(-logit)))[:, None, None]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x, context)), expected, atol=1e-5
    )


@pytest.mark.parametrize("modulation", ["af", "ccam", None])
def test_trunk_starts_as_its_stem(modulation):
    """Residual blocks are silent before training: silu of the stem (exact)."""
    x, context = normals(IMAGE, CONTEXT)
    trunk = ResidualTrunk(8, 3, modulation)
    y = ops.convert_to_numpy(trunk(x, context))
    np.testing.assert_array_equal(y, ops.convert_to_numpy(ops.silu(trunk.stem(x))))
    randomise(trunk)
    y = ops.convert_to_numpy(trunk(x, context))
    assert not np.allclose(y, ops.convert_to_numpy(ops.silu(trunk.stem(x))), atol=0.1)


@pytest.mark.parametrize("modulation", ["af", "ccam", None])
def test_trunk_listens_to_the_context(modulation):
    """Another channel gives other features once the module is trained (> 0.01), and the
    same without a module (exact)."""
    x, one, two = normals(IMAGE, CONTEXT, CONTEXT)
    trunk = ResidualTrunk(8, 1, modulation)
    trunk(x, one)
    randomise(trunk)
    change = np.abs(ops.convert_to_numpy(trunk(x, one) - trunk(x, two))).max()
    assert change > 0.01 if modulation else change == 0


def test_trunk_modulates_the_update_of_each_block():
    """A block adds its module's version of conv(silu(conv(silu))) (1e-5)."""
    x, context = normals(IMAGE, CONTEXT)
    for modulation in ("af", "ccam"):
        trunk = ResidualTrunk(8, 2, modulation)
        trunk(x, context)
        randomise(trunk)
        features = trunk.stem(x)
        for first, second, module in trunk.blocks:
            update = second(ops.silu(first(ops.silu(features))))
            features = features + module(update, ops.convert_to_tensor(context))
        np.testing.assert_allclose(
            ops.convert_to_numpy(trunk(x, context)),
            ops.convert_to_numpy(ops.silu(features)),
            atol=1e-5,
        )


@pytest.mark.parametrize("modulation", ["film", "", False])
def test_unknown_modulations_are_refused(modulation):
    """The names that there are, and the one received (exact)."""
    with pytest.raises(ValueError, match=f"af, ccam or None, received {modulation!r}"):
        ResidualTrunk(8, 1, modulation)


@pytest.mark.parametrize("filters, size", [(0, 3), (4, 0), (-1, 3)])
def test_empty_convolutions_are_refused(filters, size):
    """The values received are in the message (exact)."""
    with pytest.raises(ValueError, match=f"received {filters} and {size}"):
        MatrixConv2D(filters, size)
