"""Variable-length codecs over their link: packing, side information, outage."""

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves, samples_of

from link_models.codecs import CODECS, build_link
from link_models.links.expected_fades import expected_sinr
from link_models.links.frame_link import FrameLink
from link_models.systems import frame_system, semantic_coder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.knowledge import FREE_LENGTHS, LABEL_MAPS
from link_models.systems.semantic_coder import SIDE, SemanticCoder
from link_models.systems.side_information import STRONG, MessageSide
from link_models.systems.transmitter import Transmitter
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.protection import MessageProtection
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.layers.mapping.patch_symbols import pack_patches, unpack_patches
from semcom_phy.layers.mapping.rate_allocation import LENGTHS, length_of
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.phy.segments import Analogue
from semcom_phy.seeding import set_seed

SHAPE = (64, 96, 3)
SIZES = {"image_shape": SHAPE, "filters": 8, "blocks": 1}
NUM_SYMBOLS = 900
COLOR = (10, 20, 30)
LENGTH_CODE = LengthCode(np.ones((len(LENGTHS) + 1, len(LENGTHS)), int))


def make_channel(model=None, num_symbols=NUM_SYMBOLS):
    model = model or AWGN(1)
    return EqualizedOFDMChannel(model, Framing(num_symbols, model.num_tx_ant))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    coarse = rng.random((6, 8, 12, 3))
    smooth = np.kron(coarse, np.ones((1, 8, 8, 1)))
    noise = 0.1 * rng.standard_normal(smooth.shape)
    smooth[:, :, :48] = 0.5  # the right half holds more information
    noise[:, :, :48] = 0
    return (255 * np.clip(smooth + noise, 0, 1)).astype("uint8")


def make_link(codec="ntscc", model=None, images=None, **more):
    set_seed(5)
    link = build_link(CODECS[codec], (SIZES | more, SIZES), make_channel(model))
    if images is not None:
        link.encoder.fit_statistics(images.astype("float32") / 255)
        link.decoder.copy_statistics(link.encoder)
    return link


@pytest.fixture(scope="module")
def link(images):
    return make_link(images=images)


def make_system(link, side="sent", levels=None, num_symbols=NUM_SYMBOLS):
    """A link as a system, its lengths sent, given to the receiver, or none."""
    model = link.channel.channel_model
    channel = make_channel(model, num_symbols)
    link = FrameLink(link.encoder, link.decoder, channel)
    message = None
    if side == "sent":
        for half in (link.encoder, link.decoder):
            half.use_record({"length_code": LENGTH_CODE.to_dict()})
        message = MessageSide(link.encoder.side_bytes, room=False)
    known = (FREE_LENGTHS,) if side == "free" else ()
    known += levels.knows if levels else ()
    coder = SemanticCoder(
        link,
        Transmitter(channel),
        message,
        free=message is None,
        levels=levels,
        also_known=known,
    )
    return FrameSystem("t", "T", coder, channel, COLOR)


class Told:
    """Levels that somebody with label maps wrote down."""

    name, knows = "told", (LABEL_MAPS,)

    def __init__(self, levels):
        self.levels = levels

    def __call__(self, samples):
        return self.levels


@pytest.fixture
def plain(monkeypatch):
    """Systems without graphs, which take ten seconds each to compile."""
    for module in (frame_system, semantic_coder):
        monkeypatch.setattr(module, "compile_fn", lambda fn, jit=True: fn)


def send(system, images, snr_db):
    set_seed(7)
    h = system.channel.sample(len(images))
    return system.transmit(samples_of(images), snr_db, h, range(len(images)))


def symbols_map(system, images):
    """Complex symbols of every patch, [batch, rows, columns]."""
    h = system.channel.sample(len(images))
    seeds = range(len(images))
    return system.coder.choices(samples_of(images), 10.0, h, seeds)


def squared_error(sent, images):
    return np.mean((sent.delivered.images.astype(float) - images) ** 2)


