"""Recorded replies, and a multimodal model's round trip on a tiny random one.

transformers runs on torch: ``make test-torch``. There its absence is an error.
"""

import sys

import keras
import numpy as np
import pytest

from semcom_phy.knowledge_base.importance.label_objects import SceneObject
from semcom_phy.knowledge_base.importance.levels import ObjectBox
from semcom_phy.knowledge_base.importance.mllm_annotator import (
    DRIVING_TASK,
    MllmAnnotator,
    ReplyError,
    numbered_picture,
    parse_reply,
    question,
)

TORCH = keras.backend.backend() == "torch"
needs_torch = pytest.mark.skipif(
    not TORCH, reason="transformers runs in the torch environment: test-torch"
)
if TORCH:
    import torch
    from tiny_transformers import save_tiny_llava

OBJECTS = [
    SceneObject(10, 4, 40, 20, "Car"),
    SceneObject(20, 30, 44, 40, "Pedestrian"),
]
GOOD = (
    '{"objects": [{"id": 2, "importance": "high"}, {"id": 1, "importance": "medium"}]}'
)


def entries(*pairs):
    listed = ", ".join(
        f'{{"id": {number}, "importance": "{importance}"}}'
        for number, importance in pairs
    )
    return f'{{"objects": [{listed}]}}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        GOOD.replace(", {", ",\n    {"),
    ],
)
def test_good_replies(text):
    """Levels come in the order of the ids, whatever the order and fence."""
    assert parse_reply(text, 2) == [2, 3]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no JSON"),
        ("The car is of high importance.", "no JSON.*The car"),
        (f"Sure! Here it is:\n```json\n{GOOD}\n```", "no JSON.*Sure"),
        (f"{GOOD}\nI hope this helps.", "text after .*I hope"),
        (f"{GOOD} {GOOD}", "text after"),
        (f"```json\n{GOOD}", "no JSON"),
        (GOOD[:-12], "no JSON"),
        (GOOD.replace('"', "'"), "no JSON"),
        ("[1, 2]", r"expected the keys \['objects'\]"),
        ('{"objects": {"1": "high"}}', "objects is no list"),
        ('{"objects": ["high", "low"]}', "expected the keys .*high"),
        (GOOD[:-1] + ', "reason": "near"}', "expected the keys .*reason"),
        (GOOD[:-3] + ', "why": 1}]}', "expected the keys .*why"),
        (GOOD.replace('"id": 1', '"id": 1, "id": 1'), "a key occurs twice"),
        (entries((1, "high")), "missing ids: 2"),
        (entries((1, "high"), (1, "low")), "id 1 occurs twice"),
        (entries((1, "high"), (3, "low")), "unknown id '3'; there are 1 to 2"),
        (entries((1, "high"), (0, "low")), "unknown id '0'"),
        (entries((1, "high"), ('"2"', "low")), "unknown id '2'"),
        (entries((1, "high"), ("2.0", "low")), "unknown id '2.0'"),
        (entries(("true", "high"), (2, "low")), "unknown id 'true'"),
        (entries((1, "urgent"), (2, "low")), "unknown importance 'urgent' of id 1"),
        (entries((1, "High"), (2, "low")), "unknown importance 'High'"),
        (entries((1, "background"), (2, "low")), "unknown importance"),
        (GOOD.replace('"high"', "3"), "unknown importance '3'"),
        (GOOD.replace('"high"', "[]"), "unknown importance"),
        ("[" * 100_000, "nests too deep"),
        (entries((1, "high"), ("2" * 5000, "low")), "unknown number '222"),
    ],
)
def test_malformed_replies(text, message):
    """ReplyError, which is a ValueError, quotes the part at fault."""
    with pytest.raises(ReplyError, match=message) as error:
        parse_reply(text, 2)
    assert isinstance(error.value, ValueError) and len(str(error.value)) < 200


