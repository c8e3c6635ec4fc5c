"""Regular LDPC codes from pyldpc, decoded by Sionna."""

import sys

import numpy as np
import pytest

from semcom_phy.channel_coding.regular_ldpc import RegularLDPCCode


@pytest.fixture(scope="module")
def code():
    return RegularLDPCCode(n=300, bit_degree=3, check_degree=6, seed=1)


def test_matrices_are_regular_and_orthogonal(code):
    """H has d_v ones per column and d_c per row, code words fulfil it, and the same
    seed gives the same code (exact)."""
    assert (code.pcm.sum(axis=0) == 3).all()
    assert (code.pcm.sum(axis=1) == 6).all()
    bits = np.random.default_rng(1).integers(0, 2, (20, code.k))
    code_bits = code.encode(bits)
    np.testing.assert_array_equal(code_bits[:, : code.k], bits)
    assert not ((code.pcm @ code_bits.T) % 2).any()
    again = RegularLDPCCode(n=300, bit_degree=3, check_degree=6, seed=1)
    assert (again.pcm != code.pcm).nnz == 0
    assert code.code_rate == pytest.approx(0.5, abs=0.02)


def test_decodes_above_threshold_and_fails_below(code):
    """At Eb/N0 = 5 dB no block of 100 fails, at 0 dB most do (the threshold of the
    (3, 6) ensemble is 1.1 dB; 300 bits need about 3 dB more)."""
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2, (100, code.k))
    code_bits = code.encode(bits)
    bler = []
    for ebno_db in (0.0, 5.0):
        variance = 1 / (2 * code.code_rate * 10 ** (ebno_db / 10))
        y = 2.0 * code_bits - 1 + rng.normal(scale=variance**0.5, size=code_bits.shape)
        bler.append((code.decode(2 * y / variance) != bits).any(axis=1).mean())
    assert bler[0] > 0.5
    assert bler[1] == 0


def test_bad_degrees_and_shapes_raise(code):
    """Degrees that do not fit and wrong shapes raise with what was received."""
    for sizes in ((300, 3, 7), (300, 6, 3), (300, 1, 3)):
        with pytest.raises(ValueError, match="Received"):
            RegularLDPCCode(*sizes)
    with pytest.raises(ValueError, match="Received"):
        code.encode(np.zeros((1, 3)))


def test_missing_package_names_the_extra(monkeypatch):
    """Without pyldpc the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "pyldpc", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[ldpc\]"):
        RegularLDPCCode(300, 3, 6)
