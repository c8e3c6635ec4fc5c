"""How separate coding may send over a channel that it is fed back."""

from typing import NamedTuple

import numpy as np

from semcom_phy.phy.precoding import svd_precoder


class Mode(NamedTuple):
    """One way to use the antennas.

    Attributes
    ----------
    power : "equal" | "waterfilling" | `None`
        Powers of the eigenmodes, as of
        :func:`~semcom_phy.phy.precoding.svd_precoder`; `None`: a stream per antenna

    rank : `int`
        Streams in use, the strongest ones
    """

    power: str | None
    rank: int

    @property
    def title(self):
        """In records, `str`."""
        if self.power is None:
            return "antennas"
        return f"{self.rank} eigenmodes, {self.power}"


def eigenmode_choices(num_tx_ant):
    """Those that a transmitter chooses among, image by image, list of :class:`Mode`:
    the strongest 1, 2, ... eigenmodes with equal powers or by water-filling, and the
    antennas."""
    equal = [Mode("equal", rank) for rank in range(1, num_tx_ant + 1)]
    filled = [Mode("waterfilling", rank) for rank in range(2, num_tx_ant + 1)]
    return [*equal, *filled, Mode(None, num_tx_ant)]


def mode_precoder(mode, known, snr_db):
    """Its precoder.

    Input
    -----
    mode : :class:`Mode`

    known : :class:`~semcom_phy.phy.feedback.Prediction`
        The channel to come

    snr_db : [batch], `float32`
        Average SNR per receive antenna [dB]

    Output
    ------
    : [batch, num_tx_ant, num_tx_ant], `complex64`
    """
    if mode.power is None:
        num_tx_ant = known.mean.shape[3]
        antennas = np.eye(num_tx_ant, dtype="complex64")
        return np.broadcast_to(antennas, (len(known.mean), *antennas.shape))
    variance = known.variance.reshape(-1)
    return svd_precoder(known.mean, snr_db, mode.power, variance, mode.rank)
