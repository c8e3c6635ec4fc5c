"""Types of arguments that several benchmarks read: each says what it takes.

They raise `argparse.ArgumentTypeError`, a `ValueError` to argparse, which puts the
option before it.
"""

import re
from argparse import ArgumentTypeError
from fractions import Fraction

from semcom_phy.unknown_names import unknown_name


def count(text):
    """An integer from 1, `int`: of 0 or fewer there is nothing to measure."""
    # A blank stands before a negative number, see scenarios.command.arguments.
    if not re.fullmatch("0*[1-9][0-9]*", text.strip()):
        raise ArgumentTypeError(f"must be an integer from 1, got {text.strip()!r}")
    return int(text)


def size(text):
    """Height and width of pictures, (`int`, `int`) [pixels]."""
    sides = re.fullmatch("([1-9][0-9]*)x([1-9][0-9]*)", text)
    if not sides:
        raise ArgumentTypeError(
            f"must be height x width, such as 512x768, got {text.strip()!r}"
        )
    return tuple(map(int, sides.groups()))


def rate(text):
    """Channel uses a value of a picture, `Fraction` in (0, 1]."""
    try:
        found = Fraction(text)
    except (ValueError, ZeroDivisionError):
        found = None
    if found is None or not 0 < found <= 1:
        raise ArgumentTypeError(
            f"must be a number above 0, at most 1, such as 1/16, got {text.strip()!r}"
        )
    return found


def system(text):
    """A name of the table of systems, `str`."""
    from link_models.systems.table import SYSTEMS  # slow: not for --help

    if text not in SYSTEMS:
        listed = "docs/systems.md"
        raise ArgumentTypeError(unknown_name("system", text, sorted(SYSTEMS), listed))
    return text
