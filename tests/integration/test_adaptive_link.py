"""Adaptive-rate codecs over the link: feedback, cut-offs, gradients, side stream."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves

from link_models.adaptive_link import AdaptiveLink
from link_models.adaptive_system import (
    MAX_SIDE_SYMBOLS,
    AdaptiveSystem,
    read_number,
)
from link_models.learned import build_link
from semcom_phy.backend import gradient_fn, gradients_fn
from semcom_phy.codecs import eca as eca_module
from semcom_phy.codecs.eca import ChannelAwareLoss, EcaDecoder, EcaEncoder
from semcom_phy.codecs.map_codec import Cutoffs
from semcom_phy.codecs.swinjscc import SwinJSCCDecoder, SwinJSCCEncoder
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.phy.tr38901 import TDL
from semcom_phy.seeding import set_seed

SHAPE, MAPS = (16, 16, 3), 8
CONV = {"filters": 8, "num_blocks": 1}
SWIN = {"dims": (8, 12), "depths": (1, 2), "heads": (2, 3), "window": 2}
TINY_VIT = {"num_layers": 1, "hidden_size": 8, "num_heads": 2, "mlp_size": 16}
GREY = (128, 128, 128)
BACKBONES = {"conv": (CONV, CONV), "swin": (SWIN, {**SWIN, "dims": (12, 8)})}


def make_channel(num_symbols, csi=None):
    grid = OFDMGrid(24, 10, (0,))
    return EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(num_symbols, 2, grid), csi or PerfectCSI()
    )


def eca(backbone="conv", side=0, csi=None, seed=1, **options):
    """An untrained link with ECA, fitted to smooth pictures."""
    set_seed(seed)
    sizes = BACKBONES[backbone]
    common = {"image_shape": SHAPE, "num_maps": MAPS, "backbone": backbone, **options}
    encoder = EcaEncoder(sizes=sizes[0], **common)
    decoder = EcaDecoder(
        sizes={k: v for k, v in sizes[1].items() if k != "heads"}
        | ({"heads": (3, 2)} if backbone == "swin" else {}),
        compensation=TINY_VIT,
        **common,
    )
    link = AdaptiveLink(encoder, decoder, make_channel(encoder.num_symbols + side, csi))
    encoder.fit_statistics(pictures(60, 5))
    decoder.copy_statistics(encoder)
    return link


def swinjscc(mask="prefix", backbone="swin", side=0):
    set_seed(1)
    sizes = BACKBONES[backbone]
    common = {"image_shape": SHAPE, "num_maps": MAPS, "backbone": backbone}
    encoder = SwinJSCCEncoder(sizes=sizes[0], mask=mask, **common)
    second = dict(sizes[1]) | ({"heads": (3, 2)} if backbone == "swin" else {})
    decoder = SwinJSCCDecoder(sizes=second, mask=mask, **common)
    link = AdaptiveLink(encoder, decoder, make_channel(encoder.num_symbols + side))
    encoder.fit_statistics(pictures(60, 5))
    decoder.copy_statistics(encoder)
    return link


def pictures(count=3, seed=0):
    """Smooth coloured noise in [0, 1]."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((count, *SHAPE)).cumsum(1).cumsum(2)
    images = images @ np.array([[1, 0.8, 0.6], [0, 0.5, 0.2], [0, 0, 0.2]])
    return ((images - images.min()) / np.ptp(images)).astype("float32")


def inputs(link, count=3, snr_db=(0.0, 10.0, 20.0), seed=2):
    """source, snr_db, h, noise as tensors."""
    set_seed(seed)
    h = link.channel.sample(count)
    noise = link.channel.draw_noise(range(count))
    values = pictures(count), np.resize(snr_db, count).astype("float32"), h, noise
    return [ops.convert_to_tensor(v) for v in values]


