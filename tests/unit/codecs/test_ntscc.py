"""NTSCC, and what SA-OOSC has of it: shapes, budgets, entropy, gradients."""

import re
from functools import partial

import keras
import numpy as np
import pytest
from codec_calls import decode, encode, tensor
from keras import ops
from patch_codecs import (
    GRID,
    NUM_SYMBOLS,
    SHAPE,
    SIZES,
    assert_every_weight_is_reached,
    fading_link,
    pictures,
    randomised,
    training_batch,
)

from link_models.training.tasks.scene import RateDistortionLoss, SceneTask
from semcom_phy.backend import gradients_fn
from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.ntscc import NtsccDecoder, NtsccEncoder
from semcom_phy.codecs.sa_oosc import SaOoscDecoder, SaOoscEncoder
from semcom_phy.layers.mapping.patch_symbols import pack_patches
from semcom_phy.layers.mapping.rate_allocation import LENGTHS, equal_lengths
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.seeding import set_seed

ENCODERS = {"ntscc": NtsccEncoder, "sa_oosc": SaOoscEncoder}
DECODERS = {"ntscc": NtsccDecoder, "sa_oosc": SaOoscDecoder}
BUDGETS = (150.0, 300.0, 600.0, 900.0)
SNR_DB = np.full(4, 10.0)  # of no meaning to these encoders


@pytest.fixture(scope="module")
def encoders():
    set_seed(2)
    return {name: randomised(part(**SIZES)) for name, part in ENCODERS.items()}


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request, encoders):
    return encoders[request.param]


def encoded(encoder, images=None, budget=BUDGETS, **more):
    images = pictures() if images is None else images
    return encode(encoder, images, SNR_DB[: len(images)], budget=tensor(budget), **more)


@pytest.fixture(scope="module")
def coded(encoder):
    return encoded(encoder)


def analysed_by(encoder):
    return encoder.analyse(tensor(pictures()), TxKnowledge(tensor(SNR_DB)))


def arrays(packet):
    return [ops.convert_to_numpy(part) for part in keras.tree.flatten(packet)]


def copy_of(layer):
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert type(copy) is type(layer) and copy.get_config() == layer.get_config()
    copy.set_weights(layer.get_weights())
    return copy


def test_encoder_shapes(encoder, coded):
    """Documented shapes and types of all that the encoder gives."""
    patches, details = (4, *GRID), coded.details
    z, count, index = map(ops.convert_to_numpy, (*coded.data, coded.side))
    assert z.shape == (4, GRID[0] * GRID[1] * 128) and z.dtype == np.complex64
    assert count.shape == (4,) and count.dtype == np.int32
    assert index.shape == patches and index.dtype == np.int32
    for name in ("latents", "mean", "log_scale"):
        values = ops.convert_to_numpy(getattr(details, name))
        assert values.shape == (*patches, 256) and values.dtype == np.float32, name
    entropy = ops.convert_to_numpy(details.entropy)
    assert entropy.shape == patches and entropy.dtype == np.float32
    assert tuple(details.log_step_size.shape) == patches
    hyper_latents = (4, GRID[0] // 2, GRID[1] // 2, 16)
    assert tuple(details.hyper_latents.shape) == hyper_latents
    if encoder.num_levels:
        assert tuple(details.importance.shape) == (*patches, 4)
    else:
        assert details.importance is None


def test_symbols_are_those_of_the_patches(encoder, coded):
    """One patch after the other, as many as its length (exact)."""
    symbols = encoder.to_symbols(coded.details.latents, coded.side)
    z, count = map(ops.convert_to_numpy, pack_patches(symbols, coded.side))
    np.testing.assert_array_equal(z, ops.convert_to_numpy(coded.data.z))
    np.testing.assert_array_equal(count, ops.convert_to_numpy(coded.data.count))
    lengths = np.array(LENGTHS)[ops.convert_to_numpy(coded.side)]
    np.testing.assert_array_equal(count, lengths.sum(axis=(1, 2)))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(encoder.symbol_maps(coded)), lengths
    )


