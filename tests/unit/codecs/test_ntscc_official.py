"""The authors' NTSCC over this project's link: what is sent, told and refused."""

import numpy as np
import pytest
from codec_calls import built, decode, encode, tensor
from keras import ops
from layer_checks import assert_copy_is_the_same, assert_gradients

from semcom_phy.codecs.ntscc_official import (
    NtsccOfficialDecoder,
    NtsccOfficialEncoder,
    Told,
)
from semcom_phy.seeding import set_seed

RATES = np.array([2, 4, 6, 10, 12])
SIZES = {
    "image_shape": (16, 32, 3),
    "dims": (8, 12),
    "depths": (1, 2),
    "heads": (2, 2),
    "windows": (4, 2),
    "shifted": (False, True),
    "code_depth": 1,
    "code_heads": 2,
    "code_window": 4,
    "rates": tuple(RATES.tolist()),
    "hyper_analysis": (4, 6, 5),
    "hyper_synthesis": (8, 10),
    "eta": 0.25,
}
GRID, TOKENS, HYPER = (4, 8), 32, (1, 2, 5)
FIXED = 2 + 3 * TOKENS // 8
SNR_DB = [10.0, 1.0, 13.0]
BOTH = pytest.mark.parametrize("refined", [False, True], ids=["wo_z", "with_z"])


