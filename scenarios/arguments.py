"""The command-line parser of the scenarios."""

import argparse
import re
import sys

# As float() reads it; argparse takes -10 for a number, but -1e1 for an option.
_NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|-inf(inity)?|-nan", re.I)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and reads negative numbers of any form.

    Attributes
    ----------
    options : `dict` of `str` -> `str`
        Name of a value -> the option that sets it, e.g. ``num_images`` -> ``--images``

    groups : `dict` of `str` -> `dict` of `str` -> `argparse.Action`
        Title of a group -> option -> what it does
    """

    def __init__(self, **more):
        super().__init__(**more)
        self.options, self.groups = {}, {}

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
        return super().parse_args([_as_value(text) for text in argv], namespace)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


class RaisingParser(Parser):
    """Raises what is wrong as `ValueError`, for options that no command line gave."""

    def error(self, message):
        raise ValueError(message)


def _as_value(text):
    """A leading blank tells argparse that it is no option; numbers ignore it."""
    return f" {text}" if _NEGATIVE_NUMBER.fullmatch(text) else text
