"""A network of its own for each data set."""

import numpy as np
import pytest
import torch
from PIL import Image

from semcom_phy.knowledge_base.classifier.convolutional import ConvClassifier
from semcom_phy.knowledge_base.classifier.network import ConvNetwork, scaled
from semcom_phy.knowledge_base.embedded_weights import save_weights

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)


def saved(folder, **options):
    """A random network whose output depends on the picture, in a folder."""
    torch.manual_seed(1)
    network = ConvNetwork(3, (4, 6, 8), **options)
    with torch.inference_mode():
        for _ in range(40):  # what the layers see is normalised
            network(scaled(IMAGES, 32))
    network.eval()
    tensors = {k: v.numpy() for k, v in network.state_dict().items() if v.ndim}
    config = {
        "network": network.config,
        "side": 32,
        "class_names": ["cat", "dog", "owl"],
    }
    save_weights("classifier_mine", tensors, {"config": config, "command": ""}, folder)
    return network


@pytest.mark.parametrize("stem_stride", [1, 2])
def test_probabilities_are_those_of_the_stored_network(tmp_path, stem_stride):
    """As the network itself gives them, but for half precision (1e-2); they add up to 1
    (1e-6)."""
    network = saved(tmp_path, stem_stride=stem_stride)
    classifier = ConvClassifier("mine", tmp_path)
    likely = classifier.probabilities(IMAGES)
    with torch.inference_mode():
        expected = torch.softmax(network(scaled(IMAGES, 32)), -1).numpy()
    np.testing.assert_allclose(likely, expected, atol=1e-2)
    assert np.abs(expected[0] - expected[1]).max() > 2e-2
    np.testing.assert_allclose(likely.sum(-1), 1, atol=1e-6)
    assert likely.shape == (3, 3) and likely.dtype == np.float32
    assert classifier.class_names == ("cat", "dog", "owl")
    assert classifier.identity["classifier"] == "classifier_mine"
    assert len(classifier.identity["sha256"]) == 64


def test_nothing_depends_on_the_batch(tmp_path):
    """A picture alone, and beside a hundred others (1e-6)."""
    saved(tmp_path)
    many = np.concatenate([IMAGES] * 40)
    many[3:] += np.arange(117, dtype=np.uint8)[:, None, None, None]
    alone = ConvClassifier("mine", tmp_path).probabilities(many[:1])
    beside = ConvClassifier("mine", tmp_path).probabilities(many)
    np.testing.assert_allclose(alone[0], beside[0], atol=1e-6)
    assert ConvClassifier("mine", tmp_path).probabilities(many[:0]).shape == (0, 3)


def test_a_picture_is_looked_at_once(tmp_path, monkeypatch):
    """What was asked before is remembered (exact)."""
    saved(tmp_path)
    classifier = ConvClassifier("mine", tmp_path)
    first = classifier.probabilities(IMAGES)
    monkeypatch.setattr(classifier, "_network", None)
    np.testing.assert_array_equal(classifier.probabilities(IMAGES[::-1]), first[::-1])


def test_other_sizes_are_resized(tmp_path):
    """To the side that the network was trained with: an enlarged picture is the one it
    was made from, nearly (5e-3)."""
    saved(tmp_path)
    classifier = ConvClassifier("mine", tmp_path)
    smooth = [Image.fromarray(i).resize((4, 4)).resize((32, 32), 3) for i in IMAGES]
    large = [np.asarray(i.resize((96, 64), 3)) for i in smooth]
    small = np.stack([np.asarray(i) for i in smooth])
    found = classifier.probabilities(np.stack(large))
    np.testing.assert_allclose(found, classifier.probabilities(small), atol=5e-3)


def test_scaled_pictures():
    """-1 to 1, channels first, also where resizing overshoots (exact)."""
    edge = np.zeros((1, 64, 64, 3), np.uint8)
    edge[:, :, 31:] = 255
    x = scaled(edge, 32)
    assert x.shape == (1, 3, 32, 32) and x.min() == -1 and x.max() == 1
    x = scaled(IMAGES, 32).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose((x + 1) * 127.5, IMAGES, atol=1e-4)


def test_missing_weights(tmp_path):
    """FileNotFoundError with the file and the way to make it."""
    with pytest.raises(FileNotFoundError, match="classifier_mine.json.*training"):
        ConvClassifier("mine", tmp_path)
