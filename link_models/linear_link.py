"""The linear analogue coder over the link, its scale sent as side information.

image --> KLT, gains --z--> / scale --> [ data symbols | side symbols ] --> channel
                               '--8 bits--> CRC, LDPC, QPSK --^               |
image_hat <-- inverse KLT <-- L-MMSE <-- x scale <-- data, side <-------------'
"""

import numpy as np
from keras import ops

from link_models.knowledge import AVERAGE_SNR, FREE_SCALE, knows
from link_models.semantic_link import to_uint8
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.codecs.linear_analogue import dequantise_scale, quantise_scale
from semcom_phy.phy.transform_precoding import TransformPrecoding
from semcom_phy.seeding import check_seeds
from semcom_phy.snr import snr_db_to_no

# 25 bits (byte, end mark, CRC): the lowest rates that the symbols allow.
SIDE_MCS = {64: Mcs(2, 0.2), 128: Mcs(2, 0.1)}


class LinearSystem:
    """The linear analogue reference as a system of a sweep.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

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

    def __init__(self, name, title, coder, channel, num_side_symbols):
        if num_side_symbols not in (0, *SIDE_MCS):
            raise ValueError(
                f"num_side_symbols must be 0, 64 or 128, got {num_side_symbols}"
            )
        self.name = name
        self.title = title
        self.coder = coder
        self.channel = channel
        self.num_side = num_side_symbols
        self.num_data = channel.framing.num_symbols - num_side_symbols
        self.transport = None
        if num_side_symbols:
            self.transport = Transport(SIDE_MCS[num_side_symbols], num_side_symbols)
        self.precoding = TransformPrecoding(channel.num_tx_ant)
        jit = channel.channel_model.is_flat
        self._send = compile_fn(channel.__call__, jit=jit)

    def describe(self):
        known = (AVERAGE_SNR,) if self.num_side else (AVERAGE_SNR, FREE_SCALE)
        scale = "sent as 8 bits and charged" if self.num_side else "known, free"
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(
                self.channel.framing, self.coder.image_shape, self.num_side
            ).as_dict(),
            "knows": knows(*known),
            "scale": scale,
            "outage_color": None,  # whatever arrives is decoded
        }

    def transmit(self, images, snr_db, h, seeds):
        noise = self.channel.draw_noise(check_seeds(seeds, len(images)))
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        z = self.coder.encode(images, snr_db, self.num_data)
        scale = np.sqrt(np.mean(np.abs(z) ** 2, axis=1) + 1e-12)
        x = ops.convert_to_numpy(self.precoding.spread(z / scale[:, None]))
        if self.transport:
            payloads = quantise_scale(scale)
            x = np.concatenate([x, self.transport.encode(payloads)], 1)
        x_hat, no_eff = map(ops.convert_to_numpy, self._send(x, h, no, noise))

        lost, wrong = np.zeros(len(images), bool), np.zeros(len(images), bool)
        if self.transport:
            side, _ = self.transport.decode(
                x_hat[:, self.num_data :], no_eff[:, self.num_data :]
            )
            wrong = np.array(
                [
                    got is not None and got != sent
                    for got, sent in zip(side, payloads, strict=True)
                ]
            )
            # A scale is one byte; a lost one is replaced by that of the average image.
            lost = np.array([got is None or len(got) != 1 for got in side])
            scale = np.array(
                [
                    1.0 if gone else dequantise_scale(got)
                    for got, gone in zip(side, lost, strict=True)
                ]
            )
        despread = self.precoding.despread(
            x_hat[:, : self.num_data], no_eff[:, : self.num_data]
        )
        z_hat, no_z = map(ops.convert_to_numpy, despread)
        images_hat = self.coder.decode(z_hat * scale[:, None], no_z, snr_db)
        extras = {"side_info_error": lost, "undetected": wrong}
        return Transmission(to_uint8(images_hat), np.zeros(len(images), bool), extras)
