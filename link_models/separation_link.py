"""Separate source and channel coding over the link that the semantic codecs use.

image --> source codec --bytes--> CRC, 5G LDPC, QAM --x--> EqualizedOFDMChannel
              ^ budget                 ^ MCS                     | x_hat, no_eff
          link adaptation: this image; SNR, or fed-back CSI      v
image_hat <-- source codec <--bytes, if the CRC holds-- demap, decode

The transmitter holds the image and knows what its own codec makes of it within the
payload of every scheme: the scheme differs from image to image at one SNR. A receiver
finds it by trying the schemes against the CRC, so that no signalling is charged. The
simulation decodes with the scheme that was sent, and leaves out the chance that another
one passes (37 schemes times 2^-16 or 2^-24).
"""

from functools import lru_cache

import numpy as np
from keras import ops

from link_models.expected_fades import expected_fades, fades_at_once
from link_models.knowledge import AVERAGE_SNR, FED_BACK_CSI, FEEDBACK_AGE, knows
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.link_adaptation import payload_bytes, predicted_outage
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.feedback import Sounding, draw_seeds
from semcom_phy.phy.fixed_draws import NUM_POSSIBLE
from semcom_phy.seeding import check_seeds
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding import DecodeError
from semcom_phy.source_coding.rate_choice import choose_rate

NUM_ADAPTATION_FADES = 1000
ADAPTATION_SEED = 20210
DRAWS = draw_seeds(ADAPTATION_SEED, NUM_ADAPTATION_FADES)


