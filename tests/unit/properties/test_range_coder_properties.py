"""Entropy coders: any numbers under any distributions come back, or are refused."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from semcom_phy.entropy_coding.conditional_code import ConditionalCode
from semcom_phy.entropy_coding.equal_lengths import equal_from_bytes, equal_to_bytes
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.entropy_coding.mask_coder import MaskCoder, fit_table
from semcom_phy.entropy_coding.range_coder import Decoder, Encoder
from semcom_phy.layers.mapping.rate_allocation import spread_evenly

FAR = 2**52  # integers up to here are coded
INTEGERS = st.integers(-FAR, FAR) | st.integers(-3000, 3000)
WEIGHTS = st.floats(0, 1e300) | st.sampled_from([0.0, 5e-324, 1e-310, 1e-12, 1.0])


@st.composite
def distributions(draw, rows, least=2, most=9):
    """[rows, m], or [m] without rows: not all 0, or nearly so, in any row."""
    m = draw(st.integers(least, most))
    shape = (m,) if rows is None else (rows, m)
    table = draw(arrays(np.float64, shape, elements=WEIGHTS))
    some = table.sum(axis=-1) >= 1e-290
    table[..., 0] = np.where(some, table[..., 0], 1.0)
    return table


@st.composite
def of_alphabet(draw):
    n = draw(st.integers(0, 12))
    shared = draw(st.booleans())
    table = draw(distributions(None if shared else n))
    most = table.shape[-1] - 1
    symbols = draw(st.lists(st.integers(0, most), min_size=n, max_size=n))
    return symbols, table, n if shared else None


@st.composite
def of_tables(draw):
    n, channels = draw(st.integers(0, 6)), draw(st.integers(0, 3))
    values = draw(arrays(np.int64, (n, channels), elements=INTEGERS))
    lowest = draw(arrays(np.int64, channels, elements=INTEGERS))
    return values, draw(distributions(channels)), lowest


GROUPS = st.one_of(
    st.tuples(st.just("symbols"), of_alphabet()),
    st.tuples(st.just("tabulated"), of_tables()),
)


@given(st.lists(GROUPS, max_size=5))
@example([("tabulated", (np.zeros((2, 0), int), np.zeros((0, 2)), np.zeros(0, int)))])
def test_any_groups_come_back(groups):
    """One behind the other on one byte string, whatever the distributions say, also of
    probability 0 and in tails (exact)."""
    encoder = Encoder()
    for kind, parts in groups:
        if kind == "symbols":
            encoder.symbols(*parts[:2])
        else:
            encoder.tabulated(*parts)
    decoder = Decoder(encoder.finish())
    for kind, parts in groups:
        if kind == "symbols":
            found = decoder.symbols(*parts[1:])
        else:
            found = decoder.tabulated(*parts[1:], len(parts[0]))
        np.testing.assert_array_equal(found, parts[0])


@given(
    st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=6),
    arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(0, 4)) | st.just((3,)),
        elements=st.floats(width=64),
    ),
)
@example([0], np.array([3e-308, 0.0]))  # panics constriction
@example([0], np.array([[3e-308, 0.0]]))
def test_any_other_input_is_refused(symbols, table):
    """Or coded without loss: nothing between, and no other error."""
    encoder = Encoder()
    try:
        encoder.symbols(symbols, table)
    except ValueError:
        return
    n = len(symbols) if table.ndim == 1 else None
    assert Decoder(encoder.finish()).symbols(table, n).tolist() == symbols


@given(st.binary(max_size=40), of_tables(), of_alphabet())
def test_any_bytes_are_read_or_refused(data, tables, alphabet):
    """Damaged bytes give values of the right number, or a ValueError."""
    decoder = Decoder(data)
    _, table, n = alphabet
    try:
        assert decoder.symbols(table, n).shape == (len(alphabet[0]),)
        assert decoder.tabulated(*tables[1:], len(tables[0])).shape == tables[0].shape
    except ValueError:
        pass


@st.composite
def grids(draw, num_levels):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    return draw(arrays(np.int64, shape, elements=st.integers(0, num_levels - 1)))


@given(st.data())
def test_any_grid_of_lengths_comes_back(data):
    """Under a code fitted to any other grids, and through JSON's types (exact)."""
    num_levels = data.draw(st.integers(2, 20))
    trained = data.draw(st.lists(grids(num_levels), max_size=3))
    code = LengthCode.from_dict(LengthCode.fit(trained, num_levels).to_dict())
    grid = data.draw(grids(num_levels))
    payload = code.encode(grid)
    np.testing.assert_array_equal(code.decode(payload, grid.shape), grid)
    # A range coder is off the ideal length by no more than about a byte.
    assert len(payload) <= code.cost_bits(grid) / 8 + 2


@given(st.data())
def test_any_indices_in_contexts_come_back(data):
    """Under a code fitted to any other ones (exact)."""
    num_contexts = data.draw(st.integers(1, 5))
    num_levels = data.draw(st.integers(2, 9))
    pairs = st.tuples(st.integers(0, num_contexts - 1), st.integers(0, num_levels - 1))
    trained = np.array(data.draw(st.lists(pairs, max_size=20)), int).reshape(-1, 2)
    code = ConditionalCode.fit(*trained.T, num_contexts, num_levels)
    contexts, indices = (
        np.array(data.draw(st.lists(pairs, max_size=20)), int).reshape(-1, 2).T
    )
    encoder = Encoder()
    code.write(encoder, indices, contexts)
    found = code.read(Decoder(encoder.finish()), contexts)
    np.testing.assert_array_equal(found, indices)


MASKS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 10), st.integers(1, 10)),
    elements=st.integers(0, 1),
)


@given(MASKS, MASKS | st.none())
def test_any_mask_comes_back(mask, trained):
    """Under the table as it is, or fitted to any other mask; bytes as many as the
    ideal length says, and less than two more (exact)."""
    coder = MaskCoder() if trained is None else MaskCoder(fit_table(trained[None]))
    payload = coder.encode(mask)
    np.testing.assert_array_equal(coder.decode(payload, mask.shape), mask)
    # A zero byte at the end is not sent, and not needed.
    np.testing.assert_array_equal(coder.decode(payload.rstrip(b"\0"), mask.shape), mask)
    assert len(payload) <= coder.cost_bits(mask) / 8 + 2


@given(st.data())
def test_any_equal_lengths_come_back(data):
    """On three bytes; any other bytes give lengths that there are, or a ValueError."""
    shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    num_lengths = data.draw(st.integers(2, 16))
    number = shape[0] * shape[1]
    lower = data.draw(st.integers(0, num_lengths - 1))
    taken = data.draw(st.integers(0, number - 1)) if lower < num_lengths - 1 else 0
    grid = lower + np.asarray(spread_evenly(taken, number)).reshape(shape)
    payload = equal_to_bytes(grid)
    assert len(payload) == 3
    found = equal_from_bytes(payload, shape, num_lengths)
    np.testing.assert_array_equal(found, grid)

    other = data.draw(st.binary(max_size=4))
    try:
        found = equal_from_bytes(other, shape, num_lengths)
    except ValueError:
        return
    assert found.shape == shape and 0 <= found.min() and found.max() < num_lengths
    assert equal_to_bytes(found) == other
