"""A semantic codec as the coder of a system, with its side information really sent.

    samples --> encoder --> z ----------> unit power, spread --> [ data ]
                       '--> side --> bytes --> protection -----> [ side ]

Nothing is decoded with side information that did not arrive: the sample is an outage.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops, tree

from link_models.links.check_codec import (
    check_same_count,
    check_same_side,
    unsaid_side,
)
from link_models.links.frame_link import precoded
from link_models.systems.frame_system import Message, Outcome
from link_models.systems.images import to_uint8
from link_models.systems.knowledge import AVERAGE_SNR, FED_BACK_CSI, FEEDBACK_AGE
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.codecs.contract import Packet, SemanticDecoder
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import DATA, Analogue, Digital, Frame
from semcom_phy.seeding import image_generator, image_seeds, sample_fades
from semcom_phy.simulation.system import SymbolMaps

SIDE = "side"
_PIXELS_SHOWN = 2**22  # of all images whose symbols are drawn: bounds the memory
_ROUNDS = 16  # of fitting data and side symbols into the frame


@dataclass(frozen=True)
class _Sent:
    """What the transmitter knows of a message."""

    view: Any
    count: Any  # [batch], or None: all
    side: Any  # structure of arrays, or None
    figures: dict


class SemanticCoder:
    r"""Encoder and decoder of a link with trained weights.

    Parameters
    ----------
    link : :class:`~link_models.links.frame_link.FrameLink`
        The model with its weights

    transmitter : :class:`~link_models.systems.transmitter.Transmitter`
        What is fed back

    side : of :mod:`link_models.systems.side_information`, or `None`
        How side information is sent; `None`: the codec has none, or it is ``free``

    free : `bool`, (default `False`)
        The receiver is given side information without errors and without charge

    rates : callable, snr_db -> complex symbols, optional
        What a codec is asked for that does not choose its rate; between two steps that
        it has, images take one or the other, so that their mean is met

    levels : callable, samples -> [batch, rows, columns], optional
        Importance at the transmitter, see :mod:`link_models.systems.levels`

    also_known : `tuple` of `str`, (default none)
        What is known beside SNR and feedback, out of
        :mod:`link_models.systems.knowledge`

    about : `dict`, optional
        What is to be said of weights and options in the result file

    image_shape : (`int`, `int`, `int`), optional
        Of the pictures that what is spent is related to; those of the codec if not
        given
    """

    def __init__(
        self,
        link,
        transmitter,
        side=None,
        free=False,
        rates=None,
        levels=None,
        also_known=(),
        about=None,
        image_shape=None,
    ):
        self.link = link
        self.codec = link.encoder
        self.image_shape = image_shape or link.encoder.image_shape
        self.transmitter = transmitter
        self.side = side
        self.free = free
        self.rates = rates
        self.levels = levels
        self.about = dict(about or {})
        self.knows = (AVERAGE_SNR, *_knowledge(transmitter.feedback), *also_known)
        self.frame = _frame(link, side)
        self._encode = compile_fn(self._encode_batch)
        self._analyse = compile_fn(self._analyse_batch)
        self._allocate: Any = compile_fn(self.codec.allocate) if self._fits else None
        self._modulate = compile_fn(self._modulate_batch)
        self._decode = compile_fn(self._decode_batch)

    @property
    def _fits(self):
        return self.codec.fills_frame

    def describe(self):
        framing, shape = self.link.channel.framing, self.image_shape
        side = framing.num_symbols - self.link.num_symbols
        counts = type(self.link.decoder).count_symbols
        varies = counts is not SemanticDecoder.count_symbols
        varies = varies or self.codec.side_values or self.codec.side_bytes
        note = "the most; what was spent is in cbr and side_cbr"
        return {
            "bandwidth": spent_bandwidth(framing, shape, side).as_dict(),
            **({"bandwidth_note": note} if varies else {}),
            "parameters": int(self.link.count_params()),
            **self.about,
        }

    def encode(self, samples, snr_db, h, seeds):
        view = self.transmitter.view(snr_db, h, seeds)
        side_info = self.side and self.side.bind(view, snr_db)
        if self._fits:
            x, count, side, payloads, figures = self._fill_frame(
                samples, view, side_info
            )
        else:
            inputs = self._inputs(samples, snr_db, view, seeds)
            x, count, side, figures = self._encode(*inputs)
            side = tree.map_structure(_array, side)
            payloads = side_info and self.codec.side_to_bytes(side)
        _check_sent(count)
        if side is not None and self.side is None and not self.free:
            raise unsaid_side(self.codec)
        segments: dict[str, Analogue | Digital] = {DATA: Analogue(x, count)}
        figures = {name: _array(values) for name, values in figures.items()}
        if self.side is not None:
            segments[SIDE] = Digital(payloads, side_info)
            figures["side_bits"] = np.array([8.0 * len(p) for p in payloads])
        if self.transmitter.feedback is not None:
            effective = np.expm1(np.log1p(view.sinr).mean(axis=(1, 2)))
            figures["effective_snr_db"] = 10 * np.log10(effective)
        state = _Sent(view, _array(count), side, figures)
        return Message(segments, state, view.precoder)

    def decode(self, received, message, reception):
        sent, data = message.state, received[DATA]
        lost = {}
        side = sent.side
        if self.side is not None:
            side, gone = self._read_side(received, message)
            lost[SIDE] = gone
        view = sent.view
        delivered, count = self._decode(
            _tensor(data.x_hat),
            _tensor(data.no_eff),
            tree.map_structure(_tensor, side),
            reception.snr_db,
            reception.h_hat,
            _tensor(view.snr_db),
            _tensor(view.fades) if view.knows_channel else None,
            _tensor(view.precoder),
            _tensor(view.ordered),
        )
        outage = lost.get(SIDE, np.zeros(len(data.x_hat), bool))
        judged = ~outage
        if self.side is not None:
            judged &= ~received[SIDE].undetected
        check_same_count(self.link, sent.count, _array(count), judged)
        if delivered.images is not None:
            delivered = delivered._replace(images=to_uint8(delivered.images))
        if delivered.features is not None:
            delivered = delivered._replace(features=_array(delivered.features))
        figures = {n: np.asarray(v, float) for n, v in sent.figures.items()}
        return Outcome(delivered, outage, lost, figures)

    def source(self, samples):
        """What the encoder takes of samples, an array."""
        return samples.images.astype("float32") / 255.0

    def finished(self, delivered):
        """What leaves the graph of what the decoder delivers."""
        return delivered._replace(details=None)

    def spent(self, samples, snr_db, h, seeds):
        """Symbols that samples take, without sending them.

        Output
        ------
        data, side : [batch], `int`
        """
        message = self.encode(samples, snr_db, h, seeds)
        data, segment = message.state.count, message.segments.get(SIDE)
        if data is None:
            data = np.full(len(samples), self.link.num_symbols)
        if segment is None:
            return data, np.zeros_like(data)
        return data, segment.protection.counts(segment.payloads)

    def symbol_maps(self, samples, snr_db, seed):
        """Maps over the first draw of a sweep with this seed."""
        height, width = samples.images.shape[1:3]
        number = min(4, len(samples), max(1, _PIXELS_SHOWN // (height * width)))
        samples = samples.take(range(number))
        seeds = image_seeds(seed, 0, range(len(samples)))
        h = sample_fades(self.link.channel, seeds)
        last = self.choices(samples, snr_db[-1], h, seeds)
        if last is None:
            return None
        if last.ndim == 3:
            size = self.codec.patch_size
            return SymbolMaps("", samples.images, patches=last, patch_size=size)
        maps = {snr: self.choices(samples, snr, h, seeds) for snr in snr_db[:-1]}
        maps[snr_db[-1]] = last
        return SymbolMaps("", samples.images, cells=maps, cell=self.codec.cell)

    def choices(self, samples, snr_db, h, seeds):
        """:meth:`SemanticEncoder.symbol_maps` of samples as an array, not compiled."""
        view = self.transmitter.view(snr_db, h, seeds)
        if self._fits:
            side_info = self.side and self.side.bind(view, snr_db)
            side = self._fill_frame(samples, view, side_info)[2]
            packet = Packet(Analogue(None), side)
        else:
            packet = self._packet(*self._inputs(samples, snr_db, view, seeds)[:-1])
        return _array(self.codec.symbol_maps(packet))

    def _inputs(self, samples, snr_db, view, seeds):
        """What :meth:`_encode_batch` takes."""
        source = _tensor(self.source(samples))
        fades = _tensor(view.fades) if view.knows_channel else None
        budget = None
        if self.rates is not None:
            budget = _tensor(self._asked(snr_db, seeds))
        levels = self._levels(samples)
        ordered = _tensor(view.ordered)
        return source, _tensor(view.snr_db), fades, budget, levels, ordered

    def _packet(self, source, snr_db, fades, budget, levels):
        known = TxKnowledge(snr_db, fades, budget=budget, levels=levels)
        return self.link.encode(source, known)

    def _encode_batch(self, source, snr_db, fades, budget, levels, ordered):
        packet = self._packet(source, snr_db, fades, budget, levels)
        x = self.link.modulate(packet.data, ordered)
        return x, packet.data.count, packet.side, self.codec.figures(packet)

    def _analyse_batch(self, source, snr_db, fades, levels):
        known = TxKnowledge(snr_db, fades, levels=levels)
        return self.codec.analyse(source, self.link.encoder_knowledge(known))

    def _modulate_batch(self, analysed, side, ordered):
        packet = self.codec.modulate(analysed, side)
        x = self.link.modulate(packet.data, ordered)
        return x, packet.data.count, self.codec.figures(packet)

    def _decode_batch(
        self, x_hat, no_eff, side, snr_db, h_hat, told_snr_db, fades, precoder, ordered
    ):
        # All of them are tensors: XLA takes minutes to fold constants into gathers.
        fed_back = TxKnowledge(told_snr_db, fades)
        known = RxKnowledge(snr_db, precoded(h_hat, precoder), fed_back)
        delivered = self.link.decode(x_hat, no_eff, side, known, ordered)
        count = self.link.count_symbols(side, known)
        return self.finished(delivered), count

    def _fill_frame(self, samples, view, side_info):
        """Side information and the bytes that tell it, so that both fill the frame.

        Output
        ------
        x, count, side, payloads, figures
        """
        source = _tensor(samples.images.astype("float32") / 255.0)
        fades = _tensor(view.fades) if view.knows_channel else None
        analysed = self._analyse(
            source, _tensor(view.snr_db), fades, self._levels(samples)
        )
        total = self.link.num_symbols
        room = np.full(len(samples), float(total))
        for attempt in range(_ROUNDS):
            side, count = self._allocate(analysed, _tensor(room.astype("float32")))
            arrays, payloads = tree.map_structure(_array, side), None
            taken = 0
            if self.side is not None:
                payloads = self.codec.side_to_bytes(arrays)
                if self.side.room is None:  # the two share the frame
                    taken = side_info.counts(payloads)
            over = _array(count) + taken - total
            if (attempt or self.side is None) and np.all(over <= 0):
                ordered = _tensor(view.ordered)
                x, number, figures = self._modulate(analysed, side, ordered)
                return x, number, arrays, payloads, figures
            # First what the message leaves, then less where it grew, by more each time.
            less = np.where(over > 0, over + 8 * attempt, 0)
            room = room - less if attempt else np.array(total - taken, float)
        raise ValueError(
            f"a frame of {total} symbols does not hold the side information of "
            f"{type(self.codec).__name__} beside the data: raise the cbr"
        )

    def _levels(self, samples):
        """Importance as the codec is told it, `None` where nobody tells it any."""
        if self.levels is None or not self.codec.num_levels:
            return None
        return _tensor(np.asarray(self.levels(samples), "float32"))

    def _read_side(self, received, message):
        """Side information as it arrived, and where it is lost.

        Where a message is lost, or cannot be meant, what was sent stands in for it; the
        sample is an outage.
        """
        sent, segment = message.state.side, received[SIDE]
        lost, rows = segment.lost, []
        for i, payload in enumerate(segment.payloads):
            rows.append(_row(sent, i))
            if segment.undetected[i]:
                try:
                    read = self.link.decoder.side_from_bytes([payload])
                    rows[i] = _alike(rows[i], read)
                except ValueError:
                    lost[i] = True
            elif payload is not None:
                read = self.link.decoder.side_from_bytes([payload])
                check_same_side(self.link.decoder, rows[i], read)
        side = _joined(rows)
        count = self.link.count_symbols(
            tree.map_structure(_tensor, side), self._seen(message)
        )
        if count is not None:  # more than there is room for cannot be meant either
            lost |= segment.undetected & (_array(count) > received[DATA].left)
        rows = [_row(sent if gone else side, i) for i, gone in enumerate(lost)]
        return _joined(rows), lost

    @staticmethod
    def _seen(message):
        """What both ends know of a batch, whatever arrives."""
        view = message.state.view
        fades = _tensor(view.fades) if view.knows_channel else None
        fed_back = TxKnowledge(_tensor(view.snr_db), fades)
        return RxKnowledge(fed_back.snr_db, None, fed_back)

    def _asked(self, snr_db, seeds):
        """Budgets asked for, [batch] `float32`.

        Which of two steps an image is given follows from its seed alone: the rate is
        met on average over images, not in a batch.
        """
        steps, rate = np.array(self.codec.rate_steps), self.rates(snr_db)
        if not steps[0] <= rate <= steps[-1]:
            raise ValueError(
                f"{rate:.1f} symbols are asked of {type(self.codec).__name__}, which "
                f"sends {steps[0]:g} to {steps[-1]:g}"
            )
        lower = np.searchsorted(steps, rate, side="right") - 1
        upper = min(lower + 1, len(steps) - 1)
        share = (rate - steps[lower]) / max(steps[upper] - steps[lower], 1e-9)
        draw = np.array([image_generator(seed, "rate").random() for seed in seeds])
        return np.where(draw < share, steps[upper], steps[lower]).astype("float32")


def _frame(link, side):
    """Segments of a link's frame: the data first, unless they take what is left."""
    data = {DATA: None if link.encoder.fills_frame else link.num_symbols}
    parts = {} if side is None else {SIDE: side.room}
    order = parts | data if link.encoder.fills_frame else data | parts
    return Frame(link.channel.framing.num_symbols, order)


