"""DeepJSCC: shapes, rates and what is refused."""

import numpy as np
import pytest
from codec_calls import built, decode, encode
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.codecs.deepjscc import DeepJSCCDecoder, DeepJSCCEncoder

SNR_DB = np.array([0.0, 20.0], "float32")
SMALL = {"image_shape": (16, 12, 3), "filters": (4, 6, 6, 5), "num_symbols": 48}


def pictures(count=2, shape=(16, 12, 3)):
    return np.random.default_rng(0).random((count, *shape), dtype="float32")


def received(count=2, num_symbols=48, seed=1):
    parts = np.random.default_rng(seed).standard_normal((count, num_symbols, 2))
    x_hat = ops.view_as_complex(ops.convert_to_tensor(parts.astype("float32")))
    return x_hat, ops.full((count, num_symbols), 0.1)


@pytest.mark.parametrize("attention", [False, True])
def test_shapes_and_configuration(attention):
    """Documented shapes and types, the same codec from its configuration, compiled the
    same numbers (1e-4)."""
    encoder = built(DeepJSCCEncoder(**SMALL, snr_attention=attention))
    decoder = built(DeepJSCCDecoder(**SMALL, snr_attention=attention))
    packet = encode(encoder, pictures(), SNR_DB, 48)
    z = ops.convert_to_numpy(packet.data.z)
    assert z.shape == (2, 48) and z.dtype == np.complex64
    assert packet.data.count is None and packet.side is None
    image = ops.convert_to_numpy(decode(decoder, *received(), SNR_DB))
    assert image.shape == (2, 16, 12, 3) and image.dtype == np.float32
    assert 0 < image.min() and image.max() < 1

    copy = built(DeepJSCCEncoder.from_config(encoder.get_config()))
    copy.set_weights(encoder.get_weights())
    compiled = compile_fn(
        lambda image, snr: encode(copy, image, snr, 48).data.z, jit=False
    )
    again = compiled(ops.convert_to_tensor(pictures()), ops.convert_to_tensor(SNR_DB))
    np.testing.assert_allclose(ops.convert_to_numpy(again), z, atol=1e-4)
    copy = built(DeepJSCCDecoder.from_config(decoder.get_config()))
    copy.set_weights(decoder.get_weights())
    again = ops.convert_to_numpy(decode(copy, *received(), SNR_DB))
    np.testing.assert_allclose(again, image, atol=1e-4)


def test_rate_is_that_of_the_last_feature_maps():
    """(H/4)(W/4) c/2 symbols: c = 16 maps of 8x8 are cbr 1/6 of 32x32 (exact)."""
    encoder = DeepJSCCEncoder(filters=(2, 2, 2, 2))
    assert encoder.depth == 16 and encoder.grid == (8, 8)
    assert encoder.num_symbols == 512 == 3 * 32 * 32 // 6


def test_decoder_sees_the_biased_estimate():
    """Only x_hat / (1 + no_eff) counts: twice the one and the matching other give the
    same image (1e-5)."""
    decoder = built(DeepJSCCDecoder(**SMALL))
    x_hat, no_eff = received()
    one = ops.convert_to_numpy(decode(decoder, x_hat, no_eff, SNR_DB))
    two = ops.convert_to_numpy(decode(decoder, 2 * x_hat, 2 * no_eff + 1, SNR_DB))
    np.testing.assert_allclose(one, two, atol=1e-5)
    other = ops.convert_to_numpy(decode(decoder, x_hat, 5 * no_eff, SNR_DB))
    assert np.abs(one - other).max() > 1e-4


@pytest.mark.parametrize(
    "values, message",
    [
        ({"image_shape": (20, 12, 3)}, "multiple of 7.5 for 20x12.*received 48"),
        ({"filters": (8, 8)}, r"four numbers, received \(8, 8\)"),
        ({"num_symbols": 47}, "multiple of 6 for 16x12.*received 47"),
        ({"num_symbols": 0}, "received 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(values, message):
    """The value received is in the message (exact)."""
    for codec in (DeepJSCCEncoder, DeepJSCCDecoder):
        with pytest.raises(ValueError, match=message):
            codec(**SMALL | values)


def test_another_rate_or_size_is_refused():
    """One model serves one rate and one image size (exact)."""
    encoder, decoder = map(built, (DeepJSCCEncoder(**SMALL), DeepJSCCDecoder(**SMALL)))
    with pytest.raises(ValueError, match="sends 48 symbols per image, received 96"):
        encode(encoder, pictures(), SNR_DB, 96)
    with pytest.raises(ValueError, match="sends 48 symbols per image, received 96"):
        decode(decoder, *received(num_symbols=96), SNR_DB)
    with pytest.raises(ValueError, match=r"\(16, 12, 3\), received \(32, 24, 3\)"):
        encode(encoder, pictures(shape=(32, 24, 3)), SNR_DB, 48)
