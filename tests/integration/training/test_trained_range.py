"""Networks are told no SNR beyond those that they were trained for."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from keras import ops

from link_models.codecs import CODECS, build_link, load_link, trained_range
from link_models.links.frame_link import FrameLink
from link_models.links.radio import build_channel
from link_models.weights import store
from scenarios import adaptive_rate, driving_scene, kodak_awgn, siso_awgn
from scenarios.command.result_text import untrained_notes
from semcom_phy.channel_coding.messages.short_message import MAX_SYMBOLS
from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import EVERY_SNR, RxKnowledge, SnrRange, TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.seeding import set_seed
from semcom_phy.simulation.axis import SNR_AXIS
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Delivered

SHIPPED = sorted(path.stem for path in store.SHIPPED.glob("*.json"))
CODEC_LABELS = [
    label
    for label in SHIPPED
    if json.loads((store.SHIPPED / f"{label}.json").read_text())
    .get("config", {})
    .get("codec")
    in CODECS
]


@pytest.mark.parametrize("label", CODEC_LABELS)
def test_the_json_of_weights_tells_their_range(label):
    """Every shipped codec: the SNRs of its recipe (exact)."""
    record = store.read_record(label)
    recipe = record["recipe"]
    low, high = trained_range(record)
    assert (low, high) == (recipe["min_snr_db"], recipe["max_snr_db"])
    assert -30 < low <= high < 60


def test_weights_without_a_recipe_are_told_everything():
    """Nothing is known of them (exact)."""
    assert trained_range({"config": {}}) == EVERY_SNR


class TellsSnr(SemanticEncoder):
    """Sends pairs of pixels; notes what it was told."""

    image_shape = (8, 8, 3)

    def encode(self, source, known, uniform=None):
        self.told = ops.convert_to_numpy(known.snr_db)
        pairs = ops.reshape(source, (-1, known.num_symbols, 2))
        return Packet(Analogue(ops.view_as_complex(pairs)))


class HearsSnr(SemanticDecoder):
    """Notes what it was told."""

    image_shape = (8, 8, 3)

    def decode(self, received, known, training=False):
        self.told = ops.convert_to_numpy(known.snr_db)
        self.fed_back = ops.convert_to_numpy(known.fed_back.snr_db)
        self.no_eff = ops.convert_to_numpy(received.no_eff)
        self.detected_no_eff = ops.convert_to_numpy(received.detected_no_eff)
        return Delivered(ops.real(received.z_hat))


def test_encoder_and_decoder_of_a_link():
    """Both ends are told the nearer end; above the range the decoder is told the error
    variance of its end, -21 dB on AWGN (5e-3: single precision of the despreading),
    below it the true one, and the detected one beside it, for filters."""
    channel = EqualizedOFDMChannel(AWGN(1), Framing(96))
    encoder, decoder = TellsSnr(), HearsSnr()
    link = FrameLink(encoder, decoder, channel, snr_range=SnrRange(-1.0, 21.0))
    snr_db = np.array([-9.0, 10.0, 40.0], "float32")
    link(np.ones((3, 8, 8, 3), "float32"), snr_db, channel.sample(3))
    for told in (encoder.told, decoder.told, decoder.fed_back):
        np.testing.assert_allclose(told, [-1.0, 10.0, 21.0], rtol=1e-6)
    no_eff = 10 ** (-np.array([-9.0, 10.0, 21.0]) / 10)
    np.testing.assert_allclose(decoder.no_eff[:, 0], no_eff, rtol=5e-3)
    no_eff[-1] = 10**-4.0
    np.testing.assert_allclose(decoder.detected_no_eff[:2, 0], no_eff[:2], rtol=5e-3)
    assert decoder.detected_no_eff[2].max() < 2 * no_eff[2]


class HearsAverage(HearsSnr):
    told_average_snr = True


def test_decoders_are_told_the_snr_of_their_choice():
    """That measured on the pilots of the frame, or the average, which both ends know
    (exact)."""
    channel = EqualizedOFDMChannel(AWGN(1), Framing(96), LSEstimator())
    source, snr_db = np.ones((2, 8, 8, 3), "float32"), np.float32([3.0, 9.0])
    for make in (HearsSnr, HearsAverage):
        decoder = make()
        link = FrameLink(TellsSnr(), decoder, channel)
        link(source, snr_db, channel.sample(2))
        assert np.array_equal(decoder.told, snr_db) == decoder.told_average_snr
        np.testing.assert_allclose(decoder.told, snr_db, atol=2.0)
        np.testing.assert_array_equal(decoder.fed_back, snr_db)


@pytest.mark.parametrize("codec", ["eca", "swinjscc"])
def test_adaptive_codecs_are_told_the_ends(codec):
    """Encoder and decoder are told the nearer end; the decoder's errors 20 dB above the
    range are told 100 times what they are (1e-4)."""
    config = {"image_shape": (16, 16, 3), "num_maps": 4}
    set_seed(1)
    encoder_class, _ = CODECS[codec]
    count = encoder_class(**config).num_symbols
    scenario = replace(adaptive_rate.SCENARIO, image_size=16, cbr=Fraction(count, 768))
    channel = build_channel(replace(scenario, csi="perfect"))
    snr_range = SnrRange(0.0, 20.0)
    link = build_link(CODECS[codec], [config] * 2, channel, snr_range=snr_range)
    source = np.random.default_rng(1).random((2, 16, 16, 3)).astype("float32")
    h = channel.sample(2)

    heard, encode = [], link.encoder.encode

    def spy(source, known, uniform=None):
        heard.append(ops.convert_to_numpy(known.snr_db)[0])
        return encode(source, known, uniform)

    link.encoder.encode = spy
    for snr_db in (-20.0, 10.0, 40.0):
        packet = link.encode(source, TxKnowledge(ops.full((2,), snr_db), h))
    assert heard == [0.0, 10.0, 20.0]
    told = []
    link.decoder.decode = lambda received, known, training: told.append(
        (received, known)
    )
    x, no_eff = ops.zeros((2, count), "complex64"), ops.full((2, count), 1e-4)
    for snr_db in (40.0, 10.0):
        fed_back = TxKnowledge(ops.full((2,), snr_db), h)
        known = RxKnowledge(fed_back.snr_db, h, fed_back)
        link.decode(x, no_eff, packet.side, known)
    (high, high_known), (inside, inside_known) = told
    for known, snr_db in ((high_known, 20.0), (inside_known, 10.0)):
        for told_snr in (known.snr_db, known.fed_back.snr_db):
            np.testing.assert_allclose(ops.convert_to_numpy(told_snr), snr_db)
    ratio = ops.convert_to_numpy(high.no_eff) / ops.convert_to_numpy(inside.no_eff)
    np.testing.assert_allclose(ratio, 100.0, rtol=1e-4)


def quality(label, snr_db):
    """Mean PSNR of shipped weights at SNRs, over the same fades and noise."""
    scenario, side = SCENARIOS[label]
    scenario = replace(scenario, csi="perfect")
    channel = build_channel(scenario, extra_symbols=side)
    shape, num_symbols = scenario.image_shape, scenario.num_symbols
    link, _ = load_link(label, channel, shape, num_symbols)
    images = load_images("sample", 3, size=scenario.image_size)[0]
    source = ops.convert_to_tensor(images.astype("float32") / 255)
    set_seed(2)
    h = channel.sample(3)
    noise = channel.draw_noise(range(3))
    found = []
    for snr in snr_db:
        image = link(source, ops.full((3,), snr), h, ops.convert_to_tensor(noise))
        image = np.rint(255 * np.clip(ops.convert_to_numpy(image), 0, 1))
        found.append(psnr(images, image.astype("uint8")).mean())
    return found


SCENARIOS = {
    "adjscc_32x32": (siso_awgn.SCENARIO, 0),
    "eca_2x2_c16": (adaptive_rate.SCENARIO, MAX_SYMBOLS),
    "swinjscc_2x2_c16": (adaptive_rate.SCENARIO, MAX_SYMBOLS),
    "ntscc_192x256": (driving_scene.SCENARIO, 0),
    "sa_oosc_192x256": (driving_scene.SCENARIO, 0),
    "ntscc_photo": (replace(kodak_awgn.SCENARIO, image_size=(96, 144)), 0),
}


@pytest.mark.parametrize("label", SCENARIOS)
def test_less_noise_never_does_harm(label):
    """Three photographs, the same fades and noise: PSNR at 40 dB is at most 0.05 dB
    below that at 30, and above that at the upper end of the range. Told the true SNR,
    ADJSCC lost 5 dB beyond 25 dB and NTSCC 3 dB beyond 15."""
    _, high = trained_range(store.read_record(label))
    at_end, at_30, at_40 = quality(label, (high, 30.0, 40.0))
    assert at_40 > at_30 - 0.05
    assert at_30 > at_end


def test_the_table_marks_snrs_that_were_not_trained_for():
    """A line per system outside its range, none inside it, none without networks
    (exact)."""
    trained = {"A": [-1.0, 21.0], "B": [10.0, 10.0], "C": None, "D": [None, None]}
    notes = [
        "* A: networks trained at -1 to 21 dB, told no SNR beyond",
        "* B: networks trained at 10 dB, told no SNR beyond",
    ]
    assert untrained_notes(trained, (0.0, 25.0), SNR_AXIS) == notes
    assert untrained_notes(trained, (-5.0, 10.0), SNR_AXIS) == notes
    assert untrained_notes(trained, (0.0, 10.0), SNR_AXIS) == notes[1:]
    assert untrained_notes(trained, (10.0,), SNR_AXIS) == []
