"""Entries of the table of systems: GenED-SC without caption and editing."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from keras import ops

from link_models.codecs import described_codec, load_link
from link_models.links.radio import build_channel
from link_models.systems.edited.mask_segment import MaskSegment
from link_models.systems.edited.saliency_coder import SaliencyCoder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.knowledge import DUAL_ENCODER, FREE_MASK
from link_models.systems.outage import outage_color
from link_models.systems.transmitter import Transmitter
from link_models.weights.store import SHIPPED
from semcom_phy.backend import compile_fn
from semcom_phy.channel_coding.messages.short_block import PolarWords, ShortBlocks
from semcom_phy.codecs.gened_sc import picture_rows
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.knowledge_base.patch_embeddings import PatchEmbeddings
from semcom_phy.phy.knowledge import TxKnowledge

CODEC = "gened_sc"


@dataclass(frozen=True)
class Saliency:
    """The network of GenED-SC, or a variant of it, with trained weights.

    Parameters
    ----------
    title : `str`
        In figures

    weights : `str`
        Label, to which "_" and the number of data symbols are added: there is one
        training for each

    mask : "sent" (default) | "free" | "estimated"
        How the receiver comes by the mask, where the codec has one: charged; without
        errors and charge; from what it receives
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True

    title: str
    weights: str
    mask: str = "sent"

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        coder, channel = self.coder(name, scenario, scenario.num_symbols)
        color = outage_color(scenario.dataset)
        return FrameSystem(name, self.title, coder, channel, color)

    def coder(self, name, scenario, num_symbols, beside=0):
        """Its coder, and the channel that holds its frame.

        Parameters
        ----------
        name, scenario
            As of :meth:`build`

        num_symbols : `int`
            Data symbols

        beside : `int`, (default 0)
            Symbols that the frame has for others
        """
        shape = scenario.image_shape
        label = scenario.weights or f"{self.weights}_{num_symbols}"
        antennas = scenario.num_tx_ant, scenario.num_rx_ant
        if scenario.weights is None:
            check_shipped(name, self.weights, num_symbols)
        codec, (config, _), _ = described_codec(label, shape, *antennas, CODEC)
        encoder = codec.encoder(**config)
        side, also = None, (DUAL_ENCODER,)
        if encoder.mask == "predicted":
            if self.mask == "sent":
                side = MaskSegment(ShortBlocks(PolarWords()), build_channel(scenario))
            if self.mask == "free":
                also = (DUAL_ENCODER, FREE_MASK)
        room = 0 if side is None else side.room
        channel = build_channel(scenario, num_symbols, room + beside)
        link, record = load_link(label, channel, shape, num_symbols, CODEC)
        embeddings = patch_embeddings(scenario.dual_encoder)
        check_embeddings(record, embeddings)
        coder = SaliencyCoder(
            embeddings,
            self.mask == "estimated",
            link,
            Transmitter(channel),
            side=side,
            free=self.mask != "sent",
            also_known=also,
            about={"weights": record["label"], "weights_sha256": record["sha256"]},
        )
        return coder, channel


@lru_cache(maxsize=2)
def patch_embeddings(name):
    """Those of a dual encoder's name, one for all systems of a process.

    Raises
    ------
    ValueError
        If the scenario names none.
    """
    if name is None:
        raise ValueError(
            "GenED-SC sees pictures through a dual encoder, which this scenario names "
            "none of: run python -m scenarios.edited_awgn or edited_2x2"
        )
    return PatchEmbeddings(find_dual_encoder(name))


def transmitter_masks(scenario):
    """What finds the masks of images as GenED-SC does: a callable, [batch, H, W, 3]
    `uint8` -> [batch, rows, columns] `uint8`."""
    shape, label = scenario.image_shape, scenario.weights or "gened_sc_1792"
    antennas = scenario.num_tx_ant, scenario.num_rx_ant
    codec, (config, _), _ = described_codec(label, shape, *antennas, CODEC)
    num_symbols = codec.encoder(**config).num_symbols
    channel = build_channel(scenario, num_symbols)
    link, record = load_link(label, channel, shape, num_symbols, CODEC)
    embeddings = patch_embeddings(scenario.dual_encoder)
    check_embeddings(record, embeddings)

    def encode(source):
        snr_db = ops.zeros(ops.shape(source)[0])
        return link.encode(source, TxKnowledge(snr_db)).details.mask

    compiled = compile_fn(encode)

    def masks_of(images):
        rows = picture_rows(images, embeddings.of(images, link.encoder.grid))
        mask = compiled(ops.convert_to_tensor(rows))
        return np.asarray(ops.convert_to_numpy(mask)).astype("uint8")

    return masks_of


def check_shipped(name, weights, num_symbols):
    """Refuses a number of symbols that nothing was trained for."""
    found = sorted(
        int(path.stem.split("_")[-1].split(".")[0])
        for path in SHIPPED.glob(f"{weights}_*.weights.h5")
        if path.name[len(weights) + 1 :].split(".")[0].isdigit()
    )
    if num_symbols not in found:
        raise ValueError(
            f"{name!r} is trained for {', '.join(map(str, found)) or 'no number of'} "
            f"data symbols, {num_symbols} are left of the rate: choose another cbr, or "
            "train for it and name the weights with --weights"
        )


def check_embeddings(record, embeddings):
    """Refuses weights that were trained on what another model sees."""
    trained = record["data"].get("dual_encoder", {})
    if trained != embeddings.identity:
        raise ValueError(
            f"weights {record['label']!r} were trained on patches of "
            f"{trained.get('model')!r}, the scenario has "
            f"{embeddings.identity.get('model')!r}: train others with train --system "
            "gened_sc, and name them with --weights"
        )
