"""What a channel estimate says to who knows the statistics of channel and noise."""

import numpy as np
from keras import ops

from semcom_phy.phy.estimation.interpolation import LMMSEInterpolator


class ConditionalMean:
    r"""Mean of a selective channel given its interpolated least-squares estimate.

    Interpolations leave the LS estimates as they are where pilots were sent; the mean
    of the whole grid follows from these by :class:`LMMSEInterpolator`. An estimate that
    was averaged over the OFDM symbols with pilots holds their average alone.

    Parameters
    ----------
    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        One slot

    num_streams : `int`
        Number of streams, Nt

    cov_time : [num_ofdm_symbols] * 2, `complex64`
        Covariance of the channel over OFDM symbols

    cov_freq : [num_effective_subcarriers] * 2, `complex64`
        Covariance over effective subcarriers

    averaged : `bool`, (default `False`)
        Estimates are averages over the OFDM symbols with pilots

    Input
    -----
    h_hat : [batch, slots, num_rx_ant, Nt, T, F], `complex64`
        Estimates of a channel of unit power

    no : [batch], `float32`
        Noise variance [linear]

    Output
    ------
    mean : as ``h_hat``
    """

    def __init__(self, grid, num_streams, cov_time, cov_freq, averaged=False):
        rows = grid.pilot_ofdm_symbols
        self._interpolate = LMMSEInterpolator(
            rows, num_streams, cov_time, cov_freq, averaged
        )
        self._read = list(rows[:1]) if averaged else list(rows)
        energy = np.max(np.abs(grid.pilots(num_streams))) ** 2
        if averaged:
            energy *= len(rows)
        self._error = 1.0 / float(energy)

    def __call__(self, h_hat, no):
        shape = tuple(h_hat.shape)
        batch, slots, receive, transmit = shape[:4]
        pilots = ops.take(h_hat, np.array(self._read), axis=4)
        pilots = ops.reshape(pilots, (batch * slots, 1, receive, 1, transmit, -1))
        error = ops.repeat(no * self._error, slots)
        error = ops.reshape(error, (-1, 1, 1, 1, 1, 1))
        error = ops.broadcast_to(error, (batch * slots, *pilots.shape[1:]))
        mean, _ = self._interpolate(pilots, error)
        return ops.reshape(mean, shape)
