"""5G LDPC code of any rate: Sionna's code construction, fast encoder and decoder."""

from functools import lru_cache

import numpy as np
from sionna.phy.fec.ldpc import LDPC5GEncoder

from semcom_phy.channel_coding.decoding.belief_propagation import (
    BeliefPropagationDecoder,
)

MIN_INFO_BITS = 12
# Codes of longer words or lower rates are all decoded: scanned up to 3144 coded bits.
_DOUBTFUL_BITS, _DOUBTFUL_RATE = 512, 0.91
_CERTAIN = 20.0  # LLR of a bit that arrives without noise
_WORD_BITS = 64  # code words that one integer carries while encoding


class LDPC5GCode:
    r"""LDPC code of 3GPP TS 38.212 between ``k`` and ``n`` bits.

    The code is that of Sionna's `LDPC5GEncoder` (lifting, puncturing of the first
    2Z bits, shortening), which stops at rate 1/5; for lower rates the code word of
    rate 1/5 is repeated cyclically as the circular buffer of TS 38.212 does, and
    the receiver adds the LLRs of the copies. Encoding solves the checks one after
    the other for 64 words at once, as bits of one integer. Decoding is
    `BeliefPropagationDecoder` on the parity checks that the sent bits touch;
    shortened bits are dropped from them.

    Parameters
    ----------
    k : `int`, 12 to 8448 (3840 with "bg2")
        Information bits [bit]
    n : `int`, > k
        Coded bits [bit]
    base_graph : `str`, "bg1" | "bg2" | `None` (default)
        `None`: chosen by Sionna from ``k`` and the rate
    num_iter : `int`, (default 20)
        Largest number of decoder iterations
    schedule : `str`, "flooding" (default) | "layered"
        Order of the decoder's messages

    Input of `encode`
    -----------------
    bits : [batch, k], 0 | 1

    Output of `encode`
    ------------------
    code_bits : [batch, n], `uint8`, 0 | 1

    Input of `decode`
    -----------------
    llr : [batch, n], `float32`
        Logits :math:`\ln p(1)/p(0)`

    Output of `decode`
    ------------------
    bits : [batch, k], `uint8`, 0 | 1
        Information bits, hard decisions
    num_iterations : [batch], `int32`
        Iterations used by each word

    Attributes
    ----------
    sent_pcm : sparse matrix, 0 | 1
        Parity checks of the bits that are decoded: those of ``bits`` come first

    Raises
    ------
    ValueError
        If Sionna's encoder cannot build the code (k or k/n out of range), or the
        schedule is unknown.

    Example
    -------
    >>> code = LDPC5GCode(k=100, n=200)
    >>> bits = np.tile([[0, 1]], (1, 50))
    >>> x = code.encode(bits)
    >>> x.shape
    (1, 200)
    >>> llr = 4.0 * (2.0 * x - 1)
    >>> llr[:, :10] = 0  # erased
    >>> bits_hat, num_iterations = code.decode(llr)
    >>> np.array_equal(bits_hat, bits), int(num_iterations[0])
    (True, 2)

    References
    ----------
    3GPP TS 38.212, "NR; Multiplexing and channel coding", clause 5.3.2.
    """

    def __init__(self, k, n, base_graph=None, num_iter=20, schedule="flooding"):
        self.k, self.n, self.base_graph, self.num_iter = k, n, base_graph, num_iter
        self.schedule = schedule
        self.encoder = LDPC5GEncoder(k, min(n, 5 * k), bg=base_graph)
        z, k_ldpc = self.encoder.z, self.encoder.k_ldpc
        num_bits = max(k_ldpc + 4 * z, 2 * z + self.encoder.n + k_ldpc - k)
        self._pcm = self.encoder.pcm.tocsr()[: num_bits - k_ldpc, :num_bits]
        self._pcm.sort_indices()
        # The block of the core parity's first column that survives the sum of rows.
        row = 1 if self.encoder.k_ldpc == 22 * z else 2
        block = self._pcm[row * z : (row + 1) * z, k_ldpc : k_ldpc + z]
        self._first_parity = k_ldpc + block.indices
        sent = np.r_[0:k, k_ldpc:num_bits]
        self.sent_pcm = self._pcm[:, sent]
        self.decoder = BeliefPropagationDecoder(self.sent_pcm, num_iter, schedule)

    def encode(self, bits):
        bits = np.asarray(bits, np.uint8)
        if bits.ndim != 2 or bits.shape[1] != self.k:
            raise ValueError(
                f"bits must have shape [batch, {self.k}]. Received: {bits.shape}"
            )
        z, k_ldpc = self.encoder.z, self.encoder.k_ldpc
        num_lanes = -(-len(bits) // _WORD_BITS)
        lanes = np.zeros((self.k, num_lanes * _WORD_BITS), np.uint8)
        lanes[:, : len(bits)] = bits.T
        word = np.zeros((self._pcm.shape[1], num_lanes), np.uint64)
        word[: self.k] = np.packbits(lanes, axis=1).view(np.uint64)

        # Core parity p_1..p_4 (4 Z checks): in the sum of all four block rows only
        # p_1 is left, permuted; then rows 0, 1 and 3 give p_2, p_3 and p_4.
        p1, p2, p3, p4, rest = k_ldpc + z * np.arange(5)
        core = self._checks(word, 0, 4 * z).reshape(4, z, num_lanes)
        word[self._first_parity] = np.bitwise_xor.reduce(core, axis=0)
        word[p2:p3] = self._checks(word, 0, z)
        word[p3:p4] = self._checks(word, z, 2 * z)
        word[p4:rest] = self._checks(word, 3 * z, 4 * z)
        word[rest:] = self._checks(word, 4 * z, self._pcm.shape[0])

        sent = np.concatenate([word[2 * z : self.k], word[k_ldpc:]])
        sent = sent[np.arange(self.n) % self.encoder.n]
        return np.unpackbits(sent.view(np.uint8), axis=1)[:, : len(bits)].T

    def _checks(self, word, first, last):
        """Modulo-2 sums of the parity checks ``first`` to ``last``."""
        start = self._pcm.indptr[first : last + 1]
        terms = word[self._pcm.indices[start[0] : start[-1]]]
        return np.bitwise_xor.reduceat(terms, start[:-1] - start[0], axis=0)

    def decode(self, llr):
        bits, num_iterations, _ = self.decoder(self.to_mother(llr))
        return bits[:, : self.k], num_iterations

    def to_mother(self, llr):
        """LLRs of the bits of ``sent_pcm``, 0 where none was sent."""
        llr = np.asarray(llr, np.float32)
        length = self.encoder.n
        mother = np.zeros((len(llr), self.decoder.n), np.float32)
        sent = mother[:, 2 * self.encoder.z :][:, :length]
        for start in range(0, self.n, length):
            copy = llr[:, start : start + length]
            sent[:, : copy.shape[1]] += copy
        return mother


@lru_cache(maxsize=4096)
def is_decodable(k, n, base_graph):
    """Whether belief propagation recovers a code word that arrives without noise.

    The first 2Z information bits are never sent. Where hardly more than ``k`` bits are,
    the parity bits of a short code may not tell them: such a code loses every word.

    Parameters
    ----------
    k, n, base_graph : as of :class:`LDPC5GCode`

    Output
    ------
    : `bool`
    """
    if k > _DOUBTFUL_BITS or k / n <= _DOUBTFUL_RATE:
        return True
    code = LDPC5GCode(k, n, base_graph)
    bits = np.random.default_rng(0).integers(0, 2, (8, k), dtype=np.uint8)
    found, _ = code.decode(_CERTAIN * (2.0 * code.encode(bits) - 1.0))
    return bool((found == bits).all())
