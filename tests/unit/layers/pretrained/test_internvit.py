"""InternViT's layers: forward pass, LoRA, positions, and what of it trains."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import erf, softmax

from semcom_phy.backend import compile_fn, gradients_fn
from semcom_phy.codecs.compensation import FeatureCompensation
from semcom_phy.layers.pretrained.internvit import (
    InternVit,
    InternVitLayer,
    InternVitPatchEmbedding,
    LoraDense,
)

HIDDEN, HEADS, MLP, LAYERS, MAPS = 12, 3, 20, 2, 5
SIZES = {"hidden_size": HIDDEN, "num_heads": HEADS, "mlp_size": MLP}
KINDS = {  # as InternViT-300M and as InternViT-6B
    "300M": {"norm": "layer_norm", "qkv_bias": True, "qk_norm": False},
    "6B": {"norm": "rms_norm", "qkv_bias": False, "qk_norm": True},
}
LORA = {"lora_rank": 3, "lora_alpha": 5.0}
PROJECTIONS = ("query", "key", "value", "projection", "expand", "contract")


def vit_config(kind="300M", **options):
    return {"num_layers": LAYERS, **SIZES, **KINDS[kind], **options}


def normals(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def randomise(layer, seed=1):
    """Replaces all weights, the zero-started ones too."""
    rng = np.random.default_rng(seed)
    layer.set_weights([0.3 * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def numbers(x):
    return ops.convert_to_numpy(x).astype(float)


def compensation(**options):
    """Built for maps of 2x3, condition of 4."""
    layer = FeatureCompensation(vit_config(frozen=True, **LORA, **options))
    layer.build((None, 2, 3, MAPS), (None, 4))
    return layer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name, shape, expected",
    [
        ("dense", (2, 4, HIDDEN), (2, 4, 7)),
        ("layer", (2, 4, HIDDEN), (2, 4, HIDDEN)),
        ("vit", (2, 6, HIDDEN), (2, 7, HIDDEN)),
        ("patches", (2, 9, 6, 3), (2, 6, HIDDEN)),
    ],
)
def test_layer_contract(kind, name, shape, expected):
    """Documented shape and dtype, rebuilt from the configuration with the same weights
    the same layer, compiled the same numbers (float32 rounding)."""
    layer = {
        "dense": lambda: LoraDense(7, 3, 5.0, 0.1, use_bias=KINDS[kind]["qkv_bias"]),
        "layer": lambda: InternVitLayer(**SIZES, **KINDS[kind], **LORA),
        "vit": lambda: InternVit(
            (2, 3), **vit_config(kind, **LORA, trained_grid=(3, 3), frozen=True)
        ),
        "patches": lambda: InternVitPatchEmbedding(3, HIDDEN),
    }[name]()
    x = normals(*shape)
    layer(x)
    randomise(layer)
    y = ops.convert_to_numpy(layer(x))
    assert y.shape == expected and y.dtype == np.float32

    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    copy(x)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(copy(x)), y)
    assert len(copy.trainable_weights) == len(layer.trainable_weights)

    compiled = compile_fn(layer.__call__)(ops.convert_to_tensor(x))
    np.testing.assert_allclose(ops.convert_to_numpy(compiled), y, rtol=1e-5, atol=1e-5)


def dense(x, layer):
    y = x @ numbers(layer.kernel)
    if layer.use_bias:
        y = y + numbers(layer.bias)
    update = x @ numbers(layer.lora_a) @ numbers(layer.lora_b)
    return y + 5.0 / 3 * update


def normalised(x, layer):
    if isinstance(layer, keras.layers.RMSNormalization):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * numbers(layer.scale)
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    return x * numbers(layer.gamma) + numbers(layer.beta)


@pytest.mark.parametrize("kind", KINDS)
def test_layer_against_numpy(kind):
    """Head by head, with LoRA on all six projections (1e-5)."""
    x = normals(2, 4, HIDDEN)
    layer = InternVitLayer(**SIZES, **KINDS[kind], **LORA)
    layer(x)
    randomise(layer)
    found = numbers(layer(x))

    x, depth = x.astype(float), HIDDEN // HEADS
    normed = normalised(x, layer.norm_1)
    q, k, v = (dense(normed, part) for part in (layer.query, layer.key, layer.value))
    if layer.qk_norm:
        q, k = normalised(q, layer.query_norm), normalised(k, layer.key_norm)
    y = np.zeros_like(x)
    for image, head in np.ndindex(len(x), HEADS):
        part = slice(head * depth, (head + 1) * depth)
        logits = q[image][:, part] @ k[image][:, part].T / np.sqrt(depth)
        y[image][:, part] = softmax(logits, -1) @ v[image][:, part]
    x = x + numbers(layer.scale_1) * dense(y, layer.projection)
    hidden = dense(normalised(x, layer.norm_2), layer.expand)
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    x = x + numbers(layer.scale_2) * dense(hidden, layer.contract)
    np.testing.assert_allclose(found, x, atol=1e-5)


def test_lora_starts_without_effect():
    """Before training the same as without LoRA; A is drawn, B is zero (exact)."""
    x = normals(2, 6, HIDDEN)
    plain = InternVit((2, 3), **vit_config())
    adapted = InternVit((2, 3), **vit_config(**LORA))
    plain(x)
    adapted(x)
    randomise(plain)
    kept = [w for w in adapted.weights if not w.name.startswith("lora_")]
    for weight, value in zip(kept, plain.get_weights(), strict=True):
        weight.assign(value)
    np.testing.assert_array_equal(numbers(adapted(x)), numbers(plain(x)))
    for block in adapted.blocks:
        for name in PROJECTIONS:
            layer = getattr(block, name)
            assert np.any(numbers(layer.lora_a)) and not np.any(numbers(layer.lora_b))


def test_lora_drops_inputs_in_training_alone():
    """The update's mean over the draws is the update without dropout, and the product
    with the kernel has none (4 standard errors, n = 2000, seed 1)."""
    keras.utils.set_random_seed(1)
    x = np.repeat(normals(1, HIDDEN), 2000, 0)
    layer = LoraDense(4, 3, 5.0, dropout=0.4)
    layer(x)
    still = numbers(layer(x, training=True))
    np.testing.assert_array_equal(still, numbers(layer(x)))  # B is zero
    randomise(layer)
    exact = numbers(layer(x))
    np.testing.assert_allclose(exact, dense(x.astype(float), layer), atol=1e-5)
    noisy = numbers(layer(x, training=True))
    error = noisy.std(0) / np.sqrt(len(x))
    assert np.all(error > 0)
    assert np.all(np.abs(noisy.mean(0) - exact[0]) < 4 * error)


@pytest.mark.parametrize(
    "size, expected",
    [
        (4, [1.0, 2.0, 4.0, 8.0]),
        (6, [0.9131946, 1.3125, 2.3043978, 3.3831019, 6.1875, 8.3472223]),
        (3, [1.1087963, 2.71875, 7.4606495]),
    ],
)
def test_positions_are_interpolated(size, expected):
    """Along columns and along rows as torch.nn.functional.interpolate(mode="bicubic",
    align_corners=False) of 1, 2, 4, 8; the class token keeps its own (1e-5)."""
    line = np.array([1.0, 2.0, 4.0, 8.0])
    for trained, grid in (((1, 4), (1, size)), ((4, 1), (size, 1)), ((4, 4),) * 2):
        vit = InternVit(grid, 0, **SIZES, trained_grid=trained)
        tokens = grid[0] * grid[1]
        vit.build((None, tokens, HIDDEN))
        values = np.resize(line, trained[0] * trained[1])
        vit.position.assign(
            np.concatenate([[9.0], values])[None, :, None] * np.ones(HIDDEN)
        )
        vit.class_token.assign(np.zeros((1, 1, HIDDEN)))
        found = numbers(vit(np.zeros((2, tokens, HIDDEN), "float32")))
        due = np.resize(line, tokens) if trained == grid else np.array(expected)
        due = np.concatenate([[9.0], due])
        np.testing.assert_allclose(found, due[None, :, None] + 0 * found, atol=1e-5)


def test_rows_and_columns_are_interpolated_apart():
    """A product of a profile of rows and one of columns stays one (1e-5)."""
    rows, columns = np.array([1.0, 2.0, 4.0, 8.0]), np.array([3.0, -1.0])
    vit = InternVit((6, 2), 0, **SIZES, trained_grid=(4, 2))
    vit.build((None, 12, HIDDEN))
    values = np.concatenate([[0.0], np.outer(rows, columns).ravel()])
    vit.position.assign(values[None, :, None] * np.ones(HIDDEN))
    found = numbers(vit(np.zeros((1, 12, HIDDEN), "float32")))[0, 1:, 0]
    rows = [0.9131946, 1.3125, 2.3043978, 3.3831019, 6.1875, 8.3472223]
    np.testing.assert_allclose(found, np.outer(rows, columns).ravel(), atol=1e-5)


def test_class_token_goes_first():
    """Class token and its position, then the tokens and theirs (float32 rounding)."""
    x = normals(2, 6, HIDDEN)
    vit = InternVit((2, 3), 0, **SIZES)
    vit(x)
    randomise(vit)
    first, position = numbers(vit.class_token), numbers(vit.position)
    due = np.concatenate([np.repeat(first, 2, 0), x], 1) + position
    np.testing.assert_allclose(numbers(vit(x)), due, atol=1e-6)


@pytest.mark.parametrize("name", ["vit", "lora_vit"])
def test_frozen_trains_lora_alone(name):
    """Twelve matrices a layer, whatever the model is called; all else stays (exact)."""
    model = keras.Sequential(
        [InternVit((2, 3), **vit_config(frozen=True, **LORA), name=name)], name=name
    )
    model.build((None, 6, HIDDEN))
    names = [weight.name for weight in model.trainable_weights]
    assert sorted(names) == ["lora_a"] * 6 * LAYERS + ["lora_b"] * 6 * LAYERS
    assert len(model.non_trainable_weights) == 2 + LAYERS * (4 + 12 + 2)


def test_gradients_reach_lora_and_projections_alone():
    """Finite and non-zero, the same eager and compiled (1e-3 of the largest entry);
    zero-started weights are randomised first. Nothing else of InternViT trains."""
    layer = randomise(compensation(trained_grid=(4, 4)))
    weights = layer.trainable_weights
    projections = [*layer.project_in.weights, *layer.project_out.weights]
    lora = [
        matrix
        for block in layer.transformer.blocks
        for dense in (getattr(block, name) for name in PROJECTIONS)
        for matrix in (dense.lora_a, dense.lora_b)
    ]
    assert {id(w) for w in weights} == {id(w) for w in projections + lora}
    assert len(weights) == 4 + 12 * LAYERS

    def loss(maps, condition):
        return ops.mean(ops.square(layer(maps, condition) - 1.0))

    inputs = [
        ops.convert_to_tensor(normals(3, 2, 3, MAPS)),
        ops.convert_to_tensor(normals(3, 4, seed=2)),
    ]
    eager = gradients_fn(loss, weights, compiled=False)(*inputs)
    graph = gradients_fn(loss, weights)(*inputs)
    for weight, one, two in zip(weights, eager, graph, strict=True):
        assert one is not None, weight.path
        one, two = numbers(one), numbers(two)
        assert np.isfinite(one).all() and np.any(one), weight.path
        np.testing.assert_allclose(
            one, two, atol=1e-3 * np.abs(one).max(), err_msg=weight.path
        )


def test_compensation_starts_as_the_identity_and_listens_to_training():
    """Untrained it changes nothing (exact); dropout is on in training alone."""
    maps, condition = normals(2, 2, 3, MAPS), normals(2, 4)
    layer = compensation(lora_dropout=0.5)
    np.testing.assert_array_equal(numbers(layer(maps, condition)), maps)
    randomise(layer)
    still = numbers(layer(maps, condition))
    assert np.abs(still - maps).max() > 0.1
    np.testing.assert_array_equal(numbers(layer(maps, condition)), still)
    noisy = numbers(layer(maps, condition, training=True))
    assert np.abs(noisy - still).max() > 1e-3


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_16_bits(precision):
    """Interpolated positions too; near what 32 give (5 % of the change's maximum)."""
    maps, condition = normals(2, 2, 3, MAPS), normals(2, 4)
    layer = randomise(compensation(trained_grid=(4, 4)))
    due = numbers(layer(maps, condition)) - maps
    for part in layer._flatten_layers():
        part.dtype_policy = precision
    found = layer(maps, condition)
    assert keras.backend.standardize_dtype(found.dtype) == precision[6:]
    found = numbers(ops.cast(found, "float32")) - maps
    np.testing.assert_allclose(found, due, atol=0.05 * np.abs(due).max())


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: LoraDense(4, -1), "received -1"),
        (lambda: LoraDense(4, 2, dropout=1.0), "received 2 and 1.0"),
        (lambda: InternVitLayer(12, 5, 20), "12 channels do not split into 5 heads"),
        (lambda: InternVitLayer(12, 3, 20, norm="batch"), "received 'batch'"),
        (lambda: FeatureCompensation({"hidden": 3}).build((1,) * 4, (1,)), "'hidden'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    """The values received are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        make()