def randomise(layer, seed=3):
    """Random values for weights that start at zero."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        if not np.any(ops.convert_to_numpy(weight)):
            weight.assign(0.1 * rng.standard_normal(weight.shape))


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("csi", (PerfectCSI(), LSEstimator()))
def test_what_is_sent_is_what_was_chosen(backbone, csi):
    """Documented shapes; what is sent is a prefix of scale_symbols + ceil(k l / 2)
    symbols, nothing else is on the air, and its power averages 1 (1e-4)."""
    link = eca(backbone, csi=csi)
    randomise(link)
    values = inputs(link)
    image, usage = link(*values)
    assert image.shape == (3, *SHAPE) and usage.shape == (3,)
    sent = {}
    receive = link.channel.receive

    def spy(x, *args):
        sent["x"] = ops.convert_to_numpy(x)
        return receive(x, *args)

    link.channel.receive = spy
    coded, decoded = link.run(*values)
    k, rows = (ops.convert_to_numpy(v) for v in coded.cutoffs[:2])
    assert np.all((k >= 1) & (k <= MAPS) & (rows >= 1) & (rows <= 16))
    count = link.encoder.scale_symbols + np.ceil(k * rows / 2)
    mask = ops.convert_to_numpy(coded.mask)
    np.testing.assert_array_equal(mask.sum(1), count)
    np.testing.assert_array_equal(ops.convert_to_numpy(usage), count)
    np.testing.assert_array_equal(mask, np.sort(mask)[:, ::-1])
    assert not np.any(sent["x"][mask == 0])
    power = np.square(np.abs(sent["x"])).sum(1) / count
    np.testing.assert_allclose(power, 1, rtol=1e-4)
    np.testing.assert_allclose(
        ops.convert_to_numpy(decoded.image), ops.convert_to_numpy(image), atol=1e-4
    )


def test_forced_cutoffs_and_both_ends_agree():
    """The decoder's mask from (k, l) alone is the encoder's mask, at any cut-offs."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    asked = Cutoffs(
        ops.convert_to_tensor([1, 5, 8], "int32"),
        ops.convert_to_tensor([16, 3, 16], "int32"),
    )
    coded, _ = link.run(source, snr_db, h, noise, cutoffs=asked)
    np.testing.assert_array_equal(coded.cutoffs.num_maps, [1, 5, 8])
    np.testing.assert_array_equal(coded.cutoffs.num_rows, [16, 3, 16])
    for end in (link.encoder, link.decoder):
        mask = ops.convert_to_numpy(end.positions(coded.cutoffs))
        np.testing.assert_array_equal(mask.sum(1), [16, 15, 128])


def test_fed_back_estimate_is_the_one_that_detects():
    """The pilot block is sent once: its LS estimate is fed back and detects (1e-6)."""
    link = eca(csi=LSEstimator())
    source, snr_db, h, noise = inputs(link)
    h_hat, snr_hat = link.feedback(snr_db, h, noise)
    no = 2 * 10 ** (-ops.convert_to_numpy(snr_db) / 10)
    x = ops.zeros((3, link.encoder.num_symbols), "complex64")
    reception = link.channel.receive(x, h, no, noise)
    np.testing.assert_allclose(h_hat, reception.h_hat, atol=1e-6)
    np.testing.assert_allclose(snr_hat, reception.snr_db, atol=1e-4)
    assert np.abs(ops.convert_to_numpy(h_hat) - ops.convert_to_numpy(h)).max() > 1e-3


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_noise_leaves_the_autoencoder(backbone):
    """At 90 dB the link hands every value over as it is: the estimates are the values
    up to the Wiener filter's scale, the same for all that was sent (1e-2)."""
    link = eca(backbone)
    source, _, h, noise = inputs(link, snr_db=(90.0,))
    asked = Cutoffs(
        ops.full((3,), MAPS, dtype="int32"), ops.full((3,), 12, dtype="int32")
    )
    high = ops.full((3,), 90.0)
    coded, decoded = link.run(source, high, h, noise, cutoffs=asked)
    mask = ops.convert_to_numpy(link.decoder.positions(asked)) > 0
    values = ops.convert_to_numpy(coded.values)
    estimates = ops.convert_to_numpy(decoded.estimates)
    for image in range(3):
        v, e = values[image, mask[image]], estimates[image, mask[image]]
        assert np.corrcoef(v, e)[0, 1] > 1 - 1e-4


