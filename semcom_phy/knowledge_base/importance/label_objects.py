"""Objects of a road scene from its semantic label map."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from semcom_phy.knowledge_base.importance.levels import ObjectBox
from semcom_phy.sources.driving import CLASSES, UNLABELLED

OBJECT_CLASSES = ("Car", "Pedestrian", "Bicyclist", "SignSymbol")
MIN_AREA = 40 / (192 * 256)  # of the picture: 40 pixels at 256x192

_ANY_NEIGHBOUR = np.ones((3, 3), int)


class SceneObject(NamedTuple):
    """An object not yet judged.

    Attributes
    ----------
    top, left, bottom, right : `int`
        Box [pixel], bottom and right not included

    label : `str`
        Its class
    """

    top: int
    left: int
    bottom: int
    right: int
    label: str

    def with_level(self, level):
        """The same box with its importance, 1 to 3."""
        return ObjectBox(*self[:4], level, self.label)


def find_objects(labels):
    r"""Connected parts (8 neighbours) of the classes that are objects.

    Objects of one class that touch in the picture are one. Parts below 1/1229 of the
    picture (40 pixels at 256x192) are left out: labels of distant objects are ragged.

    Parameters
    ----------
    labels : [height, width], `uint8`
        Index in :data:`~semcom_phy.sources.driving.CLASSES`, or 11 for unlabelled

    Output
    ------
    objects : `list` of :class:`SceneObject`
        Class after class (:data:`OBJECT_CLASSES`), from the top

    Raises
    ------
    ValueError
        If ``labels`` is not a label map.
    """
    labels = checked_labels(labels)
    objects = []
    for label in OBJECT_CLASSES:
        parts, _ = ndimage.label(labels == CLASSES.index(label), _ANY_NEIGHBOUR)
        areas = np.bincount(parts.ravel())[1:]
        for area, (rows, columns) in zip(
            areas, ndimage.find_objects(parts), strict=True
        ):
            if area >= MIN_AREA * labels.size:
                edges = rows.start, columns.start, rows.stop, columns.stop
                objects.append(SceneObject(*edges, label))
    return objects


def checked_labels(labels):
    """The label map, once it is known to be one."""
    if labels is None:
        raise ValueError(
            "labels is None; this annotator needs the label map of the picture"
        )
    labels = np.asarray(labels)
    if labels.dtype != np.uint8 or labels.ndim != 2 or labels.max() > UNLABELLED:
        raise ValueError(
            f"labels are {labels.dtype} {labels.shape} up to {labels.max()}; expected "
            f"uint8 [H, W] with classes 0 to {UNLABELLED}"
        )
    return labels