def test_the_networks_run_before_the_budget(encoder, coded):
    """Analysing once and allocating by any budget gives what encoding gives; the count
    told is that of the symbols (exact)."""
    analysed = analysed_by(encoder)
    side, count = encoder.allocate(analysed, tensor(BUDGETS))
    packet = encoder.modulate(analysed, side)
    for one, two in zip(arrays(packet[:2]), arrays(coded[:2]), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (count, coded.data.count)))


@pytest.mark.parametrize("name", DECODERS)
def test_decoder_comes_again_from_its_configuration(name):
    """Documented shape and type; a copy gives the same images (exact)."""
    set_seed(2)
    decoder = randomised(DECODERS[name](**SIZES))
    rng = np.random.default_rng(0)
    index = tensor(rng.integers(0, len(LENGTHS), (2, *GRID)), "int32")
    sent = decoder.sent(index)
    z, _ = pack_patches(tensor(rng.standard_normal((2, *GRID, 256))) * sent, index)
    no = np.full(z.shape, 0.1)
    image = ops.convert_to_numpy(decode(decoder, z, no, SNR_DB[:2], index))
    assert image.shape == (2, *SHAPE) and image.dtype == np.float32
    again = ops.convert_to_numpy(decode(copy_of(decoder), z, no, SNR_DB[:2], index))
    np.testing.assert_array_equal(again, image)


def test_encoder_comes_again_from_its_configuration(encoder, coded):
    """A copy with the same weights makes the same of images (exact)."""
    again = encoded(copy_of(encoder))
    for one, two in zip(arrays(coded), arrays(again), strict=True):
        np.testing.assert_array_equal(one, two)


def test_other_image_sizes_work(encoder):
    """Multiples of 32 beside the one that it was made for."""
    images = pictures(2, (32, 64, 3))
    coded = encoded(encoder, images, [60.0, 200.0])
    assert tuple(coded.side.shape) == (2, 2, 4)
    assert tuple(coded.data.z.shape) == (2, 8 * 128)
    assert tuple(coded.details.hyper_latents.shape) == (2, 1, 2, 16)


def test_the_budget_is_kept_and_nearly_used(coded):
    """Never more; what is left is less than the largest step between lengths."""
    used = ops.convert_to_numpy(coded.data.count)
    assert np.all(used <= BUDGETS) and np.all(used > np.array(BUDGETS) - 48)


def test_entropy_is_that_of_the_latents_at_the_step(encoder, coded):
    """Sum of the bits of a patch's latents; lengths follow it (relative 1e-5)."""
    found = coded.details
    bits = encoder.bits(*found[:3], found.log_step_size)
    bits = ops.convert_to_numpy(bits)
    assert np.all(bits >= 0)
    entropy = ops.convert_to_numpy(found.entropy)
    np.testing.assert_allclose(entropy, bits.sum(axis=-1), rtol=1e-5)
    asked = encoder.symbols_per_bit * entropy
    nearest = np.abs(asked[..., None] - np.array(LENGTHS)).argmin(axis=-1)
    np.testing.assert_array_equal(ops.convert_to_numpy(coded.side), nearest)


def test_half_the_step_is_about_a_bit_more(encoder, coded):
    """Where the step is far below the scales, halving it adds one bit to every latent
    (0.01 bit)."""
    found = coded.details[:3]
    bits = [
        ops.convert_to_numpy(encoder.bits(*found, ops.full(coded.side.shape, step)))
        for step in (-8.0, -8.0 - np.log(2))
    ]
    std = ops.convert_to_numpy(encoder.transform.std)[:256]
    fine = std * np.exp(8.0) > 50
    assert fine.sum() > 10
    np.testing.assert_allclose((bits[1] - bits[0])[..., fine], 1, atol=0.01)


