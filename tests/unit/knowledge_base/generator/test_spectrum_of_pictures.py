"""Pictures as whitened DCT coefficients."""

import numpy as np
import pytest
from tiny_generator import smooth_pictures

from semcom_phy.knowledge_base.generator.spectrum import COLOURS, Spectrum


@pytest.fixture(scope="module")
def pictures():
    return smooth_pictures(400)


def test_colours_are_an_orthonormal_transform():
    """Noise of unit variance stays that."""
    np.testing.assert_allclose(COLOURS @ COLOURS.T, np.eye(3), atol=1e-6)


def test_all_coefficients_give_the_picture_back(pictures):
    """Without a limit, to the rounding of 32 bits."""
    spectrum, energy = Spectrum.of_pictures(pictures, None, np.inf)
    assert energy == pytest.approx(1) and len(spectrum.kept) == 3072
    back = spectrum.decode(spectrum.encode(pictures[:5]))
    np.testing.assert_allclose(back, pictures[:5], atol=1e-2)


def test_few_coefficients_keep_the_stated_energy(pictures):
    """The share of the variance that is lost is that of the error (2 %: the mean of the
    mirror images stands for both)."""
    spectrum, energy = Spectrum.of_pictures(pictures, 12, np.inf)
    assert energy > 0.8
    error = spectrum.decode(spectrum.encode(pictures)) - pictures
    mirrored = np.concatenate([pictures, pictures[:, :, ::-1]]).astype("float64")
    variance = np.var(mirrored, axis=0).mean()
    assert np.mean(error**2) / variance == pytest.approx(1 - energy, rel=0.02)


def test_values_have_unit_variance_and_no_mean(pictures):
    """Of the pictures that they were taken from, and their mirror images."""
    spectrum, _ = Spectrum.of_pictures(pictures, 50, np.inf)
    values = spectrum.encode(np.concatenate([pictures, pictures[:, :, ::-1]]))
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-3)


def test_mirror_images_have_the_values_with_signs(pictures):
    """No second transform is needed in training."""
    spectrum, _ = Spectrum.of_pictures(pictures, 200, np.inf)
    mirrored = spectrum.encode(pictures[:5, :, ::-1])
    expected = spectrum.encode(pictures[:5]) * spectrum.mirror
    np.testing.assert_allclose(mirrored, expected, atol=1e-4)


def test_rare_values_are_clipped_and_all_of_it_can_be_stored(pictures):
    """At the limit; tensors give the same spectrum."""
    spectrum, _ = Spectrum.of_pictures(pictures, 50, 1.5)
    values = spectrum.encode(pictures)
    assert np.abs(values).max() == 1.5
    again = Spectrum.of_tensors(spectrum.tensors())
    np.testing.assert_array_equal(again.encode(pictures), values)
    np.testing.assert_array_equal(again.decode(values[:2]), spectrum.decode(values[:2]))
