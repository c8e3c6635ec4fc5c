"""Link budget: the SNR that follows from a distance."""

import numpy as np
import pytest
from keras import ops

from scenarios.link_budget import LinkBudget
from semcom_phy.phy.channel_models.path_loss import LogDistance, PathLoss
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.seeding import set_seed
from semcom_phy.snr import link_budget_to_no

METRES = (50, 100, 150, 200)


def test_figures_of_the_paper():
    """20 dBm, 28 GHz, exponent 2, 20 MHz, 9 dB: as published (to their 0.1 dB)."""
    published = (16.6, 10.6, 7.1, 4.6)
    assert LinkBudget().snr_db(METRES) == pytest.approx(published, abs=0.05)


def test_every_part_of_the_budget_counts():
    """By hand: thermal noise of -174 dBm/Hz at 290 K (-173.975), Friis' free space over
    1 m, 10 n dB a decade (1e-3 dB, to which an SNR is rounded)."""
    budget = LinkBudget(23.0, 3.5, 5e9, 1e6, 4.0)
    free_space = 20 * np.log10(4 * np.pi * 5e9 / 299792458)
    noise = 10 * np.log10(1.380649e-23 * 290 * 1e3 * 1e6) + 4
    by_hand = 23 - free_space - 35 * np.log10(METRES) - noise
    np.testing.assert_allclose(budget.snr_db(METRES), by_hand, atol=1e-3)


def test_it_is_the_snr_of_a_channel_with_path_loss():
    """Fades through the same path loss, the total power split over two antennas: mean
    power over noise per receive antenna is the SNR (4 standard errors of 4,000 fades of
    4 entries, 0.14 dB)."""
    law = LogDistance(2.0, 28e9)
    set_seed(1)
    h = PathLoss(BlockRayleigh(2, 2), law, 100.0).sample(4000)
    no = link_budget_to_no(20.0, 20e6, 2, 9.0)
    received = np.sum(np.abs(ops.convert_to_numpy(h)) ** 2, axis=3)
    measured = 10 * np.log10(received.mean() / no)
    assert measured == pytest.approx(*LinkBudget().snr_db((100.0,)), abs=0.14)


@pytest.mark.parametrize(
    "distances, message",
    [
        ((), "distances must hold at least one distance in m"),
        ((0.0,), "distances must be a number from 0.001 to 1e.09 m, got 0.0"),
        ((50, -1.0), "distances must be .*got -1.0"),
        ((float("nan"),), "distances must be .*got nan"),
        ((float("inf"),), "distances must be .*got inf"),
        (("far",), "distances must be .*got 'far'"),
        ((100, 50), "distances must increase, got 50 after 100 m: give each once"),
        ((50, 50), "distances must increase, got 50 after 50 m"),
        ((100, 100.001), "SNRs that differ, got 100 and 100.001 m, both with 10.574"),
        ((0.1,), "SNRs from -100 to 60 dB, got 0.1 m with 70.574 dB.*--power"),
        ((1e8,), "SNRs from -100 to 60 dB, got 1e.08 m with -109.426 dB"),
    ],
)
def test_distances_that_make_no_sweep_are_refused(distances, message):
    """With the value, what is allowed, and the remedy (exact)."""
    with pytest.raises(ValueError, match=message):
        LinkBudget().snr_db(distances)


@pytest.mark.parametrize(
    "field, low, high",
    [
        ("tx_power_dbm", -101, 101),
        ("path_loss_exponent", 0.9, 11),
        ("carrier_frequency", 0.0, 1e13),
        ("bandwidth_hz", 0.0, 1e13),
        ("noise_figure_db", -1, 51),
    ],
)
def test_every_number_of_a_budget_is_checked(field, low, high):
    """NaN, infinity, other types and absurd values are refused by name (exact)."""
    for value in (low, high, float("nan"), float("inf"), "many", None):
        with pytest.raises(ValueError, match=f"^{field} must be a number .*got .?"):
            LinkBudget(**{field: value})
