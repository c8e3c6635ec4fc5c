"""Fades that stand for a channel where only its average SNR is known."""

from semcom_phy.phy.feedback import draw_seeds
from semcom_phy.phy.fixed_draws import NUM_PREDICTED
from semcom_phy.seeding import derived_seed, private_streams

SYMBOLS_AT_ONCE = 500_000  # bounds the memory of channels that vary over the frame
_LEAST = 100


def expected_fades(channel, most, seed):
    """Yields fades of a channel, in parts that fit into memory.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    most : `int`
        Fades in all; fewer, down to 100, on channels that vary over a long frame,
        which average by themselves

    seed : `int`
        Fixes the fades

    Output
    ------
    h : [part, slots or 1, num_rx_ant, num_tx_ant, T or 1, F or 1], `complex64`
    """
    at_once = fades_at_once(channel)
    if at_once < most:
        most = min(most, max(_LEAST, 20 * at_once))
    seeds = draw_seeds(seed, most)
    for start in range(0, most, at_once):
        part = seeds[start : start + at_once]
        if channel.channel_model.is_flat:
            yield channel.sample_each(part)
            continue
        with private_streams(derived_seed(seed, start)):  # one by one takes too long
            h = channel.sample(len(part))
        yield h


def fades_at_once(channel):
    """Fades that fit into memory together, `int`, a multiple of NUM_PREDICTED."""
    size = channel.framing.num_symbols
    if channel.channel_model.is_flat:
        size = channel.framing.num_slots
    return max(1, SYMBOLS_AT_ONCE // size // NUM_PREDICTED) * NUM_PREDICTED
