"""Channel impulse responses on the subcarriers of a grid, and any model of Sionna's.

model(batch_size, num_time_steps, sampling_frequency) --a, tau--> h on the grid
"""

import functools

import numpy as np
from keras import ops
from sionna.phy.channel import cir_to_ofdm_channel, subcarrier_frequencies

from semcom_phy.phy.channel_models.channel_statistics import (
    check_unit_power,
    mean_power,
)
from semcom_phy.phy.channels import ChannelModel
from semcom_phy.phy.fixed_draws import CHANNEL_SEED
from semcom_phy.seeding import private_streams

MAX_POWER_BEHIND_PREFIX = 0.01


class ImpulseResponseChannel(ChannelModel):
    """Paths with delays, as a response on the subcarriers of a grid.

    The slots of an image are consecutive in time; without movement the channel is
    constant over all of them and the sizes of time are 1.

    Parameters
    ----------
    num_rx_ant, num_tx_ant : `int`
        Number of receive and transmit antennas

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        The slot that the channel is computed for

    moves : `bool`
        Whether the channel changes with time
    """

    is_flat = False

    def __init__(self, num_rx_ant, num_tx_ant, grid, moves):
        super().__init__(num_rx_ant, num_tx_ant)
        self.grid = grid
        self.moves = bool(moves)
        frequencies = subcarrier_frequencies(grid.fft_size, grid.subcarrier_spacing)
        frequencies = ops.convert_to_numpy(frequencies)[grid.effective_subcarriers]
        self._frequencies = frequencies.astype(np.float32)

    def sample(self, batch, num_slots=1):
        slots = num_slots if self.moves else 1
        steps = slots * self.grid.num_ofdm_symbols if self.moves else 1
        h = self._response(batch, steps)
        h = ops.reshape(
            h, (batch, self.num_rx_ant, self.num_tx_ant, slots, -1, h.shape[-1])
        )
        return ops.transpose(h, (0, 3, 1, 2, 4, 5))

    def _response(self, batch, steps):
        """[batch, num_rx_ant, num_tx_ant, steps, num_effective_subcarriers]"""
        a, tau = self._cir(batch, steps, 1 / self.grid.ofdm_symbol_duration)
        frequencies = ops.convert_to_tensor(self._frequencies)
        return cir_to_ofdm_channel(frequencies, a, tau)[:, 0, :, 0]

    def _cir(self, batch, steps, sampling_frequency):
        """Gains [batch, 1, num_rx_ant, 1, num_tx_ant, paths, steps] and delays [s]."""
        raise NotImplementedError