@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(2, 2)])
def test_unpacking_inverts_packing(images, model):
    """Without noise every symbol comes back at its patch, scaled by one number."""
    link = make_link(model=model, images=images)
    rng = np.random.default_rng(0)
    index = ops.convert_to_tensor(rng.integers(0, 5, (3, 4, 6)).astype("int32"))
    symbols = rng.standard_normal((3, 4, 6, 256)).astype("float32")
    z, count = pack_patches(ops.convert_to_tensor(symbols), index)
    x = link.modulate(Analogue(z, count))
    assert x.shape[1] <= link.num_symbols
    np.testing.assert_array_equal(link.decoder.count_symbols(index), count)
    tiny = ops.full(x.shape, 1e-9)
    z_hat, tiny = link.modulation.despread(x, tiny, count)
    received, no = unpack_patches(z_hat, tiny, index)
    sent = ops.convert_to_numpy(link.encoder.sent(index))
    assert np.all(ops.convert_to_numpy(count) == sent.sum(axis=(1, 2, 3)) / 2)
    power = (symbols**2 * sent).sum(axis=(1, 2, 3)) / sent.sum(axis=(1, 2, 3))
    expected = symbols * sent / np.sqrt(power)[:, None, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=2e-4)
    assert np.all(ops.convert_to_numpy(no)[sent == 0] == 1)


def test_symbols_have_unit_power_and_keep_to_the_budget(link, images):
    """Power is normalised over the symbols that are sent; none is sent beyond."""
    source = ops.convert_to_tensor(images.astype("float32") / 255)
    budget = np.linspace(100, 800, len(images)).astype("float32")
    known = TxKnowledge(
        ops.full(budget.shape, 10.0), budget=ops.convert_to_tensor(budget)
    )
    packet = link.encode(source, known)
    x = ops.convert_to_numpy(link.modulate(packet.data))
    count = ops.convert_to_numpy(packet.data.count)
    assert np.all(count <= budget) and np.all(count > 0.85 * budget)
    for row, n in zip(x, count, strict=True):
        assert np.mean(np.abs(row[:n]) ** 2) == pytest.approx(1, abs=1e-4)
        assert np.all(row[n:] == 0)


def test_a_link_without_a_budget_fills_its_frame(link, images):
    """The call gives the codec all symbols of the frame (a shortest step is left)."""
    set_seed(6)
    source = ops.convert_to_tensor(images.astype("float32") / 255)
    h = link.channel.sample(len(images))
    packet, _ = link.run(source, ops.full((len(images),), 10.0), h)
    count = ops.convert_to_numpy(packet.data.count)
    assert np.all(count <= NUM_SYMBOLS) and np.all(count > 0.85 * NUM_SYMBOLS)


def test_more_information_gets_more_symbols(link, images):
    """The right half of the images, the left being flat, takes more of the symbols:
    without training the entropy model knows the values alone, not their scales."""
    spent = symbols_map(make_system(link, "free"), images)
    assert spent[:, :, 3:].sum() > 1.2 * spent[:, :, :3].sum()


def test_a_figure_shows_symbols_per_patch(link, images, plain):
    """Of four images at most, those that a transmission takes at the last SNR (exact);
    the message leaves fewer of them where it is sent in the stronger code."""
    system = make_system(link)
    maps = system.symbol_maps(samples_of(images), (0.0, 15.0), 5)
    assert maps.title == system.title and maps.cells is None
    np.testing.assert_array_equal(maps.images, images[:4])
    assert maps.patches.shape == (4, 4, 6)
    sent = send(system, images[:4], 15.0)
    np.testing.assert_array_equal(maps.patches.sum((1, 2)), sent.spent.data)
    strong = system.symbol_maps(samples_of(images), (0.0,), 5).patches
    assert strong.sum() < maps.patches.sum()


