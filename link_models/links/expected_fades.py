"""Fades that stand for a channel where only its average SNR is known."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from keras import ops

from semcom_phy.layers.adaptation.snr_embedding import hat_embedding
from semcom_phy.phy.feedback import draw_seeds
from semcom_phy.phy.fixed_draws import NUM_PREDICTED
from semcom_phy.seeding import derived_seed, private_streams
from semcom_phy.snr import snr_db_to_no

SYMBOLS_AT_ONCE = 500_000  # bounds the memory of channels that vary over the frame
_LEAST = 100
KNOTS_DB = tuple(float(snr) for snr in range(-10, 41, 5))  # of the median SNR
NUM_FADES, SEED = 1000, 20211  # that it is found from


def expected_fades(channel, most, seed):
    """Yields fades of a channel, in parts that fit into memory.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    most : `int`
        Fades in all; fewer, down to 100, on channels that vary over a long frame,
        which average by themselves

    seed : `int`
        Fixes the fades

    Output
    ------
    h : [part, slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
    """
    at_once = fades_at_once(channel)
    if at_once < most:
        most = min(most, max(_LEAST, 20 * at_once))
    seeds = draw_seeds(seed, most)
    for start in range(0, most, at_once):
        part = seeds[start : start + at_once]
        if channel.channel_model.is_flat:
            yield channel.sample_each(part)
            continue
        with private_streams(derived_seed(seed, start)):  # one by one takes too long
            h = channel.sample(len(part))
        yield h


def expected_sinr(channel, snr_db, most, seed):
    """Yields SINRs after detection that may come at an average SNR, in parts that fit
    into memory.

    Parameters
    ----------
    channel, most, seed
        As of :func:`expected_fades`

    snr_db : `float`
        Average SNR per receive antenna [dB]

    Output
    ------
    sinr : [part, num_streams] or [part, num_symbols], `float64`
        [linear]
    """
    no = snr_db_to_no(snr_db, channel.num_tx_ant)
    for h in expected_fades(channel, most, seed):
        yield ops.convert_to_numpy(channel.predict_sinr(h, no)).astype(float)


def fades_at_once(channel):
    """Fades that fit into memory together, `int`, a multiple of NUM_PREDICTED."""
    size = channel.framing.num_symbols
    if channel.channel_model.is_flat:
        size = channel.framing.num_slots
    return max(1, SYMBOLS_AT_ONCE // size // NUM_PREDICTED) * NUM_PREDICTED


@dataclass(frozen=True)
class MedianSnr:
    """SNR after detection that half of all frames reach, by the average SNR.

    Attributes
    ----------
    of_average : [num_knots], `float32`
        At the average SNRs ``KNOTS_DB`` [dB]
    """

    of_average: np.ndarray

    def interpolated(self, snr_db):
        """:meth:`at` of an array, without a tensor."""
        return np.interp(snr_db, KNOTS_DB, self.of_average)

    def at(self, snr_db):
        """Interpolated; held at the outermost knots.

        Input
        -----
        snr_db : [batch], `float32`
            Average SNR per receive antenna [dB]

        Output
        ------
        : [batch], `float32`
        """
        weights = hat_embedding(ops.convert_to_tensor(snr_db, "float32"), KNOTS_DB)
        return ops.matmul(weights, self.of_average[:, None])[:, 0]


@lru_cache(maxsize=16)
def median_snr(channel):
    """What both ends expect of a channel by its statistics: a :class:`MedianSnr`.

    The capacity of the streams, or elements, of a frame makes one SNR of theirs.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
    """
    medians = []
    for snr_db in KNOTS_DB:
        capacity = [
            np.log1p(sinr).mean(axis=1)
            for sinr in expected_sinr(channel, snr_db, NUM_FADES, SEED)
        ]
        median = np.median(np.concatenate(capacity))
        medians.append(10 * np.log10(np.expm1(median)))
    return MedianSnr(np.array(medians, "float32"))
