"""CRCs piece by piece are those of the whole word."""

import numpy as np
import pytest
from sionna.phy.fec.crc import CRCEncoder

from semcom_phy.channel_coding.crc import Crc


@pytest.mark.parametrize("name", ["CRC16", "CRC24A", "CRC24B"])
@pytest.mark.parametrize("size", [1, 40, 4095, 4096, 4097, 9000])
def test_equals_sionna(name, size):
    """Check bits of words below, at and above the piece (exact)."""
    bits = np.random.default_rng(size).integers(0, 2, (3, size), dtype=np.uint8)
    word = Crc(name).append(bits)
    expected = np.asarray(CRCEncoder(name)(bits.astype("float32")))
    np.testing.assert_array_equal(word, expected)


def test_every_bit_is_checked():
    """A word holds; with any one bit turned, in any piece, it does not (exact)."""
    crc = Crc("CRC24A")
    word = crc.append(np.random.default_rng(1).integers(0, 2, (1, 9000)))
    assert crc.holds(word).tolist() == [True]
    turned = np.tile(word, (40, 1))
    places = np.linspace(0, word.shape[1] - 1, 40).astype(int)
    turned[np.arange(40), places] ^= 1
    assert not crc.holds(turned).any()
