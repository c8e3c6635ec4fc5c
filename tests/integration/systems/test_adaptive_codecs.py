"""Adaptive-rate codecs over the link: feedback, cut-offs, gradients, side stream."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from keras import ops
from seeded import assert_batches_do_not_matter, assert_no_stream_moves, samples_of

from link_models.codecs import CODECS, build_link, load_link
from link_models.links.frame_link import FrameLink
from link_models.links.radio import build_channel
from link_models.systems import frame_system, semantic_coder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.knowledge import FREE_CUTOFFS
from link_models.systems.semantic_coder import SIDE, SemanticCoder
from link_models.systems.side_information import ShortSide
from link_models.systems.transmitter import Transmitter
from link_models.training import trainer as trainer_module
from link_models.training.data import split_data
from link_models.training.recipe import Recipe
from link_models.training.tasks.image import ImageTask
from link_models.training.trainer import Trainer
from link_models.weights import store
from scenarios.adaptive_rate import SCENARIO
from semcom_phy.backend import gradient_fn, gradients_fn
from semcom_phy.codecs import eca as eca_module
from semcom_phy.codecs.eca import (
    ChannelAwareLoss,
    EcaDecoder,
    EcaEncoder,
    read_cutoffs,
)
from semcom_phy.codecs.map_codec import Cutoffs
from semcom_phy.codecs.swinjscc import SwinJSCCDecoder, SwinJSCCEncoder
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.feedback import AverageSnr, Feedback
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import image_seeds, sample_fades, set_seed
from semcom_phy.sources.images import load_images

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
    channel = make_channel(encoder.num_symbols + side, csi)
    link = FrameLink(encoder, decoder, channel, encoder.num_symbols)
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
    channel = make_channel(encoder.num_symbols + side)
    link = FrameLink(encoder, decoder, channel, encoder.num_symbols)
    encoder.fit_statistics(pictures(60, 5))
    decoder.copy_statistics(encoder)
    return link


def make_system(link, side="sent", precoding=False, rates=None, feedback=None):
    """A link as a system, its cut-offs sent or given to the receiver."""
    if feedback is None:
        kind = Feedback if link.encoder.use_csi else AverageSnr
        feedback = kind(link.channel)
    coder = SemanticCoder(
        link,
        Transmitter(link.channel, feedback, precoding),
        ShortSide.of(link.encoder) if side == "sent" else None,
        free=side == "free",
        rates=rates,
        also_known=(FREE_CUTOFFS,) if side == "free" else (),
    )
    return FrameSystem("s", "S", coder, link.channel, GREY)


def fades(link, count):
    set_seed(1)
    return link.channel.sample(count)


@pytest.fixture
def plain(monkeypatch):
    """Systems without graphs, which take ten seconds each to compile."""
    for module in (frame_system, semantic_coder):
        monkeypatch.setattr(module, "compile_fn", lambda fn, jit=True: fn)


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


def run_at(link, cutoffs, *values):
    """Runs a link with cut-offs in the place of those that the encoder chooses."""
    encoder = link.encoder
    uniform = ops.zeros((len(values[0]), encoder.num_uniform))
    encoder.train_choice(False)
    with mock.patch.object(encoder, "draw_cutoffs", lambda uniform: cutoffs):
        found = link.run(*values, uniform=uniform)
    encoder.train_choice(True)
    return found


def training_loss(link, loss, *batch):
    task = ImageTask("task", link.channel, loss, link.encoder.num_uniform)
    return task.training_loss(link, *batch)


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
    symbols, nothing else is on the air, and its power averages 1 (1e-4); the decoder
    counts as many from k and l alone (exact)."""
    link = eca(backbone, csi=csi)
    randomise(link)
    values = inputs(link)
    image = link(*values)
    assert image.shape == (3, *SHAPE)
    sent = {}
    receive = link.channel.receive

    def spy(x, *args):
        sent["x"] = ops.convert_to_numpy(x)
        return receive(x, *args)

    link.channel.receive = spy
    packet, delivered = link.run(*values)
    k, rows = (ops.convert_to_numpy(v) for v in packet.side[:2])
    assert np.all((k >= 1) & (k <= MAPS) & (rows >= 1) & (rows <= 16))
    count = link.encoder.scale_symbols + np.ceil(k * rows / 2)
    assert packet.data.z.shape == (3, link.encoder.num_symbols)
    for counted in (packet.data.count, link.count_symbols(packet.side, told())):
        np.testing.assert_array_equal(ops.convert_to_numpy(counted), count)
    x = sent["x"]
    np.testing.assert_array_equal(
        x != 0, np.arange(x.shape[1]) < count[:, None].astype(int)
    )
    power = np.square(np.abs(x)).sum(1) / count
    np.testing.assert_allclose(power, 1, rtol=1e-4)
    np.testing.assert_allclose(
        ops.convert_to_numpy(delivered.images), ops.convert_to_numpy(image), atol=1e-4
    )


