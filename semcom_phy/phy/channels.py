"""Channel models: objects that draw fades in one layout.

Every model has ``sample(batch, num_slots)`` and returns

    h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`

with T OFDM symbols and F effective subcarriers; a size of 1 says that the channel is
constant along that axis. Fades come from Sionna's seeded stream
(:func:`semcom_phy.seeding.set_seed`), or with ``sample_each(seeds, num_slots)`` from
seeds of the images. Entries have mean power 1 unless a model says
otherwise with ``normalized = False``: then the SNR is an output of the link.
"""

from functools import partial

import numpy as np
from keras import ops
from sionna.phy.channel import RayleighBlockFading

from semcom_phy.backend import uniform
from semcom_phy.checks import check_number
from semcom_phy.phy.channel_models.channel_statistics import measured_correlations
from semcom_phy.seeding import (
    complex_normals,
    derived_seed,
    image_generator,
    private_streams,
)
from semcom_phy.snr import db_to_linear


class ChannelModel:
    """What all channel models share.

    Parameters
    ----------
    num_rx_ant, num_tx_ant : `int`, 1 to 64
        Number of receive and transmit antennas
    """

    is_flat = True
    """`bool` : Constant over the OFDM symbols and subcarriers of a slot."""

    normalized = True
    """`bool` : Entries have mean power 1, so that the SNR follows from ``no``."""

    is_random = True
    """`bool` : Fades are drawn; a channel that is always the same is known."""

    made_by = None
    """`callable` or `None` : A user's function or class that made the model."""

    def __init__(self, num_rx_ant, num_tx_ant):
        for name, value in (("num_rx_ant", num_rx_ant), ("num_tx_ant", num_tx_ant)):
            if int(value) != value or not 1 <= value <= 64:
                raise ValueError(
                    f"{name} must be an integer from 1 to 64, got {value}."
                )
        self.num_rx_ant = int(num_rx_ant)
        self.num_tx_ant = int(num_tx_ant)

    def sample(self, batch, num_slots=1):
        """Draws one channel per image.

        Input
        -----
        batch : `int`
            Number of images

        num_slots : `int`, (default 1)
            Slots per image

        Output
        ------
        h : [batch, num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
            Channel, the sizes of 1 where it is constant
        """
        raise NotImplementedError

    def sample_each(self, seeds, num_slots=1):
        """Draws one channel per image, each a function of its seed alone.

        Here one after the other by :meth:`sample`, in random streams made private.
        Nobody's streams are touched. Slots beyond ``num_slots`` do not change those
        before them, where a model does not say otherwise.

        Input
        -----
        seeds : sequence of `int`, 0 to 2**63 - 1
            One per image

        num_slots : `int`, (default 1)
            Slots per image

        Output
        ------
        h : [len(seeds), num_slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1],
        `complex64`
            As of :meth:`sample`
        """
        one, h = self._one_image(num_slots), []
        for seed in seeds:
            with private_streams(derived_seed(seed, "fade")):
                h.append(one())
        return ops.concatenate(h)

    def _one_image(self, num_slots):
        """A function that draws the channel of one image."""
        return partial(self.sample, 1, num_slots)

    def covariances(self, grid):
        """Covariance over OFDM symbols and effective subcarriers, of unit power.

        What interpolation of a selective channel reckons with. Here measured over
        draws; a model that knows its statistics has its own.

        Output
        ------
        cov_time : [num_ofdm_symbols, num_ofdm_symbols], `complex64`
            Covariance over the OFDM symbols of a slot

        cov_freq : [num_effective_subcarriers, num_effective_subcarriers], `complex64`
            Covariance over the effective subcarriers
        """
        return measured_correlations(self, grid)

    def describe(self):
        """What fixes the fades beside the seed, a `dict` of plain values."""
        return {
            "channel": type(self).__name__,
            "num_rx_ant": self.num_rx_ant,
            "num_tx_ant": self.num_tx_ant,
        }

    # Models with one fade per image also have its two parts, h = line of sight +
    # sqrt(scattered_power) scattered: what stays and what moves on.

    scattered_power: float | None = None
    """`float` : Mean power of what fades in an entry, 0 to 1; `None`: not in parts."""

    def line_of_sight(self, seeds):
        """What does not fade of the channels of :meth:`sample_each`, in its layout."""
        raise NotImplementedError

    def scattered(self, seeds):
        """What fades of the channels of :meth:`sample_each`, of mean power 1."""
        raise NotImplementedError


class AWGN(ChannelModel):
    r"""No fading: every stream arrives at its own receive antenna.

    The channel is :math:`\sqrt{N}\,\mathbf{I}_N`. The factor gives the entries mean
    power 1 like any other model's, so that a receive antenna collects the power of
    all streams and every stream sees the SNR that ``snr_db_to_no`` was asked for.

    Parameters
    ----------
    num_ant : `int`, (default 1)
        Number of transmit and of receive antennas, N

    Example
    -------
    >>> h = AWGN().sample(3)
    >>> tuple(h.shape), bool(ops.all(h == 1))
    ((3, 1, 1, 1, 1, 1), True)
    """

    is_random = False
    scattered_power = 0.0

    def __init__(self, num_ant=1):
        super().__init__(num_ant, num_ant)

    def line_of_sight(self, seeds):
        return self.sample(len(seeds))

    def scattered(self, seeds):
        return ops.zeros_like(self.sample(len(seeds)))

    def sample_each(self, seeds, num_slots=1):
        return self.sample(len(seeds), num_slots)

    def sample(self, batch, num_slots=1):
        h = np.sqrt(self.num_rx_ant) * np.eye(self.num_rx_ant)
        h = np.tile(h[None, None, :, :, None, None], (batch, 1, 1, 1, 1, 1))
        return ops.convert_to_tensor(h.astype(np.complex64))