def test_a_smaller_step_gives_patches_more(encoder):
    """A gain on the right half: its step is smaller by that, its patches get more
    symbols, the others fewer, within the same budget."""
    analysed = analysed_by(encoder)
    gain = np.zeros((4, *GRID))
    gain[:, :, 3:] = 0.7
    steps, lengths = [], []
    for log_gain in (0 * gain, gain):
        chosen = analysed.allocation._replace(log_gain=tensor(log_gain))
        step, index = encoder.choose_lengths(
            analysed._replace(allocation=chosen), tensor(BUDGETS)
        )
        steps.append(ops.convert_to_numpy(step))
        lengths.append(np.array(LENGTHS)[ops.convert_to_numpy(index)])
    assert np.all(np.ptp(steps[0], axis=(1, 2)) == 0)
    np.testing.assert_allclose(steps[1][:, :, :3] - steps[1][:, :, 3:], 0.7, atol=1e-5)
    one, two = lengths
    assert np.all(two[:, :, 3:].sum(axis=(1, 2)) > one[:, :, 3:].sum(axis=(1, 2)))
    assert np.all(two[:, :, :3].sum(axis=(1, 2)) < one[:, :, :3].sum(axis=(1, 2)))
    assert np.all(two.sum(axis=(1, 2)) <= BUDGETS)


def test_fixed_is_deepjscc_with_the_same_networks(encoders):
    """The same latents and weights, equal lengths for all patches (exact)."""
    fixed = NtsccEncoder(**SIZES, fixed=True)
    fixed.set_weights(encoders["ntscc"].get_weights())
    own, other = encoded(fixed), encoded(encoders["ntscc"])
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(coded.details.latents) for coded in (own, other))
    )
    np.testing.assert_array_equal(
        *map(ops.convert_to_numpy, (own.side, equal_lengths(tensor(BUDGETS), *GRID)))
    )
    assert copy_of(fixed).fixed


def test_token_and_mask_of_a_length():
    """A patch of length k sends its first 2 k real symbols (exact)."""
    index, encoder = tensor(np.arange(len(LENGTHS)), "int32"), NtsccEncoder(**SIZES)
    sent = ops.convert_to_numpy(encoder.sent(index))
    assert sent.sum(axis=-1).tolist() == [2 * n for n in LENGTHS]
    assert np.all(np.diff(sent, axis=-1) <= 0)
    token = ops.convert_to_numpy(encoder.told(index))
    np.testing.assert_array_equal(token, np.eye(len(LENGTHS)))


@pytest.mark.parametrize("gain", [-1e3, 1e3])
def test_symbols_stay_finite_whatever_the_network_says(gain):
    """Gains of exp(1000) and exp(-1000), as of features that exploded in training, are
    held: symbols have a finite power, and it is not 0."""
    encoder = NtsccEncoder(**SIZES)
    encoder.fit_statistics(pictures(20))
    bias = np.zeros(encoder.channel_out.bias.shape, "float32")
    bias[: encoder.num_latents] = gain
    encoder.channel_out.bias.assign(bias)
    index = tensor(np.full((4, *GRID), 3), "int32")
    symbols = encoder.to_symbols(analysed_by(encoder).latents, index)
    power = ops.convert_to_numpy(ops.mean(ops.square(symbols), axis=(1, 2, 3)))
    assert np.all(np.isfinite(power)) and np.all(power > 0)


def test_statistics_start_encoder_and_decoder_alike():
    """The same transform and layout of symbols, of the images and not as they were
    (exact)."""
    encoder, decoder = NtsccEncoder(**SIZES), NtsccDecoder(**SIZES)
    before = [ops.convert_to_numpy(w) for w in encoder.weights]
    encoder.fit_statistics(pictures(20))
    decoder.copy_statistics(encoder)
    changed = [
        variable.path
        for variable, was in zip(encoder.weights, before, strict=True)
        if not np.array_equal(ops.convert_to_numpy(variable), was)
    ]
    assert {"transform/std", "transform/order", "mapping/source"} <= set(changed)
    for part in ("transform", "mapping"):
        ours, theirs = (
            {w.path: ops.convert_to_numpy(w) for w in getattr(side, part).weights}
            for side in (encoder, decoder)
        )
        same = set(ours) & set(theirs)
        assert {"transform/std", "mapping/source"} & same
        for path in same:
            np.testing.assert_array_equal(ours[path], theirs[path], err_msg=path)