def told():
    """What the receiver knows, where it does not matter."""
    return RxKnowledge(ops.zeros((3,)), None, TxKnowledge(ops.zeros((3,))))


def test_forced_cutoffs_and_both_ends_agree():
    """The decoder's mask from (k, l) alone is the encoder's mask, at any cut-offs."""
    link = eca()
    asked = Cutoffs(
        ops.convert_to_tensor([1, 5, 8], "int32"),
        ops.convert_to_tensor([16, 3, 16], "int32"),
    )
    packet, _ = run_at(link, asked, *inputs(link))
    np.testing.assert_array_equal(packet.side.num_maps, [1, 5, 8])
    np.testing.assert_array_equal(packet.side.num_rows, [16, 3, 16])
    masks = [
        ops.convert_to_numpy(e.positions(asked)) for e in (link.encoder, link.decoder)
    ]
    np.testing.assert_array_equal(*masks)
    np.testing.assert_array_equal(masks[0].sum(1), [16, 15, 128])


def test_fed_back_estimate_is_the_one_that_detects(monkeypatch):
    """The pilot block is sent once: its LS estimate is fed back and detects (1e-6), and
    the receiver knows what it fed back (exact)."""
    link = eca(csi=LSEstimator())
    source, snr_db, h, noise = inputs(link)
    encode, decode, known = link.encoder.encode, link.decoder.decode, []
    monkeypatch.setattr(
        link.encoder, "encode", lambda s, k: known.append(k) or encode(s, k)
    )
    monkeypatch.setattr(
        link.decoder, "decode", lambda r, k, t: known.append(k) or decode(r, k, t)
    )
    link.run(source, snr_db, h, noise)
    fed_back, seen = known
    np.testing.assert_allclose(fed_back.h_hat, seen.h_hat, atol=1e-6)
    np.testing.assert_allclose(fed_back.snr_db, seen.snr_db, atol=1e-4)
    np.testing.assert_array_equal(seen.fed_back.h_hat, fed_back.h_hat)
    np.testing.assert_array_equal(seen.fed_back.snr_db, fed_back.snr_db)
    h_hat = ops.convert_to_numpy(fed_back.h_hat)
    assert np.abs(h_hat - ops.convert_to_numpy(h)).max() > 1e-3


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
    packet, delivered = run_at(link, asked, source, high, h, noise)
    mask = ops.convert_to_numpy(link.decoder.positions(asked)) > 0
    maps = packet.details.maps
    values = ops.convert_to_numpy(link.encoder.symbols.to_values(maps))
    estimates = ops.convert_to_numpy(delivered.details.estimates)
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
        return training_loss(link, ChannelAwareLoss(False), *values)

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


