"""Variable-length codecs over their link: packing, side information, outage."""

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves

from link_models import variable_length_system
from link_models.knowledge import LABEL_MAPS
from link_models.learned import build_link
from link_models.variable_length_system import VariableLengthSystem
from semcom_phy.channel_coding.protected_message import ProtectedMessage
from semcom_phy.layers.rate_allocation import LENGTHS, length_of
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed
from semcom_phy.entropy_coding.length_code import LengthCode

SHAPE = (64, 96, 3)
SIZES = {"image_shape": SHAPE, "filters": 8, "blocks": 1}
NUM_SYMBOLS = 900


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
    link = build_link(codec, SIZES | more, SIZES, make_channel(model))
    if images is not None:
        link.encoder.fit_statistics(images.astype("float32") / 255)
        link.decoder.copy_statistics(link.encoder)
    return link


@pytest.fixture(scope="module")
def link(images):
    return make_link(images=images)


def make_system(link, side_info="sent", levels=None, num_symbols=NUM_SYMBOLS):
    link.channel = make_channel(link.channel.channel_model, num_symbols)
    counts = np.ones((len(LENGTHS) + 1, len(LENGTHS)), int)
    code = LengthCode(counts) if side_info == "sent" else None
    color = (10, 20, 30)
    return VariableLengthSystem(
        "t", "T", link, SHAPE, {}, color, code, side_info, levels
    )


class Told:
    """Levels that somebody with label maps wrote down."""

    name, knows = "told", (LABEL_MAPS,)

    def __init__(self, levels):
        self.levels = levels

    def __call__(self, images):
        return self.levels


def send(system, images, snr_db, method="send"):
    set_seed(7)
    h = system.channel.sample(len(images))
    return getattr(system, method)(images, snr_db, h, range(len(images)))


@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(2, 2)])
def test_unpacking_inverts_packing(images, model):
    """Without noise every symbol comes back at its patch, scaled by one number."""
    link = make_link(model=model, images=images)
    rng = np.random.default_rng(0)
    index = ops.convert_to_tensor(rng.integers(0, 5, (3, 4, 6)).astype("int32"))
    symbols = rng.standard_normal((3, 4, 6, 256)).astype("float32")
    x, count = link.pack(ops.convert_to_tensor(symbols), index)
    tiny = ops.full(x.shape, 1e-9)
    received, no = link.unpack(x, tiny, index)
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
    coded = link.encoder.encode(source, ops.convert_to_tensor(budget))
    x, count = map(ops.convert_to_numpy, link.pack(coded.symbols, coded.index))
    assert np.all(count <= budget) and np.all(count > 0.85 * budget)
    for row, n in zip(x, count, strict=True):
        assert np.mean(np.abs(row[:n]) ** 2) == pytest.approx(1, abs=1e-4)
        assert np.all(row[n:] == 0)


def test_more_information_gets_more_symbols(link, images):
    """The right half of the images, the left being flat, takes more of the symbols:
    without training the entropy model knows the values alone, not their scales."""
    spent = make_system(link, "free").symbols_map(images)
    assert spent[:, :, 3:].sum() > 1.2 * spent[:, :, :3].sum()


def test_quality_rises_with_snr_and_budget(link, images):
    """An untrained codec is a linear one: less noise and more symbols help."""
    errors = []
    for num_symbols, snr_db in ((500, 0.0), (500, 20.0), (1500, 20.0)):
        system = make_system(link, "free", num_symbols=num_symbols)
        images_hat, lost, _ = send(system, images, snr_db)
        assert not lost.any()
        errors.append(np.mean((images_hat.astype(float) - images) ** 2))
    assert errors[0] > 1.1 * errors[1] > 1.2 * errors[2]


def test_side_information_is_sent_and_charged(link, images):
    """Lengths arrive, are those sent, and share the frame with the data."""
    system = make_system(link)
    images_hat, lost, extras = send(system, images, 15.0)
    free, _, _ = send(make_system(link, "free"), images, 15.0)
    assert not lost.any()
    dimensions = np.prod(SHAPE)
    assert np.all(extras["side_bits"] > 0)
    assert np.all(extras["cbr_total"] * dimensions <= NUM_SYMBOLS)
    np.testing.assert_allclose(extras["cbr"] + extras["side_cbr"], extras["cbr_total"])
    error = np.mean((images_hat.astype(float) - images) ** 2)
    assert error > np.mean((free.astype(float) - images) ** 2)
    # Decoded with the right lengths: as good as with as many symbols and free lengths.
    data = int((extras["cbr"] * dimensions).mean())
    less, _, _ = send(make_system(link, "free", num_symbols=data), images, 15.0)
    assert error == pytest.approx(np.mean((less.astype(float) - images) ** 2), rel=0.1)


@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(2, 2)])
def test_lost_lengths_are_an_outage(images, model):
    """At -12 dB no message arrives: the mean colour, counted, nothing decoded."""
    system = make_system(make_link(model=model, images=images))
    sent = send(system, images, -12.0, "transmit")
    assert sent.outage.all()
    assert np.all(sent.extras["side_info_error"])
    assert np.all(sent.images == np.array([10, 20, 30], "uint8"))


def test_lengths_that_were_not_received_are_never_used(link, images):
    """What the message says decides, not what was sent (mask told 1 for all)."""
    system = make_system(link)
    wrong = np.zeros(system.codec.grid, int)
    payload = system.length_code.encode(wrong)
    message = system.message(0.0)
    index, start, lost = system._read_messages(
        message, [payload] * 2, np.full((2, *wrong.shape), 5), np.ones(2, int)
    )
    assert not lost.any() and np.all(index == 0)
    assert np.all(start == message.num_symbols(len(payload)))


