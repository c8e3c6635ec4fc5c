"""The JSON form of a curve: a column per figure of merit, for people to read."""

import json
import math

import numpy as np

from semcom_phy.simulation.statistics.intervals import Estimate


def column(points, group, name):
    """One figure of merit over all points; `None` wherever it was not run."""
    entries = [getattr(p, group).get(name) if p else None for p in points]
    return {
        "mean": [e and rounded(e.mean) for e in entries],
        "ci95": [e and e.ci95 and rounded(e.ci95) for e in entries],
        "num_images": [e and e.num_images for e in entries],
        "num_transmissions": [e and e.num_transmissions for e in entries],
        "status": [p.status if p else "not_run" for p in points],
    }


def entry(column, i):
    """The estimate of a point of :func:`column`, or `None`."""
    if column["mean"][i] is None:
        return None
    interval = column["ci95"][i]
    return Estimate(
        float(column["mean"][i]),
        None if interval is None else (float(interval[0]), float(interval[1])),
        int(column["num_images"][i]),
        int(column["num_transmissions"][i]),
    )


def rounded(value):
    """Eight significant digits, so that reading and writing change nothing."""
    if isinstance(value, (tuple, list, np.ndarray)):
        return [rounded(v) for v in value]
    if not math.isfinite(value):
        raise ValueError(f"a result must be finite, got {value}")
    return float(f"{value:.8g}")


def layout(value, indent=0, width=100):
    """JSON with one line per entry that fits, for people to read."""
    line = json.dumps(value, allow_nan=False)
    if len(line) <= width - indent or not value or not isinstance(value, (dict, list)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [
            f"{pad}{json.dumps(k)}: {layout(v, indent + 1)}" for k, v in value.items()
        ]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [pad + layout(v, indent + 1) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
