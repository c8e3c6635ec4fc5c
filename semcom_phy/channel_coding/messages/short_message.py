"""A few protected bits beside an image: 5G polar code and QPSK, length by the channel.

number --> 12 or more bits --> CRC, 5G polar code, repetition --> QPSK symbols
"""

import contextlib
import io
from functools import lru_cache

import numpy as np
from keras import ops
from scipy.special import ndtr
from sionna.phy.fec.polar import Polar5GDecoder, Polar5GEncoder

from semcom_phy.channel_coding.messages.number_message import NumberMessage
from semcom_phy.channel_coding.mutual_information import bicm_capacity
from semcom_phy.channel_coding.qam import qam_demap, qam_modulate

MIN_BITS = 12  # the smallest payload of the 5G polar code in the uplink
LIST_SIZE = 8
# Coded bits before repetition, and repetitions; the number of symbols is half the
# product. Beyond 64 coded bits repetition costs little and keeps decoding fast.
FORMATS = ((24, 1), (32, 1), (48, 1), (64, 1), (64, 2), (64, 3), (64, 4))
MAX_SYMBOLS = max(coded * times // 2 for coded, times in FORMATS)


class ShortMessage(NumberMessage):
    r"""Numbers below a limit, sent on as few symbols as the channel allows.

    Unused payload bits are 0; a receiver that finds them otherwise, or a wrong CRC,
    knows that the message is lost. It also takes a message for lost that the channel
    cannot have carried: below capacity a list decoder passes a CRC of 6 bits by chance
    once in some 30 times.

    Parameters
    ----------
    num_values : `int`
        Messages are the numbers from 0 to ``num_values - 1``; at most 2^20

    target_error_rate : `float`, in (0, 1), (default 1e-3)
        What :meth:`choose_format` aims at

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    3GPP TS 38.212, clause 5.3.1, without the three further parity bits of clause
    6.3.1.3.1, which Sionna leaves out. The rate is chosen by the normal approximation
    of Y. Polyanskiy, H. V. Poor, S. Verdu, "Channel coding rate in the finite
    blocklength regime", IEEE Trans. Inf. Theory 2010, with a margin.
    """

    margin_bits = 3.0
    most_bits = 20

    def __init__(self, num_values, target_error_rate=1e-3):
        super().__init__(num_values, target_error_rate)
        self.num_bits = max(MIN_BITS, self.needed_bits)

    @property
    def num_symbols(self):
        """Symbols of every format, upwards, `tuple` of `int`."""
        return tuple(coded * times // 2 for coded, times in FORMATS)

    def choose_format(self, sinr):
        """Shortest format that meets the target error rate, the longest if none does.

        Input
        -----
        sinr : [batch, num_draws, num_streams], `float`
            SINR of the streams after detection [linear], known at both ends: of one
            channel that is known, or of draws of one that is known in part, whose
            error rates are averaged

        Output
        ------
        : [batch], `int`
            Index of the format
        """
        sinr_db = 10 * np.log10(np.maximum(sinr, 1e-9))
        info = bicm_capacity(2, sinr_db).mean(axis=-1) / 2  # per coded bit
        spread = 2 * np.log2(np.e) * np.maximum(info * (1 - info), 1e-12)
        chosen = np.full(len(info), len(FORMATS) - 1)
        crc_bits = 6 if self.num_bits < 20 else 11
        for i in reversed(range(len(FORMATS))):
            length = FORMATS[i][0] * FORMATS[i][1]
            missing = self.num_bits + crc_bits + self.margin_bits - length * info
            error_rate = ndtr(missing / np.sqrt(length * spread)).mean(axis=-1)
            fits = error_rate <= self.target_error_rate
            # A code of too high a rate does not exist.
            fits &= FORMATS[i][0] >= self.num_bits + crc_bits
            chosen = np.where(fits, i, chosen)
        return chosen

    def encode(self, values, formats):
        """Numbers to symbols.

        Input
        -----
        values : [batch], `int`
            From 0 to ``num_values - 1``

        formats : [batch], `int`
            From :meth:`choose_format`

        Output
        ------
        x : [batch, max(num_symbols)], `complex64`
            QPSK symbols of unit power, 0 behind those of the format

        Raises
        ------
        ValueError
            If a number is out of its range.
        """
        bits = self.bits(values, self.num_bits)
        x = np.zeros((len(bits), self.num_symbols[-1]), np.complex64)
        for i, (coded, times) in enumerate(FORMATS):
            index = np.flatnonzero(formats == i)
            if len(index):
                word = _codec(self.num_bits, coded)[0](bits[index].astype("float32"))
                word = np.asarray(ops.convert_to_numpy(word)).astype(np.int64)
                symbols = qam_modulate(np.tile(word, (1, times)), 2)
                x[index, : symbols.shape[1]] = symbols
        return x

    def decode(self, x_hat, no_eff, formats):
        """Symbols to numbers.

        Input
        -----
        x_hat : [batch, max(num_symbols)], `complex64`
            Unbiased estimates

        no_eff : [batch, max(num_symbols)], `float32`
            Their error variances [linear]

        formats : [batch], `int`
            From :meth:`choose_format`

        Output
        ------
        values : [batch], `int`
            -1 where the message is lost

        received : [batch], `bool`
            False where the CRC failed, an unused bit is not 0, or the symbols carry
            less mutual information than the message has bits
        """
        values = np.full(len(x_hat), -1)
        for i, (coded, times) in enumerate(FORMATS):
            index = np.flatnonzero(formats == i)
            if not len(index):
                continue
            used = slice(0, coded * times // 2)
            llr = qam_demap(x_hat[index, used], no_eff[index, used], 2)
            llr = np.asarray(llr).reshape(len(index), times, coded).sum(axis=1)
            bits, crc_ok = _codec(self.num_bits, coded)[1](llr)
            weights = 1 << np.arange(self.num_bits)[::-1]
            number = bits.astype(np.int64) @ weights
            snr_db = -10 * np.log10(np.maximum(no_eff[index, used], 1e-9))
            carried = bicm_capacity(2, snr_db).sum(axis=1) >= self.num_bits
            good = crc_ok & carried & (number < self.num_values)
            values[index] = np.where(good, number, -1)
        return values, values >= 0


@lru_cache(maxsize=32)
def _codec(num_bits, coded_bits):
    """Encoder, and decoder that returns bits and CRC status as NumPy arrays."""
    with contextlib.redirect_stdout(io.StringIO()):
        # Sionna prints that it leaves out the parity bits of short messages.
        encoder = Polar5GEncoder(num_bits, coded_bits)
    decoder = Polar5GDecoder(
        encoder, dec_type="SCL", list_size=LIST_SIZE, return_crc_status=True
    )

    def decode(llr):
        bits, crc_ok = decoder(ops.convert_to_tensor(np.asarray(llr, "float32")))
        bits = np.asarray(ops.convert_to_numpy(bits))
        return bits, np.asarray(ops.convert_to_numpy(crc_ok)).astype(bool).reshape(-1)

    return encoder, decode