def test_quality_rises_with_snr_and_budget(link, images):
    """An untrained codec is a linear one: less noise and more symbols help."""
    errors = []
    for num_symbols, snr_db in ((500, 0.0), (500, 20.0), (1500, 20.0)):
        system = make_system(link, "free", num_symbols=num_symbols)
        sent = send(system, images, snr_db)
        assert not sent.outage.any() and not sent.lost
        errors.append(squared_error(sent, images))
    assert errors[0] > 1.1 * errors[1] > 1.2 * errors[2]


def test_side_information_is_sent_and_charged(link, images):
    """Lengths arrive, are those sent, and share the frame with the data."""
    sent = send(make_system(link), images, 15.0)
    free = send(make_system(link, "free"), images, 15.0)
    assert not sent.outage.any() and not sent.lost[SIDE].any()
    assert not sent.figures["undetected"].any()
    assert np.all(sent.figures["side_bits"] > 0) and np.all(sent.spent.side > 0)
    assert np.all(sent.spent.data + sent.spent.side <= NUM_SYMBOLS)
    assert not free.spent.side.any() and np.all(free.spent.data >= sent.spent.data)
    error = squared_error(sent, images)
    assert error > squared_error(free, images)
    # Decoded with the right lengths: as good as with as many symbols and free lengths.
    data = int(sent.spent.data.mean())
    less = send(make_system(link, "free", num_symbols=data), images, 15.0)
    assert error == pytest.approx(squared_error(less, images), rel=0.1)


@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(2, 2)])
def test_lost_lengths_are_an_outage(images, model):
    """At -12 dB no message arrives: the mean colour, counted, nothing decoded."""
    sent = send(make_system(make_link(model=model, images=images)), images, -12.0)
    assert sent.outage.all() and sent.lost[SIDE].all()
    assert np.all(sent.delivered.images == np.array(COLOR, "uint8"))


def test_lengths_that_were_not_received_are_never_used(
    link, images, monkeypatch, plain
):
    """What the message says decides, not what was sent (told the shortest for all):
    the lengths, and where the data begin."""
    system = make_system(link)
    coder, seen = system.coder, {}
    wrong = np.zeros((1, *coder.codec.grid), int)
    (payload,) = coder.codec.side_to_bytes(wrong)
    monkeypatch.setattr(
        MessageProtection, "decode", lambda self, x_hat, no_eff: [payload] * len(x_hat)
    )
    decode, receive = coder._decode, system._send

    def spy(x_hat, no_eff, side, *rest):
        seen.update(x_hat=x_hat, side=side)
        return decode(x_hat, no_eff, side, *rest)

    def spy_on_frame(*args):
        seen["frame"] = receive(*args)
        return seen["frame"]

    coder._decode, system._send = spy, spy_on_frame
    sent = send(system, images, 0.0)
    assert not sent.outage.any() and sent.figures["undetected"].all()
    assert not np.any(ops.convert_to_numpy(seen["side"]))
    mcs = coder.side.scheme(system.channel, 0.0)
    start = coder.side.protection(mcs).counts([payload])[0]
    assert np.all(start < sent.spent.side)
    frame = ops.convert_to_numpy(seen["frame"].x_hat)[:, start:]
    np.testing.assert_array_equal(seen["x_hat"][:, : frame.shape[1]], frame)


def test_lengths_that_cannot_be_meant_are_lost(link, images, monkeypatch, plain):
    """A message that asks for more symbols than the frame holds is not believed, nor
    one that is no code of lengths."""
    system = make_system(link)
    huge = np.full((1, *system.coder.codec.grid), len(LENGTHS) - 1)
    for payload in (system.coder.codec.side_to_bytes(huge)[0], b"\xff" * 30):
        monkeypatch.setattr(
            MessageProtection,
            "decode",
            lambda self, x_hat, no_eff, payload=payload: [payload] * len(x_hat),
        )
        sent = send(system, images, 0.0)
        assert sent.outage.all() and sent.lost[SIDE].all()
        assert np.all(sent.delivered.images == np.array(COLOR, "uint8"))