def test_picture_shows_every_box():
    """Boxes are drawn in place on an enlarged copy, and differ by their numbers."""
    image = np.zeros((48, 64, 3), np.uint8)
    picture = numbered_picture(image, OBJECTS)
    assert picture.size == (16 * 64, 16 * 48) and not image.any()
    pixels = np.asarray(picture)
    for box in OBJECTS:
        corner = pixels[16 * box.bottom - 1, 16 * box.right - 1]
        assert corner.tolist() == [255, 0, 255]
    swapped = np.asarray(numbered_picture(image, OBJECTS[::-1]))
    assert not np.array_equal(pixels, swapped)


def test_question_lists_the_objects():
    """The task comes first, then number and class of every object, then the form."""
    text = question(DRIVING_TASK, OBJECTS)
    assert text.startswith(DRIVING_TASK)
    assert "1: Car\n2: Pedestrian" in text and '"importance": "high"' in text


class Recorded(MllmAnnotator):
    """Answers with recorded replies, and keeps what it was asked."""

    def __init__(self, *replies, **options):
        super().__init__(None, None, lambda image, labels: OBJECTS, **options)
        self.replies, self.asked = list(replies), []

    def _ask(self, picture, turns, max_new_tokens):
        self.asked.append(list(turns))
        return self.replies.pop(0)


IMAGE = np.zeros((48, 64, 3), np.uint8)
JUDGED = [
    ObjectBox(10, 4, 40, 20, 2, "Car"),
    ObjectBox(20, 30, 44, 40, 3, "Pedestrian"),
]


def test_retries_say_what_is_wrong():
    """The model sees its reply and the error; after the last try it is raised."""
    annotator = Recorded("high", GOOD, retries=1)
    assert annotator.annotate(IMAGE) == JUDGED
    first, second = annotator.asked
    assert first == second[:1] and second[1] == ("assistant", "high")
    assert "no JSON" in second[2][1]
    with pytest.raises(ReplyError, match="low"):
        Recorded("high", "low", GOOD, retries=1).annotate(IMAGE)
    with pytest.raises(ReplyError, match="high"):
        Recorded("high", GOOD).annotate(IMAGE)
    with pytest.raises(ValueError, match="retries is -1"):
        Recorded(retries=-1)


def test_nothing_to_judge():
    """Without objects the model is not asked; the default detector needs labels."""
    annotator = MllmAnnotator(model=None, processor=None)
    assert annotator.annotate(IMAGE, np.zeros((48, 64), np.uint8)) == []
    with pytest.raises(ValueError, match="needs the label map"):
        annotator.annotate(IMAGE)


def test_missing_library(monkeypatch):
    """ImportError names the extra."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[generative\]"):
        MllmAnnotator.load("folder")


@needs_torch
@pytest.mark.parametrize("has_template", [True, False])
def test_round_trip_of_a_model(has_template, tmp_path, monkeypatch):
    """From a folder, with a chat template and without: the random model's reply is
    refused, a recorded reply in its place gives the boxes their levels."""
    save_tiny_llava(tmp_path, has_template)
    annotator = MllmAnnotator.load(
        tmp_path, detector=lambda image, labels: OBJECTS, retries=1
    )
    with pytest.raises(ReplyError):
        annotator.annotate(IMAGE)

    tokenizer, asked = annotator.processor.tokenizer, []

    def recorded(input_ids, pixel_values, **options):
        asked.append(tokenizer.decode(input_ids[0]))
        assert not options["do_sample"] and pixel_values.shape == (1, 3, 28, 28)
        reply = "none" if len(asked) == 1 else GOOD
        ids = tokenizer(reply + "</s>", return_tensors="pt")["input_ids"]
        return torch.cat([input_ids, ids], dim=1)

    monkeypatch.setattr(annotator.model, "generate", recorded)
    assert annotator.annotate(IMAGE) == JUDGED
    first, second = asked
    assert first.count("<image>") == 5  # 2 x 2 patches and the class
    assert "1: Car\n2: Pedestrian" in first and "not usable" not in first
    assert "none" in second and "not usable" in second
    assert ("assistant: " in first) is has_template


@needs_torch
def test_folder_without_a_model(tmp_path):
    """ValueError names the folder."""
    with pytest.raises(ValueError, match="cannot be loaded"):
        MllmAnnotator.load(tmp_path)
