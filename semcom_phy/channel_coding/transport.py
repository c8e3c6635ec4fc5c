"""Transport: byte strings to QAM symbols, and back with CRC status."""

from functools import lru_cache

import numpy as np
from keras import ops

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.crc import Crc
from semcom_phy.channel_coding.ldpc import LDPC5GCode
from semcom_phy.channel_coding.qam import (
    deinterleave,
    interleave,
    qam_demap,
    qam_modulate,
)

_PADDING_SEED = 38212


@lru_cache(maxsize=64)
def _ldpc_code(k, n, base_graph, num_iter, schedule):
    return LDPC5GCode(k, n, base_graph, num_iter, schedule)


class Transport:
    r"""Sends byte strings over a fixed number of symbols at a fixed MCS.

    ::

        bytes -> end mark, padding -> CRC -> segmentation, CRC per code block
              -> LDPC (TS 38.212), repetition under rate 1/5 -> bit interleaver
              -> concatenation -> QAM -> x

    *Length.* The payload is followed by '1' and zeros, so its length needs no
    header: the overhead is one bit and the rest of the last byte. This padding
    (not the payload) is XORed with a fixed pseudo-random sequence, because QAM
    symbols made of zeros alone would not have unit power; there is no other
    scrambling.

    *Rate.* See `plan_blocks`: CRC bits count as information, symbols that no code
    block fills stay empty (x = 0) and are part of ``num_symbols``.

    *Interleaving.* That of TS 38.212, clause 5.4.2.2: the first coded bits go to
    the reliable bit positions. Consecutive symbols go to different streams, so
    each code word sees them all.

    Parameters
    ----------
    mcs : `Mcs`
        Modulation order and code rate
    num_symbols : `int`, >= 1
        Complex data symbols per payload [channel uses]
    num_iter : `int`, >= 1, (default 20)
        Largest number of decoder iterations
    schedule : "flooding" (default) | "layered"
        Of the decoder, see `LDPC5GCode`

    Input of `encode`
    -----------------
    payloads : list of [batch] `bytes`
        At most ``max_bytes`` each

    Output of `encode`
    ------------------
    x : [batch, num_symbols], `complex64`
        Symbols, unit average power over the constellation [linear]; not scaled per
        payload, because the receiver is not told a scale

    Input of `decode`
    -----------------
    x_hat : [batch, num_symbols], `complex64`
        Equalised symbols, unbiased
    no_eff : [batch, num_symbols] or broadcastable, `float32`, > 0
        Error variance of ``x_hat`` [linear]

    Output of `decode`
    ------------------
    payloads : list of [batch] `bytes` | `None`
        `None` where the CRC fails
    crc_ok : [batch], `bool`
        CRC status

    Raises
    ------
    ValueError
        If not even one byte fits, a payload is longer than ``max_bytes``, or an
        input has the wrong shape.

    Example
    -------
    >>> from semcom_phy.channel_coding.mcs import Mcs
    >>> transport = Transport(Mcs(2, 0.5), num_symbols=64)
    >>> x = transport.encode([b"hello"])
    >>> transport.decode(x, 0.1)[0]
    [b'hello']

    References
    ----------
    3GPP TS 38.212, "NR; Multiplexing and channel coding", clauses 5.1 to 5.5, 6.2.
    """

    def __init__(self, mcs, num_symbols, num_iter=20, schedule="flooding"):
        self.plan = plan_blocks(mcs, num_symbols)
        if self.plan is None:
            raise ValueError(
                f"Not even one byte fits into {num_symbols} symbols at {mcs}, or so "
                "short a code of this rate cannot be decoded; use more symbols or "
                "another MCS."
            )
        self.mcs, self.num_symbols, self.num_iter = mcs, num_symbols, num_iter
        plan = self.plan
        self.code = _ldpc_code(
            plan.code_block_bits, plan.coded_bits, plan.base_graph, num_iter, schedule
        )
        self._crc = Crc("CRC24A" if plan.crc_bits == 24 else "CRC16")
        self._block_crc = Crc("CRC24B")
        self._whitening = np.random.default_rng(_PADDING_SEED).integers(
            0, 2, plan.transport_block_bits, dtype=np.uint8
        )

    @property
    def max_bytes(self):
        """Longest payload [byte]."""
        return self.plan.max_bytes

    @property
    def transport_block_bits(self):
        """Bits of a transport block without CRC [bit]."""
        return self.plan.transport_block_bits

    def encode(self, payloads):
        blocks = np.stack([self._pad(payload) for payload in payloads])
        return self.encode_blocks(blocks)

    def encode_blocks(self, blocks):
        """Encodes transport blocks [batch, transport_block_bits] of bits to `x`."""
        bits = self._crc.append(blocks)
        num_blocks = self.plan.num_code_blocks
        if num_blocks > 1:
            bits = bits.reshape(len(blocks) * num_blocks, -1)
            bits = self._block_crc.append(bits)
        order = self.mcs.modulation_order
        code_bits = interleave(self.code.encode(bits), order)
        x = np.zeros((len(blocks), self.num_symbols), np.complex64)
        symbols = qam_modulate(code_bits.reshape(len(blocks), -1), order)
        x[:, : symbols.shape[1]] = symbols
        return x

    def decode(self, x_hat, no_eff):
        blocks, crc_ok = self.decode_blocks(x_hat, no_eff)
        payloads = [
            self._unpad(block) if ok else None
            for block, ok in zip(blocks, crc_ok, strict=True)
        ]
        crc_ok = np.array([payload is not None for payload in payloads])
        return payloads, crc_ok

    def decode_blocks(self, x_hat, no_eff):
        """Decodes symbols to transport blocks and CRC status (see `decode`)."""
        x_hat, no_eff = ops.convert_to_numpy(x_hat), ops.convert_to_numpy(no_eff)
        if x_hat.ndim != 2 or x_hat.shape[1] != self.num_symbols:
            raise ValueError(
                f"x_hat must have shape [batch, {self.num_symbols}]. "
                f"Received: {x_hat.shape}"
            )
        num_blocks, order = self.plan.num_code_blocks, self.mcs.modulation_order
        used = self.num_symbols - self.plan.num_empty_symbols
        no_eff = np.broadcast_to(no_eff, x_hat.shape)
        llr = qam_demap(x_hat[:, :used], no_eff[:, :used], order)
        llr = deinterleave(llr.reshape(len(x_hat) * num_blocks, -1), order)
        bits, _ = self.code.decode(llr)
        block_ok = True
        if num_blocks > 1:
            block_ok = self._block_crc.holds(bits)
            block_ok = block_ok.reshape(len(x_hat), num_blocks).all(axis=1)
            bits = bits[:, : -self._block_crc.length].reshape(len(x_hat), -1)
        crc_ok = self._crc.holds(bits) & block_ok
        return bits[:, : self.transport_block_bits], crc_ok

    def _pad(self, payload):
        if len(payload) > self.max_bytes:
            raise ValueError(
                f"A payload of {len(payload)} bytes exceeds max_bytes="
                f"{self.max_bytes} ({self.num_symbols} symbols at {self.mcs})."
            )
        block = self._whitening.copy()
        num_bits = 8 * len(payload)
        block[num_bits] ^= 1
        block[:num_bits] = np.unpackbits(np.frombuffer(payload, np.uint8))
        return block

    def _unpad(self, block):
        """Payload of a block, `None` where its end mark is not at a byte's end."""
        (marks,) = np.nonzero(block ^ self._whitening)
        if not marks.size or marks[-1] % 8:
            return None
        return np.packbits(block[: marks[-1]]).tobytes()