def log_error(source, snr_db, packet, delivered, codec):
    """The image's error alone, every step of which passes its gradient on."""
    error = ops.mean(ops.square(delivered.images - source), axis=(1, 2, 3))
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
    link.encoder.train_choice(False)
    source, snr_db, h, noise = inputs(link, 6, (0.0, 5.0, 10.0))
    rng = np.random.default_rng(4)
    uniform = rng.random((6, link.encoder.num_uniform), dtype="float32")
    precoder = svd_precoder(ops.convert_to_numpy(h), 5.0)
    ordered = np.array([True, False] * 3)
    precoder[~ordered] = np.eye(2)
    values = [source, snr_db, h, noise, snr_db, uniform, precoder, ordered]
    values = [ops.convert_to_tensor(v) for v in values]

    def loss(*values):
        return training_loss(link, log_error, *values)

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
    """With random cut-offs the policies are not trained, and nothing is chosen."""
    link = eca()
    assert any("policy" in v.path for v in link.trainable_variables)
    link.encoder.train_choice(False)
    names = [v.path for v in link.trainable_variables]
    assert names and not any("policy" in name for name in names)
    source, snr_db, h, noise = inputs(link, 64, (10.0,))
    rng = np.random.default_rng(4)
    uniform = rng.random((64, link.encoder.num_uniform), dtype="float32")
    packet, _ = link.run(
        source, snr_db, h, noise, uniform=ops.convert_to_tensor(uniform)
    )
    assert packet.details.choice is None
    drawn = link.encoder.draw_cutoffs(ops.convert_to_tensor(uniform))
    np.testing.assert_array_equal(packet.side.num_maps, drawn.num_maps)
    np.testing.assert_array_equal(packet.side.num_rows, drawn.num_rows)


def test_half_of_the_images_are_drawn_at_random():
    """While the policies are trained, those whose first number is below 1/2 (exact)."""
    link = eca()
    uniform = np.random.default_rng(4).random((6, link.encoder.num_uniform))
    uniform = uniform.astype("float32")
    uniform[:, 0] = [0.2, 0.7] * 3
    source, snr_db, h, noise = inputs(link, 6, (10.0,))
    uniform = ops.convert_to_tensor(uniform)
    packet, _ = link.run(source, snr_db, h, noise, uniform=uniform)
    drawn = ops.convert_to_numpy(link.encoder.draw_cutoffs(uniform).num_rows)
    chosen = [ops.convert_to_numpy(one_hot) for one_hot in packet.details.choice]
    rows = chosen[1].argmax(1) + 1
    assert np.all(drawn != rows)
    expected = np.where(ops.convert_to_numpy(uniform)[:, 0] < 0.5, drawn, rows)
    np.testing.assert_array_equal(packet.side.num_rows, expected)


def test_policy_gradient_is_what_each_cutoff_would_cost():
    """The gradient of the loss in the one-hot choices is the predicted log error plus
    the rate, at every k with the l chosen and at every l with the k chosen (1e-4)."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    encoder = link.encoder
    packet, delivered = link.run(source, snr_db, h, noise)
    coded = packet.details

    def loss(flat):
        choice = flat[:, :MAPS], flat[:, MAPS:]
        changed = packet._replace(details=coded._replace(choice=choice))
        return ChannelAwareLoss(False)(source, snr_db, changed, delivered, encoder)

    flat = ops.concatenate(coded.choice, axis=-1)
    assert flat.shape == (3, MAPS + 16)
    gradient = ops.convert_to_numpy(gradient_fn(loss, compiled=False)(flat)) * 3
    k, rows = (ops.convert_to_numpy(v).astype(float) for v in packet.side[:2])
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
        packet, _ = link.run(source, snr_db, h, noise)
        price, quality = encoder.price(snr_db), packet.details.quality
        costs = ops.convert_to_numpy(encoder.costs(quality, k, rows, price))
        chosen = [ops.cast(v, "float32")[:, None] for v in packet.side[:2]]
        taken = ops.convert_to_numpy(encoder.costs(quality, *chosen, price))
        np.testing.assert_allclose(taken[:, 0], costs.min(1), atol=1e-4)
        sent.append(ops.convert_to_numpy(encoder.num_sent(packet.side)))
    assert np.all(np.diff(sent, axis=0) <= 0) and np.any(sent[0] > sent[2])


def test_the_predictor_learns_what_images_come_to():
    """Its loss is the squared gap to the log error of each image (relative 1e-4)."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    uniform = ops.convert_to_tensor(np.full((3, 3), 0.5, "float32"))
    asked = link.encoder.draw_cutoffs(uniform)
    packet, delivered = run_at(link, asked, source, snr_db, h, noise)
    rule, coded = ChannelAwareLoss(True), packet.details
    whole = rule(source, snr_db, packet, delivered, link.encoder)
    without = packet._replace(details=coded._replace(quality=None))
    rest = rule(source, snr_db, without, delivered, link.encoder)
    error = np.square(ops.convert_to_numpy(delivered.images - source))
    error = np.mean(error, (1, 2, 3))
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


