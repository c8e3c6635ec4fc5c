"""SGDJSCC in outline as a system: edge map and caption go out beside the image, and
what arrived of both guides how the image is denoised.

image --> encoder --> values --> [ data ]    edge map --> [ side ]    caption --.
image_hat <-- decoder <-- diffusion <-- edge map, vector of caption <-- [ caption ]

Neither is an outage where it is lost: the receiver goes on without.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems.edited.captioned import (
    CAPTION,
    CaptionedCoder,
    read_captions,
)
from link_models.systems.edited.mask_segment import MaskSegment
from link_models.systems.edited.saliency import (
    check_embeddings,
    check_shipped,
    patch_embeddings,
)
from link_models.systems.edited.saliency_coder import SeenCoder
from link_models.systems.edited.senders import caption_sender
from link_models.systems.frame_system import FrameSystem
from link_models.systems.knowledge import DUAL_ENCODER, TEXT_ENCODER
from link_models.systems.outage import outage_color
from link_models.systems.transmitter import Transmitter
from semcom_phy.channel_coding.messages.short_block import PolarWords, ShortBlocks

CODEC = "sgdjscc"


class GuidedCoder(SeenCoder):
    """The coder of the image, which reads the caption of the frame, too.

    Parameters
    ----------
    sender : :class:`~.captioned.Sender`
        Of the caption, whose segment is in the frame of a
        :class:`~.captioned.CaptionedCoder` around

    embeddings, link, transmitter, options
        As of :class:`~.saliency_coder.SeenCoder`
    """

    def __init__(self, sender, embeddings, link, transmitter, **options):
        super().__init__(embeddings, link, transmitter, **options)
        self.sender = sender

    def describe(self):
        return super().describe() | {
            "edge_symbols": self.side.room,
            "steps": self.link.decoder.steps,
        }

    def decode(self, received, message, reception):
        outcome = super().decode(received, message, reception)
        return replace(outcome, outage=np.zeros_like(outcome.outage))

    def _read_side(self, received, message):
        guide, lost = super()._read_side(received, message)
        texts = read_captions(self.sender, received[CAPTION].payloads)
        caption = self.embeddings.of_texts([text or "" for text in texts])
        arrived = np.where(lost, 0, 1).astype("float32")
        return guide._replace(arrived=arrived, caption=caption), lost


@dataclass(frozen=True)
class Guided:
    """A network whose values are denoised by what else is in the frame.

    Parameters
    ----------
    title : `str`
        In figures

    weights : `str`
        Label, to which "_" and the number of data symbols are added: there is one
        training for each

    reserved : `int`
        Symbols of the scenario's rate that are for edge map and caption

    References
    ----------
    M. Zhang et al., "Semantics guided diffusion for deep joint source and channel
    coding design", WiOpt 2024.
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True

    title: str
    weights: str
    reserved: int

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        sender = caption_sender(name, scenario)
        shape, num_symbols = scenario.image_shape, scenario.num_symbols - self.reserved
        if scenario.weights is None:
            check_shipped(name, self.weights, num_symbols)
        label = scenario.weights or f"{self.weights}_{num_symbols}"
        side = MaskSegment(ShortBlocks(PolarWords()), build_channel(scenario))
        beside = side.room + sender.num_symbols
        channel = build_channel(scenario, num_symbols, beside)
        link, record = load_link(label, channel, shape, num_symbols, CODEC)
        embeddings = patch_embeddings(scenario.dual_encoder)
        check_embeddings(record, embeddings)
        image = GuidedCoder(
            sender,
            embeddings,
            link,
            Transmitter(channel),
            side=side,
            also_known=(DUAL_ENCODER, TEXT_ENCODER),
            about={"weights": record["label"], "weights_sha256": record["sha256"]},
        )
        coder = CaptionedCoder(image, sender, channel, shape)
        color = outage_color(scenario.dataset)
        return FrameSystem(name, self.title, coder, channel, color)
