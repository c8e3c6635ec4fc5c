"""Separate source and channel coding over the link that the semantic codecs use.

    image --> source codec --bytes--> [ data: CRC, 5G LDPC, QAM ] --> frame
                  ^ budget                 ^ MCS
              link adaptation: this image; SNR, or fed-back CSI
    image_hat <-- source codec <--bytes, if the CRC holds-- [ data ] <-- frame

The transmitter holds the image and knows what its own codec makes of it within the
payload of every scheme: the scheme differs from image to image at one SNR. A receiver
finds it by trying the schemes against the CRC, so that no signalling is charged. The
simulation decodes with the scheme that was sent, and leaves out the chance that another
one passes (37 schemes times 2^-16 or 2^-24).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from link_models.links.expected_fades import expected_fades, fades_at_once
from link_models.systems.eigenmode_choice import eigenmode_choices, mode_precoder
from link_models.systems.frame_system import Message, Outcome
from link_models.systems.knowledge import AVERAGE_SNR, FED_BACK_CSI, FEEDBACK_AGE
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.link_adaptation import payload_bytes, predicted_outage
from semcom_phy.channel_coding.protection import TransportProtection
from semcom_phy.channel_coding.stream_transport import (
    StreamTransport,
    symbols_on_streams,
)
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.feedback import Sounding, draw_seeds
from semcom_phy.phy.fixed_draws import NUM_POSSIBLE
from semcom_phy.phy.segments import DATA, Digital, Frame
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding import DecodeError
from semcom_phy.source_coding.rate_choice import GOALS, choose_rates
from semcom_phy.sources.samples import Delivered

NUM_ADAPTATION_FADES = 1000
ADAPTATION_SEED = 20210
DRAWS = draw_seeds(ADAPTATION_SEED, NUM_ADAPTATION_FADES)


class _Adapted(NamedTuple):
    """What a transmitter makes of what it knows: predicted outage and bytes of every
    candidate [batch, num_candidates]; streams in use, `None` for all, and precoder,
    `None` for none, of every image."""

    outage: Any
    num_bytes: Any
    ranks: Any
    precoder: Any = None


class SeparationCoder:
    r"""Source codec and transport with link adaptation: one digital segment.

    Parameters
    ----------
    codec : :class:`~semcom_phy.source_coding.codec.SourceCodec`
        Still-image codec

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link; the number of symbols is its framing's

    candidates : sequence of :class:`~semcom_phy.channel_coding.mcs.Mcs`
        Schemes to choose from

    knowledge : `str`
        What a scheme's outage is predicted from. "average": many fades at the average
        SNR. "csi": the fed-back estimate of the channel of this very image

    outage_color : [3], `uint8`
        What an image that is not received is worth: the mean of a training set

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

    feedback : :class:`~semcom_phy.phy.feedback.Feedback`, optional
        What is fed back, with "csi"; a fresh sounding if not given

    goal : `str`, (default "psnr")
        What the rate is chosen for, a key of
        :data:`~semcom_phy.source_coding.rate_choice.GOALS`: the mean of the PSNR, or
        the PSNR of the mean MSE

    precoding : `bool`, (default `False`)
        With "csi": send every image over as many of the strongest eigenmodes of its
        fed-back channel as let most bytes arrive, see :mod:`~.eigenmode_choice`

    Raises
    ------
    ValueError
        If ``knowledge`` or ``goal`` is none of these, or ``precoding`` lacks "csi".
    """

    def __init__(
        self,
        codec,
        channel,
        candidates,
        knowledge,
        outage_color,
        image_shape,
        feedback=None,
        goal="psnr",
        precoding=False,
    ):
        if precoding and knowledge != "csi":
            raise ValueError(f'precoding needs knowledge "csi", got {knowledge!r}')
        if knowledge not in ("average", "csi"):
            raise ValueError(f'knowledge must be "average" or "csi", got {knowledge!r}')
        if goal not in GOALS:
            raise ValueError(f"goal must be one of {', '.join(GOALS)}, got {goal!r}")
        self.codec = codec
        self.channel = channel
        self.num_symbols = channel.framing.num_symbols
        self.frame = Frame(self.num_symbols, {DATA: self.num_symbols})
        self.candidates = tuple(candidates)
        self.num_streams = channel.num_tx_ant
        self.num_bytes = payload_bytes(self.candidates, self.num_symbols)
        self.modes = eigenmode_choices(self.num_streams) if precoding else ()
        self.knowledge = knowledge
        self.feedback = feedback or Sounding(channel)
        self.goal = goal
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.image_shape = tuple(image_shape)
        self.average_outage = lru_cache(maxsize=None)(self._predict_for_average)
        self._transport = lru_cache(maxsize=None)(self._make_transport)

    @property
    def knows(self):
        """As of :class:`~link_models.systems.frame_system.Coder`."""
        known = [AVERAGE_SNR]
        if self.knowledge == "csi":
            known.append(FED_BACK_CSI)
            if self.feedback.knows_age:
                known.append(FEEDBACK_AGE)
        return tuple(known)

    def describe(self):
        framing = self.channel.framing
        return {
            "bandwidth": spent_bandwidth(framing, self.image_shape).as_dict(),
            "source_codec": self.codec.name,
            "link_adaptation": self.knowledge,
            "rate_goal": self.goal,
            "precoding": "best of every fade" if self.modes else None,
            "mcs_candidates": [str(mcs) for mcs in self.candidates],
        }

    def encode(self, samples, snr_db, h, seeds):
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        adapted = self._adapt(snr_db, h, no, seeds)
        choices = self.choose(samples.images, adapted.outage, adapted.num_bytes)
        payloads = [c.encoded.bytes if c.index is not None else None for c in choices]
        transports = [
            None if c.index is None else self._transport(self.candidates[c.index], rank)
            for c, rank in zip(choices, adapted.ranks, strict=True)
        ]
        protection = TransportProtection(transports, self.num_symbols)
        segments = {DATA: Digital(payloads, protection)}
        return Message(segments, choices, adapted.precoder)

    def decode(self, received, message, reception):
        segment, choices = received[DATA], message.state
        images_hat = np.zeros((len(choices), *self.image_shape), np.uint8)
        arrived = ~segment.lost
        for i in np.flatnonzero(arrived):
            try:
                images_hat[i] = self.codec.decode(segment.payloads[i])
            except DecodeError:  # the CRC passed by chance
                arrived[i] = False
        sent = np.array([choice.index is not None for choice in choices])
        figures = self._figures(choices)
        wrong = ~arrived | segment.undetected
        figures["block_error"] = np.where(sent, wrong, np.nan)
        return Outcome(
            Delivered(images_hat), ~arrived, {DATA: sent & ~arrived}, figures
        )

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def choose(self, images, outage, num_bytes=None):
        """The scheme and the stream of every image.

        Input
        -----
        images : [batch, H, W, 3], `uint8`

        outage : [batch, num_candidates], `float`
            Predicted outage, of :meth:`average_outage` or :meth:`predict_outage`

        num_bytes : [batch, num_candidates], `int`, optional
            What every candidate carries; ``num_bytes`` of all streams if not given

        Output
        ------
        : list of [batch] :class:`~semcom_phy.source_coding.rate_choice.RateChoice`
            ``index`` counts ``candidates``
        """
        if images.shape[1:] != self.image_shape:
            raise ValueError(
                f"this system is made for images of shape {self.image_shape}, got "
                f"{images.shape[1:]}"
            )
        blank = np.broadcast_to(self.outage_color, images.shape)
        if num_bytes is None:
            num_bytes = np.broadcast_to(self.num_bytes, outage.shape)
        value = psnr(images, blank)
        return choose_rates(
            self.codec.ladder, images, num_bytes, outage, value, self.goal
        )

    def predict_outage(self, h, no, rank=None):
        """Predicted outage of every candidate on each channel.

        Input
        -----
        h : [num_fades, ...], `complex64`
            Channels as the transmitter knows them

        no : scalar, `float32`
            Noise variance [linear]

        rank : `int`, optional
            Of the streams in use, the first ones; all if not given

        Output
        ------
        : [num_fades, num_candidates], `float`
        """
        num_symbols = self._num_symbols(rank)
        at_once, outage = fades_at_once(self.channel), []
        for start in range(0, h.shape[0], at_once):
            sinr = self.channel.predict_sinr(h[start : start + at_once], no)
            outage.append(
                predicted_outage(
                    self.candidates, num_symbols, ops.convert_to_numpy(sinr)[:, :rank]
                )
            )
        return np.concatenate(outage)

    def _predict_for_average(self, snr_db):
        """Predicted outage of every candidate at an SNR, [num_candidates]."""
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        fades = expected_fades(self.channel, NUM_ADAPTATION_FADES, ADAPTATION_SEED)
        outage = np.concatenate([self.predict_outage(h, no) for h in fades])
        return outage.mean(axis=0)

    def _adapt(self, snr_db, h, no, seeds):
        """What is known of a batch, an :class:`_Adapted`."""
        batch, ranks = len(seeds), [None] * len(seeds)
        shape = (batch, len(self.candidates))
        num_bytes = np.broadcast_to(self.num_bytes, shape)
        if self.knowledge == "average":
            outage = np.broadcast_to(self.average_outage(snr_db), shape)
            return _Adapted(outage, num_bytes, ranks)
        told = self.feedback.sound(h, no, seeds)
        if not self.modes:
            outage = self._predict_for_known(told.h_hat, no, seeds)
            return _Adapted(outage, num_bytes, ranks)
        return self._best_mode(told, no, seeds)

    def _best_mode(self, told, no, seeds):
        """The mode of every image over which most bytes can be expected to arrive."""
        known = self.feedback.predict(told.h_hat, no, seeds)
        snr_db = ops.convert_to_numpy(told.snr_db)
        options = []
        for mode in self.modes:
            precoder = mode_precoder(mode, known, snr_db)
            outage = self._predict_for_known(told.h_hat, no, seeds, precoder, mode.rank)
            num_symbols = self._num_symbols(mode.rank)
            num_bytes = payload_bytes(self.candidates, num_symbols)
            num_bytes = np.broadcast_to(num_bytes, outage.shape)
            ranks = np.full(len(seeds), mode.rank)
            options.append((outage, num_bytes, ranks, precoder))
        arriving = [((1 - o) * size).max(axis=1) for o, size, _, _ in options]
        best, images = np.argmax(arriving, axis=0), np.arange(len(seeds))
        parts = map(np.stack, zip(*options, strict=True))
        return _Adapted(*(part[best, images] for part in parts))

    def _predict_for_known(self, h_hat, no, seeds, precoder=None, rank=None):
        """Predicted outage of every candidate by what is fed back, [batch, ...]; errors
        of the estimate count as those of equal powers."""
        at_once, outage = max(1, fades_at_once(self.channel) // NUM_POSSIBLE), []
        for start in range(0, len(seeds), at_once):
            part = slice(start, start + at_once)
            possible = self.feedback.possible(h_hat[part], no, seeds[part], DRAWS)
            if precoder is not None:
                seen = ops.convert_to_numpy(possible)[:, :, 0, :, :, 0, 0]
                seen = np.matmul(seen, precoder[part, None])
                possible = ops.convert_to_tensor(seen[:, :, None, :, :, None, None])
            shape = tuple(possible.shape)
            possible = ops.reshape(possible, (-1, *shape[2:]))
            of_part = self.predict_outage(possible, no, rank)
            outage.append(of_part.reshape(*shape[:2], -1).mean(axis=1))
        return np.concatenate(outage)

    def _num_symbols(self, rank):
        """Of the frame that are on the first streams."""
        if rank is None:
            return self.num_symbols
        return symbols_on_streams(self.num_symbols, self.num_streams, rank)

    def _figures(self, choices):
        nan = float("nan")
        efficiency = [mcs.spectral_efficiency for mcs in self.candidates]
        columns = {
            "predicted_outage": [c.outage for c in choices],
            "payload_bytes": [
                len(c.encoded.bytes) if c.encoded else 0 for c in choices
            ],
            "spectral_efficiency": [
                nan if c.index is None else efficiency[c.index] for c in choices
            ],
            "smallest_stream_bytes": [c.smallest_bytes or nan for c in choices],
            "room_bytes": [
                nan if c.room_bytes is None else c.room_bytes for c in choices
            ],
        }
        return {name: np.array(column, float) for name, column in columns.items()}

    def _make_transport(self, mcs, rank):
        transport = Transport(mcs, self._num_symbols(rank))
        if rank in (None, self.num_streams):
            return transport
        return StreamTransport(transport, self.num_symbols, self.num_streams, rank)
