"""Path loss over a distance."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.path_loss import (
    LogDistance,
    PathLoss,
    UMiStreetCanyon,
)
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.framing import OFDMGrid
from semcom_phy.seeding import set_seed


def _loss_db(law, distance):
    tensor = ops.convert_to_tensor(np.float32(distance))
    return float(ops.convert_to_numpy(law.loss_db(tensor)))


def test_log_distance_is_free_space_at_exponent_two():
    """20 log10(4 pi d / lambda) at 3.5 GHz and 100 m: 83.3 dB (float32 rounding)."""
    expected = 20 * np.log10(4 * np.pi * 100 * 3.5e9 / 299792458)
    assert _loss_db(LogDistance(2.0), 100.0) == pytest.approx(expected, abs=1e-4)


def test_log_distance_slope():
    """Ten times the distance costs 10 n dB (float32 rounding)."""
    law = LogDistance(3.7)
    assert _loss_db(law, 200.0) - _loss_db(law, 20.0) == pytest.approx(37.0, abs=1e-4)


def test_street_canyon_formula():
    """TR 38.901 table 7.4.1-1 worked out by hand at 3.5 GHz (1e-3 dB)."""
    d3d = np.hypot(100.0, 8.5)
    los = 32.4 + 21 * np.log10(d3d) + 20 * np.log10(3.5)
    nlos = 35.3 * np.log10(d3d) + 22.4 + 21.3 * np.log10(3.5)
    law = UMiStreetCanyon(line_of_sight=True)
    assert _loss_db(law, 100.0) == pytest.approx(los, abs=1e-3)
    assert _loss_db(UMiStreetCanyon(), 100.0) == pytest.approx(nlos, abs=1e-3)
    corner = 4 * 9 * 0.5 * 3.5e9 / 299792458
    far = 32.4 + 40 * np.log10(np.hypot(1000, 8.5)) + 20 * np.log10(3.5)
    far -= 9.5 * np.log10(corner**2 + 8.5**2)
    assert _loss_db(law, 1000.0) == pytest.approx(far, abs=1e-3)


def test_wrapper_attenuates_the_fades():
    """A fixed distance scales the same fades by its loss (float32 rounding)."""
    fading, law = BlockRayleigh(2, 2), LogDistance()
    set_seed(3)
    plain = ops.convert_to_numpy(fading.sample(4))
    set_seed(3)
    attenuated = ops.convert_to_numpy(PathLoss(fading, law, 80.0).sample(4))
    gain = 10 ** (-_loss_db(law, 80.0) / 20)
    np.testing.assert_allclose(attenuated, plain * gain, rtol=1e-4)


def test_range_gives_every_image_its_distance():
    """Distances from a range stay inside it and differ (exact)."""
    law = LogDistance()
    set_seed(3)
    h = ops.convert_to_numpy(PathLoss(AWGN(), law, (50.0, 200.0)).sample(100))
    loss_db = -20 * np.log10(np.abs(h.ravel()))
    assert _loss_db(law, 50.0) <= loss_db.min() < loss_db.max() <= _loss_db(law, 200.0)


def test_wrapper_keeps_the_kind_of_channel():
    """Flat stays flat, selective stays selective, none is normalised."""
    grid = OFDMGrid()
    tdl = PathLoss(TDL("A", grid), LogDistance(), 10.0)
    assert not tdl.is_flat and PathLoss(AWGN(), LogDistance(), 10.0).is_flat
    assert not tdl.normalized
    assert tdl.covariances(grid)[0].shape == (14, 14)


def test_bad_arguments_are_errors():
    """Distances, laws and doubled path losses that make no sense are refused."""
    with pytest.raises(ValueError, match="distance"):
        PathLoss(AWGN(), LogDistance(), 0.0)
    with pytest.raises(ValueError, match="already"):
        PathLoss(PathLoss(AWGN(), LogDistance(), 1.0), LogDistance(), 1.0)
    with pytest.raises(ValueError, match="exponent"):
        LogDistance(exponent=-1.0)
    with pytest.raises(ValueError, match="carrier_frequency"):
        UMiStreetCanyon(carrier_frequency=1e6)
    with pytest.raises(ValueError, match="height"):
        UMiStreetCanyon(terminal_height=0.5)
