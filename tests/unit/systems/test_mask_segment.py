"""A few bytes as one short code word in a fixed room."""

from fractions import Fraction

import numpy as np
import pytest

from link_models.links.radio import build_channel
from link_models.systems.edited.mask_segment import MASK_ROOM, MaskSegment
from scenarios.scenario import Scenario
from semcom_phy.channel_coding.messages.short_block import (
    BlockFormat,
    LdpcWords,
    PolarWords,
    ShortBlocks,
)

WORDS = {"polar": PolarWords, "ldpc": LdpcWords}
FADING = {"channel": "rayleigh", "num_tx_ant": 2, "num_rx_ant": 2}


@pytest.fixture(params=list(WORDS))
def segment(request):
    return segment_of(request.param)


def segment_of(words="polar", room=MASK_ROOM, **options):
    values = {"channel": "awgn", "csi": "perfect", "cbr": Fraction(1, 24)} | options
    channel = build_channel(Scenario("test", **values))
    return MaskSegment(ShortBlocks(WORDS[words]()), channel, room)


def over_awgn(protection, payloads, snr_db, seed=1):
    """Payloads that arrive over AWGN."""
    x = np.stack(protection.encode(payloads))
    rng, no = np.random.default_rng(seed), 10 ** (-snr_db / 10)
    noise = rng.normal(size=(2, *x.shape)) * np.sqrt(no / 2)
    x_hat = (x + noise[0] + 1j * noise[1]).astype("complex64")
    return protection.decode(x_hat, np.full(x.shape, no, "float32"))


def test_bytes_of_every_size_arrive(segment):
    """1 to 40 of them, and none, over 35 dB; the room is charged and filled whole
    (exact)."""
    rng = np.random.default_rng(0)
    payloads = [bytes(rng.integers(1, 256, n).tolist()) for n in (0, 1, 7, 16, 33, 40)]
    protection = segment.bind(None, 35.0)
    assert protection.counts(payloads).tolist() == [MASK_ROOM] * 6
    x = protection.encode(payloads)
    assert all(np.count_nonzero(row) == MASK_ROOM for row in x)
    assert over_awgn(protection, payloads, 35.0) == payloads


def test_zeros_at_the_end_are_not_sent(segment):
    """They do not come back, and cost nothing (exact)."""
    protection = segment.bind(None, 30.0)
    arrived = over_awgn(protection, [b"\x05\0\0", b"\0" * 9, b"\0\x01"], 30.0)
    assert arrived == [b"\x05", b"", b"\0\x01"]
    with_zeros, without = protection.encode([b"\x05\0\0", b"\x05"])
    np.testing.assert_array_equal(with_zeros, without)


def test_what_is_lost_is_none():
    """At -25 dB, and of 8 bytes nothing is at 1 dB (AWGN, 200 masks; by chance one of
    8 paths passes the CRC of 16 bits 0.02 times)."""
    segment, payloads = segment_of(), [b"12345678"] * 200
    assert over_awgn(segment.bind(None, -25.0), payloads, -25.0).count(None) >= 199
    assert over_awgn(segment.bind(None, 1.0), payloads, 1.0) == payloads


@pytest.mark.parametrize("options", [{}, FADING], ids=["awgn", "rayleigh"])
@pytest.mark.parametrize("snr_db", [-3.0, 4.0, 12.0])
def test_the_order_is_that_of_the_least_outage(options, snr_db):
    """Over all orders, for sizes of 1 to 60 bytes; where all are alike the lowest that
    fits (exact)."""
    segment = segment_of(**options)
    for num_bytes in (1, 12, 30, 60):
        blocks = [BlockFormat(num_bytes, order, MASK_ROOM) for order in (2, 4, 6)]
        outages = [segment._outage(block, snr_db) for block in blocks]
        chosen = segment.choose(num_bytes, snr_db)
        assert segment._outage(chosen, snr_db) == min(outages)
        if outages[0] == min(outages) < 1:
            assert chosen.modulation_order == 2


def test_a_larger_mask_takes_a_higher_order():
    """At 10 dB: 8 bytes as QPSK, 40 bytes as 16-QAM (exact)."""
    segment = segment_of()
    assert segment.choose(8, 10.0).modulation_order == 2
    assert segment.choose(40, 10.0).modulation_order == 4


def test_what_does_not_fit_is_not_sent():
    """60 bytes in a room of 40 symbols are lost, what stands beside them is not."""
    bound = segment_of(room=40).bind(None, 10.0)
    x = bound.encode([b"x" * 60, b"yes"])
    assert not np.any(x[0]) and np.any(x[1])
    no = np.full((2, 40), 1e-3, "float32")
    assert bound.decode(np.stack(x), no) == [None, b"yes"]
