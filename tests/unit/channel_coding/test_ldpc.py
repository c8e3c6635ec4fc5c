"""5G LDPC codes against Sionna's encoder and decoder."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

from semcom_phy.channel_coding.ldpc import LDPC5GCode

SIZES = [
    (12, 40, None),
    (100, 300, None),
    (292, 500, None),
    (1000, 2000, None),
    (1000, 1100, None),
    (1500, 3000, "bg1"),
    (3840, 7000, "bg2"),
    (5000, 9000, None),
]


def bpsk_llr(code_bits, ebno_db, rate, rng):
    variance = 1 / (2 * rate * 10 ** (ebno_db / 10))
    y = 2.0 * code_bits - 1 + rng.normal(scale=variance**0.5, size=code_bits.shape)
    return (2 * y / variance).astype(np.float32)


@pytest.mark.parametrize(("k", "n", "base_graph"), SIZES)
def test_encoder_equals_sionna(k, n, base_graph):
    """Code words equal those of Sionna's encoder, 70 words beyond one lane (exact)."""
    bits = np.random.default_rng(1).integers(0, 2, (70, k))
    expected = LDPC5GEncoder(k, n, bg=base_graph)(ops.cast(bits, "float32"))
    code_bits = LDPC5GCode(k, n, base_graph).encode(bits)
    np.testing.assert_array_equal(code_bits, ops.convert_to_numpy(expected))


@pytest.mark.parametrize(
    ("k", "n", "ebno_db"), [(100, 300, 1.2), (500, 1000, 1.2), (600, 800, 3.0)]
)
def test_early_stop_is_never_worse_than_fixed_iterations(k, n, ebno_db):
    """No more wrong blocks than Sionna's 20 fixed iterations (same LLRs, in the
    waterfall, 200 blocks); both fail on the same blocks up to 1 in 100, the rounding
    of words at the edge."""
    rng = np.random.default_rng(2)
    code = LDPC5GCode(k, n)
    bits = rng.integers(0, 2, (200, k), dtype=np.uint8)
    llr = bpsk_llr(code.encode(bits), ebno_db, k / n, rng)
    ours, iterations = code.decode(llr)
    sionna = LDPC5GDecoder(code.encoder, num_iter=20)(ops.convert_to_tensor(llr))
    wrong = (ours != bits).any(axis=1)
    wrong_sionna = (ops.convert_to_numpy(sionna) != bits).any(axis=1)
    assert 0.02 < wrong_sionna.mean() < 0.9
    assert wrong.sum() <= wrong_sionna.sum() + 1
    assert (wrong != wrong_sionna).sum() <= 2
    assert iterations[~wrong].max() <= 20
    assert iterations[~wrong].mean() < 16


@pytest.mark.parametrize("n", [700, 1000, 1234])
def test_repetition_below_rate_one_fifth(n):
    """Code bits repeat cyclically after 5 k bits; each copy adds its LLR (exact)."""
    k = 100
    code = LDPC5GCode(k, n)
    bits = np.random.default_rng(3).integers(0, 2, (5, k), dtype=np.uint8)
    code_bits = code.encode(bits)
    assert code_bits.shape == (5, n)
    np.testing.assert_array_equal(code_bits[:, 500:], code_bits[:, : n - 500])
    # The copies alone carry the word: the first half of the first copy is erased.
    llr = (8.0 * code_bits - 4).astype(np.float32)
    llr[:, : min(n - 500, 250)] = 0
    np.testing.assert_array_equal(code.decode(llr)[0], bits)


def test_repetition_gains_the_added_energy():
    """Rate 1/10 decodes at 3 dB less Es/N0 than rate 1/5: same block errors from the
    same LLR sums, within 4 standard errors (400 blocks, seed 4)."""
    rng = np.random.default_rng(4)
    rates = []
    for n in (500, 1000):
        code = LDPC5GCode(100, n)
        bits = rng.integers(0, 2, (400, 100), dtype=np.uint8)
        llr = bpsk_llr(code.encode(bits), 0.3, 100 / n, rng)
        rates.append((code.decode(llr)[0] != bits).any(axis=1).mean())
    standard_error = np.sqrt(sum(p * (1 - p) for p in rates) / 400)
    assert 0.05 < rates[0] < 0.8
    assert abs(rates[0] - rates[1]) < 4 * standard_error


def test_unpruned_code_decodes():
    """The full mother code (k = 10 Z, rate 1/5) keeps all its checks (noise-free)."""
    code = LDPC5GCode(160, 800)
    bits = np.random.default_rng(5).integers(0, 2, (4, 160), dtype=np.uint8)
    llr = 8.0 * code.encode(bits) - 4
    np.testing.assert_array_equal(code.decode(llr)[0], bits)


def test_bad_input_raises():
    """Sizes that Sionna's construction cannot serve and wrong shapes raise."""
    with pytest.raises(ValueError):
        LDPC5GCode(8449, 20000)
    with pytest.raises(ValueError, match="Received"):
        LDPC5GCode(100, 300).encode(np.zeros((2, 99)))
