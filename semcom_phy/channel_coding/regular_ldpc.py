"""Regular LDPC codes: matrices from pyldpc, decoding by Sionna."""

import numpy as np
from keras import ops
from scipy.sparse import csr_matrix
from sionna.phy.fec.ldpc import LDPCBPDecoder


class RegularLDPCCode:
    r"""Regular (d_v, d_c) LDPC code of Gallager's construction.

    pyldpc supplies the parity-check matrix H (d_v ones per column, d_c per row) and
    a systematic generator matrix G with :math:`H G = 0`; encoding is
    :math:`c = G u \bmod 2`. Decoding is Sionna's `LDPCBPDecoder`: pyldpc's own
    batched decoder is wrong at medium SNR and 20 to 50 times slower. G starts with
    the identity, so the information bits are the first k code bits.

    Parameters
    ----------
    n : `int`, multiple of ``check_degree``
        Coded bits [bit]
    bit_degree : `int`, 2 <= d_v < d_c
        Ones per column of H
    check_degree : `int`
        Ones per row of H; divides n
    seed : `int`, (default 1)
        Seed of the random construction
    num_iter : `int`, (default 20)
        Decoder iterations

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

    Raises
    ------
    ImportError
        If pyldpc is missing; the message names the extra.
    ValueError
        If the degrees do not fit each other or n.

    Example
    -------
    >>> code = RegularLDPCCode(n=60, bit_degree=3, check_degree=6)
    >>> x = code.encode(np.ones((1, code.k)))
    >>> code.k, bool((code.pcm @ x[0] % 2).any())  # every check holds
    (32, False)
    >>> bool(code.decode(4.0 * (2.0 * x - 1)).all())
    True

    References
    ----------
    R. G. Gallager, "Low-density parity-check codes", IRE Trans. Inf. Theory, 1962.
    """

    def __init__(self, n, bit_degree, check_degree, seed=1, num_iter=20):
        try:
            import pyldpc
        except ImportError as error:
            raise ImportError(
                "Regular LDPC codes need the package pyldpc: "
                "`pip install semcom-phy[ldpc]`, with numpy installed first and "
                "--no-build-isolation (see the README)."
            ) from error
        if not 2 <= bit_degree < check_degree or n % check_degree:
            raise ValueError(
                "A regular code needs 2 <= bit_degree < check_degree, and check_degree"
                f" must divide n. Received: n={n}, bit_degree={bit_degree}, "
                f"check_degree={check_degree}"
            )
        self.n, self.bit_degree, self.check_degree = n, bit_degree, check_degree
        self.seed, self.num_iter = seed, num_iter
        pcm, generator = pyldpc.make_ldpc(
            n, bit_degree, check_degree, seed=seed, systematic=True, sparse=True
        )
        self.pcm = csr_matrix(pcm.astype(np.float32))
        self._generator = np.asarray(generator, np.float32)
        self.k = self._generator.shape[1]
        self._decoder = LDPCBPDecoder(self.pcm, num_iter=num_iter)

    @property
    def code_rate(self):
        """Information bits per coded bit; H has dependent rows, so > 1 - d_v/d_c."""
        return self.k / self.n

    def encode(self, bits):
        bits = np.asarray(bits, np.float32)
        if bits.ndim != 2 or bits.shape[1] != self.k:
            raise ValueError(
                f"bits must have shape [batch, {self.k}]. Received: {bits.shape}"
            )
        return (bits @ self._generator.T % 2).astype(np.uint8)

    def decode(self, llr):
        code_bits = self._decoder(ops.convert_to_tensor(np.asarray(llr, np.float32)))
        return ops.convert_to_numpy(code_bits)[:, : self.k].astype(np.uint8)
