"""Bits over the link of the image systems: for bit and block error rates.

bits --> [ channel code, QAM ] --x--> EqualizedOFDMChannel --x_hat, no_eff-->
         [ demap, decode ] --> bits_hat

A block is what one frame of the scenario carries. Its bits, its fade and its noise
follow from its seed alone: all bit links see the same fades and noise, those of the
image of the same number (draw 0), and one with fewer bits sends the first of another's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from link_models.links.radio import build_channel
from semcom_phy.backend import compile_fn
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.regular_ldpc import RegularLDPCCode
from semcom_phy.channel_coding.regular_transport import RegularTransport
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.channel_coding.uncoded_transport import UncodedTransport
from semcom_phy.seeding import check_seeds, image_generator
from semcom_phy.simulation.sweep import Link
from semcom_phy.snr import no_to_ebno_db, snr_db_to_no


class BitLink:
    """Random bits through a transport and the radio link.

    Parameters
    ----------
    scheme : :class:`Coded`, :class:`Uncoded` or :class:`Regular`
        Channel code and modulation
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link; the number of symbols of a block is its framing's
    """

    def __init__(self, scheme, channel):
        self.name, self.title = scheme.name, scheme.title
        self.scheme, self.channel = scheme, channel
        self.transport = scheme.transport(channel.framing.num_symbols)
        self._send = compile_fn(channel.__call__, jit=channel.channel_model.is_flat)

    @property
    def num_info_bits(self):
        """Information bits of a block [bit], those that errors are counted in."""
        return self.transport.transport_block_bits

    def describe(self):
        """What is sent, a `dict` of plain values."""
        return {
            "title": self.title,
            **self.scheme.describe(),
            "info_bits": self.num_info_bits,
        }

    def ebno_db(self, snr_db):
        """Eb/N0 per receive antenna at an SNR [dB], of information bits: CRC, padding
        and empty symbols cost energy, pilots are not counted."""
        order = self.scheme.modulation_order
        rate = self.num_info_bits / (self.transport.num_symbols * order)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        return float(no_to_ebno_db(no, order, rate))

    def transmit(self, snr_db, h, seeds):
        """Sends one block per seed.

        Input
        -----
        snr_db : `float`
            SNR per receive antenna [dB]

        h : [batch, ...], `complex64`
            Fades, from :func:`~semcom_phy.seeding.sample_fades` of the same seeds

        seeds : sequence of [batch] `int`
            Of :func:`~semcom_phy.seeding.image_seeds`, one per block

        Output
        ------
        : [batch], `int64`
            Wrong information bits of every block
        """
        seeds = check_seeds(seeds)
        bits = random_bits(seeds, self.num_info_bits)
        noise = self.channel.draw_noise(seeds)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        x = self.transport.encode_blocks(bits)
        x_hat, no_eff = map(ops.convert_to_numpy, self._send(x, h, no, noise))
        bits_hat, _ = self.transport.decode_blocks(x_hat, no_eff)
        return (bits_hat != bits).sum(axis=1)


def random_bits(seeds, num_bits):
    """Equally likely bits of blocks, each block's from its own seed.

    Input
    -----
    seeds : sequence of [batch] `int`

    num_bits : `int`
        Per block; fewer are the first of more

    Output
    ------
    : [batch, num_bits], `uint8`, 0 | 1
    """
    num_bytes = -(-num_bits // 8)
    drawn = [image_generator(seed, "bits").bytes(num_bytes) for seed in seeds]
    drawn = np.frombuffer(b"".join(drawn), np.uint8).reshape(len(drawn), num_bytes)
    return np.unpackbits(drawn, axis=1, count=num_bits)


@dataclass(frozen=True)
class Coded:
    """5G LDPC at an MCS, as the separate systems send their bytes.

    Parameters
    ----------
    mcs : :class:`~semcom_phy.channel_coding.mcs.Mcs`
    """

    mcs: Mcs

    @property
    def name(self):
        """`str` : for the file."""
        mcs = self.mcs
        if mcs.table is None:
            return f"ldpc_{mcs.modulation_order}_{mcs.code_rate:g}"
        return f"mcs_{mcs.table}_{mcs.index}"

    @property
    def title(self):
        """`str` : for figures and tables."""
        mcs = self.mcs
        number = "" if mcs.table is None else f" (MCS {mcs.index}, table {mcs.table})"
        return f"5G LDPC, {mcs}{number}"

    @property
    def modulation_order(self):
        """`int` : bits per symbol [bit]."""
        return self.mcs.modulation_order

    def describe(self):
        """Plain values for the result file."""
        rate = self.mcs.code_rate
        return {
            "code": "5G LDPC",
            "code_rate": rate,
            "modulation_order": self.modulation_order,
        }

    def transport(self, num_symbols):
        """The transport that fills ``num_symbols``."""
        return Transport(self.mcs, num_symbols)


@dataclass(frozen=True)
class Uncoded:
    """QAM symbols without a code, decided by the nearest point.

    Parameters
    ----------
    modulation_order : `int`, 2 | 4 | 6 | 8
        Bits per symbol [bit]
    """

    modulation_order: int

    @property
    def name(self):
        """`str` : for the file."""
        return f"uncoded_{self.modulation_order}"

    @property
    def title(self):
        """`str` : for figures and tables."""
        return f"uncoded {2**self.modulation_order}-QAM"

    def describe(self):
        """Plain values for the result file."""
        return {"code": "none", "modulation_order": self.modulation_order}

    def transport(self, num_symbols):
        """The transport that fills ``num_symbols``."""
        return UncodedTransport(self.modulation_order, num_symbols)


@dataclass(frozen=True)
class Regular:
    """Regular LDPC code of pyldpc, as many code words as the frame takes.

    Parameters
    ----------
    n, bit_degree, check_degree : `int`
        See :class:`~semcom_phy.channel_coding.regular_ldpc.RegularLDPCCode`
    modulation_order : `int`, 2 | 4 | 6 | 8, (default 2)
        Bits per symbol [bit]
    """

    n: int
    bit_degree: int
    check_degree: int
    modulation_order: int = 2

    @property
    def name(self):
        """`str` : for the file."""
        degrees = f"{self.n}_{self.bit_degree}_{self.check_degree}"
        return f"regular_{degrees}_{self.modulation_order}"

    @property
    def title(self):
        """`str` : for figures and tables."""
        degrees = f"({self.bit_degree}, {self.check_degree})"
        return f"regular {degrees} LDPC n={self.n}, {2**self.modulation_order}-QAM"

    def describe(self):
        """Plain values for the result file."""
        return {
            "code": f"regular ({self.bit_degree}, {self.check_degree}) LDPC",
            "coded_bits": self.n,
            "modulation_order": self.modulation_order,
        }

    def transport(self, num_symbols):
        """The transport that fills ``num_symbols``."""
        code = RegularLDPCCode(self.n, self.bit_degree, self.check_degree)
        return RegularTransport(code, self.modulation_order, num_symbols)


@dataclass(frozen=True)
class BitLinkBuilder:
    """Builds a bit link and its channel, in whatever process it is called.

    Parameters
    ----------
    scheme : :class:`Coded`, :class:`Uncoded` or :class:`Regular`
    scenario : :class:`~scenarios.scenario.Scenario`
        Antennas, channel model, grid, CSI, number of symbols
    """

    scheme: Coded | Uncoded | Regular
    scenario: Any

    def __call__(self):
        channel = build_channel(self.scenario)
        return Link(BitLink(self.scheme, channel), channel)
