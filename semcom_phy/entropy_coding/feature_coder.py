"""Range coding of the features whose bits an entropy model estimates.

    latents less their mean, rounded; scales --> logistic tables --> range coder
    hyper-latents, rounded --> tables of the factorized prior --> range coder

A variable-length codec sends neither: its lengths follow from the *estimate*. This
coder shows that the estimate is what a real coder needs.
"""

import numpy as np
from keras import ops

from semcom_phy.entropy_coding.range_coder import Decoder, Encoder
from semcom_phy.layers.entropy.entropy_model import MIN_SCALE, logistic_bits

# Scales that have a table, 5 % apart: being off by half of that costs 1e-4 bit.
_SCALES = np.exp(np.arange(np.log(MIN_SCALE), np.log(1024.0), 0.05))
_REACH = 16.0  # scales from the mean to the ends of a table
_PRIOR_REACH = 64  # steps from 0 to the ends of the tables of hyper-latents


def encode_latents(values, scale):
    """Integers of logistic distributions to bytes.

    Parameters
    ----------
    values : [n], `int`
        Latents less their mean, rounded [quantisation steps]

    scale : [n], `float`
        Scale of each distribution [steps]; held at the ends of the tables' range

    Output
    ------
    : `bytes`
    """
    values = np.asarray(values, np.int64)
    encoder = Encoder()
    for members, table, lowest in _groups(scale):
        encoder.tabulated(values[members][:, None], table, lowest)
    return encoder.finish()


def decode_latents(data, scale):
    """Inverse of :func:`encode_latents`, [n] `int64`."""
    decoder = Decoder(data)
    values = np.empty(len(scale), np.int64)
    for members, table, lowest in _groups(scale):
        values[members] = decoder.tabulated(table, lowest, members.sum())[:, 0]
    return values


def encode_side(values, prior):
    """Hyper-latents to bytes.

    Parameters
    ----------
    values : [n, channels], `int`
        Rounded

    prior : :class:`~semcom_phy.layers.entropy.entropy_model.FactorizedPrior`
        Their distribution
    """
    encoder = Encoder()
    encoder.tabulated(np.asarray(values, np.int64), *_prior_tables(prior))
    return encoder.finish()


def decode_side(data, prior, n):
    """Inverse of :func:`encode_side`, [n, channels] `int64`."""
    probabilities, lowest = _prior_tables(prior)
    return Decoder(data).tabulated(probabilities, lowest, n)


def _groups(scale):
    """Members, table [1, m] and lowest value [1] of every scale in use."""
    scale = np.clip(np.asarray(scale, np.float64), _SCALES[0], _SCALES[-1])
    index = np.rint(np.log(scale / _SCALES[0]) / 0.05).astype(int)
    for i in np.unique(index):
        reach = int(np.ceil(_REACH * _SCALES[i])) + 1
        support = np.arange(-reach, reach + 1, dtype="float32")
        bits = logistic_bits(
            ops.convert_to_tensor(support), ops.full_like(support, float(_SCALES[i]))
        )
        table = 2.0 ** -ops.convert_to_numpy(bits).astype("float64")
        yield index == i, table[None], np.array([-reach])


def _prior_tables(prior):
    support = np.arange(-_PRIOR_REACH, _PRIOR_REACH + 1, dtype="float32")
    grid = np.repeat(support[:, None], prior.channels, axis=1)
    bits = ops.convert_to_numpy(prior(ops.convert_to_tensor(grid)))
    lowest = np.full(prior.channels, -_PRIOR_REACH)
    return (2.0 ** -bits.astype("float64")).T, lowest
