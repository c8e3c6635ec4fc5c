"""Points of a result file that other code has computed than the one that is there now.

A figure that was computed by code which has changed since says nothing of the code as
it is. Such points are dropped, and simulated again; or, where the user asks for it,
kept and marked.
"""

from dataclasses import replace

CURRENT = "current"
UNKNOWN = "its code was not noted"
_MOST = 4  # changes that a line names


def sort_points(old, fresh, keep):
    """Points of a file that may stay, and what a user should be told.

    Parameters
    ----------
    old, fresh : :class:`~semcom_phy.simulation.results.ResultFile`
        The file that is there, and the one that is asked for

    keep : `bool`
        Keep points of other code, marked

    Output
    ------
    points : `dict` of snr_db -> :class:`~semcom_phy.simulation.results.Point`

    notes : `list` of `str`
        A line if there are points of other code
    """
    reason = ""
    if "code" in fresh.header:
        reason = in_words(code_changes(old.header.get("code"), fresh.header["code"]))
    points = {
        snr: replace(point, code=f"old: {reason}")
        if reason and point.code == CURRENT
        else point
        for snr, point in old.points.items()
    }
    stale = {snr: p.code for snr, p in points.items() if p.code != CURRENT}
    if not stale:
        return points, []
    why = "; ".join(
        dict.fromkeys(code.removeprefix("old: ") for code in stale.values())
    )
    about = f"{fresh.header['system']}: {why}: "
    if keep:
        return points, [f"{about}{_points(len(stale))} kept, marked as of older code"]
    again = len(set(stale) & set(fresh.snr_db))
    did = [f"{_points(again)} simulated again"] if again else []
    if len(stale) > again:
        did.append(f"{_points(len(stale) - again)} dropped at other SNRs")
    points = {snr: point for snr, point in points.items() if snr not in stale}
    return points, [about + ", ".join(did)]


def code_changes(was, now):
    """What differs between two identities, in words.

    Parameters
    ----------
    was, now : `dict` or `None`
        ``header["code"]`` of result files; `None`: not noted

    Output
    ------
    : `list` of `str`
        Empty if nothing does
    """
    if was == now:
        return []
    if was is None or now is None:
        return [UNKNOWN]
    changes = []
    for kind, word in (("modules", ""), ("data", ""), ("settings", "settings of ")):
        changes += [f"{word}{name}" for name in _differing(was[kind], now[kind])]
    if was["weights"] != now["weights"]:
        changes.append("weights")
    for name in _differing(was["versions"], now["versions"]):
        old, new = (side["versions"].get(name, "none") for side in (was, now))
        changes.append(f"{name} {old} -> {new}")
    return changes


def _differing(was, now):
    return [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]


def in_words(changes):
    """What :func:`code_changes` found, in one short line."""
    if not changes or changes == [UNKNOWN]:
        return "".join(changes)
    rest = len(changes) - _MOST
    text = ", ".join(changes[:_MOST]) + (f" and {rest} more" if rest > 0 else "")
    return f"{text} changed"


def _points(number):
    return "1 point is" if number == 1 else f"{number} points are"
