"""A caption as GenED-SC sends it: UTF-8, LDPC of rate 1/2, 16-QAM, as long as it takes.

    caption --> UTF-8 --bytes--> header, CRC, 5G LDPC of rate 1/2 --> 16-QAM --> x

The paper says nothing of how the receiver learns the length, or that a caption arrived
whole: here a polar-coded header of 32 QPSK symbols tells the first, and a CRC of the
code words the second; both are charged
(:class:`~semcom_phy.channel_coding.messages.protected_message.ProtectedMessage`). Below
some 6 dB the code does not decode; nothing adapts to that.
"""

from link_models.systems.captions.word_choice import leading
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.protection import MessageProtection
from semcom_phy.phy.segments import Digital
from semcom_phy.source_coding import DecodeError

SCHEME = Mcs(4, 1 / 2)
MOST_BYTES = 255


class PlainCaption:
    """As of :class:`~.captioned.Sender`.

    A caption without words is sent as an empty message, and arrives as one.

    Parameters
    ----------
    most_bytes : `int`, (default 255)
        Longest caption that the frame holds; of a longer one the first words are sent
    """

    knows = ()
    room = None

    def __init__(self, most_bytes=MOST_BYTES):
        self.most_bytes = most_bytes
        self._protection = MessageProtection(ProtectedMessage(SCHEME))
        self.num_symbols = self._protection.message.num_symbols(most_bytes)

    def describe(self):
        return {
            "source_codec": "UTF-8",
            "channel_code": f"5G LDPC, {SCHEME}",
            "symbols": "as long as it takes",
            "most_bytes": self.most_bytes,
            "scheme": "fixed; the length is sent in a header and charged",
        }

    def encode(self, captions, snr_db):
        sent = [
            leading(caption.split(), _num_bytes, self.most_bytes + 1)
            for caption in captions
        ]
        payloads = [" ".join(words).encode("utf-8") for words in sent]
        return Digital(payloads, self._protection), [len(words) for words in sent]

    def read(self, payload):
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError as error:  # the CRC passed by chance
            raise DecodeError(f"damaged text: {error}") from error


def _num_bytes(word):
    return len(word.encode("utf-8")) + 1  # and the blank before the next one
