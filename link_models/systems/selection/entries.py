"""Entries of the table of systems that select among candidates."""

from dataclasses import dataclass
from typing import ClassVar

from link_models.codecs import described_codec, load_link
from link_models.links.radio import build_channel
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from link_models.systems.selection.analogue import AnalogueValues
from link_models.systems.selection.choice import Closest, TextThenImage
from link_models.systems.selection.coder import SelectionCoder, class_side
from link_models.systems.selection.digital import DigitalValues
from link_models.systems.selection.held_candidates import Valuer
from semcom_phy.channel_coding.messages.short_block import PolarWords, ShortBlocks

WEIGHTS = "mmsemcom"


@dataclass(frozen=True)
class SelectByFeatures:
    """A transceiver of MMSemCom, or a part of one.

    Parameters
    ----------
    title : `str`
        In figures

    send : `tuple` of `str`
        Parts that are sent, as of :class:`~semcom_phy.codecs.mmsemcom.MmsemcomEncoder`

    as_long_as : `tuple` of `str` or `None` (default)
        Repeat it to as many symbols as these parts take

    digital : `bool`, (default `False`)
        Quantised and on one code word, on as many symbols
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True

    title: str
    send: tuple[str, ...]
    as_long_as: tuple[str, ...] | None = None
    digital: bool = False

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        held, label = scenario.held_candidates(), scenario.weights or WEIGHTS
        features = held.features
        changed = {"send": self.send, "num_prompts": features.num_prompts}
        shape = scenario.image_shape
        antennas = scenario.num_tx_ant, scenario.num_rx_ant
        codec, (config, _), record = described_codec(label, shape, *antennas, WEIGHTS)
        _check_features(record, features)
        length = changed | {"send": self.as_long_as or self.send}
        num_symbols = codec.encoder(**{**config, **length}).num_values // 2
        side = class_side(held.class_names)
        channel = build_channel(scenario, num_symbols, side.room)
        link, record = load_link(label, channel, shape, num_symbols, WEIGHTS, changed)
        valuer = Valuer(link.encoder, record["sha256"])
        rule = Closest(self.send[0])
        if len(self.send) > 1:
            rule = TextThenImage(scenario.top_by_text)
        about = {"weights": record["label"], "weights_sha256": record["sha256"]}
        if self.digital:
            blocks = ShortBlocks(PolarWords())
            sender = DigitalValues(
                valuer, held, rule, blocks, channel, num_symbols, about
            )
        else:
            sender = AnalogueValues(link, valuer, held, rule, about)
        coder = SelectionCoder(sender, held, channel, shape)
        color = outage_color(scenario.dataset)
        return FrameSystem(name, self.title, coder, channel, color)


@dataclass(frozen=True)
class SelectWithout:
    """No features are sent.

    Parameters
    ----------
    title : `str`

    sender : class
        Of :mod:`link_models.systems.selection.index`
    """

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = False

    title: str
    sender: type

    def build(self, name, scenario):
        """The system."""
        held = scenario.held_candidates()
        sender = self.sender(held)
        side = class_side(held.class_names)
        # A frame holds one symbol at least; what is not sent is not charged.
        room = max(sender.room, 1)
        channel = build_channel(scenario, room, side.room)
        coder = SelectionCoder(sender, held, channel, scenario.image_shape)
        color = outage_color(scenario.dataset)
        return FrameSystem(name, self.title, coder, channel, color)


def _check_features(record, features):
    """Refuses weights that were trained on features of other models."""
    trained = record["data"]["features"]
    for key in ("cnn", "dual_encoder"):
        if trained[key] != features.identity[key]:
            raise ValueError(
                f"weights {record['label']!r} were trained on features of "
                f"{trained[key].get('model')!r}, the scenario has "
                f"{features.identity[key].get('model')!r} ({key}): train others with "
                "train --system mmsemcom, and name them with --weights"
            )
