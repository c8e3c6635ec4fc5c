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
    """

    def __init__(self, **more):
        super().__init__(**more)
        self.options = {}

    def add_options(self, title):
        """Opens a group of options; returns what adds one, as ``add_argument``."""
        group = self.add_argument_group(title)

        def add(option, **more):
            action = group.add_argument(option, **more)
            self.options[action.dest] = option

        return add

    def parse_args(self, argv=None, namespace=None):
        argv = sys.argv[1:] if argv is None else argv
        return super().parse_args([_as_value(text) for text in argv], namespace)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def _as_value(text):
    """A leading blank tells argparse that it is no option; numbers ignore it."""
    return f" {text}" if _NEGATIVE_NUMBER.fullmatch(text) else text
