"""Separate coding of a region of interest, by an ordinary codec and receiver.

    images --region--> sharp inside, blurred outside --coder--> ... --> images_hat

Whoever knows where the objects are can spend bits there with any source codec: what is
blurred takes few. Nothing else is sent, and the receiver is that of the coder. This is
what codecs that are told what matters are to be compared with.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter

from link_models.systems.edited.saliency import transmitter_masks
from link_models.systems.entries import Separate
from link_models.systems.frame_system import FrameSystem
from link_models.systems.knowledge import DUAL_ENCODER
from link_models.systems.levels import AT_TRANSMITTER, StudentLevels
from link_models.systems.student import load_student
from semcom_phy.codecs import gened_sc, ntscc
from semcom_phy.knowledge_base.efficientnet import efficientnet

# Standard deviation [pixels]. On CamVid's split val the largest of 1.5, 2, 2.5 and 3 at
# which the background stays above that of SA-OOSC.
BLUR = 3.0


class BackgroundBlurred:
    """A coder whose images are blurred where they are of no interest.

    Parameters
    ----------
    coder : :class:`~link_models.systems.frame_system.Coder`
        Sends images

    region : callable
        :class:`~semcom_phy.sources.samples.Samples` -> [batch, height, width] `bool`:
        pixels of interest; with ``name`` and ``knows``

    blur : `float`, (default 3.0)
        Standard deviation of the Gaussian outside of the region [pixels]
    """

    def __init__(self, coder, region, blur=BLUR):
        self.coder, self.region, self.blur = coder, region, blur
        self.frame = coder.frame
        self.knows = (*coder.knows, *region.knows)

    def describe(self):
        about = {"region_of_interest": self.region.name, "background_blur": self.blur}
        return self.coder.describe() | about

    def encode(self, samples, snr_db, h, seeds):
        images = blur_outside(samples.images, self.region(samples), self.blur)
        return self.coder.encode(replace(samples, images=images), snr_db, h, seeds)

    def decode(self, received, message, reception):
        return self.coder.decode(received, message, reception)

    def symbol_maps(self, samples, snr_db, seed):
        return None


def blur_outside(images, region, blur):
    """Images that are blurred outside of a region.

    Input
    -----
    images : [batch, height, width, 3], `uint8`

    region : [batch, height, width], `bool`

    blur : `float`
        Standard deviation [pixels]

    Output
    ------
    : [batch, height, width, 3], `uint8`
    """
    blurred = gaussian_filter(images.astype("float32"), (0, blur, blur, 0))
    return np.where(region[..., None], images, np.rint(blurred)).astype("uint8")


def _pixels(patches, size, images):
    """Patches [batch, rows, columns] as pixels of the images, [batch, height, width];
    the last ones may reach beyond them."""
    height, width = images.shape[1:3]
    return patches.repeat(size, axis=1).repeat(size, axis=2)[:, :height, :width]


class Objects:
    """Patches that are more than background by the ground-truth label maps."""

    name = "label maps"

    def __init__(self, scenario):
        self._levels = AT_TRANSMITTER["rule"](scenario, None)
        self.knows = self._levels.knows

    def __call__(self, samples):
        return _pixels(self._levels(samples) > 0, ntscc.PATCH, samples.images)


class LikelyObjects:
    """Patches that are more likely an object than background, by the student."""

    name = "student"
    knows = StudentLevels.knows

    def __init__(self, scenario):
        efficientnet()  # whether it is there is known before anything is sent
        self._student = load_student()

    def __call__(self, samples):
        background = self._student.probabilities(samples.images)[..., 0]
        return _pixels(background < 0.5, ntscc.PATCH, samples.images)


class Foreground:
    """Patches of the foreground as GenED-SC finds it."""

    name = "mask of GenED-SC"
    knows = (DUAL_ENCODER,)

    def __init__(self, scenario):
        self._masks_of = transmitter_masks(scenario)

    def __call__(self, samples):
        return _pixels(
            self._masks_of(samples.images) > 0, gened_sc.PATCH, samples.images
        )


REGIONS = {"labels": Objects, "student": LikelyObjects, "mask": Foreground}


@dataclass(frozen=True)
class RegionOfInterest:
    """A separate system whose transmitter knows where to spend its bits.

    Parameters
    ----------
    image : :class:`~link_models.systems.entries.Separate`
        Its title is that of the system

    region : "labels" | "student" | "mask"
        How the transmitter finds what is of interest
    """

    sends_frames: ClassVar[bool] = True

    image: Separate
    region: str

    @property
    def reads_weights(self):
        """Whether it finds the mask by those of GenED-SC, `bool`."""
        return self.region == "mask"

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        region = REGIONS[self.region](scenario)
        system = self.image.build(name, scenario)
        coder = BackgroundBlurred(system.coder, region)
        return FrameSystem(
            name, system.title, coder, system.channel, system.outage_color
        )
