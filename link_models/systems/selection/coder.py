"""The coder of systems that select among candidates: what is common to all of them.

    picture --> sender --> [ data ]        what selects: values, their bits, an index
    class ----> short polar-coded message --> [ side ]
    candidates of the class --> sender chooses one by what arrived --> picture_hat

Where the class is lost, there is nothing to select from: an outage. With another class,
a candidate of that is shown.
"""

from typing import NamedTuple, Protocol

import numpy as np

from link_models.systems.frame_system import Message, Outcome
from link_models.systems.knowledge import AVERAGE_SNR, CANDIDATES
from link_models.systems.side_information import ShortSide
from link_models.systems.transmitter import Transmitter
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.protection import number_bytes
from semcom_phy.metrics.image import mse_to_psnr
from semcom_phy.phy.segments import DATA, Digital, Frame
from semcom_phy.sources.samples import Delivered

SIDE = "side"


class Targets(NamedTuple):
    """What is to be sent.

    Attributes
    ----------
    images : [batch, height, width, 3], `uint8`

    labels : [batch], `int`

    seeds : [batch], `int`
    """

    images: np.ndarray
    labels: np.ndarray
    seeds: np.ndarray


class Sender(Protocol):
    """What is sent to select by.

    Attributes
    ----------
    room : `int`
        Symbols of its segment

    knows : `tuple` of `str`
        Beside the average SNR and the candidates
    """

    room: int
    knows: tuple

    def describe(self) -> dict:
        """Plain JSON values for the result file."""

    def encode(self, targets, view, snr_db):
        """The segment of a batch of :class:`Targets`, and a state."""

    def choose(self, received, reception, labels, targets, state):
        """Number of a candidate for each, [batch] `int`; -1 where nothing arrived.
        ``labels`` are those that arrived."""

    def noiseless(self, targets, state):
        """The same if all had arrived as it was sent, [batch] `int`."""


class SelectionCoder:
    """As of :class:`~link_models.systems.frame_system.Coder`.

    Parameters
    ----------
    sender : :class:`Sender`

    held : :class:`~link_models.systems.selection.held_candidates.HeldCandidates`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Its frame holds the segment, and behind it the message of the class

    image_shape : (`int`, `int`, `int`)
    """

    def __init__(self, sender, held, channel, image_shape):
        self.sender, self.held = sender, held
        self.framing = channel.framing
        self.image_shape = tuple(image_shape)
        self.transmitter = Transmitter(channel)
        self.side = class_side(held.class_names)
        self.frame = Frame(
            channel.framing.num_symbols, {DATA: sender.room, SIDE: self.side.room}
        )
        self.knows = (AVERAGE_SNR, CANDIDATES, *sender.knows)

    def describe(self):
        used = spent_bandwidth(self.framing, self.image_shape, self.side.room)
        return {
            "bandwidth": used.as_dict(),
            "bandwidth_note": "the most; what was spent is in cbr and side_cbr",
            **self.held.describe(),
            **self.sender.describe(),
        }

    def encode(self, samples, snr_db, h, seeds):
        labels = _labels(samples, self.held.class_names)
        view = self.transmitter.view(snr_db, h, seeds)
        targets = Targets(samples.images, labels, seeds)
        segment, state = self.sender.encode(targets, view, snr_db)
        size = number_bytes(self.side.message.num_values)
        told = [int(label).to_bytes(size, "big") for label in labels]
        segments = {DATA: segment, SIDE: Digital(told, self.side.bind(view, snr_db))}
        return Message(segments, (targets, state))

    def decode(self, received, message, reception):
        targets, state = message.state
        side, lost = received[SIDE], {SIDE: received[SIDE].lost.copy()}
        read = [-1 if p is None else int.from_bytes(p, "big") for p in side.payloads]
        labels = np.array(read)
        lost[SIDE] |= labels >= len(self.held.class_names)
        labels = np.where(lost[SIDE], targets.labels, labels)
        chosen = self.sender.choose(received[DATA], reception, labels, targets, state)
        lost[DATA] = chosen < 0
        outage = lost[SIDE] | lost[DATA]
        images = np.zeros_like(targets.images)
        for i in np.flatnonzero(~outage):
            images[i] = self.held.images(labels[i])[chosen[i]]
        noiseless = self.sender.noiseless(targets, state)
        figures = {
            "noiseless_psnr_db": self._psnr_db(targets, noiseless),
            "as_noiseless": (~outage & (chosen == noiseless)).astype(float),
        }
        return Outcome(Delivered(images), outage, lost, figures)

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def _psnr_db(self, targets, chosen):
        """PSNR of candidates of the true classes, [batch]."""
        errors = [
            self.held.squared_errors(image, label)[number]
            for image, label, number in zip(
                targets.images, targets.labels, chosen, strict=True
            )
        ]
        return mse_to_psnr(np.array(errors))


def class_side(class_names):
    """How the class is sent, :class:`ShortSide`."""
    return ShortSide(max(len(class_names), 2))


def _labels(samples, class_names):
    """[batch], `int`, checked."""
    labels = samples.labels
    if labels is None or np.ndim(labels) != 1:
        raise ValueError(
            "a system that selects among candidates needs a class of every picture: "
            "name a dataset that has them, or give --class"
        )
    if np.min(labels) < 0 or np.max(labels) >= len(class_names):
        raise ValueError(
            f"labels run from {np.min(labels)} to {np.max(labels)}, there are "
            f"{len(class_names)} classes"
        )
    return labels
