"""Importance levels of images, for whoever holds only their pixels."""

from link_models.systems.knowledge import LABEL_MAPS, TAUGHT_LEVELS
from link_models.systems.student import load_student
from semcom_phy.knowledge_base.efficientnet import efficientnet
from semcom_phy.knowledge_base.importance.driving_rule import (
    DrivingRule,
    StaticClassRule,
)
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.sources.driving import is_driving

ANNOTATORS = {"rule": DrivingRule, "static": StaticClassRule}


class LabelLevels:
    """Levels of patches by an annotator that needs semantic labels.

    Parameters
    ----------
    annotator : "rule" (default) | "static"
        Importance by the scene, or by the class of an object

    Input
    -----
    samples : :class:`~semcom_phy.sources.samples.Samples`
        With their label maps

    Output
    ------
    : [batch, rows, columns], `int32`
        Levels of the patches, 0 to 3

    Raises
    ------
    ValueError
        If there are no label maps.
    """

    knows = (LABEL_MAPS,)

    def __init__(self, annotator="rule"):
        self.name = annotator
        self.annotator = ANNOTATORS[annotator]()

    def __call__(self, samples):
        if samples.labels is None or samples.labels.ndim != 3:
            raise ValueError(
                f"annotator {self.name!r} needs label maps, which these images do not "
                "have: use camvid or a Cityscapes folder, or the systems with a "
                "student or without an annotator"
            )
        return level_maps(self.annotator, samples.images, samples.labels)


class StudentLevels:
    """Levels of patches by a trained student, of any images.

    Parameters
    ----------
    student : :class:`~semcom_phy.knowledge_base.importance.student.ImportanceStudent`

    encoder : :class:`~semcom_phy.codecs.sa_oosc.SaOoscEncoder`
        Knows what levels weigh

    Input
    -----
    samples : :class:`~semcom_phy.sources.samples.Samples`

    Output
    ------
    : [batch, rows, columns], `float32`
        0 to 3, by the expected weight

    Raises
    ------
    ImportError
        If the extra with EfficientNet-Lite0 is not installed.
    """

    name = "student"
    knows = (TAUGHT_LEVELS,)

    def __init__(self, student, encoder):
        efficientnet()  # whether it is there is known before anything is sent
        self.student = student
        self.encoder = encoder

    def __call__(self, samples):
        probabilities = self.student.probabilities(samples.images)
        return self.encoder.level_of_expected_weight(probabilities)


def _with_labels(annotator):
    """Builds :class:`LabelLevels` for a scenario whose data set has labels."""

    def build(scenario, encoder):
        if not is_driving(scenario.dataset):
            raise ValueError(
                f"this annotator needs semantic labels, which data set "
                f"{scenario.dataset!r} does not have: use camvid or a Cityscapes "
                "folder, or the systems with a student or without an annotator"
            )
        return LabelLevels(annotator)

    return build


AT_TRANSMITTER = {
    "rule": _with_labels("rule"),
    "static": _with_labels("static"),
    "student": lambda scenario, encoder: StudentLevels(load_student(), encoder),
}
