"""Paired differences of all systems of a section, as plain values."""

import itertools

from scenarios.comparison_table import (
    CONDITIONS_MARK,
    RATE_MARK,
    digits_of,
    interval_text,
    notes,
)
from scenarios.paired_results import compare
from semcom_phy.simulation.document import rounded
from semcom_phy.simulation.statistics.pairing import PairError

_ALSO = ("outage", "cbr_total")  # beside the metrics


def paired_figures(section, keys):
    """Differences ``one - other`` of all pairs, as :mod:`scenarios.compare` has them.

    Parameters
    ----------
    section : :class:`~scenarios.report.reading.ImageSection`

    keys : `list` of `float`
        Points of the page

    Output
    ------
    : `list` of `dict`
        For every pair ``one`` and ``other`` (numbers of systems), and ``figures``: name
        -> ``points`` (mean, ends of the interval, texts of the paired and the unpaired
        difference, both the other way round as well; `None` where a system has no such
        point), ``mark`` of other knowledge or conditions and ``notes``, or why they are
        ``refused``
    """
    pairs = []
    for i, j in itertools.combinations(range(len(section.files)), 2):
        files = section.files[i], section.files[j]
        names = [*files[0].metrics, *_ALSO]
        lost = [file.path.name for file in files if file.path not in section.rows]
        if lost:
            reason = f"figures of the transmissions of {', '.join(lost)} are lost"
            figures = {name: {"refused": reason} for name in names}
        else:
            one, other = (section.rows[file.path] for file in files)
            figures = {name: _differences(one, other, name, keys) for name in names}
        pairs.append({"one": i, "other": j, "figures": figures})
    return pairs


def _differences(one, other, metric, keys):
    try:
        found = compare(one, other, metric)
    except PairError as error:
        return {"refused": str(error)}
    digits = digits_of(metric)
    points = [
        found.differences.get(key) and _point(found.differences[key], digits)
        for key in keys
    ]
    mark = f" {CONDITIONS_MARK}" if found.conditions else ""
    return {"points": points, "mark": mark, "notes": notes([found])}


def _point(found, digits):
    paired, unpaired = found.paired, found.unpaired_half_width
    texts = {}
    for name, mean in (("", paired.mean), ("turned_", 0.0 - paired.mean)):
        mark = "" if found.same_rate else f" {RATE_MARK}"
        texts[f"{name}paired"] = (
            interval_text(mean, paired.half_width, digits, "+") + mark
        )
        texts[f"{name}unpaired"] = interval_text(mean, unpaired, digits, "+")
    ends = None if paired.ci95 is None else rounded(paired.ci95)
    return {"mean": rounded(paired.mean), "ends": ends, **texts}
