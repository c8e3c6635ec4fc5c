"""Importance levels of images, for whoever holds only their pixels."""

from functools import lru_cache

from link_models.knowledge import LABEL_MAPS
from semcom_phy.knowledge_base.driving_rule import DrivingRule, StaticClassRule
from semcom_phy.knowledge_base.importance import level_maps
from semcom_phy.sources.driving import load_driving_scenes

ANNOTATORS = {"rule": DrivingRule, "static": StaticClassRule}


class SceneLevels:
    """Levels of patches by an annotator that needs semantic labels.

    The label map of an image is found by the image's pixels.

    Parameters
    ----------
    dataset : `str` or path
        As of :func:`~semcom_phy.sources.driving.load_driving_scenes`

    split : "train" | "val" | "test"

    size : (`int`, `int`)
        Height and width [pixels]

    annotator : "rule" (default) | "static"
        Importance by the scene, or by the class of an object

    Input
    -----
    images : [batch, H, W, 3], `uint8`

    Output
    ------
    : [batch, rows, columns], `int32`
        Levels of the patches, 0 to 3

    Raises
    ------
    ValueError
        If an image is none of the scenes.
    """

    knows = (LABEL_MAPS,)

    def __init__(self, dataset, split, size, annotator="rule"):
        self.name = annotator
        self.scenes = _scenes(str(dataset), split, tuple(size))
        self._maps = _levels(str(dataset), split, tuple(size), annotator)

    def __call__(self, images):
        return self._maps[self.scenes.index_of(images)]


class StudentLevels:
    """Expected levels of patches by a trained student, of any images.

    Parameters
    ----------
    student : :class:`~semcom_phy.knowledge_base.importance_student.ImportanceStudent`

    Input
    -----
    images : [batch, H, W, 3], `uint8`

    Output
    ------
    : [batch, rows, columns], `float32`
        0 to 3
    """

    name = "student"
    knows = ()

    def __init__(self, student):
        self.student = student

    def __call__(self, images):
        return self.student.expected_levels(images)


@lru_cache(maxsize=4)
def _scenes(dataset, split, size):
    return load_driving_scenes(dataset, split, size)


@lru_cache(maxsize=8)
def _levels(dataset, split, size, annotator):
    scenes = _scenes(dataset, split, size)
    return level_maps(ANNOTATORS[annotator](), scenes.images, scenes.labels)