def smooth_entropy(maps, num_levels):
    """Stands for the entropy, without the grey levels that rounding moves."""
    return ops.stop_gradient(ops.log(1.0 + ops.var(maps, axis=(1, 2))))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_weight_is_reached(backbone, monkeypatch):
    """With LS and L-MMSE between, every trainable weight has a finite and non-zero
    gradient, policies included, the same eager and compiled (1 % in norm: rounding in
    32 bits). The entropy is a smooth one: a grey level that rounding moves changes the
    gradients of what sees the entropy by up to a half."""
    monkeypatch.setattr(eca_module, "entropy_2d", smooth_entropy)
    link = eca(backbone, csi=LSEstimator())
    randomise(link)
    weights = link.trainable_variables
    source, snr_db, h, noise = inputs(link, 6, (0.0, 5.0, 10.0))
    rng = np.random.default_rng(4)
    uniform = rng.random((6, link.encoder.num_uniform), dtype="float32")
    precoder = svd_precoder(ops.convert_to_numpy(h), 5.0)
    ordered = np.array([True, False] * 3)
    precoder[~ordered] = np.eye(2)

    def loss(*values):
        return link.training_loss(ChannelAwareLoss(False), *values)

    values = [source, snr_db, h, noise, snr_db, uniform, precoder, ordered]
    values = [ops.convert_to_tensor(v) for v in values]
    eager = gradients_fn(loss, weights, compiled=False)(*values)
    graph = gradients_fn(loss, weights)(*values)
    gaps = {}
    for weight, one, two in zip(weights, eager, graph, strict=True):
        assert one is not None, weight.path
        one, two = ops.convert_to_numpy(one), ops.convert_to_numpy(two)
        assert np.isfinite(one).all() and np.any(one), weight.path
        if weight.path.endswith("key/bias"):
            continue  # attention does not see it: rounding alone
        gaps[weight.path] = np.linalg.norm(one - two) / np.linalg.norm(one)
    assert max(gaps.values()) < 0.01, sorted(gaps.items(), key=lambda g: -g[1])[:9]


def log_error(source, snr_db, coded, decoded, codec):
    """The image's error alone, every step of which passes its gradient on."""
    error = ops.mean(ops.square(decoded.image - source), axis=(1, 2, 3))
    return ops.mean(ops.log(error + 1e-5))


log_error.random_cutoffs = True


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_are_slopes(backbone):
    """Along its gradient in the weights of either end, the loss of drawn cut-offs over
    LS and L-MMSE changes as much as the gradient says (1 %, central difference of
    0.004 nat; the encoder is not shown its entropy, which has no gradient)."""
    link = eca(backbone, csi=LSEstimator())
    randomise(link)
    link.encoder.use_entropy = False
    source, snr_db, h, noise = inputs(link, 6, (0.0, 5.0, 10.0))
    rng = np.random.default_rng(4)
    uniform = rng.random((6, link.encoder.num_uniform), dtype="float32")
    precoder = svd_precoder(ops.convert_to_numpy(h), 5.0)
    ordered = np.array([True, False] * 3)
    precoder[~ordered] = np.eye(2)
    values = [source, snr_db, h, noise, snr_db, uniform, precoder, ordered]
    values = [ops.convert_to_tensor(v) for v in values]

    def loss(*values):
        return link.training_loss(log_error, *values)

    for end in (link.encoder, link.decoder):
        weights = end.trainable_variables
        found = gradients_fn(loss, weights, compiled=False)(*values)
        start = [ops.convert_to_numpy(weight).copy() for weight in weights]
        found = [
            np.zeros_like(value) if gradient is None else ops.convert_to_numpy(gradient)
            for gradient, value in zip(found, start, strict=True)
        ]
        slope = sum(float(np.sum(np.square(gradient))) for gradient in found)
        losses = []
        for step in (0.002 / slope, -0.002 / slope):
            for weight, value, gradient in zip(weights, start, found, strict=True):
                weight.assign(value + step * gradient)
            losses.append(float(ops.convert_to_numpy(loss(*values))))
        for weight, value in zip(weights, start, strict=True):
            weight.assign(value)
        np.testing.assert_allclose(losses[0] - losses[1], 0.004, rtol=0.01)


