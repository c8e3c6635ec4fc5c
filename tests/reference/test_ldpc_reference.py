"""LDPC and transport against stored vectors and error rates (`make_ldpc_vectors`)."""

import json
from pathlib import Path

import numpy as np
import pytest
from make_ldpc_vectors import BLER_POINTS, CODES, measure

from semcom_phy.channel_coding.ldpc import LDPC5GCode

FOLDER = Path(__file__).parent
POINTS = json.loads((FOLDER / "ldpc_bler.json").read_text())


def unpack(array, length):
    return np.unpackbits(array, axis=1)[:, :length]


@pytest.mark.parametrize("index", range(len(CODES)))
def test_stored_vectors(index):
    """Encoder equals Sionna's stored code words (exact); the decoder returns the sent
    bits wherever Sionna's 20 iterations did, and fails on the other words."""
    k, n, _ = CODES[index]
    with np.load(FOLDER / "ldpc_vectors.npz", allow_pickle=False) as vectors:
        bits = unpack(vectors[f"bits_{index}"], k)
        code_bits = unpack(vectors[f"code_bits_{index}"], n)
        decided = unpack(vectors[f"decided_{index}"], k)
        llr = vectors[f"llr_{index}"] / np.float32(8)
    code = LDPC5GCode(k, n)
    np.testing.assert_array_equal(code.encode(bits), code_bits)
    ours, _ = code.decode(llr)
    solved = (decided == bits).all(axis=1)
    assert 0 < solved.sum() < len(solved)
    np.testing.assert_array_equal((ours == bits).all(axis=1), solved)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: f"mcs{p['index']}")
def test_stored_error_rates(point):
    """BLER and bits wrong per wrong block equal the stored long runs (4 standard
    errors of 2000 blocks; bits per wrong block spread by about their mean)."""
    assert (point["index"], point["num_symbols"], point["snr_db"]) in BLER_POINTS
    ber, bler = measure(
        point["index"], point["num_symbols"], point["snr_db"], 2000, seed=1
    )
    expected = point["num_block_errors"] / point["num_blocks"]
    assert abs(bler.rate - expected) < 4 * np.sqrt(expected * (1 - expected) / 2000)
    per_block = point["num_bit_errors"] / point["num_block_errors"]
    ours = ber.num_errors / bler.num_errors
    assert abs(ours / per_block - 1) < 4 / np.sqrt(bler.num_errors)
