"""GenED-SC: patches and their mask to symbols, and back."""

import numpy as np
import pytest
from codec_calls import tensor
from keras import ops, tree
from layer_checks import array, assert_copy_is_the_same, randomise_zeros

from link_models.codecs import CODECS, build_link
from semcom_phy.backend import compile_fn, gradients_fn
from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.gened_sc import (
    MASKS,
    PATCH,
    PIXELS,
    UNTOLD,
    GenedScDecoder,
    GenedScEncoder,
    MaskSide,
    picture_rows,
)
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.seeding import set_seed

SHAPE, GRID, NUM_SYMBOLS = (32, 64, 3), (4, 8), 120  # 7 real values of a patch
SIZES = {"image_shape": SHAPE, "num_symbols": NUM_SYMBOLS, "channels": 8}
SEEN = {"patch_width": 6, "common_width": 4}
BATCH = 3
SNR_DB = np.array([1.0, 4.0, 10.0], "float32")
VARIANTS = [
    {"mask": mask, "foreground": foreground, "background": background}
    | ({"foreground_lead": lead} if lead > 1 else {})
    for mask, foreground, background, lead in (
        ("predicted", "swin", "cbam", 1.0),
        ("predicted", "swin", "swin", 1.0),
        ("predicted", "cbam", "cbam", 1.0),
        ("predicted", "swin", "cbam", 2.0),
        ("constant", "swin", "cbam", 1.0),
        ("none", "swin", "cbam", 1.0),
        ("none", "cbam", "swin", 1.0),
    )
]
OF_EACH_MASK = [VARIANTS[k] for k in (0, 3, 4, 5)]


def named(variant):
    return "-".join(map(str, variant.values()))


