"""Curves of a section as plain values: what the page draws, lists and tells."""

from typing import Any

import numpy as np

from scenarios.command.bits import rate_text
from scenarios.command.result_text import cell_text, null_reasons, table_heads
from semcom_phy.simulation.bits.theory import closed_form_ber
from semcom_phy.simulation.curve import joined_axis
from semcom_phy.simulation.document import rounded
from semcom_phy.simulation.figures.style import (
    COLOURS,
    LOGARITHMIC,
    MARKERS,
    figure_label,
)
from semcom_phy.simulation.identity.stale_points import CURRENT

_ERROR_RATES = {"ber": "Bit error rate", "bler": "Block error rate"}
_SPENT = {
    "cbr": "cbr of data",
    "side_cbr": "cbr of side information",
    "cbr_total": "cbr with side information",
}


def systems_of(files):
    """Title, colour and marker of every system; titles that are shared by several get
    the name of the file behind them."""
    titles = [file.title for file in files]
    return [
        {
            "title": t if titles.count(t) == 1 else f"{t} ({file.path.stem})",
            "colour": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
        }
        for i, (file, t) in enumerate(zip(files, titles, strict=True))
    ]


def keys_of(files):
    """Keys of all points that were run for some system, in the order of the axis."""
    return joined_axis(files).sort({key for file in files for key in file.points})


def image_figures(files):
    """All figures of merit, and what was spent and lost, at all points.

    Input
    -----
    files : sequence of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        Of one section

    Output
    ------
    : `dict`
        ``axis`` (label, head of rows), ``points`` (place on the axis, head, heading),
        ``systems`` (:func:`systems_of`) and ``figures``: for each name, label, short
        name of what cells hold, head of its table, reason for nulls, whether it is
        logarithmic, its kind ("merit" or "spent"), and ``values`` [system][point] with
        mean, ends of the interval, text of the table and what it counts; of points
        without a figure the text alone
    """
    axis, keys = joined_axis(files), keys_of(files)
    heads, reasons = table_heads(files), null_reasons(files)
    unit = files[0].header["data"].get("unit", "image")
    merits = [name for name in heads if name != "cbr_total"]
    points = [point for file in files for point in file.points.values()]
    found = {name for point in points for name in point.extras}
    figures = []
    for name in [*merits, *sorted(found - {*merits}, key=_spent_first)]:
        label = _SPENT.get(name) or figure_label(files[0], name)
        figures.append(
            {
                "name": name,
                "label": label,
                "short": "Outage [%]" if name == "outage" else label,
                "head": heads.get(name, label).replace("+-", "±"),
                "reason": reasons.get(name),
                "log": name in LOGARITHMIC,
                "kind": "merit" if name in merits else "spent",
                "values": [[_point(f, name, key, unit) for key in keys] for f in files],
            }
        )
    return {
        "axis": {"label": axis.label, "rows": axis.row_title},
        "points": [
            {
                "place": axis.place(key),
                "head": axis.head(key),
                "heading": axis.heading(key),
            }
            for key in keys
        ],
        "systems": systems_of(files),
        "figures": figures,
    }


def bit_figures(files):
    """Error rates of bit links at all SNRs, as of :func:`image_figures`, and closed
    forms as ``theory`` [link][point] of place and rate, `None` where none is known.
    """
    keys = sorted({snr for file in files for snr in file.points})
    fine = np.linspace(keys[0], keys[-1], 61)
    figures: list[dict[str, Any]] = [
        {
            "name": name,
            "label": label,
            "short": label,
            "head": f"{label} (95 % interval)",
            "reason": None,
            "log": True,
            "kind": "merit",
            "values": [[_rate(f, name, snr) for snr in keys] for f in files],
        }
        for name, label in _ERROR_RATES.items()
    ]
    forms = [closed_form_ber(file.header, fine) for file in files]
    figures[0]["theory"] = [
        None if form is None else rounded(np.stack([fine, form], axis=1))
        for form in forms
    ]
    return {
        "axis": {"label": "SNR per receive antenna, Es/N0 [dB]", "rows": "SNR [dB]"},
        "points": [
            {"place": s, "head": f"{s:g}", "heading": f"SNR {s:g} dB"} for s in keys
        ],
        "systems": systems_of(files),
        "figures": figures,
    }


def _spent_first(name):
    return name not in _SPENT, name


def _point(file, name, key, unit):
    text = cell_text(file, name, key).replace("+-", "±")
    estimate = file.estimate(name, key)
    if estimate is None:
        return {"text": text}
    counted = f"{estimate.num_images} {unit}s"
    if estimate.num_transmissions != estimate.num_images:
        counted += f", {estimate.num_transmissions} transmissions"
    return {
        "text": text,
        "mean": estimate.mean,
        "ends": estimate.ci95,
        "counted": counted,
        "old": file.is_old(key),
    }


def _rate(file, name, snr):
    point = file.points.get(snr)
    if point is None:
        return {"text": "not run"}
    rate, old = getattr(point, name), point.code != CURRENT
    count, what = rate.count, "bits" if name == "ber" else "blocks"
    return {
        "text": rate_text(rate) + "*" * old,
        "mean": rate.mean,
        "ends": rate.ci95,
        "counted": f"{count.num_errors} of {count.num_trials} {what} wrong",
        "old": old,
    }