def test_random_cutoffs_leave_the_policies_alone():
    """With random cut-offs the policies are not trained."""
    link = eca()
    link.encoder.train_policies(False)
    names = [v.path for v in link.trainable_variables]
    assert names and not any("policy" in name for name in names)


def test_policy_gradient_is_what_each_cutoff_would_cost():
    """The gradient of the loss in the one-hot choices is the predicted log error plus
    the rate, at every k with the l chosen and at every l with the k chosen (1e-4)."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    encoder = link.encoder
    coded, decoded = link.run(source, snr_db, h, noise)

    def loss(flat):
        choice = flat[:, :MAPS], flat[:, MAPS:]
        changed = coded._replace(choice=choice)
        return ChannelAwareLoss(False)(source, snr_db, changed, decoded, encoder)

    flat = ops.concatenate(coded.choice, axis=-1)
    assert flat.shape == (3, MAPS + 16)
    gradient = ops.convert_to_numpy(gradient_fn(loss, compiled=False)(flat)) * 3
    k, rows = (ops.convert_to_numpy(v).astype(float) for v in coded.cutoffs[:2])
    a, b, c, e = ops.convert_to_numpy(coded.quality).T
    price = 2.8 * (1 + 0.55 * np.sqrt([0.0, 0.5, 1.0])) / 768

    def cost(image, k, rows):
        u = np.log(k * rows / 128)
        expected = a[image] - b[image] * u + c[image] * u**2
        return expected + e[image] * (1 - k / MAPS) ** 2 + price[image] * k * rows

    for image in range(3):
        expected = [cost(image, n, rows[image]) for n in range(1, MAPS + 1)]
        expected += [cost(image, k[image], n) for n in range(1, 17)]
        np.testing.assert_allclose(gradient[image], expected, atol=1e-4)


def test_untrained_policies_take_the_cheapest_cutoffs():
    """Policies whose perceptrons are silent choose the least predicted cost of all
    pairs (k, l) (1e-4), and a larger rate weight never sends more."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    encoder = link.encoder
    k, rows = np.mgrid[1 : MAPS + 1, 1:17].reshape(2, 1, -1).astype("float32")
    sent = []
    for weight in (0.5, 2.0, 8.0):
        encoder.rate_weight = weight
        coded, _ = link.run(source, snr_db, h, noise)
        price = encoder.price(snr_db)
        costs = ops.convert_to_numpy(encoder.costs(coded.quality, k, rows, price))
        chosen = [ops.cast(v, "float32")[:, None] for v in coded.cutoffs[:2]]
        taken = ops.convert_to_numpy(encoder.costs(coded.quality, *chosen, price))
        np.testing.assert_allclose(taken[:, 0], costs.min(1), atol=1e-4)
        sent.append(ops.convert_to_numpy(encoder.num_sent(coded.cutoffs)))
    assert np.all(np.diff(sent, axis=0) <= 0) and np.any(sent[0] > sent[2])


