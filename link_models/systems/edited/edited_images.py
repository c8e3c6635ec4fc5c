"""A system whose received images are edited by the caption that came with them.

    samples --> system --> image, caption --> image editor --> edited image
                              '--> outage: left as it is

GenED-SC: section IV-D of "GenED-SC: Generative Editing Semantic Communication with
Integrated Multi-Modal LLMs", whose prompt this is.
"""

from dataclasses import replace

import numpy as np

from link_models.systems.at_receiver import AtReceiver
from link_models.systems.knowledge import IMAGE_EDITOR, knows

PROMPT = (
    "This is a compressed image. Please enhance the resolution and sharpness of this "
    "image while preserving its original colors, details, composition, and layout. The "
    "restored image should look clear and high-definition. Please control the "
    "brightness and average brightness of each part of the generated image to be "
    "consistent with the reference image I gave."
)
WITH_CAPTION = " Use the following text to reconstruct: {caption}."


class EditedImages(AtReceiver):
    """Delivers images as an editor repaints them, and as they arrived in ``details``.

    Figure ``edited``: 1, or 0 where the editor failed and the image is as it arrived;
    NaN in an outage, of which there is nothing to edit.

    Parameters
    ----------
    system : :class:`~semcom_phy.simulation.system.System`
        Delivers images, and texts or none

    editing : :class:`~.editing.Editing`
    """

    def __init__(self, system, editing):
        super().__init__(system)
        self.editing = editing

    def describe(self):
        about = super().describe()
        return about | {
            "knows": knows(*about["knows"], IMAGE_EDITOR),
            "editor": self.editing.editor.identity,
            "prompt": PROMPT + WITH_CAPTION,
        }

    def transmit(self, samples, snr_db, h, seeds):
        sent = self.system.transmit(samples, snr_db, h, seeds)
        arrived = np.flatnonzero(~sent.outage)
        texts = sent.delivered.texts or [""] * len(samples)
        edited, done = self.editing.edit(
            sent.delivered.images[arrived],
            [editing_prompt(texts[i]) for i in arrived],
            np.asarray(seeds)[arrived],
        )
        images, marks = np.array(sent.delivered.images), np.full(len(samples), np.nan)
        images[arrived], marks[arrived] = edited, done
        delivered = sent.delivered._replace(
            images=images, details=sent.delivered.images
        )
        return replace(
            sent, delivered=delivered, figures=sent.figures | {"edited": marks}
        )


def editing_prompt(caption):
    """What the editor is asked, `str`; without a word on a text where there is none."""
    caption = caption.strip().rstrip(".")
    return PROMPT + WITH_CAPTION.format(caption=caption) if caption else PROMPT
