"""How a system sends the side information of a codec.

Each has a ``room`` in the frame [symbols] (`None`: as much as every message takes), and
``bind(view, snr_db)``: the protection of a batch by what both ends know of it.
"""

from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.protected_message import ProtectedMessage
from semcom_phy.channel_coding.protection import MessageProtection, ShortProtection
from semcom_phy.channel_coding.short_message import MAX_SYMBOLS, ShortMessage

# QPSK at rate 1/3 decodes from -1 dB on, at 1/2 from 2 dB on. The stronger code is
# left 5 dB below where the weaker one has as much in hand, and in every fade.
STRONG, WEAK, WEAK_FROM_DB = Mcs(2, 1 / 3), Mcs(2, 1 / 2), 7.0


class ShortSide:
    """One of a few messages, as long as the channel asks for.

    Parameters
    ----------
    num_values : `int`
        How many messages there are

    target_error_rate : `float`, in (0, 1), (default 1e-3)
        What its length is chosen for, as of
        :class:`~semcom_phy.channel_coding.short_message.ShortMessage`
    """

    room = MAX_SYMBOLS  # those of the longest format

    def __init__(self, num_values, target_error_rate=1e-3):
        self.message = ShortMessage(num_values, target_error_rate)

    def bind(self, view, snr_db):
        return ShortProtection(self.message, view.sinr)


class MessageSide:
    """Byte strings.

    Parameters
    ----------
    most_bytes : `int`
        Of the longest one

    steady : `bool`
        The channel does not fade: a weaker code will do where the SNR is high

    room : `bool`
        Reserve room for the longest message, instead of what every one takes
    """

    def __init__(self, most_bytes, steady, room):
        # A header that can only mean what fits is less easily mistaken.
        segment = 255 if most_bytes < 255 else 4095
        self._strong, self._weak = (
            MessageProtection(ProtectedMessage(mcs, segment)) for mcs in (STRONG, WEAK)
        )
        self.steady = steady
        most = self._strong.message.num_symbols(most_bytes)
        self.room = most if room else None

    def bind(self, view, snr_db):
        weak = self.steady and snr_db >= WEAK_FROM_DB
        return self._weak if weak else self._strong