def test_the_predictor_learns_what_images_come_to():
    """Its loss is the squared gap to the log error of each image (relative 1e-4)."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    uniform = ops.convert_to_tensor(np.full((3, 3), 0.5, "float32"))
    asked = link.encoder.draw_cutoffs(uniform)
    coded, decoded = link.run(source, snr_db, h, noise, cutoffs=asked)
    rule = ChannelAwareLoss(True)
    whole = rule(source, snr_db, coded, decoded, link.encoder)
    without = coded._replace(quality=None)
    rest = rule(source, snr_db, without, decoded, link.encoder)
    error = np.mean(np.square(ops.convert_to_numpy(decoded.image - source)), (1, 2, 3))
    place = [ops.cast(v, "float32")[:, None] for v in asked[:2]]
    guess = link.encoder.predictor.read(coded.quality, place[0] * place[1], place[0])
    gap = ops.convert_to_numpy(guess)[:, 0] - np.log(error + 1e-5)
    np.testing.assert_allclose(float(whole - rest), np.mean(gap**2), rtol=1e-4)


def test_the_price_grows_with_snr():
    """w = lambda (1 + slope sqrt(snr_norm)), clipped outside 0 to 20 dB (1e-6)."""
    encoder = EcaEncoder(SHAPE, MAPS, sizes=CONV, rate_weight=2.0, slope=3.0)
    price = encoder.price(np.float32([-5.0, 0.0, 5.0, 20.0, 30.0]))
    weights = ops.convert_to_numpy(price) * 768
    np.testing.assert_allclose(weights, [2, 2, 5, 8, 8], rtol=1e-6)


@pytest.mark.parametrize("precoding", (None, "equal", "waterfilling"))
def test_system_sends_and_charges_the_cutoffs(precoding):
    """A system reports per image what it spent; data and side information add up; the
    cut-offs arrive at 20 dB and the picture equals the one with free cut-offs."""
    link = eca(side=MAX_SIDE_SYMBOLS)
    randomise(link.encoder.policy_1)
    randomise(link.encoder.policy_2)
    images = np.rint(255 * pictures(6)).astype("uint8")
    set_seed(1)
    h = link.channel.sample(6)
    sent = {}
    for side_info in ("sent", "free"):
        system = AdaptiveSystem(
            "eca", "ECA", link, SHAPE, {}, GREY, side_info, precoding
        )
        sent[side_info] = system.transmit(images, 20.0, h, range(6))
    one, two = sent["sent"], sent["free"]
    kept = ~one.outage
    assert kept.sum() >= 5 and not two.outage.any()
    np.testing.assert_array_equal(one.images[kept], two.images[kept])
    extras = one.extras
    count = extras["cr_real"] * 768 / 2
    expected = 8 + np.ceil(extras["num_maps"] * extras["num_rows"] / 2)
    np.testing.assert_allclose(count, expected, rtol=1e-6)
    total = extras["cr_real_charged"] * 768 / 2
    np.testing.assert_allclose(total, expected + extras["side_symbols"], rtol=1e-6)
    assert np.all(extras["side_symbols"] >= 12)
    assert not np.any(two.extras["side_symbols"])


def test_lost_cutoffs_are_an_outage():
    """Where the side stream fails (-25 dB) the grey of an outage is shown, and with the
    cut-offs free the same transmission decodes to something else."""
    link = eca(side=MAX_SIDE_SYMBOLS)
    images = np.rint(255 * pictures(4)).astype("uint8")
    set_seed(1)
    h = link.channel.sample(4)
    system = AdaptiveSystem("eca", "ECA", link, SHAPE, {}, GREY)
    sent = system.transmit(images, -25.0, h, range(4))
    assert sent.outage.all() and np.all(sent.images == 128)
    assert np.all(sent.extras["side_info_error"])
    free = AdaptiveSystem("eca", "ECA", link, SHAPE, {}, GREY, "free")
    assert not np.all(free.transmit(images, -25.0, h, range(4)).images == 128)


def test_number_of_cutoffs_round_trip():
    """Every (k, l) has a number of its own that tells it again."""
    number = np.arange(MAPS * 16)
    k, rows = read_number(number, MAPS, 16)
    np.testing.assert_array_equal((k - 1) * 16 + rows - 1, number)
    assert len({*zip(k.tolist(), rows.tolist(), strict=True)}) == MAPS * 16
    with pytest.raises(ValueError, match="from 0 to 127"):
        read_number([128], MAPS, 16)


@pytest.mark.parametrize("mask", ("prefix", "learned"))
def test_swinjscc_meets_the_rate_asked_for(mask):
    """Between two whole numbers of maps, images share out by their seeds so that the
    mean rate is met (4 standard errors, n = 4000 seeds), whatever the batch (exact)."""
    link = swinjscc(mask, side=MAX_SIDE_SYMBOLS)
    randomise(link)
    images = np.rint(255 * pictures(20)).astype("uint8")
    set_seed(1)
    h = link.channel.sample(20)
    asked = 5.3 * 16 / 768
    system = AdaptiveSystem(
        "swinjscc", "S", link, SHAPE, {}, GREY, "free", rates=lambda snr: asked
    )
    sent = system.transmit(images, 10.0, h, range(20))
    assert set(sent.extras["num_maps"]) == {5, 6}
    alone = system.transmit(images[4:5], 10.0, h[4:5], range(4, 5))
    assert alone.extras["num_maps"][0] == sent.extras["num_maps"][4]
    num_maps = ops.convert_to_numpy(system._asked(4000, 10.0, range(4000))[0])
    assert abs(num_maps.mean() - 5.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)
    with pytest.raises(ValueError, match="takes 48.00 maps"):
        AdaptiveSystem("s", "S", link, SHAPE, {}, GREY, rates=lambda snr: 1.0).transmit(
            images, 10.0, h, range(20)
        )


@pytest.mark.parametrize("mask", ("prefix", "learned"))
def test_swinjscc_is_told_its_maps_by_the_side_stream(mask):
    """Where the number arrives (30 dB), the maps read from it are those sent, and the
    pictures are those of a free side stream (exact)."""
    link = swinjscc(mask, side=MAX_SIDE_SYMBOLS)
    randomise(link)
    images = np.rint(255 * pictures(8)).astype("uint8")
    set_seed(1)
    h = link.channel.sample(8)
    sent = {}
    for side_info in ("sent", "free"):
        system = AdaptiveSystem(
            "s", "S", link, SHAPE, {}, GREY, side_info, rates=lambda snr: 5.5 * 16 / 768
        )
        sent[side_info] = system.transmit(images, 30.0, h, range(8))
    coded = system.encode(images, 30.0, h, range(8))[0]
    number = system._number(coded.cutoffs)
    num_maps, num_rows, order = system._read(number)
    np.testing.assert_array_equal(num_maps, coded.cutoffs.num_maps)
    assert np.all(num_rows == 16)
    if mask == "learned":
        np.testing.assert_array_equal(order, coded.cutoffs.map_order)
    assert not sent["sent"].outage.any()
    np.testing.assert_array_equal(sent["sent"].images, sent["free"].images)


@pytest.mark.parametrize("make", (eca, swinjscc))
def test_choices_and_noise_follow_each_image_s_seed(make):
    """Nobody's stream moves, nor by drawing the choices, and rows do not depend on the
    batch, those of a codec that is given its rate neither."""
    link = make(side=MAX_SIDE_SYMBOLS)
    randomise(link)
    rates = None if make is eca else lambda snr: 5.5 * 16 / 768
    system = AdaptiveSystem("s", "S", link, SHAPE, {}, GREY, rates=rates)
    images = np.rint(255 * pictures(4)).astype("uint8")
    assert_no_stream_moves(system, link.channel, images[:3])
    assert_no_stream_moves(
        system,
        link.channel,
        images[:3],
        lambda h, seeds: system.choices(images[:3], 10.0, 5),
    )
    assert_batches_do_not_matter(system, link.channel, images)


def test_a_wrong_number_is_decoded_as_it_came(monkeypatch):
    """Cut-offs that are taken for right and are not decode to another picture: the
    receiver goes by what arrived, not by what was sent."""
    link = eca(side=MAX_SIDE_SYMBOLS)
    images = np.rint(255 * pictures(4)).astype("uint8")
    set_seed(1)
    h = link.channel.sample(4)
    system = AdaptiveSystem("eca", "ECA", link, SHAPE, {}, GREY)
    right = system.transmit(images, 30.0, h, range(4))
    wrong = np.zeros(4, int), np.ones(4, bool)
    monkeypatch.setattr(system.message, "decode", lambda *received: wrong)
    other = system.transmit(images, 30.0, h, range(4))
    assert not other.outage.any()
    assert np.all(np.any(other.images != right.images, axis=(1, 2, 3)))


def test_swinjscc_learned_mask_keeps_what_weighs_most():
    """The k maps of the largest mean factor are sent, whatever their place, and come
    back to their place (90 dB, correlation 1e-4)."""
    link = swinjscc("learned")
    randomise(link)
    source, _, h, noise = inputs(link, snr_db=(90.0,))
    asked = Cutoffs(ops.full((3,), 3, dtype="int32"), ops.full((3,), 16, dtype="int32"))
    high = ops.full((3,), 90.0)
    encoder = link.encoder
    coded, decoded = link.run(source, high, h, noise, cutoffs=asked)
    maps = encoder.analysis(source, None)
    maps, _ = encoder.channel_modnet(maps, high[:, None] / 10.0)
    _, factors = encoder.rate_modnet(maps, ops.full((3, 1), 3 / MAPS))
    worth = ops.convert_to_numpy(factors).mean((1, 2))
    order = ops.convert_to_numpy(coded.cutoffs.map_order)
    for image in range(3):
        best = np.sort(np.argsort(-worth[image])[:3])
        np.testing.assert_array_equal(order[image, :3], best)
        assert sorted(order[image]) == list(range(MAPS))
    sent = ops.convert_to_numpy(coded.maps)
    back = np.asarray(ops.convert_to_numpy(decoded.estimates)).reshape(3, 16, MAPS)
    for image in range(3):
        first = sent[image].reshape(16, MAPS)[:, order[image, 0]]
        assert np.corrcoef(first, back[image, :, 0])[0, 1] > 1 - 1e-4


def test_swinjscc_every_weight_is_reached():
    """Prefix mask: every trainable weight has a finite, non-zero gradient."""
    link = swinjscc()
    randomise(link)
    weights = link.trainable_variables
    source, snr_db, h, noise = inputs(link)
    uniform = ops.convert_to_tensor(np.float32([[0, 0.2], [0, 0.5], [0, 0.9]]))
    precoder = ops.convert_to_tensor(np.tile(np.eye(2, dtype="complex64"), (3, 1, 1)))
    ordered = ops.zeros((3,), "bool")

    def loss(*values):
        rule = ChannelAwareLoss(True, consistency_weight=0.0)
        return link.training_loss(rule, *values)

    found = gradients_fn(loss, weights, compiled=False)(
        source, snr_db, h, noise, snr_db, uniform, precoder, ordered
    )
    for weight, gradient in zip(weights, found, strict=True):
        assert gradient is not None, weight.path
        gradient = ops.convert_to_numpy(gradient)
        assert np.isfinite(gradient).all() and np.any(gradient), weight.path


@pytest.mark.parametrize(
    "layer",
    (
        EcaEncoder(SHAPE, MAPS, sizes=CONV, use_entropy=False, temperature=2.0),
        EcaDecoder(SHAPE, MAPS, sizes=CONV, compensation=TINY_VIT, use_csi=False),
        SwinJSCCEncoder(SHAPE, MAPS, sizes=SWIN, mask="learned", default_maps=3),
        SwinJSCCDecoder(SHAPE, MAPS, backbone="conv", sizes=CONV),
    ),
    ids=lambda layer: type(layer).__name__,
)
def test_configuration_round_trip(layer):
    """The configuration rebuilds the codec with the same configuration."""
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config


def test_any_image_size_that_the_stages_divide():
    """A 24x40 image goes through both backbones and comes back in its size."""
    for backbone, (first, second) in BACKBONES.items():
        common = {"image_shape": (24, 40, 3), "num_maps": 4, "backbone": backbone}
        heads = {"heads": (3, 2)} if backbone == "swin" else {}
        encoder = EcaEncoder(sizes=first, **common)
        decoder = EcaDecoder(sizes={**second, **heads}, **common)
        link = AdaptiveLink(encoder, decoder, make_channel(encoder.num_symbols))
        image, _ = link(
            np.zeros((2, 24, 40, 3), "float32"),
            ops.full((2,), 10.0),
            link.channel.sample(2),
        )
        assert image.shape == (2, 24, 40, 3)


def test_bad_input():
    """Each mistake is an error that names the value and the remedy."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    with pytest.raises(ValueError, match=r"h must be .*2, 2, T, F.*\(3, 1, 4, 2, 1, 1"):
        link.encoder(source, snr_db, ops.zeros((3, 1, 4, 2, 1, 1), "complex64"))
    with pytest.raises(ValueError, match="needs the channel estimate"):
        link.encoder(source, snr_db)
    with pytest.raises(ValueError, match="multiples of 4.*30x32"):
        EcaEncoder((30, 32, 3), sizes=CONV)
    with pytest.raises(ValueError, match="multiples of 4.*32x18"):
        EcaEncoder((32, 18, 3), backbone="swin")
    with pytest.raises(ValueError, match="does not split into windows"):
        broken = EcaEncoder((40, 40, 3), backbone="swin", sizes={"window": 8})
        broken.build(None)
    with pytest.raises(ValueError, match="unknown backbone 'cnn'"):
        EcaEncoder(SHAPE, backbone="cnn")
    with pytest.raises(ValueError, match="rate_weight must be positive.*received 0"):
        EcaEncoder(SHAPE, MAPS, sizes=CONV, rate_weight=0.0)
    with pytest.raises(ValueError, match="scale_symbols goes with"):
        EcaEncoder(SHAPE, backbone="swin", scale_symbols=8)
    with pytest.raises(ValueError, match="must be told the cut-offs"):
        link.decoder(ops.zeros((3, 72), "complex64"), ops.ones((3, 72)))
    with pytest.raises(ValueError, match="a frame of 64: use a cbr of 72/768"):
        link.encoder(source, snr_db, h, num_symbols=64)
    with pytest.raises(ValueError, match="'prefix'"):
        SwinJSCCEncoder(SHAPE, MAPS, backbone="conv", sizes=CONV, mask="learned")
    with pytest.raises(ValueError, match="mask must be one of"):
        SwinJSCCDecoder(SHAPE, MAPS, sizes=SWIN, mask="best")
    grid = OFDMGrid(24, 10, (0,))
    selective = EqualizedOFDMChannel(TDL("A", grid, 2, 2), Framing(72, 2, grid))
    with pytest.raises(ValueError, match="needs a flat channel"):
        AdaptiveLink(link.encoder, link.decoder, selective)
    with pytest.raises(ValueError, match="side_info must be one of"):
        AdaptiveSystem("e", "E", link, SHAPE, {}, GREY, side_info="maybe")
    with pytest.raises(ValueError, match="precoding must be"):
        AdaptiveSystem("e", "E", link, SHAPE, {}, GREY, precoding="svd")


def test_antennas_of_the_weights_are_checked():
    """A codec for 2x2 in a 4x4 link is refused before anything is computed."""
    from link_models.learned import load_link
    from link_models.systems import build_channel
    from scenarios.adaptive_rate import SCENARIO

    four = replace(SCENARIO, num_tx_ant=4, num_rx_ant=4, csi="perfect")
    with pytest.raises(ValueError, match="made for 2x2 antennas, not 4x4"):
        load_link("eca_2x2_c16", build_channel(four), (32, 32, 3))


def test_4x4_runs():
    """ECA over 4x4 with LS: shapes, and a finite picture."""
    common = {"image_shape": SHAPE, "num_maps": MAPS, "num_tx_ant": 4, "num_rx_ant": 4}
    encoder = {**common, "sizes": CONV}
    decoder = {**common, "sizes": CONV, "compensation": TINY_VIT}
    grid = OFDMGrid(24, 10, (0,))
    channel = EqualizedOFDMChannel(
        BlockRayleigh(4, 4), Framing(72, 4, grid), LSEstimator()
    )
    link = build_link("eca", encoder, decoder, channel)
    image, usage = link(pictures(2), ops.full((2,), 10.0), channel.sample(2))
    assert np.isfinite(ops.convert_to_numpy(image)).all()
    assert np.all(ops.convert_to_numpy(usage) >= 9)