@pytest.mark.parametrize("precoding", (False, True))
def test_system_sends_and_charges_the_cutoffs(precoding):
    """A system reports per image what it spent, data and side information; the cut-offs
    arrive at 20 dB and the picture equals the one with free cut-offs (exact)."""
    link = eca(side=ShortSide.room)
    randomise(link.encoder.policy_1)
    randomise(link.encoder.policy_2)
    samples, h = samples_of(pictures(6)), fades(link, 6)
    one, two = (
        make_system(link, side, precoding).transmit(samples, 20.0, h, range(6))
        for side in ("sent", "free")
    )
    kept = ~one.outage
    assert kept.sum() >= 5 and not two.outage.any()
    np.testing.assert_array_equal(one.lost[SIDE], one.outage)
    np.testing.assert_array_equal(
        one.delivered.images[kept], two.delivered.images[kept]
    )
    figures = one.figures
    expected = 8 + np.ceil(figures["num_maps"] * figures["num_rows"] / 2)
    np.testing.assert_array_equal(one.spent.data, expected)
    np.testing.assert_array_equal(two.spent.data, expected)
    assert np.all(one.spent.side >= 8) and np.all(figures["side_bits"] == 8)
    assert not np.any(two.spent.side) and not two.lost
    assert "undetected" in figures and "undetected" not in two.figures


@pytest.mark.parametrize("side", ("sent", "free"))
def test_eigenmodes_take_no_more_power(side):
    """Of every image, its cut-offs included, radiated over the eigenmodes: one unit for
    each symbol that is charged (1e-4), though the strongest symbols are on the
    strongest mode."""
    link = eca(side=ShortSide.room)
    samples, h = samples_of(pictures(4)), fades(link, 4)
    system = make_system(link, side, True)
    message = system.coder.encode(samples, 0.0, h, range(4))
    placed = system.coder.frame.place(message.segments)
    x = placed.x.reshape(4, -1, 2)
    assert np.all(np.ptp(np.mean(np.abs(x) ** 2, axis=1), axis=1) > 0.05)
    radiated = np.einsum("brt,bat->bra", x, message.precoder)
    energy = np.sum(np.abs(radiated) ** 2, axis=(1, 2))
    np.testing.assert_allclose(energy, sum(placed.counts.values()), rtol=1e-4)


def test_what_is_spent_can_be_asked_for_without_sending(plain):
    """Data and side symbols as a transmission spends them (exact)."""
    link = eca(side=ShortSide.room)
    system, h = make_system(link), fades(link, 4)
    samples = samples_of(pictures(4))
    spent = system.transmit(samples, 5.0, h, range(4)).spent
    asked = system.coder.spent(samples, 5.0, h, range(4))
    np.testing.assert_array_equal(asked, spent)


