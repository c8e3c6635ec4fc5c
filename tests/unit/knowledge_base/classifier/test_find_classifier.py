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
