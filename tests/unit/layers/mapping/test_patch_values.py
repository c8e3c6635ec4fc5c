"""Values of patches on symbols, and back."""

import numpy as np
import pytest
from keras import ops
from layer_checks import (
    array,
    assert_compiled_is_the_same,
    assert_copy_is_the_same,
    assert_gradients,
    normals,
)

from semcom_phy.layers.mapping.patch_values import SCALE_SYMBOLS, PatchValues

GRID, NUM_SYMBOLS = (3, 4), 38  # 60 values: 5 of every patch
MIXED = np.zeros((2, *GRID), "float32")
MIXED[0, 1, 1:3] = 1
MIXED[1, :2] = 1
MASKS = {"none": 0 * MIXED, "all": 0 * MIXED + 1, "mixed": MIXED}
NOT_SENT = 1e6


def values_of(packing, scale=1.0, seed=0):
    """Such that values that are sent have about this root mean square."""
    return scale * normals(2, *GRID, packing.depth, seed=seed)


def received(packing, z, mask, no=1e-9):
    """As behind a link without noise, of unit power."""
    x = array(z)
    x = x / np.sqrt(np.mean(np.abs(x) ** 2, axis=1, keepdims=True))
    no_eff = np.full(x.shape, no, "float32")
    values, noise = packing.unpack(ops.convert_to_tensor(x), no_eff, mask)
    return array(values), array(noise)


@pytest.fixture(params=[1.0, 1.5, 2.0])
def packing(request):
    return PatchValues(GRID, NUM_SYMBOLS, request.param)


@pytest.fixture(params=list(MASKS))
def mask(request):
    return MASKS[request.param]


def test_what_was_sent_comes_back(packing, mask):
    """Without noise, up to the rounding of the scale: values in their places, 0 and a
    noise of 1e6 where nothing was sent (1e-3 of the largest); as many as counted."""
    # A scale as it is sent by 1, where unit power is exact.
    sent = values_of(packing)
    symbols = array(packing.pack(sent, mask))
    power = np.square(symbols[:, SCALE_SYMBOLS:].view("float32")).mean(1)
    np.testing.assert_allclose(power, 1, atol=1e-5)
    values, noise = received(packing, symbols, mask)
    went = noise < NOT_SENT
    np.testing.assert_array_equal(went.sum(-1), array(packing.counts(mask)))
    assert np.all(noise[~went] == NOT_SENT) and np.all(values[~went] == 0)
    # All are scaled alike: by how far the scale's own symbols are from unit power.
    ratio = np.sum(values * sent * went, (1, 2, 3))
    ratio = ratio / np.sum(sent**2 * went, (1, 2, 3))
    assert np.all(np.abs(ratio - 1) < 0.3)
    expected = np.where(went, sent * ratio[:, None, None, None], 0)
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_symbols_are_what_they_should_be(packing, mask):
    """Documented shape, the scale sixteen times in front (exact)."""
    symbols = array(packing.pack(values_of(packing), mask))
    assert symbols.shape == (2, NUM_SYMBOLS) and symbols.dtype == np.complex64
    code = symbols[:, :SCALE_SYMBOLS].view("float32")
    assert code.shape == (2, 16) and np.ptp(code, axis=1).max() == 0


def test_all_values_are_counted(packing, mask):
    """They add up to the room; a foreground patch has the lead times as many as one of
    the background (rounding: below 2)."""
    counts = array(packing.counts(mask))
    assert counts.shape == (2, *GRID)
    assert packing.size == 2 * (NUM_SYMBOLS - SCALE_SYMBOLS) == 60
    np.testing.assert_array_equal(counts.sum((1, 2)), 60)
    assert counts.max() <= packing.depth
    for own, chosen in zip(counts, mask > 0.5, strict=True):
        for kind in (own[chosen], own[~chosen]):
            assert not kind.size or np.ptp(kind) <= 1
        if chosen.any() and not chosen.all():
            lead = own[chosen].mean() / own[~chosen].mean()
            assert abs(own[chosen].mean() - packing.lead * own[~chosen].mean()) < 2
            assert (lead > 1.2) == (packing.lead > 1)


