"""Entries of a checkpoint into the variables of a codec, every one checked."""

import numpy as np


def check_entries(arrays, entries, ignored):
    """Lines on entries that are missing, too many or of another shape.

    Parameters
    ----------
    arrays : `dict` of name -> array

    entries : list of :class:`~link_models.training.published.entries.Entry`
        What there may be; those without a variable need not be there, those of the same
        name go to several. `None` in a shape is any size

    ignored : callable, name -> `bool`
        What is left out whatever it is

    Output
    ------
    : `list` of `str`
        Empty where all is well
    """
    known = {entry.name: entry for entry in entries}
    lines = []
    for entry in known.values():
        if entry.name not in arrays:
            if entry.variable is not None:
                lines.append(f"missing: {entry.name}, of shape {_text(entry.shape)}")
            continue
        array = arrays[entry.name]
        if not _fits(array.shape, entry.shape):
            lines.append(
                f"wrong shape: {entry.name} has {_text(array.shape)}, must have "
                f"{_text(entry.shape)}"
            )
        elif array.dtype.kind != "f" or not np.isfinite(array).all():
            lines.append(f"wrong values: {entry.name} must hold finite floats")
    for name, array in arrays.items():
        if name not in known and not ignored(name):
            lines.append(f"extra: {name}, of shape {_text(array.shape)}")
    return lines


def fill(arrays, entries):
    """Assigns checked entries to their variables.

    Output
    ------
    : `int`
        How many entries were used
    """
    used = [entry for entry in entries if entry.variable is not None]
    for entry in used:
        entry.variable.assign(_as_keras(entry, arrays[entry.name]).astype("float32"))
    return len({entry.name for entry in used})


def _as_keras(entry, array):
    """From the layout of torch: outputs come last."""
    if entry.as_it_is or array.ndim < 2:
        return array
    return array.transpose((*range(2, array.ndim), 1, 0))


def _fits(shape, expected):
    return len(shape) == len(expected) and all(
        b in (None, a) for a, b in zip(shape, expected, strict=True)
    )


def _text(shape):
    return "x".join("any" if n is None else str(n) for n in shape) or "one number"
