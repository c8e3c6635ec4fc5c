"""A codec that leaves symbols out: they are not sent, not spread and not charged."""

import json

import numpy as np
import pytest
from keras import ops
from seeded import samples_of

from link_models.links.frame_link import FrameLink
from link_models.systems import frame_system, semantic_coder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.transmitter import Transmitter
from semcom_phy.codecs.contract import (
    Packet,
    Received,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import RxKnowledge, SnrRange, TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.phy.sent_symbols import close_up, open_up
from semcom_phy.seeding import set_seed
from semcom_phy.snr import snr_db_to_no
from semcom_phy.sources.samples import Delivered

SHAPE, NUM_SYMBOLS = (16, 16, 3), 384
SCATTERED = np.random.default_rng(4).random(NUM_SYMBOLS) < 0.5
SCATTERED[:3] = True, False, True


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """The same functions without a compiler, which takes longer than they do."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (frame_system, semantic_coder):
            patch.setattr(module, "compile_fn", lambda fn, jit=True: fn)
        yield


def channel(num_streams=2):
    framing = Framing(NUM_SYMBOLS, num_streams)
    model = BlockRayleigh(num_streams, num_streams)
    return EqualizedOFDMChannel(model, framing, PerfectCSI())


def all_sent(snr_db):
    return ops.ones((snr_db.shape[0], NUM_SYMBOLS))


def nothing(snr_db):
    return ops.zeros((snr_db.shape[0], NUM_SYMBOLS))


def scattered(snr_db):
    """Half of the symbols, here and there."""
    mask = np.tile(SCATTERED.astype("float32"), (snr_db.shape[0], 1))
    return ops.convert_to_tensor(mask)


def by_snr(snr_db):
    """A quarter of the frame below 5 dB, half of it above."""
    share = ops.where(snr_db < 5.0, 0.25, 0.5)[:, None]
    place = ops.arange(NUM_SYMBOLS, dtype="float32")[None] / NUM_SYMBOLS
    return ops.cast(place < share, "float32")


class Pixels(SemanticEncoder):
    """Sends pairs of pixels as symbols, those of a mask that both ends know; without
    one, all of them."""

    image_shape = SHAPE

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def encode(self, source, known, uniform=None):
        pairs = ops.reshape(source, (-1, known.num_symbols, 2))
        z = ops.view_as_complex(pairs)
        if self.mask is None:
            return Packet(Analogue(z))
        return Packet(Analogue(*close_up(z, self.mask_of(z, known))))

    def mask_of(self, z, known):
        return self.mask(known.snr_db)


class ByContent(Pixels):
    """A mask that differs from image to image, which no receiver knows."""

    def mask_of(self, z, known):
        return ops.cast(ops.abs(z) > 0.5, "float32")


class Estimates(SemanticDecoder):
    """Estimates where the encoder had the symbols, their error variances and the mask,
    stacked; where none was sent, 0 with the error of knowing nothing, 1."""

    image_shape = SHAPE

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def count_symbols(self, side, known):
        if self.mask is None:
            return None
        return ops.cast(ops.sum(self.mask(known.fed_back.snr_db), axis=1), "int32")

    def decode(self, received, known, training=False):
        z_hat, no_eff = received.z_hat, received.no_eff
        mask = ops.zeros_like(no_eff)
        if self.mask is not None:
            mask = self.mask(known.fed_back.snr_db)
            z_hat, no_eff = open_up(z_hat, mask), open_up(no_eff, mask) + 1.0 - mask
        return self.delivered(z_hat, no_eff, mask)

    def delivered(self, z_hat, no_eff, mask):
        parts = ops.real(z_hat), ops.imag(z_hat), no_eff, mask
        return Delivered(ops.stack(parts, axis=-1))


class Means(Estimates):
    """Estimates as an image."""

    def delivered(self, z_hat, no_eff, mask):
        pairs = ops.view_as_real(z_hat / ops.cast(1.0 + no_eff, "complex64"))
        return Delivered(ops.reshape(pairs, (-1, *SHAPE)))


class Whole(SemanticDecoder):
    """A frame that is always full, as an image."""

    image_shape = SHAPE

    def decode(self, received, known, training=False):
        return Means(None).decode(received, known)


def link(mask, known, decoder=Estimates, num_streams=2, encoder=Pixels):
    return FrameLink(encoder(mask), decoder(known), channel(num_streams))


def spied(model):
    """Notes what the channel is given."""
    sent, receive = [], model.channel.receive

    def note(x, *more):
        sent.append(ops.convert_to_numpy(x))
        return receive(x, *more)

    model.channel.receive = note
    return sent


def sources(count, seed=6):
    values = np.random.default_rng(seed).standard_normal((count, *SHAPE))
    return values.astype("float32")


@pytest.mark.parametrize("num_streams", [1, 2])
@pytest.mark.parametrize("mask", [scattered, by_snr])
def test_masked_symbols_are_not_sent(mask, num_streams):
    """Resource elements carry the symbols of the mask and no other, with unit power
    (1e-4); the rest of the frame is empty (exact)."""
    model = link(mask, mask, num_streams=num_streams)
    sent, snr_db = spied(model), np.array([0.0, 10.0, 20.0], "float32")
    model(sources(3), snr_db, model.channel.sample(3))
    count = ops.convert_to_numpy(mask(ops.convert_to_tensor(snr_db)))
    for x, number in zip(sent[0], count.sum(axis=1).astype(int), strict=True):
        assert np.all(x[:number] != 0) and not x[number:].any()
        np.testing.assert_allclose(np.mean(np.abs(x[:number]) ** 2), 1, rtol=1e-4)


def test_received_symbols_are_those_that_were_sent():
    """|x_hat - x|^2 / no_eff averages 1 over the symbols of the mask (5 standard errors
    over n = 400 fades of 2x2, seed 6; spreading over 16 symbols leaves up to 2 %); 0
    with an error of 1 elsewhere, where the decoder opens the gaps (exact)."""
    set_seed(6)
    model, count = link(scattered, scattered), 400
    source = sources(count)
    out = model(source, np.full(count, 8.0, "float32"), model.channel.sample(count))
    out = ops.convert_to_numpy(out)
    x = source.reshape(count, -1, 2) * SCATTERED[:, None]
    x /= np.sqrt(np.sum(x**2, axis=(1, 2), keepdims=True) / SCATTERED.sum())
    ratio = (
        np.sum((out[..., :2] - x) ** 2, -1)[:, SCATTERED] / out[..., 2][:, SCATTERED]
    )
    per_fade = ratio.mean(axis=1)
    assert abs(per_fade.mean() - 1) < 0.02 + 5 * per_fade.std() / np.sqrt(count)
    np.testing.assert_array_equal(out[:, ~SCATTERED, :2], 0)
    np.testing.assert_array_equal(out[:, ~SCATTERED, 2], 1)
    np.testing.assert_array_equal(out[..., 3], np.tile(SCATTERED, (count, 1)))


def test_codecs_that_fill_the_frame_are_as_they_were():
    """The chain written out, power, DFT, channel, inverse, bit for bit."""
    model = link(None, None)
    source, snr_db = sources(4), ops.convert_to_tensor(np.full(4, 9.0, "float32"))
    h = model.channel.sample(4)
    noise = model.channel.draw_noise(range(4))
    out = ops.convert_to_numpy(model(source, snr_db, h, noise))
    known = TxKnowledge(snr_db, num_symbols=NUM_SYMBOLS)
    z = model.encoder.encode(ops.convert_to_tensor(source), known).data.z
    spreading = model.modulation.whole
    x = spreading.spread(model.modulation.power(z))
    reception = model.channel.receive(x, h, snr_db_to_no(snr_db, 2), noise)
    z_hat, no_eff = spreading.despread(reception.x_hat, reception.no_eff)
    received = Received(z_hat, no_eff, no_eff)
    expected = model.decoder.decode(received, RxKnowledge(snr_db, fed_back=known))
    np.testing.assert_array_equal(out, ops.convert_to_numpy(expected.images))


def system(mask, known, encoder=Pixels):
    model = link(mask, known, Means, encoder=encoder)
    return system_of(model)


def system_of(model):
    coder = SemanticCoder(model, Transmitter(model.channel))
    return FrameSystem("mine", "Mine", coder, model.channel, (1, 2, 3))


def transmit(mine, snr_db=10.0):
    images = np.random.default_rng(2).integers(0, 256, (3, *SHAPE)).astype("uint8")
    set_seed(3)
    return mine.transmit(samples_of(images), snr_db, mine.channel.sample(3), range(3))


def test_what_is_sent_is_charged():
    """The symbols of the mask, by the SNR (exact); the description says that the frame
    is the most."""
    mine = system(by_snr, by_snr)
    for snr_db, count in ((0.0, 96), (10.0, 192)):
        spent = transmit(mine, snr_db).spent
        assert spent.data.tolist() == [count] * 3 and not spent.side.any()
    # Both ends go by what networks are told.
    mine.coder.link.snr_range = SnrRange(0.0, 4.0)
    assert transmit(mine, 10.0).spent.data.tolist() == [96] * 3
    about = json.loads(json.dumps(mine.describe()))
    assert "the most" in about["bandwidth_note"]
    full = system_of(FrameLink(Pixels(None), Whole(), channel()))
    assert transmit(full).spent.data.tolist() == [NUM_SYMBOLS] * 3
    assert "bandwidth_note" not in full.describe()


@pytest.mark.parametrize(
    ("mask", "known", "message"),
    [
        (scattered, None, "says how many of its symbols are sent, .* takes all"),
        (None, scattered, "says all of its symbols are sent, .* takes a part"),
        (by_snr, all_sent, "sends 192 symbols of sample 0, the receiver expects 384: "),
        (by_snr, scattered, f"sends 192 .*the receiver expects {SCATTERED.sum()}: "),
    ],
)
def test_a_mask_that_the_receiver_does_not_know_is_refused(mask, known, message):
    """Another count than the known one, with the numbers and the remedy (exact)."""
    with pytest.raises(ValueError, match=message + ".*count_symbols"):
        transmit(system(mask, known))


@pytest.mark.parametrize(
    ("known", "message"),
    [(None, "the decoder takes all: .*count_symbols"), (by_snr, "side information")],
)
def test_a_count_that_depends_on_the_image_must_be_told(known, message):
    """It is not the receiver's by itself (exact)."""
    with pytest.raises(ValueError, match=message):
        transmit(system(all_sent, known, ByContent))


def test_a_mask_that_sends_nothing_is_refused():
    """An image of no symbol has no power (exact)."""
    with pytest.raises(ValueError, match="sends no symbol of sample 0"):
        transmit(system(nothing, nothing))
