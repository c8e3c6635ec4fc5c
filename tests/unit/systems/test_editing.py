"""An editor that is asked once, and may fail."""

import numpy as np
import pytest

from link_models.systems.edited.editing import MOST_FAILURES, Editing
from link_models.systems.table import SYSTEMS
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.knowledge_base.endpoint import EndpointError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype="uint8")
PROMPTS = ["make it shine", "make it rain", "make it shine"]


class Brightener:
    """Adds the length of the prompt and the seed; fails at those that it is told."""

    identity = {"model": "brightener"}

    def __init__(self, error=None, at=()):
        self.asked, self.error, self.at = [], error, at

    def edit(self, images, prompts, seed):
        self.asked.append((images.tobytes(), tuple(prompts), seed))
        if self.error is not None and len(self.asked) - 1 in self.at:
            raise self.error
        return images + np.uint8(len(prompts[0]) + seed)


def test_every_picture_by_its_own_prompt_and_seed():
    """Asked one by one, marked as edited (exact)."""
    images, edited = Editing(Brightener()).edit(IMAGES, PROMPTS, [1, 2, 3])
    for i in range(3):
        expected = IMAGES[i] + np.uint8(len(PROMPTS[i]) + i + 1)
        np.testing.assert_array_equal(images[i], expected)
    assert edited.tolist() == [True] * 3


def test_the_same_is_asked_once():
    """Picture, prompt and seed alike; another of them is another question (exact)."""
    editor = Brightener()
    editing = Editing(editor)
    first, _ = editing.edit(IMAGES, PROMPTS, [1, 1, 1])
    again, edited = editing.edit(IMAGES[::-1], PROMPTS[::-1], [1, 1, 1])
    np.testing.assert_array_equal(first, again[::-1])
    assert len(editor.asked) == 3 and edited.all()
    editing.edit(IMAGES[:1], PROMPTS[:1], [2])
    editing.edit(IMAGES[:1], PROMPTS[1:2], [1])
    assert len(editor.asked) == len(set(editor.asked)) == 5


@pytest.mark.parametrize("kind", [EndpointError, ConnectionResetError, TimeoutError])
def test_a_picture_that_fails_stays_as_it_is(kind, capsys):
    """The others are edited; one line on stderr, whatever follows, and it is asked
    again later (exact)."""
    editor = Brightener(kind("host\nis silent"), at=(1, 3))
    editing = Editing(editor)
    images, edited = editing.edit(IMAGES, PROMPTS, [1, 1, 1])
    assert edited.tolist() == [True, False, True]
    np.testing.assert_array_equal(images[1], IMAGES[1])
    assert editing.edit(IMAGES[1:2], PROMPTS[1:2], [1])[1].tolist() == [False]
    assert editing.edit(IMAGES[1:2], PROMPTS[1:2], [1])[1].tolist() == [True]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("image editor: host is silent; images stay as they arrived")


def test_an_editor_that_keeps_failing_is_asked_no_more(capsys):
    """After three failures in a row; what it has answered is kept (exact)."""
    editor = Brightener(EndpointError("refuses"), at=range(1, 99))
    editing = Editing(editor)
    for _ in range(3):
        _, edited = editing.edit(IMAGES, PROMPTS, [1, 1, 1])
        assert edited.tolist() == [True, False, False]
    assert len(editor.asked) == 1 + MOST_FAILURES
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_failures_between_answers_do_not_end_it():
    """Five, each before an answer (exact)."""
    editor = Brightener(TimeoutError("late"), at=(0, 2, 4, 6, 8))
    editing = Editing(editor)
    edited = [editing.edit(IMAGES[:1], ["x"], [k])[1].all() for k in range(10)]
    assert edited == [False, True] * 5 and len(editor.asked) == 10


def test_a_mistake_is_not_a_failure_of_a_host():
    """What else an editor raises ends the run."""
    editing = Editing(Brightener(ValueError("17 prompts for 3 images"), at=(0,)))
    with pytest.raises(ValueError, match="17 prompts"):
        editing.edit(IMAGES, PROMPTS, [1, 1, 1])


def test_no_picture_is_no_question():
    images, edited = Editing(Brightener()).edit(IMAGES[:0], [], [])
    assert images.shape == (0, 16, 16, 3) and edited.shape == (0,)


def test_a_scenario_without_an_editor_says_so():
    """Before anything is built (exact)."""
    message = "'x' repaints .* scenario 'mimo_2x2' has no editor: run python -m scen"
    with pytest.raises(ValueError, match=message):
        SYSTEMS["hevc_ldpc_edited"].build("x", SCENARIO)
