"""Patches to coefficients and back, against SciPy's cosine transform."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.fft import dctn

from semcom_phy.layers.transforms.block_dct import BlockDCT

SIZE, SHAPE = 4, (8, 12, 3)


def pictures(count=40, shape=SHAPE, seed=0):
    """Smooth coloured noise in [0, 1], float."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((count, *shape)).cumsum(1).cumsum(2)
    images = images @ np.array([[1, 0.8, 0.6], [0, 0.5, 0.2], [0, 0, 0.2]])
    return (images - images.min()) / np.ptp(images)


def tensor(images):
    return ops.convert_to_tensor(np.asarray(images, "float32"))


def fitted(images):
    layer = BlockDCT(SIZE)
    layer.fit(images)
    return layer


def coefficients_of(images):
    """SciPy's DCT of every patch, row frequency first, colours last."""
    n, height, width, _ = images.shape
    patches = images.reshape(n, height // SIZE, SIZE, width // SIZE, SIZE, 3)
    spectrum = dctn(patches.transpose(0, 1, 3, 2, 4, 5), axes=(3, 4), norm="ortho")
    return spectrum.reshape(n, height // SIZE, width // SIZE, 3 * SIZE**2)


def test_one_patch_equals_scipy():
    """Before fit no colour change, natural order, unit scale (1e-5: float32)."""
    image = pictures(1, (16, 16, 3))
    layer = BlockDCT(16)
    ours = ops.convert_to_numpy(layer.analyse(tensor(image)))
    assert ours.shape == (1, 1, 1, 768) and ours.dtype == np.float32
    theirs = dctn(image[0], axes=(0, 1), norm="ortho").ravel()
    np.testing.assert_allclose(ours[0, 0, 0], theirs, atol=1e-5)


def test_patches_are_where_they_are_in_the_image():
    """The grid of patches is that of the image (float32 rounding, 1e-5)."""
    images = pictures(3)
    ours = ops.convert_to_numpy(BlockDCT(SIZE).analyse(tensor(images)))
    assert ours.shape == (3, 2, 3, 48)
    np.testing.assert_allclose(ours, coefficients_of(images), atol=1e-5)


def test_fit_sorts_by_energy_and_brings_to_unit_variance():
    """Mean square 1 for each coefficient over the images, deviations falling and those
    of numpy in double precision (relative 1e-3: sums of float32)."""
    images = pictures()
    layer = fitted(images)
    std = ops.convert_to_numpy(layer.std)
    assert np.all(np.diff(std) <= 0) and std[0] > 10 * std[-1]
    color = ops.convert_to_numpy(layer.color).astype(float)
    np.testing.assert_allclose(color.T @ color, np.eye(3), atol=1e-5)
    expected = coefficients_of((images - images.mean((0, 1, 2))) @ color)
    falling = np.sort(np.square(expected).mean((0, 1, 2)))[::-1]
    np.testing.assert_allclose(np.square(std), falling, rtol=1e-3, atol=1e-9)
    units = ops.convert_to_numpy(layer.analyse(tensor(images)))
    np.testing.assert_allclose(np.square(units).mean((0, 1, 2)), 1, rtol=1e-3)


def test_statistics_do_not_depend_on_how_images_are_grouped():
    """Over 64 images go in parts; the energy is that of all (relative 1e-5)."""
    images = pictures(130)
    energy = np.square(coefficients_of(images - images.mean((0, 1, 2)))).mean((0, 1, 2))
    std = ops.convert_to_numpy(fitted(images).std)
    np.testing.assert_allclose(np.square(std).sum(), energy.sum(), rtol=1e-5)


def test_energy_is_kept():
    """Coefficients times their deviations hold the energy of the image less its mean
    (float32 rounding, relative 1e-5)."""
    images = pictures()
    layer = fitted(images)
    units = ops.convert_to_numpy(layer.analyse(tensor(images)) * layer.std)
    centred = np.square(images - images.mean((0, 1, 2))).sum((1, 2, 3))
    np.testing.assert_allclose(np.square(units).sum((1, 2, 3)), centred, rtol=1e-5)


def test_synthesis_inverts_analysis():
    """At the size of the fit and at another (float32 rounding, 1e-5)."""
    layer = fitted(pictures())
    for shape in (SHAPE, (16, 8, 3)):
        images = pictures(5, shape, seed=1)
        again = ops.convert_to_numpy(layer.synthesise(layer.analyse(tensor(images))))
        np.testing.assert_allclose(again, images, atol=1e-5)


def test_statistics_are_stored_but_not_trained():
    """A copy from configuration and weights gives the same coefficients (exact)."""
    layer = fitted(pictures())
    assert layer.trainable_weights == [] and len(layer.weights) == 5
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    assert "image_shape" not in copy.get_config() and copy.patch_size == SIZE
    copy.set_weights(layer.get_weights())
    image = tensor(pictures(2, seed=1))
    one, two = (ops.convert_to_numpy(part.analyse(image)) for part in (layer, copy))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shape", [(2, 8, 10, 3), (2, 6, 8, 3), (2, 8, 8, 1)])
def test_sizes_that_do_not_fit_are_refused(shape):
    """The size received is in the message, at fit and at analysis (exact)."""
    layer, images = BlockDCT(SIZE), np.zeros(shape, "float32")
    received = "x".join(map(str, shape[1:]))
    for use in (layer.fit, lambda images: layer.analyse(tensor(images))):
        with pytest.raises(ValueError, match=f"multiples of 4 .*received {received}"):
            use(images)
