"""ADJSCC: shapes and rates, and that it starts as a linear coder."""

import numpy as np
import pytest
from codec_calls import built, decode, encode
from keras import ops
from scipy.fft import dctn, idctn

from semcom_phy.backend import compile_fn
from semcom_phy.codecs.adjscc import AdjsccDecoder, AdjsccEncoder
from semcom_phy.phy.power_allocation import power_allocation

TINY = {"image_shape": (16, 12, 3), "filters": 8, "num_blocks": 1}
SNR_DB = np.array([0.0, 7.5, 20.0], "float32")


def pictures(count=3, seed=0):
    """Smooth coloured noise in [0, 1]."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((count, 16, 12, 3)).cumsum(1).cumsum(2)
    images = images @ np.array([[1, 0.8, 0.6], [0, 0.5, 0.2], [0, 0, 0.2]])
    return ((images - images.min()) / np.ptp(images)).astype("float32")


def pair(counts=(64,)):
    """Untrained encoder and decoder, fitted to images."""
    encoder = built(AdjsccEncoder(symbol_counts=counts, **TINY))
    decoder = built(AdjsccDecoder(symbol_counts=counts, **TINY))
    for layer in (encoder, decoder):
        layer.fit_statistics(pictures(60, seed=1))
    return encoder, decoder


def randomise(layer, seed=1):
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(0.2 * rng.standard_normal(weight.shape))


@pytest.mark.parametrize("counts, num_symbols", [((64,), 64), ((32, 64, 96), 64)])
def test_shapes_and_configuration(counts, num_symbols):
    """Documented shapes and types at any rate, the same codec from its configuration,
    compiled the same numbers (relative 1e-3)."""
    encoder, decoder = pair(counts)
    no_eff = ops.full((3, num_symbols), 0.2)
    for layer in (encoder, decoder):
        randomise(layer)
    packet = encode(encoder, pictures(), SNR_DB, num_symbols)
    z = packet.data.z
    assert z.shape == (3, num_symbols)
    assert packet.data.count is None and packet.side is None
    assert ops.convert_to_numpy(z).dtype == np.complex64
    image = ops.convert_to_numpy(decode(decoder, z, no_eff, SNR_DB))
    assert image.shape == (3, 16, 12, 3) and image.dtype == np.float32

    def chain(source, snr_db):
        sent = encode(copies[0], source, snr_db, num_symbols).data.z
        return sent, decode(copies[1], sent, no_eff, snr_db)

    copies = []
    for layer in (encoder, decoder):
        assert list(layer.symbol_counts) == sorted(counts)
        copies.append(built(type(layer).from_config(layer.get_config())))
    inputs = [ops.convert_to_tensor(v) for v in (pictures(), SNR_DB)]
    for copy, layer in zip(copies, (encoder, decoder), strict=True):
        copy.set_weights(layer.get_weights())
    graph = compile_fn(chain, jit=False)  # XLA: the training tests
    for again, value in zip(graph(*inputs), (z, image), strict=True):
        value = ops.convert_to_numpy(value)
        scale = np.abs(value).max()
        np.testing.assert_allclose(
            ops.convert_to_numpy(again) / scale, value / scale, atol=1e-3
        )


def test_untrained_encoder_is_the_linear_coder():
    """DCT coefficients by falling variance, with the amplitudes of the closed-form
    allocation for the SNR; the last 16 carry the scale (relative 1e-3)."""
    encoder, _ = pair()
    images = pictures()
    z = ops.convert_to_numpy(encode(encoder, images, SNR_DB, 64).data.z)
    values = np.stack([z.real, z.imag], -1).reshape(3, -1)
    std, order = (ops.convert_to_numpy(v)[:128] for v in encoder.spectrum.weights[2:4])
    mean, color = (ops.convert_to_numpy(v) for v in encoder.spectrum.weights[:2])
    spectrum = dctn((images - mean) @ color, axes=(1, 2), norm="ortho")
    spectrum = spectrum.reshape(3, -1)[:, order] / std
    for i, snr_db in ((0, 0.0), (2, 20.0)):  # on knots of the table
        powers = power_allocation(std**2, 10 ** (-snr_db / 10), 128.0)
        expected = spectrum[i] * np.sqrt(powers + 1e-3)
        np.testing.assert_allclose(
            values[i, :-16], expected[:-16], rtol=1e-3, atol=1e-4
        )


def test_untrained_decoder_is_a_wiener_filter():
    """Each coefficient is weighed by g / (g^2 + no), then the inverse DCT (1e-4)."""
    encoder, decoder = pair()
    rng = np.random.default_rng(2)
    received = rng.standard_normal((1, 64, 2)).astype("float32")
    no_eff = rng.uniform(0.05, 1, (1, 64)).astype("float32")
    x_hat = ops.view_as_complex(ops.convert_to_tensor(received))
    image = ops.convert_to_numpy(decode(decoder, x_hat, no_eff, [10.0]))

    mean, color, std, order, _ = map(ops.convert_to_numpy, decoder.spectrum.weights)
    gain = np.sqrt(power_allocation(std[:128] ** 2, 0.1, 128.0) + 1e-3)
    no = np.repeat(no_eff[0], 2)
    values = received.ravel() * gain / (gain**2 + no) * std[:128]
    spectrum = np.zeros(16 * 12 * 3)
    spectrum[order[:112]] = values[:112]
    flat = idctn(spectrum.reshape(16, 12, 3), axes=(0, 1), norm="ortho")
    np.testing.assert_allclose(image[0], flat @ color.T + mean, atol=1e-4)


def test_untrained_pair_returns_the_projection_without_noise():
    """no -> 0 reconstructs what 112 coefficients hold (1e-2 where the table adds 1e-3
    to powers that are small)."""
    encoder, decoder = pair()
    images = pictures()
    snr_db = np.full(3, 20.0, "float32")
    z = encode(encoder, images, snr_db, 64).data.z
    image = ops.convert_to_numpy(decode(decoder, z, ops.full(z.shape, 1e-7), snr_db))
    spectrum = encoder.spectrum
    kept = spectrum.analyse(spectrum.decorrelate(images), 112)
    kept = ops.convert_to_numpy(spectrum.recorrelate(spectrum.synthesise(kept)))
    np.testing.assert_allclose(image, kept, atol=1e-2)
    assert np.mean((kept - images) ** 2) < 0.1 * np.mean((images - images.mean()) ** 2)


def test_rate_and_snr_change_the_amplitudes():
    """One model: fewer symbols or another SNR give other powers per coefficient."""
    encoder, _ = pair((32, 64))
    images = pictures()
    many, few, poor = (
        ops.convert_to_numpy(encode(encoder, images, np.full(3, snr), count).data.z)
        for snr, count in ((20.0, 64), (20.0, 32), (0.0, 64))
    )
    assert few.shape == (3, 32)
    for other in (few[:, :8], poor[:, :8]):
        assert not np.allclose(np.abs(many[:, :8]), np.abs(other), rtol=0.05)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"image_shape": (5, 5, 3)}, "multiples of 4, received 5x5"),
        ({"symbol_counts": (0, 64)}, "between 1 and 288.*received"),
        ({"symbol_counts": (320,)}, r"between 1 and 288.*\(320,\)"),
        ({"symbol_counts": (64, 64)}, "differ and be equally spaced"),
        ({"symbol_counts": (32, 64, 128)}, "differ and be equally spaced"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(values, message):
    """The value received is in the message (exact)."""
    for codec in (AdjsccEncoder, AdjsccDecoder):
        with pytest.raises(ValueError, match=message):
            codec(**TINY | {"symbol_counts": (64,)} | values)


def test_rates_and_images_outside_the_model_are_refused():
    """Symbols beyond the range or between its steps, other image sizes (exact)."""
    encoder, decoder = pair((64, 96))
    for count, message in (
        (32, "received 32: give a cbr from 64/576 to 96/576, or"),
        (128, "64 to 96 symbols per image, received 128"),
        (80, "a multiple of 32, received 80: give a cbr of 64/576 or 96/576"),
    ):
        with pytest.raises(ValueError, match=message):
            encode(encoder, pictures(), SNR_DB, count)
        x_hat = ops.cast(ops.ones((3, count)), "complex64")
        with pytest.raises(ValueError, match=message):
            decode(decoder, x_hat, ops.ones((3, count)), SNR_DB)
    for shape in ((3, 32, 24, 3), (3, 5, 5, 3), (3, 16, 12, 1)):
        with pytest.raises(ValueError, match=r"\(16, 12, 3\), received"):
            encode(encoder, np.zeros(shape), SNR_DB, 64)
    with pytest.raises(ValueError, match=r"\(16, 12, 3\), received \(16, 16, 3\)"):
        encoder.fit_statistics(np.zeros((9, 16, 16, 3)))
