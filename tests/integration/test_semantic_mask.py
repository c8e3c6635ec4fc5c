"""A codec that leaves symbols out: they are not sent, not spread and not charged."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from link_models import semantic_link
from link_models.semantic_link import SemanticLink, SemanticSystem
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.csi import PerfectCSI
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import Csi, SnrRange
from semcom_phy.seeding import set_seed
from semcom_phy.snr import snr_db_to_no

SHAPE, NUM_SYMBOLS = (16, 16, 3), 384
SCATTERED = np.random.default_rng(4).random(NUM_SYMBOLS) < 0.5
SCATTERED[:3] = True, False, True


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """The same functions without a compiler, which takes longer than they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic_link, "compile_fn", lambda fn, jit=True: fn)
        yield


def channel(num_streams=2):
    framing = Framing(NUM_SYMBOLS, num_streams)
    model = BlockRayleigh(num_streams, num_streams)
    return EqualizedOFDMChannel(model, framing, PerfectCSI())


def all_sent(snr_db, h, num_symbols):
    return ops.ones((1, num_symbols))


def scattered(snr_db, h, num_symbols):
    """Half of the symbols, here and there."""
    return ops.convert_to_tensor(SCATTERED[None].astype("float32"))


def by_snr(snr_db, h, num_symbols):
    """A quarter of the frame below 5 dB, half of it above."""
    share = ops.where(snr_db < 5.0, 0.25, 0.5)[:, None]
    place = ops.arange(num_symbols, dtype="float32")[None] / num_symbols
    return ops.cast(place < share, "float32")


class Pixels(keras.layers.Layer):
    """Sends pairs of pixels as symbols, those of a mask."""

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def call(self, source, snr_db, h=None, num_symbols=None):
        z = ops.view_as_complex(ops.reshape(source, (-1, num_symbols, 2)))
        mask = self.mask(snr_db, h, num_symbols)
        return z, mask + ops.zeros_like(ops.real(z))


class Estimates(keras.layers.Layer):
    """Estimates, error variances and the mask that the decoder was told, stacked."""

    def call(self, x_hat, no_eff, side=None, csi=None):
        side = ops.zeros_like(no_eff) if side is None else side
        return ops.stack([ops.real(x_hat), ops.imag(x_hat), no_eff, side], axis=-1)


class Means(keras.layers.Layer):
    """Estimates as an image."""

    def call(self, x_hat, no_eff, side=None, csi=None):
        pairs = ops.view_as_real(x_hat / ops.cast(1.0 + no_eff, "complex64"))
        return ops.reshape(pairs, (-1, *SHAPE))


def link(mask, known, decoder=Estimates, num_streams=2):
    return SemanticLink(Pixels(mask), decoder(), channel(num_streams), known_mask=known)


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
    count = ops.convert_to_numpy(mask(ops.convert_to_tensor(snr_db), None, NUM_SYMBOLS))
    count = np.broadcast_to(count.sum(axis=1), 3).astype(int)
    for x, number in zip(sent[0], count, strict=True):
        assert np.all(x[:number] != 0) and not x[number:].any()
        np.testing.assert_allclose(np.mean(np.abs(x[:number]) ** 2), 1, rtol=1e-4)


def test_received_symbols_are_those_that_were_sent():
    """|x_hat - x|^2 / no_eff averages 1 over the symbols of the mask (5 standard errors
    over n = 400 fades of 2x2, seed 6; spreading over 16 symbols leaves up to 2 %); 0
    with an error of 1 elsewhere, and the decoder is told the mask (exact)."""
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
    model = link(all_sent, None)
    source, snr_db = sources(4), ops.convert_to_tensor(np.full(4, 9.0, "float32"))
    h = model.channel.sample(4)
    noise = model.channel.draw_noise(range(4))
    out = ops.convert_to_numpy(model(source, snr_db, h, noise))
    z, mask = model.encoder(source, snr_db, num_symbols=NUM_SYMBOLS)
    x = model.precoding.spread(model.power(z, mask))
    no = snr_db_to_no(snr_db, 2)
    reception = model.channel.receive(x, h, no, noise)
    z_hat, no_eff = model.precoding.despread(reception.x_hat, reception.no_eff)
    expected = model.decoder(z_hat, no_eff, None, Csi(None, snr_db))
    np.testing.assert_array_equal(out, ops.convert_to_numpy(expected))


def system(mask, known):
    model = link(mask, known, Means)
    if mask is not None:
        model(sources(1), np.zeros(1, "float32"), model.channel.sample(1))
    return SemanticSystem("mine", "Mine", model, SHAPE, {})


def transmit(mine, snr_db=10.0):
    images = np.random.default_rng(2).integers(0, 256, (3, *SHAPE)).astype("uint8")
    set_seed(3)
    return mine.transmit(images, snr_db, mine.link.channel.sample(3), range(3))


def test_what_is_sent_is_charged():
    """Twice the symbols of the mask over the source dimensions, by the SNR (exact); the
    description says that the frame is the most."""
    mine = system(by_snr, by_snr)
    for snr_db, count in ((0.0, 96), (10.0, 192)):
        extras = transmit(mine, snr_db).extras
        for name in ("cr_real", "cr_real_charged"):
            np.testing.assert_array_equal(extras[name], 2 * count / 768)
    mine.link.snr_range = SnrRange(0.0, 4.0)  # both ends go by what networks are told
    np.testing.assert_array_equal(transmit(mine, 10.0).extras["cr_real"], 2 * 96 / 768)
    about = json.loads(json.dumps(mine.describe()))
    assert "the most" in about["bandwidth_note"]
    full = system(all_sent, None)
    assert transmit(full).extras == {}
    assert "bandwidth_note" not in full.describe()


def by_content(source_mask):
    """A mask that differs from image to image, which no receiver knows."""

    class Content(Pixels):
        def call(self, source, snr_db, h=None, num_symbols=None):
            z, _ = super().call(source, snr_db, h, num_symbols)
            return z, ops.cast(ops.abs(z) > source_mask, "float32")

    return Content(all_sent)


@pytest.mark.parametrize(
    ("mask", "known", "message"),
    [
        (scattered, None, "symbols of image 0, the receiver expects 384: .*known_mask"),
        (by_snr, all_sent, "sends 192 of the 384 .*expects 384: "),
        (by_snr, scattered, "sends 192 of the 384 .*the receiver expects"),
        (None, None, "a mask that depends on the image must be sent and charged"),
        (None, by_snr, "depends on the image must be sent and charged"),
    ],
)
def test_a_mask_that_the_receiver_does_not_know_is_refused(mask, known, message):
    """Another mask than the known one, or one of the content, with the numbers and the
    remedy (exact)."""
    mine = system(mask, known)
    if mask is None:
        mine.link.encoder = by_content(0.5)
    with pytest.raises(ValueError, match=message):
        transmit(mine)


def test_a_mask_that_sends_nothing_is_refused():
    """An image of no symbol has no power (exact)."""

    def nothing(snr_db, h, num_symbols):
        return ops.zeros((1, num_symbols))

    with pytest.raises(ValueError, match="leaves out every symbol"):
        transmit(system(nothing, nothing))
