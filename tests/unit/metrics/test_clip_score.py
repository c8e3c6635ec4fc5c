"""CLIPScore: the cosine, and its mean over captions."""

import numpy as np
import pytest
from simple_models import ColourEncoder

from semcom_phy.metrics.clip_score import clip_score, clip_score_of_captions


def test_it_is_the_cosine_in_hundredths():
    """Whatever the lengths; below a right angle 0 (1e-12)."""
    v = [[1, 0], [3, 4], [1, 0], [2, 0]]
    c = [[2, 0], [4, 3], [-1, 0], [0, 5]]
    np.testing.assert_allclose(clip_score(v, c), [100, 96, 0, 0], atol=1e-12)


def test_all_captions_of_a_picture_count():
    """Of a red and a yellow picture with two and three captions (1e-5)."""
    images = np.zeros((2, 4, 4, 3), "uint8")
    images[..., 0], images[1, ..., 1] = 200, 200
    captions = [("red", "green"), ("red", "green", "blue")]
    found = clip_score_of_captions(ColourEncoder(), images, captions)
    half = 100 / np.sqrt(2)
    np.testing.assert_allclose(found, [50, 2 * half / 3], rtol=1e-5)
    with pytest.raises(ValueError, match="picture 1 has no caption: give at least one"):
        clip_score_of_captions(ColourEncoder(), images, [("red",), ()])
