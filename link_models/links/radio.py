"""The radio link of a scenario."""

from semcom_phy.phy.channel_models.tr38901 import CDL, TDL
from semcom_phy.phy.channel_models.user_channel import user_channel
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.user_objects import load_object, names_object


def build_channel(scenario, num_symbols=None, extra_symbols=0):
    """The radio link of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Antennas, channel model, grid, CSI, detector, rate

    num_symbols : `int`, optional
        Data symbols per image; those of the scenario's rate if not given

    extra_symbols : `int`, (default 0)
        Side-information symbols per image on top of them

    Output
    ------
    : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    Raises
    ------
    ValueError
        If the model, the antennas, the detector or the number of symbols do not fit,
        or a module of the user's is not found.

    Example
    -------
    >>> from scenarios.mimo_2x2 import SCENARIO
    >>> channel = build_channel(SCENARIO)
    >>> tuple(channel.sample(4).shape), channel.framing.num_symbols
    ((4, 1, 2, 2, 1, 1), 768)
    """
    grid = scenario.framing().grid
    num_symbols = (num_symbols or scenario.num_symbols) + extra_symbols
    framing = Framing(num_symbols, scenario.num_tx_ant, grid)
    csi = PerfectCSI()
    if scenario.csi == "estimated":
        csi = LSEstimator(scenario.interpolation)
    if names_object(scenario.channel):
        factory = load_object(scenario.channel, "channel")
        model = user_channel(factory, scenario.num_rx_ant, scenario.num_tx_ant, grid)
    else:
        model = CHANNELS[scenario.channel](scenario, grid)
    detector = None
    if scenario.detector is not None:
        detector = load_object(scenario.detector, "detector")
    return EqualizedOFDMChannel(model, framing, csi, detector)


def _clustered(model_class, scenario, grid):
    return model_class(
        scenario.profile,
        grid,
        scenario.num_rx_ant,
        scenario.num_tx_ant,
        delay_spread=scenario.delay_spread,
        carrier_frequency=scenario.carrier_frequency,
        speed=scenario.speed,
    )


CHANNELS = {
    "awgn": lambda s, grid: AWGN(s.num_tx_ant),
    "rayleigh": lambda s, grid: BlockRayleigh(s.num_rx_ant, s.num_tx_ant),
    "rician": lambda s, grid: Rician(s.rician_k_db, s.num_rx_ant, s.num_tx_ant),
    "tdl": lambda s, grid: _clustered(TDL, s, grid),
    "cdl": lambda s, grid: _clustered(CDL, s, grid),
}