class SeparationSystem:
    r"""Source codec, transport and the radio link, with link adaptation.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

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
        Colour of an image that was not received: the mean of a training set

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

    feedback : :class:`~semcom_phy.phy.feedback.Feedback`, optional
        What is fed back, with "csi"; a fresh sounding if not given

    Raises
    ------
    ValueError
        If ``knowledge`` is neither of the two.
    """

    def __init__(
        self,
        name,
        title,
        codec,
        channel,
        candidates,
        knowledge,
        outage_color,
        image_shape,
        feedback=None,
    ):
        if knowledge not in ("average", "csi"):
            raise ValueError(f'knowledge must be "average" or "csi", got {knowledge!r}')
        self.name = name
        self.title = title
        self.codec = codec
        self.channel = channel
        self.num_symbols = channel.framing.num_symbols
        self.candidates = tuple(candidates)
        self.num_bytes = payload_bytes(self.candidates, self.num_symbols)
        self.knowledge = knowledge
        self.feedback = feedback or Sounding(channel)
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.image_shape = tuple(image_shape)
        jit = channel.channel_model.is_flat
        self._send = compile_fn(channel.__call__, jit=jit)
        self.average_outage = lru_cache(maxsize=None)(self._predict_for_average)
        self._transport = lru_cache(maxsize=None)(self._make_transport)

    def describe(self):
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(
                self.channel.framing, self.image_shape
            ).as_dict(),
            "source_codec": self.codec.name,
            "knows": self._knows(),
            "link_adaptation": self.knowledge,
            "outage_color": self.outage_color.tolist(),
            "mcs_candidates": [str(mcs) for mcs in self.candidates],
        }

    def _knows(self):
        known = [AVERAGE_SNR]
        if self.knowledge == "csi":
            known.append(FED_BACK_CSI)
            if self.feedback.knows_age:
                known.append(FEEDBACK_AGE)
        return knows(*known)

    def transmit(self, images, snr_db, h, seeds):
        """Sends images.

        Output
        ------
        : :class:`~link_models.transmission.Transmission`
            extras: ``block_error``, ``predicted_outage`` (1 where nothing was sent),
            ``payload_bytes``, ``spectral_efficiency`` of the scheme [bit per symbol],
            ``undetected`` (the CRC held, the bytes are not those sent), and, where the
            image does not fit, ``smallest_stream_bytes`` and ``room_bytes``
        """
        if images.shape[1:] != self.image_shape:
            raise ValueError(
                f"made for images of {self.image_shape}, received {images.shape[1:]}"
            )
        seeds = check_seeds(seeds, len(images))
        noise = self.channel.draw_noise(seeds)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        if self.knowledge == "average":
            outage = np.tile(self.average_outage(snr_db), (len(images), 1))
        else:
            outage = self._predict_for_fades(h, no, seeds)
        choices = self.choose(images, outage)

        x = np.zeros((len(images), self.num_symbols), np.complex64)
        for mcs, index in self._by_scheme(choices):
            payloads = [choices[i].encoded.bytes for i in index]
            x[index] = self._transport(mcs).encode(payloads)
        x_hat, no_eff = map(ops.convert_to_numpy, self._send(x, h, no, noise))
        return self._receive(choices, x_hat, no_eff)

    def choose(self, images, outage):
        """The scheme and the stream of every image.

        Input
        -----
        images : [batch, H, W, 3], `uint8`

        outage : [batch, num_candidates], `float`
            Predicted outage, of :meth:`average_outage` or :meth:`predict_outage`

        Output
        ------
        : list of [batch] :class:`~semcom_phy.source_coding.rate_choice.RateChoice`
            ``index`` counts ``candidates``
        """
        blank = np.broadcast_to(self.outage_color, images.shape)
        return [
            choose_rate(self.codec.ladder, image, self.num_bytes, of_image, value)
            for image, of_image, value in zip(
                images, outage, psnr(images, blank), strict=True
            )
        ]

    def predict_outage(self, h, no):
        """Predicted outage of every candidate on each channel.

        Input
        -----
        h : [num_fades, ...], `complex64`
            Channels as the transmitter knows them

        no : scalar, `float32`
            Noise variance [linear]

        Output
        ------
        : [num_fades, num_candidates], `float`
        """
        at_once, outage = fades_at_once(self.channel), []
        for start in range(0, h.shape[0], at_once):
            sinr = self.channel.predict_sinr(h[start : start + at_once], no)
            outage.append(
                predicted_outage(
                    self.candidates, self.num_symbols, ops.convert_to_numpy(sinr)
                )
            )
        return np.concatenate(outage)

    def _predict_for_average(self, snr_db):
        """Predicted outage of every candidate at an SNR, [num_candidates]."""
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        fades = expected_fades(self.channel, NUM_ADAPTATION_FADES, ADAPTATION_SEED)
        outage = np.concatenate([self.predict_outage(h, no) for h in fades])
        return outage.mean(axis=0)

    def _predict_for_fades(self, h, no, seeds):
        """Predicted outage of every candidate by what is fed back, [batch, ...]."""
        h_hat, _ = self.feedback.sound(h, no, seeds)
        at_once, outage = max(1, fades_at_once(self.channel) // NUM_POSSIBLE), []
        for start in range(0, len(seeds), at_once):
            part = slice(start, start + at_once)
            possible = self.feedback.possible(h_hat[part], no, seeds[part], DRAWS)
            shape = tuple(possible.shape)
            possible = ops.reshape(possible, (-1, *shape[2:]))
            of_part = self.predict_outage(possible, no).reshape(*shape[:2], -1)
            outage.append(of_part.mean(axis=1))
        return np.concatenate(outage)

    def _receive(self, choices, x_hat, no_eff):
        batch = len(choices)
        images_hat = np.empty((batch, *self.image_shape), np.uint8)
        images_hat[:] = self.outage_color
        received, wrong = np.zeros(batch, bool), np.zeros(batch, bool)
        for mcs, index in self._by_scheme(choices):
            payloads, _ = self._transport(mcs).decode(x_hat[index], no_eff[index])
            for i, payload in zip(index, payloads, strict=True):
                if payload is None:
                    continue
                wrong[i] = payload != choices[i].encoded.bytes
                try:
                    images_hat[i] = self.codec.decode(payload)
                    received[i] = True
                except DecodeError:  # the CRC passed by chance
                    pass
        return Transmission(
            images_hat, ~received, self._extras(choices, received, wrong)
        )

    def _extras(self, choices, received, wrong):
        nan = float("nan")
        sent = np.array([choice.index is not None for choice in choices])
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
        extras = {name: np.array(column, float) for name, column in columns.items()}
        extras["block_error"] = np.where(sent, ~received | wrong, nan)
        extras["undetected"] = wrong
        return extras

    def _by_scheme(self, choices):
        """Schemes in use, each with the images that are sent at it."""
        chosen = np.array([-1 if c.index is None else c.index for c in choices])
        for index in np.unique(chosen[chosen >= 0]):
            yield self.candidates[index], np.flatnonzero(chosen == index)

    def _make_transport(self, mcs):
        return Transport(mcs, self.num_symbols)