def _knowledge(feedback):
    """What a feedback lets the transmitter know, in words of the table."""
    if feedback is None:
        return ()
    channel = (FED_BACK_CSI,) if feedback.knows_channel else ()
    return channel + ((FEEDBACK_AGE,) if feedback.knows_age else ())


def _check_sent(count):
    """Refuses samples of which nothing is sent."""
    silent = [] if count is None else np.flatnonzero(_array(count) < 1)
    if len(silent):
        raise ValueError(
            f"the encoder sends no symbol of sample {silent[0]}: the count of Analogue "
            "must be at least 1"
        )


def _alike(sent, read):
    """What was read, of the types and shapes of what was sent."""
    for one, other in zip(tree.flatten(sent), tree.flatten(read), strict=True):
        if one is not None and (one.dtype, one.shape) != (other.dtype, other.shape):
            raise ValueError(f"side information of another shape, {other.shape}")
    return read


def _row(structure, i):
    return tree.map_structure(lambda v: None if v is None else v[i : i + 1], structure)


def _joined(rows):
    return tree.map_structure(
        lambda *parts: None if parts[0] is None else np.concatenate(parts), *rows
    )


def _array(value):
    return None if value is None else np.asarray(ops.convert_to_numpy(value))


def _tensor(value):
    return None if value is None else ops.convert_to_tensor(value)
