"""Where symbols go on the grid."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.ofdm import KroneckerPilotPattern

from semcom_phy.phy.framing import Framing, OFDMGrid

SMALL = OFDMGrid(fft_size=8, num_ofdm_symbols=4, pilot_ofdm_symbols=(1,))


def _symbols(batch, num_symbols):
    count = np.arange(1, batch * num_symbols + 1).reshape(batch, num_symbols)
    return (count + 1j * count).astype(np.complex64)


@pytest.mark.parametrize(
    "num_symbols, num_streams", [(1, 1), (7, 2), (100, 4), (49, 1)]
)
def test_streams_and_slots_round_trip(num_symbols, num_streams):
    """Symbols come back in order through streams and slots (exact)."""
    framing = Framing(num_symbols, num_streams, SMALL)
    x = _symbols(2, num_symbols)
    streams = framing.to_streams(x)
    assert tuple(streams.shape) == (2, framing.num_data_res, num_streams)
    slots = framing.to_slots(streams)
    assert tuple(slots.shape) == (
        2 * framing.num_slots,
        SMALL.num_data_res,
        num_streams,
    )
    back = framing.from_streams(
        framing.from_slots(slots, framing.num_data_res), num_symbols
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(back), x)


def test_symbols_alternate_over_streams():
    """Symbol i goes to stream i mod Nt of resource element i // Nt (exact)."""
    streams = ops.convert_to_numpy(Framing(6, 2, SMALL).to_streams(_symbols(1, 6)))
    np.testing.assert_array_equal(streams[0, :, 0].real, [1, 3, 5])
    np.testing.assert_array_equal(streams[0, :, 1].real, [2, 4, 6])


def test_masked_symbols_leave_resource_elements_empty():
    """Counted channel uses equal the non-zero data elements of the grid (exact)."""
    framing = Framing(60, 2, SMALL)
    mask = np.random.default_rng(0).integers(0, 2, (3, 60))
    grid = ops.convert_to_numpy(framing.resource_grid(_symbols(3, 60) * mask))
    assert grid.shape == (3, framing.num_slots, 2, 4, 8)
    data = np.delete(grid, SMALL.pilot_ofdm_symbols, axis=3)
    used = np.sum(np.any(data != 0, axis=2), axis=(1, 2, 3))
    np.testing.assert_array_equal(framing.count_used(mask), used)
    assert np.sum(data != 0) == mask.sum()


def test_total_power_of_pilots_equals_that_of_data():
    """Each stream has mean power 1 and every pilot element carries Nt (1e-6)."""
    grid = OFDMGrid()
    for num_streams in (1, 2, 4, 8):
        pilots = grid.pilots(num_streams)
        assert pilots.shape == (num_streams, grid.num_pilot_res)
        power = np.abs(pilots) ** 2
        np.testing.assert_allclose(power.mean(axis=1), 1.0, rtol=1e-6)
        np.testing.assert_allclose(power.sum(axis=0), num_streams, rtol=1e-6)


def test_pilots_lie_where_sionna_puts_them():
    """Mask and energies equal those of Sionna's KroneckerPilotPattern (1e-6)."""
    resource_grid = OFDMGrid().resource_grid(4)
    ours = resource_grid.pilot_pattern
    theirs = KroneckerPilotPattern(resource_grid, [2, 11])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ours.mask), ops.convert_to_numpy(theirs.mask)
    )
    energies = [np.abs(ops.convert_to_numpy(p.pilots)) ** 2 for p in (ours, theirs)]
    np.testing.assert_allclose(*energies, rtol=1e-5)


def test_guards_and_dc_stay_empty():
    """Guard and DC subcarriers carry nothing, effective ones match Sionna (exact)."""
    grid = OFDMGrid(fft_size=15, num_guard_carriers=(2, 2), dc_null=True)
    resource_grid = grid.resource_grid(2)
    np.testing.assert_array_equal(
        grid.effective_subcarriers, resource_grid.effective_subcarrier_ind
    )
    framing = Framing(2 * grid.num_data_res, 2, grid)
    sent = ops.convert_to_numpy(framing.resource_grid(_symbols(1, framing.num_symbols)))
    used = np.flatnonzero(np.any(sent != 0, axis=(0, 1, 2, 3)))
    np.testing.assert_array_equal(used, grid.effective_subcarriers)


def test_grid_counts():
    """The default slot holds 12 x 72 data and 2 x 72 pilot elements (exact)."""
    grid = OFDMGrid()
    assert (grid.num_data_res, grid.num_pilot_res) == (864, 144)
    assert grid.ofdm_symbol_duration == pytest.approx(78 / 72 / 30e3)
    assert Framing(1729, 2).num_slots == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"pilot_ofdm_symbols": ()},
        {"pilot_ofdm_symbols": (14,)},
        {"pilot_ofdm_symbols": (2, 2)},
        {"pilot_ofdm_symbols": tuple(range(14))},
        {"num_guard_carriers": (36, 36)},
        {"num_guard_carriers": (-1, 0)},
        {"cyclic_prefix_length": -1},
        {"subcarrier_spacing": 0.0},
    ],
)
def test_impossible_grids_are_errors(arguments):
    """Grids without data, pilots or subcarriers are refused."""
    with pytest.raises(ValueError):
        OFDMGrid(**arguments)


def test_impossible_frames_are_errors():
    """No symbols, streams that do not divide the subcarriers, too many symbols."""
    with pytest.raises(ValueError, match="num_symbols"):
        Framing(0)
    with pytest.raises(ValueError, match="5 streams"):
        Framing(10, 5)
    framing = Framing(10, 2)
    for shape in ((2, 11), (2, 0), (10,)):
        with pytest.raises(ValueError, match="1 to 10 symbols"):
            framing.to_streams(np.zeros(shape, np.complex64))
