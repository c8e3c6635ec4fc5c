"""Selective channels of 3GPP TR 38.901 through Sionna: TDL, CDL and UMi.

Same interface and layout as :mod:`semcom_phy.phy.channels`; on the grid as in
:mod:`semcom_phy.phy.channel_models.sionna_channel`.
"""

from functools import partial
from typing import Any

import numpy as np
from keras import ops
from sionna.phy.channel import gen_single_sector_topology, tr38901
from sionna.phy.ofdm import tdl_freq_cov_mat, tdl_time_cov_mat

from semcom_phy.backend import compile_fn
from semcom_phy.phy.channel_models.sionna_channel import (
    MAX_POWER_BEHIND_PREFIX,
    ImpulseResponseChannel,
)
from semcom_phy.phy.channels import ChannelModel

_LOS_ANGLE_OF_ARRIVAL = np.pi / 4
_PROFILES = ("A", "B", "C", "D", "E")


class SelectiveChannel(ImpulseResponseChannel):
    """What the models of TR 38.901 share: a profile, a carrier and a speed.

    Parameters
    ----------
    num_rx_ant, num_tx_ant : `int`
        Number of receive and transmit antennas

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        The slot that the channel is computed for

    carrier_frequency : `float`
        Carrier frequency [Hz]

    speed : `float`
        Speed of the user terminal [m/s]

    profile, delay_spread
        TDL profile and RMS delay spread [s] that :meth:`covariances` assumes
    """

    def __init__(
        self,
        num_rx_ant,
        num_tx_ant,
        grid,
        carrier_frequency,
        speed,
        profile,
        delay_spread,
    ):
        super().__init__(num_rx_ant, num_tx_ant, grid, speed)
        if profile not in _PROFILES:
            raise ValueError(f"model must be one of {_PROFILES}, got {profile!r}.")
        for name, value, low in (
            ("carrier_frequency", carrier_frequency, 1e6),
            ("speed", speed, 0.0),
            ("delay_spread", delay_spread, 0.0),
        ):
            if not np.isfinite(value) or value < low:
                raise ValueError(f"{name} must be at least {low}, got {value}.")
        self.carrier_frequency = float(carrier_frequency)
        self.speed = float(speed)
        self.profile = profile
        self.delay_spread = float(delay_spread)
        self._compiled = {}

    def _check_cyclic_prefix(self):
        """Refuses a delay profile of which more than 1 % of the power arrives after the
        cyclic prefix.

        It would interfere between OFDM symbols, which a link that is simulated per
        subcarrier leaves out. The delays are those of the TDL model of the profile.
        """
        if not self.delay_spread:
            return
        model = tr38901.TDL(self.profile, self.delay_spread, self.carrier_frequency)
        delays, powers = (
            np.abs(ops.convert_to_numpy(values)).ravel()
            for values in (model.delays, model.mean_powers)
        )
        prefix = self.grid.cyclic_prefix_duration
        share = powers[delays > prefix].sum() / powers.sum()
        if share > MAX_POWER_BEHIND_PREFIX:
            raise ValueError(
                f"with a delay_spread of {self.delay_spread:g} s, {100 * share:.1f} % "
                f"of the power of profile {self.profile} arrives after the cyclic "
                f"prefix of {prefix:.3g} s (its last path at {delays.max():.3g} s); "
                "use a smaller delay_spread, or a grid with a longer cyclic prefix."
            )

    def _one_image(self, num_slots):
        """Draws the channel of one image; compiled, for Sionna's models are slow."""
        if num_slots not in self._compiled:
            self._compiled[num_slots] = compile_fn(
                partial(self.sample, 1, num_slots), jit=False
            )
        return self._compiled[num_slots]

    def covariances(self, grid):
        """Covariance over OFDM symbols and effective subcarriers, of unit power.

        That of the TDL model with this profile, delay spread and speed: exact for TDL,
        a nominal assumption for the others.

        Output
        ------
        cov_time : [num_ofdm_symbols, num_ofdm_symbols], `complex64`
            Covariance over the OFDM symbols of a slot

        cov_freq : [num_effective_subcarriers, num_effective_subcarriers], `complex64`
            Covariance over the effective subcarriers
        """
        time = tdl_time_cov_mat(
            self.profile,
            self.speed,
            self.carrier_frequency,
            grid.ofdm_symbol_duration,
            grid.num_ofdm_symbols,
            los_angle_of_arrival=_LOS_ANGLE_OF_ARRIVAL,
        )
        freq = tdl_freq_cov_mat(
            self.profile, grid.subcarrier_spacing, grid.fft_size, self.delay_spread
        )
        used = grid.effective_subcarriers
        return time, ops.convert_to_numpy(freq)[np.ix_(used, used)]

    def describe(self):
        return super().describe() | {
            "profile": self.profile,
            "delay_spread": self.delay_spread,
            "carrier_frequency": self.carrier_frequency,
            "speed": self.speed,
        }

    _model: Any  # of Sionna, that subclasses make

    def _cir(self, batch, steps, sampling_frequency):
        return self._model(batch, steps, sampling_frequency)


