"""Separate source and channel coding over the link that the semantic codecs use.

    image --> source codec --bytes--> [ data: CRC, 5G LDPC, QAM ] --> frame
                  ^ budget                 ^ MCS
              link adaptation: this image; SNR, or fed-back CSI
    image_hat <-- source codec <--bytes, if the CRC holds-- [ data ] <-- frame

The transmitter holds the image and knows what its own codec makes of it within the
payload of every scheme: the scheme differs from image to image at one SNR. A receiver
finds it by trying the schemes against the CRC, so that no signalling is charged. The
simulation decodes with the scheme that was sent, and leaves out the chance that another
one passes (37 schemes times 2^-16 or 2^-24). With precoding the same holds of the mode,
of which there are four over 2x2 antennas and eight over 4x4, as many times the chance:
the receiver, whose estimate was fed back, knows the precoder of each.
"""

from functools import lru_cache

import numpy as np
from keras import ops

from link_models.links.expected_fades import expected_fades, fades_at_once
from link_models.systems.frame_system import Message, Outcome
from link_models.systems.knowledge import AVERAGE_SNR, FED_BACK_CSI, FEEDBACK_AGE
from link_models.systems.separation.eigenmode_choice import (
    Mode,
    eigenmode_choices,
    mode_precoder,
)
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.decoding.belief_propagation import SCHEDULES
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
        With "csi": every image is sent over as many of the strongest eigenmodes of its
        fed-back channel as are best for it, see
        :mod:`~link_models.systems.separation.eigenmode_choice`

    schedule : "flooding" (default) | "layered"
        Of the LDPC decoder; outage is predicted for it

    Raises
    ------
    ValueError
        If ``knowledge``, ``goal`` or ``schedule`` is none of these, or ``precoding``
        lacks "csi" or a flat channel.
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
        schedule="flooding",
    ):
        if precoding and (knowledge != "csi" or not channel.channel_model.is_flat):
            raise ValueError(
                'precoding needs knowledge "csi" and a flat channel, got '
                f"{knowledge!r} and {type(channel.channel_model).__name__}"
            )
        if knowledge not in ("average", "csi"):
            raise ValueError(f'knowledge must be "average" or "csi", got {knowledge!r}')
        if goal not in GOALS:
            raise ValueError(f"goal must be one of {', '.join(GOALS)}, got {goal!r}")
        if schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}"
            )
        self.codec = codec
        self.channel = channel
        self.num_symbols = channel.framing.num_symbols
        self.frame = Frame(self.num_symbols, {DATA: self.num_symbols})
        self.candidates = tuple(candidates)
        all_streams = Mode(None, channel.num_tx_ant)
        modes = eigenmode_choices(channel.num_tx_ant) if precoding else [all_streams]
        self.modes = tuple(modes)
        self.options = [(mode, mcs) for mode in modes for mcs in self.candidates]
        carried = [
            payload_bytes(self.candidates, self._num_symbols(mode.rank))
            for mode in modes
        ]
        self.num_bytes = np.concatenate(carried)
        self.knowledge = knowledge
        self.feedback = feedback or Sounding(channel)
        self.goal = goal
        self.schedule = schedule
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
            "ldpc_schedule": self.schedule,
            "modes": [mode.title for mode in self.modes],
            "mcs_candidates": [str(mcs) for mcs in self.candidates],
        }

    def encode(self, samples, snr_db, h, seeds):
        outage, precoders = self._known(snr_db, h, seeds)
        choices = self.choose(samples.images, outage)
        payloads = [c.encoded.bytes if c.index is not None else None for c in choices]
        transports = [
            None if c.index is None else self._transport(*self.options[c.index])
            for c in choices
        ]
        protection = TransportProtection(transports, self.num_symbols)
        precoder = None
        if precoders is not None:
            mode = [(c.index or 0) // len(self.candidates) for c in choices]
            precoder = precoders[mode, np.arange(len(choices))]
        return Message({DATA: Digital(payloads, protection)}, choices, precoder)

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

    def choose(self, images, outage):
        """The scheme and the stream of every image.

        Input
        -----
        images : [batch, H, W, 3], `uint8`

        outage : [batch, num_options], `float`
            Predicted outage of every scheme, and with precoding of every mode and
            scheme, in the order of ``options``

        Output
        ------
        : list of [batch] :class:`~semcom_phy.source_coding.rate_choice.RateChoice`
            ``index`` counts ``options``
        """
        if images.shape[1:] != self.image_shape:
            raise ValueError(
                f"this system is made for images of shape {self.image_shape}, got "
                f"{images.shape[1:]}"
            )
        blank = np.broadcast_to(self.outage_color, images.shape)
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
                    self.candidates,
                    num_symbols,
                    ops.convert_to_numpy(sinr)[:, :rank],
                    self.schedule,
                )
            )
        return np.concatenate(outage)

    def _predict_for_average(self, snr_db):
        """Predicted outage of every candidate at an SNR, [num_candidates]."""
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        fades = expected_fades(self.channel, NUM_ADAPTATION_FADES, ADAPTATION_SEED)
        outage = np.concatenate([self.predict_outage(h, no) for h in fades])
        return outage.mean(axis=0)

    def _known(self, snr_db, h, seeds):
        """Predicted outage of every option [batch, num_options], and with precoding the
        precoders of all modes [num_modes, batch, num_tx_ant, num_tx_ant], else `None`.
        """
        if self.knowledge == "average":
            return np.tile(self.average_outage(snr_db), (len(seeds), 1)), None
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        told = self.feedback.sound(h, no, seeds)
        if len(self.modes) == 1:
            return self._predict_for_known(told.h_hat, no, seeds), None
        known = self.feedback.predict(told.h_hat, no, seeds)
        snr_db = ops.convert_to_numpy(told.snr_db)
        precoders = [mode_precoder(mode, known, snr_db) for mode in self.modes]
        outage = [
            self._predict_for_known(told.h_hat, no, seeds, precoder, mode.rank)
            for mode, precoder in zip(self.modes, precoders, strict=True)
        ]
        return np.concatenate(outage, axis=1), np.stack(precoders)

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
        """Of the frame that are on the first streams, all without a rank."""
        num_streams = self.channel.num_tx_ant
        return symbols_on_streams(self.num_symbols, num_streams, rank or num_streams)

    def _figures(self, choices):
        nan = float("nan")
        efficiency = [
            mcs.spectral_efficiency * self._num_symbols(mode.rank) / self.num_symbols
            for mode, mcs in self.options
        ]
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

    def _make_transport(self, mode, mcs):
        num_symbols = self._num_symbols(mode.rank)
        transport = Transport(mcs, num_symbols, schedule=self.schedule)
        num_streams = self.channel.num_tx_ant
        if mode.rank == num_streams:
            return transport
        return StreamTransport(transport, self.num_symbols, num_streams, mode.rank)
