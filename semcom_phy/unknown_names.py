"""What is said of a name that is none of those there are."""

import difflib


def unknown_name(kind, name, known, listed):
    """A message that suggests what was meant, and says where all names are.

    Parameters
    ----------
    kind : `str`
        Of what the name is, such as "system"
    name : `str`
        As it was given
    known : sequence of `str`
        Names that there are
    listed : `str`
        Where a user finds these with what they mean

    Output
    ------
    : `str`
        Its start, to which a remedy may be added

    Example
    -------
    >>> unknown_name("system", "lineer", ["linear", "eca"], "docs/systems.md")
    "unknown system 'lineer'; did you mean 'linear'? All are in docs/systems.md"
    >>> unknown_name("system", "eca,linear", ["linear", "eca"], "docs/systems.md")
    "unknown system 'eca,linear'; separate names by blanks: eca linear"
    >>> unknown_name("system", "x", ["linear", "eca"], "docs/systems.md")
    "unknown system 'x'; there are: linear, eca; see docs/systems.md"
    """
    start = f"unknown {kind} {name!r}; "
    if "," in name:
        blanks = " ".join(name.replace(",", " ").split())
        return f"{start}separate names by blanks: {blanks}"
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"{start}did you mean {near[0]!r}? All are in {listed}"
    return f"{start}there are: {', '.join(known)}; see {listed}"
