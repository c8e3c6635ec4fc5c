"""Importance of patches, and annotations on disk."""

import json

import numpy as np
import pytest

from semcom_phy.knowledge_base.importance.levels import (
    FileAnnotator,
    ObjectBox,
    level_maps,
    patch_levels,
    write_annotation,
)

BOXES = [ObjectBox(2, 3, 20, 17, 1, "Car"), ObjectBox(10, 8, 40, 16, 3, "Pedestrian")]


def image_of(seed):
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def test_three_rules():
    """One object gives its level, several the highest, none background; edges that
    only touch a patch are not in it."""
    levels = patch_levels(BOXES, (48, 64, 3))
    assert levels.dtype == np.int32
    expected = [[3, 1, 0, 0], [3, 1, 0, 0], [3, 0, 0, 0]]
    assert levels.tolist() == expected
    assert patch_levels(BOXES[::-1], (48, 64)).tolist() == expected
    assert patch_levels([], (48, 64), 8).shape == (6, 8)


def test_levels_agree_with_painted_pixels():
    """The highest level of any pixel in a patch (200 random boxes, seed 1)."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        painted, boxes = np.zeros((48, 64), int), []
        for _ in range(5):
            top, left = rng.integers(0, 47), rng.integers(0, 63)
            bottom, right = rng.integers(top + 1, 49), rng.integers(left + 1, 65)
            boxes.append(ObjectBox(top, left, bottom, right, rng.integers(1, 4), ""))
            part = painted[top:bottom, left:right]
            np.maximum(part, boxes[-1].level, out=part)
        expected = painted.reshape(6, 8, 8, 8).max((1, 3))
        np.testing.assert_array_equal(patch_levels(boxes, (48, 64), 8), expected)


def test_boxes_are_cut_to_the_picture():
    """A box that reaches beyond the picture counts inside it."""
    levels = patch_levels([ObjectBox(-5, 50, 60, 90, 2, "Car")], (48, 64))
    assert levels.tolist() == [[0, 0, 0, 2]] * 3


@pytest.mark.parametrize(
    "box, message",
    [
        (ObjectBox(5, 5, 5, 9, 1, "Car"), "is empty"),
        (ObjectBox(5, 64, 9, 70, 1, "Car"), "outside the 48x64 picture"),
        (ObjectBox(5, 5, 9, 9, 0, "Car"), "level is 0"),
        (ObjectBox(5, 5, 9, 9, 4, "Car"), "level is 4"),
        (ObjectBox(5.5, 5, 9, 9, 1, "Car"), "whole pixels"),
    ],
)
def test_bad_boxes_are_refused(box, message):
    """ValueError with the box."""
    with pytest.raises(ValueError, match=message):
        patch_levels([box], (48, 64))


def test_picture_has_to_divide_into_patches():
    """ValueError with both sizes."""
    with pytest.raises(ValueError, match="50x64: resize it to multiples of .* 16"):
        patch_levels([], (50, 64))


def test_annotations_come_back(tmp_path):
    """Each picture gets its own boxes back, whatever their order, one without objects
    none."""
    images = np.stack([image_of(seed) for seed in range(3)])
    annotations = [BOXES, [], BOXES[1:]]
    for index, boxes in enumerate(annotations):
        write_annotation(tmp_path, f"frame_{index}", boxes, images[index], "by hand")
    annotator = FileAnnotator(tmp_path)
    assert [annotator.annotate(image) for image in images] == annotations
    levels = level_maps(annotator, images)
    assert levels.shape == (3, 3, 4) and levels.dtype == np.int32
    np.testing.assert_array_equal(levels[0], patch_levels(BOXES, (48, 64)))
    assert not levels[1].any()
    with pytest.raises(ValueError, match="none of the 3 annotations"):
        annotator.annotate(image_of(9))


def test_annotators_get_the_label_maps():
    """level_maps hands every picture its own label map, and refuses another number."""

    class Recorder:
        def annotate(self, image, labels=None):
            return [ObjectBox(0, 0, 1, 1, int(labels[0, 0]), "")]

    images, labels = np.zeros((2, 16, 16, 3), np.uint8), np.ones((2, 16, 16), np.uint8)
    labels[1] = 2
    assert level_maps(Recorder(), images, labels).ravel().tolist() == [1, 2]
    with pytest.raises(ValueError, match="2 images with 1 label maps"):
        level_maps(Recorder(), images, labels[:1])


def edited(file, **changes):
    annotation = json.loads(file.read_text()) | changes
    annotation = {key: value for key, value in annotation.items() if value is not None}
    file.write_text(json.dumps(annotation))


ENTRY = {"label": "Car", "importance": "low", "box": [0, 0, 4, 4]}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"pixels": None}, "expected the keys"),
        ({"pixels": 5}, "pixels is 5"),
        ({"comment": "new"}, "expected the keys"),
        ({"image_shape": 48}, "is no annotation"),
        ({"objects": [ENTRY | {"importance": "urgent"}]}, "is no annotation"),
        ({"objects": [ENTRY | {"importance": "background"}]}, "level is 0"),
        ({"objects": [ENTRY | {"box": [0, 0, 4]}]}, "is no annotation"),
        ({"objects": [ENTRY | {"box": [0, 70, 4, 80]}]}, "outside the 48x64"),
        ({"objects": [ENTRY | {"score": 1}]}, "expected the keys"),
        ({"objects": ["Car"]}, "expected the keys"),
    ],
)
def test_other_files_are_refused(tmp_path, changes, message):
    """ValueError with the file and what is wrong in it."""
    edited(write_annotation(tmp_path, "frame", BOXES, image_of(1), "hand"), **changes)
    with pytest.raises(ValueError, match=message) as error:
        FileAnnotator(tmp_path)
    assert "frame.json" in str(error.value)


def test_folder_is_checked(tmp_path):
    """An empty folder, a cut file, and two files of one picture are errors."""
    with pytest.raises(FileNotFoundError, match="holds no annotations"):
        FileAnnotator(tmp_path)
    first = write_annotation(tmp_path, "first", BOXES, image_of(1), "by hand")
    write_annotation(tmp_path, "second", [], image_of(1), "by hand")
    with pytest.raises(ValueError, match=r"second\.json and first\.json"):
        FileAnnotator(tmp_path)
    first.write_text(first.read_text()[:-10])
    with pytest.raises(ValueError, match=r"first\.json is no annotation"):
        FileAnnotator(tmp_path)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"name": "a/b"}, "plain name"),
        ({"name": ""}, "plain name"),
        ({"source": ""}, "who annotated"),
        ({"boxes": [ObjectBox(0, 0, 0, 1, 1, "Car")]}, "is empty"),
        ({"image": image_of(1).astype("float32")}, "uint8"),
    ],
)
def test_bad_annotations_are_not_written(tmp_path, changes, message):
    """ValueError, and no file."""
    arguments = {"name": "a", "boxes": BOXES, "image": image_of(1), "source": "hand"}
    with pytest.raises(ValueError, match=message):
        write_annotation(tmp_path, **(arguments | changes))
    assert not list(tmp_path.iterdir())
