"""The kinds of entries in the table of systems: plain values that build a system."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, isfinite, prod
from pathlib import Path
from typing import ClassVar

from link_models.codecs import (
    described_codec,
    load_link,
    make_halves,
    trained_range,
)
from link_models.links.radio import build_channel
from link_models.systems.captions.coder import CaptionCoder
from link_models.systems.captions.length import length_side
from link_models.systems.captions.separation_coder import CaptionSeparationCoder
from link_models.systems.frame_system import FrameSystem
from link_models.systems.levels import AT_TRANSMITTER
from link_models.systems.linear_coder import LinearCoder
from link_models.systems.outage import outage_color
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.separation.capacity_system import CapacitySystem
from link_models.systems.separation.coder import SeparationCoder
from link_models.systems.separation.matched_system import MatchedSystem
from link_models.systems.separation.rate_profile import rate_profile
from link_models.systems.side_information import MessageSide, ShortSide
from link_models.systems.transmitter import Transmitter
from link_models.weights.klt_file import read_klt
from link_models.weights.store import SHIPPED
from semcom_phy.channel_coding.mcs import Mcs, all_schemes
from semcom_phy.channel_coding.messages.short_block import (
    LdpcWords,
    PolarWords,
    ShortBlocks,
)
from semcom_phy.language.caption_tokens import MOST_TOKENS
from semcom_phy.phy.feedback import (
    AgedFeedback,
    AverageSnr,
    Feedback,
    Sounding,
    StaleFeedback,
)
from semcom_phy.source_coding import shared_codec
from semcom_phy.source_coding.text import shared_text_codec

KLT_FILE = SHIPPED / "linear_32x32.h5"
SCHEMES = {
    "5G": all_schemes(),
    # As the ECA paper's benchmark: LDPC of rate 1/2, QAM by the SNR.
    "rate 1/2": tuple(Mcs(order, 0.5) for order in (2, 4, 6, 8)),
}

SHORT_CODES = {"ldpc": LdpcWords, "polar": PolarWords}


def check_one_user(name, scenario):
    """Refuses to precode where users share the frame, with a `ValueError`."""
    if scenario.users > 1:
        raise ValueError(
            f"{name!r} precodes for the channel of one user, users = {scenario.users} "
            "share the frame: leave the system out"
        )


def for_antennas(label, scenario, instead="leave the system out"):
    """A label whose "{antennas}", where it has them, are those of a scenario: "2x2",
    transmit antennas first.

    Raises
    ------
    ValueError
        If none are shipped for these, with those that there are and what to do instead.
    """
    start, filled, end = label.partition("{antennas}")
    if not filled:
        return label
    antennas = f"{scenario.num_tx_ant}x{scenario.num_rx_ant}"
    shipped = sorted(
        path.stem.removeprefix(start).removesuffix(end)
        for path in SHIPPED.glob(f"{start}*x*{end}.json")
    )
    if antennas not in shipped:
        raise ValueError(
            f"no weights are shipped for {antennas} antennas, but for "
            f"{' and '.join(shipped)}: give --tx-antennas and --rx-antennas of these, "
            f"or {instead}"
        )
    return f"{start}{antennas}{end}"


@dataclass(frozen=True)
class Semantic:
    """A semantic codec with trained weights.

    Parameters
    ----------
    title : `str`
        In figures

    codec : `str`
        As of :func:`~link_models.codecs.find_codec`

    weights : `str` or `None`
        Label of those shipped, as of :func:`for_antennas`; `None`: none are, name some
        with --weights

    free : `str` or `None` (default)
        Its side information is given to the receiver, without errors and charge: what
        it then knows, out of :mod:`link_models.systems.knowledge`; `None`: it is sent

    needs_side : `bool`, (default `True`)
        `False`: the decoder finds out what it needs by itself, nothing is to be sent

    rate_of : `str` or `None` (default)
        Label of the weights whose rate the codec is asked for

    levels : `str` or `None` (default)
        Who tells importance at the transmitter, a key of
        :data:`~link_models.systems.levels.AT_TRANSMITTER`

    precoding : `bool`, (default `False`)
        As of :class:`~link_models.systems.transmitter.Transmitter`

    weights_awgn : `str` or `None` (default)
        Label of other weights where the channel does not fade
    """

    title: str
    codec: str
    weights: str | None = None
    free: str | None = None
    needs_side: bool = True
    rate_of: str | None = None
    levels: str | None = None
    precoding: bool = False
    weights_awgn: str | None = None

    sends_frames: ClassVar[bool] = True  # which users may share
    reads_weights: ClassVar[bool] = True  # those of --weights

    def build(self, name, scenario):
        """The system, see :class:`~link_models.systems.frame_system.FrameSystem`."""
        coder, channel = self.coder(name, scenario)
        color = outage_color(scenario.dataset)
        title = coder.codec.title or self.title  # of a codec of the user's
        system = FrameSystem(name, title, coder, channel, color)
        return scenario.at_receiver(system) if coder.codec.sends_text else system

    def coder(self, name, scenario, num_symbols=None, beside=0):
        """Its coder, and the channel that holds its frame.

        Parameters
        ----------
        name, scenario
            As of :meth:`build`

        num_symbols : `int`, optional
            Data symbols; those of the scenario's rate if not given

        beside : `int`, (default 0)
            Symbols that the frame has for others
        """
        if self.precoding:
            check_one_user(name, scenario)
        label = self.label(scenario)
        if label is None:
            raise ValueError(
                f"no weights are shipped for {name!r}: train some with the train "
                "command and name them with --weights"
            )
        shape = scenario.image_shape
        codec, configs, _ = described_codec(
            label, shape, scenario.num_tx_ant, scenario.num_rx_ant, self.codec
        )
        side = self._side(make_halves(codec, configs)[0])
        extra = (side.room or 0 if side else 0) + beside
        channel = build_channel(scenario, num_symbols, extra)
        num_symbols = channel.framing.num_symbols - extra
        link, record = load_link(label, channel, shape, num_symbols, self.codec)
        if side:
            link.encoder.check_side()
        about = about_weights(record) | {"side_info": "free" if self.free else "sent"}
        made_for = record["config"]["encoder"].get("image_shape", shape)
        if link.encoder.sends_images and tuple(made_for) != shape:
            about["weights_image_size"] = list(made_for[:2])
        levels = None
        if self.levels:
            levels = AT_TRANSMITTER[self.levels](scenario, link.encoder)
            about["importance_at_transmitter"] = self.levels
        known = (self.free,) if self.free else ()
        known += levels.knows if levels else ()
        kind = CaptionCoder if link.encoder.sends_text else SemanticCoder
        coder = kind(
            link,
            Transmitter(channel, self._feedback(link, scenario), self.precoding),
            side,
            free=self.free is not None or not self.needs_side,
            rates=self._rates(scenario),
            levels=levels,
            also_known=known,
            about=about | {"precoding": self.precoding},
            image_shape=shape,
        )
        return coder, channel

    def label(self, scenario):
        """Label of its weights for a scenario, `None` where there are none."""
        mine = scenario.codec in (None, self.codec)  # the user's are of that codec
        if mine and scenario.weights:
            return scenario.weights
        if scenario.channel == "awgn" and self.weights_awgn is not None:
            return self.weights_awgn
        instead = "name others with --weights"
        return self.weights and for_antennas(self.weights, scenario, instead)

    def _side(self, encoder):
        """How its side information is sent, `None` where it is not."""
        if self.free or not self.needs_side:
            return None
        if encoder.side_values is not None:
            return ShortSide.of(encoder)
        if encoder.side_bytes is not None:
            return MessageSide(encoder.side_bytes, not encoder.fills_frame)
        return None

    def _feedback(self, link, scenario):
        wanted = link.encoder.feedback
        if wanted is None:
            return None
        if wanted == "snr" and not self.precoding:
            return AverageSnr(link.channel)
        return _feedback(Feedback, link.channel, scenario)

    def _rates(self, scenario):
        """Complex symbols that are asked for, by SNR."""
        if self.rate_of is None:
            return None
        label = for_antennas(self.rate_of, scenario)
        profile = rate_profile(label, False, scenario.feedback_correlation)
        dimensions = prod(scenario.image_shape)
        return lambda snr_db: profile(snr_db) * dimensions / 2


@dataclass(frozen=True)
class Separate:
    """A source codec over a channel code with link adaptation.

    Parameters
    ----------
    title : `str`

    source_codec : `str`
        A key of :data:`semcom_phy.source_coding.SOURCE_CODECS`

    schemes : `str`, (default "5G")
        Schemes to choose from, a key of ``SCHEMES``

    rate_of : `str` or `None` (default)
        Label of the weights whose rate, side information included, it is sent at; what
        these are fed back, it is fed back as well

    knowledge : "scenario" (default) | "csi" | "stale" | "average"
        What it chooses its rate by: as the scenario says, the fed-back CSI, the same
        with its age ignored, or the average SNR

    goal : `str`, (default "psnr")
        What the rate is chosen for, of
        :data:`~semcom_phy.source_coding.rate_choice.GOALS`

    precoding : `bool`, (default `False`)
        As of :class:`~link_models.systems.separation.coder.SeparationCoder`; a rate
        that it is sent at is then that of eigenmodes as well

    schedule : "flooding" (default) | "layered"
        Of the LDPC decoder
    """

    title: str
    source_codec: str
    schemes: str = "5G"
    rate_of: str | None = None
    knowledge: str = "scenario"
    goal: str = "psnr"
    precoding: bool = False
    schedule: str = "flooding"

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = False

    def build(self, name, scenario):
        """The system."""
        if self.precoding:
            check_one_user(name, scenario)
        if self.rate_of is None:
            return self._at(scenario.num_symbols, name, scenario, Sounding)
        dimensions = prod(scenario.image_shape)

        def at_rate(cr_real):
            num_symbols = ceil(cr_real * dimensions / 2)
            matched = replace(scenario, cbr=Fraction(num_symbols, dimensions))
            return self._at(num_symbols, name, matched, Feedback)

        label = for_antennas(self.rate_of, scenario)
        rates = rate_profile(label, True, scenario.feedback_correlation, self.precoding)
        return MatchedSystem(name, self.title, at_rate, rates)

    def _at(self, num_symbols, name, scenario, fresh):
        """The system at a number of symbols."""
        shape, channel = scenario.image_shape, build_channel(scenario, num_symbols)
        aged = StaleFeedback if self.knowledge == "stale" else AgedFeedback
        knowledge = self.knowledge
        if knowledge == "scenario":
            knowledge = scenario.link_adaptation
        color = outage_color(scenario.dataset)
        coder = SeparationCoder(
            shared_codec(self.source_codec, shape[:2]),
            channel,
            SCHEMES[self.schemes],
            "average" if knowledge == "average" else "csi",
            color,
            shape,
            _feedback(fresh, channel, scenario, aged),
            self.goal,
            self.precoding,
            self.schedule,
        )
        return FrameSystem(name, self.title, coder, channel, color)


@dataclass(frozen=True)
class SeparateText:
    """A text codec over short code words, on as many symbols as a semantic codec.

    Parameters
    ----------
    title : `str`

    source_codec : `str`
        A key of :data:`semcom_phy.source_coding.text.TEXT_CODECS`

    channel_code : "ldpc" (default) | "polar"
        A key of ``SHORT_CODES``

    symbols_per_token : `int`, (default 8)
        Data symbols of a caption are its tokens times this

    completes : `bool`, (default `False`)
        Let the receiver fill in likely words for those that did not arrive
    """

    title: str
    source_codec: str
    channel_code: str = "ldpc"
    symbols_per_token: int = 8
    completes: bool = False

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = False

    def build(self, name, scenario):
        """The system."""
        needed = MOST_TOKENS * self.symbols_per_token
        if scenario.num_symbols < needed:
            raise ValueError(
                f"{name!r} sends {self.symbols_per_token} symbols a token of up to "
                f"{MOST_TOKENS} tokens, {needed} in all; a frame has "
                f"{scenario.num_symbols} data symbols: raise the cbr"
            )
        channel = build_channel(scenario, extra_symbols=length_side().room)
        coder = CaptionSeparationCoder(
            shared_text_codec(self.source_codec),
            ShortBlocks(SHORT_CODES[self.channel_code]()),
            channel,
            self.symbols_per_token,
            scenario.image_shape,
            self.completes,
        )
        color = outage_color(scenario.dataset)
        system = FrameSystem(name, self.title, coder, channel, color)
        return scenario.at_receiver(system)


@dataclass(frozen=True)
class Ideal:
    """A source codec with an ideal channel code.

    Parameters
    ----------
    title : `str`

    source_codec : `str`
        As of :class:`Separate`

    rule : `str`
        As of :class:`~link_models.systems.separation.capacity_system.CapacitySystem`
    """

    title: str
    source_codec: str
    rule: str

    sends_frames: ClassVar[bool] = False  # a bound
    reads_weights: ClassVar[bool] = False

    def build(self, name, scenario):
        """The system."""
        shape = scenario.image_shape
        return CapacitySystem(
            name,
            self.title,
            shared_codec(self.source_codec, shape[:2]),
            build_channel(scenario),
            self.rule,
            outage_color(scenario.dataset),
            shape,
        )


@dataclass(frozen=True)
class Linear:
    """The linear analogue reference.

    Parameters
    ----------
    title : `str`

    scale_sent : `bool`
        Send the image's scale and charge it, or give it to the receiver
    """

    title: str
    scale_sent: bool

    sends_frames: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = False

    def build(self, name, scenario):
        """The system."""
        coder = load_klt()
        if coder.image_shape != scenario.image_shape:
            height, width, _ = scenario.image_shape
            raise ValueError(
                "the linear reference is stored for 32x32 images, not "
                f"{height}x{width}; leave it out, or give image_size 32"
            )
        num_side = 0
        if self.scale_sent:  # a fade asks for a lower rate than noise alone
            num_side = 64 if scenario.channel == "awgn" else 128
        channel = build_channel(scenario, extra_symbols=num_side)
        coder = LinearCoder(coder, channel, num_side)
        color = outage_color(scenario.dataset)
        return FrameSystem(name, self.title, coder, channel, color)


def load_klt(path: Path = KLT_FILE):
    """The stored KLT of 32x32 images (``python -m link_models.training klt``)."""
    return read_klt(path)


def _feedback(fresh, channel, scenario, aged=AgedFeedback):
    """What transmitters are fed back: by ``fresh``, or by ``aged`` after a delay."""
    if scenario.feedback_delay and scenario.channel != "awgn":
        return aged(channel, scenario.feedback_correlation)
    return fresh(channel)


def about_weights(record):
    """What the result of a learned system says of its weights."""
    ends = [end if isfinite(end) else None for end in trained_range(record)]
    about = {
        "weights": record["label"],
        "weights_sha256": record["sha256"],
        "trained_snr_db": ends,
        "trained_over": [_link_text(task) for task in record.get("tasks", ())],
    }
    decoder = record["config"]["decoder"]
    if "compensation" in decoder:
        about["compensation"] = describe_compensation(decoder["compensation"])
    return about


def _link_text(task):
    """The link of a task that weights were trained for, as far as their JSON tells."""
    parts = [task["name"]]
    if "channel" in task:
        parts.append(f"{task['num_tx_ant']}x{task['num_rx_ant']} {task['channel']}")
        parts.append(f"{task['csi']} CSI")
    if "num_symbols" in task:
        parts.append(f"{task['num_symbols']} symbols")
    return ", ".join(parts)


def describe_compensation(sizes):
    """What completes feature maps at the receiver, in words.

    Parameters
    ----------
    sizes : `dict` or `None`
        ``compensation`` of a decoder's configuration
    """
    if sizes is None:
        return "none"
    what = "InternViT, LoRA" if sizes.get("frozen") else "small ViT from scratch"
    return f"{what} ({sizes['num_layers']} layers of {sizes['hidden_size']})"
