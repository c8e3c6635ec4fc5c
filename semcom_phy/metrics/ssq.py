"""SSQ: what a classifier still makes of pictures that were received."""

import numpy as np


def ssq(classifier, sent, received, labels):
    r"""Accuracy on received images over that on sent ones.

    Parameters
    ----------
    classifier : :class:`~semcom_phy.knowledge_base.interfaces.Classifier`
        The figure is that of this classifier alone

    Input
    -----
    sent, received : [num_images, height, width, 3], `uint8`

    labels : [num_images], `int`
        Of the classifier's classes

    Output
    ------
    : `float`
        0 and up, higher is better; 1 where what was received is told as well as what
        was sent, more where it is told better

    Raises
    ------
    ValueError
        If the labels are none of the classifier's classes, or it tells no sent image.

    References
    ----------
    F. Jiang et al., "Visual language model based cross-modal semantic communication
    systems" (VLM-CSC), IEEE Trans. Wireless Commun. 2025, arXiv:2407.00020.
    """
    told = told_right(classifier, received, labels).mean()
    of_sent = told_right(classifier, sent, labels).mean()
    if not of_sent:
        raise ValueError(
            f"the classifier tells none of {len(labels)} images as they were sent: "
            "there is nothing to compare with"
        )
    return float(told / of_sent)


def told_right(classifier, images, labels):
    """Whether the most probable class of each image is its own.

    Output
    ------
    : [num_images], `bool`

    Raises
    ------
    ValueError
        If the labels are none of the classifier's classes.
    """
    labels, count = np.asarray(labels), len(classifier.class_names)
    if labels.shape != (len(images),):
        raise ValueError(
            f"labels are {labels.shape}; give a class of each of {len(images)} images"
        )
    if labels.min() < 0 or labels.max() >= count:
        raise ValueError(
            f"labels are {labels.min()} ... {labels.max()}, but the classifier knows "
            f"{count} classes"
        )
    return np.argmax(classifier.probabilities(np.asarray(images)), axis=-1) == labels
