"""A transport on the first streams of a frame."""

import numpy as np
import pytest

from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.stream_transport import (
    StreamTransport,
    symbols_on_streams,
)
from semcom_phy.channel_coding.transport import Transport


@pytest.mark.parametrize(
    ("num_symbols", "streams", "rank", "count"),
    [(100, 2, 1, 50), (101, 2, 1, 51), (101, 4, 3, 76), (70, 2, 2, 70)],
)
def test_symbols_lie_on_the_first_streams_alone(num_symbols, streams, rank, count):
    """Symbol i on stream i mod Nt: the others are 0, and what is sent is what the
    transport alone sends, in its order (exact); it is read from there, whatever lies on
    the other streams."""
    assert symbols_on_streams(num_symbols, streams, rank) == count
    transport = Transport(Mcs(2, 1 / 2), count)
    payloads = [b"", b"ab"[: transport.max_bytes]]
    on_streams = StreamTransport(transport, num_symbols, streams, rank)
    x = on_streams.encode(payloads)
    assert x.shape == (2, num_symbols)
    used = np.arange(num_symbols) % streams < rank
    np.testing.assert_array_equal(x[:, used], transport.encode(payloads))
    assert not x[:, ~used].any()

    x_hat = np.where(used, x, 9).astype(np.complex64)
    no_eff = np.where(used, 0.01, 1e6).astype(np.float32) * np.ones((2, 1), "float32")
    found, crc_ok = on_streams.decode(x_hat, no_eff)
    assert found == payloads and crc_ok.all()
