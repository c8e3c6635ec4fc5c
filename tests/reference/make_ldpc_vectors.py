"""Makes `ldpc_vectors.npz` and `ldpc_bler.json`; run it from the repository root:

    python tests/reference/make_ldpc_vectors.py

`ldpc_vectors.npz` comes from Sionna alone (sionna-no-rt 1.2.2, TensorFlow 2.21,
CPU): per code of `CODES` information bits drawn with NumPy's `default_rng(index)`,
their code words by `LDPC5GEncoder`, LLRs of BPSK on AWGN near the waterfall rounded
to 1/8, and the bits that `LDPC5GDecoder` (boxplus-phi, flooding, 20 iterations)
decides from them. Arrays are packed bits except the LLRs (`int8`, in eighths).

`ldpc_bler.json` comes from this project's transport: counted bit and block errors of
long runs on AWGN (100,000 blocks per point, seed 38212) that later runs must meet.
"""

import json
from pathlib import Path

import numpy as np

from semcom_phy.channel_coding.mcs import mcs_from_table
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.metrics.link import ErrorCount, count_errors

FOLDER = Path(__file__).parent
CODES = ((100, 300, 1.0), (640, 960, 2.0), (1200, 2400, 1.0), (3900, 5200, 2.3))
NUM_WORDS = 8
BLER_POINTS = ((3, 150, 0.5), (7, 100, 6.0), (13, 80, 11.5), (22, 64, 20.0))
NUM_BLOCKS = 100_000


def make_vectors():
    from keras import ops
    from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

    arrays = {}
    for index, (k, n, ebno_db) in enumerate(CODES):
        rng = np.random.default_rng(index)
        bits = rng.integers(0, 2, (NUM_WORDS, k), dtype=np.uint8)
        encoder = LDPC5GEncoder(k, n)
        code_bits = ops.convert_to_numpy(encoder(ops.cast(bits, "float32")))
        variance = n / (2 * k * 10 ** (ebno_db / 10))
        y = 2 * code_bits - 1 + rng.normal(scale=variance**0.5, size=code_bits.shape)
        llr = np.clip(np.round(8 * 2 * y / variance), -127, 127).astype(np.int8)
        decoder = LDPC5GDecoder(encoder, num_iter=20)
        decided = ops.convert_to_numpy(decoder(ops.cast(llr, "float32") / 8))
        arrays[f"bits_{index}"] = np.packbits(bits, axis=1)
        arrays[f"code_bits_{index}"] = np.packbits(code_bits.astype(np.uint8), axis=1)
        arrays[f"llr_{index}"] = llr
        arrays[f"decided_{index}"] = np.packbits(decided.astype(np.uint8), axis=1)
        wrong = (decided != bits).any(axis=1).sum()
        print(f"k={k} n={n}: {wrong} of {NUM_WORDS} words fail")
    np.savez_compressed(FOLDER / "ldpc_vectors.npz", **arrays)


def measure(index, num_symbols, snr_db, num_blocks, seed, batch=1000):
    """Bit and block errors of one MCS of table 2 on AWGN, as `ErrorCount`s."""
    transport = Transport(mcs_from_table(2, index), num_symbols)
    rng = np.random.default_rng((seed, index))
    no = 10 ** (-snr_db / 10)
    bit_errors = block_errors = ErrorCount()
    for _ in range(num_blocks // batch):
        bits = rng.integers(
            0, 2, (batch, transport.transport_block_bits), dtype=np.uint8
        )
        x = transport.encode_blocks(bits)
        noise = rng.normal(size=(2, *x.shape)) * np.sqrt(no / 2)
        bits_hat, _ = transport.decode_blocks(x + noise[0] + 1j * noise[1], no)
        errors = count_errors(bits, bits_hat)
        bit_errors, block_errors = bit_errors + errors[0], block_errors + errors[1]
    return bit_errors, block_errors


def main():
    make_vectors()
    points = []
    for index, num_symbols, snr_db in BLER_POINTS:
        ber, bler = measure(index, num_symbols, snr_db, NUM_BLOCKS, 38212)
        points.append(
            {
                "table": 2,
                "index": index,
                "num_symbols": num_symbols,
                "snr_db": snr_db,
                "num_bit_errors": ber.num_errors,
                "num_bits": ber.num_trials,
                "num_block_errors": bler.num_errors,
                "num_blocks": bler.num_trials,
            }
        )
        print(points[-1])
    (FOLDER / "ldpc_bler.json").write_text(json.dumps(points, indent=1))


if __name__ == "__main__":
    main()
