"""Classifiers by name."""

import pytest

from semcom_phy.knowledge_base.classifier import (
    EMBEDDED,
    convolutional,
    find_classifier,
    probe,
)


@pytest.mark.parametrize("name", EMBEDDED)
def test_what_a_name_stands_for(name, monkeypatch):
    """A network of its own, or a probe of the same data set (exact)."""
    monkeypatch.setattr(convolutional, "ConvClassifier", lambda name: f"own {name}")
    monkeypatch.setattr(probe, "ProbeClassifier", lambda name: f"probe {name}")
    assert find_classifier(name) == f"own {name}"
    assert find_classifier(f"probe:{name}") == f"probe {name}"


@pytest.mark.parametrize("name", ["cifar100", "probe:", "probe:probe:cifar10", ""])
def test_unknown_name(name):
    """ValueError with the name and those that there are."""
    with pytest.raises(ValueError, match=f"no classifier '{name}'.*probe:catsdogs"):
        find_classifier(name)


@pytest.mark.parametrize(
    "name, num_classes", [("cifar10", 10), ("tinyimagenet24", 24), ("catsdogs", 2)]
)
@pytest.mark.parametrize("prefix", ["", "probe:"])
def test_shipped_weights(prefix, name, num_classes):
    """Whole, small, with a name for each class; what they are is told."""
    classifier = find_classifier(prefix + name)
    assert len(set(classifier.class_names)) == num_classes
    assert len(classifier.identity["sha256"]) == 64
    kind = "probe" if prefix else "classifier"
    label = f"{kind}_{name}"
    assert classifier.identity["classifier"] == label
    path = convolutional.SHIPPED / f"{label}.h5"
    assert path.stat().st_size <= 1.4e6