def test_lost_cutoffs_are_an_outage_where_they_are_checked():
    """Where the side stream fails (-25 dB) the grey of an outage is shown, and with the
    cut-offs free the same transmission decodes to something else."""
    link = eca(side=ShortSide.room)
    link.encoder.side_checked = True
    samples, h = samples_of(pictures(4)), fades(link, 4)
    sent = make_system(link).transmit(samples, -25.0, h, range(4))
    assert sent.outage.all() and np.all(sent.delivered.images == 128)
    assert np.all(sent.lost[SIDE])
    free = make_system(link, "free").transmit(samples, -25.0, h, range(4))
    assert not np.all(free.delivered.images == 128)


def test_wrong_cutoffs_are_not_noticed_but_told():
    """As ECA sends them, without a CRC: at -25 dB no picture is an outage, each is what
    the wrong cut-offs make of it, and the figures say that they were wrong."""
    link = eca(side=ShortSide.room)
    samples, h = samples_of(pictures(6)), fades(link, 6)
    sent = make_system(link).transmit(samples, -25.0, h, range(6))
    assert not sent.outage.any() and not sent.lost[SIDE].any()
    assert np.mean(sent.figures["undetected"]) >= 5 / 6
    free = make_system(link, "free").transmit(samples, -25.0, h, range(6))
    differs = sent.delivered.images != free.delivered.images
    differs = np.any(differs, axis=(1, 2, 3))
    assert np.all(differs[sent.figures["undetected"] > 0])


def test_number_of_cutoffs_round_trip():
    """Every (k, l) has a number of its own that tells it again, as bytes as well."""
    number = np.arange(MAPS * 16)
    cutoffs = read_cutoffs(number, MAPS, 16)
    k, rows = cutoffs[:2]
    np.testing.assert_array_equal((k - 1) * 16 + rows - 1, number)
    assert len({*zip(k.tolist(), rows.tolist(), strict=True)}) == MAPS * 16
    with pytest.raises(ValueError, match="from 0 to 127"):
        read_cutoffs([128], MAPS, 16)
    link = eca()
    assert link.encoder.side_values == MAPS * 16
    np.testing.assert_array_equal(link.encoder.to_number(cutoffs), number)
    payloads = link.encoder.side_to_bytes(cutoffs)
    assert payloads == [bytes([n]) for n in number]
    again = link.decoder.side_from_bytes(payloads)
    np.testing.assert_array_equal(again[:2], cutoffs[:2])
    with pytest.raises(ValueError, match="from 0 to 127"):
        link.decoder.side_from_bytes([b"\x80"])


@pytest.mark.parametrize("mask", ("prefix", "learned"))
def test_swinjscc_meets_the_rate_asked_for(mask):
    """Between two whole numbers of maps, images share out by their seeds so that the
    mean rate is met (4 standard errors, n = 4000 seeds), whatever the batch (exact)."""
    link = swinjscc(mask, side=ShortSide.room)
    randomise(link)
    samples, h = samples_of(pictures(20)), fades(link, 20)
    system = make_system(link, "free", rates=lambda snr_db: 5.3 * 8)
    sent = system.transmit(samples, 10.0, h, range(20))
    assert set(sent.figures["num_maps"]) == {5, 6}
    alone = system.transmit(samples.take([4]), 10.0, h[4:5], range(4, 5))
    assert alone.figures["num_maps"][0] == sent.figures["num_maps"][4]
    np.testing.assert_array_equal(sent.spent.data, 8 * sent.figures["num_maps"])
    asked = system.coder._asked(10.0, range(4000))
    assert set(asked) == {40, 48}
    assert abs(asked.mean() / 8 - 5.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)
    for rate in (384.0, 7.0):
        system = make_system(link, "free", rates=lambda snr_db, rate=rate: rate)
        message = f"{rate} symbols are asked of SwinJSCCEncoder, which sends 8 to 64"
        with pytest.raises(ValueError, match=message):
            system.transmit(samples, 10.0, h, range(20))


