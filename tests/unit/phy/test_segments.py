"""Segments of a frame: where they lie, what they take, and what arrives of them."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.segments import (
    Analogue,
    AnalogueModulation,
    Digital,
    Frame,
    ReceivedAnalogue,
    ReceivedDigital,
)


class Plain:
    """A byte is a symbol, behind one that tells how many there are; a negative one
    tells that the message is lost."""

    def counts(self, payloads):
        return np.array([1 + len(payload) for payload in payloads])

    def encode(self, payloads):
        return [np.array([len(p), *p], np.complex64) for p in payloads]

    def decode(self, x_hat, no_eff):
        lengths = np.rint(x_hat[:, 0].real).astype(int)
        return [
            None if n < 0 else bytes(np.rint(row[1 : 1 + n].real).astype(int).tolist())
            for n, row in zip(lengths, x_hat, strict=True)
        ]


def digital(*payloads):
    return Digital(list(payloads), Plain())


def analogue(counts, width=12, seed=0):
    """Symbols, 0 behind those that are sent, which are never whole numbers."""
    values = 0.1 + np.random.default_rng(seed).random((len(counts), width, 2))
    z = (values @ [1, 1j]).astype("complex64")
    z[np.arange(width) >= np.array(counts)[:, None]] = 0
    return Analogue(ops.convert_to_tensor(z), ops.convert_to_tensor(np.int32(counts)))


def array(value):
    return np.asarray(ops.convert_to_numpy(value))


def arrived(frame, placed, x_hat=None):
    """What is split from a frame; errors number the symbols of the frame."""
    x_hat = placed.x if x_hat is None else x_hat
    no_eff = np.tile(np.arange(1.0, 1 + x_hat.shape[1], dtype="float32"), (2, 1))
    return frame.split(ops.convert_to_tensor(x_hat), no_eff, placed)


def test_segments_with_rooms_come_back():
    """Each at the start of its room, whatever the one before it took; the rest of a
    room stays empty (exact)."""
    frame = Frame(20, {"data": 12, "side": 8})
    data, side = analogue((5, 12)), digital(b"\x07\x09", b"")
    placed = frame.place({"side": side, "data": data})
    z = array(data.z)
    expected = np.zeros((2, 20), np.complex64)
    expected[0, :5], expected[1, :12] = z[0, :5], z[1]
    expected[0, 12:15] = 2, 7, 9
    np.testing.assert_array_equal(placed.x, expected)
    assert placed.counts["data"].tolist() == [5, 12]
    assert placed.counts["side"].tolist() == [3, 1]

    received = arrived(frame, placed)
    assert isinstance(received["data"], ReceivedAnalogue)
    np.testing.assert_array_equal(received["data"].x_hat, z)
    np.testing.assert_array_equal(received["data"].no_eff, [np.arange(1, 13)] * 2)
    assert received["data"].left.tolist() == [12, 12]
    assert isinstance(received["side"], ReceivedDigital)
    assert received["side"].payloads == [b"\x07\x09", b""]
    assert not received["side"].undetected.any() and not received["side"].lost.any()


def test_segments_without_rooms_begin_where_the_one_before_ends():
    """Offsets differ from sample to sample; data have what is left, behind whose end
    the last symbol stands in (exact)."""
    frame = Frame(20, {"a": None, "b": None, "data": None})
    data = analogue((12, 5))
    parts = {"a": digital(b"ab", b"abcdef"), "b": digital(b"xyz", b"")}
    placed = frame.place(parts | {"data": data})
    z = array(data.z)
    starts = np.array([3 + 4, 7 + 1])
    for row, values, start, count in zip(placed.x, z, starts, (12, 5), strict=True):
        np.testing.assert_array_equal(row[start : start + count], values[:count])
        assert not row[start + count :].any()
    assert {n: c.tolist() for n, c in placed.counts.items()} == {
        "a": [3, 7],
        "b": [4, 1],
        "data": [12, 5],
    }

    received = arrived(frame, placed)
    assert received["a"].payloads == [b"ab", b"abcdef"]
    assert received["b"].payloads == [b"xyz", b""]
    x_hat, no_eff, left = received["data"]
    assert x_hat.shape == no_eff.shape == (2, 20)
    assert left.tolist() == [13, 12]
    np.testing.assert_array_equal(x_hat[0, :12], z[0])
    np.testing.assert_array_equal(x_hat[1, :5], z[1, :5])
    for errors, start in zip(no_eff, starts, strict=True):
        expected = np.minimum(start + 1 + np.arange(20), 20)
        np.testing.assert_array_equal(errors, expected)


def test_a_lost_segment_does_not_move_the_next():
    """What was sent stands in for where it ends; nothing arrived of it (exact)."""
    frame = Frame(20, {"side": None, "data": None})
    data = analogue((12, 12))
    placed = frame.place({"side": digital(b"abc", b"de"), "data": data})
    x_hat = placed.x.copy()
    x_hat[0, 0] = -1
    received = arrived(frame, placed, x_hat)
    assert received["side"].payloads == [None, b"de"]
    assert received["side"].lost.tolist() == [True, False]
    assert not received["side"].undetected.any()
    np.testing.assert_array_equal(received["data"].x_hat[:, :12], array(data.z))


def test_an_error_that_passes_moves_the_next():
    """The receiver goes by what it believes; that it is wrong is noted (exact)."""
    frame = Frame(20, {"side": None, "data": None})
    data = analogue((12, 12))
    placed = frame.place({"side": digital(b"abc", b"de"), "data": data})
    x_hat = placed.x.copy()
    x_hat[0, 0] = 1  # of the three bytes
    x_hat[1, 1] = ord("x")  # another byte, as many
    received = arrived(frame, placed, x_hat)
    assert received["side"].payloads == [b"a", b"xe"]
    assert received["side"].undetected.tolist() == [True, True]
    assert received["data"].left.tolist() == [18, 17]
    assert received["data"].x_hat[0, 0] == ord("b")
    np.testing.assert_array_equal(received["data"].x_hat[1, :12], array(data.z)[1])


def test_everything_of_a_frame_is_counted():
    """The non-zero symbols of a frame are those of its counts (exact)."""
    frame = Frame(40, {"side": None, "data": 12, "more": 9})
    segments = {
        "side": digital(b"\x01\x02", b"\x01"),
        "data": Analogue(analogue((12, 12)).z),
        "more": digital(b"\x05", b"\x05\x06\x07"),
    }
    placed = frame.place(segments)
    assert placed.counts["data"].tolist() == [12, 12]
    counted = sum(placed.counts.values())
    np.testing.assert_array_equal(np.count_nonzero(placed.x, axis=1), counted)
    assert placed.segments is segments


@pytest.mark.parametrize(
    ("rooms", "payload", "count", "message"),
    [
        ({"data": 12, "side": 4}, b"abcd", 3, "'side' of 5 .*room of 4"),
        ({"data": 11, "side": 5}, b"", 12, "'data' of 12 .*room of 11"),
        ({"side": None, "data": None}, b"abcd", 12, "'data' of 12 .*frame of 16.*left"),
        ({"data": None, "side": 8}, b"", 9, "'side' of 1 .*frame of 16"),
    ],
)
def test_what_does_not_fit_is_refused(rooms, payload, count, message):
    """Segment, frame and room are named: nothing is cut (exact)."""
    frame = Frame(16, rooms)
    with pytest.raises(ValueError, match=message):
        frame.place({"data": analogue((1, count)), "side": digital(b"", payload)})


@pytest.mark.parametrize("count", [13, -1])
def test_a_count_of_symbols_that_there_are_not_is_refused(count):
    """With the segment, the sample and both numbers (exact)."""
    counts = ops.convert_to_tensor(np.int32([3, count]))
    with pytest.raises(ValueError, match=f"'data' of sample 1 .* {count} .*holds 12"):
        Frame(40, {"data": None}).place({"data": Analogue(analogue((3, 3)).z, counts)})


def test_rooms_beyond_the_frame_are_refused():
    """Before anything is sent (exact)."""
    Frame(16, {"data": 12, "side": 4})
    with pytest.raises(ValueError, match="'data': 12, 'side': 5.* frame of 16"):
        Frame(16, {"data": 12, "side": 5, "more": None})


COUNTS = (160, 32, 64)


@pytest.mark.parametrize("ordered", [None, True])
@pytest.mark.parametrize("counts", [None, COUNTS])
@pytest.mark.parametrize("num_streams", [1, 2])
def test_modulation_gives_unit_power_and_comes_back(num_streams, counts, ordered):
    """Mean power 1 over the symbols that are sent, 0 behind them; without noise
    despreading inverts spreading (1e-5)."""
    modulation = AnalogueModulation(num_streams)
    parts = np.random.default_rng(1).standard_normal((3, 160, 2)) * [[[3, 0.1]]]
    z = (parts @ [1, 1j]).astype("complex64")
    count = None if counts is None else ops.convert_to_tensor(np.int32(counts))
    turn = None if ordered is None else ops.ones((3,), "bool")
    segment = Analogue(ops.convert_to_tensor(z), count)
    x = modulation.spread(segment, turn)
    no_eff = ops.full((3, 160), 1e-9)
    z_hat, no = map(array, modulation.despread(x, no_eff, count, turn))
    for i, number in enumerate(counts or (160,) * 3):
        sent = array(x)[i, :number]
        np.testing.assert_allclose(np.mean(np.abs(sent) ** 2), 1, rtol=1e-5)
        assert not array(x)[i, number:].any()
        own = z[i, :number]
        own = own / np.sqrt(np.mean(np.abs(own) ** 2))
        np.testing.assert_allclose(z_hat[i, :number], own, atol=1e-5)
        np.testing.assert_allclose(no[i, :number], 1e-9, atol=1e-6)


def test_symbols_of_unequal_power_are_spread():
    """One loud symbol among silent ones goes over its whole stream, or over the part
    of it that is sent; a prefix on one stream stays as it is (1e-6)."""
    z = np.zeros((1, 64), np.complex64)
    z[0, 0] = 1
    count = ops.convert_to_tensor(np.int32([32]))
    whole, prefix, alone = (
        array(AnalogueModulation(streams).spread(Analogue(ops.convert_to_tensor(z), n)))
        for streams, n in ((2, None), (2, count), (1, count))
    )
    assert np.count_nonzero(np.abs(whole) > 0.01) == 32
    assert np.count_nonzero(np.abs(prefix) > 0.01) == 16
    np.testing.assert_allclose(np.abs(alone[0]), [32**0.5] + 63 * [0], rtol=1e-6)
