"""Checks of plain values. A message starts with the name of the value, for which the
command line then puts its option."""

from numbers import Real


def check_integer(name, value, low, high=None):
    """Refuses what is not an integer from ``low`` to ``high``.

    Raises
    ------
    ValueError
        With the value and what is allowed.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    if value < low or (high is not None and value > high):
        bound = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {bound}, got {value}")


def check_number(name, value, low, high, unit=""):
    """Refuses what is not a number from ``low`` to ``high``: infinity and NaN, too.

    Raises
    ------
    ValueError
        With the value and what is allowed.
    """
    if not isinstance(value, Real) or not low <= value <= high:
        bound = f"a number from {low:g} to {high:g}{' ' + unit if unit else ''}"
        raise ValueError(f"{name} must be {bound}, got {value!r}")