@pytest.mark.parametrize("mask", ("prefix", "learned"))
def test_swinjscc_is_told_its_maps_by_the_side_stream(mask):
    """Where the number arrives (30 dB), the maps read from it are those sent, and the
    pictures are those of a free side stream (exact)."""
    link = swinjscc(mask, side=ShortSide.room)
    randomise(link)
    samples, h = samples_of(pictures(8)), fades(link, 8)
    sent = {}
    for side in ("sent", "free"):
        system = make_system(link, side, rates=lambda snr_db: 5.5 * 8)
        sent[side] = system.transmit(samples, 30.0, h, range(8))
    side = system.coder.encode(samples, 30.0, h, range(8)).state.side
    payloads = link.encoder.side_to_bytes(side)
    assert link.encoder.side_values == (MAPS if mask == "prefix" else 2**MAPS)
    num_maps, num_rows, order = link.decoder.side_from_bytes(payloads)
    np.testing.assert_array_equal(num_maps, side.num_maps)
    assert np.all(num_rows == 16)
    if mask == "learned":
        np.testing.assert_array_equal(order, side.map_order)
    assert not sent["sent"].outage.any()
    np.testing.assert_array_equal(
        *(transmission.delivered.images for transmission in sent.values())
    )


@pytest.mark.parametrize("make", (eca, swinjscc))
def test_choices_and_noise_follow_each_image_s_seed(make):
    """Nobody's stream moves, nor by drawing the choices, and rows do not depend on the
    batch, those of a codec that is given its rate neither."""
    link = make(side=ShortSide.room)
    randomise(link)
    system = make_system(link, rates=None if make is eca else lambda snr_db: 5.5 * 8)
    images = pictures(4)
    assert_no_stream_moves(system, link.channel, images[:3])
    assert_no_stream_moves(
        system,
        link.channel,
        images[:3],
        lambda h, seeds: system.symbol_maps(samples_of(images[:3]), (10.0,), 5),
    )
    assert_batches_do_not_matter(system, link.channel, images)


def test_choices_tell_what_is_sent(plain):
    """1 for every value that a transmission sends, 0.25 for the others of a kept map, 0
    for the other maps (exact)."""
    link = eca(side=ShortSide.room)
    for policy, taken in ((link.encoder.policy_1, 5), (link.encoder.policy_2, 10)):
        bias = policy.out.bias
        bias.assign(1e4 * (np.arange(1, bias.shape[0] + 1) == taken))
    system, samples, h = make_system(link), samples_of(pictures(4)), fades(link, 4)
    for snr_db in (0.0, 20.0):
        values = system.coder.choices(samples, snr_db, h, range(4))
        assert values.shape == (4, 4, 4, MAPS)
        figures = system.transmit(samples, snr_db, h, range(4)).figures
        k, rows = figures["num_maps"], figures["num_rows"]
        assert np.all(k == 5) and np.all(rows == 10)
        np.testing.assert_array_equal((values == 1).sum((1, 2, 3)), k * rows)
        np.testing.assert_array_equal((values == 0.25).sum((1, 2, 3)), k * (16 - rows))
        kept = np.arange(MAPS) < k[:, None]
        np.testing.assert_array_equal(values.any(axis=(1, 2)), kept)


@pytest.mark.parametrize(
    "make, cell", ((eca, "a DCT coefficient of it"), (swinjscc, "a position in it"))
)
def test_a_figure_shows_the_first_draw_of_a_sweep(make, cell, plain):
    """Of four images at most, at every SNR, over the fades of the sweep's seed, and
    what a cell is in words (exact)."""
    link = make(side=ShortSide.room)
    randomise(link)
    system, samples = make_system(link), samples_of(pictures(6))
    maps = system.symbol_maps(samples, (0.0, 20.0), 5)
    assert maps.title == system.title and maps.cell == cell and maps.patches is None
    np.testing.assert_array_equal(maps.images, samples.images[:4])
    seeds = image_seeds(5, 0, range(4))
    h = sample_fades(link.channel, seeds)
    assert list(maps.cells) == [0.0, 20.0]
    for snr_db, values in maps.cells.items():
        expected = system.coder.choices(samples.take(range(4)), snr_db, h, seeds)
        assert isinstance(values, np.ndarray)
        np.testing.assert_array_equal(values, expected)


