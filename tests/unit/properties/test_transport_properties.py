"""Transport of bytes: any payload, size and scheme comes back, or is refused."""

import numpy as np
import pytest
from cases import share
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.crc import Crc
from semcom_phy.channel_coding.mcs import MODULATION_ORDERS, Mcs
from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.messages.short_block import (
    BlockFormat,
    LdpcWords,
    PolarWords,
    ShortBlocks,
)
from semcom_phy.channel_coding.messages.short_message import FORMATS, ShortMessage
from semcom_phy.channel_coding.polar import PolarCode
from semcom_phy.channel_coding.protection import (
    BlockProtection,
    MessageProtection,
    ShortProtection,
    TransportProtection,
    number_bytes,
)
from semcom_phy.channel_coding.qam import (
    deinterleave,
    interleave,
    qam_decide,
    qam_demap,
    qam_modulate,
)
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.channel_coding.uncoded_transport import UncodedTransport

NO = 1e-3  # error variance that is told where there is no error [linear]
ORDERS = st.sampled_from(MODULATION_ORDERS)
SCHEMES = st.builds(Mcs, ORDERS, st.floats(0.03, 0.95))
# Sizes that share code words: their construction is what takes the time.
SIZES = st.integers(1, 24).map(lambda n: 16 * n)


@given(ORDERS, st.floats(-0.5, 1.5), st.integers(-5, 3000))
def test_any_scheme_has_a_plan_or_none(order, code_rate, num_symbols):
    """Blocks fill the symbols, CRC bits included, at no more than the rate; a rate out
    of range is refused with its value."""
    try:
        mcs = Mcs(order, code_rate)
    except ValueError as error:
        assert str(code_rate) in str(error)
        return
    plan = plan_blocks(mcs, num_symbols)
    if plan is None:
        return
    checks = plan.crc_bits + 24 * plan.num_code_blocks * (plan.num_code_blocks > 1)
    blocks = plan.num_code_blocks * plan.code_block_bits
    assert plan.transport_block_bits + checks == blocks
    assert plan.code_block_bits <= plan.coded_bits * code_rate
    used = plan.num_code_blocks * plan.coded_bits
    assert used == (num_symbols - plan.num_empty_symbols) * order
    assert 0 <= plan.num_empty_symbols < plan.num_code_blocks
    assert 8 * plan.max_bytes < plan.transport_block_bits


@given(SCHEMES, SIZES, st.lists(st.binary(max_size=120), min_size=1, max_size=3))
@example(Mcs(2, 0.9375), 16, [b""])  # no decoder recovers such a code word
def test_any_payload_comes_back(mcs, num_symbols, payloads):
    """Without noise, each of up to the size of its block (exact); longer ones are
    refused with both sizes, and schemes that hold no byte with the scheme."""
    try:
        transport = Transport(mcs, num_symbols)
    except ValueError as error:
        assert f"{num_symbols} symbols" in str(error)
        return
    longest = max(map(len, payloads))
    if longest > transport.max_bytes:
        with pytest.raises(ValueError, match=f"max_bytes={transport.max_bytes}"):
            transport.encode(payloads)
        payloads = [payload[: transport.max_bytes] for payload in payloads]
    x = transport.encode(payloads)
    assert x.shape == (len(payloads), num_symbols)
    assert np.count_nonzero(x[0]) == num_symbols - transport.plan.num_empty_symbols
    received, crc_ok = transport.decode(x, np.full(x.shape, NO, np.float32))
    assert received == payloads and crc_ok.all()


@share(10)
@given(st.data())
def test_any_payload_comes_back_in_many_blocks(data):
    """Segmented, a frame of two or three code blocks (exact)."""
    mcs = data.draw(st.sampled_from([Mcs(8, 0.9), Mcs(6, 0.3), Mcs(4, 0.6)]))
    transport = Transport(mcs, data.draw(st.sampled_from([4001, 5000])))
    assert transport.plan.num_code_blocks > 1
    seed = data.draw(st.integers(0, 2**16))
    length = data.draw(st.integers(0, transport.max_bytes))
    payloads = [np.random.default_rng(seed).bytes(length)]
    x = transport.encode(payloads)
    received, crc_ok = transport.decode(x, np.full(x.shape, NO, np.float32))
    assert received == payloads and crc_ok.all()


