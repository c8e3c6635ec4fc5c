"""Transport with a regular LDPC code: bits to QAM symbols, and back."""

import numpy as np
from keras import ops

from semcom_phy.channel_coding.mcs import MODULATION_ORDERS
from semcom_phy.channel_coding.qam import qam_demap, qam_modulate


class RegularTransport:
    """Fills a frame with code words of one code, with the contract of `Transport`.

    The bits of the words follow each other without interleaver, CRC or segmentation;
    the last symbol in use is filled up with zeros, and symbols that no further word
    fits into stay empty (x = 0).

    Parameters
    ----------
    code : :class:`~semcom_phy.channel_coding.regular_ldpc.RegularLDPCCode`
        ``n`` coded bits of ``k``
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]
    num_symbols : `int`, >= 1
        Complex data symbols per block [channel uses]

    Raises
    ------
    ValueError
        If the modulation order is not one of these, or no code word fits.
    """

    def __init__(self, code, modulation_order, num_symbols):
        if modulation_order not in MODULATION_ORDERS:
            raise ValueError(
                f"A QAM symbol carries one of {MODULATION_ORDERS} bits. Received: "
                f"{modulation_order}"
            )
        self.num_words = num_symbols * modulation_order // code.n
        if not self.num_words:
            raise ValueError(
                f"A code word of {code.n} bits does not fit into {num_symbols} symbols "
                f"of {modulation_order} bits; use a shorter code or more symbols."
            )
        self.code, self.num_symbols = code, num_symbols
        self.modulation_order = modulation_order
        self._num_used = -(-self.num_words * code.n // modulation_order)

    @property
    def transport_block_bits(self):
        """Information bits of all code words of a frame [bit]."""
        return self.num_words * self.code.k

    def encode_blocks(self, blocks):
        """Symbols [batch, num_symbols], `complex64`, of bits [batch, block bits]."""
        words = self.code.encode(blocks.reshape(-1, self.code.k))
        words = words.reshape(len(blocks), -1)
        num_bits = self._num_used * self.modulation_order
        code_bits = np.zeros((len(blocks), num_bits), np.uint8)
        code_bits[:, : words.shape[1]] = words
        x = np.zeros((len(blocks), self.num_symbols), np.complex64)
        x[:, : self._num_used] = qam_modulate(code_bits, self.modulation_order)
        return x

    def decode_blocks(self, x_hat, no_eff):
        """Decodes symbols.

        Input
        -----
        x_hat : [batch, num_symbols], `complex64`
            Equalised symbols, unbiased
        no_eff : [batch, num_symbols], `float32`, > 0
            Error variance of ``x_hat`` [linear]

        Output
        ------
        bits : [batch, transport_block_bits], `uint8`
        ok : [batch], `bool`
            True: there is no CRC
        """
        used = slice(0, self._num_used)
        x_hat, no_eff = (ops.convert_to_numpy(a)[:, used] for a in (x_hat, no_eff))
        llr = qam_demap(x_hat, no_eff, self.modulation_order)
        llr = llr[:, : self.num_words * self.code.n].reshape(-1, self.code.n)
        bits = self.code.decode(llr).reshape(len(x_hat), -1)
        return bits, np.ones(len(bits), bool)
