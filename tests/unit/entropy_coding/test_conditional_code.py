"""Code of numbers in contexts that both ends know."""

import numpy as np
import pytest

from semcom_phy.entropy_coding.conditional_code import ConditionalCode
from semcom_phy.entropy_coding.range_coder import Decoder, Encoder


def draw(seed, count):
    rng = np.random.default_rng(seed)
    contexts = rng.integers(3, size=count)
    skewed = rng.random((count, 5)) ** np.array([[3], [1], [9]])[contexts]
    return contexts, skewed.argmin(axis=1) // (1 + contexts)


def trained():
    contexts, indices = draw(0, 4000)
    return ConditionalCode.fit(contexts, indices, 3, 5)


def test_what_is_read_is_what_was_written():
    """Beside other things in the same stream, by a code from its own JSON (exact)."""
    code = trained()
    contexts, indices = draw(1, 500)
    encoder = Encoder()
    encoder.symbols([1], [0.5, 0.5])
    code.write(encoder, indices, contexts)
    decoder = Decoder(encoder.finish())
    assert decoder.symbol([0.5, 0.5]) == 1
    again = ConditionalCode.from_dict(code.to_dict()).read(decoder, contexts)
    np.testing.assert_array_equal(again, indices)


def test_bytes_are_as_many_as_the_information():
    """Within 2 bytes; never seen indices cost more, and are not impossible."""
    code = trained()
    contexts, indices = draw(2, 800)
    encoder = Encoder()
    code.write(encoder, indices, contexts)
    bits = code.cost_bits(indices, contexts)
    assert abs(8 * len(encoder.finish()) - bits) < 16
    rare = np.full(800, 4), np.full(800, 2)
    assert code.cost_bits(*rare) > 3 * bits


@pytest.mark.parametrize(
    "counts", [np.zeros(3, int), np.zeros((2, 1), int), np.zeros((2, 2)), [[1, -1]]]
)
def test_counts_that_are_none_are_refused(counts):
    """The message says what they must be."""
    with pytest.raises(ValueError, match="counts must"):
        ConditionalCode(counts)
