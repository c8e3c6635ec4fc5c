"""Every end-to-end chain: what it hands back, its limits, its outages."""

import json
from functools import cache

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves, samples_of

from link_models.codecs import CODECS, build_link, find_codec
from link_models.links.frame_link import FrameLink
from link_models.links.radio import build_channel
from link_models.systems.frame_system import FrameSystem
from link_models.systems.images import to_uint8
from link_models.systems.linear_coder import LinearCoder
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.separation.capacity_system import CapacitySystem
from link_models.systems.separation.coder import SeparationCoder
from link_models.systems.table import SYSTEMS, build_system
from link_models.systems.transmitter import Transmitter
from scenarios.scenario import Scenario
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.codecs.contract import (
    Packet,
    Received,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.codecs.linear_analogue import LinearAnalogueCoder
from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.link import mimo_capacity
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.seeding import set_seed
from semcom_phy.simulation.system import Transmission
from semcom_phy.source_coding import shared_codec
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Delivered

SHAPE, NUM_SYMBOLS = (16, 16, 3), 192
COLOR = (120, 10, 250)
CODEC = "webp"


def channel(num_symbols=NUM_SYMBOLS, csi=None):
    csi = LSEstimator() if csi is None else csi
    return EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num_symbols, 2), csi)


@cache
def separation(knowledge, num_symbols=NUM_SYMBOLS, csi=None):
    link = channel(num_symbols, csi)
    codec = shared_codec(CODEC, SHAPE[:2])
    coder = SeparationCoder(codec, link, all_schemes(), knowledge, COLOR, SHAPE)
    return FrameSystem("webp", "WebP", coder, link, COLOR)


def capacity(rule, num_symbols=NUM_SYMBOLS):
    codec = shared_codec(CODEC, SHAPE[:2])
    return CapacitySystem(
        "cap", "Capacity", codec, channel(num_symbols), rule, COLOR, SHAPE
    )


@cache
def linear(num_side):
    coder = LinearAnalogueCoder.fit(pictures(200)[100:], 2 * NUM_SYMBOLS)
    link = channel(NUM_SYMBOLS + num_side)
    coder = LinearCoder(coder, link, num_side)
    return FrameSystem("linear", "Linear", coder, link, COLOR)


@cache
def adjscc():
    config = {"image_shape": SHAPE, "symbol_counts": (NUM_SYMBOLS,)}
    config |= {"filters": 8, "num_blocks": 1}
    set_seed(1)
    link = build_link(CODECS["adjscc"], [config, config], channel())
    for part in (link.encoder, link.decoder):
        part.fit_statistics(pictures(200)[100:] / 255)
    coder = SemanticCoder(link, Transmitter(link.channel), about={"weights": "none"})
    return FrameSystem("adjscc", "ADJSCC", coder, link.channel, COLOR)


BUILDERS = {
    "adjscc": adjscc,
    "webp, average": lambda: separation("average"),
    "webp, csi": lambda: separation("csi"),
    "capacity of each fade": lambda: capacity("realisation"),
    "outage capacity": lambda: capacity("outage"),
    "lmmse sum rate": lambda: capacity("lmmse"),
    "linear": lambda: linear(128),
    "linear, free scale": lambda: linear(0),
}


@cache
def pictures(count):
    return load_images("sample", count, size=16)[0]


def transmit(system, images, snr_db, h, seeds=None):
    seeds = range(len(images)) if seeds is None else seeds
    return system.transmit(samples_of(images), snr_db, h, seeds)


def fades(link, count, seed=5):
    set_seed(seed)
    return link.sample(count)


def parallel_fades(*gains):
    """Two streams that do not mix, with an amplitude per image."""
    gains = np.array(gains, "complex64").reshape(-1, 1, 1, 1, 1, 1)
    return gains * np.eye(2, dtype="complex64")[:, :, None, None]


@pytest.mark.parametrize("name", BUILDERS)
def test_a_transmission_moves_no_stream_of_others(name):
    """A user's next channel.sample is another one after every transmission (exact)."""
    system = BUILDERS[name]()
    assert_no_stream_moves(system, channel(), pictures(3))


@pytest.mark.parametrize("name", BUILDERS)
def test_rows_do_not_depend_on_the_batch(name):
    """Fades, noise, choices and figures follow from each image's seed."""
    assert_batches_do_not_matter(BUILDERS[name](), channel(), pictures(4))