def test_first_values_go_out_first():
    """Whatever the mask, a patch sends a value only behind all that are in front of it;
    without a lead the mask does not matter (exact)."""
    for lead in (1.0, 2.0):
        packing = PatchValues(GRID, 36, lead)  # 56 values: some patches have one less
        for mask in MASKS.values():
            _, noise = received(packing, packing.pack(values_of(packing), mask), mask)
            went = (noise < NOT_SENT).astype(int)
            assert np.all(np.diff(went, axis=-1) <= 0)
            if lead == 1.0:
                assert went[..., :4].all() and went[..., 4].sum() == 2 * (56 - 48)
    packing = PatchValues(GRID, 36)
    sent = values_of(packing)
    one, two = (array(packing.pack(sent, MASKS[m])) for m in ("none", "mixed"))
    np.testing.assert_array_equal(one, two)


def test_the_order_names_every_value_once(packing, mask):
    """A permutation (exact)."""
    order = array(packing.order(mask))
    assert order.shape == (2, packing.depth * 12)
    np.testing.assert_array_equal(
        np.sort(order, 1), np.tile(np.arange(order.shape[1]), (2, 1))
    )


def test_the_scale_arrives():
    """Of images up to e times stronger or weaker than the mean of them, within 1 % of
    its logarithm over clean symbols of unit power; noise grows by its square (1e-3)."""
    packing = PatchValues(GRID, 6000)  # so many that 8 of them do not matter
    mask = MASKS["none"]
    for scale in (np.exp(-1.0), 1.0, np.exp(1.0)):
        sent = values_of(packing, scale)
        values, noise = received(packing, packing.pack(sent, mask), mask, 1e-4)
        ratio = np.sum(values * sent, (1, 2, 3)) / np.sum(sent**2, (1, 2, 3))
        np.testing.assert_allclose(np.log(ratio), 0, atol=0.02)
        went = noise < NOT_SENT
        power = np.square(sent).mean((1, 2, 3))[:, None, None, None]
        np.testing.assert_allclose((noise / power)[went], 1e-4, rtol=0.05)


def test_a_noisy_scale_falls_back_to_the_mean():
    """Over symbols that say nothing, an image has the mean scale, 1 (0.05)."""
    packing = PatchValues(GRID, NUM_SYMBOLS)
    mask = MASKS["none"]
    _, noise = received(packing, packing.pack(values_of(packing, 5.0), mask), mask, 1e5)
    np.testing.assert_allclose(noise[..., :5] / 1e5, 1, atol=0.05)


def test_values_of_nothing_are_finite():
    """An image whose values are all 0 (exact)."""
    packing = PatchValues(GRID, NUM_SYMBOLS, 2.0)
    symbols = packing.pack(0 * values_of(packing), MIXED)
    values, noise = received(packing, symbols, MIXED, 0.1)
    assert np.isfinite(array(symbols)).all()
    assert np.isfinite(values).all() and np.all(noise > 0)


def test_gradients_and_configuration(packing):
    """Of values and of the one weight, finite and not 0; the copy exact, compiled the
    same, with a lead as well (1e-5)."""
    sent, no_eff = values_of(packing), np.full((2, NUM_SYMBOLS), 0.1, "float32")

    def there_and_back(sent, mask):
        # 1e6 stands for infinity, and has no digits behind the point to compare.
        values, noise = packing.unpack(packing.pack(sent, mask), no_eff, mask)
        return ops.concatenate([values, ops.minimum(noise, 10.0)], axis=-1)

    def loss(sent, mask):
        return ops.mean(ops.square(there_and_back(sent, mask) - 1.0))

    assert len(packing.trainable_variables) == 1
    assert_gradients(loss, packing.trainable_variables, sent, MIXED)
    assert_copy_is_the_same(packing, lambda one: one.pack(sent, MIXED))
    assert_compiled_is_the_same(there_and_back, sent, MIXED)


def test_what_cannot_be_packed_is_refused():
    """Too few symbols for a value of every patch, with how many it takes; a lead below
    1."""
    with pytest.raises(ValueError, match="13 symbols hold no value of each of 12.*14"):
        PatchValues(GRID, 13)
    assert PatchValues(GRID, 14).depth == 1
    for lead in (0.5, float("nan")):
        with pytest.raises(ValueError, match=f"at least 1, received {lead}"):
            PatchValues(GRID, NUM_SYMBOLS, lead)
