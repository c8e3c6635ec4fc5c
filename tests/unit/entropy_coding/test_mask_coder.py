"""Code of masks: round trips, coded size, the table, damage."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from semcom_phy.entropy_coding.mask_coder import ECSSD_TABLE, MaskCoder, fit_table

SHAPE = (16, 16)
SHAPES = (SHAPE, (1, 1), (1, 9), (7, 1), (2, 2), (5, 23))


def blobs(n, seed):
    """Smooth objects [n, 16, 16] on a quarter of the picture."""
    field = np.random.default_rng(seed).standard_normal((n, *SHAPE))
    field = gaussian_filter(field, (0, 2.5, 2.5))
    return field > np.quantile(field, 0.75, axis=(1, 2), keepdims=True)


def masks_of(shape):
    """Random masks of any share of foreground, and regular ones."""
    rng = np.random.default_rng(2)
    rows, cols = np.indices(shape)
    yield from (rng.random(shape) < share for share in np.linspace(0.02, 0.98, 12))
    yield from (np.zeros(shape), np.ones(shape), (rows + cols) % 2, rows % 2, cols % 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_all_masks_come_back(shape):
    """Exactly, whatever their numbers are stored as."""
    coder = MaskCoder()
    for mask in masks_of(shape):
        found = coder.decode(coder.encode(mask), shape)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize("seed", range(3))
def test_all_tables_bring_masks_back(seed):
    """Also those whose probabilities are extreme (exact)."""
    rng = np.random.default_rng(seed)
    coder = MaskCoder(np.clip(rng.beta(0.1, 0.1, 64), 1e-9, 1 - 1e-9))
    for mask in masks_of(SHAPE):
        np.testing.assert_array_equal(coder.decode(coder.encode(mask), SHAPE), mask)


def test_size_of_objects():
    """Blobs take 62 to 95 bits of 256 in the mean; a mask, no more than a byte above
    its ideal length; an empty one nothing or a byte, and a checkerboard the most."""
    coder, masks = MaskCoder(), blobs(40, seed=1)
    sizes = [8 * len(coder.encode(mask)) for mask in masks]
    ideal = [coder.cost_bits(mask) for mask in masks]
    assert 62 < np.mean(sizes) < 95
    assert (np.subtract(sizes, ideal) < 8).all()
    assert len(coder.encode(np.zeros(SHAPE))) <= 1
    assert coder.cost_bits(np.indices(SHAPE).sum(axis=0) % 2) > 256


def test_contexts_are_the_neighbours():
    """Each of the six has its own bit, those outside are background: the table of one
    mask against counting position by position
    (1e-12)."""
    mask = np.random.default_rng(4).integers(0, 2, (6, 7))
    counts = np.full((64, 2), 0.4)
    for i, j in np.ndindex(mask.shape):
        places = ((i, j - 1), (i - 1, j), (i - 1, j - 1), (i - 1, j + 1), (i, j - 2))
        context = sum(
            2**bit
            for bit, (k, m) in enumerate((*places, (i - 2, j)))
            if 0 <= k < 6 and 0 <= m < 7 and mask[k, m]
        )
        counts[context, mask[i, j]] += 1
    expected = counts[:, 1] / counts.sum(axis=1)
    np.testing.assert_allclose(fit_table([mask]), expected, rtol=1e-12)


def test_a_table_fits_its_masks():
    """Blobs take fewer bits with a table of other blobs than with that of photographs,
    and never more than a bit a patch with a table that knows nothing."""
    fitted, masks = MaskCoder(fit_table(blobs(200, seed=3))), blobs(40, seed=1)
    bits = [[x.cost_bits(m) for m in masks] for x in (fitted, MaskCoder())]
    assert np.mean(bits[0]) < np.mean(bits[1])
    flat = MaskCoder(fit_table(np.zeros((1, 1, 1)))[-1].repeat(64))
    assert flat.cost_bits(masks[0]) == 256


def test_the_shipped_table_is_sound():
    """Of 64 probabilities; a lone patch is rare, one among neighbours is frequent."""
    assert len(ECSSD_TABLE) == 64
    assert ECSSD_TABLE[0] < 0.02 and ECSSD_TABLE[63] > 0.97


def test_damaged_data():
    """Any bytes give some mask of 0 and 1, or are refused by name."""
    rng, coder = np.random.default_rng(5), MaskCoder()
    whole = coder.encode(blobs(1, seed=6)[0])
    strings = [rng.bytes(n) for n in range(1, 40)] + [b"", b"\xff" * 40, whole[:-3]]
    for data in strings:
        try:
            mask = coder.decode(data, SHAPE)
        except ValueError as error:
            assert "damaged" in str(error)
        else:
            assert mask.shape == SHAPE and np.isin(mask, (0, 1)).all()


def test_what_is_no_mask_is_refused():
    """Other numbers, other shapes and tables, with what was received."""
    coder = MaskCoder()
    for mask in (np.full(SHAPE, 0.5), np.full(SHAPE, 255), np.full(SHAPE, np.nan)):
        with pytest.raises(ValueError, match="hold 0 and 1 alone, received"):
            coder.encode(mask)
    for mask in (np.zeros((1, *SHAPE)), np.zeros((0, 16))):
        with pytest.raises(ValueError, match="2 dimensions"):
            coder.encode(mask)
    with pytest.raises(ValueError, match=r"at least \(1, 1\), received \(0, 4\)"):
        coder.decode(b"", (0, 4))
    for table in (ECSSD_TABLE[:63], (0.0,) * 64, (1.0,) * 64, (np.nan,) * 64):
        with pytest.raises(ValueError, match="64 probabilities between 0 and 1"):
            MaskCoder(table)
