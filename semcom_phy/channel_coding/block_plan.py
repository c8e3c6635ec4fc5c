"""How the bits of one transport block share a given number of symbols."""

from dataclasses import dataclass

from semcom_phy.channel_coding.ldpc import MIN_INFO_BITS, is_decodable
from semcom_phy.channel_coding.mcs import Mcs

_LONG_BLOCK = 3824  # [bit], from here on 24 instead of 16 CRC bits


@dataclass(frozen=True)
class BlockPlan:
    """Sizes of one transport block; made by `plan_blocks`.

    Parameters
    ----------
    transport_block_bits : `int`
        Payload with its padding, without CRC [bit]
    crc_bits : `int`, 16 | 24
        CRC of the transport block [bit]
    num_code_blocks : `int`, >= 1
        Code blocks; two and more carry 24 more CRC bits each
    code_block_bits : `int`
        Input of the LDPC encoder per code block, CRCs included [bit]
    coded_bits : `int`
        Output of the LDPC encoder per code block [bit]
    base_graph : `str`, "bg1" | "bg2"
        Base graph of TS 38.212
    num_empty_symbols : `int`, >= 0
        Symbols at the end that no code block fills (fewer than code blocks)
    """

    transport_block_bits: int
    crc_bits: int
    num_code_blocks: int
    code_block_bits: int
    coded_bits: int
    base_graph: str
    num_empty_symbols: int

    @property
    def max_bytes(self):
        """Longest payload [byte]; one bit of the block marks its end."""
        return (self.transport_block_bits - 1) // 8


def plan_blocks(mcs: Mcs, num_symbols):
    r"""Sizes of the transport block that fills ``num_symbols`` at the rate of ``mcs``.

    The code rate counts all CRC bits as information, so that the LDPC code really
    runs at the rate of the MCS: with :math:`G = N_s Q_m` coded bits,
    :math:`C` code blocks and :math:`L` CRC bits per block,
    :math:`A = \lfloor R\, G / C \rfloor C - L_{TB} - C L_{CB}\,[C > 1]`.

    Base graph and segmentation follow TS 38.212 (clauses 6.2.2, 5.2.2) save two
    points: all code blocks have one size (TS 38.214 quantises the size instead),
    and base graph 2 serves all rates up to 1/3, because Sionna's encoder takes
    base graph 1 from rate 1/3 on, and whole bits leave a little less than the rate.

    Input
    -----
    mcs : `Mcs`

    num_symbols : `int`, >= 1
        Complex data symbols [channel uses]

    Output
    ------
    : `BlockPlan` | `None`
        `None` where not even one payload byte fits, or none would ever arrive: see
        :func:`~semcom_phy.channel_coding.ldpc.is_decodable`

    Example
    -------
    >>> plan = plan_blocks(Mcs(2, 0.5), num_symbols=768)
    >>> plan.num_code_blocks, plan.coded_bits, plan.crc_bits, plan.max_bytes
    (1, 1536, 16, 93)
    """
    order, rate = mcs.modulation_order, mcs.code_rate
    num_info = int(num_symbols * order * rate)
    crc_bits = 24 if num_info - 24 > _LONG_BLOCK else 16
    short = num_info - crc_bits
    if short <= 292 or rate <= 1 / 3 or (short <= _LONG_BLOCK and rate <= 0.67):
        base_graph, largest = "bg2", 3840
    else:
        base_graph, largest = "bg1", 8448
    num_blocks = 1 if num_info <= largest else -(-num_info // largest)
    coded_bits = num_symbols // num_blocks * order
    info_bits = int(coded_bits * rate)
    overhead = crc_bits + (24 * num_blocks if num_blocks > 1 else 0)
    block_bits = info_bits * num_blocks - overhead
    if block_bits < 9 or info_bits < MIN_INFO_BITS:
        return None
    if not is_decodable(info_bits, coded_bits, base_graph):
        return None
    return BlockPlan(
        transport_block_bits=block_bits,
        crc_bits=crc_bits,
        num_code_blocks=num_blocks,
        code_block_bits=info_bits,
        coded_bits=coded_bits,
        base_graph=base_graph,
        num_empty_symbols=num_symbols % num_blocks,
    )
