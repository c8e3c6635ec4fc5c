"""Short code words on AWGN, predicted and sent.

    python -m benchmarks.short_block_errors [--blocks 400] [--seed 1] [--out DIR]

What a link with short texts adapts by is the normal approximation, and what the code is
short of it. Here blocks of the sizes of captions are sent at SNRs around where one in
ten is predicted to fail. The bits that each measured error rate asks for stand beside,
and at the end their fit over blocks of up to 320 bits, a + b k (1 - k / n).
"""

import json
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from scenarios.command.arguments import Parser
from semcom_phy.channel_coding.messages.short_block import (
    BlockFormat,
    LdpcWords,
    PolarWords,
    ShortBlocks,
)
from semcom_phy.channel_coding.mutual_information import bicm_capacity
from semcom_phy.metrics.link import ErrorCount

SYMBOLS = (32, 64, 96, 192)
SHARES = (0.2, 0.4, 0.6, 0.8)  # of the coded bits that are information
ORDERS = (2, 4, 6)
USED = (0.02, 0.7)  # error rates that tell of the gap
MOST_BITS = 320


def block_of(num_symbols, order, share):
    """The block of a code rate, `None` where not one byte fits."""
    num_bytes = (round(share * num_symbols * order) - 16) // 8
    return BlockFormat(num_bytes, order, num_symbols) if num_bytes >= 1 else None


def count_errors(blocks, block, snr_db, num_blocks, seed):
    """Blocks that fail, and those that pass with other bytes, as an `ErrorCount` and an
    `int`."""
    rng = np.random.default_rng([seed, *block, round(100 * snr_db) + 10000])
    payloads = [rng.bytes(block.num_bytes) for _ in range(num_blocks)]
    no = 10 ** (-snr_db / 10)
    x = np.stack(blocks.encode(payloads, [block] * num_blocks))
    noise = rng.standard_normal((2, *x.shape)) * np.sqrt(no / 2)
    x_hat = (x + noise[0] + 1j * noise[1]).astype(np.complex64)
    no_eff = np.full(x.shape, no, np.float32)
    found = blocks.decode(x_hat, no_eff, [block] * num_blocks)
    pairs = list(zip(found, payloads, strict=True))
    wrong = sum(got != sent for got, sent in pairs)
    undetected = sum(got is not None and got != sent for got, sent in pairs)
    return ErrorCount(wrong, num_blocks), undetected


def operating_snr_db(blocks, block):
    """SNR at which one block in ten fails by prediction [dB]."""
    snr_db = np.arange(-10, 35, 0.05)
    rate = blocks.error_rate(block, 10 ** (snr_db[:, None] / 10))
    return float(snr_db[np.argmax(rate <= 0.1)])


def gap_bits(block, snr_db, rate):
    """Bits by which a measured error rate is short of the normal approximation."""
    k, n = block.info_bits, block.coded_bits
    info = bicm_capacity(block.modulation_order, snr_db) / block.modulation_order
    spread = np.sqrt(2 * n * np.log2(np.e) * info * (1 - info))
    return float(n * info + spread * ndtri(rate) - k)


def fit_gap(rows):
    """Base [bit], share, and the standard deviation of what is left [bit]."""
    used = [
        row
        for row in rows
        if USED[0] <= row["measured"] <= USED[1] and row["info_bits"] <= MOST_BITS
    ]
    k, n, gap = (
        np.array([row[name] for row in used], float)
        for name in ("info_bits", "coded_bits", "gap_bits")
    )
    size = k * (1 - k / n)
    share, base = np.polyfit(size, gap, 1)
    return float(base), float(share), float(np.std(gap - base - share * size))


def main(argv=None):
    """Prints and stores the table; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=400, help="per point")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    if args.blocks < 1:
        parser.error(f"--blocks must be at least 1, got {args.blocks}")
    rows, fits = [], {}
    print(
        f"{args.blocks} blocks per figure, seed {args.seed}\n"
        "code             QAM symbols  k    n    Es/N0  predicted   sent  (95 %)"
        "            gap"
    )
    for words in (LdpcWords(), PolarWords()):
        blocks, own = ShortBlocks(words), []
        for order, num_symbols, share in product(ORDERS, SYMBOLS, SHARES):
            block = block_of(num_symbols, order, share)
            if block is None or not words.fits(block):
                continue
            centre = operating_snr_db(blocks, block)
            for snr_db in (centre - 0.5, centre, centre + 0.5):
                own.append(_row(blocks, block, snr_db, args))
                _show(own[-1])
        rows += own
        for order in ORDERS:
            of_order = [row for row in own if row["modulation_order"] == order]
            base, share, std = fits[f"{words.title}, {order} bits"] = fit_gap(of_order)
            print(
                f"{words.title}, {2**order}-QAM: {base:.1f} bits and {share:.2f} "
                f"k (1 - k / n), {std:.1f} bits about it; taken: {words.gap[order]}"
            )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "short_block_errors.json"
    file.write_text(json.dumps({"points": rows, "fits": fits}, indent=1))
    print(f"Written to {file}")
    return 0


def _row(blocks, block, snr_db, args):
    count, undetected = count_errors(blocks, block, snr_db, args.blocks, args.seed)
    predicted = blocks.error_rate(block, [10 ** (snr_db / 10)])
    return {
        "code": blocks.words.title,
        **block._asdict(),
        "info_bits": block.info_bits,
        "coded_bits": block.coded_bits,
        "snr_db": snr_db,
        "predicted": float(predicted),
        "measured": count.rate,
        "ci95": count.interval(),
        "undetected": undetected,
        "gap_bits": gap_bits(block, snr_db, min(max(count.rate, 1e-3), 1 - 1e-3)),
    }


def _show(row):
    low, high = row["ci95"]
    print(
        f"{row['code']:14} {2 ** row['modulation_order']:>4} "
        f"{row['num_symbols']:>6} {row['info_bits']:>5} {row['coded_bits']:>5} "
        f"{row['snr_db']:6.2f}  {row['predicted']:8.3f} {row['measured']:8.3f} "
        f"[{low:.3f}, {high:.3f}] {row['gap_bits']:7.1f}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
