"""Error rates of short code words where only the average SNR is known."""

from functools import lru_cache

import numpy as np

from link_models.links.expected_fades import expected_sinr

MODULATION_ORDERS = (2, 4, 6)  # that there are predictions for
NUM_ADAPTATION_FADES = 1000
_SIZES_KEPT = 4096


class BlockOutage:
    """Predicts by what share of the fades that may come a code word is lost.

    Parameters
    ----------
    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    seed : `int`
        Fixes the fades

    Input
    -----
    block : :class:`~semcom_phy.channel_coding.messages.short_block.BlockFormat`

    snr_db : `float`
        Average SNR [dB]

    Output
    ------
    : `float`, 0 to 1
        1 where there is no code for the block
    """

    def __init__(self, blocks, channel, seed):
        self.blocks, self.channel, self.seed = blocks, channel, seed
        self._sinr = lru_cache(maxsize=64)(self._predict_sinr)
        self._outage = lru_cache(maxsize=_SIZES_KEPT)(self._predict)

    def __call__(self, block, snr_db):
        return self._outage(block, float(snr_db))

    def _predict(self, block, snr_db):
        rates = [self.blocks.error_rate(block, sinr) for sinr in self._sinr(snr_db)]
        return float(np.concatenate(rates).mean())

    def _predict_sinr(self, snr_db):
        """SINR that may come, list of [fades, streams] arrays."""
        sinr = expected_sinr(self.channel, snr_db, NUM_ADAPTATION_FADES, self.seed)
        return list(sinr)
