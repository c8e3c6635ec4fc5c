"""Code of patch lengths: round trips, coded size, what training gives, damage."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from semcom_phy.entropy_coding.length_code import LengthCode

SHAPE = (12, 16)


def smooth_grids(n, seed):
    """Smooth random fields [n, 12, 16], quantised to 0 to 15."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((n, *SHAPE)), (0, 1.5, 1.5))
    field = field / field.std() + rng.normal(0, 0.7, (n, 1, 1))
    return np.clip(np.round(7.5 + 3.5 * field), 0, 15).astype(int)


@pytest.fixture(scope="module")
def code():
    return LengthCode.fit(smooth_grids(200, seed=1), num_levels=16)


def worst_case(code):
    """Grid of the index that each context makes least likely."""
    grid = np.zeros(SHAPE, np.int64)
    for position, probabilities in code._predict(grid):
        grid[position] = np.argmin(probabilities)
    return grid


def test_size_of_smooth_fields(code):
    """Coded sizes are within 2 % and 5 bytes of the ideal, the grids come back
    (40 fields, exact)."""
    for grid in smooth_grids(40, seed=2):
        data = code.encode(grid)
        np.testing.assert_array_equal(code.decode(data, SHAPE), grid)
        ideal = code.cost_bits(grid) / 8
        assert ideal - 1 <= len(data) <= 1.02 * ideal + 5


def test_neighbours_save_bits(code):
    """Smooth fields take less than 0.6 of their entropy without context, and less
    than with an untrained code."""
    grids = smooth_grids(40, seed=2)
    share = np.bincount(grids.ravel(), minlength=16) / grids.size
    entropy = -np.sum(share * np.log2(share, where=share > 0, out=np.zeros(16)))
    untrained = LengthCode(np.zeros((17, 16), int))
    mean_bits = np.mean([code.cost_bits(grid) for grid in grids]) / 192
    assert mean_bits < 0.6 * entropy
    assert mean_bits < np.mean([untrained.cost_bits(grid) for grid in grids]) / 192


def test_the_code_adapts(code):
    """A pattern that training has never seen gets cheaper while it is coded: its last
    rows take less than half of the bits of its first."""
    stripes = np.tile([0, 15], (12, 8))
    assert code.cost_bits(stripes) < 6.5 * code.cost_bits(stripes[:2])
    assert code.cost_bits(stripes) - code.cost_bits(stripes[:10]) < 0.5 * (
        code.cost_bits(stripes[:2])
    )


@pytest.mark.parametrize("trained", (True, False))
def test_all_grids_can_be_coded(code, trained):
    """Random, constant and worst-case grids of any shape come back (exact), and an
    index never takes more than 24 bit."""
    code = code if trained else LengthCode(np.zeros((17, 16), int))
    rng = np.random.default_rng(3)
    grids = [rng.integers(0, 16, shape) for shape in (SHAPE, (1, 1), (1, 7), (9, 1))]
    grids += [np.full(SHAPE, k) for k in range(16)] + [worst_case(code)]
    for grid in grids:
        data = code.encode(grid)
        np.testing.assert_array_equal(code.decode(data, grid.shape), grid)
        assert len(data) <= min(1.02 * code.cost_bits(grid) / 8 + 5, 3 * grid.size)


def test_constant_grids_are_short(code):
    """192 equal indices take at most 12 bytes, half a bit each."""
    for k in range(2, 14):
        assert len(code.encode(np.full(SHAPE, k))) <= 12


def test_damage_gives_a_grid_or_an_error(code):
    """Flipped bits, cut and random strings give indices in range or ValueError."""
    rng = np.random.default_rng(4)
    data = np.frombuffer(code.encode(smooth_grids(1, seed=5)[0]), np.uint8)
    damaged = [np.r_[data[:i], data[i] ^ 1 << i % 8, data[i + 1 :]] for i in range(20)]
    damaged += [data[:i] for i in range(0, len(data), 7)]
    damaged += [rng.integers(0, 256, 40) for _ in range(20)] + [np.full(40, 255)]
    for bad in damaged:
        try:
            grid = code.decode(bad.astype(np.uint8).tobytes(), SHAPE)
        except ValueError:
            continue
        assert grid.shape == SHAPE and grid.min() >= 0 and grid.max() <= 15


def test_json_round_trip(code):
    """A code read from JSON decodes what the original has encoded (exact)."""
    again = LengthCode.from_dict(json.loads(json.dumps(code.to_dict())))
    grid = smooth_grids(1, seed=6)[0]
    np.testing.assert_array_equal(again.decode(code.encode(grid), SHAPE), grid)
    assert again.encode(grid) == code.encode(grid)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda code: code.encode(np.full(SHAPE, 16)), "0 to 15"),
        (lambda code: code.encode(np.full(SHAPE, -1)), "0 to 15"),
        (lambda code: code.encode(np.zeros(SHAPE)), "float64"),
        (lambda code: code.encode(np.zeros((0, 4), int)), "not empty"),
        (lambda code: code.decode(b"", (0, 4)), "shape"),
        (lambda code: LengthCode(np.zeros((16, 16), int)), "num_levels \\+ 1"),
        (lambda code: LengthCode(np.full((17, 16), -1)), ">= 0"),
        (lambda code: LengthCode.fit([np.full(SHAPE, 3)], 3), "0 to 2"),
    ],
)
def test_wrong_arguments(code, call, words):
    """What cannot be coded is refused, with the value."""
    with pytest.raises(ValueError, match=words):
        call(code)
