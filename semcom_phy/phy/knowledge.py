"""What each end of the link knows, as codecs are told it."""

import math
from typing import Any, NamedTuple

from keras import ops

from semcom_phy.snr import db_to_linear


class TxKnowledge(NamedTuple):
    """What the transmitter knows when it encodes.

    Attributes
    ----------
    snr_db : [batch], `float32`
        Average SNR per receive antenna: the true one, or as fed back [dB]

    h_hat : [batch, draws, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`, or
    `None`
        Channel that was fed back, with the precoder if there is one: an estimate, or
        several equally likely channels; `None` where only the SNR is known

    num_symbols : `int`
        Complex symbols that a frame holds for the data of a sample

    budget : [batch], `float32`, or `None`
        Complex symbols that a codec is asked to take, where it does not choose or fill
        the frame

    levels : [batch, rows, columns], `float32`, or `None`
        Importance of the patches, -1 where nothing is known of it

    median_snr_db : [batch], `float32`, or `None`
        SNR after detection that half of all frames reach, by the average SNR and the
        statistics of the channel, for codecs that are told it [dB]
    """

    snr_db: Any
    h_hat: Any = None
    num_symbols: int = 0
    budget: Any = None
    levels: Any = None
    median_snr_db: Any = None

    @property
    def reached_snr_db(self):
        """``median_snr_db``, or ``snr_db`` where the channel does not fade."""
        return self.snr_db if self.median_snr_db is None else self.median_snr_db


class RxKnowledge(NamedTuple):
    """What the receiver knows when it decodes.

    Attributes
    ----------
    snr_db : [batch], `float32`
        Average SNR per receive antenna, measured on the pilots of the frame, or
        perfect [dB]

    h_hat : [batch, slots, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
        Channel, estimated from pilots or perfect, with the precoder if there is one

    fed_back : :class:`TxKnowledge`
        What the transmitter knew of SNR and channel, and nothing else: the receiver fed
        it back
    """

    snr_db: Any
    h_hat: Any = None
    fed_back: Any = None


class SnrRange(NamedTuple):
    """The SNRs that networks were trained for: they are told none beyond.

    Attributes
    ----------
    low_db, high_db : `float`
        Ends of the range [dB]

    Example
    -------
    >>> told = SnrRange(-1.0, 21.0).clip([-5.0, 8.0, 40.0])
    >>> ops.convert_to_numpy(told).tolist()
    [-1.0, 8.0, 21.0]
    """

    low_db: float
    high_db: float

    def clip(self, snr_db):
        """What networks are told of an SNR: itself, or the nearer end of the range.

        Input
        -----
        snr_db : [batch], `float32`
            [dB]
        """
        return ops.clip(ops.convert_to_tensor(snr_db), self.low_db, self.high_db)

    def clip_no_eff(self, no_eff, snr_db):
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
