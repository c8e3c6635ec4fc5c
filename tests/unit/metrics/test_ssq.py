"""SSQ: accuracy on received images by that on sent ones."""

import numpy as np
import pytest
from simple_models import BrightnessClassifier

from semcom_phy.metrics.ssq import ssq, told_right


def pictures(*values):
    return np.stack([np.full((4, 4, 3), value, "uint8") for value in values])


def test_it_is_the_ratio_of_two_accuracies():
    """Three of four sent images are told, two of the received ones, one of these for
    another image (exact)."""
    sent, labels = pictures(0, 128, 255, 250), [0, 1, 2, 0]
    received = pictures(10, 0, 0, 3)
    told = told_right(BrightnessClassifier(), sent, labels)
    assert told.dtype == bool and told.tolist() == [True, True, True, False]
    assert ssq(BrightnessClassifier(), sent, received, labels) == (2 / 4) / (3 / 4)
    assert ssq(BrightnessClassifier(), sent, sent, labels) == 1


def test_what_cannot_be_compared_is_refused():
    """Label maps, classes that the classifier does not know, no sent image told
    (exact)."""
    one = pictures(0, 255)
    classifier = BrightnessClassifier()
    with pytest.raises(ValueError, match="tells none of 2 images as they were sent"):
        ssq(classifier, one, one, [2, 0])
    with pytest.raises(
        ValueError, match="labels are 0 ... 3, but the classifier knows"
    ):
        ssq(classifier, one, one, [0, 3])
    with pytest.raises(
        ValueError, match=r"labels are \(2, 4, 4\); give a class of eac"
    ):
        ssq(classifier, one, one, np.zeros((2, 4, 4), int))
