"""Cyclic redundancy checks of 3GPP TS 38.212 over words of any length."""

from functools import lru_cache

import numpy as np
from keras import ops
from sionna.phy.fec.crc import CRCEncoder

_PIECE = 4096  # bits handled at once; Sionna's matrix for a whole frame takes seconds


class Crc:
    r"""Check bits of one generator polynomial, whatever the length of the word.

    With :math:`m(x) = m_1(x)\,x^L + m_2(x)` and the check bits :math:`r_1` of
    :math:`m_1`, those of :math:`m` are the check bits of the :math:`L` bits of
    :math:`m_2` with :math:`r_1` added to the first of them. A word is therefore taken
    piece by piece, zeros in front of it, and one matrix of Sionna's
    :class:`~sionna.phy.fec.crc.CRCEncoder` serves all lengths.

    Parameters
    ----------
    name : "CRC24A" | "CRC24B" | "CRC24C" | "CRC16" | "CRC11" | "CRC6"
        Polynomial of TS 38.212, clause 5.1

    Input
    -----
    bits : [batch, num_bits], 0 | 1

    Output
    ------
    `append` : [batch, num_bits + length], `uint8`
        The word with its check bits

    `holds` : [batch], `bool`
        Whether the last ``length`` bits are the check bits of those before

    Example
    -------
    >>> crc = Crc("CRC16")
    >>> word = crc.append(np.ones((1, 10_000), np.uint8))
    >>> word.shape, crc.holds(word)
    ((1, 10016), array([ True]))
    """

    def __init__(self, name):
        self._encoder = _encoder(name)
        self.length = self._encoder.crc_length

    def append(self, bits):
        bits = np.asarray(bits, np.uint8)
        return np.concatenate([bits, self._checks(bits)], axis=1)

    def holds(self, bits):
        word, checks = bits[:, : -self.length], bits[:, -self.length :]
        return (self._checks(word) == checks).all(axis=1)

    def _checks(self, bits):
        padded = np.pad(bits, ((0, 0), (-bits.shape[1] % _PIECE, 0)))
        checks = np.zeros((len(bits), self.length), np.uint8)
        for start in range(0, padded.shape[1], _PIECE):
            piece = padded[:, start : start + _PIECE].astype(np.float32)
            piece[:, : self.length] = piece[:, : self.length] != checks
            coded = self._encoder(ops.convert_to_tensor(piece))
            checks = ops.convert_to_numpy(coded)[:, _PIECE:].astype(np.uint8)
        return checks


@lru_cache
def _encoder(name):
    return CRCEncoder(name)
