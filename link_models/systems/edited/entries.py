"""Entries of the table of systems that send a caption beside an image, or instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from link_models.links.radio import build_channel
from link_models.systems.captions.painted_texts import PaintedTexts, find_painter
from link_models.systems.edited.captioned import CaptionedCoder, CaptionNeeded
from link_models.systems.edited.edited_images import EditedImages
from link_models.systems.edited.editing import find_editing
from link_models.systems.edited.image_free import MaskAlone, NoImage
from link_models.systems.edited.mask_segment import MaskSegment
from link_models.systems.edited.painted_by_mask import PaintedByMask
from link_models.systems.edited.saliency import Saliency
from link_models.systems.edited.senders import caption_sender
from link_models.systems.entries import Semantic, Separate
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from semcom_phy.channel_coding.messages.short_block import PolarWords, ShortBlocks

UNSENT = 1  # a frame holds one data symbol at least; it is not sent, nor charged


@dataclass(frozen=True)
class Captioned:
    """A semantic codec, and a caption in the same frame.

    Parameters
    ----------
    image : :class:`~link_models.systems.entries.Semantic` or
    :class:`~link_models.systems.edited.saliency.Saliency`
        The codec; its title is that of the system

    edited : `bool`, (default `True`)
        The scenario's editor repaints at the receiver what arrived

    reserved : `int`, (default 0)
        Symbols of the scenario's rate that are not for the image: those of side
        information and caption, where they are to be within it
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True

    image: Semantic | Saliency
    edited: bool = True
    reserved: int = 0

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        sender = caption_sender(name, scenario)
        num_symbols = scenario.num_symbols - self.reserved
        if num_symbols < 1:
            raise ValueError(
                f"{name!r} keeps {self.reserved} symbols for what is not image, of "
                f"{scenario.num_symbols}: raise the cbr"
            )
        beside = sender.num_symbols
        image, channel = self.image.coder(name, scenario, num_symbols, beside)
        coder = CaptionedCoder(image, sender, channel, scenario.image_shape)
        color = outage_color(scenario.dataset)
        system = FrameSystem(name, self.image.title, coder, channel, color)
        if not self.edited:
            return system
        return EditedImages(system, find_editing(scenario.editor))


@dataclass(frozen=True)
class Edited:
    """A system of images whose receiver edits them, without a caption: none is sent.

    Parameters
    ----------
    image : :class:`~link_models.systems.edited.saliency.Saliency`,
    :class:`~link_models.systems.entries.Semantic` or
    :class:`~link_models.systems.entries.Separate`
        Delivers images
    """

    sends_frames: ClassVar[bool] = True

    image: Saliency | Semantic | Separate

    @property
    def reads_weights(self):
        """Whether the one that is edited does, `bool`."""
        return self.image.reads_weights

    def build(self, name, scenario):
        """The system."""
        if scenario.editor is None:
            raise ValueError(
                f"{name!r} repaints what arrived, for which scenario {scenario.name!r} "
                "has no editor: run python -m scenarios.edited_awgn or edited_2x2"
            )
        system = self.image.build(name, scenario)
        return EditedImages(system, find_editing(scenario.editor))


@dataclass(frozen=True)
class CaptionOnly:
    """The caption alone, from which the receiver generates an image: Nam24.

    Parameters
    ----------
    title : `str`

    References
    ----------
    H. Nam, J. Park, J. Choi, M. Bennis, S.-L. Kim, "Language-oriented communication
    with semantic coding and knowledge distillation for text-to-image generation",
    ICASSP 2024.
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = False

    title: str

    def build(self, name, scenario):
        """The system."""
        sender = caption_sender(name, scenario)
        channel = build_channel(scenario, UNSENT, sender.num_symbols)
        shape, color = scenario.image_shape, outage_color(scenario.dataset)
        coder = CaptionNeeded(NoImage(channel), sender, channel, shape)
        system = FrameSystem(name, self.title, coder, channel, color)
        return PaintedTexts(system, find_painter(scenario.generator), color)


@dataclass(frozen=True)
class MaskAndCaption:
    """The mask of the foreground and the caption; of several images that the receiver
    generates by the caption, it shows the one whose mask fits: Hosonuma25.

    Parameters
    ----------
    title : `str`

    masks : callable, scenario -> callable
        Finds what finds masks, as of :class:`~.image_free.MaskAlone`

    mask_coder : callable, () -> coder of masks
        Likewise

    References
    ----------
    E. Hosonuma et al., "Image generative semantic communication with multi-modal
    similarity estimation for resource-limited networks", IEICE Transactions on
    Communications 2025.
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True

    title: str
    masks: Callable
    mask_coder: Callable

    def build(self, name, scenario):
        """The system."""
        sender = caption_sender(name, scenario)
        segment = MaskSegment(ShortBlocks(PolarWords()), build_channel(scenario))
        beside = segment.room + sender.num_symbols
        channel = build_channel(scenario, UNSENT, beside)
        masks_of = self.masks(scenario)
        shape, color = scenario.image_shape, outage_color(scenario.dataset)
        mask = MaskAlone(masks_of, self.mask_coder(), segment, channel)
        coder = CaptionNeeded(mask, sender, channel, shape)
        system = FrameSystem(name, self.title, coder, channel, color)
        painter = find_painter(scenario.generator)
        return PaintedByMask(system, painter, color, masks_of)