class SionnaChannel(ImpulseResponseChannel):
    """Any channel model of Sionna's interface: its own, or a user's.

    When it is made the model is tried: shapes, that the same seed gives the same
    channel, the power behind the cyclic prefix, the mean power. Its covariances, which
    estimated CSI needs, are measured over fixed draws.

    Parameters
    ----------
    model : `callable` (batch_size, num_time_steps, sampling_frequency) -> (a, tau)
        From one transmitter to one receiver: gains ``a`` [batch_size, 1, num_rx_ant, 1,
        num_tx_ant, num_paths, num_time_steps] `complex64`, delays ``tau`` [batch_size,
        1, 1, num_paths] `float32` [s], or as ``a`` without the last axis. It draws from
        Sionna's random streams, or from those of NumPy and Python; a time step is an
        OFDM symbol

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        The slot

    num_rx_ant, num_tx_ant : `int`, (default 1)
        Number of receive and transmit antennas of the model

    moves : `bool`, (default `True`)
        Whether the channel changes with time; `False` takes one time step per image,
        which is faster

    normalize : `bool`, (default `False`)
        Divide by the root of the mean power, measured once over many channels (not
        channel by channel: fades stay)

    Raises
    ------
    ValueError
        If a shape does not fit, draws do not follow the seeds, more than 1 % of the
        power arrives later than a cyclic prefix after the first path, or the entries
        are off unit mean power by more than 5 % and are not to be normalised.

    Example
    -------
    >>> from sionna.phy.channel.tr38901 import TDL
    >>> from semcom_phy.phy.framing import OFDMGrid
    >>> model = TDL("C", 100e-9, 3.5e9, max_speed=10.0)
    >>> tuple(SionnaChannel(model, OFDMGrid()).sample(2).shape)
    (2, 1, 1, 1, 14, 72)
    """

    def __init__(
        self, model, grid, num_rx_ant=1, num_tx_ant=1, moves=True, normalize=False
    ):
        super().__init__(num_rx_ant, num_tx_ant, grid, moves)
        self.model = model
        self.normalize = bool(normalize)
        self._name = type(model).__qualname__
        self._check_draws()
        if not self.normalize:
            remedy = (
                "normalise it, or return SionnaChannel(model, grid, num_rx_ant, "
                "num_tx_ant, normalize=True)"
            )
            power, standard_error = self._power
            check_unit_power(self._name, power, standard_error, remedy)

    def describe(self):
        return super().describe() | {
            "model": f"{type(self.model).__module__}.{self._name}",
            "moves": self.moves,
            "normalize": self.normalize,
        }

    @functools.cached_property
    def _power(self):
        """Mean power and its standard error."""
        return mean_power(lambda batch: super(SionnaChannel, self)._response(batch, 1))

    def _response(self, batch, steps):
        h = super()._response(batch, steps)
        return h / self._power[0] ** 0.5 if self.normalize else h

    def _cir(self, batch, steps, sampling_frequency):
        a, tau = self.model(batch, steps, sampling_frequency)
        a = ops.cast(ops.convert_to_tensor(a), "complex64")
        tau = ops.cast(ops.convert_to_tensor(tau), "float32")
        shape = tuple(a.shape)
        expected = (batch, 1, self.num_rx_ant, 1, self.num_tx_ant)
        if len(shape) != 7 or shape[:5] + shape[6:] != (*expected, steps):
            sizes = ", ".join([*map(str, expected), "num_paths", str(steps)])
            raise ValueError(
                f"channel {self._name} returned gains of shape {shape}, expected "
                f"[{sizes}]: one transmitter, one receiver, with the scenario's "
                "antennas."
            )
        return a, tau

    def _check_draws(self):
        seeds = (1, 1, 2)
        one, same, _ = np.asarray(ops.convert_to_numpy(self.sample_each(seeds)))
        if not np.isfinite(one).all():
            raise ValueError(
                f"channel {self._name} returned gains that are not finite."
            )
        if not np.array_equal(one, same):
            raise ValueError(
                f"channel {self._name} draws another channel from the same seed: let "
                "it draw from Sionna's streams (sionna.phy.config), or from those of "
                "numpy.random, and not from a generator of its own."
            )
        with private_streams(CHANNEL_SEED):
            a, tau = self._cir(64, 1, 1 / self.grid.ofdm_symbol_duration)
        a, tau = (np.asarray(ops.convert_to_numpy(v)) for v in (a, tau))
        share = _share_behind(a, tau, self.grid.cyclic_prefix_duration)
        if share > MAX_POWER_BEHIND_PREFIX:
            raise ValueError(
                f"channel {self._name}: {100 * share:.1f} % of the power arrives later "
                "than the cyclic prefix of "
                f"{self.grid.cyclic_prefix_duration:.3g} s after the first path; use "
                "smaller delays, or a grid with a longer cyclic prefix."
            )


def _share_behind(a, tau, prefix):
    """Share of the power that arrives later than ``prefix`` after the first path."""
    power = np.mean(np.abs(a[..., 0]) ** 2, axis=(2, 4))  # [batch, 1, 1, paths]
    if tau.ndim == 6:
        tau = np.mean(tau, axis=(2, 4))
    first = np.min(np.where(power > 0, tau, np.inf), axis=-1, keepdims=True)
    return power[tau - first > prefix].sum() / power.sum()
