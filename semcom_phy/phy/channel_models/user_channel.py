"""A channel model of a user's own, from a function or class that makes it."""

import functools

from semcom_phy.phy.channel_models.channel_statistics import (
    check_unit_power,
    mean_power,
)
from semcom_phy.phy.channel_models.sionna_channel import SionnaChannel
from semcom_phy.phy.channels import ChannelModel


@functools.lru_cache(maxsize=8)
def user_channel(factory, num_rx_ant, num_tx_ant, grid):
    """The channel model that a user's function or class makes for a link.

    One model serves all systems of a comparison: it is made, and measured, once.

    Parameters
    ----------
    factory : `callable` (num_rx_ant, num_tx_ant, grid) -> model
        Makes a :class:`~semcom_phy.phy.channels.ChannelModel`, which is taken as it is,
        or any model of Sionna's interface, for which see :class:`~semcom_phy.phy.
        sionna_channel.SionnaChannel`. Its source counts for the results

    num_rx_ant, num_tx_ant : `int`
        Antennas of the scenario

    grid : :class:`~semcom_phy.phy.framing.OFDMGrid`
        Slot of the scenario

    Output
    ------
    : :class:`~semcom_phy.phy.channels.ChannelModel`
        With ``made_by``, the factory

    Raises
    ------
    ValueError
        If the factory makes something else, the antennas differ, or the entries are
        off unit mean power.
    """
    if not callable(factory):
        raise ValueError(
            "channel must name a function or class that is called with num_rx_ant, "
            f"num_tx_ant and grid, got {factory!r}."
        )
    model = factory(num_rx_ant, num_tx_ant, grid)
    if not isinstance(model, ChannelModel):
        if not callable(model):
            raise ValueError(
                f"channel returned {model!r}, neither a ChannelModel nor a callable "
                "(batch_size, num_time_steps, sampling_frequency) -> (a, tau)."
            )
        model = SionnaChannel(model, grid, num_rx_ant, num_tx_ant)
    elif not isinstance(model, SionnaChannel):  # which has measured itself
        power, standard_error = mean_power(lambda batch: model.sample(batch, 1))
        check_unit_power(
            type(model).__qualname__,
            power,
            standard_error,
            f"divide them by {power**0.5:.4g} in sample; a path loss belongs into "
            "the SNR",
        )
    antennas = model.num_rx_ant, model.num_tx_ant
    if antennas != (num_rx_ant, num_tx_ant):
        raise ValueError(
            f"channel {type(model).__qualname__} has {antennas[0]} receive and "
            f"{antennas[1]} transmit antennas, the scenario {num_rx_ant} and "
            f"{num_tx_ant}."
        )
    model.made_by = factory
    return model
