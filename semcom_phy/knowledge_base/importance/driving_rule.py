"""Importance of the objects of a road scene by rules on its semantic label map.

:class:`DrivingRule` looks at where an object is, as a driver does;
:class:`StaticClassRule` at its class alone. Both are annotators in the sense of
:mod:`~semcom_phy.knowledge_base.importance.levels` and need label maps, so they make
labels for training and evaluation; at the transmitter there are none.
"""

import numpy as np

from semcom_phy.knowledge_base.importance.label_objects import (
    OBJECT_CLASSES,
    checked_labels,
    find_objects,
)
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.sources.driving import CLASSES

LOW, MEDIUM, HIGH = 1, 2, 3

# Shares of the picture's height or width. The horizon and the vanishing point are those
# of a forward camera in a car; the others were set on CamVid's training pictures.
HORIZON = 0.48
LANE_CENTRE = 0.48
LANE_HALF_WIDTH_AT_HORIZON = 0.02
LANE_HALF_WIDTH_AT_BOTTOM = 0.44
MID_DISTANCE = 0.11
NEAR = 0.20
VERY_NEAR = 0.30
FOOT_HEIGHT = 0.02  # strip under a box that is looked at for road
SIDE = 0.008  # an object as close as this to a side is cut off by it


class DrivingRule:
    r"""Importance by where an object is: in the own lane, on the road, near.

    On a flat road both the height of an object and the drop of its foot below the
    horizon fall as 1 / distance, and are about equal for an object as tall as the
    camera is high. The larger of the two, as a share of the picture's height, is its
    *nearness*: far below 0.11, mid-distance from there, near from 0.20, very near from
    0.30. With a typical camera that is about 17 m, 10 m and 6 m.

    The own lane is a trapezoid: from 0.48 of the picture's width +- 0.44 at the bottom
    to 0.48 +- 0.02 at the horizon, which is at 0.48 of the height. An object is in it
    if its foot is: the middle of its lowest pixels. Of cars that touch in the picture,
    that is the nearest one's foot.

    ====================  ==============  ==============  ==============  =========
    object                very near       near            mid-distance    far
    ====================  ==============  ==============  ==============  =========
    vehicle in own lane   high            high            high            low
    other vehicle         high            medium          medium          low
    the same, at a side   medium          medium          low             low
    person on the road    high            high            high            low
    other person          high            medium          low             low
    sign, traffic light   low             low             low             low
    ====================  ==============  ==============  ==============  =========

    Persons are pedestrians and cyclists; on the road means that most pixels just under
    their box are labelled so. Vehicles that a side of the picture cuts off are parked
    or about to be passed.
    """

    def annotate(self, image, labels=None):
        labels = checked_labels(labels)
        return [
            thing.with_level(_level(thing, labels)) for thing in find_objects(labels)
        ]


class StaticClassRule:
    """One level for each class, whatever the scene: object-oriented coding.

    Parameters
    ----------
    levels : `dict` or `None`, (default `None`)
        Class -> level 1 to 3; classes left out are no objects. `None` for level 2 of
        Car, Pedestrian, Bicyclist and SignSymbol

    Raises
    ------
    ValueError
        If a class or a level is unknown.
    """

    def __init__(self, levels=None):
        self.levels = (
            dict.fromkeys(OBJECT_CLASSES, MEDIUM) if levels is None else levels
        )
        for label, level in self.levels.items():
            if label not in OBJECT_CLASSES or level not in (LOW, MEDIUM, HIGH):
                raise ValueError(
                    f"levels has {label!r}: {level!r}; give a level 1 ({LEVELS[1]}) to "
                    f"3 ({LEVELS[3]}) to classes of {', '.join(OBJECT_CLASSES)}"
                )

    def annotate(self, image, labels=None):
        return [
            thing.with_level(self.levels[thing.label])
            for thing in find_objects(labels)
            if thing.label in self.levels
        ]


def _level(thing, labels):
    """The table in the docstring of DrivingRule."""
    if thing.label == "SignSymbol":
        return LOW
    nearness = _nearness(thing, labels.shape[0])
    if nearness < MID_DISTANCE:
        return LOW
    vehicle = thing.label == "Car"
    if _in_own_lane(thing, labels) if vehicle else _on_road(thing, labels):
        return HIGH
    aside = vehicle and _cut_off(thing, labels.shape[1])
    if nearness >= VERY_NEAR:
        return MEDIUM if aside else HIGH
    if nearness >= NEAR or (vehicle and not aside):
        return MEDIUM
    return LOW


def _nearness(thing, height):
    return max(thing.bottom / height - HORIZON, (thing.bottom - thing.top) / height)


def _in_own_lane(thing, labels):
    height, width = labels.shape
    rows = max(1, round(FOOT_HEIGHT * height))
    lowest = labels[thing.bottom - rows : thing.bottom, thing.left : thing.right]
    columns = np.flatnonzero((lowest == CLASSES.index(thing.label)).any(axis=0))
    foot = (thing.left + columns.mean() + 0.5) / width
    depth = max(0.0, (thing.bottom / height - HORIZON) / (1 - HORIZON))
    half_width = (
        LANE_HALF_WIDTH_AT_HORIZON
        + (LANE_HALF_WIDTH_AT_BOTTOM - LANE_HALF_WIDTH_AT_HORIZON) * depth
    )
    return bool(abs(foot - LANE_CENTRE) <= half_width)


def _on_road(thing, labels):
    rows = max(1, round(FOOT_HEIGHT * labels.shape[0]))
    under = labels[thing.bottom : thing.bottom + rows, thing.left : thing.right]
    return under.size > 0 and bool((under == CLASSES.index("Road")).mean() > 0.5)


def _cut_off(thing, width):
    return thing.left <= SIDE * width or thing.right >= (1 - SIDE) * width
