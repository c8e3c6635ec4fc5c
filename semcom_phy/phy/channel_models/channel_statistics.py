"""Power and correlations of a channel model that does not know its own, from draws.

Draws are fixed: the figures are the same in every process.
"""

import functools

import numpy as np
from keras import ops

from semcom_phy.phy.fixed_draws import CHANNEL_SEED
from semcom_phy.seeding import private_streams

POWER_TOLERANCE = 0.05  # relative
_STANDARD_ERROR = 0.01  # relative, of the power
_MOST, _FOR_CORRELATIONS = 10_000, 512  # draws
_AT_ONCE = 250_000  # entries: bounds the memory


def mean_power(draw):
    """Mean power of the entries of a channel.

    Parameters
    ----------
    draw : `callable` of `int` -> [batch, ...], `complex64`
        Channels, from Sionna's seeded stream

    Output
    ------
    power, standard_error : `float`
        Of 64 draws or more, until the error is 1 % of the power, 10,000 at most
    """
    powers = []
    for h in _draws(draw, _MOST):
        powers += np.mean(np.abs(h) ** 2, axis=tuple(range(1, h.ndim))).tolist()
        power = float(np.mean(powers))
        error = float(np.std(powers) / np.sqrt(len(powers)))
        if len(powers) >= 64 and error <= _STANDARD_ERROR * power:
            break
    return power, error


def check_unit_power(name, power, standard_error, remedy):
    """Refuses a channel whose power makes the SNR another than it is called.

    Parameters
    ----------
    name : `str`
        Of the channel, for the message

    power, standard_error : `float`
        Of :func:`mean_power`

    remedy : `str`
        For the message

    Raises
    ------
    ValueError
        If the power is off 1 by more than 5 %, or by four standard errors if that is
        more.
    """
    off = abs(power - 1)
    if not off <= max(POWER_TOLERANCE, 4 * standard_error):
        raise ValueError(
            f"channel {name} has entries of mean power {power:.3g} (measured, standard "
            f"error {standard_error:.2g}), but the SNR is defined for entries of mean "
            f"power 1: {remedy}."
        )


@functools.lru_cache(maxsize=8)
def measured_correlations(channel_model, grid):
    """Correlations over OFDM symbols and effective subcarriers, of 512 draws.

    Parameters
    ----------
    channel_model : :class:`~semcom_phy.phy.channels.ChannelModel`

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`

    Output
    ------
    time : [num_ofdm_symbols, num_ofdm_symbols], `complex64`

    freq : [num_effective_subcarriers, num_effective_subcarriers], `complex64`
        NumPy arrays; 1 along an axis where the channel is constant
    """
    sizes = grid.num_ofdm_symbols, grid.num_effective_subcarriers
    sums = [0.0, 0.0]
    for h in _draws(lambda batch: channel_model.sample(batch, 1), _FOR_CORRELATIONS):
        for i, axis in enumerate((4, 5)):
            rows = np.moveaxis(h, axis, -1).reshape(-1, h.shape[axis])
            sums[i] = sums[i] + rows.T @ rows.conj()
    time, freq = (
        _correlation(total, size) for total, size in zip(sums, sizes, strict=True)
    )
    return time, freq


def _correlation(covariance, size):
    scale = np.sqrt(np.diag(covariance).real)
    unit = covariance / np.outer(scale, scale)
    return np.ascontiguousarray(np.broadcast_to(unit, (size, size)), np.complex64)


def _draws(draw, count):
    """Yields ``count`` fixed draws in parts that fit into memory, NumPy arrays."""
    with private_streams(CHANNEL_SEED):
        part = np.asarray(ops.convert_to_numpy(draw(2)))
        at_once = max(2, min(512, _AT_ONCE // part[0].size))
        yield part
        done = 2
        while done < count:
            number = min(at_once, count - done)
            yield np.asarray(ops.convert_to_numpy(draw(number)))
            done += number
