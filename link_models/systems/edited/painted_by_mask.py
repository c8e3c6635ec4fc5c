"""Received captions that become images whose foreground is where a mask says.

    caption --> image generator --> several images --> masks_of --> their masks
                 mask that arrived --> the image whose mask it overlaps most

After Hosonuma25, which generates several images and selects one by what it knows of the
image that was sent. Differences: the generator itself is not told the mask, since that
of this project takes none; the network that finds masks is the transmitter's.
Where the mask is lost, the first image is shown.
"""

import numpy as np

from link_models.systems.captions.painted_texts import PaintedTexts
from link_models.systems.edited.image_free import MASK
from link_models.systems.knowledge import MASK_FINDER, knows
from semcom_phy.knowledge_base.content_cache import ContentCache

NUM_PAINTED = 8


class PaintedByMask(PaintedTexts):
    """Delivers images beside the texts of a system that delivers masks.

    Parameters
    ----------
    system : :class:`~semcom_phy.simulation.system.System`
        Delivers texts, and masks as features [batch, rows, columns]

    painter, outage_color
        As of :class:`~link_models.systems.captions.painted_texts.PaintedTexts`

    masks_of : callable
        As of :class:`~.image_free.MaskAlone`

    num : `int`, (default 8)
        Images to select among
    """

    def __init__(self, system, painter, outage_color, masks_of, num=NUM_PAINTED):
        super().__init__(system, painter, outage_color)
        self.masks_of, self.num = masks_of, num
        self._cache = ContentCache()

    def describe(self):
        about = super().describe()
        return about | {
            "knows": knows(*about["knows"], MASK_FINDER),
            "painted": self.num,
            "selection": "by the overlap of masks",
        }

    def pictures(self, told, sent, said, size):
        painted = self.painter.paint_several(told, size, self.num)
        found = self._cache.answers(list(painted), self._masks)
        wanted, arrived = sent.delivered.features[said], ~sent.lost[MASK][said]
        best = [np.argmax(overlap(*both)) for both in zip(found, wanted, strict=True)]
        return painted[np.arange(len(told)), np.where(arrived, best, 0)]

    def _masks(self, painted):
        """Masks of every stack of images."""
        return [np.asarray(self.masks_of(images)) for images in painted]


def overlap(masks, wanted):
    """Intersection over union.

    Input
    -----
    masks : [num, rows, columns]

    wanted : [rows, columns]

    Output
    ------
    : [num], `float`, 0 to 1
        1 where both are empty
    """
    masks, wanted = np.asarray(masks) > 0.5, np.asarray(wanted) > 0.5
    common = (masks & wanted).sum(axis=(1, 2))
    either = (masks | wanted).sum(axis=(1, 2))
    return np.where(either > 0, common / np.maximum(either, 1), 1.0)
