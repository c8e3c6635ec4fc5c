"""EfficientNet-Lite0 as the CNN that needs no hub."""

import numpy as np

from semcom_phy.knowledge_base.cnn import find_cnn
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)


def test_one_network_for_all(monkeypatch):
    """The process has one; pictures that it has just seen are not run again, whether
    the CNN is asked or the dual encoder (exact)."""
    cnn = find_cnn("embedded")
    encoder = find_dual_encoder("embedded")
    maps = cnn.maps(IMAGES)
    assert maps.shape == (3, *cnn.grid, cnn.width) == (3, 7, 7, 1280)
    monkeypatch.setattr(cnn, "network", None)
    assert encoder.image_features(IMAGES).shape == (3, 256)
    again = find_cnn("embedded").maps(IMAGES[::-1])
    np.testing.assert_array_equal(again, maps[::-1])
    again[:] = 0  # what is given is a copy
    np.testing.assert_array_equal(cnn.maps(IMAGES), maps)


def test_few_are_remembered():
    """64 pictures at most, however many are asked for, and all are answered."""
    cnn = find_cnn("embedded")
    many = np.random.default_rng(2).integers(0, 256, (70, 16, 16, 3), np.uint8)
    maps = cnn.maps(many)
    assert len(cnn._cache._answers) == 64
    np.testing.assert_allclose(cnn.maps(many[:1])[0], maps[0], atol=1e-4)