def pictures(count=BATCH, seed=1):
    """Coarse colours and noise, `uint8`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 200, (count, SHAPE[0] // 8, SHAPE[1] // 8, 3))
    smooth = coarse.repeat(8, axis=1).repeat(8, axis=2)
    return (smooth + rng.integers(0, 40, smooth.shape)).astype("uint8")


def sources(count=BATCH, texts=None, seed=1):
    rng = np.random.default_rng(seed)
    width = max(SEEN["patch_width"], 2 * SEEN["common_width"])
    embedded = rng.standard_normal((count, GRID[0] * GRID[1] + 1, width))
    embedded[:, :-1, SEEN["patch_width"] :] = 0
    embedded[:, -1, SEEN["common_width"] :] = 0
    return picture_rows(pictures(count, seed), embedded.astype("float16"), texts)


def texts(seed=7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((BATCH, SEEN["common_width"])).astype("float16")


def fit(encoder):
    """Closed-form start; of a constant mask, patches of two columns."""
    level = np.zeros(GRID, "float32")
    level[:, 2:4] = 1
    encoder.fit_statistics(pictures(40, seed=9) / np.float32(255), level)


def link_of(channel=None, trained=True, **variant):
    set_seed(3)
    if channel is None:
        channel = EqualizedOFDMChannel(AWGN(1), Framing(NUM_SYMBOLS, 1), PerfectCSI())
    config = SIZES | variant
    link = build_link(CODECS["gened_sc"], [config | SEEN, config], channel)
    fit(link.encoder)
    link.decoder.copy_statistics(link.encoder)
    if trained:
        randomise_zeros(link.trainable_variables)
        for weight in link.trainable_variables:  # of two units, none is to be silent
            if weight.path.endswith("enter/bias"):
                weight.assign(ops.ones_like(weight))
    return link


def encoded(link, source=None, snr_db=SNR_DB, uniform=None):
    known = TxKnowledge(tensor(snr_db), num_symbols=link.num_symbols)
    source = sources() if source is None else source
    return link.encoder.encode(tensor(source), known, uniform)


def decoded(link, packet, no=0.1, **changed):
    """Images of symbols as they were sent, and the estimate of the mask."""
    x = link.modulation.power(packet.data.z)
    no_eff = ops.full((BATCH, NUM_SYMBOLS), no)
    side = packet.side
    if changed:
        side = side._replace(**{name: tensor(v) for name, v in changed.items()})
    known = RxKnowledge(tensor(SNR_DB), None, TxKnowledge(tensor(SNR_DB)))
    found = link.decoder.decode(Received(x, no_eff, no_eff, side), known)
    return array(found.images), found.details


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_shapes_are_those_of_the_contract(variant):
    """Symbols, mask, figures, maps and images, as documented (exact)."""
    link = link_of(**variant)
    packet = encoded(link)
    assert packet.data.z.shape == (BATCH, NUM_SYMBOLS) and packet.data.count is None
    routed = tree.map_structure(array, packet.details)
    assert all(part.shape == (BATCH, *GRID) for part in routed)
    assert set(np.unique(routed.mask)) <= {0, 1}
    share = array(link.encoder.figures(packet)["foreground_share"])
    np.testing.assert_allclose(share, routed.mask.mean((1, 2)), atol=1e-6)
    images, estimate = decoded(link, packet)
    assert images.shape == (BATCH, *SHAPE) and images.dtype == np.float32
    assert np.isfinite(images).all()
    sent = variant["mask"] == "predicted"
    assert (packet.side is not None) == (estimate is not None) == sent
    assert (link.encoder.side_bytes is not None) == sent
    maps = link.encoder.symbol_maps(packet)
    if variant["mask"] == "none":
        assert maps is None and not routed.mask.any()
        return
    # Two real values a symbol; 8 symbols are the scale's.
    np.testing.assert_allclose(array(maps).sum((1, 2)), NUM_SYMBOLS - 8)
    if variant["mask"] == "constant":
        assert np.all(routed.mask == array(link.encoder.held_mask))
        assert share.tolist() == [0.25] * BATCH


@pytest.mark.parametrize(
    "variant, fading",
    [(v, False) for v in VARIANTS] + [(v, True) for v in OF_EACH_MASK],
    ids=str,
)
def test_every_weight_is_reached_over_the_air(variant, fading):
    """AWGN, and 2x2 Rayleigh with LS estimation: what is trained has a finite and
    non-zero gradient (zero-started weights are randomised). Without a mask that is
    predicted, scores and routing of patches are not part of anything, nor is the
    estimate."""
    model = BlockRayleigh(2, 2) if fading else AWGN(1)
    streams = 2 if fading else 1
    csi = LSEstimator() if fading else PerfectCSI()
    channel = EqualizedOFDMChannel(model, Framing(NUM_SYMBOLS, streams), csi)
    link = link_of(channel, **variant)
    rng = np.random.default_rng(4)
    source = sources(texts=texts())
    source[0, -1, PIXELS + SEEN["common_width"] :] = 0  # one without a class
    image = link.encoder.unpack(tensor(source))[0]
    uniform = tensor(rng.uniform(0.01, 0.99, source.shape[:2]))
    uniform = ops.concatenate(
        [uniform[:, :-1], tensor([[0.0], [0.9], [0.9]])], 1
    )  # one mask does not arrive

    def loss(source, snr_db, h, noise):
        packet, found = link.run(source, snr_db, h, noise, uniform=uniform)
        total = 100 * ops.mean(ops.square(found.images - image))
        if link.encoder.mask == "predicted":
            total = total + ops.mean(ops.square(found.details - 1.0))
            total = total + ops.mean(ops.square(packet.details.logits - 0.5))
        return total

    weights = link.trainable_variables
    inputs = [
        tensor(source),
        tensor(SNR_DB),
        channel.sample(BATCH),
        ops.convert_to_tensor(channel.draw_noise(range(BATCH))),
    ]
    found = gradients_fn(loss, weights, compiled=False)(*inputs)
    for weight, gradient in zip(weights, found, strict=True):
        if unused(weight.path, variant):
            assert gradient is None or not np.any(array(gradient)), weight.path
            continue
        assert gradient is not None, weight.path
        assert np.isfinite(array(gradient)).all(), weight.path
        assert np.any(array(gradient)), weight.path


def unused(path, variant):
    """Of the score and the choice of patches, where no mask is predicted; channel or
    spatial attention and offsets, where no branch takes them."""
    if "key/bias" in path:  # cancels in the softmax, up to rounding
        return False
    branches = variant["foreground"], variant["background"]
    if "routing/channels" in path and "cbam" not in branches:
        return True
    if "routing/places" in path and "swin" not in branches:
        return True
    if variant["mask"] == "predicted":
        return False
    return any(
        part in path
        for part in ("routing/enter", "routing/leave", "mask_hidden", "mask_out")
    )


def test_masks_come_back_from_their_bytes():
    """Mask by mask as well as together, those of nothing and of everything too; none is
    longer than it is said to be (exact)."""
    link = link_of()
    rng = np.random.default_rng(0)
    mask = np.zeros((5, *GRID), "float32")
    mask[1] = 1
    mask[2, 1:3, 2:6] = 1
    mask[3] = np.indices(GRID).sum(0) % 2  # as unlikely as can be
    mask[4] = rng.integers(0, 2, GRID)
    side = MaskSide(mask, np.ones(5, "float32"))
    payloads = link.encoder.side_to_bytes(side)
    assert max(map(len, payloads)) <= link.encoder.side_bytes
    assert len(payloads[0]) <= 2 and len(payloads[2]) < len(payloads[4])
    whole = link.decoder.side_from_bytes(payloads)
    tree.map_structure(np.testing.assert_array_equal, whole, side)
    assert whole.mask.dtype == whole.arrived.dtype == np.float32
    for k, payload in enumerate(payloads):
        np.testing.assert_array_equal(
            link.decoder.side_from_bytes([payload]).mask[0], mask[k]
        )


def test_without_the_mask_the_decoder_takes_its_own():
    """What it then shows is what it would with that mask, whatever was sent (1e-5);
    with a mask that arrived, it is another picture."""
    link = link_of()
    packet = encoded(link)
    none = np.zeros(BATCH, "float32")
    lost, logits = decoded(link, packet, arrived=none)
    estimate = (array(logits) > 0).astype("float32")
    assert 0 < estimate.mean() < 1
    other, _ = decoded(link, packet, arrived=none, mask=1 - array(packet.side.mask))
    np.testing.assert_array_equal(other, lost)
    told, _ = decoded(link, packet, arrived=none + 1, mask=estimate)
    np.testing.assert_allclose(told, lost, atol=1e-5)
    whole, again = decoded(link, packet)
    np.testing.assert_array_equal(array(again), array(logits))
    assert np.abs(whole - lost).max() > 1e-3


def test_masks_get_lost_in_training_alone():
    """Where the last random number is below the share that is not told; without random
    numbers all arrive (exact)."""
    link = link_of()
    uniform = np.full((BATCH, GRID[0] * GRID[1] + 1), 0.5, "float32")
    uniform[:, -1] = 0.5 * UNTOLD, 0.99, 1.01 * UNTOLD
    assert link.encoder.num_uniform == uniform.shape[1]
    drawn = encoded(link, uniform=tensor(uniform))
    assert array(drawn.side.arrived).tolist() == [0, 1, 1]
    assert array(encoded(link).side.arrived).tolist() == [1, 1, 1]
    # A number of 1/2 for every patch draws the likelier class.
    np.testing.assert_allclose(
        array(drawn.side.mask), array(encoded(link).side.mask), atol=1e-6
    )


def test_the_class_text_serves_where_it_is_given():
    """It moves the scores of its picture; a picture without one is as if there were
    none at all (exact)."""
    link, given = link_of(), texts()
    given[1] = 0
    with_text, without = (
        array(encoded(link, sources(texts=t)).details.scores) for t in (given, None)
    )
    moved = np.abs(with_text - without).max((1, 2))
    assert moved[0] > 1e-3 and moved[2] > 1e-3
    np.testing.assert_allclose(moved[1], 0, atol=1e-6)


def test_a_source_is_what_it_was_made_of():
    """Pixels, patches, the picture's vector and its text come out of the rows (exact);
    the shape is the one that is documented."""
    source, given = sources(texts=texts()), texts()
    encoder = link_of().encoder
    assert source.shape[1:] == encoder.source_shape == (33, PIXELS + 8)
    assert source.dtype == np.float32
    image, patches, whole, text = (array(v) for v in encoder.unpack(tensor(source)))
    np.testing.assert_array_equal(image, pictures() / np.float32(255))
    np.testing.assert_array_equal(text, given)
    np.testing.assert_array_equal(whole, source[:, -1, PIXELS : PIXELS + 4])
    assert whole.any() and patches.shape == (BATCH, *GRID, 6)
    np.testing.assert_array_equal(
        patches[:, 1, 2], source[:, 1 * GRID[1] + 2, PIXELS : PIXELS + 6]
    )


@pytest.mark.parametrize("variant", OF_EACH_MASK, ids=named)
def test_high_snr_tends_to_the_autoencoder_without_noise(variant):
    """At an error of 1e-6, images are those of an error of 1e-8 (5e-3: they spread over
    some units with these random weights)."""
    link = link_of(**variant)
    packet = encoded(link)
    np.testing.assert_allclose(
        decoded(link, packet, 1e-6)[0], decoded(link, packet, 1e-8)[0], atol=5e-3
    )


def test_untrained_it_is_a_linear_code_of_all_coefficients():
    """With as many values as pixels, no noise and networks that are still silent,
    images come back (0.02 of the range: the scale is rounded by unit power)."""
    config = SIZES | {"num_symbols": 8 + 96 * 32}
    framing = Framing(config["num_symbols"], 1)
    channel = EqualizedOFDMChannel(AWGN(1), framing, PerfectCSI())
    set_seed(3)
    link = build_link(CODECS["gened_sc"], [config | SEEN, config], channel)
    fit(link.encoder)
    link.decoder.copy_statistics(link.encoder)
    images = link(
        tensor(sources()),
        tensor([60.0] * BATCH),
        channel.sample(BATCH),
        ops.convert_to_tensor(channel.draw_noise(range(BATCH))),
    )
    error = np.abs(array(images) - pictures() / 255)
    assert error.mean() < 0.02


def test_a_picture_of_one_colour_comes_back():
    """Grey in grey: nothing to send but the mean (0.1 of the range)."""
    link = link_of(trained=False)
    source = sources()
    source[:, :-1, :PIXELS] = 0.5
    images, _ = decoded(link, encoded(link, source))
    assert np.isfinite(images).all() and np.abs(images - 0.5).mean() < 0.1


@pytest.mark.parametrize("variant", OF_EACH_MASK, ids=named)
def test_halves_are_what_their_configuration_says(variant):
    """Plain values; the copy with the same weights sends the same (exact), compiled it
    is the same (1e-4)."""
    link = link_of(**variant)

    def symbols(encoder):
        if not encoder.built:
            encoder.build((None, *encoder.source_shape))
        known = TxKnowledge(tensor(SNR_DB), num_symbols=NUM_SYMBOLS)
        return encoder.encode(tensor(sources()), known).data.z

    assert_copy_is_the_same(link.encoder, symbols)
    config = link.decoder.get_config()
    assert GenedScDecoder.from_config(config).get_config() == config
    assert (SIZES | variant).items() <= config.items()

    def there_and_back(source):
        packet = encoded(link, source)
        known = RxKnowledge(tensor(SNR_DB), None, TxKnowledge(tensor(SNR_DB)))
        no_eff = ops.full((BATCH, NUM_SYMBOLS), 0.1)
        received = Received(packet.data.z, no_eff, no_eff, packet.side)
        return link.decoder.decode(received, known).images

    source = tensor(sources())
    one, two = array(there_and_back(source)), array(compile_fn(there_and_back)(source))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_the_lead_gives_the_foreground_more():
    """Of the same symbols, by the mask (maps)."""
    link = link_of(foreground_lead=2.0)
    packet = encoded(link)
    mask = array(packet.details.mask) > 0.5
    assert 0 < mask.mean() < 1
    maps = array(link.encoder.symbol_maps(packet))
    for own, chosen in zip(maps, mask, strict=True):
        if chosen.any() and not chosen.all():
            assert own[chosen].mean() > 1.5 * own[~chosen].mean()
    level = array(link_of().encoder.symbol_maps(packet))
    assert np.ptp(level) <= 0.5


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"image_shape": (40, 64, 3)}, r"multiples of 32 pixels, received \(40, 64, 3"),
        ({"image_shape": (32, 64, 1)}, r"received \(32, 64, 1\)"),
        ({"mask": "guessed"}, "mask must be one of .*received 'guessed'"),
        ({"foreground": "vit"}, "foreground must be one of swin, cbam, received 'vit'"),
        ({"background": None}, "background must be one of swin, cbam, received None"),
        ({"foreground_lead": 0.5}, "foreground_lead must be at least 1, received 0.5"),
        ({"num_symbols": 20}, "20 symbols hold no value of each of 32"),
        ({"num_symbols": 3200}, "3200 symbols.*200 values of a patch, which has 192"),
        ({"num_symbols": 1700, "foreground_lead": 2.0}, "a foreground_lead of 2.0"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, told):
    for half in (GenedScEncoder, GenedScDecoder):
        with pytest.raises(ValueError, match=told):
            half(**SIZES | changes)


def test_other_numbers_of_symbols_are_refused():
    """Both are named (exact)."""
    link = link_of()
    for half in (link.encoder, link.decoder):
        with pytest.raises(ValueError, match="sends 120 symbols per image, received 9"):
            half.check_rate(9)
    assert set(MASKS) == {"predicted", "constant", "none"} and PATCH == 8
