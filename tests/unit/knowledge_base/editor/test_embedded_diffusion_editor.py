"""The embedded generator as an editor, with a stand-in of it."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.editor.embedded_diffusion import EmbeddedDiffusionEditor


class Brighter:
    """A restoration that adds one."""

    identity = {"model": "brighter"}

    def edit(self, images, prompts, seed):
        return images + 1


class Painter:
    """A generator that keeps what it is asked and doubles the pixels."""

    identity = {"model": "painter"}

    def __init__(self):
        self.asked = []

    def image_to_image(self, images, captions, seed, strength):
        self.asked.append((captions, seed, strength))
        return images * 2


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 100, (2, 16, 16, 3), dtype="uint8")


def test_restoration_comes_first(images):
    """(x + 1) 2, not 2 x + 1; prompts, seed and strength arrive as they are."""
    painter = Painter()
    editor = EmbeddedDiffusionEditor(painter, Brighter())
    edited = editor.edit(images, ["a", "b"], seed=7)
    np.testing.assert_array_equal(edited, (images + 1) * 2)
    assert painter.asked == [(["a", "b"], 7, 0.3)]
    assert editor.identity == {
        "model": "embedded-diffusion",
        "generator": {"model": "painter"},
        "restoration": {"model": "brighter"},
        "strength": 0.3,
    }


def test_it_paints_alone_if_told(images):
    editor = EmbeddedDiffusionEditor(Painter(), None, strength=0.5)
    edited = editor.edit(images, ["a", "b"], seed=7)
    np.testing.assert_array_equal(edited, images * 2)
    assert editor.identity["restoration"] is None


@pytest.mark.parametrize("strength", [0, -0.1, 1.1, float("nan")])
def test_strengths_that_are_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        EmbeddedDiffusionEditor(Painter(), None, strength)
