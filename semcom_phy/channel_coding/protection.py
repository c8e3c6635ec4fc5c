"""How byte strings are protected on a frame: what a digital segment is sent under.

Each of them is bound to what both ends know of a batch when it is made, and has

    counts(payloads) -> [batch] symbols that each takes
    encode(payloads) -> rows of [batch] symbols, of unit power
    decode(x_hat, no_eff) -> list of [batch] payloads, None where one is lost
"""

import numpy as np

from semcom_phy.channel_coding.messages.protected_message import ProtectedMessage
from semcom_phy.channel_coding.messages.short_block import ShortBlocks
from semcom_phy.channel_coding.messages.short_message import ShortMessage
from semcom_phy.channel_coding.messages.small_block import SmallBlockMessage


class ShortProtection:
    """Numbers as bytes, the first byte the highest, on a message of their own.

    Parameters
    ----------
    message : :class:`~semcom_phy.channel_coding.messages.short_message.ShortMessage` or
        :class:`~semcom_phy.channel_coding.messages.small_block.SmallBlockMessage`

    sinr : [batch, num_draws, num_streams], `float`
        As of :meth:`ShortMessage.choose_format`, known to both ends
    """

    def __init__(self, message: ShortMessage | SmallBlockMessage, sinr):
        self.message = message
        self.formats = message.choose_format(sinr)

    def counts(self, payloads):
        return np.array(self.message.num_symbols)[self.formats]

    def encode(self, payloads):
        numbers = [int.from_bytes(payload, "big") for payload in payloads]
        return self.message.encode(numbers, self.formats)

    def decode(self, x_hat, no_eff):
        numbers, received = self.message.decode(x_hat, no_eff, self.formats)
        size = number_bytes(self.message.num_values)
        return [
            int(number).to_bytes(size, "big") if good else None
            for number, good in zip(numbers, received, strict=True)
        ]


def number_bytes(num_values):
    """Bytes of the numbers below a limit, as :class:`ShortProtection` sends them."""
    return max(1, -(-(int(num_values) - 1).bit_length() // 8))


class MessageProtection:
    """Byte strings of any length, each as long as it is.

    Parameters
    ----------
    message : `ProtectedMessage`
    """

    def __init__(self, message: ProtectedMessage):
        self.message = message

    def counts(self, payloads):
        return np.array([self.message.num_symbols(len(p)) for p in payloads])

    def encode(self, payloads):
        return self.message.encode(payloads)

    def decode(self, x_hat, no_eff):
        return self.message.decode(list(x_hat), list(no_eff))[0]


class TransportProtection:
    """Byte strings up to a budget, each at a scheme of its own.

    A receiver finds the scheme by trying all of them against the CRC; here the one that
    was sent is decoded, and the chance that another one passes is left out.

    Parameters
    ----------
    transports : list of [batch] :class:`~semcom_phy.channel_coding.transport.Transport`
        All of one number of symbols; `None` for a sample that sends nothing
    """

    def __init__(self, transports, num_symbols):
        self.transports = list(transports)
        self.num_symbols = num_symbols

    def counts(self, payloads):
        return np.full(len(payloads), self.num_symbols)  # a frame is charged whole

    def encode(self, payloads):
        x = np.zeros((len(payloads), self.num_symbols), np.complex64)
        for transport, rows in self._groups():
            x[rows] = transport.encode([payloads[i] for i in rows])
        return x

    def decode(self, x_hat, no_eff):
        payloads = [None] * len(x_hat)
        for transport, rows in self._groups():
            found, _ = transport.decode(x_hat[rows], no_eff[rows])
            for i, payload in zip(rows, found, strict=True):
                payloads[i] = payload
        return payloads

    def _groups(self):
        """Transports in use, each with the samples that are sent by it."""
        rows = {}
        for i, transport in enumerate(self.transports):
            if transport is not None:
                rows.setdefault(transport, []).append(i)
        return [(transport, np.array(index)) for transport, index in rows.items()]


class BlockProtection:
    """Byte strings as short code words, each of a size and on symbols of its own.

    A receiver finds the size by trying, as that of :class:`TransportProtection` does.

    Parameters
    ----------
    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`

    formats : list of [batch] `BlockFormat`
        Of :mod:`semcom_phy.channel_coding.messages.short_block`; `None` for a sample
        that sends nothing

    num_symbols : [batch], `int`
        That each is charged, sent or not
    """

    def __init__(self, blocks: ShortBlocks, formats, num_symbols):
        self.blocks = blocks
        self.formats = list(formats)
        self.num_symbols = np.asarray(num_symbols)
        self._rows = [i for i, block in enumerate(self.formats) if block is not None]

    def counts(self, payloads):
        return self.num_symbols

    def encode(self, payloads):
        x = [np.zeros(number, np.complex64) for number in self.num_symbols]
        sent = self.blocks.encode([payloads[i] for i in self._rows], self._used)
        for i, symbols in zip(self._rows, sent, strict=True):
            x[i][: len(symbols)] = symbols
        return x

    def decode(self, x_hat, no_eff):
        payloads = [None] * len(x_hat)
        x_hats, no_effs = ([v[i] for i in self._rows] for v in (x_hat, no_eff))
        found = self.blocks.decode(x_hats, no_effs, self._used)
        for i, payload in zip(self._rows, found, strict=True):
            payloads[i] = payload
        return payloads

    @property
    def _used(self):
        return [self.formats[i] for i in self._rows]
