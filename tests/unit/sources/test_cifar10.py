"""CIFAR-10: exact images and JPEG copies."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources import cifar10 as sources
from semcom_phy.sources.cifar10 import load_cifar10_training_images
from semcom_phy.sources.images import load_images, load_samples


def colourful(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_cifar10(path, **arrays):
    (path / "cifar10").mkdir(exist_ok=True)
    np.savez(path / "cifar10" / "test.npz", **arrays)


def test_cifar10_uses_exact_images_only(tmp_path, monkeypatch):
    """Where the file tells original pixels from copies, only the originals are used,
    and the provenance says so."""
    x, exact = colourful((6, 32, 32, 3)), np.array([1, 0, 1, 1, 0, 0], bool)
    write_cifar10(tmp_path, x_test=x, y_test=np.zeros(6, np.uint8), exact=exact)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    images, provenance = load_images("cifar10")
    np.testing.assert_array_equal(images, x[exact])
    assert provenance["num_available"] == 3
    assert "original pixels" in provenance["source"]
    assert str(tmp_path) not in json.dumps(provenance)
    with pytest.raises(ValueError, match="4 images asked for, cifar10 has 3"):
        load_images("cifar10", 4)


def test_classes_travel_with_the_images(tmp_path, monkeypatch):
    """Those of the images with original pixels, of a draw too; none where the file has
    none; what is no class of every image is refused (exact)."""
    x, exact = colourful((6, 32, 32, 3)), np.array([1, 0, 1, 1, 0, 0], bool)
    y = np.arange(6, dtype=np.uint8)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    write_cifar10(tmp_path, x_test=x, y_test=y, exact=exact)
    samples = load_samples("cifar10")
    assert samples.labels.tolist() == [0, 2, 3]
    drawn = load_samples("cifar10", 2, seed=1)
    np.testing.assert_array_equal(drawn.images, x[drawn.labels])
    assert drawn.provenance["labels_sha256"] != samples.provenance["labels_sha256"]
    write_cifar10(tmp_path, x_test=x, exact=exact)
    bare = load_samples("cifar10")
    assert bare.labels is None and "labels_sha256" not in bare.provenance
    write_cifar10(tmp_path, x_test=x, y_test=y[:5], exact=exact)
    with pytest.raises(
        ValueError, match="test.npz: y_test is uint8 .5,.; expected a w"
    ):
        load_samples("cifar10")


def test_cifar10_training_images(tmp_path, monkeypatch):
    """Exact training images and decoded JPEG copies come back apart, with their classes
    where they are asked for (exact)."""
    stream = io.BytesIO()
    Image.fromarray(colourful((32, 32, 3), 5)).save(stream, "JPEG", quality=75)
    body = np.frombuffer(stream.getvalue(), np.uint8)
    arrays = {
        "exact": np.array([True, False, True]),
        "x_exact": colourful((2, 32, 32, 3)),
        "jpeg_header": body[:20],
        "jpeg_bodies": body[20:],
        "jpeg_lengths": np.array([len(body) - 20]),
    }
    path = tmp_path / "cifar10" / "train.npz"
    path.parent.mkdir()
    np.savez(path, y_train=np.array([7, 2, 9], np.uint8), **arrays)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    exact, copies, provenance = load_cifar10_training_images()
    np.testing.assert_array_equal(exact, arrays["x_exact"])
    np.testing.assert_array_equal(copies[0], np.asarray(Image.open(stream)))
    assert (provenance["num_exact"], provenance["num_jpeg_copies"]) == (2, 1)
    *others, exact_labels, copy_labels = load_cifar10_training_images(with_labels=True)
    assert (exact_labels.tolist(), copy_labels.tolist()) == ([7, 9], [2])
    np.testing.assert_array_equal(others[0], exact)
    np.testing.assert_array_equal(others[1], copies)
    np.savez(path, **arrays)
    assert len(load_cifar10_training_images()) == 3
    with pytest.raises(ValueError, match="cifar10/train.npz has no classes.*y_train"):
        load_cifar10_training_images(with_labels=True)


def test_cifar10_offline(monkeypatch):
    """With no data and no network the error tells the ways out."""

    def offline():
        raise Exception("URL fetch failure")  # noqa: TRY002 - as keras does

    monkeypatch.setattr(sources, "data_folders", lambda _: iter(()))
    monkeypatch.setattr("keras.datasets.cifar10.load_data", offline)
    with pytest.raises(FileNotFoundError, match="SEMCOM_DATA.*URL fetch failure"):
        load_images("cifar10", 4)


def test_classes_of_keras_datasets(monkeypatch):
    """The classes come with the images, one number each (exact)."""
    x, y = colourful((4, 32, 32, 3)), np.array([[3], [1], [0], [2]], np.uint8)
    monkeypatch.setattr(sources, "data_folders", lambda _: iter(()))
    monkeypatch.setattr("keras.datasets.cifar10.load_data", lambda: (None, (x, y)))
    samples = load_samples("cifar10")
    np.testing.assert_array_equal(samples.images, x)
    assert samples.labels.tolist() == [3, 1, 0, 2]


def test_wrong_semcom_data(tmp_path, monkeypatch):
    """A SEMCOM_DATA without the data is an error, not a silent fallback."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="SEMCOM_DATA is '.*nowhere'"):
        load_images("cifar10", 1)
