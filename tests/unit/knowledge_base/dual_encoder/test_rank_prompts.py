"""Prompts of a picture by similarity."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.dual_encoder.prompts import rank_prompts


class Angles:
    """A text is an angle in degrees; a picture is a quarter of its first pixel."""

    def text_features(self, texts):
        return self._at(np.array([float(text) for text in texts]))

    def image_features(self, images):
        return self._at(images[:, 0, 0, 0] / 4)

    def _at(self, degrees):
        angle = np.deg2rad(degrees)
        return np.stack([np.cos(angle), np.sin(angle)], -1).astype("float32")


IMAGES = np.zeros((2, 2, 2, 3), np.uint8)
IMAGES[1] = 160  # 40 degrees
PROMPTS = ["90", "50", "0", "30", "10"]


def test_the_likeliest_come_first():
    """Of two that fit equally, the one that is listed first; probabilities are those of
    a softmax over all prompts (1e-5)."""
    chosen, likely = rank_prompts(Angles(), IMAGES, PROMPTS, 3, temperature=0.1)
    assert chosen == [["0", "10", "30"], ["50", "30", "10"]]
    for row, degrees in zip(likely, (0, 40), strict=True):
        angles = np.deg2rad([float(text) - degrees for text in PROMPTS])
        weight = np.exp(np.cos(angles) / 0.1)
        expected = np.sort(weight / weight.sum())[::-1][:3]
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    assert likely.dtype == np.float32 and likely.shape == (2, 3)


def test_temperature_and_number():
    """The order is that of the similarity at any temperature; as many prompts as asked
    for; a picture's are its own (exact)."""
    cold, sure = rank_prompts(Angles(), IMAGES, PROMPTS, 5, temperature=1e-3)
    warm, unsure = rank_prompts(Angles(), IMAGES, PROMPTS, 5, temperature=10)
    assert cold == warm and [len(row) for row in cold] == [5, 5]
    assert sure[0, 0] > 0.999 and unsure[0, 0] < 0.25
    assert rank_prompts(Angles(), IMAGES[1:], PROMPTS, 1)[0] == [["50"]]


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"num": 0}, "num is 0; give 1 to 7"),
        ({"num": 8}, "num is 8; give 1 to 7"),
        ({"num": 1.5}, "num is 1.5; give 1 to 7"),
        ({"num": 6}, "num is 6, but there are 5 prompts"),
        ({"temperature": 0}, "temperature is 0; give more than 0"),
        ({"temperature": float("nan")}, "temperature is nan; give more than 0"),
    ],
)
def test_bad_numbers(changes, told):
    """ValueError with the value and the range."""
    with pytest.raises(ValueError, match=told):
        rank_prompts(Angles(), IMAGES, PROMPTS, **changes)
