"""Image to subband maps and back, against SciPy's cosine transform."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.fft import dctn, idctn

from semcom_phy.layers.transforms.subbands import Subbands

SHAPE, GRID, DEPTH = (8, 16, 3), (2, 4), 48


def pictures(count=30, seed=0):
    """Smooth coloured noise in [0, 1], float."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((count, *SHAPE)).cumsum(1).cumsum(2)
    images = images @ np.array([[1, 0.8, 0.6], [0, 0.5, 0.2], [0, 0, 0.2]])
    return (images - images.min()) / np.ptp(images)


def tensor(images):
    return ops.convert_to_tensor(np.asarray(images, "float32"))


def bands_of(images):
    """Inverse DCT of every 4x4-th of the spectrum, band rows first, colours last."""
    spectrum = dctn(images, axes=(1, 2), norm="ortho")
    rows, columns = GRID
    maps = []
    for i, j, colour in np.ndindex(4, 4, 3):
        part = spectrum[:, i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
        maps.append(idctn(part[..., colour], axes=(1, 2), norm="ortho"))
    return np.stack(maps, axis=-1)


def test_unfitted_maps_equal_scipy():
    """Before fit no colour change, natural order and unit scale: pictures of the bands
    (float32 rounding, 1e-5)."""
    images = pictures(3)
    layer = Subbands(SHAPE, DEPTH)
    maps = ops.convert_to_numpy(layer.analyse(layer.decorrelate(tensor(images))))
    assert maps.shape == (3, *GRID, DEPTH) and maps.dtype == np.float32
    np.testing.assert_allclose(maps, bands_of(images), atol=1e-5)


def test_fit_against_numpy():
    """Mean, orthonormal decorrelating colour axes, maps by falling energy over all
    images, unit mean square (relative 1e-3: sums of float32)."""
    images = pictures()
    layer = Subbands(SHAPE, DEPTH).fit(images)
    mean = images.mean((0, 1, 2))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.mean), mean, rtol=1e-5)
    color = ops.convert_to_numpy(layer.color).astype(float)
    np.testing.assert_allclose(color.T @ color, np.eye(3), atol=1e-5)
    pixels = (images - mean).reshape(-1, 3) @ color
    power = pixels.T @ pixels
    np.testing.assert_allclose(power - np.diag(np.diag(power)), 0, atol=1e-3)
    assert np.all(np.diff(np.diag(power)) < 0)

    expected = np.square(bands_of((images - mean) @ color)).mean((0, 1, 2))
    std = ops.convert_to_numpy(layer.std)
    assert np.all(np.diff(std) <= 0)
    falling = np.sort(expected)[::-1]
    np.testing.assert_allclose(np.square(std), falling, rtol=1e-3, atol=1e-9)
    maps = ops.convert_to_numpy(layer.analyse(layer.decorrelate(tensor(images))))
    np.testing.assert_allclose(np.square(maps).mean((0, 1, 2)), 1, rtol=1e-3)


def test_energy_is_kept():
    """Maps times their deviations hold the energy of each decorrelated image, and the
    colour axes keep distances (float32 rounding, relative 1e-5)."""
    images = pictures()
    layer = Subbands(SHAPE, DEPTH).fit(images)
    flat = layer.decorrelate(tensor(images))
    maps = ops.convert_to_numpy(layer.analyse(flat) * layer.std)
    energy = np.square(ops.convert_to_numpy(flat)).sum((1, 2, 3))
    np.testing.assert_allclose(np.square(maps).sum((1, 2, 3)), energy, rtol=1e-5)
    centred = np.square(images - images.mean((0, 1, 2))).sum((1, 2, 3))
    np.testing.assert_allclose(energy, centred, rtol=1e-5)


def test_synthesis_inverts_analysis():
    """All maps give the image back (1e-5); the first few lose the energy of the others
    (relative 1e-4)."""
    images = pictures()
    whole = Subbands(SHAPE, DEPTH).fit(images)
    maps = whole.analyse(whole.decorrelate(tensor(images)))
    image = ops.convert_to_numpy(whole.recorrelate(whole.synthesise(maps)))
    np.testing.assert_allclose(image, images, atol=1e-5)

    part = Subbands(SHAPE, 9).fit(images)
    some = part.analyse(part.decorrelate(tensor(images)))
    assert tuple(some.shape) == (30, *GRID, 9)
    kept = ops.convert_to_numpy(part.recorrelate(part.synthesise(some)))
    lost = np.square(ops.convert_to_numpy(maps * whole.std)[..., 9:]).sum()
    np.testing.assert_allclose(np.square(kept - images).sum(), lost, rtol=1e-4)


def test_statistics_are_stored_but_not_trained():
    """The five statistics are weights, none is trained, and a copy from configuration
    and weights gives the same maps (exact)."""
    layer = Subbands(SHAPE, 9).fit(pictures())
    assert layer.trainable_weights == [] and len(layer.weights) == 5
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    copy.set_weights(layer.get_weights())
    image = tensor(pictures(2, seed=1))
    one, two = (
        ops.convert_to_numpy(coder.analyse(coder.decorrelate(image)))
        for coder in (layer, copy)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "shape, num_maps, message",
    [
        ((8, 10, 3), 4, "multiples of 4, received 8x10"),
        ((6, 8, 3), 4, "multiples of 4, received 6x8"),
        (SHAPE, 0, "from 1 to 48, received 0"),
        (SHAPE, 49, "from 1 to 48, received 49"),
        ((8, 8, 1), 17, "from 1 to 16, received 17"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shape, num_maps, message):
    """The sizes received are in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        Subbands(shape, num_maps)


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 16, 8, 3), (2, 8, 16, 1)])
def test_another_image_size_is_refused(shape):
    """Expected and received shape are named (exact)."""
    layer = Subbands(SHAPE, 4)
    for use in (layer.fit, layer.decorrelate):
        with pytest.raises(ValueError, match=r"\(8, 16, 3\), received"):
            use(np.zeros(shape, "float32"))
