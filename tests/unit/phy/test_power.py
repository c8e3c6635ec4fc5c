"""The power constraint."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.power import PowerNormalization


def _symbols(shape, seed=0):
    parts = np.random.default_rng(seed).standard_normal((*shape, 2))
    return (3 * parts[..., 0] + 1j * parts[..., 1]).astype(np.complex64)


def test_unit_power_over_active_symbols_of_each_image():
    """Mean power is 1 over each image's own active symbols (float32 rounding)."""
    z = _symbols((3, 40)) * np.array([[1.0], [100.0], [1e-3]])
    mask = np.random.default_rng(1).integers(0, 2, (3, 40)).astype(np.float32)
    x = ops.convert_to_numpy(PowerNormalization()(z, mask))
    assert x.shape == (3, 40) and x.dtype == np.complex64
    power = np.sum(np.abs(x) ** 2, axis=1) / mask.sum(axis=1)
    np.testing.assert_allclose(power, 1.0, rtol=1e-5)
    assert np.all(x[mask == 0] == 0)


def test_images_do_not_lend_power():
    """An image's symbols do not depend on the rest of its batch (exact)."""
    z = _symbols((2, 16))
    alone = ops.convert_to_numpy(PowerNormalization()(z[:1]))
    together = ops.convert_to_numpy(PowerNormalization()(z * [[1], [9]]))[:1]
    np.testing.assert_array_equal(alone, together)


def test_silence_stays_silence():
    """All-zero and all-masked images give zeros, never NaN (exact)."""
    layer = PowerNormalization()
    assert not np.any(ops.convert_to_numpy(layer(np.zeros((1, 4), np.complex64))))
    x = layer(_symbols((1, 4)), np.zeros((1, 4), np.float32))
    assert not np.any(ops.convert_to_numpy(x))


@pytest.mark.parametrize("masked", [False, True])
def test_scale_is_the_factor_of_the_call(masked):
    """The call is z times mask times scale, one positive factor per image (exact), and
    the factor is 1 over the root mean square of what is sent (relative 1e-5)."""
    z = _symbols((3, 40)) * np.array([[1.0], [100.0], [1e-3]], np.float32)
    mask = np.random.default_rng(1).integers(0, 2, (3, 40)).astype(np.float32)
    given = (mask,) if masked else ()
    active = mask if masked else np.ones_like(mask)
    layer = PowerNormalization()
    scale = ops.convert_to_numpy(layer.scale(z, *given))
    assert scale.shape == (3, 1) and scale.dtype == np.float32 and np.all(scale > 0)
    power = np.sum(active * np.abs(z) ** 2, axis=1) / active.sum(axis=1)
    np.testing.assert_allclose(scale[:, 0], power**-0.5, rtol=1e-5)
    expected = z * (scale * active)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(z, *given)), expected)


def test_config_round_trip_and_no_weights():
    """The layer is rebuilt from its configuration and trains nothing."""
    layer = PowerNormalization(epsilon=1e-9)
    copy = PowerNormalization.from_config(layer.get_config())
    assert copy.epsilon == 1e-9
    assert keras.Sequential([copy]).trainable_weights == []


def test_bad_arguments_are_errors():
    """Masks of another shape and a non-positive epsilon are refused."""
    with pytest.raises(ValueError, match="same shape"):
        PowerNormalization()(_symbols((2, 4)), np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="epsilon"):
        PowerNormalization(epsilon=0.0)
