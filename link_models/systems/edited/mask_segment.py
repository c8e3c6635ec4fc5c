"""A mask, or any byte string of a few bytes, as one short code word in a fixed room.

bytes --> CRC, short code --> QAM of the order that is least often lost --> [ room ]

The order follows from the size and the average SNR. A receiver finds the size by trying
against the CRC of 16 bits, so that no signalling is charged; the simulation decodes
with the one that was sent, and leaves out the chance that another one passes.
"""

from typing import Any

import numpy as np

from link_models.systems.block_outage import MODULATION_ORDERS, BlockOutage
from semcom_phy.channel_coding.messages.short_block import BlockFormat
from semcom_phy.channel_coding.protection import BlockProtection

MASK_ROOM = 144  # [channel uses]
ADAPTATION_SEED = 20215


class MaskSegment:
    """How such bytes are sent, as of :mod:`link_models.systems.side_information`.

    Zeros at the end of a byte string are not sent, and do not come back: the coders
    that it is made for take what is missing for zeros.

    Parameters
    ----------
    blocks : :class:`~semcom_phy.channel_coding.messages.short_block.ShortBlocks`
        Channel code

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        By whose fades the order is chosen; its framing does not matter

    room : `int`, (default 144)
        [channel uses], charged whole
    """

    def __init__(self, blocks, channel, room=MASK_ROOM):
        self.blocks, self.room = blocks, room
        self._outage = BlockOutage(blocks, channel, ADAPTATION_SEED)

    def bind(self, view, snr_db):
        return _Bound(self, snr_db)

    def choose(self, num_bytes, snr_db):
        """The block of a size that is least often lost at an average SNR [dB], of those
        that are alike the one of the lowest order; `None` where the room does not hold
        as many bytes, which are then not sent, and lost."""
        formats = [BlockFormat(num_bytes, o, self.room) for o in MODULATION_ORDERS]
        formats = [block for block in formats if self.blocks.words.fits(block)]
        return min(formats, key=lambda block: self._outage(block, snr_db), default=None)


class _Bound:
    """The protection of a batch, as of :mod:`semcom_phy.channel_coding.protection`."""

    def __init__(self, segment, snr_db):
        self.segment, self.snr_db = segment, snr_db
        self._blocks: Any = None  # of what was sent

    def counts(self, payloads):
        return np.full(len(payloads), self.segment.room)

    def encode(self, payloads):
        segment = self.segment
        payloads = [payload.rstrip(b"\0") or b"\0" for payload in payloads]
        formats = [segment.choose(len(p), self.snr_db) for p in payloads]
        room = self.counts(payloads)
        self._blocks = BlockProtection(segment.blocks, formats, room)
        return self._blocks.encode(payloads)

    def decode(self, x_hat, no_eff):
        found = self._blocks.decode(x_hat, no_eff)
        return [None if payload is None else payload.rstrip(b"\0") for payload in found]