def test_a_wrong_number_is_decoded_as_it_came(monkeypatch):
    """Cut-offs that are taken for right and are not decode to another picture: the
    receiver goes by what arrived, not by what was sent."""
    link = eca(side=ShortSide.room)
    samples, h, system = samples_of(pictures(4)), fades(link, 4), make_system(link)
    right = system.transmit(samples, 30.0, h, range(4))
    assert not right.figures["undetected"].any()
    wrong = np.zeros(4, int), np.ones(4, bool)
    message = system.coder.side.message
    monkeypatch.setattr(message, "decode", lambda *received: wrong)
    other = system.transmit(samples, 30.0, h, range(4))
    assert not other.outage.any() and other.figures["undetected"].all()
    differs = other.delivered.images != right.delivered.images
    assert np.all(np.any(differs, axis=(1, 2, 3)))


@pytest.mark.parametrize("side", ("sent", "free"))
def test_ends_that_count_differently_are_refused(side, plain, monkeypatch):
    """A decoder that takes one symbol less than was sent, or all of them: the message
    tells what each end takes; nothing is compared where the cut-offs are lost."""
    link = eca(side=ShortSide.room)
    samples, h = samples_of(pictures(3)), fades(link, 3)
    count = link.decoder.count_symbols
    for counted, message in (
        (lambda side, known: count(side) - 1, "encoder sends .* the receiver expects"),
        (lambda side, known: None, "how many of its symbols .* the decoder takes all"),
    ):
        monkeypatch.setattr(link.decoder, "count_symbols", counted)
        with pytest.raises(ValueError, match=message):
            make_system(link, side).transmit(samples, 30.0, h, range(3))
    if side == "sent":
        monkeypatch.setattr(
            link.decoder, "count_symbols", lambda side, known: count(side) - 1
        )
        link.encoder.side_checked = True
        assert make_system(link).transmit(samples, -25.0, h, range(3)).outage.all()


def test_swinjscc_learned_mask_keeps_what_weighs_most():
    """The k maps of the largest mean factor are sent, whatever their place, and come
    back to their place (90 dB, correlation 1e-4)."""
    link = swinjscc("learned")
    randomise(link)
    source, _, h, noise = inputs(link, snr_db=(90.0,))
    asked = Cutoffs(ops.full((3,), 3, dtype="int32"), ops.full((3,), 16, dtype="int32"))
    high = ops.full((3,), 90.0)
    encoder = link.encoder
    packet, delivered = run_at(link, asked, source, high, h, noise)
    maps = encoder.analysis(source, None)
    maps, _ = encoder.channel_modnet(maps, high[:, None] / 10.0)
    _, factors = encoder.rate_modnet(maps, ops.full((3, 1), 3 / MAPS))
    worth = ops.convert_to_numpy(factors).mean((1, 2))
    order = ops.convert_to_numpy(packet.side.map_order)
    for image in range(3):
        best = np.sort(np.argsort(-worth[image])[:3])
        np.testing.assert_array_equal(order[image, :3], best)
        assert sorted(order[image]) == list(range(MAPS))
    sent = ops.convert_to_numpy(packet.details.maps)
    back = ops.convert_to_numpy(delivered.details.estimates).reshape(3, 16, MAPS)
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
        return training_loss(link, rule, *values)

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
        link = FrameLink(encoder, decoder, make_channel(encoder.num_symbols))
        image = link(
            np.zeros((2, 24, 40, 3), "float32"),
            ops.full((2,), 10.0),
            link.channel.sample(2),
        )
        assert image.shape == (2, 24, 40, 3)


