"""The linear analogue coder as the coder of a system, its scale sent beside it.

image --> KLT, gains --z--> unit power, spread --> [ data ]
                     '--scale--> 8 bits, CRC, LDPC, QPSK --> [ scale ]
image_hat <-- inverse KLT <-- L-MMSE <-- x scale <-- [ data ], [ scale ]
"""

import numpy as np
from keras import ops

from link_models.systems.frame_system import Message, Outcome
from link_models.systems.images import to_uint8
from link_models.systems.knowledge import AVERAGE_SNR, FREE_SCALE
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.protection import TransportProtection
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.codecs.linear_analogue import dequantise_scale, quantise_scale
from semcom_phy.phy.segments import DATA, Analogue, AnalogueModulation, Digital, Frame
from semcom_phy.sources.samples import Delivered

SCALE = "scale"
# 25 bits (byte, end mark, CRC): the lowest rates that the symbols allow.
SIDE_MCS = {64: Mcs(2, 0.2), 128: Mcs(2, 0.1)}


class LinearCoder:
    """The linear analogue reference: an analogue segment, and its scale.

    Parameters
    ----------
    coder : :class:`~semcom_phy.codecs.linear_analogue.LinearAnalogueCoder`
        The coder

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Its framing holds the data symbols and ``num_side_symbols`` more

    num_side_symbols : `int`, 0, 64 or 128
        Symbols that carry the scale through the transport, and are charged. 0: the
        receiver is given it free of errors and charge

    Raises
    ------
    ValueError
        If ``num_side_symbols`` is none of the three.
    """

    def __init__(self, coder, channel, num_side_symbols):
        if num_side_symbols not in (0, *SIDE_MCS):
            raise ValueError(
                f"num_side_symbols must be 0, 64 or 128, got {num_side_symbols}"
            )
        self.coder = coder
        self.framing = channel.framing
        self.num_side = num_side_symbols
        self.num_data = channel.framing.num_symbols - num_side_symbols
        rooms = {DATA: self.num_data}
        if num_side_symbols:
            rooms[SCALE] = num_side_symbols
            mcs = SIDE_MCS[num_side_symbols]
            self.transport = Transport(mcs, num_side_symbols)
        self.frame = Frame(channel.framing.num_symbols, rooms)
        self.knows = (AVERAGE_SNR,) if self.num_side else (AVERAGE_SNR, FREE_SCALE)
        self.modulation = AnalogueModulation(channel.num_tx_ant)

    def describe(self):
        shape = self.coder.image_shape
        return {
            "bandwidth": spent_bandwidth(self.framing, shape, self.num_side).as_dict(),
            "scale": "sent as 8 bits and charged" if self.num_side else "known, free",
        }

    def encode(self, samples, snr_db, h, seeds):
        z = self.coder.encode(samples.images, snr_db, self.num_data)
        scale = np.sqrt(np.mean(np.abs(z) ** 2, axis=1) + 1e-12)
        x = self.modulation.spread(Analogue(ops.convert_to_tensor(z)))
        segments: dict[str, Analogue | Digital] = {DATA: Analogue(x)}
        if self.num_side:
            transports = [self.transport] * len(samples)
            protection = TransportProtection(transports, self.num_side)
            segments[SCALE] = Digital(quantise_scale(scale), protection)
        return Message(segments, (snr_db, scale))

    def decode(self, received, message, reception):
        (snr_db, scale), data = message.state, received[DATA]
        lost = {}
        if self.num_side:
            payloads = received[SCALE].payloads
            # A scale is one byte; a lost one is replaced by that of the average image.
            gone = np.array([got is None or len(got) != 1 for got in payloads])
            scale = np.array(
                [
                    1.0 if no_scale else dequantise_scale(got)
                    for got, no_scale in zip(payloads, gone, strict=True)
                ]
            )
            lost[SCALE] = gone
        z_hat, no_eff = map(
            ops.convert_to_numpy,
            self.modulation.despread(data.x_hat, data.no_eff, None),
        )
        images_hat = self.coder.decode(z_hat * scale[:, None], no_eff, snr_db)
        nothing_lost = np.zeros(len(images_hat), bool)  # whatever arrives is decoded
        return Outcome(Delivered(to_uint8(images_hat)), nothing_lost, lost, {})

    def symbol_maps(self, samples, snr_db, seed):
        return None