class TDL(SelectiveChannel):
    """Tapped delay line, antenna pairs independent.

    Parameters
    ----------
    model : "A" | "B" | "C" | "D" | "E"
        Power-delay profile; D and E have a line of sight

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        The slot

    num_rx_ant, num_tx_ant : `int`, (default 1)
        Number of receive and transmit antennas

    delay_spread : `float`, (default 100e-9)
        RMS delay spread [s]

    carrier_frequency : `float`, (default 3.5e9)
        Carrier frequency [Hz]

    speed : `float`, (default 0.0)
        Speed of the receiver [m/s]

    Raises
    ------
    ValueError
        If a value is out of range, or more than 1 % of the power arrives after the
        cyclic prefix of the grid.

    References
    ----------
    3GPP TR 38.901, section 7.7.2.
    """

    def __init__(
        self,
        model,
        grid,
        num_rx_ant=1,
        num_tx_ant=1,
        delay_spread=100e-9,
        carrier_frequency=3.5e9,
        speed=0.0,
    ):
        super().__init__(
            num_rx_ant, num_tx_ant, grid, carrier_frequency, speed, model, delay_spread
        )
        self._check_cyclic_prefix()
        self._model = tr38901.TDL(
            model=model,
            delay_spread=self.delay_spread,
            carrier_frequency=self.carrier_frequency,
            los_angle_of_arrival=_LOS_ANGLE_OF_ARRIVAL,
            min_speed=self.speed,
            max_speed=self.speed,
            num_rx_ant=self.num_rx_ant,
            num_tx_ant=self.num_tx_ant,
        )


class CDL(SelectiveChannel):
    """Clustered delay line between horizontal arrays of vertical dipoles.

    Uniform linear arrays with half-wavelength spacing and omnidirectional,
    vertically polarised elements: neighbouring antennas are correlated, and the mean
    power over entries and draws is 1.

    Parameters
    ----------
    model : "A" | "B" | "C" | "D" | "E"
        Cluster profile; D and E have a line of sight

    direction : "uplink" (default) | "downlink"
        Whether the terminal or the base station transmits

    grid, num_rx_ant, num_tx_ant, delay_spread, carrier_frequency, speed
        As in :class:`TDL`

    References
    ----------
    3GPP TR 38.901, section 7.7.1.
    """

    def __init__(
        self,
        model,
        grid,
        num_rx_ant=1,
        num_tx_ant=1,
        delay_spread=100e-9,
        carrier_frequency=3.5e9,
        speed=0.0,
        direction="uplink",
    ):
        super().__init__(
            num_rx_ant, num_tx_ant, grid, carrier_frequency, speed, model, delay_spread
        )
        self._check_cyclic_prefix()
        self.direction = direction
        self._model = tr38901.CDL(
            model=model,
            delay_spread=self.delay_spread,
            carrier_frequency=self.carrier_frequency,
            min_speed=self.speed,
            max_speed=self.speed,
            **_arrays(self, direction),
        )

    def describe(self):
        return super().describe() | {"direction": self.direction}


class UMi(SelectiveChannel):
    """Urban micro street canyon: one terminal dropped in a sector per image.

    Path loss and shadow fading are part of the channel, so ``h`` is far below unit
    power and the SNR is an output: set ``no`` with
    :func:`~semcom_phy.snr.link_budget_to_no` and read the SNR off the reception.

    Parameters
    ----------
    grid, num_rx_ant, num_tx_ant, carrier_frequency, speed
        As in :class:`TDL`

    direction : "uplink" (default) | "downlink"
        Whether the terminal or the base station transmits

    indoor_probability : `float`, (default 0.0), in [0, 1]
        Probability that a terminal is indoors (low-loss building)

    shadow_fading : `bool`, (default `True`)
        Draw shadow fading

    delay_spread : `float`, (default 100e-9)
        Delay spread [s] that LMMSE interpolation assumes, with profile C

    Note
    ----
    Draw outside compiled functions: Sionna builds the topology eagerly.

    References
    ----------
    3GPP TR 38.901, sections 7.2 to 7.5.
    """

    normalized = False

    def __init__(
        self,
        grid,
        num_rx_ant=1,
        num_tx_ant=1,
        carrier_frequency=3.5e9,
        speed=0.0,
        direction="uplink",
        indoor_probability=0.0,
        shadow_fading=True,
        delay_spread=100e-9,
    ):
        super().__init__(
            num_rx_ant, num_tx_ant, grid, carrier_frequency, speed, "C", delay_spread
        )
        if not 0 <= indoor_probability <= 1:
            raise ValueError(
                f"indoor_probability must be in [0, 1], got {indoor_probability}."
            )
        self.direction = direction
        self.indoor_probability = float(indoor_probability)
        self.shadow_fading = bool(shadow_fading)
        self._model = tr38901.UMi(
            carrier_frequency=self.carrier_frequency,
            o2i_model="low",
            enable_pathloss=True,
            enable_shadow_fading=shadow_fading,
            **_arrays(self, direction),
        )

    _one_image = ChannelModel._one_image  # not compiled

    def describe(self):
        return super().describe() | {
            "direction": self.direction,
            "indoor_probability": self.indoor_probability,
            "shadow_fading": self.shadow_fading,
        }

    def _cir(self, batch, steps, sampling_frequency):
        topology = gen_single_sector_topology(
            batch,
            1,
            "umi",
            indoor_probability=self.indoor_probability,
            min_ut_velocity=self.speed,
            max_ut_velocity=self.speed,
        )
        self._model.set_topology(*topology)
        return self._model(steps, sampling_frequency)


def _arrays(channel, direction):
    """Linear arrays of the terminal and the base station, and the direction."""
    if direction not in ("uplink", "downlink"):
        raise ValueError(
            f"direction must be 'uplink' or 'downlink', got {direction!r}."
        )
    sizes = channel.num_tx_ant, channel.num_rx_ant
    terminal, base = sizes if direction == "uplink" else sizes[::-1]
    return {
        "ut_array": _linear_array(terminal, channel.carrier_frequency),
        "bs_array": _linear_array(base, channel.carrier_frequency),
        "direction": direction,
    }


def _linear_array(num_ant, carrier_frequency):
    return tr38901.PanelArray(
        num_rows_per_panel=1,
        num_cols_per_panel=num_ant,
        polarization="single",
        polarization_type="V",
        antenna_pattern="omni",
        carrier_frequency=carrier_frequency,
    )
