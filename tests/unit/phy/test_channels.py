"""Flat channel models: layout and statistics."""

import json

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import set_seed
from semcom_phy.snr import SNR_RANGE_DB, snr_db_to_no


def _sample(model, batch, num_slots=1, seed=1):
    set_seed(seed)
    return ops.convert_to_numpy(model.sample(batch, num_slots))


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_rayleigh_entries_are_cn01(size):
    """Mean power 1, circular and uncorrelated entries (4 s.e., n = 4096, seed 1)."""
    n = 4096
    h = _sample(BlockRayleigh(size, size), n)
    assert h.shape == (n, 1, size, size, 1, 1) and h.dtype == np.complex64
    entries = h.reshape(n, -1)
    count = entries.size
    assert np.mean(np.abs(entries) ** 2) == pytest.approx(1, abs=4 / np.sqrt(count))
    assert abs(np.mean(entries**2)) < 4 * np.sqrt(2 / count)
    assert abs(np.mean(entries)) < 4 / np.sqrt(count)
    if size > 1:
        products = entries[:, 0] * entries[:, -1].conj()
        assert abs(np.mean(products)) < 4 / np.sqrt(n)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("snr_db", SNR_RANGE_DB)
def test_the_allowed_extremes_stay_finite(size, snr_db):
    """At the highest K of a scenario and at both ends of the SNR, with pilots or
    without, estimates and error variances are finite (exact, 300 fades, seed 1)."""
    for csi in (PerfectCSI(), LSEstimator()):
        framing = Framing(8 * size, size)
        link = EqualizedOFDMChannel(Rician(40.0, size, size), framing, csi)
        set_seed(1)
        x = ops.ones((300, 8 * size), "complex64")
        received = link(x, link.sample(300), snr_db_to_no(snr_db, size))
        assert all(np.isfinite(ops.convert_to_numpy(v)).all() for v in received)


@pytest.mark.parametrize("k_factor_db", [np.inf, -np.inf, np.nan, 101.0, "much"])
def test_a_k_factor_out_of_range_is_refused(k_factor_db):
    """With the value and the range (exact)."""
    with pytest.raises(ValueError, match="k_factor_db must be .* -100 to 100 dB, got"):
        Rician(k_factor_db, 2, 2)


def test_channels_describe_themselves():
    """Everything that fixes the fades beside the seed (exact)."""
    common = {"num_rx_ant": 2, "num_tx_ant": 1}
    rician = Rician(3.0, 2, 1, per_slot=True).describe()
    assert rician == {
        "channel": "Rician",
        **common,
        "per_slot": True,
        "rician_k_db": 3.0,
    }
    tdl = TDL("B", OFDMGrid(), 2, 1, delay_spread=2e-7, speed=3.0).describe()
    assert tdl == {
        "channel": "TDL",
        **common,
        "profile": "B",
        "delay_spread": 2e-7,
        "carrier_frequency": 3.5e9,
        "speed": 3.0,
    }
    link = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(64, 2), LSEstimator())
    about = json.loads(json.dumps(link.describe()))
    assert about["csi"] == "estimated" and about["interpolation"] == "linear"
    assert about["num_symbols"] == 64 and about["fft_size"] == 72


def test_one_fade_per_image_or_per_slot():
    """The slot axis has size 1 for one fade per image, else one fade each (exact)."""
    assert _sample(BlockRayleigh(2, 2), 3, num_slots=4).shape[1] == 1
    h = _sample(BlockRayleigh(2, 2, per_slot=True), 3, num_slots=4)
    assert h.shape == (3, 4, 2, 2, 1, 1)
    assert not np.allclose(h[:, 0], h[:, 1])


def test_seed_repeats_fades():
    """One seed, one sequence of fades (exact)."""
    model = BlockRayleigh(2, 2)
    np.testing.assert_array_equal(_sample(model, 5), _sample(model, 5))
    assert not np.array_equal(_sample(model, 5), _sample(model, 5, seed=2))


@pytest.mark.parametrize("num_ant", [1, 4])
def test_awgn_gives_every_stream_the_full_snr(num_ant):
    """sqrt(N) times the identity: a receive antenna collects N (1e-6)."""
    h = _sample(AWGN(num_ant), 2)
    assert h.shape == (2, 1, num_ant, num_ant, 1, 1)
    expected = np.sqrt(num_ant) * np.eye(num_ant)
    np.testing.assert_allclose(h[1, 0, :, :, 0, 0], expected, rtol=1e-6)


def test_rician_k_factor_and_power():
    """Power 1 and fourth moment (2+4K+K^2)/(1+K)^2 (4 s.e. from the sample, seed 1)."""
    n, k = 2**15, 10 ** (6.0 / 10)
    power = np.abs(_sample(Rician(6.0), n)).ravel() ** 2
    assert np.mean(power) == pytest.approx(1, abs=4 * np.std(power) / np.sqrt(n))
    fourth = (2 + 4 * k + k**2) / (1 + k) ** 2
    spread = 4 * np.std(power**2) / np.sqrt(n)
    assert np.mean(power**2) == pytest.approx(fourth, abs=spread)


def test_line_of_sight_has_rank_one():
    """At K = 60 dB the channel is an outer product of unit-modulus vectors (1e-2)."""
    h = _sample(Rician(60.0, 4, 3), 8)[:, 0, :, :, 0, 0]
    np.testing.assert_allclose(np.abs(h), 1.0, atol=1e-2)
    assert np.linalg.svd(h, compute_uv=False)[:, 1].max() < 2e-2


def test_bad_arguments_are_errors():
    """Antenna counts and K-factors that make no sense are refused."""
    with pytest.raises(ValueError, match="num_rx_ant"):
        BlockRayleigh(0, 1)
    with pytest.raises(ValueError, match="num_tx_ant"):
        BlockRayleigh(2, 1.5)
