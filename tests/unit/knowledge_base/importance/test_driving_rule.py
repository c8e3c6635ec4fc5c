"""Objects of label maps, and the rules that judge them, on painted road scenes."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.importance.driving_rule import (
    DrivingRule,
    StaticClassRule,
)
from semcom_phy.knowledge_base.importance.label_objects import find_objects
from semcom_phy.knowledge_base.importance.levels import LEVELS, level_maps
from semcom_phy.sources.driving import CLASSES

HEIGHT, WIDTH = 192, 256


def scene(*parts, shape=(HEIGHT, WIDTH)):
    """Sky over road, pavement on the left fifth, and parts
    (class, top, left, bottom, right) at 256x192."""
    labels = np.full(shape, CLASSES.index("Sky"), np.uint8)
    scale = shape[0] / HEIGHT
    road = ("Road", 92, 0, 192, 256), ("Pavement", 92, 0, 192, 51)
    for label, *edges in (*road, *parts):
        top, left, bottom, right = (round(scale * edge) for edge in edges)
        labels[top:bottom, left:right] = CLASSES.index(label)
    return labels


def levels_of(*parts, shape=(HEIGHT, WIDTH)):
    labels = scene(*parts, shape=shape)
    boxes = DrivingRule().annotate(np.zeros((*shape, 3), np.uint8), labels)
    return [LEVELS[box.level] for box in boxes]


def test_objects_are_connected_parts():
    """Diagonal neighbours are one object, small and background parts none, and two
    classes that touch are two."""
    labels = scene(
        ("Car", 100, 100, 110, 110),
        ("Car", 110, 110, 120, 120),
        ("Car", 100, 200, 106, 206),  # 36 pixels
        ("Pedestrian", 100, 110, 110, 114),  # 40 pixels
        ("Building", 20, 20, 60, 60),
    )
    assert find_objects(labels) == [
        (100, 100, 120, 120, "Car"),
        (100, 110, 110, 114, "Pedestrian"),
    ]


def test_small_is_relative_to_the_picture():
    """A part is as small at four times the pixels."""
    car = ("Car", 100, 200, 106, 206)
    assert find_objects(scene(car)) == []
    assert find_objects(scene(car, shape=(2 * HEIGHT, 2 * WIDTH))) == []
    large = ("Car", 100, 200, 107, 207)
    assert len(find_objects(scene(large, shape=(2 * HEIGHT, 2 * WIDTH)))) == 1


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (2 * HEIGHT, 2 * WIDTH)])
@pytest.mark.parametrize(
    "name, part, level",
    [
        ("vehicle ahead, near", ("Car", 100, 110, 135, 145), "high"),
        ("vehicle ahead, mid-distance", ("Car", 94, 112, 120, 134), "high"),
        ("vehicle ahead, far", ("Car", 90, 118, 104, 130), "low"),
        ("vehicle in the next lane, near", ("Car", 95, 190, 135, 230), "medium"),
        (
            "vehicle in the next lane, mid-distance",
            ("Car", 94, 185, 118, 215),
            "medium",
        ),
        ("vehicle in the next lane, far", ("Car", 90, 185, 104, 205), "low"),
        ("vehicle in the next lane, very near", ("Car", 90, 200, 150, 250), "high"),
        ("vehicle cut off by a side, mid-distance", ("Car", 94, 225, 120, 256), "low"),
        ("vehicle cut off by the other side", ("Car", 94, 0, 120, 25), "low"),
        ("vehicle cut off by a side, near", ("Car", 94, 215, 135, 256), "medium"),
        ("vehicle cut off, very near", ("Car", 80, 226, 150, 256), "medium"),
        ("person crossing", ("Pedestrian", 90, 100, 120, 110), "high"),
        ("cyclist on the road", ("Bicyclist", 90, 180, 120, 190), "high"),
        ("person crossing far away", ("Pedestrian", 92, 100, 104, 106), "low"),
        ("person on the pavement, near", ("Pedestrian", 92, 20, 133, 32), "medium"),
        ("person on the pavement, mid", ("Pedestrian", 92, 20, 120, 30), "low"),
        ("person on the pavement, very near", ("Pedestrian", 90, 20, 155, 40), "high"),
        ("sign", ("SignSymbol", 30, 20, 100, 40), "low"),
    ],
)
def test_table(name, part, level, shape):
    """Every row of the table, at any size of the picture."""
    assert levels_of(part, shape=shape) == [level], name


def test_foot_is_that_of_the_nearest_car():
    """A row of parked cars that reaches into the lane in the distance is beside it."""
    row = ("Car", 95, 60, 110, 126), ("Car", 95, 20, 140, 62)
    assert levels_of(*row) == ["medium"]


@pytest.mark.filterwarnings("error")
def test_people_at_the_lower_edge():
    """A box that ends with the picture has nothing under it and is judged by size."""
    assert levels_of(("Pedestrian", 120, 120, 192, 140)) == ["high"]


def test_rule_tells_context_from_class():
    """The same car gets three levels at three places, and one under the static rule."""
    places = [(94, 112, 120, 134), (94, 185, 118, 215), (90, 185, 104, 205)]
    labels = np.stack([scene(("Car", *place)) for place in places])
    images = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    by_context = level_maps(DrivingRule(), images, labels)
    by_class = level_maps(StaticClassRule(), images, labels)
    assert by_context.max((1, 2)).tolist() == [3, 2, 1]
    assert by_class.max((1, 2)).tolist() == [2, 2, 2]
    np.testing.assert_array_equal(by_context > 0, by_class > 0)


def test_static_levels():
    """A class takes its level, a class left out is no object."""
    labels = scene(("Car", 100, 100, 120, 120), ("SignSymbol", 20, 20, 40, 40))
    boxes = StaticClassRule({"Car": 3}).annotate(None, labels)
    assert boxes == [(100, 100, 120, 120, 3, "Car")]
    for levels in ({"Tree": 1}, {"Car": 0}, {"Car": 4}):
        with pytest.raises(ValueError, match="give a level 1"):
            StaticClassRule(levels)


@pytest.mark.parametrize(
    "labels, message",
    [
        (None, "needs the label map"),
        (np.zeros((4, 4)), "labels are float64"),
        (np.zeros((1, 4, 4), np.uint8), "expected uint8"),
        (np.full((4, 4), 12, np.uint8), "up to 12"),
    ],
)
@pytest.mark.parametrize("rule", [DrivingRule(), StaticClassRule()])
def test_no_label_map_no_answer(rule, labels, message):
    """ValueError with what was given."""
    with pytest.raises(ValueError, match=message):
        rule.annotate(np.zeros((4, 4, 3), np.uint8), labels)
