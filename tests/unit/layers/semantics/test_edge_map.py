"""Where a picture has its strongest edges."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.semantics.edge_map import edge_map


def edges_of(images, count=3):
    images = ops.convert_to_tensor(np.asarray(images, "float32"))
    return ops.convert_to_numpy(edge_map(images, 8, count))


def test_patches_with_an_edge_are_marked():
    """A bright bar inside two patches, and nowhere else; a flat picture has no edge at
    all (exact)."""
    images = np.full((2, 32, 24, 3), 0.5)
    images[0, 10:14, 3:12] = 1.0
    expected = np.zeros((2, 4, 3))
    expected[0, 1, :2] = 1
    found = edges_of(images)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("count", [1, 5])
def test_the_steepest_are_chosen(count):
    """Of noise whose strength grows from patch to patch the last ones (exact)."""
    strength = np.arange(1, 17).reshape(4, 4).repeat(8, 0).repeat(8, 1)
    noise = np.random.default_rng(0).standard_normal((1, 32, 32, 1)).repeat(3, -1)
    found = edges_of(noise * 2.0 ** strength[None, :, :, None], count)
    assert found.ravel().tolist() == [0] * (16 - count) + [1] * count
