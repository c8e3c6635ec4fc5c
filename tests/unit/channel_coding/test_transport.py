"""Transport: round trips, CRC status, what is sent where."""

import numpy as np
import pytest

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.mcs import Mcs, mcs_table
from semcom_phy.channel_coding.transport import Transport


def payloads_of(lengths, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.bytes(n) for n in lengths]


def add_noise(x, no, seed=2):
    noise = np.random.default_rng(seed).normal(size=(2, *x.shape)) * np.sqrt(no / 2)
    return (x + noise[0] + 1j * noise[1]).astype(np.complex64)


@pytest.mark.parametrize(
    ("mcs", "num_symbols", "num_code_blocks"),
    [
        (Mcs(2, 0.5), 64, 1),
        (Mcs(2, 0.1), 400, 1),  # repetition
        (Mcs(4, 0.5), 512, 1),
        (Mcs(6, 0.9), 768, 1),  # 24-bit CRC
        (Mcs(8, 0.92), 768, 1),
        (Mcs(6, 0.3), 5000, 3),  # base graph 2, segmented, 2 symbols stay empty
        (Mcs(4, 0.6), 4001, 2),  # base graph 1, segmented, 1 symbol stays empty
    ],
)
def test_round_trip(mcs, num_symbols, num_code_blocks):
    """All lengths from 0 to max_bytes come back, 26 dB above noise (exact)."""
    transport = Transport(mcs, num_symbols)
    assert transport.plan.num_code_blocks == num_code_blocks
    longest = transport.max_bytes
    sent = payloads_of([0, 1, longest // 2, longest - 1, longest])
    sent += [b"\0" * longest, b"\xff" * longest]
    x = transport.encode(sent)
    assert x.shape == (len(sent), num_symbols)
    assert x.dtype == np.complex64
    no = np.full(x.shape, 10**-2.6, np.float32)
    received, crc_ok = transport.decode(add_noise(x, no), no)
    assert crc_ok.all() and crc_ok.dtype == bool
    assert received == sent
    num_empty = transport.plan.num_empty_symbols
    assert num_empty == num_symbols % num_code_blocks
    assert (x[:, num_symbols - num_empty :] == 0).all()
    assert (x[:, : num_symbols - num_empty] != 0).all()


@pytest.mark.parametrize("num_symbols", [64, 512, 4001])
def test_failed_crc_is_reported(num_symbols):
    """Where the noise wins, crc_ok is False and the payload None (all 50 blocks: a
    16-bit CRC passes a wrong block once in 65536)."""
    transport = Transport(Mcs(4, 0.5), num_symbols)
    x = transport.encode(payloads_of([transport.max_bytes] * 50))
    received, crc_ok = transport.decode(add_noise(x, 1.0), 1.0)
    assert not crc_ok.any()
    assert received == [None] * 50


def test_only_bad_blocks_fail():
    """A code word hit by noise fails alone; its neighbours arrive (exact)."""
    transport = Transport(Mcs(4, 0.5), 512)
    sent = payloads_of([20, 30, 40])
    x = transport.encode(sent)
    no = np.full(x.shape, 1e-3, np.float32)
    no[1] = 2.0
    received, crc_ok = transport.decode(add_noise(x, no), no)
    assert crc_ok.tolist() == [True, False, True]
    assert received == [sent[0], None, sent[2]]


def test_no_eff_per_symbol_is_used():
    """Half the symbols lost to a bad stream still decode when no_eff tells so, and
    not when it claims equal quality (20 blocks each, far from the threshold)."""
    transport = Transport(Mcs(2, 0.3), 600)
    sent = payloads_of([transport.max_bytes] * 20)
    x = transport.encode(sent)
    no = np.full(x.shape, 0.1, np.float32)
    no[:, 1::2] = 100.0
    y = add_noise(x, no)
    assert transport.decode(y, no)[1].all()
    assert not transport.decode(y, np.full_like(no, 0.1))[1].any()


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_symbols_have_unit_power_even_when_padded(order):
    """Mean power is 1 also for empty payloads in large blocks (4 standard errors of
    the constellation's power, n = symbols sent)."""
    transport = Transport(Mcs(order, 0.8), 3000)
    x = transport.encode([b"", b"a"])
    power = np.abs(x) ** 2
    standard_error = power.std() / np.sqrt(power.size) + 1e-6
    assert abs(power.mean() - 1) < 4 * standard_error


def test_code_rate_of_every_mcs():
    """Information bits (CRC included) never exceed the MCS rate and miss it by less
    than one bit per code block; blocks stay within the sizes of TS 38.212 (exact)."""
    for table in (1, 2, 3):
        for mcs in mcs_table(table):
            for num_symbols in (64, 256, 768, 5000, 40000):
                plan = plan_blocks(mcs, num_symbols)
                if plan is None:
                    continue
                ideal = plan.coded_bits * mcs.code_rate
                assert ideal - 1 < plan.code_block_bits <= ideal
                largest = 8448 if plan.base_graph == "bg1" else 3840
                assert 12 <= plan.code_block_bits <= largest
                used = plan.coded_bits // mcs.modulation_order * plan.num_code_blocks
                assert used + plan.num_empty_symbols == num_symbols
                crc = plan.crc_bits + 24 * plan.num_code_blocks * (
                    plan.num_code_blocks > 1
                )
                total = plan.num_code_blocks * plan.code_block_bits
                assert plan.transport_block_bits + crc == total
                assert plan.max_bytes >= 1


def test_bad_input_raises():
    """Too few symbols, too long payloads and wrong shapes raise with the value."""
    with pytest.raises(ValueError, match="Not even one byte fits into 20 symbols"):
        Transport(Mcs(2, 0.5), 20)
    transport = Transport(Mcs(2, 0.5), 64)
    with pytest.raises(ValueError, match="6 bytes exceeds max_bytes=5"):
        transport.encode([b"123456"])
    with pytest.raises(ValueError, match="Received"):
        transport.decode(np.zeros((1, 63), np.complex64), 1.0)