def halves(refined=False):
    """Both with random numbers in all weights, so that patches differ in information,
    and alike where both have the same."""
    set_seed(3)
    config, rng = SIZES | {"refined": refined}, np.random.default_rng(3)
    encoder, decoder = (
        built(half(**config)) for half in (NtsccOfficialEncoder, NtsccOfficialDecoder)
    )
    for half in (encoder, decoder):
        spread = [0.2 * rng.standard_normal(w.shape) for w in half.get_weights()]
        half.set_weights(
            [w + s for w, s in zip(half.get_weights(), spread, strict=True)]
        )
    bias = encoder.synthesis.convolutions[-1].bias
    bias.assign(np.repeat(np.float32([2.0, 0.0]), bias.shape[0] // 2))
    if refined:
        decoder.synthesis.set_weights(encoder.synthesis.get_weights())
        decoder.bottleneck.set_weights(encoder.bottleneck.get_weights())
    return encoder, decoder


def images(count=3):
    pixels = np.random.default_rng(2).random((count, 16, 32, 3), "float32")
    pixels[:, :, 16:] = 0.5
    return pixels


def array(value):
    return ops.convert_to_numpy(value)


def told(refined, index=None):
    index = np.full((2, *GRID), 4, "int32") if index is None else index
    steps = np.arange(2 * np.prod(HYPER), dtype="int32").reshape(2, *HYPER) - 9
    scale = np.array([0, 1023], "int32")
    return Told(scale, index, steps if refined else None)


@BOTH
def test_without_noise_the_link_is_the_authors_network(refined):
    """Symbols of unit power as the link makes them, no noise: what the authors' decoder
    makes of the features, up to the steps of the scale (0.6 %), which LayerNorms of two
    channels blow up in places (95 % of the values within 2 % of the range)."""
    encoder, decoder = halves(refined)
    room = 150
    packet = encode(encoder, images(), SNR_DB, room, budget=tensor([150.0, 90.0, 33.0]))
    z, count = array(packet.data.z), array(packet.data.count)
    assert len(set(count.tolist())) == 3
    for row, number in zip(z, count, strict=True):
        row /= np.sqrt(np.mean(np.abs(row[:number]) ** 2))
        row[number:] = 1e3  # nobody looks there
    z = z[:, :room]
    found = array(decode(decoder, z, np.full(z.shape, 1e-9), SNR_DB, packet.side))
    analysed, index = packet.details, packet.side.rate_index
    features, _ = encoder.features(*analysed[:2], index)
    expected = array(decoder.reconstruct(features, index, analysed.steps))
    spread = expected.max() - expected.min()
    assert np.mean(np.abs(found - expected) < 0.02 * spread) > 0.95


def test_an_image_takes_the_largest_eta_that_its_budget_holds():
    """Never more than the budget; a slightly larger eta would take more, or all patches
    have the largest rate; k is that of the published rule at some eta (exact)."""
    encoder, _ = halves()
    budgets = np.array([TOKENS, 101.0, 1000.0], "float32")
    found = encoder.analyse(tensor(images()))
    side, count = encoder.allocate(found, tensor(budgets))
    index, count = array(side.rate_index), array(count)
    np.testing.assert_array_equal(count, RATES[index].sum(axis=(1, 2)) // 2)
    assert np.all(count <= budgets)
    assert count[0] == TOKENS and np.all(index[2] == len(RATES) - 1)
    information = array(encoder.information(found.likelihood))
    assert np.ptp(information[1]) > 0.1 * information[1].max()
    # Whoever has less information has no larger a rate.
    order = np.argsort(information[1].ravel())
    assert np.all(np.diff(index[1].ravel()[order]) >= 0)
    assert len(np.unique(index[1])) > 1 and count[1] > 101 - 8
    below = index[1] < len(RATES) - 1
    eta = (RATES[index[1]] / information[1])[below].min()
    more = np.searchsorted(RATES[:-1], 1.0001 * eta * information[1])
    assert RATES[more].sum() // 2 > 101


def test_the_published_rule():
    """First rate that is enough for eta times the information, the last one beyond
    (exact)."""
    encoder, _ = halves()
    asked = [0.0, 2.0, 2.1, 4.0, 9.9, 10.1, 12.0, 50.0]
    assert array(encoder.index_for(tensor(asked))).tolist() == [0, 0, 1, 1, 3, 4, 4, 4]
    found = encoder.analyse(tensor(images()))
    asked = 0.25 * array(encoder.information(found.likelihood))
    expected = np.minimum(np.searchsorted(RATES, asked), len(RATES) - 1)
    np.testing.assert_array_equal(array(encoder.published_index(found)), expected)


def test_symbols_are_those_of_patches_one_after_the_other():
    """Two neighbouring values of a patch are a symbol (exact)."""
    encoder, _ = halves()
    packet = encode(encoder, images(1), SNR_DB[:1], 99, budget=tensor([99.0]))
    features, _ = encoder.features(*packet.details[:2], packet.side.rate_index)
    index, expected = array(packet.side.rate_index)[0], []
    for place in np.ndindex(*GRID):
        values = array(features)[0][place]
        assert not values[RATES[index[place]] :].any()
        expected += list(values[: RATES[index[place]]])
    expected = np.array(expected).reshape(-1, 2) @ [1, 1j]
    count = int(array(packet.data.count)[0])
    np.testing.assert_array_equal(array(packet.data.z)[0, :count], expected)


@BOTH
def test_bytes_of_side_information(refined):
    """There and back, sizes as documented (exact); what cannot be meant is refused."""
    encoder, decoder = halves(refined)
    index = np.random.default_rng(1).integers(0, 5, (2, *GRID)).astype("int32")
    side = told(refined, index)
    payloads = encoder.side_to_bytes(side)
    most = FIXED + refined * int(np.prod(HYPER))
    assert encoder.side_bytes == most and all(len(p) <= most for p in payloads)
    assert refined or {len(p) for p in payloads} == {FIXED}
    again = decoder.side_from_bytes(payloads)
    np.testing.assert_array_equal(again.scale, side.scale)
    np.testing.assert_array_equal(again.rate_index, index)
    assert (again.steps is None) == (not refined)
    if refined:
        np.testing.assert_array_equal(again.steps, side.steps)
    bad = [b"", b"\x04\x00" + bytes(FIXED - 2), bytes(2) + b"\xff" * (FIXED - 2)]
    bad += [bytes(FIXED - 1)] if refined else [bytes(FIXED + 1)]
    for payload in bad:
        with pytest.raises(ValueError):
            decoder.side_from_bytes([payload])


def test_figures_are_the_bits_of_the_compression_branch():
    """Of every image, of y and of z, positive (1e-5)."""
    encoder, _ = halves()
    packet = encode(encoder, images(), SNR_DB, 99, budget=tensor([99.0] * 3))
    figures = {name: array(v) for name, v in encoder.figures(packet).items()}
    hyper = array(encoder.bottleneck(packet.details.steps)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(figures["hyper_bits"], hyper, rtol=1e-5)
    assert figures["latent_bits"].shape == (3,) and np.all(figures["latent_bits"] > 0)


@BOTH
def test_configuration_and_gradients(refined):
    """A copy computes the same (exact); every weight that it reaches has a gradient."""
    encoder, decoder = halves(refined)
    x = tensor(images())
    index = ops.convert_to_tensor(np.arange(96, dtype="int32").reshape(3, *GRID) % 5)
    features = encoder.features(*encoder.analyse(x)[:2], index)[0]
    steps = encoder.analyse(x).steps

    def encoded(half):
        return built(half).features(*half.analyse(x)[:2], index)[0]

    def decoded(half):
        return built(half).reconstruct(features, index, steps)

    assert_copy_is_the_same(encoder, encoded)
    assert_copy_is_the_same(decoder, decoded)
    # Rounding stops what reaches h_a; the prior is of the compression branch.
    apart = [*encoder.analysis.weights, *encoder.bottleneck.weights]
    apart += decoder.bottleneck.weights if refined else []
    apart = {id(weight) for weight in apart}
    weights = encoder.trainable_variables + decoder.trainable_variables
    weights = [weight for weight in weights if id(weight) not in apart]

    def loss(x):
        sent, _ = encoder.features(*encoder.analyse(x)[:2], index)
        return ops.mean(ops.square(decoder.reconstruct(sent, index, steps) - 0.5))

    assert_gradients(loss, weights, images())


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"image_shape": (24, 16, 3)}, "multiples of 16 pixels with 2 stages"),
        ({"depths": (1,)}, "one number of stages"),
        ({"rates": (2, 3)}, "rates must be even and rise"),
        ({"rates": (4, 2)}, "rates must be even and rise"),
        ({"rates": ()}, "rates must be even and rise"),
        ({"eta": 0.0}, "eta must be positive"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changed, message):
    """With what was given (exact)."""
    with pytest.raises(ValueError, match=message):
        NtsccOfficialEncoder(**(SIZES | changed))


def test_frames_and_images_of_another_size_are_refused():
    """With both numbers (exact)."""
    encoder, _ = halves()
    with pytest.raises(ValueError, match="at least 32 symbols, received a frame of 31"):
        encoder.check_rate(31)
    encoder.check_rate(32)
    with pytest.raises(ValueError, match="images must have shape"):
        encoder.latents(tensor(np.zeros((1, 16, 16, 3))))
