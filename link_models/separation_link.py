"""Separate source and channel coding over the link that the semantic codecs use.

image --> source codec --bytes--> CRC, 5G LDPC, QAM --x--> EqualizedOFDMChannel
              ^ budget                 ^ MCS                     | x_hat, no_eff
          link adaptation: SNR, or fed-back CSI                  v
image_hat <-- source codec <--bytes, if the CRC holds-- demap, decode
"""

from functools import lru_cache

import numpy as np
from keras import ops

from link_models.knowledge import AVERAGE_SNR, FED_BACK_CSI, knows
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.link_adaptation import select_mcs
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.seeding import check_seeds, derived_seed, image_seeds, private_streams
from semcom_phy.snr import snr_db_to_no
from semcom_phy.source_coding import BudgetError
from semcom_phy.source_coding.quality import mean_quality

NUM_ADAPTATION_FADES = 1000  # fewer, down to 100, for frames of many symbols
SYMBOLS_AT_ONCE = 2_000_000  # bounds the memory
ADAPTATION_SEED = 20210


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
        "average": one scheme per SNR, by the expected PSNR over many fades. "csi":
        one scheme per image, by the fed-back estimate of its channel

    outage_color : [3], `uint8`
        Colour of an image that was not received: the mean of a training set

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

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
    ):
        if knowledge not in ("average", "csi"):
            raise ValueError(f'knowledge must be "average" or "csi", got {knowledge!r}')
        self.name = name
        self.title = title
        self.codec = codec
        self.channel = channel
        self.num_symbols = channel.framing.num_symbols
        self.candidates = tuple(candidates)
        self.knowledge = knowledge
        self.outage_color = np.asarray(outage_color, np.uint8)
        self.image_shape = tuple(image_shape)
        jit = channel.channel_model.is_flat
        self._send = compile_fn(channel.__call__, jit=jit)
        self.average_choice = lru_cache(maxsize=None)(self._choose_for_average)
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
            "mcs_candidates": [str(mcs) for mcs in self.candidates],
        }

    def _knows(self):
        if self.knowledge == "average":
            return knows(AVERAGE_SNR)
        return knows(AVERAGE_SNR, FED_BACK_CSI)

    def transmit(self, images, snr_db, h, seeds):
        seeds = check_seeds(seeds, len(images))
        noise = self.channel.draw_noise(seeds)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        if self.knowledge == "average":
            choices = [self.average_choice(snr_db)] * len(images)
        else:
            choices = self._choose_for_fades(h, no, seeds)

        payloads, mcs_sent = self._source_encode(images, choices)
        x = np.zeros((len(images), self.num_symbols), np.complex64)
        for mcs in set(mcs_sent) - {None}:
            index = [i for i, sent in enumerate(mcs_sent) if sent == mcs]
            x[index] = self._transport(mcs).encode([payloads[i] for i in index])
        x_hat, no_eff = map(ops.convert_to_numpy, self._send(x, h, no, noise))

        images_hat = np.empty_like(images)
        images_hat[:] = self.outage_color
        received = np.zeros(len(images), bool)
        for mcs in set(mcs_sent) - {None}:
            index = [i for i, sent in enumerate(mcs_sent) if sent == mcs]
            decoded, crc_ok = self._transport(mcs).decode(x_hat[index], no_eff[index])
            for i, payload, ok in zip(index, decoded, crc_ok, strict=True):
                if ok:
                    images_hat[i] = self.codec.decode(payload)
                    received[i] = True
        sent = np.array([mcs is not None for mcs in mcs_sent])
        extras = {
            "block_error": np.where(sent, ~received, np.nan),
            "payload_bytes": np.array([len(p) if p else 0 for p in payloads], float),
        }
        return Transmission(images_hat, ~received, extras)

    def _source_encode(self, images, choices):
        """Payload and scheme of every image; `None` where nothing can be sent."""
        payloads, mcs_sent = [], []
        for image, choice in zip(images, choices, strict=True):
            payload = None
            if choice.mcs is not None:
                try:
                    payload = self.codec.ladder.best(image, choice.num_bytes).bytes
                except BudgetError:
                    pass  # an outage that the sweep counts
            payloads.append(payload)
            mcs_sent.append(None if payload is None else choice.mcs)
        return payloads, mcs_sent

    def _choose_for_average(self, snr_db):
        most = 10 * SYMBOLS_AT_ONCE // self.num_symbols
        count = min(NUM_ADAPTATION_FADES, max(100, most))
        with private_streams(ADAPTATION_SEED):
            h = self.channel.sample(count)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        return self._choose(
            self._sinr(h, no, image_seeds(ADAPTATION_SEED, 0, range(count)))
        )

    def _choose_for_fades(self, h, no, seeds):
        noise = self.channel.draw_noise(seeds, sounding=True)
        h_hat, _ = self.channel.sound(h, no, noise)
        seeds = [derived_seed(seed, "prediction") for seed in seeds]
        return [self._choose(sinr[None]) for sinr in self._sinr(h_hat, no, seeds)]

    def _sinr(self, h, no, seeds):
        """Post-detection SINR, [fades, streams] or over the grid [linear]."""
        constant = self.channel.channel_model.is_flat and h.shape[1] == 1
        kept = self.channel.num_tx_ant if constant else self.num_symbols
        chunk = max(1, SYMBOLS_AT_ONCE // self.num_symbols)
        sinr = []
        for start in range(0, h.shape[0], chunk):
            part = h[start : start + chunk]
            x = ops.zeros((part.shape[0], self.num_symbols), "complex64")
            noise = self.channel.draw_noise(seeds[start : start + chunk])
            _, no_eff = self.channel(x, part, no, noise)
            no_eff = ops.convert_to_numpy(no_eff[:, :kept])
            sinr.append(1.0 / no_eff.astype(np.float64))
        return np.concatenate(sinr)

    def _choose(self, sinr):
        pixels = self.image_shape[0] * self.image_shape[1]
        quality = mean_quality(self.codec.name, self.image_shape[:2])
        return select_mcs(
            self.candidates,
            self.num_symbols,
            lambda num_bytes: quality(num_bytes / pixels),
            quality.outage_psnr,
            sinr,
        )

    def _make_transport(self, mcs):
        return Transport(mcs, self.num_symbols)
