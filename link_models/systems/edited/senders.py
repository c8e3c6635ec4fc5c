"""The ways to send a caption beside an image, by the names that scenarios know."""

from link_models.links.radio import build_channel
from link_models.systems.edited.coded_caption import CodedCaption
from link_models.systems.edited.plain_caption import PlainCaption
from semcom_phy.channel_coding.messages.short_block import PolarWords, ShortBlocks
from semcom_phy.source_coding.text import shared_text_codec


def _coded(scenario):
    codec, blocks = shared_text_codec("arithmetic"), ShortBlocks(PolarWords())
    return CodedCaption(codec, blocks, build_channel(scenario))


SENDERS = {"coded": _coded, "utf8": lambda scenario: PlainCaption()}


def caption_sender(name, scenario):
    """What sends captions in a scenario.

    Parameters
    ----------
    name : `str`
        Of the system that asks

    scenario : with ``caption_as``, a key of :data:`SENDERS`

    Output
    ------
    : :class:`~.captioned.Sender`

    Raises
    ------
    ValueError
        If the scenario sends no caption beside its images, or by no such name.
    """
    if scenario.caption_as is None:
        raise ValueError(
            f"{name!r} sends captions beside images, which scenario {scenario.name!r} "
            "does not: run python -m scenarios.edited_awgn or edited_2x2"
        )
    if scenario.caption_as not in SENDERS:
        raise ValueError(
            f"caption_as must be one of {', '.join(SENDERS)}, got "
            f"{scenario.caption_as!r}"
        )
    return SENDERS[scenario.caption_as](scenario)
