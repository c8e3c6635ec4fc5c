"""Byte strings beside an image: round trips, losses, lengths."""

import numpy as np
import pytest

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.messages.protected_message import (
    ProtectedMessage,
    naive_symbols,
)

LENGTHS = (1, 200, 2, 52, 4, 5, 51, 255, 0)
HEADER = 32  # symbols


@pytest.fixture(scope="module")
def message():
    return ProtectedMessage()


def payloads_of(lengths, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.bytes(n) for n in lengths]


def over_awgn(x, snr_db, seed=2):
    """Received symbols and error variances, one array per message."""
    rng = np.random.default_rng(seed)
    no = 10 ** (-snr_db / 10)
    noise = [rng.standard_normal((2, len(x_i))) * np.sqrt(no / 2) for x_i in x]
    x_hats = [
        (x_i + n[0] + 1j * n[1]).astype(np.complex64)
        for x_i, n in zip(x, noise, strict=True)
    ]
    return x_hats, [np.full(len(x_i), no, np.float32) for x_i in x]


@pytest.mark.parametrize("snr_db", (60.0, 5.0))
def test_round_trip(message, snr_db):
    """Messages of all lengths come back in their order (exact), and take the number of
    symbols that was said, with unit power."""
    sent = payloads_of(LENGTHS)
    x = message.encode(sent)
    assert [len(x_i) for x_i in x] == [message.num_symbols(n) for n in LENGTHS]
    assert all(x_i.dtype == np.complex64 and x_i.ndim == 1 for x_i in x)
    np.testing.assert_allclose(np.abs(np.concatenate(x)), 1, rtol=1e-5)
    received, good = message.decode(*over_awgn(x, snr_db))
    assert received == sent
    assert good.all() and good.dtype == bool and good.shape == (len(sent),)


def test_batches_keep_the_order(message):
    """Mixed lengths, lost ones between, come back where they were sent (exact)."""
    sent = payloads_of([8, 40, 7, 40, 8, 39, 8], seed=3)
    x_hats, no_effs = over_awgn(message.encode(sent), 20.0)
    x_hats[1] = x_hats[1][::-1].copy()  # header lost
    x_hats[4][HEADER:] *= -1  # payload lost
    received, good = message.decode(x_hats, no_effs)
    expected = [None if i in (1, 4) else payload for i, payload in enumerate(sent)]
    assert received == expected
    assert good.tolist() == [payload is not None for payload in expected]


def test_what_follows_is_not_read(message):
    """Symbols behind the message do not matter, and a scalar error variance holds for
    all (exact)."""
    sent = payloads_of([12, 30], seed=4)
    rng = np.random.default_rng(5)
    x_hats = [np.r_[x_i, 1e3 * rng.standard_normal(77)] for x_i in message.encode(sent)]
    received, good = message.decode([x.astype(np.complex64) for x in x_hats], [0.1] * 2)
    assert received == sent and good.all()


@pytest.mark.parametrize("mcs", (Mcs(2, 0.1), Mcs(4, 0.5), Mcs(6, 0.9)))
def test_other_mcs(mcs):
    """Other schemes and sizes work, 30 dB above noise, on the fewest symbols whose
    transport holds the payload (exact)."""
    message = ProtectedMessage(mcs, segment_bytes=600, granularity=1)
    sent = payloads_of([1, 33, 64], seed=6)
    x = message.encode(sent)
    for x_i, payload in zip(x, sent, strict=True):
        num_symbols = len(x_i) - HEADER
        assert plan_blocks(mcs, num_symbols).max_bytes >= len(payload)
        fewer = plan_blocks(mcs, num_symbols - 1)
        assert fewer is None or fewer.max_bytes < len(payload)
    assert message.decode(*over_awgn(x, 30.0))[0] == sent


def test_most_arrive_at_0_db(message):
    """QPSK at rate 1/3 works at 0 dB: of 60 messages of 52 bytes at most 3 are lost,
    the others are right."""
    sent = payloads_of([52] * 60, seed=7)
    received, good = message.decode(*over_awgn(message.encode(sent), 0.0))
    assert np.sum(~good) <= 3
    assert all(a == b for a, b in zip(received, sent, strict=True) if a is not None)


@pytest.mark.parametrize("snr_db", (-15.0, -4.0))
def test_a_bad_channel_loses_all(message, snr_db):
    """Below what the code can bear, none of 100 messages is returned: at -15 dB the
    header cannot be carried, at -4 dB the payload's CRC tells."""
    sent = payloads_of([52] * 100, seed=8)
    received, good = message.decode(*over_awgn(message.encode(sent), snr_db))
    assert received == [None] * 100 and not good.any()


@pytest.mark.parametrize("mcs", [Mcs(2, 1 / 3), Mcs(4, 0.6), Mcs(6, 0.6)])
@pytest.mark.parametrize("num_bytes", [30, 130])
def test_predicted_errors_are_those_counted(mcs, num_bytes):
    """Where a third of all messages is predicted to be lost, of segments of 60 bytes,
    0.2 to 0.5 of 300 are; on a fade 3 dB better fewer than a tenth."""
    message = ProtectedMessage(mcs, 60)
    grid = np.arange(-5.0, 30.0, 0.05)
    sinr = 10 ** (grid[:, None] / 10)
    predicted = message.error_rate(num_bytes, sinr)
    assert predicted[0] > 0.999 and predicted[-1] < 1e-3
    snr_db = grid[np.argmin(np.abs(predicted - 1 / 3))]
    payloads = payloads_of([num_bytes] * 300)
    x = message.encode(payloads)
    _, received = message.decode(*over_awgn(x, snr_db))
    assert 0.2 < np.mean(~received) < 0.5
    _, received = message.decode(*over_awgn(x, snr_db + 3))
    assert np.mean(~received) < 0.1