def test_bad_input():
    """Each mistake is an error that names the value and the remedy."""
    link = eca()
    source, snr_db, h, noise = inputs(link)
    foreign = ops.zeros((3, 1, 4, 2, 1, 1), "complex64")
    with pytest.raises(ValueError, match=r"h must be .*2, 2, T, F.*\(3, 1, 4, 2, 1, 1"):
        link.encode(source, TxKnowledge(snr_db, foreign))
    with pytest.raises(ValueError, match="needs the channel estimate"):
        link.encode(source, TxKnowledge(snr_db))
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
    with pytest.raises(ValueError, match="a frame of 64: use a cbr of 72/768"):
        FrameLink(link.encoder, link.decoder, make_channel(64))
    with pytest.raises(ValueError, match="'prefix'"):
        SwinJSCCEncoder(SHAPE, MAPS, backbone="conv", sizes=CONV, mask="learned")
    with pytest.raises(ValueError, match="mask must be one of"):
        SwinJSCCDecoder(SHAPE, MAPS, sizes=SWIN, mask="best")
    grid = OFDMGrid(24, 10, (0,))
    selective = EqualizedOFDMChannel(TDL("A", grid, 2, 2), Framing(72, 2, grid))
    with pytest.raises(ValueError, match="needs a flat channel"):
        FrameLink(link.encoder, link.decoder, selective)
    with pytest.raises(ValueError, match="needs a channel that is fed back"):
        make_system(link, precoding=True, feedback=AverageSnr(link.channel))


def test_antennas_of_the_weights_are_checked():
    """A codec for 2x2 in a 4x4 link is refused before anything is computed."""
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
    link = build_link(CODECS["eca"], (encoder, decoder), channel)
    packet, delivered = link.run(pictures(2), ops.full((2,), 10.0), channel.sample(2))
    image = ops.convert_to_numpy(delivered.images)
    assert image.shape == (2, *SHAPE) and np.isfinite(image).all()
    assert np.all(ops.convert_to_numpy(packet.data.count) >= 9)


def test_weights_for_other_antennas_are_a_start(tmp_path, monkeypatch):
    """Networks that see no channel are taken over into a codec for 2 transmit and 4
    receive antennas (exact); the embedding of the channel, which has other entries,
    starts anew."""
    two = eca()
    randomise(two.encoder.analysis)
    common = {"image_shape": SHAPE, "num_maps": MAPS}
    configs = (
        {**common, "sizes": CONV},
        {**common, "sizes": CONV, "compensation": TINY_VIT},
    )
    config = dict(zip(("encoder", "decoder"), configs, strict=True))
    config["encoder"] |= {"num_tx_ant": 2, "num_rx_ant": 2}
    path = store.save(two, tmp_path, "two", {"config": {"codec": "eca", **config}})

    monkeypatch.setattr(trainer_module, "train_step_fn", lambda *args, **more: None)
    four = [{**part, "num_tx_ant": 2, "num_rx_ant": 4} for part in configs]
    grid = OFDMGrid(24, 10, (0,))
    channel = EqualizedOFDMChannel(
        BlockRayleigh(4, 2), Framing(two.encoder.num_symbols, 2, grid), PerfectCSI()
    )
    loss = ChannelAwareLoss(random_cutoffs=True)
    task = ImageTask("2x4", channel, loss, two.encoder.num_uniform)
    images, about = load_images("sample", 40, size=SHAPE[0])
    data = split_data(images, images[:0], about)
    recipe = Recipe(steps=1)
    run = Trainer("eca", *four, [task], data, recipe, tmp_path, "four", path)

    link = run.links[0]
    for part in ("analysis", "symbols", "amplitude"):
        theirs = getattr(two.encoder, part).get_weights()
        ours = getattr(link.encoder, part).get_weights()
        assert len(ours) == len(theirs) > 0
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    entries = link.encoder.embedding.get_weights()[0].shape[0]
    assert entries > two.encoder.embedding.get_weights()[0].shape[0]
