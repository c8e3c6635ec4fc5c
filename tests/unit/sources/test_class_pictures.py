"""A few pictures of every class, drawn from the split train."""

import numpy as np
import pytest

from semcom_phy.sources.class_pictures import (
    class_pictures,
    drawn_evenly,
    labelled_pictures,
)
from semcom_phy.sources.samples import Samples, hashes_beside


def test_crops_of_a_photograph_are_a_class():
    """Twelve photographs, with names that can be said."""
    samples = labelled_pictures("sample", "train")
    assert samples.images.shape[1:] == (32, 32, 3)
    assert len(samples.class_names) == len(set(samples.groups)) == 12
    assert not any("_" in name for name in samples.class_names)
    for label in range(12):
        assert len(set(np.array(samples.groups)[samples.labels == label])) == 1


def test_as_many_of_every_class():
    """Class by class, none twice, the same for the same seed (exact)."""
    samples = class_pictures("sample", 40, 3)
    np.testing.assert_array_equal(samples.labels, np.repeat(np.arange(12), 3))
    assert len(np.unique(samples.images.reshape(36, -1), axis=0)) == 36
    again = class_pictures("sample", 40, 3)
    np.testing.assert_array_equal(again.images, samples.images)
    assert (class_pictures("sample", 40, 4).images != samples.images).any()


def test_original_pixels_of_cifar10(tmp_path, monkeypatch):
    """Of its split train, with its names."""
    (tmp_path / "cifar10").mkdir()
    images = np.random.default_rng(1).integers(0, 256, (60, 32, 32, 3), np.uint8)
    labels = np.arange(60) % 10
    np.savez(tmp_path / "cifar10" / "train.npz", x_train=images, y_train=labels)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    samples = class_pictures("cifar10", 20)
    np.testing.assert_array_equal(samples.labels, np.repeat(np.arange(10), 2))
    assert samples.class_names[3] == "cat"
    for image, label in zip(samples.images, samples.labels, strict=True):
        assert (images[labels == label] == image).all((1, 2, 3)).any()


def test_what_belongs_to_drawn_pictures_stays_with_them():
    """Labels and masks, and the provenance tells those of the draw (exact)."""
    images = np.arange(4, dtype=np.uint8).repeat(16 * 16 * 3).reshape(4, 16, 16, 3)
    labels, masks = np.arange(4), images[..., 0] % 2
    drawn = drawn_evenly(Samples(images, None, {}, None, labels, masks=masks), 3, 1)
    np.testing.assert_array_equal(drawn.images[:, 0, 0, 0], drawn.labels)
    np.testing.assert_array_equal(drawn.masks[:, 0, 0], drawn.labels % 2)
    hashes = hashes_beside(labels=drawn.labels, masks=drawn.masks)
    assert hashes.items() <= drawn.provenance.items()


def test_too_few_pictures():
    """Every class has one at least."""
    with pytest.raises(ValueError, match="11 pictures of 12 classes"):
        class_pictures("sample", 11)