def test_lengths_that_cannot_be_meant_are_lost(link):
    """A message that asks for more symbols than the frame holds is not believed."""
    system = make_system(link)
    huge = system.length_code.encode(np.full(system.codec.grid, len(LENGTHS) - 1))
    assert system._read_lengths(system.message(0.0), huge) is None


def test_a_frame_too_small_is_refused(link, images):
    """The least is one symbol a patch and the message."""
    system = make_system(link, num_symbols=60)
    with pytest.raises(ValueError, match="raise the cbr"):
        system.fit(images, system.message(10.0))


def test_equal_lengths_need_no_side_information(images):
    """DeepJSCC with these networks: two lengths in a fixed pattern fill the frame."""
    system = make_system(make_link(images=images, fixed=True), "none")
    spent = system.symbols_map(images)
    assert np.unique(spent).tolist() == [24, 48]  # 24 patches in 900 symbols
    assert np.all(spent.sum(axis=(1, 2)) == 24 * 24 + 13 * 24)
    assert np.all(spent == spent[0])
    _, _, extras = send(system, images, 10.0)
    assert np.all(extras["side_cbr"] == 0)


def test_annotated_patches_get_more_symbols(images):
    """C2: the annotator's levels add symbols, at the cost of the others."""
    link = make_link("sa_oosc", images=images)
    levels = np.zeros((len(images), 4, 6), "int32")
    levels[:, 1, 1] = 3
    told = make_system(link, "free", Told(levels))
    assert told.describe()["knows"] == ["average SNR", "label maps", "lengths (free)"]
    told = told.symbols_map(images)
    unaided = make_system(link, "free").symbols_map(images)
    assert np.all(told[:, 1, 1] >= unaided[:, 1, 1])
    assert told[:, 1, 1].sum() > unaided[:, 1, 1].sum()
    assert told.sum() <= NUM_SYMBOLS * len(images)


def large(images, shape, num_symbols):
    """A system for large pictures, and a picture whose patches differ in contrast."""
    set_seed(5)
    channel = make_channel(num_symbols=num_symbols)
    sizes = SIZES | {"image_shape": shape}
    link = build_link("sa_oosc", sizes, sizes, channel)
    link.encoder.fit_statistics(images.astype("float32") / 255)
    link.decoder.copy_statistics(link.encoder)
    rows, columns = -(-shape[0] // 64), -(-shape[1] // 96)
    tiles = np.concatenate([images] * (-(-rows * columns // len(images))))
    tiles = tiles[: rows * columns].reshape(rows, columns, *SHAPE)
    picture = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * 64, columns * 96, 3)
    contrast = np.random.default_rng(8).random((shape[0] // 16, shape[1] // 16, 1))
    contrast = contrast.repeat(16, axis=0).repeat(16, axis=1)
    picture = 128 + contrast * (picture[: shape[0], : shape[1]] - 128.0)
    code = LengthCode(np.ones((len(LENGTHS) + 1, len(LENGTHS)), int))
    system = VariableLengthSystem("t", "T", link, shape, {}, (10, 20, 30), code)
    return system, picture.astype("uint8")[None]


@pytest.mark.parametrize(
    "shape",
    [
        (512, 768, 3),  # 1,536 patches
        pytest.param((1024, 2048, 3), marks=pytest.mark.slow),  # 8,192
    ],
)
def test_pictures_of_any_size(images, shape, monkeypatch):
    """Lengths of 1,536 patches and of 8,192, in segments of 100 bytes, arrive at 10 dB
    and are charged; data and lengths keep to the frame of cbr 1/48 and fill 95 %. What
    is shown is nearer to the picture than one grey (0.6 of its variance)."""
    monkeypatch.setattr(variable_length_system, "compile_fn", lambda fn, jit=True: fn)
    num_symbols = int(np.prod(shape)) // 48
    system, picture = large(images, shape, num_symbols)
    system._messages = {mcs: ProtectedMessage(mcs, 100) for mcs in system._messages}
    images_hat, lost, extras = send(system, picture, 10.0)
    assert not lost.any() and images_hat.shape == picture.shape
    num_bytes = int(extras["side_bits"][0]) // 8
    assert num_bytes > 100
    side = system.message(10.0).num_symbols(num_bytes)
    assert extras["side_cbr"][0] * np.prod(shape) == pytest.approx(side)
    spent = extras["cbr_total"][0] * np.prod(shape)
    assert 0.95 * num_symbols < spent < num_symbols + 0.5
    error = np.mean((images_hat.astype(float) - picture) ** 2)
    assert error < 0.6 * np.var(picture.astype(float))


def test_unknown_side_information_is_refused(link):
    """Options are checked where they are given."""
    with pytest.raises(ValueError, match="side_info must be one of"):
        make_system(link, "guessed")
    with pytest.raises(ValueError, match="need a length code"):
        VariableLengthSystem("t", "T", link, SHAPE, {}, (0, 0, 0))


def test_length_of_matches_the_table():
    """Indices stand for the lengths in their order."""
    index = ops.arange(len(LENGTHS), dtype="int32")
    assert ops.convert_to_numpy(length_of(index)).tolist() == list(LENGTHS)


def test_lengths_and_noise_follow_each_image_s_seed(link, images):
    """Nobody's stream moves, and rows do not depend on the batch."""
    system = make_system(make_link(model=BlockRayleigh(2, 2), images=images))
    assert_no_stream_moves(system, system.channel, images[:3])
    assert_batches_do_not_matter(system, system.channel, images[:4])
