"""A linear probe on the features of EfficientNet-Lite0."""

import numpy as np
import pytest

from link_models.training.knowledge.probe import fit_probe
from semcom_phy.knowledge_base.classifier import probe
from semcom_phy.knowledge_base.classifier.probe import ProbeClassifier
from semcom_phy.knowledge_base.embedded_weights import save_weights


class MeanColour:
    """In the place of the network: three features of a picture."""

    asked = 0

    def pooled(self, images):
        self.asked += len(images)
        return images.mean((1, 2)).astype("float32")


@pytest.fixture
def features(monkeypatch):
    network = MeanColour()
    monkeypatch.setattr(probe, "efficientnet", lambda: network)
    return network


def pictures(num, num_classes, seed):
    """A class is the brightest colour; a feature that says nothing is large."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_classes, size=num)
    images = rng.integers(0, 30, (num, 16, 16, 3)).astype(np.uint8)
    images[np.arange(num), :, :, labels] += 60
    if num_classes == 2:
        images[..., 2] = rng.integers(0, 256, (num, 1, 1))
    return images, labels


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_fitted_probe_tells_classes(features, tmp_path, num_classes):
    """Stored and loaded, of two classes and of three, on pictures that it has not seen
    (all of them); each is looked at once."""
    images, labels = pictures(60, num_classes, 1)
    held, held_labels = pictures(30, num_classes, 2)
    tensors, figures = fit_probe(
        features.pooled(images), labels, features.pooled(held), held_labels
    )
    assert figures["accuracy"] == 1
    record = {"config": {"class_names": list("abc"[:num_classes])}, "command": ""}
    save_weights("probe_mine", tensors, record, tmp_path)
    classifier = ProbeClassifier("mine", tmp_path)
    features.asked = 0
    likely = classifier.probabilities(held)
    assert features.asked == len(held)
    np.testing.assert_array_equal(likely.argmax(-1), held_labels)
    np.testing.assert_allclose(likely.sum(-1), 1, atol=1e-6)
    np.testing.assert_array_equal(classifier.probabilities(held[3:5]), likely[3:5])
    assert features.asked == len(held)
    assert classifier.class_names == tuple("abc"[:num_classes])
    assert classifier.identity["features"]["model"] == "EfficientNet-Lite0"


def test_one_layer_is_the_regression(features):
    """Standardisation is folded into the layer: the same probabilities as scikit-learn
    gives on standardised features (1e-4)."""
    from sklearn.linear_model import LogisticRegression

    images, labels = pictures(50, 3, 3)
    x = features.pooled(images)
    tensors, figures = fit_probe(x, labels, x, labels)
    fit = LogisticRegression(C=figures["strength"], max_iter=500)
    standard = (x - x.mean(0)) / (x.std(0) + 1e-6)
    expected = fit.fit(standard, labels).predict_proba(standard)
    logits = x @ tensors["weight"].T + tensors["bias"]
    likely = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(likely, expected, atol=1e-4)
