"""Classifiers and probes from training images to a file that is found by name."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import classifier_accuracy
from link_models.training.__main__ import main
from link_models.training.knowledge import labelled_data, probe
from link_models.training.knowledge.labelled_data import load_labelled
from semcom_phy.knowledge_base.classifier import probe as loaded_probe
from semcom_phy.knowledge_base.classifier.convolutional import ConvClassifier
from semcom_phy.knowledge_base.classifier.probe import ProbeClassifier
from semcom_phy.sources.samples import Samples


def pictures(num, seed):
    """Cats are dark, dogs are light."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    images = rng.integers(0, 100, (num, 64, 64, 3)) + 150 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of data sets with cats and dogs in it."""
    folder = tmp_path / "data" / "catsdogs"
    folder.mkdir(parents=True)
    for seed, split in enumerate(("train", "test")):
        images, labels = pictures(40, seed)
        files = []
        for image in images:
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, "PNG")
            files.append(stream.getvalue())
        np.savez(
            folder / f"{split}.npz",
            blob=np.frombuffer(b"".join(files), np.uint8),
            offset=np.cumsum([0, *map(len, files)]),
            names=np.array([f"{('Cat', 'Dog')[y]}/{i}" for i, y in enumerate(labels)]),
            labels=labels,
        )
    monkeypatch.setenv("SEMCOM_DATA", str(folder.parent))
    return folder


def test_from_images_to_a_classifier(data, tmp_path, capsys):
    """The command writes weights that tell what was learned, and how they were made."""
    argv = ["classifier", "--dataset", "catsdogs", "--out", str(tmp_path)]
    argv += ["--steps", "30", "--batch-size", "8", "--warmup-steps", "5"]
    assert main(argv) == 0
    classifier = ConvClassifier("catsdogs", tmp_path)
    assert classifier.class_names == ("Cat", "Dog")
    images, labels = pictures(20, 5)
    right = classifier.probabilities(images).argmax(-1) == labels
    assert right.mean() > 0.9
    record = json.loads((tmp_path / "classifier_catsdogs.json").read_text())
    assert record["command"] == (
        "python -m link_models.training classifier --dataset catsdogs "
        "--steps 30 --batch-size 8 --warmup-steps 5"
    )
    assert record["validation"]["num_images"] == 4
    assert record["data"]["training"]["split"] == "train"
    assert record["data"]["training_images"] == 36
    assert main(argv) == 2  # a run is not forgotten by mistake
    assert "--restart" in capsys.readouterr().err


def test_without_data(tmp_path, monkeypatch, capsys):
    """One line that says what is missing."""
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    for command in ("classifier", "probe"):
        argv = [command, "--dataset", "catsdogs", "--out", str(tmp_path)]
        assert main(argv) == 2
        assert "no folder catsdogs" in capsys.readouterr().err


def test_validation_is_held_back(data):
    """A tenth of the training images, none of which is trained on; the draw is that of
    the seed (exact)."""
    train, held = load_labelled("catsdogs")
    assert (len(train), len(held)) == (36, 4)
    own = {image.tobytes() for image in held.images}
    assert not own & {image.tobytes() for image in train.images}
    again, other = (load_labelled("catsdogs", seed)[1].images for seed in (0, 1))
    np.testing.assert_array_equal(again, held.images)
    assert {image.tobytes() for image in other} != own
    np.testing.assert_array_equal(
        (train.images.mean((1, 2, 3)) > 125).astype(int), train.labels
    )


def test_cifar10_is_validated_on_original_pixels(monkeypatch):
    """JPEG copies are trained on, or left out, but never held back (exact)."""
    exact = np.zeros((20, 32, 32, 3), np.uint8)
    copies = np.ones((30, 32, 32, 3), np.uint8)
    loaded = exact, copies, {"split": "train"}, np.zeros(20), np.ones(30)
    monkeypatch.setattr(
        labelled_data, "load_cifar10_training_images", lambda with_labels: loaded
    )
    train, held = load_labelled("cifar10")
    assert (len(train), len(held)) == (48, 2)
    assert not held.images.any() and train.images.any((1, 2, 3)).sum() == 30
    np.testing.assert_array_equal(train.labels, train.images[:, 0, 0, 0])
    train, held = load_labelled("cifar10", exact_only=True)
    assert (len(train), len(held)) == (18, 2) and not train.images.any()


def test_from_images_to_a_probe(data, tmp_path, monkeypatch):
    """The same for a probe, on features that stand for the network's."""

    class Brightness:
        def pooled(self, images):
            return images.mean((1, 2)).astype("float32")

    monkeypatch.setattr(probe, "efficientnet", Brightness)
    monkeypatch.setattr(loaded_probe, "efficientnet", Brightness)
    assert main(["probe", "--dataset", "catsdogs", "--out", str(tmp_path)]) == 0
    classifier = ProbeClassifier("catsdogs", tmp_path)
    images, labels = pictures(20, 5)
    assert (classifier.probabilities(images).argmax(-1) == labels).all()
    record = json.loads((tmp_path / "probe_catsdogs.json").read_text())
    assert record["validation"]["accuracy"] == 1


class Half:
    """Says that all are dogs."""

    class_names = ("Cat", "Dog")

    def probabilities(self, images):
        return np.tile(np.float32([0.2, 0.8]), (len(images), 1))


def test_accuracy_with_its_interval(data, monkeypatch, capsys):
    """20 of 40, with the interval that E. B. Wilson's formula gives (1e-4); other
    classes are refused."""
    images, labels = pictures(40, 1)
    samples = Samples(images, None, {}, labels=labels, class_names=("Cat", "Dog"))
    found = classifier_accuracy.accuracy(Half(), samples)
    assert (found["accuracy"], found["num_images"]) == (0.5, 40)
    z = 1.959964
    half = z / (1 + z**2 / 40) * np.sqrt(0.25 / 40 + z**2 / (4 * 40**2))
    np.testing.assert_allclose(
        (found["low"], found["high"]), (0.5 - half, 0.5 + half), atol=1e-4
    )
    monkeypatch.setattr(classifier_accuracy, "find_classifier", lambda name: Half())
    assert classifier_accuracy.main(["--classifiers", "catsdogs"]) == 0
    assert "0.500  0.352 to 0.648       40" in capsys.readouterr().out
    monkeypatch.setattr(Half, "class_names", ("dog", "cat"))
    assert classifier_accuracy.main(["--classifiers", "catsdogs"]) == 2
    assert "has the classes" in capsys.readouterr().err
