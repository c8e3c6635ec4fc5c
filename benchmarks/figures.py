"""Figures of curves as cells of text tables."""

import math

import numpy as np

from semcom_phy.simulation.statistics.intervals import clustered_mean


def over_targets(curve, name, snr_db, digits=2):
    """ "mean +- standard deviation over targets [95 % interval of the mean]"; "-" where
    the system has no such figure."""
    rows = curve.rows[snr_db]
    estimate = curve.file.estimate(name, snr_db)
    if estimate is None or name not in rows:
        return "-"
    values = of_targets(rows, name)
    spread = np.std(values, ddof=1) if len(values) > 1 else math.nan
    text = f"{estimate.mean:.{digits}f} +- {spread:.{digits}f}"
    return text + interval(estimate, digits)


def of_targets(rows, name):
    """Mean over the draws of every target, [num_targets]."""
    target = np.unique(rows["image"], return_inverse=True)[1]
    return np.bincount(target, rows[name]) / np.bincount(target)


def interval(estimate, digits, sign=""):
    """ " [low, high]" of 95 %; nothing of a single target."""
    if estimate.ci95 is None:
        return ""
    low, high = (f"{end:{sign}.{digits}f}" for end in estimate.ci95)
    return f" [{low}, {high}]"


def mean(curve, name, snr_db, digits=2, factor=1):
    """The mean alone; "-" where the system has no such figure."""
    estimate = curve.file.estimate(name, snr_db)
    return "-" if estimate is None else f"{factor * estimate.mean:.{digits}f}"


def symbols(curve, snr_db, scenario):
    """ "data + side" complex symbols of a picture, mean over pictures."""
    size = math.prod(scenario.image_shape)
    parts = (mean(curve, name, snr_db, 0, size) for name in ("cbr", "side_cbr"))
    return " + ".join(parts)


def num_symbols(curve, snr_db, scenario):
    """All complex symbols of a picture, `float`."""
    size = math.prod(scenario.image_shape)
    return size * curve.file.estimate("cbr_total", snr_db).mean


def difference(rows, name, other):
    """One column minus another one of the same transmissions, with the interval of the
    pairs, :class:`~semcom_phy.simulation.statistics.intervals.Estimate`."""
    return clustered_mean(rows[name] - rows[other], rows["image"], rows["group"])


def aligned(rows):
    """Lines of cells in columns, the first one to the left; a row of one cell is a
    heading between them."""
    columns = zip(*(row for row in rows if len(row) > 1), strict=True)
    first, *others = (max(map(len, column)) for column in columns)
    lines = []
    for name, *cells in rows:
        padded = [cell.rjust(w) for cell, w in zip(cells, others, strict=False)]
        lines.append("  ".join([name.ljust(first), *padded]).rstrip())
    return lines


def show(path, lines):
    """Prints a table and writes it to a file."""
    text = "\n".join(lines) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"\n{text}", flush=True)
