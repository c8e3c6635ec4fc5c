"""Feature maps as one list of symbols, of which a prefix is sent."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.fft import dctn

from semcom_phy.layers.mapping.symbol_order import SymbolOrder

GRID, MAPS = (3, 4), 5
LENGTH, SIZE = 12, 60
WEIGHTS = np.array([1.0, 3.0, 0.5, 2.0, 0.2])


def smooth_maps(count=40, seed=0):
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((count, *GRID, MAPS)).cumsum(1).cumsum(2)
    return (maps * rng.uniform(0.5, 2, MAPS)).astype("float32")


def make(order):
    return SymbolOrder(GRID, MAPS, order).fit(smooth_maps(), WEIGHTS)


@pytest.fixture(scope="module")
def orders():
    """Both orders, fitted."""
    return {name: make(name) for name in ("raster", "importance")}


def both(test):
    return pytest.mark.parametrize("name", ["raster", "importance"])(test)


def tensor(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values, dtype))


def hard_mask(layer, num_maps, num_rows):
    """Mask by position of many (k, l) at once."""
    k, rows = (tensor(v, "int32") for v in (num_maps, num_rows))
    return ops.convert_to_numpy(layer.mask(k, rows))


def all_cutoffs():
    return (v.ravel() for v in np.mgrid[1 : MAPS + 1, 1 : LENGTH + 1])


@both
def test_unsort_inverts_sort(orders, name):
    """For every number of maps kept the list is a permutation, undone (exact)."""
    layer = orders[name]
    k = tensor(np.arange(1, MAPS + 1), "int32")
    values = np.random.default_rng(1).standard_normal((MAPS, SIZE)).astype("float32")
    listed = layer.sort(tensor(values), k)
    assert tuple(listed.shape) == (MAPS, SIZE)
    listed_numpy = ops.convert_to_numpy(listed)
    np.testing.assert_array_equal(np.sort(listed_numpy), np.sort(values))
    assert not np.array_equal(listed_numpy, values)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.unsort(listed, k)), values)


@both
def test_mask_is_a_prefix_of_the_list(orders, name):
    """For every k and l the mask by position holds k l ones, all in the first k maps,
    and they are the first k l of the sorted list (exact)."""
    layer = orders[name]
    k, rows = all_cutoffs()
    mask = hard_mask(layer, k, rows)
    assert mask.shape == (MAPS * LENGTH, SIZE) and mask.dtype == np.float32
    np.testing.assert_array_equal(mask.sum(1), k * rows)
    by_map = mask.reshape(-1, LENGTH, MAPS).sum(1)
    assert not np.any(by_map * (np.arange(MAPS) >= k[:, None]))
    listed = ops.convert_to_numpy(layer.sort(tensor(mask), tensor(k, "int32")))
    np.testing.assert_array_equal(listed, np.arange(SIZE) < (k * rows)[:, None])


def test_importance_lists_the_largest_worth_first(orders):
    """Worth is weight^2 times the mean square of a map's DCT coefficient (SciPy,
    relative 1e-4), and the list of k maps falls with it (exact)."""
    layer = orders["importance"]
    spectrum = dctn(smooth_maps().astype(float), axes=(1, 2), norm="ortho")
    expected = (np.square(spectrum).mean(0) * WEIGHTS**2).ravel()
    variances = ops.convert_to_numpy(layer.variances)
    np.testing.assert_allclose(variances, expected, rtol=1e-4)
    k = np.arange(1, MAPS + 1)
    listed = ops.convert_to_numpy(
        layer.sort(tensor(np.tile(variances, (MAPS, 1))), tensor(k, "int32"))
    )
    for number, row in zip(k, listed, strict=True):
        kept = variances.reshape(LENGTH, MAPS)[:, :number]
        assert row[0] == kept.max()
        np.testing.assert_array_equal(
            row[: number * LENGTH], np.sort(kept.ravel())[::-1]
        )


def test_raster_keeps_the_same_positions_in_all_maps(orders):
    """Row s of the list is position s of the kept maps: l rows keep the first l
    positions of each (exact); fitting changes nothing."""
    k, rows = all_cutoffs()
    mask = hard_mask(orders["raster"], k, rows).reshape(-1, LENGTH, MAPS)
    expected = (np.arange(LENGTH)[:, None] < rows[:, None, None]) & (
        np.arange(MAPS) < k[:, None, None]
    )
    np.testing.assert_array_equal(mask, expected)
    fresh = SymbolOrder(GRID, MAPS, "raster")
    for one, two in zip(
        fresh.get_weights(), orders["raster"].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)


@both
def test_maps_come_back(orders, name):
    """to_maps inverts to_values (1e-5); by importance values have unit mean square over
    the images of the fit (relative 1e-3), by raster they are the maps (exact)."""
    layer, maps = orders[name], smooth_maps()
    values = layer.to_values(tensor(maps))
    assert tuple(values.shape) == (len(maps), SIZE)
    back = ops.convert_to_numpy(layer.to_maps(values))
    np.testing.assert_allclose(back, maps, atol=1e-5)
    values = ops.convert_to_numpy(values)
    if name == "raster":
        np.testing.assert_array_equal(values, maps.reshape(-1, SIZE))
    else:
        np.testing.assert_allclose(np.square(values).mean(0), 1, rtol=1e-3)


@both
def test_summary_of_all_maps_is_the_magnitude_of_rows(orders, name):
    """With all maps kept: the mean magnitude of the symbols that each row adds to the
    mask (1e-5)."""
    layer = orders[name]
    values = np.random.default_rng(3).standard_normal((1, SIZE)).astype("float32")
    summary = layer.summary(
        tensor(values), ops.ones((1, MAPS)), tensor([MAPS], "int32")
    )
    masks = [hard_mask(layer, [MAPS], [s])[0] for s in range(LENGTH + 1)]
    expected = [
        np.abs(values[0][(masks[s + 1] - masks[s]) == 1]).mean() for s in range(LENGTH)
    ]
    np.testing.assert_allclose(ops.convert_to_numpy(summary)[0], expected, atol=1e-5)


@both
def test_configuration_round_trip(orders, name):
    """Orders and deviations are weights that are not trained; a copy from configuration
    and weights lists alike (exact)."""
    layer = orders[name]
    assert layer.trainable_weights == [] and len(layer.weights) == 4
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    copy.set_weights(layer.get_weights())
    k, rows = all_cutoffs()
    np.testing.assert_array_equal(hard_mask(copy, k, rows), hard_mask(layer, k, rows))


def test_unknown_orders_are_refused():
    """The name received is in the message (exact)."""
    with pytest.raises(ValueError, match="received 'zigzag'"):
        SymbolOrder(GRID, MAPS, "zigzag")
