"""What one end of the link knows of the channel, as codecs are told it."""

from typing import Any, NamedTuple


class Csi(NamedTuple):
    """Channel knowledge at one end of the link.

    Attributes
    ----------
    h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel, estimated from pilots or perfect

    snr_db : [batch], `float32`
        Average SNR per receive antenna, estimated or perfect [dB]

    told : :class:`Csi` or `None`
        What the transmitter was told, where it is something else: known to both ends
    """

    h_hat: Any
    snr_db: Any
    told: Any = None

    @property
    def at_transmitter(self):
        """:class:`Csi` : What the transmitter goes by."""
        return self if self.told is None else self.told