def test_missing_symbols_lose_the_message(message):
    """A header that announces more symbols than there are, or that is cut itself, loses
    its message and no other (exact)."""
    sent = payloads_of([60, 60, 30, 60], seed=9)
    x_hats, no_effs = over_awgn(message.encode(sent), 20.0)
    lengths = (len(x_hats[0]) - 1, HEADER - 1, HEADER)
    for i, length in enumerate(lengths):
        x_hats[i], no_effs[i] = x_hats[i][:length], no_effs[i][:length]
    received, good = message.decode(x_hats, no_effs)
    assert received == [None, None, None, sent[3]]
    assert good.tolist() == [False, False, False, True]


def test_header_and_payload_must_agree(message):
    """A payload of another length than its header says, in the same number of symbols,
    is lost (exact)."""
    x = message.encode(payloads_of([5, 6], seed=10))
    mixed = [np.r_[x[0][:HEADER], x[1][HEADER:]], x[1]]
    assert message.decode(mixed, [0.01] * 2)[1].tolist() == [False, True]


@pytest.mark.parametrize("segment", (40, 100))
def test_segments_follow_each_other(segment):
    """Byte strings below, at and beyond whole segments come back (exact), on the number
    of symbols that was said; each segment costs a header."""
    message = ProtectedMessage(segment_bytes=segment)
    lengths = (0, segment - 1, segment, segment + 1, 2 * segment, 5 * segment - 3)
    sent = payloads_of(lengths, seed=11)
    x = message.encode(sent)
    assert [len(x_i) for x_i in x] == [message.num_symbols(n) for n in lengths]
    one, empty = message.num_symbols(segment - 1), message.num_symbols(0)
    assert message.num_symbols(2 * segment) == 2 * one + empty
    received, good = message.decode(*over_awgn(x, 8.0))
    assert received == sent and good.all()


def test_a_lost_segment_loses_the_message():
    """Of three segments each is lost in turn, by its header or its payload; what the
    others hold is not handed out, and other messages are untouched (exact)."""
    message = ProtectedMessage(segment_bytes=40)
    whole = message.num_symbols(39)  # of a full segment
    sent = payloads_of([100] * 7, seed=12)
    x_hats, no_effs = over_awgn(message.encode(sent), 20.0)
    for segment in range(3):
        first = segment * whole
        header = x_hats[2 * segment][first : first + HEADER]
        x_hats[2 * segment][first : first + HEADER] = header[::-1].copy()
        x_hats[2 * segment + 1][first + HEADER : first + whole] *= -1
    received, good = message.decode(x_hats, no_effs)
    assert received == [None] * 6 + [sent[6]]
    assert good.tolist() == [False] * 6 + [True]


def test_long_byte_strings():
    """600 bytes (1,536 patches) are one segment, 9,000 bytes three, at 1 dB (exact);
    sizes are rounded up by at most 1/32."""
    message = ProtectedMessage()
    sent = payloads_of([600, 9000], seed=13)
    x = message.encode(sent)
    assert [len(x_i) for x_i in x] == [message.num_symbols(n) for n in (600, 9000)]
    assert message.decode(*over_awgn(x, 1.0))[0] == sent
    for num_bytes in range(1, 4096):
        size = message._size(num_bytes)
        assert num_bytes <= size < num_bytes + max(4, num_bytes / 32)
    assert len({message._size(n) for n in range(4096)}) < 200


def test_empty_batch(message):
    """No messages give no symbols and no payloads (exact)."""
    assert message.encode([]) == []
    received, good = message.decode([], [])
    assert received == [] and good.shape == (0,)


def test_naive_symbols():
    """The longest word, 8448 bits, is filled up at the rate of the MCS (exact)."""
    assert naive_symbols(192, 4, Mcs(2, 1 / 3)) == 12672
    assert naive_symbols(2112, 4, Mcs(2, 1 / 3)) == 12672
    assert naive_symbols(2113, 4, Mcs(2, 1 / 3)) == 2 * 12672
    assert naive_symbols(1, 1, Mcs(4, 0.5)) == 4224


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.num_symbols(-1), "got -1"),
        (lambda m: m.decode([np.ones(200, np.complex64)], []), "1 and 0"),
        (lambda m: ProtectedMessage(segment_bytes=0), "got 0"),
        (lambda m: ProtectedMessage(segment_bytes=4096), "got 4096"),
        (lambda m: ProtectedMessage(granularity=0), "granularity"),
        (lambda m: naive_symbols(0, 4, Mcs(2, 0.5)), "at least 1"),
    ],
)
def test_wrong_arguments(message, call, words):
    """What cannot be sent is refused, with the value."""
    with pytest.raises(ValueError, match=words):
        call(message)


def test_every_long_size_has_a_code():
    """At rate 1/3, where whole bits leave a rate a little below it, base graph 1, which
    needs 1/3, is never planned (exact)."""
    for num_symbols in range(5000, 52000, 7):
        plan = plan_blocks(Mcs(2, 1 / 3), num_symbols)
        above = 3 * plan.code_block_bits >= plan.coded_bits
        assert plan.base_graph == "bg2" or above
