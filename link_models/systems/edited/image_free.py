"""Coders that send nothing of an image but, at most, where its foreground is.

image --> masks_of --> mask --> mask coder --bytes--> [ mask: short code, fixed room ]
                        mask_hat <-- mask coder <--bytes-- [ mask ]
"""

import numpy as np

from link_models.systems.frame_system import Message, Outcome
from link_models.systems.knowledge import AVERAGE_SNR
from semcom_phy.phy.segments import DATA, Analogue, Digital, Frame
from semcom_phy.sources.samples import Delivered

MASK = "mask"


class NoImage:
    """As of :class:`~link_models.systems.frame_system.Coder`: no symbol at all.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
    """

    knows: tuple[str, ...] = ()

    def __init__(self, channel):
        self.frame = Frame(channel.framing.num_symbols, {DATA: 0})

    def describe(self):
        return {}

    def encode(self, samples, snr_db, h, seeds):
        return Message({DATA: Analogue(np.zeros((len(samples), 0), np.complex64))})

    def decode(self, received, message, reception):
        nothing_lost = np.zeros(len(received[DATA].left), bool)
        return Outcome(Delivered(), nothing_lost, {}, {})

    def symbol_maps(self, samples, snr_db, seed):
        return None


class MaskAlone(NoImage):
    """As of :class:`~link_models.systems.frame_system.Coder`: delivers the mask as
    features, zeros where it is lost.

    Parameters
    ----------
    masks_of : callable, [batch, height, width, 3] `uint8` -> [batch, rows, columns]
        Masks of images, 1 where the foreground is

    mask_coder : with ``encode(mask)`` -> `bytes` and ``decode(data, shape)``
        Whose decoder takes what is missing for zeros, and raises ``ValueError`` where
        it cannot be meant

    segment : :class:`~.mask_segment.MaskSegment`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
    """

    knows = (AVERAGE_SNR,)

    def __init__(self, masks_of, mask_coder, segment, channel):
        self.masks_of, self.mask_coder, self.segment = masks_of, mask_coder, segment
        self.frame = Frame(channel.framing.num_symbols, {DATA: 0, MASK: segment.room})

    def describe(self):
        return {"mask_symbols": self.segment.room}

    def encode(self, samples, snr_db, h, seeds):
        masks = np.asarray(self.masks_of(samples.images), np.uint8)
        payloads = [self.mask_coder.encode(mask) for mask in masks]
        segment = Digital(payloads, self.segment.bind(None, snr_db))
        empty = super().encode(samples, snr_db, h, seeds)
        return Message(empty.segments | {MASK: segment}, masks)

    def decode(self, received, message, reception):
        payloads, shape = received[MASK].payloads, message.state.shape[1:]
        masks = [self._read(payload, shape) for payload in payloads]
        lost = np.array([mask is None for mask in masks])
        blank = np.zeros(shape, np.uint8)
        shown = np.stack([blank if mask is None else mask for mask in masks])
        outcome = super().decode(received, message, reception)
        sent = message.segments[MASK].payloads
        return Outcome(
            Delivered(features=shown.astype("float32")),
            outcome.outage,
            {MASK: lost},
            {"mask_bits": np.array([8.0 * len(payload) for payload in sent])},
        )

    def _read(self, payload, shape):
        """The mask of what arrived, `None` where nothing did."""
        try:
            return None if payload is None else self.mask_coder.decode(payload, shape)
        except ValueError:  # the CRC passed by chance
            return None
