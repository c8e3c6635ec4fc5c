"""Where the 5G LDPC codes of the transport decode, and where they fail.

    python -m benchmarks.ldpc_waterfall [--blocks 1000] [--seed 1] [--out DIR]

AWGN, 20 iterations, code words of 4608 to 6144 bits. The SNR pairs are those of a
public study of BPG + 5G LDPC on CIFAR-10: at the first the code must decode (block
error rate at most 1 %), at the second it must fail (at least 50 %). That study sends
the code bits in order; the bit interleaver of TS 38.212, which our transport uses,
decodes earlier with 64-QAM at low rates: its column stands beside.
"""

import json
from pathlib import Path

import numpy as np

from scenarios.command.arguments import Parser
from semcom_phy.channel_coding.ldpc import LDPC5GCode
from semcom_phy.channel_coding.qam import (
    deinterleave,
    interleave,
    qam_demap,
    qam_modulate,
)
from semcom_phy.metrics.link import ErrorCount, count_errors

# (bits per symbol, code rate, coded bits, decodes at Es/N0 [dB], fails at [dB])
CASES = (
    (2, 1 / 3, 6144, 0, None),
    (2, 1 / 2, 6144, 2, 0),
    (2, 2 / 3, 4608, 5, 2),
    (4, 1 / 3, 6144, 5, 2),
    (4, 1 / 2, 6144, 7, 5),
    (4, 2 / 3, 4608, 10, 7),
    (6, 1 / 3, 6144, 10, 7),
    (6, 1 / 2, 6144, 12, 10),
    (6, 2 / 3, 4608, 15, 12),
)
DECODES, FAILS = 0.01, 0.5
NUM_ITER = 20
BATCH = 100


def measure(code, order, snr_db, num_blocks, seed, interleaved):
    """Block error rate of one code on AWGN, as an `ErrorCount`."""
    rng = np.random.default_rng((seed, order, code.k, code.n, snr_db))
    no = 10 ** (-snr_db / 10)
    total = ErrorCount()
    while total.num_trials < num_blocks:
        batch = min(BATCH, num_blocks - total.num_trials)
        bits = rng.integers(0, 2, (batch, code.k), dtype=np.uint8)
        code_bits = code.encode(bits)
        if interleaved:
            code_bits = interleave(code_bits, order)
        x = qam_modulate(code_bits, order)
        noise = rng.standard_normal((2, *x.shape)) * np.sqrt(no / 2)
        llr = qam_demap(x + noise[0] + 1j * noise[1], no, order)
        if interleaved:
            llr = deinterleave(llr, order)
        total += count_errors(bits, code.decode(llr)[0])[1]
    return total


def as_json(count):
    """Rate, 95 % interval and counts of an `ErrorCount` as plain values."""
    return {
        "bler": count.rate,
        "ci95": count.interval(),
        "num_errors": count.num_errors,
        "num_blocks": count.num_trials,
    }


def _text(count):
    low, high = count.interval()
    return f"{count.rate:8.4f} {f'[{low:.4f}, {high:.4f}]':>18}"


def main(argv=None):
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=1000, help="per SNR point")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    if args.blocks < 1:
        parser.error(f"--blocks must be at least 1. Received: {args.blocks}")

    print(
        f"5G LDPC on AWGN, {NUM_ITER} iterations, {args.blocks} blocks per figure, "
        f"seed {args.seed}\n"
        "modulation     k     n  Es/N0  expected     BLER      95 % interval  met"
        "  interleaved      95 % interval"
    )
    rows = []
    for order, rate, coded_bits, good_db, bad_db in CASES:
        code = LDPC5GCode(round(coded_bits * rate), coded_bits, num_iter=NUM_ITER)
        for snr_db, expected in ((good_db, "decodes"), (bad_db, "fails")):
            if snr_db is None:
                continue
            plain, interleaved = (
                measure(code, order, snr_db, args.blocks, args.seed, flag)
                for flag in (False, True)
            )
            if expected == "decodes":
                met = plain.rate <= DECODES and interleaved.rate <= DECODES
            else:
                met = plain.rate >= FAILS
            rows.append(
                {
                    "modulation_order": order,
                    "info_bits": code.k,
                    "coded_bits": code.n,
                    "snr_db": snr_db,
                    "expected": expected,
                    "met": bool(met),
                    "in_order": as_json(plain),
                    "interleaved": as_json(interleaved),
                }
            )
            print(
                f"{2**order:>6}-QAM {code.k:5} {code.n:5} {snr_db:3} dB {expected:>9} "
                f"{_text(plain)}  {'yes' if met else 'NO ':3} "
                f"    {_text(interleaved)}",
                flush=True,
            )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "ldpc_waterfall.json"
    setup = {"num_iter": NUM_ITER, "seed": args.seed}
    file.write_text(json.dumps({**setup, "points": rows}, indent=1))
    print(f"Written to {file}")
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
