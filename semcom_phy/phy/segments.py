"""A frame carries segments: analogue symbols, and bytes under a protection.

    segments --> Frame.place --> symbols of the frame --> channel
    received segments <-- Frame.split <-- x_hat, no_eff <--'

Everything that a system sends is a segment, and everything that it spends is what the
frame counted.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.transform_precoding import (
    PrefixTransformPrecoding,
    TransformPrecoding,
)

DATA = "data"  # name of the segment that is charged as data, all others as side


class Analogue(NamedTuple):
    """Complex symbols, the first of which are sent.

    Attributes
    ----------
    z : [batch, num_symbols], `complex64`
        Symbols of any power

    count : [batch], `int32`, or `None`
        How many of them are sent; `None`: all, of every sample
    """

    z: Any
    count: Any = None


class Digital(NamedTuple):
    """Byte strings under a protection.

    Attributes
    ----------
    payloads : list of [batch] `bytes` | `None`
        `None` where there is nothing to send, which a transport block alone can be

    protection : of :mod:`semcom_phy.channel_coding.protection`
        Both ends know it, with all that it was chosen by
    """

    payloads: list
    protection: Any


class ReceivedDigital(NamedTuple):
    """What arrived of a digital segment.

    Attributes
    ----------
    payloads : list of [batch] `bytes` | `None`
        `None` where the segment is lost

    undetected : [batch], `bool`
        The CRC held, the bytes are not those sent
    """

    payloads: list
    undetected: np.ndarray

    @property
    def lost(self):
        """[batch], `bool` : Where nothing arrived."""
        return np.array([payload is None for payload in self.payloads], bool)


class ReceivedAnalogue(NamedTuple):
    """What arrived from the start of an analogue segment to the end of its room.

    Attributes
    ----------
    x_hat : [batch, room], `complex64`
        Unbiased estimates, still spread

    no_eff : [batch, room], `float32`
        Their error variances [linear]

    left : [batch], `int`
        Symbols that the frame, or the room, had left for it
    """

    x_hat: Any
    no_eff: Any
    left: np.ndarray


class Placed(NamedTuple):
    """A frame to be sent.

    Attributes
    ----------
    x : [batch, num_symbols], `complex64`
        0 where nothing is sent

    counts : `dict` of name -> [batch] `int`
        Symbols that each segment takes

    segments : `dict` of name -> :class:`Analogue` or :class:`Digital`
        What was placed
    """

    x: Any
    counts: dict
    segments: dict


class AnalogueModulation:
    """Unit power and spreading of analogue segments, and its inverse.

    Symbols of analogue codecs differ in power; without spreading, codecs suffer
    interference beyond ``no_eff`` (:mod:`semcom_phy.phy.transform_precoding`). Segments
    of one length are spread over the whole stream, those of which a prefix is sent over
    that prefix; a prefix on one stream, which does not interfere, is left as it is.

    Parameters
    ----------
    num_streams : `int`
        Streams of the frame
    """

    def __init__(self, num_streams):
        self.power = PowerNormalization()
        self.whole = TransformPrecoding(num_streams)
        self.prefix = PrefixTransformPrecoding(num_streams)

    def spread(self, segment, ordered=None):
        """Symbols of unit average power per sample, 0 behind those that are sent.

        Input
        -----
        segment : :class:`Analogue`

        ordered : [batch], `bool`, optional
            Fill the streams one after the other, the first symbols first (for a
            precoder that orders the streams); of prefixes alone

        Output
        ------
        x : [batch, num_symbols], `complex64`
        """
        z, count = segment
        if count is None:
            return self.whole.spread(self.power(z))
        position = ops.arange(z.shape[1], dtype="int32")[None]
        x = self.power(z, ops.cast(position < count[:, None], "float32"))
        if self.prefix.num_streams == 1:
            return x
        return self.prefix.spread(x, count, _in_turn(count, ordered))

    def despread(self, x_hat, no_eff, count, ordered=None):
        """Inverse of :meth:`spread` with the count that the receiver takes.

        Output
        ------
        z_hat, no_eff
            Of no meaning behind ``count``
        """
        if count is None:
            return self.whole.despread(x_hat, no_eff)
        if self.prefix.num_streams == 1:
            return x_hat, no_eff
        return self.prefix.despread(x_hat, no_eff, count, _in_turn(count, ordered))


def _in_turn(count, ordered):
    return ops.zeros_like(count) > 0 if ordered is None else ordered


class Frame:
    """Segments one behind the other on the symbols of a frame.

    A segment with a room of its own begins the next one behind that room, whatever it
    takes of it; one without begins it where it ends.

    Parameters
    ----------
    num_symbols : `int`
        Symbols of the frame

    rooms : `dict` of name -> `int` or `None`
        The segments in their order, each with its room [symbols]

    Raises
    ------
    ValueError
        If there is no segment, a room is negative, or the rooms exceed the frame.
    """

    def __init__(self, num_symbols, rooms):
        self.num_symbols = num_symbols
        self.rooms = dict(rooms)
        if not self.rooms or any((room or 0) < 0 for room in self.rooms.values()):
            raise ValueError(
                "rooms must hold at least one segment, each with a number of symbols "
                f">= 0, or None for as many as it takes; got {self.rooms}"
            )
        taken = sum(room or 0 for room in self.rooms.values())
        if taken > num_symbols:
            raise ValueError(
                f"segments of {self.rooms} symbols do not fit a frame of {num_symbols}"
            )

    def place(self, segments):
        """Puts segments, by name, on a frame.

        Input
        -----
        segments : `dict` of name -> :class:`Analogue` or :class:`Digital`
            The analogue ones of unit power and spread
            (:meth:`AnalogueModulation.spread`), 0 behind their count

        Output
        ------
        : :class:`Placed`

        Raises
        ------
        ValueError
            If a segment exceeds its room, or what the frame has left for it, or counts
            symbols that it does not hold; if other segments are given than the frame
            has rooms for, or their numbers of samples differ.
        """
        _check_names(self.rooms, segments)
        parts, counts = {}, {}
        for name in self.rooms:
            parts[name], counts[name] = _symbols(segments[name])
        _check_batch({name: len(rows) for name, rows in parts.items()})
        batch = len(next(iter(parts.values())))
        x, start = np.zeros((batch, self.num_symbols), np.complex64), np.zeros(batch)
        for name, room in self.rooms.items():
            count = counts[name]
            end = start + (count if room is None else room)
            if np.any(count > end - start) or np.any(end > self.num_symbols):
                raise ValueError(
                    f"segment {name!r} of {count.max()} symbols does not fit a frame "
                    f"of {self.num_symbols}, where it has a room of "
                    f"{'what is left' if room is None else room}"
                )
            _check_held(name, parts[name], count)
            for row, symbols, first, number in zip(
                x, parts[name], start.astype(int), count, strict=True
            ):
                row[first : first + number] = symbols[:number]
            start = end
        return Placed(x, counts, segments)

    def split(self, x_hat, no_eff, placed):
        """Takes a received frame apart.

        Where a digital segment without a room is lost, what was sent stands in for
        where it ends; whoever needs it must treat the sample as lost.

        Input
        -----
        x_hat, no_eff : [batch, num_symbols]
            Of the channel

        placed : :class:`Placed`
            What was sent, for the protections, and to tell what passed undetected

        Output
        ------
        : `dict` of name -> :class:`ReceivedAnalogue` or :class:`ReceivedDigital`
        """
        x_hat, no_eff = (np.asarray(ops.convert_to_numpy(v)) for v in (x_hat, no_eff))
        received: dict[str, ReceivedAnalogue | ReceivedDigital] = {}
        start = np.zeros(len(x_hat), int)
        for name, room in self.rooms.items():
            segment, count = placed.segments[name], placed.counts[name]
            x_of, no_of = (_from(v, start, room) for v in (x_hat, no_eff))
            if isinstance(segment, Analogue):
                left = self.num_symbols - start if room is None else 0 * start + room
                received[name] = ReceivedAnalogue(x_of, no_of, left)
            else:
                payloads = segment.protection.decode(x_of, no_of)
                both = list(zip(payloads, segment.payloads, strict=True))
                wrong = [got is not None and got != sent for got, sent in both]
                received[name] = ReceivedDigital(payloads, np.array(wrong, bool))
                believed = [sent if got is None else got for got, sent in both]
                count = segment.protection.counts(believed)
            start = start + (count if room is None else room)
        return received


def _check_names(rooms, segments):
    """Refuses segments that would not be sent, and rooms without one."""
    other = sorted(set(rooms) ^ set(segments))
    if other:
        raise ValueError(
            f"a frame of {list(rooms)} takes one segment for each of these, got "
            f"{list(segments)}: give {other} to both or to neither"
        )


def _check_batch(sizes):
    """Refuses segments of different numbers of samples."""
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"segments of a frame must hold as many samples each, got {sizes}"
        )


def _check_held(name, rows, counts):
    """Refuses a count of symbols that there are not."""
    for i, (symbols, number) in enumerate(zip(rows, counts, strict=True)):
        if not 0 <= number <= len(symbols):
            raise ValueError(
                f"segment {name!r} of sample {i} is to send {number} symbols and holds "
                f"{len(symbols)}"
            )


def _symbols(segment):
    """Symbols of a segment, a row per sample, and how many each takes."""
    if isinstance(segment, Digital):
        counts = segment.protection.counts(segment.payloads)
        return segment.protection.encode(segment.payloads), counts
    x = np.asarray(ops.convert_to_numpy(segment.z))
    if segment.count is None:
        return x, np.full(len(x), x.shape[1])
    return x, np.asarray(ops.convert_to_numpy(segment.count))


def _from(values, start, room):
    """Values from a start on, as many as the room or the frame holds; behind the end of
    the frame the last one stands in."""
    width = values.shape[1]
    if not start.any():
        return values[:, : width if room is None else room]
    position = start[:, None] + np.arange(width if room is None else room)
    return np.take_along_axis(values, np.minimum(position, width - 1), axis=1)
