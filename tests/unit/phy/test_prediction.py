"""What a transmitter reckons with: possible channels, and the SINR of a frame."""

import numpy as np
import pytest

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import INTERPOLATORS, LSEstimator, PerfectCSI
from semcom_phy.phy.fixed_draws import NUM_POSSIBLE, NUM_PREDICTED
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.snr import snr_db_to_no

FEW_PILOTS = OFDMGrid(12, 14, (2,), cyclic_prefix_length=1)
NO = float(snr_db_to_no(3.0, 2))


def link(model, csi, num_symbols=96, grid=FEW_PILOTS):
    return EqualizedOFDMChannel(
        model, Framing(num_symbols, model.num_tx_ant, grid), csi
    )


def tdl(grid=FEW_PILOTS):
    return TDL("A", grid, 2, 2, delay_spread=30e-9, carrier_frequency=3.5e9, speed=1.0)


@pytest.mark.parametrize(
    "model", [BlockRayleigh(2, 2), BlockRayleigh(2, 2, True), tdl()]
)
def test_with_perfect_csi_the_prediction_is_the_receiver(model):
    """1 / no_eff of a frame over the same channel (relative 1e-3)."""
    channel = link(model, PerfectCSI(), num_symbols=400)
    seeds = image_seeds(3, 0, range(3))
    h = sample_fades(channel, seeds)
    x = np.ones((3, 400), np.complex64)
    _, no_eff = channel(x, h, NO, channel.draw_noise(seeds))
    sinr = np.asarray(channel.predict_sinr(h, NO))
    expected = 1 / np.asarray(no_eff)
    np.testing.assert_allclose(np.broadcast_to(sinr, (3, sinr.shape[1])), sinr)
    if sinr.shape[1] == 2:  # one fade: one figure per stream
        sinr = np.tile(sinr, 200)
    np.testing.assert_allclose(sinr, expected, rtol=1e-3)


def test_an_estimate_costs_what_the_pilots_say():
    """AWGN, LS from E pilots: of the error variance no / E of each entry, the useful
    signal loses the part out of phase, and the other stream leaks its own. The mean
    loss is below 1 % of no per stream and rises as the pilots fall (monotone)."""
    loss = []
    for num_symbols in (100_000, 20_000, 300):  # pilots in proportion
        channel = link(AWGN(2), LSEstimator(), num_symbols)
        h = channel.sample(NUM_PREDICTED)
        sinr = np.asarray(channel.predict_sinr(h, NO))
        assert sinr.shape == (NUM_PREDICTED, 2)
        loss.append(1 - sinr.mean() * NO / 2)
    assert 0 < loss[0] < loss[1] < loss[2] < 0.2
    assert loss[0] < 0.01


def test_possible_channels_are_as_likely_as_the_channel():
    """Over 3000 fades the first two moments of a possible channel, and its correlation
    with the estimate, are those of the channel itself; the plain estimate has more
    power (4 standard errors)."""
    count = 3000
    channel = link(BlockRayleigh(2, 2), LSEstimator())
    seeds = image_seeds(5, 0, range(count))
    h = np.asarray(sample_fades(channel, seeds))
    noise = channel.draw_noise(seeds, sounding=True)
    h_hat = np.asarray(channel.sound(h, NO, noise)[0])
    possible = np.asarray(channel.possible_channels(h_hat, NO))
    assert possible.shape == (count, NUM_POSSIBLE, *h.shape[1:])

    def check(difference):
        per_fade = difference.reshape(count, -1).mean(1)
        assert abs(per_fade.mean()) < 4 * per_fade.std() / np.sqrt(count)

    check(np.mean(np.abs(possible) ** 2, axis=1) - np.abs(h) ** 2)
    check((np.mean(possible * h_hat[:, None].conj(), axis=1) - h * h_hat.conj()).real)
    excess = (np.abs(h_hat) ** 2 - np.abs(h) ** 2).reshape(count, -1).mean(1)
    assert excess.mean() > 10 * excess.std() / np.sqrt(count)


@pytest.mark.parametrize("interpolation", INTERPOLATORS)
def test_possible_channels_over_the_grid(interpolation):
    """Over a TDL that changes within the slot, possible channels have the power of the
    channel, its steps from one subcarrier and one OFDM symbol to the next, and its
    correlation with the estimate (n = 200 fades; 4 standard errors, and 15 % because
    the errors are those of 64 channels)."""
    grid = OFDMGrid(24, 14, (2, 11), cyclic_prefix_length=4)
    model = TDL("A", grid, 2, 2, delay_spread=5e-7, carrier_frequency=3.5e9, speed=30.0)
    channel = link(model, LSEstimator(interpolation), 96, grid)
    seeds, no = image_seeds(6, 0, range(200)), float(snr_db_to_no(25.0, 2))
    h = np.asarray(sample_fades(channel, seeds))
    noise = channel.draw_noise(seeds, sounding=True)
    h_hat = np.asarray(channel.sound(h, no, noise)[0])
    possible = np.asarray(channel.possible_channels(h_hat, no))
    assert possible.shape == (200, NUM_POSSIBLE, *h.shape[1:])

    def check(of):
        expected = of(h, h_hat).reshape(200, -1).mean(1)
        difference = of(possible, h_hat[:, None]).reshape(200, -1).mean(1) - expected
        spread = 4 * difference.std() / np.sqrt(200)
        assert abs(difference.mean()) < spread + 0.15 * expected.mean()

    check(lambda h, h_hat: np.abs(h) ** 2)
    check(lambda h, h_hat: np.abs(np.diff(h, axis=-1)) ** 2)
    check(lambda h, h_hat: np.abs(np.diff(h, axis=-2)) ** 2)
    check(lambda h, h_hat: np.abs(h - h_hat) ** 2)


def test_what_is_known_is_not_drawn():
    """Perfect CSI: the estimate alone. AWGN: the channel itself, whatever the estimate
    (exact)."""
    perfect = link(BlockRayleigh(2, 2), PerfectCSI())
    h = perfect.sample(3)
    np.testing.assert_array_equal(perfect.possible_channels(h, NO)[:, 0], h)
    steady = link(AWGN(2), LSEstimator())
    h = np.asarray(steady.sample(3))
    possible = np.asarray(steady.possible_channels(1.3 * h, NO))
    assert possible.shape[1] == NUM_POSSIBLE
    np.testing.assert_array_equal(possible, np.repeat(h[:, None], NUM_POSSIBLE, 1))
