"""The colour that stands for an image that did not arrive: one per data set."""

import numpy as np

from semcom_phy.sources.driving import is_driving

# Mean colours of training sets, over images and pixels, rounded to 8 bits.
PHOTOGRAPHS = (126, 123, 114)  # exact training images of CIFAR-10
DRIVING_SCENES = (105, 108, 110)  # training split of CamVid


def outage_color(dataset):
    """What every system of a data set shows where an image is lost.

    The mean colour of the images that the systems were made with, known to both ends:
    of road scenes for driving scenes, CamVid or Cityscapes, of photographs for all
    other images. Nothing else decides it, neither the system nor the image size.

    Parameters
    ----------
    dataset : `str` or path
        As of :class:`~scenarios.scenario.Scenario`

    Output
    ------
    : [3], `uint8`
    """
    return np.array(DRIVING_SCENES if is_driving(dataset) else PHOTOGRAPHS, np.uint8)