def test_the_start_brings_latents_back():
    """Without training, at 30 dB and the longest lengths, the weighted latents come
    within 5 % of their energy; at the shortest, no better than with half of it."""
    encoder, decoder = NtsccEncoder(**SIZES), NtsccDecoder(**SIZES)
    encoder.fit_statistics(pictures(20))
    decoder.copy_statistics(encoder)
    latents = analysed_by(encoder).latents
    std = ops.convert_to_numpy(encoder.transform.std)[:256]
    sent = ops.convert_to_numpy(latents) * std
    errors = []
    for i in (len(LENGTHS) - 1, 0):
        index = tensor(np.full((4, *GRID), i), "int32")
        z, count = pack_patches(encoder.to_symbols(latents, index), index)
        z = ops.convert_to_numpy(z)[:, : int(count[0])]
        power = np.mean(np.abs(z) ** 2, axis=1, keepdims=True)
        noise = np.random.default_rng(0).standard_normal((*z.shape, 2)) @ [1, 1j]
        z_hat = tensor(z / power**0.5 + noise * 0.5e-3**0.5, "complex64")
        no = tensor(np.full(z.shape, 1e-3))
        again = decoder.estimate(Received(z_hat, no, no, index))
        again = ops.convert_to_numpy(again) * std
        errors.append(np.sum((again - sent) ** 2) / np.sum(sent**2))
    assert errors[0] < 0.05 and errors[1] > 2 * errors[0]


@pytest.fixture(scope="module")
def links():
    return {codec: fading_link(codec) for codec in ENCODERS}


@pytest.mark.parametrize("codec", ENCODERS)
def test_the_encoder_does_not_see_the_channel(links, codec):
    """Whatever SNR, fade and noise, it sends the same of the same images (exact)."""
    link = links[codec]
    source, snr_db, h, noise, levels, budget, *_ = training_batch(link)
    known = TxKnowledge(snr_db, budget=budget, levels=levels)
    one, image = link.run(source, snr_db, h, noise, known)
    two, other = link.run(source, snr_db + 9.0, 2.0 * h, -noise, known)
    image, other = image.images, other.images
    for ours, theirs in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.any(ops.convert_to_numpy(image) != ops.convert_to_numpy(other))


@pytest.mark.parametrize("codec", ENCODERS)
def test_every_weight_is_reached(links, codec):
    """Over 2x2 Rayleigh with estimated CSI the loss of training has a finite, non-zero
    gradient for every weight, the same eager and compiled (1e-3 of the largest)."""
    link = links[codec]
    task = SceneTask("", link.channel, RateDistortionLoss())
    weights, batch = link.trainable_variables, training_batch(link)
    assert len(weights) == len(link.encoder.trainable_variables) + len(
        link.decoder.trainable_variables
    )
    eager, graph = (
        gradients_fn(partial(task.training_loss, link), weights, compiled)(*batch)
        for compiled in (False, True)
    )
    assert_every_weight_is_reached(weights, eager, graph)


@pytest.mark.parametrize("shape", [(0, 48, 3), (64, 64, 1)])
def test_image_shapes_that_do_not_fit_are_refused(shape):
    """The shape received is named (exact)."""
    for part in (*ENCODERS.values(), *DECODERS.values()):
        with pytest.raises(ValueError, match="received " + re.escape(str(shape))):
            part(**SIZES | {"image_shape": shape})


def test_bad_rates_are_refused(encoder):
    """Symbols for a bit, and a frame below one symbol a patch (exact)."""
    with pytest.raises(ValueError, match="symbols_per_bit must be positive, got 0"):
        type(encoder)(**SIZES, symbols_per_bit=0)
    with pytest.raises(ValueError, match="at least 24 symbols, received a frame of 23"):
        encoder.check_rate(23)
    encoder.check_rate(24)
    encoder.check_rate(NUM_SYMBOLS)
