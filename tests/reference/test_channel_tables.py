"""TDL, CDL and UMi against the tables of TR 38.901 in the installed Sionna.

Sionna 1.x holds the tables of TR 38.901 V16.1, Sionna 2.x those of V16.1 and, by
default, V19.2 (see `docs/generations.md`). The tables are read from the installation,
the statistics from our own classes; entries that are known to differ are asserted, so
that an upgrade that changes them is noticed.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from keras import ops
from scipy.special import j0
from sionna.phy import SPEED_OF_LIGHT
from sionna.phy.channel.tr38901 import models

from semcom_phy.generation import installed_sionna
from semcom_phy.phy.channel_models.tr38901 import CDL, TDL, UMi
from semcom_phy.phy.framing import OFDMGrid
from semcom_phy.seeding import set_seed

GENERATION = int(installed_sionna().split(".")[0])
FOLDER = Path(models.__file__).parent / ("" if GENERATION == 1 else "v19_2")
CARRIER = 3.5e9
NUM_SINUSOIDS = 20  # of a TDL tap, and rays of a CDL cluster
WIDE, SPREAD = OFDMGrid(8, subcarrier_spacing=240e3), 300e-9

# First eight digits of the SHA-256 of the entries: the same in both generations.
SAME_TABLES = {
    "TDL-A": "b9b4c7a3",
    "TDL-B": "f0408b8d",
    "TDL-C": "67935a5a",
    "TDL-D": "8bcda1f3",
    "TDL-E": "a170aafe",
    "CDL-A": "a71606da",
    "CDL-B": "0bacc644",
    "CDL-C": "e3b2c353",
    "CDL-D": "d98deaf9",
    "CDL-E": "60ba3d2b",
    "UMi_O2I": "028888e7",
}
# Entry: (V16.1, V19.2). Every other entry of the two files is the same.
UMI_ENTRIES = {
    "UMi_LoS": {
        "muDSa": (-0.24, -0.18),
        "muDSc": (-7.14, -7.28),
        "sigmaDSc": (0.38, 0.39),
        "muASAa": (-0.08, -0.07),
        "muASAc": (1.73, 1.66),
        "sigmaASAa": (0.014, 0.021),
        "sigmaASAc": (0.28, 0.26),
        "sigmaASDa": (0.0, 0.08),
        "sigmaASDb": (0.0, 1.0),
        "sigmaASDc": (0.41, 0.29),
        "muZSAa": (-0.1, -0.11),
        "muZSAc": (0.73, 0.81),
        "sigmaZSAa": (-0.04, -0.03),
        "sigmaZSAc": (0.34, 0.29),
    },
    "UMi_NLoS": {
        "muDSa": (-0.24, -0.22),
        "muDSc": (-6.83, -6.87),
        "sigmaDSa": (0.16, 0.19),
        "sigmaDSc": (0.28, 0.22),
        "muASAa": (-0.08, -0.07),
        "muASAc": (1.81, 1.76),
        "sigmaASAc": (0.3, 0.27),
        "muASDa": (-0.23, -0.24),
        "muASDc": (1.53, 1.54),
        "sigmaASDa": (0.11, 0.1),
        "muZSAa": (-0.04, -0.03),
        "sigmaZSAa": (-0.07, -0.05),
        "sigmaZSAc": (0.41, 0.35),
    },
}
UMI_REST = {"UMi_LoS": "5e14f29e", "UMi_NLoS": "02a7f30b"}


def table(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def digest(entries):
    text = json.dumps(entries, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def profile(name):
    """Powers of sum 1 and normalised delays of all paths; power of the line of sight,
    which is the first path of the tables that have one."""
    entries = table(name)
    powers = 10 ** (np.array(entries["powers"]) / 10)
    powers /= powers.sum()
    return powers, np.array(entries["delays"]), powers[0] if entries["los"] else 0.0


@cache
def draws(kind, letter, grid, count, **options):
    """Fades of 2x2 antennas [count, 2, 2, T, F], seed 3."""
    set_seed(3)
    model = kind(letter, grid, 2, 2, carrier_frequency=CARRIER, **options)
    h = [ops.convert_to_numpy(model.sample(500))[:, 0] for _ in range(count // 500)]
    return np.concatenate(h)


def assert_mean(per_draw, expected):
    """The mean over draws is as expected, within 4 standard errors."""
    for part in (np.real, np.imag):
        values = part(per_draw)
        error = np.std(values, axis=0) / np.sqrt(len(values))
        distance = np.abs(np.mean(values, axis=0) - part(expected))
        assert np.all(distance <= 4 * error + 1e-6), (distance / error, expected)


def test_unchanged_tables():
    """TDL, CDL and UMi indoors have the entries known from both generations (exact)."""
    assert {name: digest(table(name)) for name in SAME_TABLES} == SAME_TABLES


@pytest.mark.parametrize("name", UMI_ENTRIES)
def test_entries_that_differ(name):
    """UMi follows V16.1 on Sionna 1.x and V19.2 on Sionna 2.x, entry by entry, and
    its other entries are those of both (exact)."""
    entries = table(name)
    for key, versions in UMI_ENTRIES[name].items():
        assert entries.pop(key) == versions[GENERATION - 1], key
    assert digest(entries) == UMI_REST[name]


def test_version_in_use():
    """Our models run on the tables that these tests read (exact)."""
    grid = OFDMGrid(8)
    in_use = {
        "TDL": getattr(TDL("A", grid)._model, "spec_version", "16.1"),
        "CDL": getattr(CDL("A", grid)._model, "spec_version", "16.1"),
        "UMi": getattr(UMi(grid)._model._scenario, "spec_version", "16.1"),
    }
    assert set(in_use.values()) == {("16.1", "19.2")[GENERATION - 1]}, in_use


@pytest.mark.parametrize("letter", "ABCDE")
@pytest.mark.parametrize("kind", [TDL, CDL])
def test_power_delay_profile(kind, letter):
    """The correlation over subcarriers is the Fourier transform of the table's powers
    over its delays (4 s.e. clustered by draw, 1000 draws of 2x2, seed 3)."""
    h = draws(kind, letter, WIDE, 1000, delay_spread=SPREAD)[:, :, :, 0]
    powers, delays, _ = profile(f"{kind.__name__}-{letter}")
    for lag in range(6):
        product = h[..., lag:] * h[..., : 8 - lag].conj()
        turn = -2j * np.pi * lag * WIDE.subcarrier_spacing * SPREAD * delays
        assert_mean(product.mean(axis=(1, 2, 3)), np.sum(powers * np.exp(turn)))


@pytest.mark.parametrize("letter", "ACDE")
@pytest.mark.parametrize("kind", [TDL, CDL])
def test_line_of_sight_power(kind, letter):
    r""":math:`E|h|^4 = 2 - p_0^2 - \sum_l p_l^2 / N` for a line of sight of power p_0
    and taps of N sinusoids (4 s.e. clustered by draw, 1000 draws of 2x2, seed 3)."""
    h = draws(kind, letter, WIDE, 1000, delay_spread=SPREAD)[:, :, :, 0]
    powers, _, los = profile(f"{kind.__name__}-{letter}")
    scattered = powers[1:] if los else powers
    expected = 2 - los**2 - np.sum(scattered**2) / NUM_SINUSOIDS
    assert_mean(np.mean(np.abs(h) ** 4, axis=(1, 2, 3)), expected)


@pytest.mark.parametrize("letter", "AD")
def test_doppler_of_tdl(letter):
    """The correlation over an OFDM symbol of 1.5 ms is Bessel's J0 for scattered paths
    and a turn at 45 degrees for the line of sight (4 s.e., 1000 draws, seed 3)."""
    grid = OFDMGrid(2, 2, (0,), subcarrier_spacing=1e3, cyclic_prefix_length=1)
    h = draws(TDL, letter, grid, 1000, speed=20.0)
    product = (h[..., 1, :] * h[..., 0, :].conj()).mean(axis=(1, 2, 3))
    los = profile(f"TDL-{letter}")[2]
    turn = 2 * np.pi * 20.0 / SPEED_OF_LIGHT * CARRIER * grid.ofdm_symbol_duration
    expected = (1 - los) * j0(turn) + los * np.exp(1j * turn * np.cos(np.pi / 4))
    assert_mean(product, expected)


def power_correlation_of_cdl(letter, terminal, turn):
    """E|h(0)|^2 |h(t)|^2 - 1 of scattered rays when the antenna at the terminal's end
    moves by ``turn`` radians of phase in a random direction; the base station's end of
    the rays otherwise (4000 directions, seed 4)."""
    entries, rng = table(f"CDL-{letter}"), np.random.default_rng(4)
    azimuth, zenith, spreads = ("aoa", "zoa", ("cASA", "cZSA"))
    if not terminal:
        azimuth, zenith, spreads = ("aod", "zod", ("cASD", "cZSD"))
    half = [0.0447, 0.1413, 0.2492, 0.3715, 0.5129]  # TR 38.901, table 7.5-3
    half += [0.6797, 0.8844, 1.1481, 1.5195, 2.1551]
    offsets = np.array(half + [-value for value in half])
    azimuth, zenith = (
        np.deg2rad(np.array(entries[key])[:, None] + entries[spread] * offsets)
        for key, spread in zip((azimuth, zenith), spreads, strict=True)
    )
    powers = profile(f"CDL-{letter}")[0][:, None] / NUM_SINUSOIDS
    phi = 2 * np.pi * rng.random((4000, 1, 1))
    theta = np.pi * rng.random((4000, 1, 1))
    zenith = rng.permuted(np.broadcast_to(zenith, (4000, *zenith.shape)), axis=2)
    path = np.sin(zenith) * np.cos(azimuth - phi) * np.sin(theta)
    path += np.cos(zenith) * np.cos(theta)
    correlation = np.sum(powers * np.exp(1j * turn * path), axis=(1, 2))
    return np.mean(np.abs(correlation) ** 2)


@pytest.mark.parametrize("direction", ["uplink", "downlink"])
def test_doppler_of_cdl(direction):
    """A moving terminal sees the angles at its own end, except on the uplink of Sionna
    1.x, which takes those at the base station (4 s.e., 1500 draws of 16 subcarriers,
    clustered by draw, seed 3)."""
    grid = OFDMGrid(16, 2, (0,), subcarrier_spacing=1e3, cyclic_prefix_length=16)
    options = {"delay_spread": 1e-4, "speed": 30.0, "direction": direction}
    power = np.abs(draws(CDL, "C", grid, 1500, **options)) ** 2
    turn = 2 * np.pi * 30.0 / SPEED_OF_LIGHT * CARRIER * grid.ofdm_symbol_duration
    terminal = direction == "downlink" or GENERATION > 1
    assert_mean(
        (power[..., 0, :] * power[..., 1, :]).mean(axis=(1, 2, 3)) - 1,
        power_correlation_of_cdl("C", terminal, turn),
    )
