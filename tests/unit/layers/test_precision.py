"""Dense in one kernel, and codecs whose heavy layers compute in 16 bits."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import gradients_fn
from semcom_phy.codecs.adjscc import AdjsccDecoder, AdjsccEncoder
from semcom_phy.codecs.contract import Received, SemanticEncoder
from semcom_phy.codecs.deepjscc import DeepJSCCDecoder, DeepJSCCEncoder
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.precision import PRECISIONS, set_precision
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.swin import SwinStage
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge

SHAPE, NUM_SYMBOLS = (16, 12, 3), 96
CODECS = {
    "adjscc": (
        (AdjsccEncoder, AdjsccDecoder),
        {"symbol_counts": (NUM_SYMBOLS,), "filters": 8, "num_blocks": 2},
    ),
    "deepjscc": (
        (DeepJSCCEncoder, DeepJSCCDecoder),
        {"num_symbols": NUM_SYMBOLS, "filters": (4, 6, 6, 5), "snr_attention": True},
    ),
}
REDUCED = {
    "adjscc": {"trunk"},
    "deepjscc": {f"{n}_{i}" for n in ("conv", "prelu", "attention") for i in range(4)},
}
# Rounding to 8 and 11 significant bits, 2^-9 and 2^-12, through a dozen layers whose
# errors add up in power; twice as much for what the exponentials of ADJSCC amplify.
BOUNDS = {"mixed_bfloat16": 2**-9 * 12**0.5 * 2, "mixed_float16": 2**-12 * 12**0.5 * 2}


def normals(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def pair(name):
    """Encoder, decoder, and a function that runs both."""
    classes, config = CODECS[name]
    encoder, decoder = (make(image_shape=SHAPE, **config) for make in classes)
    source = ops.convert_to_tensor(0.5 + 0.2 * normals(2, *SHAPE))
    snr_db = ops.convert_to_tensor(np.array([3.0, 12.0], "float32"))

    known = TxKnowledge(snr_db, num_symbols=NUM_SYMBOLS)

    def run():
        z = encoder.encode(source, known).data.z
        no_eff = ops.full((2, NUM_SYMBOLS), 0.1)
        received = Received(z, no_eff, no_eff)
        return z, decoder.decode(received, RxKnowledge(snr_db)).images

    encoder.build((None, *SHAPE))
    decoder.build((None, NUM_SYMBOLS))
    for seed, codec in enumerate((encoder, decoder)):
        rng = np.random.default_rng(seed)
        for weight in codec.trainable_weights:
            weight.assign(0.1 * rng.standard_normal(weight.shape))
    return encoder, decoder, run


def heavy(codec):
    return [x for y in codec.reduced_precision_layers() for x in y._flatten_layers()]


@pytest.mark.parametrize("precision", PRECISIONS[1:])
@pytest.mark.parametrize("name", CODECS)
def test_heavy_layers_compute_in_16_bits(name, precision):
    """Every nested one and no other; weights, symbols and images stay in 32 bits, and
    differ from float32 by rounding alone (RMS, see BOUNDS); back in float32 all is as
    it was (exact)."""
    encoder, decoder, run = pair(name)
    before = [ops.convert_to_numpy(v) for v in run()]
    for codec in (encoder, decoder):
        set_precision(codec, precision)
        assert {x.name for x in codec.reduced_precision_layers()} == REDUCED[name]
        inside = heavy(codec)
        for layer in codec._flatten_layers():
            expected = precision[6:] if layer in inside else "float32"
            assert layer.compute_dtype == expected, layer.path
        assert {w.dtype for w in codec.trainable_weights} == {"float32"}
    outputs = [ops.convert_to_numpy(v) for v in run()]
    assert [v.dtype for v in outputs] == [np.complex64, np.float32]
    for one, two in zip(before, outputs, strict=True):
        error = np.std(one - two) / np.std(one)
        assert 0 < error < BOUNDS[precision]

    for codec in (encoder, decoder):
        set_precision(codec, "float32")
    for one, two in zip(before, run(), strict=True):
        np.testing.assert_array_equal(one, ops.convert_to_numpy(two))


@pytest.mark.parametrize("name", CODECS)
def test_gradients_come_back_in_32_bits(name):
    """In bfloat16 each weight's gradient is float32, finite, not zero, and that of
    float32 but for rounding (cosine > 0.99 over all weights)."""
    encoder, decoder, run = pair(name)
    weights = [*encoder.trainable_variables, *decoder.trainable_variables]
    source = ops.convert_to_tensor(normals(2, *SHAPE, seed=4))

    def loss():
        return ops.mean(ops.square(run()[1] - source))

    found = []
    for precision in ("float32", "mixed_bfloat16"):
        for codec in (encoder, decoder):
            set_precision(codec, precision)
        gradients = gradients_fn(loss, weights, compiled=False)()
        gradients = [ops.convert_to_numpy(g) for g in gradients]
        for weight, gradient in zip(weights, gradients, strict=True):
            assert gradient.dtype == np.float32, weight.path
            assert np.isfinite(gradient).all() and np.any(gradient), weight.path
        found.append(np.concatenate([g.ravel() for g in gradients]))
    one, two = found
    assert one @ two > 0.99 * np.linalg.norm(one) * np.linalg.norm(two)


def test_a_trunk_hands_over_32_bits():
    """What follows it in a codec is given float32 at every precision (exact)."""
    trunk = ResidualTrunk(8, 1)
    for precision in PRECISIONS:
        for layer in trunk._flatten_layers():
            layer.dtype_policy = precision
        y = trunk(normals(1, 4, 4, 6), normals(1, 5))
        assert keras.backend.standardize_dtype(y.dtype) == "float32"


def test_a_swin_stage_bears_16_bits():
    """Attention, masks and norms in bfloat16 stay near float32 (RMS, see BOUNDS)."""
    stage, x = SwinStage(2, 2, 4), normals(1, 8, 8, 6)
    before = ops.convert_to_numpy(stage(x))
    for layer in stage._flatten_layers():
        layer.dtype_policy = "mixed_bfloat16"
    after = stage(x)
    assert keras.backend.standardize_dtype(after.dtype) == "bfloat16"
    after = ops.convert_to_numpy(ops.cast(after, "float32"))
    error = np.std(after - before) / np.std(before)
    assert 0 < error < BOUNDS["mixed_bfloat16"]


def test_what_cannot_be_reduced_is_refused():
    """An unknown precision, and a codec that names no layers unless it keeps float32;
    both are in the message (exact)."""
    layer = SemanticEncoder()
    with pytest.raises(ValueError, match="mixed_float16, received 'bfloat16'"):
        set_precision(layer, "bfloat16")
    for precision in PRECISIONS[1:]:
        with pytest.raises(
            ValueError, match=r"SemanticEncoder .* reduced_precision_layers\(\)"
        ):
            set_precision(layer, precision)
    set_precision(layer, "float32")
    assert layer.compute_dtype == "float32"


@pytest.mark.parametrize("activation", [None, "gelu", "relu"])
@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 5), (2, 3, 4, 5)])
def test_dense_is_dense(shape, activation):
    """Numbers and gradients of Keras' layer (1e-6 relative, float32 rounding)."""
    x, factor = (ops.convert_to_tensor(normals(*shape[:-1], n)) for n in (5, 7))
    layers = [make(7, activation=activation) for make in (Dense, keras.layers.Dense)]
    values = [normals(5, 7, seed=1), normals(7, seed=2)]
    results = []
    for layer in layers:
        layer.build(shape)
        layer.set_weights(values)
        gradients = gradients_fn(
            lambda x, layer=layer: ops.sum(factor * layer(x)),
            layer.trainable_variables,
            compiled=False,
        )(x)
        results.append([ops.convert_to_numpy(v) for v in (layer(x), *gradients)])
    for one, two in zip(*results, strict=True):
        scale = np.abs(two).max()
        np.testing.assert_allclose(one / scale, two / scale, atol=1e-6)
    assert layers[0].get_config().keys() == layers[1].get_config().keys()
