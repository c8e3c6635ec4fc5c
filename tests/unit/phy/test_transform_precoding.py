"""Transform precoding: a unitary change of symbols with a true error variance."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.phy.transform_precoding import (
    PrefixTransformPrecoding,
    TransformPrecoding,
)
from semcom_phy.seeding import set_seed


def normals(shape, seed=1):
    parts = np.random.default_rng(seed).standard_normal((2, *shape)) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_despread_inverts_spread_and_keeps_power():
    """Spreading is unitary per stream, its inverse exact (float32 rounding)."""
    precoding, z = TransformPrecoding(2), normals((3, 24))
    x = np.asarray(precoding.spread(z))
    assert not np.allclose(x, z, atol=0.1)
    for stream in range(2):
        np.testing.assert_allclose(
            np.square(np.abs(x[:, stream::2])).sum(1),
            np.square(np.abs(z[:, stream::2])).sum(1),
            rtol=1e-5,
        )
    no_eff = np.tile(np.float32([0.1, 2.0]), (3, 12))
    z_hat, no = precoding.despread(x, no_eff)
    np.testing.assert_allclose(z_hat, z, atol=1e-5)
    np.testing.assert_allclose(no, no_eff, rtol=1e-5)


def test_spread_equals_numpy_fft_up_to_quarter_turns():
    """Each stream is numpy's DFT, scaled to be unitary, turned by fixed quarter turns
    that differ between the streams (float32 rounding)."""
    z = normals((2, 30))
    x = np.asarray(TransformPrecoding(3).spread(z))
    turns = []
    for stream in range(3):
        expected = np.fft.fft(z[:, stream::3], axis=1) / np.sqrt(10)
        turn = x[:, stream::3] / expected
        np.testing.assert_allclose(turn**4, 1, atol=1e-3)
        np.testing.assert_allclose(turn[0], turn[1], atol=1e-3)
        turns.append(turn[0])
    assert not np.allclose(turns[0], turns[1], atol=0.1)


def test_error_of_unequal_symbols_has_the_reported_variance():
    """Symbols of very unequal power: |error|^2 / no_eff averages 1 on the strong and
    on the weak after the DFT (4 standard errors, 2000 fades), and without it does not
    on the strong. With the DFT they stand at random places of their stream: at fixed
    ones among 32, what is left of the other stream differs by some 6 %."""
    batch, num = 2000, 64
    amplitude = np.where(np.arange(num) < 4, 3.9, 0.25)
    amplitude /= np.sqrt(np.mean(amplitude**2))
    plain_z = (normals((batch, num)) * amplitude).astype(np.complex64)
    streams = np.tile(amplitude.reshape(-1, 2), (batch, 1, 1))
    places = np.random.default_rng(2).permuted(streams, axis=1).reshape(batch, num)
    strong = places > 1
    z = (normals((batch, num)) * places).astype(np.complex64)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num, 2))
    set_seed(3)
    h = channel.sample(batch)
    noise = channel.draw_noise(range(batch))
    precoding = TransformPrecoding(2)

    x_hat, no_eff = channel(precoding.spread(z), h, 0.2, noise)
    z_hat, no_eff = (np.asarray(v) for v in precoding.despread(x_hat, no_eff))
    ratio = np.square(np.abs(z_hat - z)) / no_eff
    for part in (strong, ~strong):
        per_fade = ratio[part].reshape(batch, -1).mean(1)
        standard_error = per_fade.std() / np.sqrt(batch)
        assert abs(per_fade.mean() - 1) < 4 * standard_error

    x_hat, no_eff = (np.asarray(v) for v in channel(plain_z, h, 0.2, noise))
    plain = np.square(np.abs(x_hat - plain_z)) / no_eff
    assert plain[:, :4].mean() > 1.3


def test_uneven_streams_are_refused():
    """Symbols that do not fill the streams raise an error that names the numbers."""
    with pytest.raises(ValueError, match="25 symbols do not fill 2 streams"):
        TransformPrecoding(2).spread(normals((1, 25)))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        TransformPrecoding(0)


FRAME = 210  # no multiple of 16 times the streams
COUNTS = (0, 1, 2, 7, 15, 16, 17, 33, 64, 100, 128, 161, 209, 210)


def tensors(z, count, ordered):
    """Arguments of PrefixTransformPrecoding."""
    ordered = np.broadcast_to(ordered, len(z))
    return (
        ops.convert_to_tensor(z),
        ops.convert_to_tensor(np.asarray(count, "int32")),
        ops.convert_to_tensor(np.array(ordered)),
    )


def spread(precoding, z, count, ordered):
    return ops.convert_to_numpy(precoding.spread(*tensors(z, count, ordered)))


def despread(precoding, x, no_eff, count, ordered):
    x, count, ordered = tensors(x, count, ordered)
    given = ops.convert_to_tensor(np.asarray(no_eff, "float32"))
    outputs = precoding.despread(x, given, count, ordered)
    return [ops.convert_to_numpy(v) for v in outputs]


def within(count, num=FRAME):
    return np.arange(num) < np.asarray(count)[:, None]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("num_streams", [1, 2, 4])
def test_prefix_despread_inverts_spread(num_streams, ordered):
    """For images of any count side by side: the first symbols return with the variance
    they were given, and hold the power they had (float32 rounding, 1e-5)."""
    precoding, z = PrefixTransformPrecoding(num_streams), normals((len(COUNTS), FRAME))
    x = spread(precoding, z, COUNTS, ordered)
    assert x.shape == z.shape and x.dtype == np.complex64
    inside = within(COUNTS)
    np.testing.assert_allclose(
        np.sum(np.abs(x) ** 2 * inside, axis=1),
        np.sum(np.abs(z) ** 2 * inside, axis=1),
        rtol=1e-5,
    )
    no_eff = np.full(z.shape, 0.3)
    z_hat, no = despread(precoding, x, no_eff, COUNTS, ordered)
    assert z_hat.dtype == np.complex64 and no.dtype == np.float32
    np.testing.assert_allclose(z_hat[inside], z[inside], atol=1e-5)
    np.testing.assert_allclose(no[inside], 0.3, rtol=1e-5)


def test_prefix_of_streams_with_noise_of_their_own():
    """A variance per stream comes back with the symbols of that stream, which are every
    second one, or the first and the second half if ordered (1e-5)."""
    no_eff = np.tile([0.1, 2.0], (2, FRAME // 2))
    x, count = normals((2, FRAME)), [128, 128]
    _, no = despread(PrefixTransformPrecoding(2), x, no_eff, count, [False, True])
    np.testing.assert_allclose(no[0, :128], np.tile([0.1, 2.0], 64), rtol=1e-5)
    np.testing.assert_allclose(no[1, :128], np.repeat([0.1, 2.0], 64), rtol=1e-5)


@pytest.mark.parametrize("ordered", [False, True])
def test_symbols_behind_the_count_stay_apart(ordered):
    """They change nothing of the first ones on either way, which do not change them
    (exact)."""
    precoding, z = PrefixTransformPrecoding(2), normals((len(COUNTS), FRAME))
    inside, other = within(COUNTS), normals(z.shape, seed=2)
    one = spread(precoding, z, COUNTS, ordered)
    two = spread(precoding, np.where(inside, z, other), COUNTS, ordered)
    np.testing.assert_array_equal(one[inside], two[inside])
    np.testing.assert_array_equal(one[~inside], z[~inside])
    no_eff = np.random.default_rng(3).uniform(0.1, 2, z.shape)
    disturbed = np.where(inside, one, other), np.where(inside, no_eff, 9.0)
    for clean, dirty in zip(
        despread(precoding, one, no_eff, COUNTS, ordered),
        despread(precoding, *disturbed, COUNTS, ordered),
        strict=True,
    ):
        np.testing.assert_array_equal(clean[inside], dirty[inside])


@pytest.mark.parametrize("num_streams", [2, 4])
def test_ordered_fills_one_stream_after_the_other(num_streams):
    """Of n symbols per stream the first n go to the first stream alone, the next n to
    the second, and so on; in turn without `ordered` (exact zeros elsewhere)."""
    precoding = PrefixTransformPrecoding(num_streams)
    count = np.array([64 * num_streams // 2, 137, 200])
    per_stream = count // num_streams
    place = np.arange(FRAME)
    for stream in range(num_streams):
        behind = place - stream * per_stream[:, None]
        turns = (behind >= 0) & (behind < per_stream[:, None])
        z = np.where(turns, normals((3, FRAME)), 0)
        x = spread(precoding, z, count, True)
        assert not np.any(x[:, place % num_streams != stream])
        z = np.where(place % num_streams == stream, normals((3, FRAME)), 0)
        x = spread(precoding, z, count, False)
        assert not np.any(x[:, place % num_streams != stream])


def test_prefix_spreads_over_all_whole_groups():
    """A single symbol reaches all elements of the whole groups of 16 of its stream, up
    to 256, none with more than half of its power (impulses on every place)."""
    for count, reached in ((64, 32), (200, 96), (512, 256)):
        z = np.eye(count, 512, dtype=np.complex64)
        x = spread(PrefixTransformPrecoding(2), z, np.full(count, count), False)
        power = np.abs(x[: 2 * reached]) ** 2
        assert np.all((power > 1e-9).sum(1) > 0.6 * reached)
        assert power.max() < 0.5
        elements = (power > 1e-9).sum(0)
        for stream in range(2):
            assert np.all(elements[stream : 2 * reached : 2] > 0)
        np.testing.assert_array_equal(x[2 * reached :], z[2 * reached :])


def falling(count, num, seed=1):
    """Symbols of powers that fall by 50 dB over the count, on average 1 per image."""
    place = np.arange(num) / np.asarray(count)[:, None]
    amplitude = np.where(place < 1, np.exp(-6 * place), 0)
    power = np.sum(amplitude**2, axis=1, keepdims=True)
    amplitude = amplitude * np.sqrt(np.asarray(count)[:, None] / power)
    return (normals(place.shape, seed) * amplitude).astype(np.complex64)


def ratios(error, no_eff, count):
    """|error|^2 / no_eff of each image: its strongest sixteenth, and the rest."""
    place = np.arange(error.shape[1]) / np.asarray(count)[:, None]
    ratio = np.square(np.abs(error)) / no_eff
    parts = []
    for part in (place < 1 / 16, (place >= 1 / 16) & (place < 1)):
        parts.append(np.sum(ratio * part, axis=1) / part.sum(axis=1))
    return parts


def test_prefix_error_of_unequal_symbols_has_the_reported_variance():
    """Sorted symbols of powers that fall by 50 dB, counts that differ from image to
    image: |error|^2 / no_eff averages 1 on the strong and on the weak (4 standard
    errors, 1500 fades), and without spreading does not on the strong."""
    batch, num = 1500, 512
    count = 32 * np.random.default_rng(5).integers(4, 17, batch)
    z = falling(count, num)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num, 2))
    set_seed(3)
    h = channel.sample(batch)
    noise = channel.draw_noise(range(batch))
    precoding = PrefixTransformPrecoding(2)

    x = spread(precoding, z, count, False)
    x_hat, no_eff = (ops.convert_to_numpy(v) for v in channel(x, h, 0.2, noise))
    z_hat, no_eff = despread(precoding, x_hat, no_eff, count, False)
    for ratio in ratios(z_hat - z, no_eff, count):
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(batch)

    z_hat, no_eff = (ops.convert_to_numpy(v) for v in channel(z, h, 0.2, noise))
    assert ratios(z_hat - z, no_eff, count)[0].mean() > 1.3


def test_prefix_of_any_count_reports_the_variance_of_orthogonal_streams():
    """Ordered, over eigenmodes: no interference is left, and |error|^2 / no_eff
    averages 1 for counts that fill no groups, too (4 standard errors, 1000 fades)."""
    batch, num = 1000, 300
    count = np.random.default_rng(6).integers(16, num + 1, batch)
    z = falling(count, num)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num, 2))
    set_seed(3)
    h = channel.sample(batch)
    noise = channel.draw_noise(range(batch))
    w = svd_precoder(ops.convert_to_numpy(h), 10.0)
    precoding = PrefixTransformPrecoding(2)
    x = spread(precoding, z, count, True)
    reception = channel.receive(x, h, 0.2, noise, ops.convert_to_tensor(w))
    x_hat, no_eff = (ops.convert_to_numpy(v) for v in reception[:2])
    z_hat, no_eff = despread(precoding, x_hat, no_eff, count, True)
    for ratio in ratios(z_hat - z, no_eff, count):
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(batch)


@pytest.mark.parametrize("per_stream", [16, 48, 256, 272])
def test_prefix_of_selective_noise_has_the_reported_variance(per_stream):
    """A variance that differs by 30 dB between symbols: after the MMSE combination
    |error|^2 / no_eff averages 1 (4 standard errors, 400 frames); 1 / (1 + no_eff)
    keeps its mean over a stream (1e-4) and takes one value per group of 16 at most."""
    batch, num = 400, 2 * per_stream
    rng = np.random.default_rng(7)
    no_eff = 10 ** rng.uniform(-2, 1, (batch, num))
    z, count = normals((batch, num)), np.full(batch, num)
    precoding = PrefixTransformPrecoding(2)
    x = spread(precoding, z, count, False)
    x_hat = (x + normals(z.shape, seed=8) * np.sqrt(no_eff)).astype(np.complex64)
    z_hat, no = despread(precoding, x_hat, no_eff, count, False)
    ratio = (np.square(np.abs(z_hat - z)) / no).mean(axis=1)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(batch)
    beta = (1 / (1 + no_eff.reshape(batch, -1, 2))).mean(axis=1)
    combined = no.reshape(batch, -1, 2)
    np.testing.assert_allclose((1 / (1 + combined)).mean(axis=1), beta, rtol=1e-4)
    levels = len(np.unique(np.round(no[0, ::2], 5)))
    assert levels <= per_stream // 16


def test_prefix_needs_a_stream():
    """The number received is in the message (exact)."""
    with pytest.raises(ValueError, match="at least 1, got 0"):
        PrefixTransformPrecoding(0)
