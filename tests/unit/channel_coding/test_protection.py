"""Protections of byte strings: what they take of a frame, and what arrives."""

import numpy as np
import pytest

from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.messages.short_message import ShortMessage
from semcom_phy.channel_coding.protection import (
    MessageProtection,
    ShortProtection,
    TransportProtection,
    number_bytes,
)
from semcom_phy.channel_coding.transport import Transport


def received(x, no, seed=1):
    """Rows of symbols with noise of variances [batch]; rows end in noise alone."""
    width = max(map(len, x)) + 20
    rng = np.random.default_rng(seed)
    sent = np.zeros((len(x), width), np.complex64)
    for row, symbols in zip(sent, x, strict=True):
        row[: len(symbols)] = symbols
    no_eff = np.repeat(np.array(no, "float32")[:, None], width, axis=1)
    noise = rng.standard_normal((*sent.shape, 2)) @ [1, 1j]
    return (sent + noise * np.sqrt(no_eff / 2)).astype("complex64"), no_eff


@pytest.mark.parametrize(
    ("num_values", "size"), [(2, 1), (256, 1), (257, 2), (2**16, 2), (2**20, 3)]
)
def test_numbers_take_as_few_bytes_as_hold_them(num_values, size):
    """Of the largest number below the limit (exact)."""
    assert number_bytes(num_values) == size
    assert num_values - 1 < 256**size


def test_numbers_come_back_as_bytes_of_one_length():
    """The highest byte first, at the length that each sample's channel asks for; where
    the noise is too strong, nothing (exact)."""
    message = ShortMessage(1000)
    sinr = np.array([100.0, 2.0, 0.5, 0.5])[:, None, None]
    protection = ShortProtection(message, sinr)
    payloads = [n.to_bytes(2, "big") for n in (0, 999, 300, 7)]
    counts, x = protection.counts(payloads), protection.encode(payloads)
    assert set(counts) <= set(message.num_symbols) and np.all(np.diff(counts[:3]) > 0)
    for row, count in zip(x, counts, strict=True):
        assert np.all(row[:count] != 0) and not row[count:].any()
        np.testing.assert_allclose(np.abs(row[:count]), 1, rtol=1e-6)
    found = protection.decode(*received(x, (0.01, 0.3, 0.5, 100.0)))
    assert found == [*payloads[:3], None]


def test_a_number_beyond_the_limit_is_refused():
    """It could not be told from a damaged one (exact)."""
    protection = ShortProtection(ShortMessage(1000), np.ones((1, 1, 1)))
    with pytest.raises(ValueError, match="from 0 to 999, got 1000"):
        protection.encode([(1000).to_bytes(2, "big")])


def test_byte_strings_of_any_length_come_back():
    """Each takes what its length asks for, known from the bytes alone, and is read
    from its first symbol on, whatever follows; one in noise is lost (exact)."""
    message = ProtectedMessage(Mcs(2, 1 / 2), 255)
    protection = MessageProtection(message)
    payloads = [b"", b"hello", np.random.default_rng(2).bytes(300), b"lost"]
    counts, x = protection.counts(payloads), protection.encode(payloads)
    assert counts.tolist() == [message.num_symbols(len(p)) for p in payloads]
    assert counts.tolist() == [len(row) for row in x]
    assert counts[0] < counts[1] < counts[2]
    found = protection.decode(*received(x, (0.1, 0.1, 0.1, 30.0)))
    assert found == [*payloads[:3], None]


def test_frames_hold_each_sample_at_its_own_scheme():
    """All of one number of symbols, charged whole; who sends nothing occupies nothing
    and is not received (exact)."""
    low, high = (Transport(mcs, 96) for mcs in (Mcs(2, 0.3), Mcs(4, 0.6)))
    protection = TransportProtection([low, None, high, low], 96)
    payloads = [b"abc", None, bytes(range(high.max_bytes)), b"def"]
    assert high.max_bytes > low.max_bytes
    assert protection.counts(payloads).tolist() == [96] * 4
    x = protection.encode(payloads)
    assert x.shape == (4, 96) and x.dtype == np.complex64
    assert not x[1].any() and np.count_nonzero(x[0]) > 80
    x_hat, no_eff = (part[:, :96] for part in received(x, (0.01, 0.01, 0.01, 30.0)))
    found = protection.decode(x_hat, no_eff)
    assert found == [payloads[0], None, payloads[2], None]
