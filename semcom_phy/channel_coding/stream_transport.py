"""A transport on some of the streams of a frame."""

import numpy as np


class StreamTransport:
    """A transport whose symbols go to the first streams alone; on others there is none.

    Parameters
    ----------
    transport : :class:`~semcom_phy.channel_coding.transport.Transport`
        Of :func:`symbols_on_streams` symbols

    num_symbols : `int`
        Of the frame; symbol i is on stream i mod ``num_streams``

    num_streams, rank : `int`
        Streams that there are, and those in use
    """

    def __init__(self, transport, num_symbols, num_streams, rank):
        self.transport = transport
        self.num_symbols = num_symbols
        self.used = _places(num_symbols, num_streams, rank)

    def encode(self, payloads):
        """As of the transport, [batch, num_symbols]."""
        x = np.zeros((len(payloads), self.num_symbols), np.complex64)
        x[:, self.used] = self.transport.encode(payloads)
        return x

    def decode(self, x_hat, no_eff):
        """As of the transport, of a whole frame."""
        return self.transport.decode(x_hat[:, self.used], no_eff[:, self.used])


def symbols_on_streams(num_symbols, num_streams, rank):
    """How many of a frame's symbols are on its first ``rank`` streams, `int`."""
    return len(_places(num_symbols, num_streams, rank))


def _places(num_symbols, num_streams, rank):
    return np.flatnonzero(np.arange(num_symbols) % num_streams < rank)
