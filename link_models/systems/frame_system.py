"""A system whose frames carry segments: the one sequence of all of them.

    samples --> coder.encode --> segments --> frame.place --> channel
    delivered <-- coder.decode <-- received segments <-- frame.split <--'

What differs between separate, linear, fixed-rate, adaptive and frame-filling systems is
their coder.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from keras import ops

from link_models.links.shared_radio import SharedRadio
from link_models.systems.knowledge import knows
from semcom_phy.backend import compile_fn
from semcom_phy.phy.segments import DATA, Frame, ReceivedDigital
from semcom_phy.seeding import check_seeds
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.snr import snr_db_to_no
from semcom_phy.sources.samples import Delivered


@dataclass(frozen=True)
class Message:
    """What a coder hands to the frame.

    Parameters
    ----------
    segments : `dict` of name -> segment
        In any order; "data" is charged as data, all others as side information

    state : any
        What the coder needs to decode, and to tell what went wrong

    precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, or `None`
        Known to both ends
    """

    segments: dict
    state: Any = None
    precoder: Any = None


@dataclass(frozen=True)
class Outcome:
    """What a coder makes of received segments.

    Parameters
    ----------
    delivered : :class:`~semcom_phy.sources.samples.Delivered`

    outage : [batch], `bool`
        Nothing could be decoded

    lost : `dict` of name -> [batch] `bool`
        Segments that did not arrive, or cannot be meant

    figures : `dict` of name -> [batch] array
    """

    delivered: Delivered
    outage: np.ndarray
    lost: dict
    figures: dict


class Arrival(NamedTuple):
    """A message at the receiver, before anything is decoded.

    Attributes
    ----------
    message : :class:`Message`
        As it was sent

    counts : `dict` of name -> [batch] `int`
        Symbols that were sent of every segment

    received : `dict` of name -> received segment

    reception : :class:`~semcom_phy.phy.equalized_channel.Reception`
    """

    message: Message
    counts: dict
    received: dict
    reception: Any


class Coder(Protocol):
    """What turns samples into segments and back.

    Attributes
    ----------
    frame : :class:`~semcom_phy.phy.segments.Frame`
        Names and rooms of its segments

    knows : `tuple` of `str`
        Out of :mod:`link_models.systems.knowledge`
    """

    frame: Frame
    knows: tuple

    def describe(self) -> dict:
        """Plain JSON values for the result file."""

    def encode(self, samples, snr_db, h, seeds) -> Message:
        """As of :meth:`~semcom_phy.simulation.system.System.transmit`."""

    def decode(self, received, message, reception) -> Outcome:
        """Segments, and a :class:`~semcom_phy.phy.equalized_channel.Reception`."""

    def symbol_maps(self, samples, snr_db, seed):
        """As of :meth:`~semcom_phy.simulation.system.System.symbol_maps`."""


class FrameSystem:
    """A coder over the radio link as a system of a sweep.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    coder : :class:`Coder`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Holds the coder's frame; or a
        :class:`~link_models.links.shared_radio.SharedRadio`

    outage_color : [3], `uint8`
        Shown where nothing was decoded: the mean of a training set
    """

    def __init__(self, name, title, coder, channel, outage_color):
        self.name = name
        self.title = title
        self.coder = coder
        self.channel = channel
        self.outage_color = np.asarray(outage_color, np.uint8)
        jit = channel.channel_model.is_flat
        self._send = compile_fn(channel.receive, jit=jit)

    def describe(self):
        return {
            "title": self.title,
            "knows": knows(*self.coder.knows),
            "outage_color": self.outage_color.tolist(),
            **self.coder.describe(),
        }

    def shared(self, spreading, how):
        """As of :meth:`~semcom_phy.simulation.system.System.shared`."""
        return SharedFrameSystem(
            self.name,
            f"{self.title}, {how}",
            self.coder,
            SharedRadio(self.channel, spreading),
            self.outage_color,
        )

    def transmit(self, samples, snr_db, h, seeds):
        """Sends samples, see :class:`~semcom_phy.simulation.system.System`.

        Output
        ------
        : :class:`~semcom_phy.simulation.system.Transmission`
            figures: those of the coder, and ``undetected`` where there are digital
            segments (a CRC held, the bytes are not those sent)
        """
        sent = self.arrival(samples, snr_db, h, seeds)
        outcome = self.coder.decode(sent.received, sent.message, sent.reception)
        return Transmission(
            self._shown(outcome),
            outcome.outage,
            _spent(sent.counts),
            outcome.lost,
            outcome.figures | _undetected(sent.received),
        )

    def arrival(self, samples, snr_db, h, seeds):
        """The first half of :meth:`transmit`, an :class:`Arrival`."""
        seeds = check_seeds(seeds, len(samples))
        noise = self.channel.draw_noise(seeds)
        message = self.coder.encode(samples, snr_db, h, seeds)
        placed = self.coder.frame.place(message.segments)
        no = snr_db_to_no(np.full(len(samples), snr_db, "float32"), self._num_tx_ant)
        reception = self._send(
            *map(ops.convert_to_tensor, (placed.x, h, no, noise)),
            None if message.precoder is None else _tensor(message.precoder),
        )
        received = self.coder.frame.split(reception.x_hat, reception.no_eff, placed)
        return Arrival(message, placed.counts, received, reception)

    def symbol_maps(self, samples, snr_db, seed):
        maps = self.coder.symbol_maps(samples, snr_db, seed)
        return None if maps is None else maps._replace(title=self.title)

    @property
    def _num_tx_ant(self):
        return self.channel.num_tx_ant

    def _shown(self, outcome):
        """What is delivered, with what stands for a sample in outage."""
        delivered, outage = outcome.delivered, outcome.outage
        if delivered.images is not None:
            images = np.array(delivered.images)
            images[outage] = self.outage_color
            delivered = delivered._replace(images=images)
        if delivered.texts is not None:
            pairs = zip(delivered.texts, outage, strict=True)
            delivered = delivered._replace(texts=["" if o else t for t, o in pairs])
        if delivered.features is not None:
            features = np.array(delivered.features)
            features[outage] = 0
            delivered = delivered._replace(features=features)
        return delivered._replace(details=None)


class SharedFrameSystem(FrameSystem):
    """The same for users who share frames, who are charged what is theirs.

    The ``channel`` is a :class:`~link_models.links.shared_radio.SharedRadio`.
    """

    def describe(self):
        about = super().describe()
        bandwidth = about["bandwidth"] | self.channel.overhead
        return about | {
            "bandwidth": bandwidth,
            "users": self.channel.spreading.num_users,
            "sharing": type(self.channel.spreading).__name__,
        }


def _spent(counts):
    data = counts[DATA].astype(float)
    side = sum((n.astype(float) for name, n in counts.items() if name != DATA), 0.0)
    return Spent(data, side + np.zeros_like(data))


def _undetected(received):
    digital = [r for r in received.values() if isinstance(r, ReceivedDigital)]
    if not digital:
        return {}
    return {"undetected": np.any([r.undetected for r in digital], axis=0)}


def _tensor(value):
    return ops.convert_to_tensor(value)