@pytest.mark.parametrize("name", BUILDERS)
def test_transmit_contract(name):
    """Images, outages and figures of the documented shapes; the same seed gives the
    same images whatever was drawn before, another one another noise; an outage shows
    the mean colour; what is spent is what the description says, which is JSON (exact).
    """
    system, images = BUILDERS[name](), pictures(6)
    h = fades(channel(), 6)
    before = images.copy()
    set_seed(11)
    sent = transmit(system, images, 9.0, h)
    set_seed(12)
    again = transmit(system, images, 9.0, h)
    assert isinstance(sent, Transmission)
    shown = sent.delivered.images
    assert shown.shape == images.shape and shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, again.delivered.images)
    np.testing.assert_array_equal(sent.outage, again.outage)
    for key, values in sent.figures.items():
        np.testing.assert_array_equal(values, again.figures[key])
    np.testing.assert_array_equal(images, before)
    assert np.all(shown[sent.outage] == COLOR)
    if name in ("adjscc", "linear", "linear, free scale"):
        other = transmit(system, images, 9.0, h, range(1, 7)).delivered.images
        assert np.all(np.any(other != shown, axis=(1, 2, 3)))

    about = json.loads(json.dumps(system.describe()))
    assert about["title"] and system.name
    assert about["bandwidth"]["data_symbols"] == NUM_SYMBOLS
    side = 128 if name == "linear" else 0
    assert about["bandwidth"]["side_info_symbols"] == side
    assert sent.spent.data.tolist() == [NUM_SYMBOLS] * 6
    assert sent.spent.side.tolist() == [side] * 6


def test_a_better_channel_gives_better_images():
    """Linear coder, 15 dB against 0 dB: paired gain above 4 standard errors (n = 64
    images, one fade each, seed 5)."""
    system, images = linear(0), pictures(64)
    h = fades(system.channel, 64)
    poor, good = (
        psnr(images, transmit(system, images, snr, h).delivered.images)
        for snr in (0.0, 15.0)
    )
    gain = good - poor
    assert gain.mean() > 4 * gain.std() / 8


class Pixels(SemanticEncoder):
    """Sends every pair of pixels as one symbol."""

    image_shape = (8, 48, 1)

    def encode(self, source, known, uniform=None):
        pairs = ops.reshape(source, (-1, known.num_symbols, 2))
        return Packet(Analogue(ops.view_as_complex(pairs)))


class Estimates(SemanticDecoder):
    """Real and imaginary parts of the estimates and their error variance, stacked."""

    def decode(self, received, known, training=False):
        parts = ops.real(received.z_hat), ops.imag(received.z_hat), received.no_eff
        return Delivered(ops.stack(parts, axis=-1))


def test_identity_codec_meets_the_l_mmse_error():
    """Encoder and decoder that change nothing: |x_hat - x|^2 / no_eff averages 1, the
    biased estimate's error no_eff / (1 + no_eff) (4 standard errors over n = 500 fades
    of 2x2, perfect CSI, seed 6)."""
    set_seed(6)
    rng, count = np.random.default_rng(6), 500
    link = FrameLink(Pixels(), Estimates(), channel(csi=PerfectCSI()))
    source = rng.standard_normal((count, 8, 48, 1)).astype("float32")
    source /= np.sqrt(np.mean(source**2, axis=(1, 2, 3), keepdims=True))
    snr_db = np.full(count, 8.0, "float32")
    out = np.asarray(link(source, snr_db, link.channel.sample(count)))
    x = source.reshape(count, -1, 2) / np.sqrt(2)
    x_hat, no_eff = out[..., :2], out[..., 2]
    ratio = np.sum((x_hat - x) ** 2, -1) / no_eff
    biased = np.sum((x_hat / (1 + no_eff)[..., None] - x) ** 2, -1)
    excess = biased / (no_eff / (1 + no_eff))
    for value in (ratio, excess):
        per_fade = value.mean(1)
        assert abs(per_fade.mean() - 1) < 4 * per_fade.std() / np.sqrt(count)


def test_without_noise_the_link_is_its_codec():
    """At 80 dB, through estimated 2x2 fades, decoder(encoder) comes out (1e-3)."""
    link, source = adjscc().coder.link, (pictures(4) / 255).astype("float32")
    snr_db = ops.full((4,), 80.0)
    known = TxKnowledge(snr_db, num_symbols=NUM_SYMBOLS)
    z = link.encoder.encode(ops.convert_to_tensor(source), known).data.z
    no = ops.full(z.shape, 1e-7)
    received = Received(link.modulation.power(z), no, no)
    direct = link.decoder.decode(received, RxKnowledge(snr_db, fed_back=known))
    h = fades(link.channel, 4)
    sent, direct = map(ops.convert_to_numpy, (link(source, snr_db, h), direct.images))
    np.testing.assert_allclose(sent, direct, atol=1e-3)


