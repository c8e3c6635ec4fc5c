"""Cells, the cosine transform, and the spectrum sorted by variance."""

import numpy as np
import pytest
from keras import ops
from scipy.fft import dctn

from semcom_phy.layers.transforms.sorted_spectrum import SortedSpectrum
from semcom_phy.layers.transforms.spectrum import (
    dct2,
    dct_matrix,
    from_cells,
    idct2,
    to_cells,
)

SHAPE = (8, 12, 3)


def pictures(count=40, seed=0):
    """Smooth coloured noise in [0, 1], float."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((count, *SHAPE)).cumsum(1).cumsum(2)
    images = images @ np.array([[1, 0.8, 0.6], [0, 0.5, 0.2], [0, 0, 0.2]])
    return (images - images.min()) / np.ptp(images)


def test_cells_hold_their_pixels():
    """Token (r, c) is the cell at that place, and back exactly."""
    image = np.arange(2 * 8 * 12 * 3, dtype="float32").reshape(2, 8, 12, 3)
    cells = ops.convert_to_numpy(to_cells(image, 4))
    assert cells.shape == (2, 2, 3, 48)
    np.testing.assert_array_equal(cells[1, 1, 2], image[1, 4:8, 8:12].ravel())
    np.testing.assert_array_equal(ops.convert_to_numpy(from_cells(cells, 4)), image)


@pytest.mark.parametrize("size", [1, 4, 12])
def test_dct_matrix_is_orthonormal(size):
    """D D^T = I (float32 rounding)."""
    matrix = dct_matrix(size)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(size), atol=1e-6)


def test_dct_equals_scipy_and_is_inverted():
    """The 2-D DCT-II of scipy, orthonormal, and its inverse (float32 rounding)."""
    image = pictures(3).astype("float32")
    spectrum = ops.convert_to_numpy(dct2(image))
    expected = dctn(image, axes=(1, 2), norm="ortho")
    np.testing.assert_allclose(spectrum, expected, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(idct2(spectrum)), image, atol=1e-5)


def test_unfitted_spectrum_is_the_plain_dct():
    """Before fit: no colour change, natural order, unit scale (float32 rounding)."""
    layer, image = SortedSpectrum(SHAPE), pictures(2).astype("float32")
    values = ops.convert_to_numpy(layer.analyse(layer.decorrelate(image), 288))
    expected = dctn(image, axes=(1, 2), norm="ortho").reshape(2, -1)
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_fit_against_numpy():
    """Mean, colour axes, order and deviations are those of the images (1e-4)."""
    images = pictures()
    layer = SortedSpectrum(SHAPE).fit(images)
    mean = images.mean((0, 1, 2))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.mean), mean, rtol=1e-5)

    color = ops.convert_to_numpy(layer.color)
    np.testing.assert_allclose(color.T @ color, np.eye(3), atol=1e-5)
    pixels = (images - mean).reshape(-1, 3)
    power = color.T @ (pixels.T @ pixels) @ color
    np.testing.assert_allclose(power - np.diag(np.diag(power)), 0, atol=1e-3)
    assert np.all(np.diff(np.diag(power)) < 0)

    spectrum = dctn((images - mean) @ color, axes=(1, 2), norm="ortho")
    deviation = np.sqrt((spectrum.reshape(len(images), -1) ** 2).mean(0))
    std = ops.convert_to_numpy(layer.std)
    assert np.all(np.diff(std) <= 0)
    np.testing.assert_allclose(std, np.sort(deviation)[::-1], rtol=1e-3, atol=1e-5)
    values = ops.convert_to_numpy(
        layer.analyse(layer.decorrelate(images.astype("float32")), 50)
    )
    np.testing.assert_allclose((values**2).mean(0), 1, rtol=1e-3)


def test_synthesis_inverts_analysis():
    """All coefficients give the image back; the strongest few the best of so many: the
    error is the energy of the rest (float32 rounding)."""
    images = pictures()
    layer, images = SortedSpectrum(SHAPE).fit(images), images.astype("float32")
    flat = layer.decorrelate(images)
    coefficients = layer.analyse(flat, 288)
    values = ops.convert_to_numpy(coefficients)
    image = layer.recorrelate(layer.synthesise(coefficients))
    np.testing.assert_allclose(ops.convert_to_numpy(image), images, atol=1e-5)

    kept = layer.recorrelate(layer.synthesise(coefficients[:, :60]))
    error = np.sum((ops.convert_to_numpy(kept) - images) ** 2)
    lost = np.sum((values[:, 60:] * ops.convert_to_numpy(layer.std)[60:]) ** 2)
    np.testing.assert_allclose(error, lost, rtol=1e-4)


def test_statistics_are_weights_but_not_trained():
    """Mean, colour, deviations and order are stored beside the weights (exact)."""
    layer = SortedSpectrum(SHAPE).fit(pictures())
    assert layer.trainable_weights == [] and len(layer.weights) == 5
    copy = SortedSpectrum.from_config(layer.get_config())
    copy.set_weights(layer.get_weights())
    image = pictures(2, seed=1).astype("float32")
    one, two = (
        ops.convert_to_numpy(coder.analyse(coder.decorrelate(image), 20))
        for coder in (layer, copy)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 16, 24, 3), (2, 8, 12, 1)])
def test_another_image_size_is_refused(shape):
    """Expected and received shape are named (exact)."""
    layer = SortedSpectrum(SHAPE)
    for use in (layer.fit, layer.decorrelate):
        with pytest.raises(ValueError, match=r"\(8, 12, 3\), received"):
            use(np.zeros(shape, "float32"))
