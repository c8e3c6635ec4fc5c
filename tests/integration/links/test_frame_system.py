"""A codec of the user's over a frame: what it spends, what is lost, what it delivers.

A small codec with a rate of its own: it sends as many of its symbols as an image asks
for, and tells the decoder by side information of its own, a number or a byte string.
"""

import json

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves, samples_of

from link_models.links.frame_link import FrameLink
from link_models.systems import frame_system, semantic_coder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.semantic_coder import SIDE, SemanticCoder
from link_models.systems.side_information import STRONG, MessageSide, ShortSide
from link_models.systems.transmitter import Transmitter
from semcom_phy.channel_coding.messages.short_message import MAX_SYMBOLS
from semcom_phy.channel_coding.protection import MessageProtection, ShortProtection
from semcom_phy.codecs.contract import (
    FrameFillingEncoder,
    Packet,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.segments import DATA, Analogue
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.samples import Delivered

SHAPE, NUM_SYMBOLS = (16, 16, 3), 128
STEP, STEPS = 16, 8  # the frame in steps
COLOR = (9, 200, 31)


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """The same functions without a compiler, which takes longer than they do."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (frame_system, semantic_coder):
            patch.setattr(module, "compile_fn", lambda fn, jit=True: fn)
        yield


def means(source):
    """The means of 256 cells of an image, as pairs: [batch, 128] `complex64`."""
    cells = ops.mean(source, axis=-1)
    return ops.view_as_complex(ops.reshape(cells, (-1, NUM_SYMBOLS, 2)) - 0.5)


class Numbered(SemanticEncoder):
    """More of the symbols of brighter images; the step is told as a number."""

    image_shape = SHAPE
    side_values = STEPS

    def encode(self, source, known, uniform=None):
        bright = ops.mean(source, axis=(1, 2, 3))
        step = ops.cast(ops.clip(ops.floor(bright * STEPS), 0, STEPS - 1), "int32")
        return Packet(Analogue(means(source), (step + 1) * STEP), step)

    def side_to_bytes(self, side):
        return [bytes([step]) for step in side.tolist()]

    def figures(self, packet):
        return {"step": packet.side}


class Shown(SemanticDecoder):
    """Means as a grey image."""

    image_shape = SHAPE

    def side_from_bytes(self, payloads):
        return np.array([payload[0] for payload in payloads], "int32")

    def count_symbols(self, side, known):
        return (side + 1) * STEP

    def decode(self, received, known, training=False):
        place = ops.arange(NUM_SYMBOLS, dtype="int32")[None]
        sent = ops.cast(
            place < self.count_symbols(received.side, known)[:, None], "float32"
        )
        values = ops.view_as_real(received.z_hat) / (1.0 + received.no_eff)[..., None]
        values = values[:, :NUM_SYMBOLS]  # a frame may hold more
        grey = 0.5 + 0.3 * ops.reshape(values * sent[..., None], (-1, 16, 16))
        return Delivered(ops.repeat(grey[..., None], 3, axis=-1))


class Told(Numbered):
    """The same with words: as many bytes as the step, the step among them."""

    side_values, side_bytes = None, 3 * STEPS

    def side_to_bytes(self, side):
        return [b"<" + bytes([step]) + b"=" * 2 * step + b">" for step in side.tolist()]


class Heard(Shown):
    def side_from_bytes(self, payloads):
        for payload in payloads:
            if payload[:1] + payload[-1:] != b"<>" or payload[1] >= STEPS:
                raise ValueError(f"{payload!r} cannot be meant")
        return np.array([payload[1] for payload in payloads], "int32")


class ToldFirst(FrameFillingEncoder, Told):
    """The same, filling what its words leave of the frame, step by step."""

    def side_to_bytes(self, side):
        return [
            b"<" + bytes([step]) + b"=" * (6 if step % 2 else 2) + b">"
            for step in side.tolist()
        ]

    def analyse(self, source, known):
        return means(source)

    def allocate(self, analysed, budget):
        step = ops.cast(ops.clip(budget // STEP, 1, STEPS), "int32") - 1
        return step, (step + 1) * STEP

    def modulate(self, analysed, side):
        return Packet(Analogue(analysed, (side + 1) * STEP), side)


def system(encoder, decoder, side=None, num_symbols=None, free=False):
    """The codec over 2x2 Rayleigh; side information beside the frame, or inside."""
    extra = side.room or 0 if side else 0
    framing = Framing((num_symbols or NUM_SYMBOLS) + extra, 2)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), framing, PerfectCSI())
    link = FrameLink(encoder, decoder, channel, framing.num_symbols - extra)
    coder = SemanticCoder(link, Transmitter(channel), side, free)
    return FrameSystem("mine", "Mine", coder, channel, COLOR)


def numbered(encoder=Numbered, decoder=Shown):
    return system(encoder(), decoder(), ShortSide(STEPS))


def told(encoder=Told, decoder=Heard):
    return system(encoder(), decoder(), MessageSide(3 * STEPS, room=True))


class StrongSide(MessageSide):
    """Always under one scheme: what fills a frame is looked at, not what is lost."""

    def __init__(self):
        super().__init__(3 * STEPS, room=False)
        self.scheme = lambda channel, snr_db: STRONG


def told_first():
    side = StrongSide()
    return system(ToldFirst(), Heard(), side, num_symbols=240)


SYSTEMS = {"number": numbered, "byte string": told, "fills the frame": told_first}


def pictures(count=12):
    """Noise around a brightness of its own, [count, 16, 16, 3] `uint8`."""
    rng = np.random.default_rng(8)
    level = np.linspace(20, 230, count)[:, None, None, None]
    return np.clip(level + rng.normal(0, 12, (count, *SHAPE)), 0, 255).astype("uint8")


def steps_of(images):
    bright = (images.astype("float32") / 255).mean(axis=(1, 2, 3))
    return np.minimum(bright * STEPS, STEPS - 1).astype(int)


def fades(mine, count, faded=()):
    """Channels of seeds, some of them 60 dB down."""
    h = np.array(sample_fades(mine.channel, image_seeds(2, 0, range(count))))
    h[list(faded)] *= 1e-3
    return h


def transmit(mine, images, snr_db=25.0, faded=()):
    seeds = image_seeds(2, 0, range(len(images)))
    h = fades(mine, len(images), faded)
    return mine.transmit(samples_of(images), snr_db, h, seeds)


def wrong(images, shown):
    """Root of the squared error of every image [of 255]."""
    error = images.astype(float) - shown
    return np.sqrt(np.mean(error**2, axis=(1, 2, 3)))


def replaced(monkeypatch, protection, payloads):
    """The CRC holds over other bytes, sample by sample; `None`: as they arrived."""
    decode = protection.decode

    def accident(self, x_hat, no_eff):
        found = decode(self, x_hat, no_eff)
        return [b if b is not None else a for a, b in zip(found, payloads, strict=True)]

    monkeypatch.setattr(protection, "decode", accident)


def test_a_number_takes_what_the_image_asks_for():
    """Data by the encoder's own count, side information by the format of the message,
    in its room behind the data; nothing is lost at 25 dB, and the description says what
    the frame holds at most (exact)."""
    mine, images = numbered(), pictures()
    sent = transmit(mine, images)
    steps = steps_of(images)
    assert len(set(steps)) > 4
    np.testing.assert_array_equal(sent.spent.data, (steps + 1) * STEP)
    np.testing.assert_array_equal(sent.figures["step"], steps)
    assert set(sent.spent.side) <= set(mine.coder.side.message.num_symbols)
    assert set(sent.figures["side_bits"]) == {8.0}
    assert not sent.lost[SIDE].any() and not sent.outage.any()
    assert not sent.figures["undetected"].any()
    about = json.loads(json.dumps(mine.describe()))
    assert about["bandwidth"]["data_symbols"] == NUM_SYMBOLS
    assert about["bandwidth"]["side_info_symbols"] == MAX_SYMBOLS
    assert "the most" in about["bandwidth_note"]
    assert about["knows"] == ["average SNR"]


def test_a_byte_string_takes_what_its_length_asks_for():
    """As above; side information by the length of every byte string (exact)."""
    mine, images = told(), pictures()
    sent = transmit(mine, images)
    steps = steps_of(images)
    np.testing.assert_array_equal(sent.spent.data, (steps + 1) * STEP)
    lengths = 3 + 2 * steps
    np.testing.assert_array_equal(sent.figures["side_bits"], 8 * lengths)
    side = mine.coder.side
    protection = side.protection(side.scheme(mine.channel, 25.0))
    assert isinstance(protection, MessageProtection)
    taken = protection.counts([bytes(n) for n in lengths])
    np.testing.assert_array_equal(sent.spent.side, taken)
    assert len(set(taken)) > 3 and taken.max() <= mine.coder.side.room
    assert not sent.lost[SIDE].any() and not sent.outage.any()


def test_a_codec_that_fills_the_frame_leaves_no_step_free():
    """Words first, then as many symbols as fit behind them: one more step would not
    (exact). What a sample takes can be told without sending it."""
    mine, images = told_first(), pictures()
    sent = transmit(mine, images)
    total = sent.spent.data + sent.spent.side
    step = (sent.spent.data / STEP).astype(int)
    frame = mine.channel.framing.num_symbols
    assert np.all(total <= frame) and not sent.outage.any()
    assert np.all(1 < step) and np.all(step < STEPS)
    assert np.all(total + STEP > frame)
    data, side = mine.coder.spent(
        samples_of(images), 25.0, fades(mine, len(images)), range(len(images))
    )
    np.testing.assert_array_equal(data, sent.spent.data)
    np.testing.assert_array_equal(side, sent.spent.side)


@pytest.mark.parametrize("name", SYSTEMS)
def test_nothing_is_decoded_without_its_side_information(name):
    """Fades 60 dB down lose it: outage, the mean colour, and what was sent is charged
    all the same; the others are shown as if they had been alone (exact)."""
    mine, images = SYSTEMS[name](), pictures()
    sent, clean = transmit(mine, images, faded=(1, 4)), transmit(mine, images)
    gone = np.isin(np.arange(len(images)), (1, 4))
    np.testing.assert_array_equal(sent.lost[SIDE], gone)
    np.testing.assert_array_equal(sent.outage, gone)
    assert not sent.figures["undetected"].any()
    shown = sent.delivered.images
    assert np.all(shown[gone] == COLOR)
    np.testing.assert_array_equal(shown[~gone], clean.delivered.images[~gone])
    for one, two in zip(sent.spent, clean.spent, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_image_follows_from_what_was_received(name):
    """More noise, worse images: at 8 dB they are twice as far from those of 60 dB as at
    25 dB, where nothing is lost at either."""
    mine, images = SYSTEMS[name](), pictures()
    poor, good = (transmit(mine, images, snr_db) for snr_db in (8.0, 25.0))
    arrived = ~(poor.outage | good.outage)
    assert arrived.sum() > 6
    reference = transmit(mine, images, 60.0).delivered.images
    far, near = (
        wrong(reference[arrived], s.delivered.images[arrived]).mean()
        for s in (poor, good)
    )
    assert far > 2 * near > 0


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_transmission_owes_nothing_to_chance(name):
    """It moves no stream of others, and rows follow from each sample's seed."""
    mine = SYSTEMS[name]()
    assert_no_stream_moves(mine, mine.channel, pictures(3))
    assert_batches_do_not_matter(mine, mine.channel, pictures(4))


def test_an_error_that_passes_is_believed(monkeypatch):
    """Another number that exists: decoded with it, neither lost nor in outage, but
    counted, and its count is not held against the codec (exact)."""
    mine, images = numbered(), pictures(3)
    clean = transmit(mine, images)
    replaced(monkeypatch, ShortProtection, [None, b"\x01", None])
    assert steps_of(images)[1] != 1
    sent = transmit(mine, images)
    assert sent.figures["undetected"].tolist() == [False, True, False]
    assert not sent.lost[SIDE].any() and not sent.outage.any()
    changed = np.any(sent.delivered.images != clean.delivered.images, axis=(1, 2, 3))
    assert changed.tolist() == [False, True, False]


@pytest.mark.parametrize("instead", [b"<\x63>", b""], ids=["refused", "empty"])
def test_bytes_that_cannot_be_meant_are_lost(monkeypatch, instead):
    """The decoder refuses them: lost, and an outage, counted as undetected by the CRC
    (exact)."""
    mine, images = told(), pictures(3)
    replaced(monkeypatch, MessageProtection, [instead, None, None])
    sent = transmit(mine, images)
    for values in (sent.lost[SIDE], sent.outage, sent.figures["undetected"]):
        assert values.tolist() == [True, False, False]
    assert np.all(sent.delivered.images[0] == COLOR)


def test_more_symbols_than_there_is_room_for_cannot_be_meant(monkeypatch):
    """A number whose count exceeds the frame is a damaged one (exact)."""

    class Far(Shown):
        def count_symbols(self, side, known):
            return ops.where(side == 6, 10 * NUM_SYMBOLS, (side + 1) * STEP)

    mine, images = numbered(decoder=Far), pictures(3)
    assert 6 not in steps_of(images)[1:2]
    replaced(monkeypatch, ShortProtection, [None, b"\x06", None])
    sent = transmit(mine, images[[0, 1, 1]])
    assert sent.lost[SIDE].tolist() == sent.outage.tolist() == [False, True, False]


def test_a_decoder_that_cannot_read_its_encoder_is_refused():
    """Bytes that arrived as they were sent: the codec is wrong, not the channel."""

    class Other(Heard):
        def side_from_bytes(self, payloads):
            raise ValueError("no such words")

    with pytest.raises(ValueError, match="no such words"):
        transmit(told(decoder=Other), pictures(2))


def test_ends_that_count_differently_are_refused():
    """Both numbers and the remedy are named (exact)."""

    class Miscounts(Shown):
        def count_symbols(self, side, known):
            return (side + 1) * STEP + 2

    class Silent(Shown):
        def count_symbols(self, side, known):
            return None

        def decode(self, received, known, training=False):
            return Delivered(ops.zeros((received.z_hat.shape[0], *SHAPE)))

    images = pictures(2)
    count = (steps_of(images)[0] + 1) * STEP
    with pytest.raises(
        ValueError,
        match=f"sends {count} symbols of sample 0, the receiver expects {count + 2}: "
        ".*count_symbols",
    ):
        transmit(numbered(decoder=Miscounts), images)
    with pytest.raises(ValueError, match="says how many.*the decoder takes all"):
        transmit(numbered(decoder=Silent), images)


@pytest.mark.parametrize("width", [NUM_SYMBOLS - 1, NUM_SYMBOLS + 1])
def test_a_wrong_number_of_symbols_is_refused(width):
    """Of a codec that does not say how many are sent; with the remedy (exact)."""

    class Wide(SemanticEncoder):
        image_shape = SHAPE

        def encode(self, source, known, uniform=None):
            z = ops.tile(means(source), (1, 2))[:, :width]
            return Packet(Analogue(z))

    class Blank(SemanticDecoder):
        image_shape = SHAPE

        def decode(self, received, known, training=False):
            return Delivered(ops.zeros((received.z_hat.shape[0], *SHAPE)))

    with pytest.raises(
        ValueError, match=f"gives {width} symbols for a frame of {NUM_SYMBOLS}: .*count"
    ):
        transmit(system(Wide(), Blank()), pictures(2))


def test_a_count_beyond_the_frame_is_refused():
    """Nothing is cut: the segment and its room are named (exact)."""

    class Greedy(Numbered):
        def encode(self, source, known, uniform=None):
            packet = super().encode(source, known)
            count = packet.data.count * 2
            z = ops.tile(packet.data.z, (1, 2))
            return packet._replace(data=Analogue(z, count))

    with pytest.raises(ValueError, match=f"'data' of .*room of {NUM_SYMBOLS}"):
        transmit(numbered(encoder=Greedy), pictures())


def test_words_beyond_their_room_are_refused():
    """A byte string longer than the codec says (exact)."""

    class Wordy(Told):
        def side_to_bytes(self, side):
            return [word + bytes(100) for word in super().side_to_bytes(side)]

    mine = told(encoder=Wordy)
    with pytest.raises(
        ValueError, match=f"'{SIDE}' of .*room of {mine.coder.side.room}"
    ):
        transmit(mine, pictures(2))


def test_a_frame_that_does_not_hold_the_words_is_refused():
    """Of a codec that fills the frame: its name and the remedy are in the message
    (exact)."""
    side = StrongSide()
    mine = system(ToldFirst(), Heard(), side, num_symbols=64)
    with pytest.raises(ValueError, match="64 symbols .*ToldFirst.*raise the cbr"):
        transmit(mine, pictures(2))


WORDS = ("dark", "dim", "grey", "fair", "clear", "light", "bright", "white")


class Speaks(Shown):
    """A word for the step, beside features."""

    def decode(self, received, known, training=False):
        features = ops.real(received.z_hat)[:, :STEP]
        texts = [WORDS[step] for step in ops.convert_to_numpy(received.side)]
        return Delivered(texts=texts, features=features, details="own")


def test_texts_and_features_are_delivered():
    """What the decoder makes of its segments, with no image beside it; a sample in
    outage has an empty text, and details stay inside (exact)."""
    mine, images = numbered(decoder=Speaks), pictures(6)
    sent = transmit(mine, images, faded=(2,))
    expected = [WORDS[step] for step in steps_of(images)]
    expected[2] = ""
    assert sent.delivered.texts == expected
    assert sent.delivered.images is None and sent.delivered.details is None
    features = sent.delivered.features
    assert isinstance(features, np.ndarray) and features.shape == (6, STEP)
    assert np.isfinite(features).all()
    assert sent.outage.tolist() == [False, False, True, False, False, False]


def test_side_information_that_is_given_is_neither_sent_nor_charged():
    """Free of errors as well: nothing is lost in any fade (exact)."""
    images = pictures()
    sent = transmit(system(Numbered(), Shown(), free=True), images, faded=(1, 4))
    assert sent.lost == {} and not sent.outage.any()
    assert not sent.spent.side.any() and "undetected" not in sent.figures
    np.testing.assert_array_equal(sent.spent.data, (steps_of(images) + 1) * STEP)


def test_side_information_must_say_how_it_is_sent():
    """A decoder is told nothing that was not sent, unless it is declared free."""
    with pytest.raises(ValueError, match="give it side_values"):
        transmit(system(Numbered(), Shown()), pictures())


def test_segments_lie_in_their_order():
    """Data first where they have a room; side information first where the data take
    what it leaves (exact)."""
    assert list(numbered().coder.frame.rooms.items()) == [
        (DATA, NUM_SYMBOLS),
        (SIDE, MAX_SYMBOLS),
    ]
    assert told_first().coder.frame.rooms == {SIDE: None, DATA: None}
    assert list(told_first().coder.frame.rooms) == [SIDE, DATA]