@given(
    st.integers(2, 24).map(lambda n: 16 * n), st.integers(0, 2**16), st.floats(0, 1e3)
)
def test_noise_alone_is_lost(num_symbols, seed, level):
    """A decoder of noise of any level says so, and raises nothing. A CRC of 16 bits
    passes by chance once in 65,536; then bytes of a length that fits come out."""
    transport = Transport(Mcs(2, 0.6), num_symbols)
    noise = np.random.default_rng(seed).standard_normal((1, num_symbols, 2))
    x_hat = (level * noise @ [1, 1j]).astype(np.complex64)
    received, crc_ok = transport.decode(x_hat, np.full(x_hat.shape, 1.0, np.float32))
    assert crc_ok.tolist() == [received[0] is not None]
    assert received[0] is None or len(received[0]) <= transport.max_bytes


@given(
    st.sampled_from(["CRC24A", "CRC24B", "CRC24C", "CRC16", "CRC11", "CRC6"]),
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 3), st.integers(1, 80)),
        elements=st.integers(0, 1),
    ),
    st.integers(0, 10**6),
)
def test_any_single_error_is_found(name, bits, place):
    """By every CRC in words of any length; those as sent hold (exact)."""
    crc = Crc(name)
    words = crc.append(bits)
    assert words.shape == (len(bits), bits.shape[1] + crc.length)
    np.testing.assert_array_equal(words[:, : bits.shape[1]], bits)
    assert crc.holds(words).all()
    words[0, place % words.shape[1]] ^= 1
    assert crc.holds(words).tolist() == [False] + [True] * (len(bits) - 1)


