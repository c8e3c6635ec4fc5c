"""TDL, CDL and UMi on the grid."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.tr38901 import CDL, TDL, UMi
from semcom_phy.phy.framing import OFDMGrid
from semcom_phy.seeding import set_seed

GRID = OFDMGrid(fft_size=24, num_guard_carriers=(2, 3), dc_null=True)
NUM_EFFECTIVE = 18


def _sample(model, batch, num_slots=1):
    set_seed(1)
    return ops.convert_to_numpy(model.sample(batch, num_slots))


@pytest.mark.parametrize("profile", ["A", "B", "C", "D", "E"])
@pytest.mark.parametrize("kind", [TDL, CDL])
def test_unit_mean_power(kind, profile):
    """Mean power of the entries is 1 (4 s.e. clustered by draw, n = 400, seed 1)."""
    h = _sample(kind(profile, GRID, 2, 2), 400)
    assert h.shape == (400, 1, 2, 2, 1, NUM_EFFECTIVE) and h.dtype == np.complex64
    power = np.mean(np.abs(h) ** 2, axis=(1, 2, 3, 4, 5))
    assert np.mean(power) == pytest.approx(1, abs=4 * np.std(power) / np.sqrt(400))


def test_movement_fills_the_time_axes():
    """A moving terminal gives every slot and OFDM symbol its own channel (shapes)."""
    h = _sample(TDL("A", GRID, 4, 2, speed=30.0), 3, num_slots=2)
    assert h.shape == (3, 2, 4, 2, 14, NUM_EFFECTIVE)
    steps = np.abs(np.diff(h.transpose(0, 2, 3, 5, 1, 4).reshape(-1, 28), axis=1))
    assert steps.min() > 0
    # Slots follow each other: the step between them is like the steps inside.
    assert steps[:, 13].mean() < 2 * np.delete(steps, 13, axis=1).mean()


def test_guards_and_dc_are_left_out_of_the_response():
    """The response is the full grid's at the effective subcarriers (1e-5)."""
    full = OFDMGrid(fft_size=24)
    options = {"delay_spread": 1e-6}
    expected = _sample(TDL("A", full, **options), 4)[..., GRID.effective_subcarriers]
    np.testing.assert_allclose(_sample(TDL("A", GRID, **options), 4), expected, 1e-5)


def test_covariances_describe_the_tdl_channel():
    """Sample covariances equal the model's (5 s.e. of CN(0,1) products, n = 3000)."""
    model, n = TDL("B", GRID, delay_spread=300e-9, speed=60.0), 3000
    h = _sample(model, n)[:, 0, 0, 0]
    time, freq = (ops.convert_to_numpy(c) for c in model.covariances(GRID))
    assert time.shape == (14, 14) and freq.shape == (NUM_EFFECTIVE, NUM_EFFECTIVE)
    sample_time = np.mean(h[:, :, None, 5] * h[:, None, :, 5].conj(), axis=0)
    sample_freq = np.mean(h[:, 3, :, None] * h[:, 3, None, :].conj(), axis=0)
    tolerance = 5 / np.sqrt(n)
    np.testing.assert_allclose(sample_time, time, atol=tolerance)
    np.testing.assert_allclose(sample_freq, freq, atol=tolerance)


@pytest.mark.parametrize("direction", ["uplink", "downlink"])
def test_umi_includes_path_loss(direction):
    """UMi has finite entries far below unit power, between 50 and 180 dB down."""
    model = UMi(GRID, 2, 1, direction=direction)
    h = _sample(model, 16)
    assert h.shape == (16, 1, 2, 1, 1, NUM_EFFECTIVE)
    loss_db = -10 * np.log10(np.mean(np.abs(h) ** 2, axis=(1, 2, 3, 4, 5)))
    assert np.all((50 < loss_db) & (loss_db < 180))
    assert not model.normalized


@pytest.mark.parametrize("kind", [TDL, CDL])
def test_bad_arguments_are_errors(kind):
    """Unknown profiles and impossible speeds or delays are refused by name."""
    with pytest.raises(ValueError, match="model"):
        kind("F", GRID)
    with pytest.raises(ValueError, match="speed"):
        kind("A", GRID, speed=-1.0)
    with pytest.raises(ValueError, match="delay_spread"):
        kind("A", GRID, delay_spread=float("nan"))


@pytest.mark.parametrize("kind", [TDL, CDL])
def test_a_profile_beyond_the_cyclic_prefix_is_refused(kind):
    """Both numbers are in the message; a longer prefix, or less than 1 % of the power
    behind it, will do."""
    grid = OFDMGrid()  # 2.78 us
    with pytest.raises(ValueError, match="6e-07 s.*1.3 %.*profile A.*2.78e-06 s"):
        kind("A", grid, delay_spread=600e-9)
    with pytest.raises(ValueError, match="5e-06 s.*2.78e-06 s"):
        kind("D", grid, delay_spread=5e-6)
    kind("A", grid, delay_spread=500e-9)
    kind("A", OFDMGrid(cyclic_prefix_length=18), delay_spread=600e-9)


def test_bad_directions_and_probabilities_are_errors():
    """Only uplink and downlink exist; a probability lies in [0, 1]."""
    with pytest.raises(ValueError, match="direction"):
        CDL("A", GRID, direction="sidelink")
    with pytest.raises(ValueError, match="indoor_probability"):
        UMi(GRID, indoor_probability=2.0)
