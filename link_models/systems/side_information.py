"""How a system sends the side information of a codec.

Each has a ``room`` in the frame [symbols] (`None`: as much as every message takes), and
``bind(view, snr_db)``: the protection of a batch by what both ends know of it.
"""

from functools import lru_cache

import numpy as np

from link_models.links.expected_fades import expected_sinr
from semcom_phy.channel_coding.mcs import Mcs, all_schemes
from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.messages.short_message import MAX_SYMBOLS, ShortMessage
from semcom_phy.channel_coding.messages.small_block import FORMATS, SmallBlockMessage
from semcom_phy.channel_coding.protection import MessageProtection, ShortProtection

STRONG = Mcs(2, 1 / 3)  # of messages that have a room of their own: down to -1 dB
SCHEMES = (STRONG, *all_schemes())
# A lost message is an outage, some 13 dB at the usual rates, and PSNR falls by 3 to
# 4 dB per unit of the logarithm of the symbols that are left: 3 to 4 would serve the
# mean PSNR with the error rate of the usual message; that of a shorter one is higher.
OUTAGE_COST = 2.5
SHORT_BYTES = 24  # of a picture that has little to tell
LEAST_LEFT = 0.1  # of the frame, beside the longest message
NUM_FADES, SEED = 1000, 20212  # that the error rate is predicted from


class ShortSide:
    """One of a few messages, as long as the channel asks for.

    Parameters
    ----------
    num_values : `int`
        How many messages there are

    target_error_rate : `float`, in (0, 1), (default 1e-3)
        What its length is chosen for

    checked : `bool`, (default `True`)
        A receiver notices a wrong message, which takes a CRC and a polar code. Else
        numbers of at most 11 bits go by the code of small block lengths, as control
        information does in 5G
    """

    room = max(MAX_SYMBOLS, FORMATS[-1] // 2)  # those of the longest format

    def __init__(self, num_values, target_error_rate=1e-3, checked=True):
        self._small = not checked and num_values <= 2**SmallBlockMessage.most_bits
        code = SmallBlockMessage if self._small else ShortMessage
        self.message = code(num_values, target_error_rate)

    @classmethod
    def of(cls, encoder):
        """As a codec with ``side_values`` asks for it."""
        rate, checked = encoder.side_error_rate, encoder.side_checked
        return cls(encoder.side_values, rate, checked)

    def bind(self, view, snr_db):
        # A polar code has a margin for what the estimate of the channel is off by.
        sinr = view.detected_sinr if self._small else view.sinr
        return ShortProtection(self.message, sinr)


class MessageSide:
    r"""Byte strings, under the scheme that both ends choose by the average SNR.

    Of the schemes of link adaptation, and QPSK at rate 1/3, it is the one of the least
    cost

    .. math::
        2.5\, p - \ln(1 - s)

    with the predicted error rate :math:`p`, the mean over fades that may come, and the
    share :math:`s` of the frame that the usual message takes. Separate coding chooses
    its scheme from the same knowledge.

    Parameters
    ----------
    most_bytes : `int`
        Of the longest message; usual ones have half of it, and errors are those of half
        of that, or of 24 bytes where this is less, since shorter ones fail more often

    room : `bool`
        Reserve room for the longest message at QPSK and rate 1/3, and choose among
        schemes that take no more, instead of what every message takes
    """

    def __init__(self, most_bytes, room):
        self.most_bytes = most_bytes
        # A header that can only mean what fits is less easily mistaken.
        self.segment_bytes = 255 if most_bytes < 255 else 4095
        self.protection = lru_cache(maxsize=None)(self._protection)
        self.scheme = lru_cache(maxsize=64)(self._scheme)
        self.room = self._symbols(STRONG, most_bytes) if room else None

    def bind(self, view, snr_db):
        return self.protection(self.scheme(view.channel, float(snr_db)))

    def _protection(self, mcs):
        return MessageProtection(ProtectedMessage(mcs, self.segment_bytes))

    def _symbols(self, mcs, num_bytes):
        return self.protection(mcs).message.num_symbols(num_bytes)

    def _scheme(self, channel, snr_db):
        """The :class:`~semcom_phy.channel_coding.mcs.Mcs` at an average SNR."""
        usual = max(1, self.most_bytes // 2)
        short = min(max(1, usual // 2), SHORT_BYTES)
        num_symbols = channel.framing.num_symbols
        most = self.room or (1 - LEAST_LEFT) * num_symbols
        sinr = list(expected_sinr(channel, snr_db, NUM_FADES, SEED))

        def cost(mcs):
            message = self.protection(mcs).message
            lost = [message.error_rate(short, part) for part in sinr]
            left = 1 - self._symbols(mcs, usual) / num_symbols
            return OUTAGE_COST * np.concatenate(lost).mean() - np.log(left)

        fitting = [m for m in SCHEMES if self._symbols(m, self.most_bytes) <= most]
        return min(fitting, key=cost, default=STRONG)
