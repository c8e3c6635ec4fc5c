"""The answer of a multimodal language model, read strictly."""

import json
import re

from semcom_phy.knowledge_base.importance.levels import LEVELS

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)


class ReplyError(ValueError):
    """A reply that does not say the importance of every object, and what is wrong."""


def parse_reply(text, num_objects):
    r"""Levels of the objects, from ``{"objects": [{"id": 1, "importance": "high"}]}``.

    Nothing is guessed: the reply is one JSON object, or that in a ``json`` fence, with
    every id from 1 to ``num_objects`` once.

    Parameters
    ----------
    text : `str`
        What the model wrote

    num_objects : `int`
        How many objects it was shown

    Output
    ------
    levels : `list` of `int`
        1 (low) to 3 (high), in the order of the ids

    Raises
    ------
    ReplyError
        If the reply is anything else; the message quotes the part at fault.

    Example
    -------
    >>> parse_reply('{"objects": [{"id": 1, "importance": "medium"}]}', 1)
    [2]
    """
    body = text.strip()
    fenced = _FENCE.fullmatch(body)
    if fenced:
        body = fenced[1].strip()
    try:
        reply, end = _DECODER.raw_decode(body)
    except json.JSONDecodeError as error:
        raise ReplyError(
            f"the reply is no JSON ({error.msg} at {_quoted(body[error.pos :])})"
        ) from error
    except RecursionError as error:
        raise ReplyError(f"the reply nests too deep: {_quoted(body)}") from error
    if body[end:].strip():
        raise ReplyError(f"text after the JSON object: {_quoted(body[end:])}")
    entries = _only_keys(reply, {"objects"})["objects"]
    if not isinstance(entries, list):
        raise ReplyError(f"objects is no list: {_quoted(entries)}")
    levels = {}
    for entry in entries:
        number, importance = (
            _only_keys(entry, {"id", "importance"})[key] for key in ("id", "importance")
        )
        if type(number) is not int or not 1 <= number <= num_objects:
            raise ReplyError(
                f"unknown id {_quoted(number)}; there are 1 to {num_objects}"
            )
        if number in levels:
            raise ReplyError(f"id {number} occurs twice")
        if importance not in LEVELS[1:]:
            raise ReplyError(
                f"unknown importance {_quoted(importance)} of id {number}; there are "
                f"{', '.join(LEVELS[1:])}"
            )
        levels[number] = LEVELS.index(importance)
    missing = sorted(set(range(1, num_objects + 1)) - set(levels))
    if missing:
        raise ReplyError(f"missing ids: {', '.join(map(str, missing))}")
    return [levels[number] for number in sorted(levels)]


def _integer(digits):
    if len(digits) > 9:  # int() refuses thousands of digits with another error
        raise ReplyError(f"unknown number {_quoted(digits)}")
    return int(digits)


def _without_repetition(pairs):
    entry = dict(pairs)
    if len(entry) != len(pairs):
        raise ReplyError(f"a key occurs twice: {_quoted([key for key, _ in pairs])}")
    return entry


def _only_keys(entry, keys):
    if not isinstance(entry, dict):
        raise ReplyError(f"expected the keys {sorted(keys)}, found {_quoted(entry)}")
    if set(entry) != keys:
        found = _quoted(sorted(entry))
        raise ReplyError(f"expected the keys {sorted(keys)}, found {found}")
    return entry


def _quoted(part):
    text = part if isinstance(part, str) else json.dumps(part)
    return repr(text if len(text) <= 60 else text[:60] + "...")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repetition, parse_int=_integer)
