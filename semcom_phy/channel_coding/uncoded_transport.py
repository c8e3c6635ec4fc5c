"""Uncoded transport: bits to QAM symbols, and back by the nearest point."""

import numpy as np
from keras import ops

from semcom_phy.channel_coding.mcs import MODULATION_ORDERS
from semcom_phy.channel_coding.qam import qam_decide, qam_modulate


class UncodedTransport:
    """Sends bits as QAM symbols without any code, with the contract of `Transport`.

    Parameters
    ----------
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]
    num_symbols : `int`, >= 1
        Complex data symbols per block [channel uses]; all of them carry bits

    Raises
    ------
    ValueError
        If the modulation order is not one of these.
    """

    def __init__(self, modulation_order, num_symbols):
        if modulation_order not in MODULATION_ORDERS:
            raise ValueError(
                f"An uncoded QAM symbol carries one of {MODULATION_ORDERS} bits. "
                f"Received: {modulation_order}"
            )
        self.modulation_order, self.num_symbols = modulation_order, num_symbols

    @property
    def transport_block_bits(self):
        """Bits of a block [bit]."""
        return self.modulation_order * self.num_symbols

    def encode_blocks(self, blocks):
        """Symbols [batch, num_symbols], `complex64`, of bits [batch, block bits]."""
        return qam_modulate(blocks, self.modulation_order)

    def decode_blocks(self, x_hat, no_eff):
        """Decides symbols.

        Input
        -----
        x_hat : [batch, num_symbols], `complex64`
            Equalised symbols, unbiased
        no_eff : [batch, num_symbols], `float32`
            Error variance of ``x_hat``; the nearest point does not depend on it

        Output
        ------
        bits : [batch, transport_block_bits], `uint8`
        ok : [batch], `bool`
            True: nothing checks them
        """
        del no_eff
        bits = qam_decide(ops.convert_to_numpy(x_hat), self.modulation_order)
        return bits, np.ones(len(bits), bool)
