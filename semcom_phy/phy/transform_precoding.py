"""Transform precoding: analogue symbols spread over the elements of a stream."""

from functools import lru_cache

import numpy as np
from keras import ops

_SCRAMBLING_SEED = 38211


class TransformPrecoding:
    r"""Unitary DFT and scrambling of each stream, and their MMSE inverse.

    .. math::
        \mathbf{x}_t = \mathbf{S}_t \mathbf{F} \mathbf{z}_t, \qquad
        \hat{\mathbf{z}}_t = \frac{1}{\beta_t} \mathbf{F}^H \mathbf{S}_t^H
        \mathrm{diag}\Bigl(\frac{1}{1 + N_{0,k}^{\text{eff}}}\Bigr)
        \hat{\mathbf{x}}_t, \qquad
        \beta_t = \frac{1}{K} \sum_k \frac{1}{1 + N_{0,k}^{\text{eff}}}

    Symbols of analogue codecs differ in power by orders of magnitude, but L-MMSE
    detection takes every symbol to have power 1: next to a strong symbol of another
    stream the residual interference exceeds the ``no_eff`` that is reported, by 2 dB
    of PSNR and more. After the DFT all resource elements carry the same average power.
    The scrambling :math:`\mathbf{S}_t`, fixed quarter turns that differ from stream to
    stream, keeps the inverse DFT from collecting the interference of a strong symbol
    on one symbol again: a flat channel commutes with a DFT alone. The error of every
    symbol then has the variance that is reported, :math:`(1 - \beta_t)/\beta_t`. Where
    ``no_eff`` is the same on all symbols of a stream (flat fading) it stays as it is.

    Parameters
    ----------
    num_streams : `int`
        Number of streams; symbol i belongs to stream i mod num_streams

    Input of `spread`
    -----------------
    z : [batch, num_symbols], `complex64`
        Symbols; their number is a multiple of ``num_streams``

    Output of `spread`
    ------------------
    x : [batch, num_symbols], `complex64`
        Symbols of the same total power

    Input of `despread`
    -------------------
    x_hat : [batch, num_symbols], `complex64`
        Unbiased estimates of ``x``

    no_eff : [batch, num_symbols], `float32`
        Their error variance [linear]

    Output of `despread`
    --------------------
    z_hat : [batch, num_symbols], `complex64`
        Unbiased estimates of ``z``

    no_eff : [batch, num_symbols], `float32`
        Their error variance, constant over a stream [linear]

    Raises
    ------
    ValueError
        If the number of symbols is not a multiple of ``num_streams``.

    References
    ----------
    3GPP TS 38.211, clause 6.3.1.4 (transform precoding, DFT-s-OFDM). S. Jakubczak,
    D. Katabi, "SoftCast", 2011, whitens analogue packets by a Hadamard transform for
    the same reason.
    """

    def __init__(self, num_streams):
        if num_streams < 1:
            raise ValueError(f"num_streams must be at least 1, got {num_streams}.")
        self.num_streams = num_streams

    def spread(self, z):
        spectrum = self._transform(self._split(z), 1.0)
        return self._merge(spectrum * _scrambling(self.num_streams, spectrum.shape[2]))

    def despread(self, x_hat, no_eff):
        no = self._split(no_eff)
        weight = 1.0 / (1.0 + no)
        beta = ops.mean(weight, axis=-1, keepdims=True)
        biased = self._split(x_hat) * ops.cast(weight / beta, "complex64")
        biased = biased * ops.conj(_scrambling(self.num_streams, biased.shape[2]))
        no = ops.broadcast_to((1.0 - beta) / beta, ops.shape(weight))
        return self._merge(self._transform(biased, -1.0)), self._merge(no)

    def _transform(self, value, sign):
        """Unitary DFT over the last axis; its inverse for ``sign`` -1."""
        real, imag = ops.fft((ops.real(value), sign * ops.imag(value)))
        scale = value.shape[-1] ** -0.5
        pair = ops.stack([real * scale, sign * imag * scale], axis=-1)
        return ops.view_as_complex(pair)

    def _split(self, value):
        """[batch, num_symbols] -> [batch, num_streams, symbols per stream]."""
        num_symbols = value.shape[1]
        if num_symbols % self.num_streams:
            raise ValueError(
                f"{num_symbols} symbols do not fill {self.num_streams} streams evenly; "
                "choose a cbr with a multiple of as many symbols."
            )
        shape = (-1, num_symbols // self.num_streams, self.num_streams)
        return ops.transpose(ops.reshape(value, shape), (0, 2, 1))

    def _merge(self, value):
        num_symbols = value.shape[1] * value.shape[2]
        return ops.reshape(ops.transpose(value, (0, 2, 1)), (-1, num_symbols))


@lru_cache(maxsize=64)
def _quarter_turns(num_streams, length):
    rng = np.random.default_rng(_SCRAMBLING_SEED)
    turns = rng.integers(0, 4, (length, num_streams)).T
    return np.ascontiguousarray(np.array([1, 1j, -1, -1j], np.complex64)[turns])


def _scrambling(num_streams, length):
    """Quarter turns per stream and symbol, [num_streams, length], `complex64`."""
    return ops.convert_to_tensor(_quarter_turns(num_streams, length))
