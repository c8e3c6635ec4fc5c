"""What one end of the link knows of the channel, as codecs are told it."""

import math
from typing import Any, NamedTuple

from keras import ops

from semcom_phy.snr import db_to_linear


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


class SnrRange(NamedTuple):
    """The SNRs that networks were trained for: they are told none beyond.

    Attributes
    ----------
    low_db, high_db : `float`
        Ends of the range [dB]

    Example
    -------
    >>> SnrRange(-1.0, 21.0).told([-5.0, 8.0, 40.0]).tolist()
    [-1.0, 8.0, 21.0]
    """

    low_db: float
    high_db: float

    def told(self, snr_db):
        """What networks are told of an SNR: itself, or the nearer end of the range.

        Input
        -----
        snr_db : [batch], `float32`
            [dB]
        """
        return ops.clip(ops.convert_to_tensor(snr_db), self.low_db, self.high_db)

    def told_no_eff(self, no_eff, snr_db):
        """What networks are told of error variances: above the range, those that the
        same reception has at its upper end.

        An SNR and an error that do not belong together were not seen in training
        either. Below the range the errors stay what they are: to call a symbol better
        than it is would make it weigh too much.

        Input
        -----
        no_eff : [batch, ...], `float32`
            [linear]

        snr_db : [batch], `float32`
            SNR of the reception [dB]
        """
        excess = ops.maximum(ops.convert_to_tensor(snr_db) - self.high_db, 0.0)
        excess = ops.reshape(excess, (-1,) + (1,) * (len(no_eff.shape) - 1))
        return ops.multiply(no_eff, db_to_linear(excess))


EVERY_SNR = SnrRange(-math.inf, math.inf)
