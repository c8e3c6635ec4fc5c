"""Frames, streams, slots and users: what is placed comes back, and is counted."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from semcom_phy.bandwidth import shared_overhead, spent_bandwidth
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.segments import (
    Analogue,
    AnalogueModulation,
    Digital,
    Frame,
    ReceivedDigital,
)
from semcom_phy.phy.sent_symbols import close_up, open_up
from semcom_phy.phy.walsh import WalshSpreading


def array(value):
    return np.asarray(ops.convert_to_numpy(value))


def symbols(shape, seed):
    """Symbols of which none is 0 and all differ."""
    parts = np.random.default_rng(seed).standard_normal((*shape, 2))
    return (parts @ [1, 1j]).astype("complex64")


SEEDS = st.integers(0, 2**16)


class Plain:
    """A byte is a symbol of its value plus 1, behind one that tells how many."""

    def counts(self, payloads):
        return np.array([1 + len(payload) for payload in payloads])

    def encode(self, payloads):
        return [
            np.array([1 + len(p), *(1 + b for b in p)], np.complex64) for p in payloads
        ]

    def decode(self, x_hat, no_eff):
        numbers = np.rint(x_hat.real).astype(int) - 1
        return [bytes(row[1 : 1 + row[0]].tolist()) for row in numbers]


@st.composite
def frames(draw):
    """Segments by name, and the room of each."""
    batch = draw(st.integers(1, 3))
    segments, rooms, needed = {}, {}, 0
    for name in draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1)):
        if draw(st.booleans()):
            most = st.binary(max_size=8)
            payloads = draw(st.lists(most, min_size=batch, max_size=batch))
            segments[name] = Digital(payloads, Plain())
            counts = Plain().counts(payloads)
        else:
            width = draw(st.integers(0, 9))
            z = symbols((batch, width), draw(SEEDS))
            count = None
            counts = np.full(batch, width)
            if draw(st.booleans()):
                counts = draw(arrays(np.int32, batch, elements=st.integers(0, width)))
                count = ops.convert_to_tensor(counts)
            segments[name] = Analogue(ops.convert_to_tensor(z), count)
        room = None
        if draw(st.booleans()):
            room = int(counts.max()) + draw(st.integers(0, 4))
        rooms[name] = room
        needed += int(counts.max()) if room is None else room
    return segments, rooms, needed


@given(frames(), st.integers(0, 5))
def test_any_segments_come_back(drawn, spare):
    """Each in its room or behind the one before it, and everything that a frame
    carries is in its counts (exact)."""
    segments, rooms, needed = drawn
    frame = Frame(max(needed + spare, 1), rooms)
    placed = frame.place(segments)
    no_eff = np.ones(placed.x.shape, np.float32)
    received = frame.split(placed.x, no_eff, placed)
    assert list(received) == list(rooms)
    for name, segment in segments.items():
        if isinstance(segment, Digital):
            assert isinstance(received[name], ReceivedDigital)
            assert received[name].payloads == segment.payloads
            assert not received[name].undetected.any()
            continue
        rows = zip(
            received[name].x_hat,
            array(segment.z),
            placed.counts[name],
            received[name].left,
            strict=True,
        )
        for got, sent, count, left in rows:
            np.testing.assert_array_equal(got[:count], sent[:count])
            assert count <= left <= frame.num_symbols
    spent = sum(placed.counts.values())
    np.testing.assert_array_equal(np.count_nonzero(placed.x, axis=1), spent)


@given(frames(), st.integers(1, 40))
def test_any_smaller_frame_refuses_or_carries(drawn, num_symbols):
    """A frame of any size carries all of every segment or refuses: nothing is cut."""
    segments, rooms, _ = drawn
    try:
        placed = Frame(num_symbols, rooms).place(segments)
    except ValueError as error:
        assert str(num_symbols) in str(error)
        return
    spent = sum(placed.counts.values())
    np.testing.assert_array_equal(np.count_nonzero(placed.x, axis=1), spent)


@given(frames(), st.sampled_from("abcd"), st.booleans())
def test_other_segments_than_the_frame_has_are_refused(drawn, name, more):
    """One too many would not be sent, one too few has a room and nothing in it."""
    segments, rooms, needed = drawn
    other = dict(segments)
    if more:
        assume(name not in rooms)
        other[name] = Digital([b"x"] * 3, Plain())
    else:
        name = next(iter(rooms))
        del other[name]
    with pytest.raises(ValueError, match=f"'{name}'"):
        Frame(needed + 9, rooms).place(other)


@given(frames(), st.integers(1, 3))
def test_segments_of_other_batches_are_refused(drawn, more):
    """With the name of each segment and its number of samples."""
    segments, rooms, needed = drawn
    first = next(iter(segments.values()))
    batch = len(first.payloads if isinstance(first, Digital) else array(first.z))
    segments = {"new": Digital([b""] * (batch + more), Plain()), **segments}
    with pytest.raises(ValueError, match=f"'new': {batch + more}"):
        Frame(needed + 9, {"new": None, **rooms}).place(segments)


@given(
    st.integers(-3, 30),
    st.dictionaries(st.sampled_from("abc"), st.integers(-5, 20) | st.none()),
)
def test_any_rooms_fit_a_frame_or_are_refused(num_symbols, rooms):
    """Before anything is sent: rooms are at least empty, and within the frame."""
    taken = [room for room in rooms.values() if room is not None]
    fits = rooms and all(n >= 0 for n in taken) and sum(taken) <= num_symbols
    if not fits:
        with pytest.raises(ValueError, match="room|segments of"):
            Frame(num_symbols, rooms)
        return
    Frame(num_symbols, rooms)


@st.composite
def grids(draw):
    """Small slots that hold pilots and data."""
    num_ofdm_symbols = draw(st.integers(2, 6))
    places = st.integers(0, num_ofdm_symbols - 1)
    most = num_ofdm_symbols - 1
    pilots = draw(st.lists(places, unique=True, min_size=1, max_size=most))
    fft_size = draw(st.integers(2, 24))
    guards = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    dc_null = draw(st.booleans())
    assume(fft_size - sum(guards) - dc_null >= 1)
    return OFDMGrid(fft_size, num_ofdm_symbols, tuple(pilots), 30e3, 0, guards, dc_null)


@st.composite
def framings(draw, most=200):
    grid = draw(grids())
    size = grid.num_effective_subcarriers
    divisors = [n for n in range(1, 9) if size % n == 0]
    return Framing(draw(st.integers(1, most)), draw(st.sampled_from(divisors)), grid)


@given(framings(), st.data())
def test_any_symbols_come_back_from_streams_and_slots(framing, data):
    """Over any grid, number of streams and of symbols (exact); they take as many
    elements as is charged."""
    num_symbols = data.draw(st.integers(1, framing.num_symbols))
    x = symbols((data.draw(st.integers(1, 3)), num_symbols), data.draw(SEEDS))
    streams = framing.to_streams(ops.convert_to_tensor(x))
    assert streams.shape[1] == framing.data_res(num_symbols)
    slots = framing.to_slots(streams)
    assert slots.shape[0] == len(x) * framing.num_slots
    used = np.any(array(slots) != 0, axis=-1).reshape(len(x), -1).sum(axis=1)
    np.testing.assert_array_equal(used, framing.data_res(num_symbols))
    back = framing.from_slots(slots, streams.shape[1])
    np.testing.assert_array_equal(array(framing.from_streams(back, num_symbols)), x)


@given(framings(most=60), SEEDS)
def test_any_grid_holds_data_pilots_and_nothing_else(framing, seed):
    """Resource elements of the grid that Sionna maps: data and pilots as counted."""
    x = symbols((2, framing.num_symbols), seed)
    grid = array(framing.resource_grid(ops.convert_to_tensor(x)))
    used = np.any(grid != 0, axis=2)  # by any stream
    pilots = list(framing.grid.pilot_ofdm_symbols)
    data = list(framing.grid.data_ofdm_symbols)
    both = used[:, :, pilots].sum(axis=(1, 2, 3)), used[:, :, data].sum(axis=(1, 2, 3))
    assert (both[0] == framing.num_pilot_res).all()
    assert (both[1] == framing.num_data_res).all()


@given(
    *(st.integers(-2, 40), st.integers(-2, 9)),
    st.lists(st.integers(-2, 9), max_size=6),
    st.lists(st.integers(-2, 9), max_size=3),
    *(st.integers(-3, 300), st.integers(-3, 9)),
)
def test_any_grid_is_one_or_is_refused(
    fft_size, length, pilots, guards, number, streams
):
    """Sizes out of range are a ValueError, and none leaves a grid without elements."""
    try:
        grid = OFDMGrid(fft_size, length, tuple(pilots), 30e3, 0, tuple(guards))
        framing = Framing(number, streams, grid)
    except ValueError as error:
        assert any(character.isdigit() for character in str(error))
        return
    assert grid.num_data_res > 0 and grid.num_pilot_res > 0
    assert framing.num_slots * grid.num_data_res >= framing.num_data_res
    assert framing.pilots.shape == (streams, grid.num_pilot_res)
    np.testing.assert_allclose(np.mean(np.abs(framing.pilots) ** 2), 1, rtol=1e-5)


@given(framings(), st.data())
def test_what_is_spent_is_data_side_and_pilots(framing, data):
    """Data and side information together are the symbols of the frame, those of a mask
    what it sends; elements of users add up to those of the frame they share (exact)."""
    side = data.draw(st.integers(0, framing.num_symbols - 1))
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    spent = spent_bandwidth(framing, (height, width), side)
    assert spent.data_symbols + spent.side_info_symbols == framing.num_symbols
    streams = framing.num_streams
    assert 0 <= streams * spent.data_res - spent.data_symbols < streams
    assert 0 <= streams * spent.side_info_res - side < streams
    assert spent.pilot_res == spent.num_slots * framing.grid.num_pilot_res
    assert spent.data_res <= spent.num_slots * framing.grid.num_data_res
    assert spent.cr_real == 2 * spent.cbr
    assert spent.cbr == spent.data_symbols / (3 * height * width)

    number = framing.num_symbols - side
    mask = data.draw(arrays(np.uint8, (2, number), elements=st.integers(0, 1)))
    masked = spent_bandwidth(framing, (height, width), side, mask)
    assert masked.data_symbols == mask.sum() / 2
    elements = np.pad(mask, ((0, 0), (0, -number % streams)))
    elements = elements.reshape(2, -1, streams).any(axis=-1)
    assert masked.data_res == elements.sum() / 2

    users = data.draw(st.integers(1, 9))
    share, whole = shared_overhead(framing, users), framing.among(users)
    assert share["pilot_res"] * users == pytest.approx(whole.num_pilot_res)
    assert share["num_slots"] * users == pytest.approx(whole.num_slots)
    assert whole.num_data_res == users * framing.num_data_res


@given(st.data())
def test_any_number_of_users_comes_back(data):
    """Walsh codes of any length over any number of streams: unit power on average is
    shared, and without noise everyone receives his own symbols (1e-5)."""
    num_users, num_streams = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 4))
    more = data.draw(st.integers(0, 1))
    length = (1 << (num_users - 1).bit_length()) << more if more else None
    walsh = WalshSpreading(num_users, num_streams, length)
    number = num_streams * data.draw(st.integers(1, 5))
    z = symbols((2, num_users, number), data.draw(SEEDS))
    x = array(walsh.spread(ops.convert_to_tensor(z)))
    assert x.shape == (2, number * walsh.length)
    per_symbol = walsh.length / num_users
    energy = np.sum(np.abs(z) ** 2, axis=(1, 2)) * per_symbol
    np.testing.assert_allclose(np.sum(np.abs(x) ** 2, axis=1), energy, rtol=1e-4)
    user = data.draw(st.integers(0, num_users - 1))
    no_eff = np.full(x.shape, 0.5, np.float32)
    z_hat, no = walsh.despread(x, no_eff, user)
    np.testing.assert_allclose(array(z_hat), z[:, user], atol=1e-4)
    np.testing.assert_allclose(array(no), 0.5 / per_symbol, rtol=1e-5)


@given(st.integers(-2, 40), st.integers(-2, 5), st.integers(-2, 70) | st.none())
def test_any_number_of_users_fits_or_is_refused(num_users, num_streams, length):
    """Code words as many as users, or an error that names the value."""
    try:
        walsh = WalshSpreading(num_users, num_streams, length)
    except ValueError as error:
        values = (num_users, num_streams, length)
        assert any(str(value) in str(error) for value in values)
        return
    assert 1 <= num_users <= walsh.length == 1 << walsh.length.bit_length() - 1


@given(st.data())
def test_any_symbols_that_are_sent_close_up(data):
    """What a mask leaves is at the front, in its order, and comes back (exact)."""
    shape = 2, data.draw(st.integers(1, 30))
    mask = data.draw(arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0])))
    x = symbols(shape, data.draw(SEEDS))
    closed, count = map(array, close_up(ops.convert_to_tensor(x), mask))
    np.testing.assert_array_equal(count, mask.sum(axis=1))
    for row, sent, number, switch in zip(closed, x, count, mask, strict=True):
        np.testing.assert_array_equal(row[:number], sent[switch > 0])
        assert not row[number:].any()
    opened = array(open_up(ops.convert_to_tensor(closed), mask))
    np.testing.assert_array_equal(opened, x * mask)


@given(st.data())
def test_any_prefix_has_unit_power_and_comes_back(data):
    """Over any number of streams, of symbols and of those that are sent, none of them
    included, in turn or stream by stream (1e-4)."""
    num_streams = data.draw(st.integers(1, 4))
    number = num_streams * data.draw(st.integers(1, 40))
    whole = data.draw(st.booleans())
    least = st.integers(0, number // num_streams).map(lambda n: n * num_streams)
    counts = np.array(data.draw(st.lists(least, min_size=2, max_size=2)), np.int32)
    count = None if whole else ops.convert_to_tensor(counts)
    turned = data.draw(st.lists(st.booleans(), min_size=2, max_size=2))
    ordered = ops.convert_to_tensor(np.array(turned))
    z = symbols((2, number), data.draw(SEEDS))
    modulation = AnalogueModulation(num_streams)
    x = modulation.spread(Analogue(ops.convert_to_tensor(z), count), ordered)
    no_eff = ops.full((2, number), 1e-9)
    back = array(modulation.despread(x, no_eff, count, ordered)[0])
    for i, n in enumerate([number] * 2 if whole else counts):
        sent = array(x)[i]
        assert not sent[n:].any()
        if n:
            np.testing.assert_allclose(np.mean(np.abs(sent[:n]) ** 2), 1, rtol=1e-4)
            own = z[i, :n] / np.sqrt(np.mean(np.abs(z[i, :n]) ** 2))
            np.testing.assert_allclose(back[i, :n], own, atol=1e-4)
