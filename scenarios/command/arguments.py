"""The parser of every command line."""

import argparse
import difflib
import re
import sys

from scenarios.command.given_once import StoreOnce, SwitchOnce

# As float() reads it; argparse takes -10 for a number, but -1e1 for an option.
_NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|-inf(inity)?|-nan", re.I)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, reads negative numbers of any form, and refuses
    abbreviations and an option that is given twice, of which argparse would keep the
    last value.

    Attributes
    ----------
    options : `dict` of `str` -> `str`
        Name of a value -> the option that sets it, e.g. ``num_images`` -> ``--images``

    groups : `dict` of `str` -> `dict` of `str` -> `argparse.Action`
        Title of a group -> option -> what it does

    given : `dict` of `str` -> `str`
        Name of a value -> what the arguments said, as they said it
    """

    def __init__(self, **more):
        # An abbreviation would change its meaning with the next option that is added.
        super().__init__(allow_abbrev=False, **more)
        self.options, self.groups, self.given = {}, {}, {}
        for name in (None, "store"):
            self.register("action", name, StoreOnce)
        self.register("action", argparse.BooleanOptionalAction, SwitchOnce)

    def add_options(self, title):
        """Opens a group of options; returns what adds one, as ``add_argument``."""
        group, actions = self.add_argument_group(title), {}
        self.groups[title] = actions

        def add(option, **more):
            action = group.add_argument(option, **more)
            self.options[action.dest] = option
            actions[option] = action

        return add

    def parse_args(self, argv=None, namespace=None):
        argv = sys.argv[1:] if argv is None else argv
        words = [_as_value(text) for text in argv]
        self.given = {}
        self._check_options(words)
        return super().parse_args(words, namespace)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")

    def _check_options(self, words):
        """Refuses unknown options before argparse takes what follows them for a
        command."""
        known = self._option_string_actions
        for word in words:
            if word == "--":
                return
            option = word.split("=")[0]
            if not re.match("-[^ ]+$", option):
                continue
            if option not in known:
                near = nearest(option, known) or "; --help lists all"
                self.error(f"unknown option {option}{near}")
            if known[option].nargs == argparse.REMAINDER:
                return

    def _get_value(self, action, arg_string):
        """Where argparse reads one value; it would not tell how to write several."""
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as error:
            if action.nargs != "+" or "," not in arg_string:
                raise
            option, values = action.option_strings[0], arg_string.replace(",", " ")
            raise argparse.ArgumentError(
                action,
                f"got {arg_string!r}; give values separated by blanks: "
                f"{' '.join([option, *values.split()])}",
            ) from error


class RaisingParser(Parser):
    """Raises what is wrong as `ValueError`, for options that no command line gave."""

    def error(self, message):
        raise ValueError(message)


def nearest(word, known):
    """Words of a suggestion, empty without a name that is like it, `str`."""
    near = difflib.get_close_matches(word.replace("_", "-"), known, 1) or (
        difflib.get_close_matches(word, known, 1)
    )
    return f"; did you mean {near[0]!r}?" if near else ""


def _as_value(text):
    """A leading blank tells argparse that it is no option; numbers ignore it."""
    return f" {text}" if _NEGATIVE_NUMBER.fullmatch(text) else text
