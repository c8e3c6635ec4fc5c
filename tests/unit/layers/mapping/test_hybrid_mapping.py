"""Hybrid mapping: what one symbol carries, soft decisions, closed-form design."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.mapping.hybrid_mapping import (
    DESIGN_NO,
    MAX_DIGITS,
    HybridDemapper,
    HybridMapper,
)

LENGTHS, SIZE = (1, 4, 16), 32
STD = 3.0 * 0.8 ** np.arange(SIZE)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((3000, SIZE)) for _ in LENGTHS]
    mapper = HybridMapper(LENGTHS, SIZE)
    mapper.fit(samples, STD, counts=[10, 10, 10], weights=[1, 1, 1])
    demapper = HybridDemapper(LENGTHS, SIZE)
    demapper.copy_start(mapper)
    return mapper, demapper


def send(pair, index, no, seed=1):
    """Latents, estimates, symbols and what is sent of them, one patch an image."""
    mapper, demapper = pair
    lengths = np.array(mapper.lengths)
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((4000, 1, 1, SIZE)).astype("float32")
    index = np.full((4000, 1, 1), index, "int32")
    sent = (np.arange(SIZE) < 2 * lengths[index][..., None]).astype("float32")
    symbols = ops.convert_to_numpy(
        mapper(*map(ops.convert_to_tensor, (latents, index)))
    )
    # Scaled to the power that the demapper expects of these lengths.
    expected = np.exp(2 * ops.convert_to_numpy(demapper.log_amplitude))[index] * sent
    scale = np.sqrt(sent.sum(-1) / expected.sum(-1))[..., None]
    noise = rng.standard_normal(symbols.shape) * np.sqrt(no)
    received = ((symbols * scale + noise) * sent).astype("float32")
    variance = np.full(received.shape, no, "float32")
    received, variance, index, sent = map(
        ops.convert_to_tensor, (received, variance, index, sent)
    )
    scale = demapper.scale(index, sent)
    found = demapper(received, variance, index, sent, scale)
    sent = ops.convert_to_numpy(sent)
    return latents, ops.convert_to_numpy(found), symbols, sent


def error(latents, found):
    return np.mean(((latents - found) * STD) ** 2 * SIZE)


def test_noise_free_symbols_give_back_what_they_carry(pair):
    """Signs and what they leave add up to the latent (1e-3, Wiener filter at 1e-9)."""
    latents, found, _, _ = send(pair, 2, 1e-9)
    symbol = ops.convert_to_numpy(pair[0].symbol)[2].reshape(MAX_DIGITS + 1, SIZE)
    carried = symbol[MAX_DIGITS] < SIZE
    assert carried.sum() < 2 * LENGTHS[2]  # some latents take several symbols
    np.testing.assert_allclose(found[..., carried], latents[..., carried], atol=1e-3)
    assert np.all(found[..., ~carried] == 0)


def test_every_symbol_that_is_sent_has_one_source(pair):
    """Layout and its inverse agree, for each length (exact)."""
    source = ops.convert_to_numpy(pair[0].source)
    symbol = ops.convert_to_numpy(pair[0].symbol)
    for i, length in enumerate(LENGTHS):
        sent = source[i, : 2 * length]
        assert len(set(sent)) == 2 * length
        assert np.array_equal(symbol[i, sent], np.arange(2 * length))
        assert np.sum(symbol[i] < SIZE) == 2 * length


def test_power_is_as_designed(pair):
    """Symbols of unit mean power over the lengths, on samples of the design (5 %)."""
    power, count = 0.0, 0
    for i, length in enumerate(LENGTHS):
        _, _, symbols, sent = send(pair, i, 0.1)
        power += np.mean(np.sum(symbols**2 * sent, axis=-1))
        count += 2 * length
    assert power / count == pytest.approx(1, abs=0.05)


def test_digits_beat_a_linear_code(pair):
    """At the design noise the longest length leaves less error than the best linear
    code of as many symbols of the same energy (closed form, by a fifth)."""
    latents, found, _, _ = send(pair, 2, DESIGN_NO)
    worth = STD**2
    price = np.geomspace(1e-6, 1e3, 4000)[:, None]
    powers = np.maximum(np.sqrt(worth * DESIGN_NO / price) - DESIGN_NO, 0)
    best = np.argmin(np.abs(powers.sum(axis=1) - 2 * LENGTHS[2]))
    linear = np.sum(worth * DESIGN_NO / (powers[best] + DESIGN_NO))
    assert error(latents, found) < 0.8 * linear


def test_drowned_digits_do_no_harm(pair):
    """At -20 dB the soft estimate is no worse than none (1 %)."""
    latents, found, _, _ = send(pair, 2, 100.0)
    assert error(latents, found) < 1.01 * error(latents, np.zeros_like(found))


def test_gradient_passes_the_signs(pair):
    """What the signs leave carries the gradient: 1 for each latent that is sent."""
    mapper, demapper = pair
    latents = np.random.default_rng(3).standard_normal((1, 1, 1, SIZE))
    index = ops.convert_to_tensor(np.array([[[1]]], "int32"))

    def total(values):
        sent = ops.cast(ops.arange(SIZE) < 2 * LENGTHS[1], "float32")
        sent = ops.reshape(sent, (1, 1, 1, SIZE))
        symbols = mapper(values, index) * sent
        scale = demapper.scale(index, sent)
        return demapper(symbols, 1e-9 * ops.ones_like(symbols), index, sent, scale)

    step = np.zeros(SIZE)
    step[0] = 1e-3  # too small to turn a sign
    moved = [
        total(ops.convert_to_tensor((latents + s).astype("float32"))) for s in (0, step)
    ]
    change = ops.convert_to_numpy(moved[1]) - ops.convert_to_numpy(moved[0])
    scale = change[0, 0, 0, 0] / 1e-3
    assert scale > 0.5 and np.all(np.abs(change[0, 0, 0, 1:]) < 1e-4)


def test_too_few_latents_are_refused():
    """A length cannot have more real symbols than there are latents."""
    with pytest.raises(ValueError, match="needs at least 64 latents"):
        HybridMapper((32,), 63)


def test_each_design_is_the_better_one_at_its_noise():
    """Two designs of a length, for 0 and 20 dB: the error of each is less at its own
    noise variance, by 3 % at least."""
    rng = np.random.default_rng(0)
    samples = [rng.standard_normal((3000, SIZE)) for _ in range(2)]
    mapper, demapper = HybridMapper((8, 8), SIZE), HybridDemapper((8, 8), SIZE)
    mapper.fit(samples, STD, [10, 10], [1, 1], design_no=(1.0, 0.01))
    demapper.copy_start(mapper)
    for no, ours, other in ((1.0, 0, 1), (0.01, 1, 0)):
        errors = [error(*send((mapper, demapper), i, no)[:2]) for i in (ours, other)]
        assert errors[0] < 0.97 * errors[1], no


def test_another_scale_makes_another_estimate(pair):
    """Of each image by its own: without noise half of it makes twice as much (1e-5)."""
    _, demapper = pair
    rng = np.random.default_rng(1)
    values = rng.standard_normal((2, 1, 1, SIZE)).astype("float32")
    sent, index = np.ones_like(values), np.full((2, 1, 1), 0, "int32")
    sent[..., 2 * LENGTHS[0] :] = 0.0
    no = np.full_like(values, 1e-9)
    inputs = [ops.convert_to_tensor(x) for x in (values, no, index, sent)]
    judged = ops.convert_to_numpy(demapper.scale(*inputs[2:]))
    one, other = (
        ops.convert_to_numpy(demapper(*inputs, ops.convert_to_tensor(judged * factor)))
        for factor in np.array([[1.0, 1.0], [1.0, 0.5]], "float32")
    )
    np.testing.assert_array_equal(one[0], other[0])
    analogue = np.abs(other[1]) > 1.5 * np.abs(one[1])
    assert analogue.any()
    np.testing.assert_allclose(other[1][analogue], 2 * one[1][analogue], rtol=1e-5)
