"""NTSCC with its own lengths, codes for several SNRs, orders and the scale sent."""

import keras
import numpy as np
import pytest
from codec_calls import tensor
from keras import ops
from patch_codecs import GRID, SHAPE, SIZES, randomise
from scipy.fft import idctn

from link_models.links.frame_link import FrameLink
from link_models.training.tasks.scene import RateDistortionLoss
from semcom_phy.backend import gradients_fn
from semcom_phy.codecs.feature_scale import (
    SCALE_STEPS_PER_DB,
    scale_of,
    scale_step,
)
from semcom_phy.codecs.ntscc import ORDER_PRICE, NtsccDecoder, NtsccEncoder
from semcom_phy.entropy_coding.conditional_code import ConditionalCode
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.layers.mapping.hybrid_mapping import power_of
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import TxKnowledge

LENGTHS, DESIGN_SNR_DB = (1, 4, 16, 64), (0.0, 10.0, 20.0)
PHOTO = {**SIZES, "lengths": LENGTHS, "design_snr_db": DESIGN_SNR_DB}
NUM_SYMBOLS, NUM_ORDERS = 600, 4


def bars(count):
    """Patches of bars, the upright in every other picture, [count, 64, 96, 3]."""
    rng = np.random.default_rng(6)
    height, width, _ = SHAPE
    lying = rng.uniform(size=(count, height, width // 16, 3)).repeat(16, axis=2)
    upright = rng.uniform(size=(count, height // 16, width, 3)).repeat(16, axis=1)
    is_upright = (np.arange(count) % 2)[:, None, None, None]
    return np.where(is_upright, upright, lying).astype("float32")


def pictures(count):
    """Spectra of photographs, of very different contrast, [count, 64, 96, 3]."""
    rng = np.random.default_rng(5)
    height, width, _ = SHAPE
    frequency = np.hypot(
        *np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    )
    spectrum = rng.standard_normal((count, height, width, 3))
    spectrum /= 1.0 + frequency[..., None]
    waves = idctn(spectrum, axes=(1, 2), norm="ortho")
    waves *= rng.uniform(0.2, 2.0, (count, 1, 1, 1))
    return np.clip(0.5 + waves, 0, 1).astype("float32")


def halves(**changes):
    """Encoder and decoder with their closed-form start."""
    keras.utils.set_random_seed(3)
    encoder, decoder = (
        half(**PHOTO | changes) for half in (NtsccEncoder, NtsccDecoder)
    )
    encoder.fit_statistics(pictures(24))
    decoder.copy_statistics(encoder)
    return encoder, decoder


def link_of(encoder, decoder):
    channel = EqualizedOFDMChannel(AWGN(1), Framing(NUM_SYMBOLS))
    return FrameLink(encoder, decoder, channel)


def side_codes():
    """The codes of side information, as the JSON of weights has them."""
    lengths = LengthCode.fit([np.zeros(GRID, int)], len(LENGTHS))
    orders = ConditionalCode(np.ones((len(LENGTHS), NUM_ORDERS), int))
    return {"length_code": lengths.to_dict(), "order_code": orders.to_dict()}


def sent_at(link, snr_db, batch=4, source=None):
    """Packet and images over AWGN at an SNR."""
    source = pictures(batch) if source is None else source
    h = link.channel.sample(batch)
    noise = link.channel.draw_noise(range(batch))
    snr_db = np.full(batch, snr_db, "float32")
    packet, delivered = link.run(tensor(source), tensor(snr_db), h, noise)
    eight_bits = (
        np.round(np.clip(ops.convert_to_numpy(x), 0, 1) * 255).astype("uint8")
        for x in (source, delivered.images)
    )
    return packet, psnr(*eight_bits).mean()


def test_a_patch_takes_the_lengths_of_its_codec():
    """Counts are sums of the codec's own lengths within the budget, and latents twice
    the longest (exact)."""
    link = link_of(*halves(scale_sent=True))
    packet, _ = sent_at(link, 10.0)
    index, _ = packet.side
    counts = np.array(LENGTHS)[ops.convert_to_numpy(index)].sum(axis=(1, 2))
    np.testing.assert_array_equal(ops.convert_to_numpy(packet.data.count), counts)
    assert np.all(counts <= NUM_SYMBOLS) and np.all(counts > 0.7 * NUM_SYMBOLS)
    assert link.encoder.num_latents == 2 * LENGTHS[-1]


def test_an_image_is_sent_by_the_code_of_the_nearest_snr():
    """Rows of the mapping by SNR, the middle going up; with one code the lengths
    themselves (exact)."""
    encoder, _ = halves()
    index = tensor(np.tile(np.arange(4), (5, 1)).reshape(5, 2, 2), "int32")
    rows = encoder.code(index, tensor([-9.0, 4.9, 5.0, 14.9, 40.0]))
    offset = ops.convert_to_numpy(rows - index)[:, 0, 0]
    assert offset.tolist() == [0, 0, 4, 4, 8]
    one = NtsccEncoder(**SIZES)
    np.testing.assert_array_equal(one.code(index), index)


def test_a_bit_takes_fewer_symbols_at_higher_capacity():
    """As ``symbols_per_bit`` at 10 dB, over log(1 + SNR) elsewhere (1e-6); with one
    code whatever the SNR."""
    encoder, _ = halves()
    found = ops.convert_to_numpy(encoder.symbols_of_bit(tensor([0.0, 10.0, 20.0])))
    expected = 0.35 * np.log(11) / np.log([2, 11, 101])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    one = NtsccEncoder(**SIZES).symbols_of_bit(tensor([0.0, 20.0]))
    assert ops.convert_to_numpy(one).tolist() == pytest.approx([0.35, 0.35])


def test_the_scale_is_told_within_half_a_step():
    """Over 100 dB; beyond, the nearest that there is."""
    level_db = np.linspace(-59.0, 42.0, 997)
    found = scale_of(scale_step(tensor(10 ** (level_db / 10))))
    error = np.abs(10 * np.log10(ops.convert_to_numpy(found) ** 2 / 2) - level_db)
    half = 0.5 / SCALE_STEPS_PER_DB
    assert error.max() <= half + 1e-3 and error.max() > half / 2
    ends = ops.convert_to_numpy(scale_step(tensor([1e-9, 1e9])))
    assert ends.tolist() == [0, 1023]


def test_the_gradient_of_the_scale_is_that_before_rounding():
    """Encoder and decoder must be of one mind on the power that all symbols have in
    common: steps per unit of the logarithm (1e-5)."""
    power = keras.Variable([0.5, 1.7])
    (found,) = gradients_fn(lambda: ops.sum(scale_step(power.value)), [power])()
    expected = 10 * SCALE_STEPS_PER_DB / np.log(10) / np.array([0.5, 1.7])
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5)


def test_the_scale_sent_is_that_of_the_symbols():
    """By which they have unit power, to half a step."""
    encoder, decoder = halves(scale_sent=True)
    known = TxKnowledge(tensor([10.0, 10.0]), budget=tensor([500.0, 600.0]))
    packet = encoder.encode(tensor(pictures(2)), known)
    z = ops.convert_to_numpy(packet.data.z)
    told = ops.convert_to_numpy(scale_of(packet.side[1]))
    for i, count in enumerate(ops.convert_to_numpy(packet.data.count)):
        power_db = 10 * np.log10(np.mean(np.abs(z[i, :count] / told[i]) ** 2))
        assert abs(power_db) < 0.5 / SCALE_STEPS_PER_DB + 1e-3


def test_the_scale_is_worth_decibels_at_high_snr():
    """At 20 dB more than 1 dB: without, the receiver judges it by the lengths."""
    told, judged = (
        sent_at(link_of(*halves(scale_sent=sent)), 20.0)[1] for sent in (True, False)
    )
    assert told > judged + 1.0


def test_orders_that_suit_are_worth_decibels():
    """Pictures of upright and of lying bars at 10 dB: more than 1 dB."""
    found = []
    for num_orders in (1, NUM_ORDERS):
        encoder, decoder = halves(scale_sent=True, num_orders=num_orders)
        encoder.fit_statistics(bars(24))
        decoder.copy_statistics(encoder)
        link = link_of(encoder, decoder)
        found.append(sent_at(link, 10.0, source=bars(4))[1])
    assert found[1] > found[0] + 1.0


@pytest.mark.parametrize("num_orders", [1, NUM_ORDERS])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("scale_sent", [False, True])
def test_side_information_is_read_as_it_was_written(fixed, scale_sent, num_orders):
    """Types, shapes and values, within the bytes that are announced (exact)."""
    told = {"fixed": fixed, "scale_sent": scale_sent, "num_orders": num_orders}
    encoder, decoder = halves(**told)
    for half in (encoder, decoder):
        half.use_record(side_codes())
    known = TxKnowledge(tensor([0.0, 20.0]), budget=tensor([400.0, 555.0]))
    side = encoder.encode(tensor(pictures(2)), known).side
    arrays = keras.tree.map_structure(ops.convert_to_numpy, side)
    payloads = encoder.side_to_bytes(arrays)
    assert max(map(len, payloads)) <= encoder.side_bytes
    if fixed and num_orders == 1:
        assert [len(payload) for payload in payloads] == [3 + 2 * scale_sent] * 2
    read = decoder.side_from_bytes(payloads)
    for one, other in zip(*map(keras.tree.flatten, (arrays, read)), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_bytes_that_cannot_be_meant_are_refused():
    """No byte at all, a scale that there is not, and equal lengths beyond the longest
    or of too many patches."""
    _, decoder = halves(fixed=True, scale_sent=True)
    ends = b"\x03\x00\x01", b"\x01\xff\xff", b"\x01"
    bad = [b"\x02\x00" + end for end in ends] + [b"", b"\xff\xff\x01\x00\x01"]
    for payload in bad:
        with pytest.raises(ValueError):
            decoder.side_from_bytes([payload])


def test_every_weight_is_reached():
    """Over AWGN the loss of training has a finite, non-zero gradient for every
    weight."""
    encoder, decoder = halves(scale_sent=True, fixed=True, num_orders=NUM_ORDERS)
    link = link_of(encoder, decoder)
    randomise(link.trainable_variables)
    rng = np.random.default_rng(2)
    noise = link.channel.draw_noise(range(4))
    known = TxKnowledge(
        tensor(rng.uniform(2, 18, 4)),
        budget=tensor(rng.uniform(200, 600, 4)),
        median_snr_db=tensor(rng.uniform(2, 18, 4)),
    )
    latent = tensor(rng.random((4, *GRID, 2 * LENGTHS[-1])) - 0.5)
    hyper = tensor(rng.random((4, 2, 3, encoder.side_channels)) - 0.5)
    h = link.channel.sample(4)

    def loss(source):
        of = RateDistortionLoss()
        return of(link, source, known.snr_db, h, noise, known, latent, hyper)

    weights = link.trainable_variables
    found = gradients_fn(loss, weights)(tensor(pictures(4)))
    for weight, gradient in zip(weights, found, strict=True):
        gradient = ops.convert_to_numpy(gradient)
        assert np.isfinite(gradient).all(), weight.path
        # Of these pictures no latent is worth a digit.
        assert np.any(gradient) or "digit" in weight.path, weight.path


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"lengths": (4, 1)}, r"increase.*\(4, 1\)"),
        ({"num_orders": 0}, "at least 1.*0"),
    ],
)
def test_what_makes_no_codec_is_refused(bad, message):
    """The values are in the message."""
    with pytest.raises(ValueError, match=message):
        NtsccEncoder(SHAPE, **bad)


def test_orders_without_a_code_are_not_sent():
    """The remedy is named, also where lengths need none."""
    encoder, _ = halves(num_orders=NUM_ORDERS, fixed=True)
    with pytest.raises(ValueError, match="benchmarks.fit_length_code"):
        encoder.check_side()
    encoder.use_record(side_codes())
    encoder.check_side()
    np.testing.assert_allclose(
        ops.convert_to_numpy(encoder.orders.price), 2 * np.log(2) * ORDER_PRICE * 2
    )


def test_the_power_leaves_out_what_is_not_sent():
    """4 real symbols of power 4 beside others (exact)."""
    symbols = np.full((1, 1, 2, 4), 9.0, "float32")
    sent = np.zeros_like(symbols)
    symbols[..., :2], sent[..., :2] = 2.0, 1.0
    assert float(power_of(tensor(symbols), tensor(sent))[0]) == 4.0