class BlockRayleigh(ChannelModel):
    """Independent Rayleigh fading per antenna pair, constant over a block.

    Parameters
    ----------
    num_rx_ant, num_tx_ant : `int`, (default 1)
        Number of receive and transmit antennas

    per_slot : `bool`, (default `False`)
        Draw a new fade for every slot; otherwise one for the whole image

    Example
    -------
    >>> from semcom_phy.seeding import sample_fades
    >>> channel = BlockRayleigh(num_rx_ant=2, num_tx_ant=2)
    >>> tuple(channel.sample(8).shape)
    (8, 1, 2, 2, 1, 1)
    >>> alone, among = sample_fades(channel, [7]), sample_fades(channel, [3, 7])
    >>> bool(ops.all(alone[0] == among[1]))
    True
    """

    scattered_power = 1.0

    def __init__(self, num_rx_ant=1, num_tx_ant=1, per_slot=False):
        super().__init__(num_rx_ant, num_tx_ant)
        self.per_slot = per_slot
        self._fading = RayleighBlockFading(1, self.num_rx_ant, 1, self.num_tx_ant)

    def sample(self, batch, num_slots=1):
        blocks = num_slots if self.per_slot else 1
        a, _ = self._fading(batch * blocks, 1)
        shape = (batch, blocks, self.num_rx_ant, self.num_tx_ant, 1, 1)
        return ops.reshape(a, shape)

    def sample_each(self, seeds, num_slots=1):
        blocks = num_slots if self.per_slot else 1
        shape = (blocks, self.num_rx_ant, self.num_tx_ant, 1, 1)
        h = [complex_normals(image_generator(seed, "fade"), shape) for seed in seeds]
        return ops.convert_to_tensor(np.stack(h))

    def describe(self):
        return super().describe() | {"per_slot": self.per_slot}

    def line_of_sight(self, seeds):
        return ops.zeros_like(self.scattered(seeds))

    def scattered(self, seeds):
        return BlockRayleigh.sample_each(self, seeds)


class Rician(BlockRayleigh):
    r"""Rician block fading with a line of sight between uniform linear arrays.

    .. math::
        \mathbf{H} = \sqrt{\tfrac{K}{K+1}}\, \mathbf{a}_r(\theta_r)
            \mathbf{a}_t(\theta_t)^\mathsf{T} + \sqrt{\tfrac{1}{K+1}}\, \mathbf{H}_w

    with half-wavelength spacing, angles uniform over all directions and a uniform
    common phase, both drawn anew for every image. The line of sight has rank one.

    Parameters
    ----------
    k_factor_db : `float`
        Power of the line of sight over that of the scattered paths, K, -100 to 100
        [dB]; from 40 dB on detection in 32 bits can no longer tell many streams apart

    num_rx_ant, num_tx_ant, per_slot
        As in :class:`BlockRayleigh`
    """

    def __init__(self, k_factor_db, num_rx_ant=1, num_tx_ant=1, per_slot=False):
        super().__init__(num_rx_ant, num_tx_ant, per_slot)
        check_number("k_factor_db", k_factor_db, -100, 100, "dB")
        self.k_factor_db = k_factor_db
        k = float(db_to_linear(k_factor_db))
        self.scattered_power = 1 / (k + 1)
        self._los_gain = float(np.sqrt(k / (k + 1)))
        self._scatter_gain = float(np.sqrt(self.scattered_power))

    def sample(self, batch, num_slots=1):
        scattered = super().sample(batch, num_slots)
        return self._sight(uniform((batch, 3))) + self._scatter_gain * scattered

    def sample_each(self, seeds, num_slots=1):
        scattered = super().sample_each(seeds, num_slots)
        return self.line_of_sight(seeds) + self._scatter_gain * scattered

    def line_of_sight(self, seeds):
        cycles = [
            image_generator(s, "line of sight").random(3, "float32") for s in seeds
        ]
        return self._sight(ops.convert_to_tensor(np.stack(cycles)))

    def _sight(self, cycles):
        """Line of sight of directions and a phase given in cycles, [batch, 3]."""
        phase = 2 * np.pi * cycles
        rx = self._steering(phase[:, 0], self.num_rx_ant)
        tx = self._steering(phase[:, 1], self.num_tx_ant)
        common = _expi(phase[:, 2])[:, None, None]
        los = (common * rx[:, :, None] * tx[:, None, :])[:, None, :, :, None, None]
        return self._los_gain * los

    def describe(self):
        return super().describe() | {"rician_k_db": self.k_factor_db}

    @staticmethod
    def _steering(direction, num_ant):
        cycles = (
            np.pi * ops.sin(direction)[:, None] * ops.arange(num_ant, dtype="float32")
        )
        return _expi(cycles)


def _expi(phase):
    return ops.view_as_complex(ops.stack([ops.cos(phase), ops.sin(phase)], axis=-1))