def test_a_frame_too_small_is_refused(link, images, plain):
    """The least is one symbol a patch and the message."""
    system = make_system(link, num_symbols=60)
    with pytest.raises(ValueError, match="a frame of 60 symbols .* raise the cbr"):
        send(system, images, 10.0)
    with pytest.raises(ValueError, match="at least 24 symbols, received a frame of 20"):
        make_system(link, num_symbols=20)


def test_equal_lengths_need_no_side_information(images):
    """DeepJSCC with these networks: two lengths in a fixed pattern fill the frame."""
    system = make_system(make_link(images=images, fixed=True), "none")
    spent = symbols_map(system, images)
    assert np.unique(spent).tolist() == [24, 48]  # 24 patches in 900 symbols
    assert np.all(spent.sum(axis=(1, 2)) == 24 * 24 + 13 * 24)
    assert np.all(spent == spent[0])
    sent = send(system, images, 10.0)
    assert np.all(sent.spent.side == 0) and np.all(sent.spent.data == 24 * 24 + 13 * 24)


def test_annotated_patches_get_more_symbols(images):
    """C2: the annotator's levels add symbols, at the cost of the others."""
    link = make_link("sa_oosc", images=images)
    levels = np.zeros((len(images), 4, 6), "int32")
    levels[:, 1, 1] = 3
    told = make_system(link, "free", Told(levels))
    assert told.describe()["knows"] == ["average SNR", "label maps", "lengths (free)"]
    told = symbols_map(told, images)
    unaided = symbols_map(make_system(link, "free"), images)
    assert np.all(told[:, 1, 1] >= unaided[:, 1, 1])
    assert told[:, 1, 1].sum() > unaided[:, 1, 1].sum()
    assert told.sum() <= NUM_SYMBOLS * len(images)


