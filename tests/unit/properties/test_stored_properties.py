"""What is stored or cut to size comes back: arrays, hashes, images of any size."""

import h5py
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, from_dtype
from keras import ops

from semcom_phy.array_hash import array_sha256
from semcom_phy.layers.mapping.patch_symbols import pack_patches, unpack_patches
from semcom_phy.layers.mapping.rate_allocation import equal_lengths, spread_evenly
from semcom_phy.layers.transforms.padding import cut_edges, pad_edges, whole_cells
from semcom_phy.stored_arrays import H5_FORMAT, half_precision, write_array

KINDS = ["bool", "u1", "<i2", ">i4", "<i8", "<f2", "<f4", ">f8", "<c8"]
SHAPES = array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)


@st.composite
def stored(draw):
    """Arrays of any kind, shape and order in memory, some of over 1 KiB."""
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    values = draw(arrays(kind, draw(SHAPES), elements=from_dtype(kind)))
    if draw(st.booleans()):
        values = np.tile(values, draw(st.integers(1, 300)))
    return values.T if draw(st.booleans()) else values


@given(stored())
def test_any_array_comes_back(values):
    """Bit by bit, of its shape and type, from a file in memory (exact)."""
    with h5py.File(
        "a.h5", "w", driver="core", backing_store=False, libver=H5_FORMAT
    ) as file:
        write_array(file, "inner/values", values)
        found = file["inner/values"]
        assert found.shape == values.shape and found.dtype == values.dtype
        assert np.asarray(found[()], values.dtype).tobytes() == values.tobytes()
    assert array_sha256(values) == array_sha256(values.copy())


FLOATS = st.floats(width=32) | st.floats(-65504, 65504, width=32)


@given(arrays(np.float32, st.integers(0, 20), elements=FLOATS), st.integers(-1, 12))
@example(np.float32([65504]), 9)
@example(np.float32([-63488]), 5)
@example(np.float32([512.375]), 9)
def test_any_number_is_rounded_or_refused(values, bits):
    """To within half of the last bit that is kept, never to infinity."""
    try:
        found = half_precision("weights", values, bits)
    except ValueError as error:
        assert "weights" in str(error) or str(bits) in str(error)
        assert bits not in range(1, 11) or not (np.abs(values) < 2.0**15).all()
        return
    assert found.dtype == np.float16 and np.isfinite(found).all()
    # Of numbers below 2^-14 the last bits are those of 2^-14.
    exact = values.astype(float)
    step = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(exact), 2.0**-14))) - bits)
    assert (np.abs(found.astype(float) - exact) <= 0.5 * step).all()


@given(st.data())
def test_other_arrays_have_other_hashes(data):
    """Of another shape, type or number (exact)."""
    values = data.draw(arrays(np.int32, data.draw(SHAPES), elements=st.integers(-9, 9)))
    assert array_sha256(values) != array_sha256(values.astype(np.int64))
    assert array_sha256(values) != array_sha256(values[None])
    assert array_sha256(values, values) != array_sha256(values)
    if values.size:
        assert array_sha256(values) != array_sha256(values + 1)


@given(
    *(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9)),
    st.integers(0, 2**16),
)
def test_images_of_any_size_come_back(height, width, cell, seed):
    """Padded to whole cells by what is at their edge, and cut (exact)."""
    images = np.random.default_rng(seed).random((2, height, width, 3), np.float32)
    padded = pad_edges(ops.convert_to_tensor(images), cell)
    assert tuple(padded.shape[1:3]) == whole_cells(height, width, cell)
    assert padded.shape[1] % cell == padded.shape[2] % cell == 0
    found = np.asarray(ops.convert_to_numpy(padded))
    np.testing.assert_array_equal(found[:, -1, -1], images[:, -1, -1])
    cut = cut_edges(padded, height, width)
    np.testing.assert_array_equal(ops.convert_to_numpy(cut), images)


@st.composite
def lengths(draw):
    """Lengths of patches, upwards, the first of which may be 0."""
    found = draw(st.lists(st.integers(0, 12), min_size=2, max_size=6, unique=True))
    return tuple(sorted(found))


@given(st.data())
def test_any_lengths_of_patches_come_back(data):
    """Symbols closed up and opened again: those that are sent, 0 of error 1 elsewhere,
    as many as is counted (1e-5)."""
    table = data.draw(lengths())
    shape = 2, data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    index = data.draw(arrays(np.int32, shape, elements=st.integers(0, len(table) - 1)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    values = rng.standard_normal((*shape, 2 * table[-1])).astype("float32")
    z, count = pack_patches(
        ops.convert_to_tensor(values), ops.convert_to_tensor(index), table
    )
    taken = np.array(table)[index]
    np.testing.assert_array_equal(ops.convert_to_numpy(count), taken.sum(axis=(1, 2)))
    no_eff = ops.full((2, z.shape[1]), 0.25)
    found, no = unpack_patches(z, no_eff, ops.convert_to_tensor(index), table)
    sent = np.arange(table[-1]) < taken[..., None]
    pairs = values.reshape(*shape, table[-1], 2)
    expected = 2**0.5 * np.where(sent[..., None], pairs, 0.0)
    found = np.asarray(ops.convert_to_numpy(found))
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-5)
    errors = np.repeat(np.where(sent, 0.25, 1.0), 2, axis=-1)
    np.testing.assert_array_equal(ops.convert_to_numpy(no), errors)


@given(
    lengths(),
    st.integers(0, 400),
    *(st.integers(1, 9), st.integers(1, 9)),
)
def test_any_budget_is_kept(table, budget, rows, columns):
    """Equal lengths take no more symbols than the budget, unless the least is more, and
    leave less than one step of one patch (exact)."""
    budgets = ops.convert_to_tensor(np.array([budget], "float32"))
    index = np.asarray(
        ops.convert_to_numpy(equal_lengths(budgets, rows, columns, table))
    )
    spent = np.array(table)[index].sum()
    assert spent <= max(budget, table[0] * rows * columns)
    if spent < table[-1] * rows * columns and budget >= table[0] * rows * columns:
        assert budget - spent < np.diff(table).max()


@given(st.integers(1, 300), st.integers(0, 300))
def test_any_number_is_spread_evenly(number, taken):
    """As many as told, runs of places without one differing by one (exact)."""
    taken = min(taken, number)
    places = np.asarray(ops.convert_to_numpy(spread_evenly(taken, number)))
    assert places.sum() == taken and set(places.tolist()) <= {0, 1}
    gaps = np.diff(np.flatnonzero(places))
    assert not gaps.size or gaps.max() - gaps.min() <= 1
