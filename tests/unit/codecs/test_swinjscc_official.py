"""The authors' SwinJSCC over this project's link: what is sent, told and refused."""

import numpy as np
import pytest
from codec_calls import built, decode, encode, tensor
from keras import ops
from layer_checks import assert_copy_is_the_same, assert_gradients

from semcom_phy.codecs.swinjscc_official import (
    SCALE_VALUES,
    SwinJSCCOfficialDecoder,
    SwinJSCCOfficialEncoder,
    Told,
    strongest,
)
from semcom_phy.seeding import set_seed

SIZES = {
    "image_shape": (16, 16, 3),
    "dims": (8, 10),
    "depths": (1, 2),
    "heads": (2, 2),
}
VARIANTS = {
    "wo": {"num_features": 6, "snr_adaptive": False},
    "sa": {"num_features": 6},
    "ra": {"num_features": None, "snr_adaptive": False, "rate_adaptive": True},
    "sa_ra": {"num_features": None, "rate_adaptive": True},
}
TOKENS, CHANNELS = 16, 10
SNR_DB = [10.0, 1.0, 13.0]


def halves(variant):
    set_seed(3)
    config = SIZES | VARIANTS[variant]
    return [
        built(half(**config))
        for half in (SwinJSCCOfficialEncoder, SwinJSCCOfficialDecoder)
    ]


def images(count=3):
    return np.random.default_rng(2).random((count, 16, 16, 3), "float32")


