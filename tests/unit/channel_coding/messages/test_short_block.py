"""Short code words: bytes back, power, losses, and the error rate that is predicted."""

import numpy as np
import pytest

from benchmarks.short_block_errors import count_errors, main, operating_snr_db
from semcom_phy.channel_coding.messages.short_block import (
    BlockFormat,
    LdpcWords,
    PolarWords,
    ShortBlocks,
)
from semcom_phy.channel_coding.protection import BlockProtection

BLOCKS = [
    BlockFormat(*sizes) for sizes in ((1, 2, 16), (9, 2, 96), (12, 4, 40), (60, 6, 120))
]


@pytest.fixture(params=[LdpcWords, PolarWords])
def short(request):
    return ShortBlocks(request.param())


def test_bytes_of_all_sizes_come_back_in_one_batch(short):
    """Zeros among them, which are sent at unit power as all others (10 % of it), and
    fill up what is shorter than its block (exact)."""
    rng = np.random.default_rng(1)
    formats = BLOCKS * 2
    payloads = [rng.bytes(block.num_bytes) for block in BLOCKS] + [b""] * len(BLOCKS)
    x = short.encode(payloads, formats)
    assert [len(row) for row in x] == [block.num_symbols for block in formats]
    assert np.mean(np.abs(np.concatenate(x[:4])) ** 2) == pytest.approx(1, abs=0.1)
    assert np.mean(np.abs(np.concatenate(x[4:])) ** 2) == pytest.approx(1, abs=0.1)
    no = [np.full(len(row), 1e-3, np.float32) for row in x]
    found = short.decode(x, no, formats)
    assert found[:4] == payloads[:4]
    assert found[4:] == [bytes(block.num_bytes) for block in BLOCKS]


def test_noise_alone_is_lost(short):
    """None of 100 blocks passes the CRC of 16 bits by chance (exact)."""
    rng, block = np.random.default_rng(2), BlockFormat(9, 2, 96)
    noise = rng.standard_normal((2, 100, 96))
    x = (noise[0] + 1j * noise[1]).astype(np.complex64)
    found = short.decode(x, np.ones(x.shape, np.float32), [block] * 100)
    assert found == [None] * 100


@pytest.mark.parametrize("block", [BlockFormat(8, 2, 96), BlockFormat(20, 4, 104)])
def test_errors_are_as_often_as_predicted(short, block):
    """Where one block in ten is to fail, 3 to 25 % of 300 do; none undetected."""
    snr_db = operating_snr_db(short, block)
    count, undetected = count_errors(short, block, snr_db, 300, seed=1)
    assert 0.03 <= count.rate <= 0.25 and not undetected


def test_predicted_errors_are_ordered_and_1_without_a_code(short):
    sinr = 10 ** (np.arange(-5.0, 15.0)[:, None] / 10)
    rates = [short.error_rate(BlockFormat(n, 2, 96), sinr) for n in (4, 8, 16)]
    assert np.all(np.diff(rates, axis=0) >= 0) and np.all(np.diff(rates, axis=1) <= 0)
    assert np.all(short.error_rate(BlockFormat(24, 2, 96), sinr) == 1)


def test_what_does_not_fit_is_refused(short):
    with pytest.raises(ValueError, match="no 5G .*num_bytes=24"):
        short.encode([b"a"], [BlockFormat(24, 2, 96)])
    with pytest.raises(ValueError, match="3 bytes do not fit"):
        short.encode([b"abc"], [BlockFormat(2, 2, 96)])


def test_a_protection_charges_and_carries_what_it_is_told(short):
    """A sample that sends nothing is charged, and lost (exact)."""
    protection = BlockProtection(short, [BlockFormat(2, 2, 40), None], [48, 16])
    payloads = [b"hi", None]
    assert protection.counts(payloads).tolist() == [48, 16]
    rows = protection.encode(payloads)
    assert [len(row) for row in rows] == [48, 16]
    assert np.count_nonzero(rows[0]) == 40 and not rows[1].any()
    x = np.zeros((2, 64), np.complex64)
    x[0, :48] = rows[0]
    assert protection.decode(x, np.full(x.shape, 0.01, np.float32)) == payloads


def test_the_benchmark_runs_small(monkeypatch, tmp_path):
    """On one size, with its table stored."""
    import benchmarks.short_block_errors as benchmark

    monkeypatch.setattr(benchmark, "SYMBOLS", (48,))
    monkeypatch.setattr(benchmark, "ORDERS", (2,))
    assert main(["--blocks", "40", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "short_block_errors.json").is_file()