def test_the_model_owns_the_weights_of_its_codec():
    """Encoder's and decoder's weights are the link's, and no other (exact)."""
    link = adjscc().coder.link
    parts = link.encoder.weights + link.decoder.weights
    assert [id(w) for w in link.weights] == [id(w) for w in parts]


def test_one_codec_serves_several_links():
    """As in a training over two at once: both have its weights (exact)."""
    config = {"image_shape": SHAPE, "symbol_counts": (64, 96), "filters": 8}
    halves = [half(**config, num_blocks=1) for half in CODECS["adjscc"]]
    links = [FrameLink(*halves, channel(count)) for count in (64, 96)]
    first, second = (link.trainable_variables for link in links)
    assert first and all(a is b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("knowledge", ["average", "csi"])
def test_a_fade_that_fails_shows_the_mean_colour(knowledge):
    """Image 0 in a fade 60 dB down is lost, the others at 30 dB are not. Who knows only
    the average sends it in vain (CRC), who knows the fade sends nothing (exact)."""
    system, images = separation(knowledge, csi=PerfectCSI()), pictures(5)
    h = parallel_fades(1e-3, 1, 1, 1, 1)
    sent = transmit(system, images, 30.0, h)
    shown = sent.delivered.images
    np.testing.assert_array_equal(sent.outage, [True, False, False, False, False])
    assert np.all(shown[0] == COLOR)
    blank = np.broadcast_to(np.array(COLOR, "uint8"), images[1:].shape)
    assert np.all(psnr(images[1:], shown[1:]) > psnr(images[1:], blank) + 5)
    block_error, size = sent.figures["block_error"], sent.figures["payload_bytes"]
    np.testing.assert_array_equal(block_error[1:], 0)
    assert np.all(size[1:] > 0) and not sent.lost["data"][1:].any()
    if knowledge == "average":
        assert block_error[0] == 1 and size[0] > 0 and sent.lost["data"][0]
    else:
        assert np.isnan(block_error[0]) and size[0] == 0 and not sent.lost["data"][0]


def test_feedback_follows_the_fade():
    """With fed-back CSI the payload grows with the gain of the fade and arrives; with
    the average alone it fits the same transport block whatever the fade (exact)."""
    images = np.repeat(pictures(1), 4, axis=0)
    h = parallel_fades(0.3, 0.6, 1.2, 2.4)
    adaptive = transmit(separation("csi"), images, 20.0, h, range(4, 8))
    assert not adaptive.outage.any()
    assert np.all(np.diff(adaptive.figures["payload_bytes"]) > 0)
    fixed = transmit(separation("average"), images, 20.0, h)
    assert np.ptp(fixed.figures["payload_bytes"]) == 0


@pytest.mark.parametrize("name", ["average", "csi", "realisation", "outage", "lmmse"])
def test_a_budget_below_the_codecs_minimum_is_an_outage(name):
    """Eight symbols hold no picture: mean colour, counted, nothing invented (exact)."""
    build = separation if name in ("average", "csi") else capacity
    system, images = build(name, 8), pictures(3)
    sent = transmit(system, images, 5.0, fades(system.channel, 3), (7, 8, 9))
    assert sent.outage.all() and np.all(sent.delivered.images == COLOR)
    if build is separation:
        assert np.isnan(sent.figures["block_error"]).all()
        assert not sent.figures["payload_bytes"].any()
        assert not sent.lost["data"].any()  # nothing was sent


def test_ideal_codes_carry_the_capacity():
    """Resource elements times log2 det(I + H H^H / no) per fade; L-MMSE streams carry
    less; a fixed rate arrives in the fades that carry it (relative 1e-5)."""
    images = pictures(8)
    h = np.asarray(fades(channel(), 8))
    bits = {
        rule: transmit(capacity(rule), images, 10.0, h).figures["ideal_bits"]
        for rule in ("realisation", "lmmse", "outage")
    }
    singular = np.linalg.svd(h[:, 0, :, :, 0, 0], compute_uv=False)
    expected = np.log2(1 + singular**2 / 0.2).sum(1) * NUM_SYMBOLS / 2
    np.testing.assert_allclose(bits["realisation"], expected, rtol=1e-5)
    assert np.all(bits["lmmse"] < bits["realisation"])
    fixed = bits["outage"]
    assert np.all(fixed <= expected * (1 + 1e-5)) and fixed.any()
    mean = mimo_capacity(np.moveaxis(h, (2, 3), (-2, -1)), 0.2).mean() * NUM_SYMBOLS / 2
    assert 0.3 * mean < fixed.max() < 1.3 * mean


def test_a_lost_scale_does_not_lose_the_image():
    """Where the side information fails (a fade 40 dB down), the scale of the average
    image is taken and the failure reported (exact)."""
    system, images = linear(128), pictures(3)
    h = parallel_fades(1, 1e-2, 1)
    sent = transmit(system, images, 15.0, h)
    np.testing.assert_array_equal(sent.lost["scale"], [False, True, False])
    assert not sent.outage.any()
    quality = psnr(images, sent.delivered.images)
    assert quality[1] < min(quality[0], quality[2])


def test_images_are_rounded_to_8_bits():
    """Clipped and rounded to the nearest; a NaN is an error, not a picture (exact)."""
    values = np.array([-1, 0.0019, 0.002, 0.5, 1.7, 1.0]).reshape(1, 1, 2, 3)
    expected = np.array([0, 0, 1, 128, 255, 255]).reshape(1, 1, 2, 3)
    np.testing.assert_array_equal(to_uint8(values), expected)
    with pytest.raises(ValueError, match="not finite.*weights are broken"):
        to_uint8(values * np.nan)


@pytest.mark.parametrize("name", ["webp_ldpc", "webp_capacity", "hevc_outage_capacity"])
def test_every_system_is_built_by_name(name):
    """Name and title of the table, channel and rate of the scenario (exact)."""
    scenario = Scenario("test", channel="awgn", image_size=16, cbr="1/4")
    system = build_system(name, scenario)
    assert system.name == name
    assert system.channel.framing.num_symbols == 192
    assert system.channel.csi.label == build_channel(scenario).csi.label


def test_what_does_not_fit_is_refused():
    """The value received and what there is are named (exact)."""
    scenario = Scenario("test", channel="awgn", image_size=16)
    with pytest.raises(ValueError, match="unknown system 'morse'.*hevc_ldpc"):
        build_system("morse", scenario)
    assert {"adjscc", "linear", "hevc_ldpc", "webp_ldpc"} <= set(SYSTEMS)
    with pytest.raises(ValueError, match="stored for 32x32 images, not 16x16"):
        build_system("linear", scenario)
    with pytest.raises(ValueError, match="unknown codec 'morse'.*adjscc"):
        find_codec("morse")
    with pytest.raises(ValueError, match="sends 32 to 64 symbols per image"):
        config = {"image_shape": SHAPE, "symbol_counts": (32, 64)}
        build_link(CODECS["adjscc"], [config, config], channel())
    with pytest.raises(ValueError, match="rule must be one of.*'genie'"):
        capacity("genie")
    with pytest.raises(ValueError, match='"average" or "csi", got \'all\''):
        separation("all")
    with pytest.raises(ValueError, match="0, 64 or 128, got 32"):
        linear(32)


@pytest.mark.parametrize("shape", [(2, 5, 5, 3), (2, 32, 32, 3), (2, 16, 16, 1)])
@pytest.mark.parametrize("name", ["adjscc", "webp, average", "linear, free scale"])
def test_other_images_are_refused(name, shape):
    """Small, large and grey images, before anything is sent (exact)."""
    system = BUILDERS[name]()
    with pytest.raises(ValueError, match=r"16, 16, 3\)"):
        transmit(system, np.zeros(shape, "uint8"), 9.0, fades(channel(), 2), (1, 2))


def test_separation_of_pictures_that_are_not_square():
    """HEVC and LDPC send 192x256 pictures at cbr 3/100 and 10 dB without outage, at the
    rate that 4423 symbols carry; what is shown is what its transmitter expects, and no
    stream of the ladder that fits the room is better (exact)."""
    scenario = Scenario(
        "test", channel="awgn", csi="perfect", image_size=(192, 256), cbr="3/100"
    )
    images = load_images("sample", 4, size=(192, 256))[0]
    system = build_system("hevc_ldpc", scenario)
    sent = transmit(system, images, 10.0, system.channel.sample(4))
    shown, coder = sent.delivered.images, system.coder
    assert shown.shape == images.shape and not sent.outage.any()
    outage = np.tile(coder.average_outage(10.0), (4, 1))
    choices = coder.choose(images, outage)
    room = coder.num_bytes[[choice.index for choice in choices]]
    assert room.max() * 8 < 4423 * np.log2(1 + 10)
    codec = shared_codec("hevc", (192, 256))
    sizes = sent.figures["payload_bytes"]
    for image, one, size, most in zip(images, shown, sizes, room, strict=True):
        best = codec.ladder.best(image, int(most))
        assert len(best.bytes) == size <= most
        np.testing.assert_array_equal(one, codec.decode(best.bytes))
    assert np.all([c.expected_psnr > c.encoded.psnr - 0.5 for c in choices])
