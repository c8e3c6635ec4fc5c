"""GenED-SC as the coder of a system: its mask is sent, and may be lost.

images --> dual encoder --> rows --> encoder --> values --> [ data ]
                                        '--> mask --> bytes --> [ side: fixed room ]

A lost mask is no outage: the decoder goes on with its own estimate of it.
"""

from dataclasses import replace

import numpy as np
from keras import ops

from link_models.systems.semantic_coder import SemanticCoder
from semcom_phy.codecs.gened_sc import PATCH, picture_rows


class SeenCoder(SemanticCoder):
    """A :class:`SemanticCoder` of images, seen by a dual encoder as well.

    Parameters
    ----------
    embeddings : :class:`~semcom_phy.knowledge_base.patch_embeddings.PatchEmbeddings`

    link, transmitter, options
        As of :class:`SemanticCoder`
    """

    def __init__(self, embeddings, link, transmitter, **options):
        super().__init__(link, transmitter, **options)
        self.embeddings = embeddings

    def describe(self):
        return super().describe() | {"dual_encoder": self.embeddings.identity}

    def source(self, samples):
        embedded = self.embeddings.of(samples.images, self.codec.grid)
        return picture_rows(samples.images, embedded)


class SaliencyCoder(SeenCoder):
    """GenED-SC and its variants.

    Figures beside those of the codec: ``mask_iou``, intersection over union of the mask
    and the saliency of the pixels, NaN where nobody tells it; ``estimate_iou``, that of
    the receiver's own estimate of the mask and the mask, NaN where there is none.

    Parameters
    ----------
    embeddings, link, transmitter, options
        As of :class:`SeenCoder`

    estimated : `bool`
        The mask is not sent: the receiver estimates it from what it receives
    """

    def __init__(self, embeddings, estimated, link, transmitter, **options):
        super().__init__(embeddings, link, transmitter, **options)
        self.estimated = estimated

    def describe(self):
        return super().describe() | {
            "mask": "estimated by the receiver" if self.estimated else self.codec.mask,
            "mask_symbols": 0 if self.side is None else self.side.room,
        }

    def encode(self, samples, snr_db, h, seeds):
        message = super().encode(samples, snr_db, h, seeds)
        sent = message.state
        if self.codec.mask == "constant":
            held = ops.convert_to_numpy(self.codec.held_mask)
            held = np.broadcast_to(held, (len(samples), *held.shape))
            sent.figures["mask_iou"] = mask_iou(held, samples.masks)
        if sent.side is None:
            return message
        sent.figures["mask_iou"] = mask_iou(sent.side.mask, samples.masks)
        if self.estimated:
            side = sent.side._replace(arrived=np.zeros_like(sent.side.arrived))
            message = replace(message, state=replace(sent, side=side))
        return message

    def decode(self, received, message, reception):
        outcome = super().decode(received, message, reception)
        if outcome.delivered.details is not None:
            estimate = ops.convert_to_numpy(outcome.delivered.details) > 0
            iou = foreground_iou(estimate, message.state.side.mask)
            figures = outcome.figures | {"estimate_iou": iou}
            outcome = replace(outcome, figures=figures)
        if self.codec.foreground_lead > 1.0:  # its values stand where the mask says
            return outcome
        return replace(outcome, outage=np.zeros_like(outcome.outage))

    def finished(self, delivered):
        return delivered  # with the logits of its own estimate of the mask

    def _read_side(self, received, message):
        side, lost = super()._read_side(received, message)
        return side._replace(arrived=np.where(lost, 0, 1).astype("float32")), lost


def mask_iou(mask, salient):
    """Intersection over union of masks of patches and the saliency of pixels.

    Input
    -----
    mask : [batch, rows, columns], `float`
        1 for patches of the foreground

    salient : [batch, H, W], `uint8`, or `None`

    Output
    ------
    : [batch], `float64`
        NaN without a saliency, or where nothing is salient
    """
    if salient is None:
        return np.full(len(mask), np.nan)
    chosen = np.asarray(mask).repeat(PATCH, 1).repeat(PATCH, 2) > 0.5
    return foreground_iou(chosen, np.asarray(salient, bool))


def foreground_iou(found, wanted):
    """Intersection over union of masks.

    Input
    -----
    found, wanted : [batch, rows, columns]
        1 for the foreground

    Output
    ------
    : [batch], `float64`
        NaN where nothing is wanted
    """
    found, wanted = np.asarray(found) > 0.5, np.asarray(wanted) > 0.5
    joint = (found & wanted).sum((1, 2))
    whole = np.maximum((found | wanted).sum((1, 2)), 1)
    return np.where(wanted.any((1, 2)), joint / whole, np.nan)