def large(images, shape, num_symbols):
    """A system for large pictures, and a picture whose patches differ in contrast."""
    set_seed(5)
    channel = make_channel(num_symbols=num_symbols)
    sizes = SIZES | {"image_shape": shape}
    link = build_link(CODECS["sa_oosc"], (sizes, sizes), channel)
    link.encoder.fit_statistics(images.astype("float32") / 255)
    link.decoder.copy_statistics(link.encoder)
    rows, columns = -(-shape[0] // 64), -(-shape[1] // 96)
    tiles = np.concatenate([images] * (-(-rows * columns // len(images))))
    tiles = tiles[: rows * columns].reshape(rows, columns, *SHAPE)
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * 64, columns * 96, 3)
    contrast = np.random.default_rng(8).random((shape[0] // 16, shape[1] // 16, 1))
    contrast = contrast.repeat(16, axis=0).repeat(16, axis=1)
    picture = 128 + contrast * (picture[: shape[0], : shape[1]] - 128.0)
    return make_system(link, num_symbols=num_symbols), picture.astype("uint8")[None]


@pytest.mark.parametrize(
    "shape",
    [
        (512, 768, 3),  # 1,536 patches
        pytest.param((1024, 2048, 3), marks=pytest.mark.slow),  # 8,192
    ],
)
def test_pictures_of_any_size(images, shape, plain):
    """Lengths of 1,536 patches and of 8,192, in segments of 100 bytes, arrive at 10 dB
    and are charged; data and lengths keep to the frame of cbr 1/48 and fill 95 %. What
    is shown is nearer to the picture than one grey (0.6 of its variance)."""
    num_symbols = int(np.prod(shape)) // 48
    system, picture = large(images, shape, num_symbols)
    side = system.coder.side
    side.segment_bytes = 100
    sent = send(system, picture, 10.0)
    assert not sent.outage.any() and sent.delivered.images.shape == picture.shape
    num_bytes = int(sent.figures["side_bits"][0]) // 8
    assert num_bytes > 100
    mcs = side.scheme(system.channel, 10.0)
    assert mcs.spectral_efficiency > 2
    expected = ProtectedMessage(mcs, 100).num_symbols(num_bytes)
    assert sent.spent.side[0] == expected
    spent = sent.spent.data[0] + sent.spent.side[0]
    assert 0.95 * num_symbols < spent <= num_symbols
    assert squared_error(sent, picture) < 0.6 * np.var(picture.astype(float))


def test_lengths_without_a_code_are_not_sent(images):
    """The remedy is named."""
    system = make_system(make_link(images=images))
    system.coder.codec.side_code.length_code = None
    with pytest.raises(ValueError, match="need a length code"):
        send(system, images, 10.0)


@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(2, 2)])
def test_the_scheme_follows_the_average_snr(model):
    """The more SNR, the more a symbol carries; over fading less than over AWGN, at
    -5 dB less than QPSK at rate 1/3 does."""
    channel, side = make_channel(model, 4000), MessageSide(72, room=False)
    found = [side.scheme(channel, snr).spectral_efficiency for snr in range(-5, 26, 5)]
    assert np.all(np.diff(found) >= 0) and found[-1] > 2 * found[0]
    assert found[0] < STRONG.spectral_efficiency
    if model.num_tx_ant == 2:
        steady = make_channel(AWGN(1), 4000)
        for snr_db, carried in zip((5.0, 15.0), (found[2], found[4]), strict=True):
            assert carried < side.scheme(steady, snr_db).spectral_efficiency


@pytest.mark.parametrize("most_bytes", [72, 525])
@pytest.mark.parametrize("snr_db", [0.0, 5.0, 10.0, 20.0])
def test_messages_arrive_over_awgn(snr_db, most_bytes):
    """Of 200 of 18 to 36 bytes at most 6 are lost, however long they might be."""
    side = MessageSide(most_bytes, room=False)
    protection = side.protection(side.scheme(make_channel(num_symbols=40000), snr_db))
    rng, no = np.random.default_rng(0), 10 ** (-snr_db / 10)
    payloads = [rng.bytes(n) for n in rng.integers(18, 37, 200)]
    noisy = [
        x + np.sqrt(no / 2) * (rng.standard_normal((2, len(x))).T @ [1, 1j])
        for x in protection.message.encode(payloads)
    ]
    _, received = protection.message.decode(noisy, [no] * len(noisy))
    assert np.sum(~received) <= 6


def test_a_lost_message_costs_more_than_its_symbols():
    """The scheme has the least cost of all that leave a tenth of the frame (exact)."""
    channel, side = make_channel(BlockRayleigh(2, 2), 1200), MessageSide(72, room=False)
    sinr = np.concatenate(list(expected_sinr(channel, 3.0, 1000, 20212)))
    costs = {}
    for mcs in (STRONG, *all_schemes()):
        message = ProtectedMessage(mcs, 255)
        if message.num_symbols(72) > 0.9 * 1200:
            continue
        left = 1 - message.num_symbols(36) / 1200
        costs[mcs] = 2.5 * message.error_rate(18, sinr).mean() - np.log(left)
    assert len(costs) < 37
    assert side.scheme(channel, 3.0) == min(costs, key=costs.get)


def test_a_message_with_a_room_of_its_own_keeps_to_it():
    """That of the longest at QPSK and rate 1/3, however little SNR there is (exact)."""
    side = MessageSide(9, room=True)
    assert side.room == ProtectedMessage(STRONG, 255).num_symbols(9)
    for snr_db in (-10.0, 30.0):
        mcs = side.scheme(make_channel(num_symbols=4000), snr_db)
        assert side.protection(mcs).counts([bytes(9)])[0] <= side.room


def test_length_of_matches_the_table():
    """Indices stand for the lengths in their order."""
    index = ops.arange(len(LENGTHS), dtype="int32")
    assert ops.convert_to_numpy(length_of(index)).tolist() == list(LENGTHS)


def test_lengths_and_noise_follow_each_image_s_seed(link, images):
    """Nobody's stream moves, and rows do not depend on the batch."""
    system = make_system(make_link(model=BlockRayleigh(2, 2), images=images))
    assert_no_stream_moves(system, system.channel, images[:3])
    assert_batches_do_not_matter(system, system.channel, images[:4])
