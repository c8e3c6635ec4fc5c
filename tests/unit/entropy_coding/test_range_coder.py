"""Range coder: round trips, length, escapes, damaged data."""

import sys

import numpy as np
import pytest

from semcom_phy.entropy_coding.range_coder import Decoder, Encoder, encode_symbols


def some_symbols(n, m, seed):
    """Symbols and the distribution of each, some of them very uneven."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(m, 10.0 ** rng.uniform(-2, 1)), n) + 1e-6
    cumulative = np.cumsum(probabilities, axis=1)
    uniform = rng.random((n, 1)) * cumulative[:, -1:]
    return (uniform > cumulative).sum(axis=1), probabilities


def ideal_bits(symbols, probabilities):
    chosen = np.take_along_axis(probabilities, symbols[:, None], axis=1)[:, 0]
    return -np.log2(chosen / probabilities.sum(axis=1)).sum()


@pytest.mark.parametrize("n", (0, 1, 2, 5, 30, 1000))
def test_symbols_come_back_within_a_byte_of_the_ideal_length(n):
    """Any symbols come back (exact), the length is at most 1 byte and 0.1 % over the
    ideal: one byte is what an interval's width leaves open (100 seeds)."""
    for seed in range(100):
        symbols, probabilities = some_symbols(n, 2 + seed % 20, seed)
        data = encode_symbols(symbols, probabilities)
        np.testing.assert_array_equal(Decoder(data).symbols(probabilities), symbols)
        ideal = ideal_bits(symbols, probabilities) / 8
        assert len(data) <= ideal * 1.001 + 1


def test_the_string_is_the_shortest():
    """No shorter byte string decodes to the same symbols (all strings of 2 bytes)."""
    strings = [b""] + [bytes([i]) for i in range(256)]
    strings += [bytes([i, j]) for i in range(0, 256) for j in range(1, 256, 2)]
    for seed in range(5):
        symbols, probabilities = some_symbols(6, 4, seed)
        length = len(encode_symbols(symbols, probabilities))
        assert 1 <= length <= 3
        for data in strings:
            if len(data) < length:
                decoded = Decoder(data).symbols(probabilities)
                assert not np.array_equal(decoded, symbols)


@pytest.mark.parametrize("last", (0, 1))
def test_carries_reach_the_first_byte(last):
    """Long runs at one end of the interval come back (2000 symbols, exact)."""
    symbols = np.r_[0, np.ones(1998, int), last]
    for p in (0.001, 0.5, 0.999):
        data = encode_symbols(symbols, [1 - p, p])
        np.testing.assert_array_equal(Decoder(data).symbols([1 - p, p], 2000), symbols)


def test_symbol_by_symbol():
    """Contexts may depend on what was decoded: one at a time gives the same (exact)."""
    symbols, probabilities = some_symbols(200, 7, seed=3)
    decoder = Decoder(encode_symbols(symbols, probabilities))
    np.testing.assert_array_equal([decoder.symbol(p) for p in probabilities], symbols)


def test_improbable_symbols_can_be_coded():
    """A symbol of probability 0 costs at most 24 bit and comes back (exact)."""
    data = encode_symbols([2] * 10, [1.0, 1.0, 0.0])
    assert len(data) <= 31
    np.testing.assert_array_equal(Decoder(data).symbols([1.0, 1.0, 0.0], 10), [2] * 10)


def test_tables_have_escapes():
    """Values within and beyond the support of their channel come back (exact)."""
    rng = np.random.default_rng(5)
    tables, lowest = rng.dirichlet(np.ones(9), 3), np.array([-4, 0, 100])
    values = lowest + rng.integers(-1, 10, (50, 3))
    values[0] = [-(2**52), 2**52, 108]
    encoder = Encoder()
    encoder.tabulated(values, tables, lowest)
    decoder = Decoder(encoder.finish())
    np.testing.assert_array_equal(decoder.tabulated(tables, lowest, 50), values)


def test_groups_share_one_string():
    """Groups of all kinds come back from one string in their order (exact)."""
    tables = np.ones((2, 5))
    encoder = Encoder()
    encoder.symbols([3, 0], np.ones(4))
    encoder.tabulated([[1, 9], [-3, 2]], tables, [0, 0])
    encoder.symbols([1], np.ones(2))
    decoder = Decoder(encoder.finish())
    assert decoder.symbols(np.ones(4), n=2).tolist() == [3, 0]
    assert decoder.tabulated(tables, [0, 0], n=2).tolist() == [[1, 9], [-3, 2]]
    assert decoder.symbol(np.ones(2)) == 1


def test_damage_gives_values_or_an_error():
    """Random bytes decode to values of the alphabet or raise ValueError (600 draws)."""
    rng = np.random.default_rng(6)
    num_errors = 0
    for i in range(200):
        data = b"\xff" * 8 if i == 0 else rng.bytes(rng.integers(0, 40))
        for read in (
            lambda d: d.symbols([0.2, 0.8, 1e-9], n=200),
            lambda d: d.tabulated(np.ones((2, 3)), [0, 0], n=60),
        ):
            try:
                assert read(Decoder(data)).dtype == np.int64
            except ValueError as error:
                assert "damaged" in str(error)
                num_errors += 1
    assert 0 < num_errors < 300


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda: encode_symbols([3], [0.5, 0.5]), "from 0 to 1"),
        (lambda: encode_symbols([0.0], [0.5, 0.5]), "round before"),
        (lambda: encode_symbols([0], [1.0]), "m >= 2"),
        (lambda: encode_symbols([0], [np.nan, 1.0]), "finite"),
        (lambda: encode_symbols([0], [-0.5, 1.0]), "smallest entry is -0.5"),
        (lambda: encode_symbols([0, 1], [[0.5, 0.5]]), "one row per symbol"),
        (lambda: Encoder().tabulated([[2**53]], np.ones((1, 3)), [0]), "2\\^52"),
        (lambda: Encoder().tabulated([[0]], np.ones((2, 3)), [0, 0]), "2 columns"),
        (lambda: Decoder(b"").symbols([0.5, 0.5]), "n must say"),
    ],
)
def test_wrong_arguments(encode, words):
    """What cannot be coded is refused, with the value or the remedy."""
    with pytest.raises(ValueError, match=words):
        encode()


def test_missing_library(monkeypatch):
    """Without constriction the message names the extra."""
    monkeypatch.setitem(sys.modules, "constriction", None)
    with pytest.raises(ImportError, match="semcom-phy\\[entropy\\]"):
        Encoder()
