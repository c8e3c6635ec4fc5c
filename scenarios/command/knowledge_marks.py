"""Footnotes for systems that do not know the same."""

from string import ascii_lowercase

_UNKNOWN = ("(not stated)",)


def knowledge_marks(files):
    """A letter for each system, and what the letters mean.

    Parameters
    ----------
    files : sequence of :class:`~semcom_phy.simulation.results.ResultFile`
        Systems of one table, with ``knows`` in their description

    Output
    ------
    marks : list of `str`
        A letter in brackets for each, the same for those that know the same; empty
        where all do

    notes : list of `str`
        A line for every letter; none where all know the same
    """
    known = [tuple(file.header["description"].get("knows", _UNKNOWN)) for file in files]
    distinct = list(dict.fromkeys(known))
    if len(distinct) < 2:
        return [""] * len(files), []
    letters = dict(zip(distinct, ascii_lowercase, strict=False))
    marks = [f" [{letters[names]}]" for names in known]
    notes = [f"[{letter}] knows: {', '.join(k)}" for k, letter in letters.items()]
    warning = "Systems with different letters do not know the same."
    return marks, [*notes, warning]