def array(value):
    return ops.convert_to_numpy(value)


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_noise_the_link_is_the_authors_network(variant):
    """Symbols of unit power as the link makes them, no noise: what the authors' decoder
    makes of the features, up to the steps of the scale (0.6 %) (2 % of the range)."""
    encoder, decoder = halves(variant)
    room = encoder.most_symbols if "ra" not in variant else 5 * TOKENS // 2 + 3
    packet = encode(encoder, images(), SNR_DB, room)
    z = array(packet.data.z)
    sent = np.full(3, z.shape[1])
    if packet.data.count is not None:
        sent = array(packet.data.count)
        assert set(sent.tolist()) == {5 * TOKENS // 2}
    power = [np.mean(np.abs(row[:n]) ** 2) for row, n in zip(z, sent, strict=True)]
    z = z[:, :room] / np.sqrt(power)[:, None]
    z[:, sent[0] :] = 1e3  # nobody looks there
    z = np.pad(z, ((0, 0), (0, room - z.shape[1])))
    found = decode(decoder, z, np.full(z.shape, 1e-9), SNR_DB, packet.side)
    snr_db = tensor(SNR_DB)
    kept = ops.full((3,), 5, dtype="int32")
    features, _ = encoder.features(tensor(images()), snr_db, kept)
    expected = array(decoder.reconstruct(features, snr_db))
    spread = expected.max() - expected.min()
    np.testing.assert_allclose(array(found), expected, atol=0.02 * spread)


@pytest.mark.parametrize("variant", ["ra", "sa_ra"])
def test_the_rate_follows_the_frame_or_what_is_asked(variant):
    """k channels, whole ones, at most D; a mask of as many (exact)."""
    encoder, decoder = halves(variant)
    for room, channels in ((8, 1), (15, 1), (16, 2), (79, 9), (80, 10), (500, 10)):
        packet = encode(encoder, images(), SNR_DB, room)
        assert set(array(packet.side.kept).sum(axis=1).tolist()) == {channels}
        assert set(array(packet.data.count).tolist()) == {channels * TOKENS // 2}
    steps = encoder.rate_steps
    asked = tensor([steps[0], steps[3], steps[-1]])
    packet = encode(encoder, images(), SNR_DB, 80, budget=asked)
    assert array(packet.side.kept).sum(axis=1).tolist() == [1, 4, CHANNELS]
    counted = array(decoder.count_symbols(packet.side, None))
    np.testing.assert_array_equal(counted, array(packet.data.count))


def test_ties_keep_the_lower_channel():
    """Whatever a sort would do (exact)."""
    score = tensor([[1.0, 2.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    kept = strongest(score, ops.convert_to_tensor(np.array([2, 3], "int32")))
    assert array(kept).tolist() == [[0, 1, 1, 0, 0], [1, 1, 1, 0, 0]]


def test_bad_symbols_are_shrunk_and_good_ones_are_not():
    """On AWGN of the SNR told the decoder gets what the authors' does (1e-5); a lost
    symbol is none (less than a hundredth of its size is left)."""
    _, decoder = halves("wo")
    z = np.random.default_rng(1).standard_normal((1, 48)) + 0j
    side = Told(np.array([600], "int32"))
    heard = {}
    decoder.reconstruct = lambda features, snr_db: heard.setdefault("x", features)
    for no in (0.1, 1e4):
        heard.clear()
        decode(decoder, z, np.full((1, 48), no), [10.0], side)
        power = np.mean(array(heard["x"]) ** 2)
        expected = np.mean(z.real**2) if no == 0.1 else 0.0
        np.testing.assert_allclose(power, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("variant", ["sa", "sa_ra"])
def test_bytes_of_side_information(variant):
    """There and back (exact); what cannot be meant is refused."""
    encoder, decoder = halves(variant)
    kept = None if variant == "sa" else np.eye(3, CHANNELS, dtype="int32")
    told = Told(np.array([0, 600, SCALE_VALUES - 1], "int32"), kept)
    payloads = encoder.side_to_bytes(told)
    assert {len(p) for p in payloads} == {encoder.side_bytes or 2}
    again = decoder.side_from_bytes(payloads)
    np.testing.assert_array_equal(again.scale, told.scale)
    assert (again.kept is None) == (kept is None)
    if kept is not None:
        np.testing.assert_array_equal(again.kept, kept)
    mask = b"" if kept is None else b"\x80\x00"
    bad = [b"", b"\xff\xff" + mask, b"\x00" + mask]
    bad += [] if kept is None else [b"\x00\x00\x00\x00", b"\x00\x00\x80\x01"]
    for payload in bad:
        with pytest.raises(ValueError):
            decoder.side_from_bytes([payload])


@pytest.mark.parametrize("variant", VARIANTS)
def test_configuration_and_gradients(variant):
    """A copy computes the same (exact); every weight is reached."""
    encoder, decoder = halves(variant)
    x, snr_db = tensor(images()), tensor(SNR_DB)
    kept = ops.full((3,), 5, dtype="int32")
    features, _ = encoder.features(x, snr_db, kept)

    def encoded(half):
        return built(half).features(x, snr_db, kept)[0]

    def decoded(half):
        return built(half).reconstruct(features, snr_db)

    assert_copy_is_the_same(encoder, encoded)
    assert_copy_is_the_same(decoder, decoded)
    weights = encoder.trainable_variables + decoder.trainable_variables

    def loss(x, snr_db):
        sent, _ = encoder.features(x, snr_db, kept)
        return ops.mean(ops.square(decoder.reconstruct(sent, snr_db) - 0.5))

    assert_gradients(loss, weights, images(), np.array(SNR_DB, "float32"))


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"image_shape": (18, 16, 3)}, "multiples of 4 pixels with 2 stages"),
        ({"image_shape": (4, 8, 3)}, "windows of 2, shifted, do not fit"),
        ({"windows": (3, 2)}, "stage 0 has 8x8 tokens"),
        ({"image_shape": (4, 4, 3), "shifted": (False, False)}, "windows of 2"),
        ({"depths": (1,)}, "one number of stages"),
        ({"rate_adaptive": True}, "None with it"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changed, message):
    """With what was given (exact)."""
    with pytest.raises(ValueError, match=message):
        SwinJSCCOfficialEncoder(**(SIZES | {"num_features": 6} | changed))


def test_frames_of_another_size_are_refused():
    """With the cbr that fits (exact)."""
    encoder, _ = halves("sa")
    with pytest.raises(ValueError, match="48 symbols per image.*a cbr of 48/768"):
        encoder.check_rate(47)
    encoder.check_rate(48)