@given(ORDERS, st.integers(1, 40), st.integers(0, 2**16))
def test_any_bits_come_back_from_symbols(order, num_symbols, seed):
    """Decided, by the sign of their LLRs, and through the interleaver (exact)."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (2, order * num_symbols), dtype=np.uint8)
    x = qam_modulate(bits, order)
    np.testing.assert_array_equal(qam_decide(x, order), bits)
    llr = np.asarray(qam_demap(x, np.full(x.shape, NO, np.float32), order))
    np.testing.assert_array_equal(llr > 0, bits)
    np.testing.assert_array_equal(deinterleave(interleave(bits, order), order), bits)
    transport = UncodedTransport(order, num_symbols)
    assert transport.transport_block_bits == bits.shape[1]
    found, ok = transport.decode_blocks(transport.encode_blocks(bits), x.real)
    np.testing.assert_array_equal(found, bits)
    assert ok.all()


LONG = ProtectedMessage(segment_bytes=20)


@share(100)
@given(st.lists(st.binary(max_size=70), min_size=1, max_size=100), st.integers(0, 9))
@example([b""], 0)
@example([bytes(20), bytes(40), bytes(41)], 0)  # segments that are full
def test_any_message_comes_back(payloads, behind):
    """In as many segments as it takes, whatever stands behind it; it takes the symbols
    that are counted (exact)."""
    x = LONG.encode(payloads)
    assert [len(row) for row in x] == [LONG.num_symbols(len(p)) for p in payloads]
    rows = [np.concatenate([row, np.ones(behind, np.complex64)]) for row in x]
    errors = [np.full(len(row), NO, np.float32) for row in rows]
    received, good = LONG.decode(rows, errors)
    assert received == payloads and good.all()
    protection = MessageProtection(LONG)
    assert protection.counts(payloads).tolist() == [len(row) for row in x]
    cut = [row[:-1] for row in x]  # the end is missing: lost
    received, good = LONG.decode(cut, [NO] * len(cut))
    assert received == [None] * len(cut) and not good.any()


@given(st.integers(-5, 5000), st.integers(-3, 6), st.integers(-3, 600))
def test_any_segments_are_cut_or_refused(segment_bytes, granularity, num_bytes):
    """With the value; longer messages never take fewer symbols."""
    try:
        message = ProtectedMessage(None, segment_bytes, granularity)
        number = message.num_symbols(num_bytes)
    except ValueError as error:
        values = segment_bytes, granularity, num_bytes
        assert any(str(value) in str(error) for value in values)
        return
    assert 0 < number <= message.num_symbols(num_bytes + 1)


@share(100)
@given(st.data())
def test_any_number_comes_back(data):
    """In every format that has a code for it, and as bytes under its protection."""
    num_bits = data.draw(st.sampled_from([5, 16, 20]))
    message = ShortMessage(2**num_bits)
    crc_bits = 6 if message.num_bits < 20 else 11
    needed = message.num_bits + crc_bits
    usable = [i for i, (coded, _) in enumerate(FORMATS) if coded >= needed]
    formats = np.array(
        data.draw(st.lists(st.sampled_from(usable), min_size=1, max_size=100))
    )
    size = len(formats)
    number = st.integers(0, message.num_values - 1)
    values = data.draw(st.lists(number, min_size=size, max_size=size))
    x = message.encode(values, formats)
    used = np.array(message.num_symbols)[formats]
    np.testing.assert_array_equal(np.count_nonzero(x, axis=1), used)
    no_eff = np.full(x.shape, NO, np.float32)
    found, received = message.decode(x, no_eff, formats)
    assert found.tolist() == values and received.all()


@share(20)
@given(st.integers(2, 2**20), st.binary(max_size=12), st.floats(0.0, 1e4))
@example(2, b"\x01" + bytes(8), 0.0)  # more than 64 bits
def test_any_bytes_are_a_number_or_refused(num_values, payload, sinr):
    """Those of a number that there is come back, however many zeros stand before it;
    others are refused with the limit."""
    protection = ShortProtection(ShortMessage(num_values), np.full((1, 1, 1), sinr))
    number = int.from_bytes(payload, "big")
    if number >= num_values:
        with pytest.raises(ValueError, match=f"0 to {num_values - 1}"):
            protection.encode([payload])
        return
    x = protection.encode([payload])
    assert np.count_nonzero(x) == protection.counts([payload])[0]
    found = protection.decode(x, np.full(x.shape, NO, np.float32))
    assert found == [number.to_bytes(number_bytes(num_values), "big")]


BLOCKS = {"LDPC": ShortBlocks(LdpcWords()), "polar": ShortBlocks(PolarWords())}


@given(st.data())
def test_any_short_block_comes_back(data):
    """A few bytes of any number on any number of symbols, filled up with zeros, or an
    error that names the block."""
    blocks = BLOCKS[data.draw(st.sampled_from(sorted(BLOCKS)))]
    block = BlockFormat(
        data.draw(st.integers(0, 12)),
        data.draw(st.sampled_from([2, 4, 6])),
        data.draw(st.integers(1, 16)) * 8,
    )
    payload = data.draw(st.binary(max_size=block.num_bytes + 1))
    protection = BlockProtection(blocks, [block, None], [150, 7])
    if len(payload) > block.num_bytes or not blocks.words.fits(block):
        with pytest.raises(ValueError, match=f"num_bytes={block.num_bytes}"):
            protection.encode([payload, None])
        return
    x = protection.encode([payload, None])
    assert [len(row) for row in x] == protection.counts([payload, None]).tolist()
    errors = [np.full(len(row), NO, np.float32) for row in x]
    filled = payload.ljust(block.num_bytes, b"\0")
    assert protection.decode(x, errors) == [filled, None]


@given(st.integers(-2, 1100), st.integers(-2, 1300), st.integers(0, 2**16))
def test_any_polar_code_is_one_or_is_refused(k, n, seed):
    """Of any two sizes; encoding is linear, and shortened bits are known to be 0."""
    try:
        code = PolarCode(k, n)
    except ValueError as error:
        assert str(k) in str(error) and str(n) in str(error)
        return
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 2, (2, 1, k), dtype=np.uint8)
    np.testing.assert_array_equal(code.encode(a ^ b), code.encode(a) ^ code.encode(b))
    assert code.encode(a).shape == (1, n)
    assert len(set(code.positions.tolist())) == k


@given(st.lists(st.binary(max_size=6) | st.none(), min_size=1, max_size=4))
def test_any_mix_of_samples_comes_back(payloads):
    """Some of which send nothing, the others at schemes of their own (exact)."""
    schemes = Transport(Mcs(2, 0.5), 96), Transport(Mcs(4, 0.4), 96)
    chosen = [
        None if payload is None else schemes[len(payload) % 2] for payload in payloads
    ]
    protection = TransportProtection(chosen, 96)
    x = protection.encode(payloads)
    assert protection.counts(payloads).tolist() == [96] * len(payloads)
    no_eff = np.full(x.shape, NO, np.float32)
    assert protection.decode(x, no_eff) == payloads
