"""Whatever a coder sends, and a caption in the same frame.

    samples --> coder ----------------------> its segments --.
    caption --> sender --bytes, protection--> [ caption ] ---+--> frame

The segments of the coder stay as they are; the caption follows them, and is charged as
side information. Each is lost by itself: an image without its caption is no outage.
"""

from dataclasses import replace
from typing import Protocol

import numpy as np

from link_models.systems.captions.length import sent_captions
from link_models.systems.frame_system import Message
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.segments import DATA, Frame
from semcom_phy.source_coding import DecodeError

CAPTION = "caption"


class Sender(Protocol):
    """How captions are sent.

    Attributes
    ----------
    room : `int` or `None`
        Symbols of its segment; `None`: as many as every caption takes

    num_symbols : `int`
        Those of the longest one

    knows : `tuple` of `str`
        Out of :mod:`link_models.systems.knowledge`
    """

    room: int | None
    num_symbols: int
    knows: tuple

    def describe(self) -> dict:
        """Plain JSON values for the result file."""

    def encode(self, captions, snr_db):
        """The segment of a batch of captions, a
        :class:`~semcom_phy.phy.segments.Digital`, and how many words of each are
        sent."""

    def read(self, payload) -> str:
        """The caption of bytes that arrived; ``DecodeError`` if they cannot be
        meant."""


class CaptionedCoder:
    """A coder with a caption beside, as of
    :class:`~link_models.systems.frame_system.Coder`.

    The caption of a sample is the first of its texts. One without words is none: its
    symbols are charged as the sender says, and it cannot be lost.

    Parameters
    ----------
    coder : :class:`~link_models.systems.frame_system.Coder`
        Its segments have rooms of their own

    sender : :class:`Sender`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Its frame holds the coder's segments, and the longest caption behind them

    image_shape : (`int`, `int`, `int`)
        By which the rate counts

    Raises
    ------
    ValueError
        If a segment has no room of its own, or the frame does not hold all of them.
    """

    def __init__(self, coder, sender, channel, image_shape):
        rooms = coder.frame.rooms
        if None in rooms.values():
            raise ValueError(
                f"a caption needs segments with rooms of their own before it, got "
                f"{rooms}: take a codec that sends as much of every image"
            )
        self.coder, self.sender = coder, sender
        self.framing = channel.framing
        self.image_shape = tuple(image_shape)
        self._side = sum(rooms.values()) - rooms[DATA] + sender.num_symbols
        needed = rooms[DATA] + self._side
        if needed > self.framing.num_symbols:
            raise ValueError(
                f"segments of {rooms} and a caption of up to {sender.num_symbols} take "
                f"{needed} symbols, the frame has {self.framing.num_symbols}"
            )
        self.frame = Frame(self.framing.num_symbols, rooms | {CAPTION: sender.room})
        self.knows = tuple(dict.fromkeys((*coder.knows, *sender.knows)))

    def describe(self):
        used = spent_bandwidth(self.framing, self.image_shape, self._side)
        about = {**self.coder.describe(), CAPTION: self.sender.describe()}
        about["bandwidth"] = used.as_dict()
        if self.sender.room is None:
            about["bandwidth_note"] = "the most; what was spent is in cbr and side_cbr"
        return about

    def encode(self, samples, snr_db, h, seeds):
        message = self.coder.encode(samples, snr_db, h, seeds)
        captions = sent_captions(samples)
        segment, num_words = self.sender.encode(captions, snr_db)
        given = np.array([bool(caption.strip()) for caption in captions])
        segments = message.segments | {CAPTION: segment}
        return Message(segments, (message, num_words, given), message.precoder)

    def decode(self, received, message, reception):
        own, num_words, given = message.state
        outcome = self.coder.decode(received, own, reception)
        texts = read_captions(self.sender, received[CAPTION].payloads)
        lost = given & np.array([text is None for text in texts])
        texts = [text or "" for text in texts]
        segment = message.segments[CAPTION]
        figures = {
            "caption_bits": [8.0 * len(p or b"") for p in segment.payloads],
            "caption_symbols": segment.protection.counts(segment.payloads),
            "caption_words": num_words,
            "caption_lost": lost,
        }
        figures = {name: np.array(values, float) for name, values in figures.items()}
        return replace(
            outcome,
            delivered=outcome.delivered._replace(texts=texts),
            lost=outcome.lost | {CAPTION: lost},
            figures=outcome.figures | figures,
        )

    def symbol_maps(self, samples, snr_db, seed):
        return self.coder.symbol_maps(samples, snr_db, seed)


def read_captions(sender, payloads):
    """The captions of what arrived, a list of `str`, `None` where nothing did."""
    return [_read(sender, payload) for payload in payloads]


def _read(sender, payload):
    try:
        return None if payload is None else sender.read(payload)
    except DecodeError:  # the CRC passed by chance
        return None


class CaptionNeeded(CaptionedCoder):
    """The same where nothing can be shown without a caption: it is an outage."""

    def decode(self, received, message, reception):
        outcome = super().decode(received, message, reception)
        silent = np.array([not text for text in outcome.delivered.texts])
        return replace(outcome, outage=silent)
