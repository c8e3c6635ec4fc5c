"""Error variance of interpolated estimates on frequency-selective channels."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.ofdm import LinearInterpolator, NearestNeighborInterpolator

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import INTERPOLATORS, LSEstimator
from semcom_phy.phy.estimation.interpolation_error import InterpolationError
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import private_streams
from semcom_phy.snr import snr_db_to_no

GRID = OFDMGrid(24, 14, (2, 11), num_guard_carriers=(1, 2), dc_null=True)


def numpy(value):
    return np.asarray(ops.convert_to_numpy(value))


@pytest.mark.parametrize(
    "grid", [GRID, OFDMGrid(12, 7, (3,)), OFDMGrid(12, 9, (1, 4, 6))]
)
@pytest.mark.parametrize(
    "make",
    [
        NearestNeighborInterpolator,
        LinearInterpolator,
        lambda pattern: LinearInterpolator(pattern, time_avg=True),
    ],
)
def test_the_error_is_that_of_the_interpolation_s_own_weights(make, grid):
    """1 - 2 Re(w R_p) + w R_pp w^H + w w^H no / E_p with the weights of every pilot,
    written out for the whole grid (1e-4; random covariances)."""
    streams, no, rng = 2, 0.3, np.random.default_rng(1)
    pattern = grid.resource_grid(streams, effective_only=True).pilot_pattern
    interpolator = make(pattern)
    covariances = []
    for size in (grid.num_ofdm_symbols, grid.num_effective_subcarriers):
        root = rng.standard_normal((size, 3)) + 1j * rng.standard_normal((size, 3))
        root /= np.linalg.norm(root, axis=1, keepdims=True)
        covariances.append(root @ root.conj().T)
    cov = np.kron(*covariances)
    error = InterpolationError(interpolator, grid, streams, *covariances)
    found = numpy(error(ops.convert_to_tensor([no, 0.0])))[:, 0, 0, 0]

    rows, width = grid.pilot_ofdm_symbols, grid.num_effective_subcarriers
    energy = np.abs(grid.pilots(streams)) ** 2
    for stream in range(streams):
        index = np.flatnonzero(energy[stream])
        impulses = np.zeros((len(index), 1, 1, 1, streams, len(rows) * width))
        impulses[np.arange(len(index)), ..., index] = 1
        spread, _ = interpolator(
            ops.convert_to_tensor(impulses.astype("complex64")),
            ops.convert_to_tensor(impulses.astype("float32")),
        )
        weights = numpy(spread)[:, 0, 0, 0, stream].reshape(len(index), -1).T
        places = np.array(rows)[index // width] * width + index % width
        cross = np.sum(weights * cov[:, places], axis=1)
        power = np.sum(weights @ cov[np.ix_(places, places)] * weights.conj(), axis=1)
        clean = (np.diag(cov) - 2 * cross + power).real
        noise = np.sum(np.abs(weights) ** 2 / energy[stream, index], axis=1)
        expected = np.stack([clean + no * noise, clean])
        got = found[:, stream].reshape(2, -1)
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.fixture(scope="module")
def fades():
    grid = OFDMGrid()
    model = TDL("A", grid, 2, 2, delay_spread=300e-9, speed=30.0)
    with private_streams(1):
        return model, model.sample(150)


@pytest.mark.parametrize("snr_db", [10.0, 40.0])
@pytest.mark.parametrize("interpolation", INTERPOLATORS)
def test_detection_is_told_the_interpolation_error(interpolation, snr_db, fades):
    """TDL-A, 30 m/s, 300 ns, 2x2: estimates err as much as reported, and |x_hat - x|^2
    over no_eff averages 1: exactly for LMMSE, within 0.7 to 1 for the others, whose
    error grows with the channel (4 standard errors, 150 fades, seed 1)."""
    model, h = fades
    channel = EqualizedOFDMChannel(model, Framing(1728, 2), LSEstimator(interpolation))
    rng = np.random.default_rng(2)
    signs = rng.choice([-1, 1], (len(h), 1728, 2)) / np.sqrt(2)
    x = (signs @ [1, 1j]).astype("complex64")
    no = snr_db_to_no(snr_db, 2)
    noise = channel.draw_noise(range(len(h)))
    reception = channel.receive(x, h, no, noise)
    ratio = np.abs(numpy(reception.x_hat) - x) ** 2 / numpy(reception.no_eff)
    ratio = ratio.mean(axis=1)
    spread = 4 * ratio.std() / np.sqrt(len(ratio))
    lowest = 1.0 if interpolation == "lmmse" else 0.7
    assert lowest - spread < ratio.mean() < 1 + spread


def test_wide_grids_are_done_in_parts():
    """300 subcarriers take several parts, with the same result (1e-6): a constant
    channel has no error, and noise adds what the weights say."""
    grid = OFDMGrid(300, 4, (1,))
    pattern = grid.resource_grid(2, effective_only=True).pilot_pattern
    error = InterpolationError(
        NearestNeighborInterpolator(pattern),
        grid,
        2,
        np.ones((4, 4)),
        np.ones((300, 300)),
    )
    found = numpy(error(ops.convert_to_tensor([0.5])))
    np.testing.assert_allclose(found, 0.25, atol=1e-5)
