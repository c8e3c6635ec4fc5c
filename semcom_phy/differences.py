"""What two records of one thing differ in, told to a person."""

import json


def differences(was, now, path=()):
    """Yields (path, old, new) of every leaf in which two trees of plain values differ.

    Lists of one length are compared entry by entry; what is missing is "absent".
    """
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            old, new = was.get(key, "absent"), now.get(key, "absent")
            yield from differences(old, new, (*path, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for i, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from differences(old, new, (*path, str(i)))
    elif was != now:
        yield path, was, now


def tell_differences(was, now, options=None):
    """The differences of two trees in one line, by the options that make them.

    What no option sets is told only where no option differs: it follows from those.
    Hashes are told last of all.

    Input
    -----
    was, now : `dict`
        Trees of plain values

    options : `dict` of `str` -> `str`, optional
        Name of a value -> the option that sets it, e.g. ``num_images`` -> ``--images``

    Output
    ------
    : `str`
        For example "--images 64 then, 32 now"; empty where nothing differs
    """
    options = options or {}
    found = list(differences(was, now))
    plain = [d for d in found if not _is_hash(d[0])]
    set_by_options = [d for d in plain if not options.keys().isdisjoint(d[0])]
    told = (
        f"{_name(path, options)} {_brief(path, old)} then, {_brief(path, new)} now"
        for path, old, new in set_by_options or plain or found
    )
    return "; ".join(dict.fromkeys(told))  # an option may set two values


def _name(path, options):
    """The option of the last part that has one, and what stands below it."""
    for i in reversed(range(len(path))):
        if path[i] in options:
            below = ".".join(path[i + 1 :])
            return options[path[i]] + (f" ({below})" if below else "")
    return ".".join(path)


def _is_hash(path):
    return path[-1].endswith("sha256")


def _brief(path, value):
    if value == "absent":
        return value
    return f"{value[:12]}..." if _is_hash(path) else json.dumps(value)
