"""Paired differences as a table: for the terminal, Markdown, LaTeX, CSV.

A row per system with its mean, two per pair: the paired difference with the interval of
the pairs, and the one that two unrelated runs would give. Marks tell what a difference
may owe to something else than the codes.
"""

import csv
import io
import re
from dataclasses import dataclass, field

from semcom_phy.simulation.axis import SNR_AXIS, SnrAxis
from semcom_phy.simulation.curve import joined_axis
from semcom_phy.simulation.statistics.pairing import Difference

CONDITIONS_MARK, RATE_MARK = "*", "#"


@dataclass(frozen=True)
class Comparison:
    """Differences ``one - other`` of two systems.

    Parameters
    ----------
    one, other : `str`
        Names of the systems
    differences : `dict` of key -> `Difference`
        At the points that both have, SNRs [dB] or rates
    conditions : `list` of `str`
        In what the two differ beside their codes
    unit : `str`
        What has a fade of its own
    axis : :class:`~semcom_phy.simulation.axis.SnrAxis`
        What the points are called
    sweep : `tuple`
        Kind of the sweep, the link budget of distances, the SNR of rates [dB]; those of
        a table have the same
    """

    one: str
    other: str
    differences: dict[float, Difference]
    conditions: list[str] = field(default_factory=list)
    unit: str = "image"
    axis: SnrAxis = SNR_AXIS
    sweep: tuple = ("snr", None, None)

    @property
    def name(self):
        return f"{self.one} - {self.other}"


def as_text(comparisons, metric, bootstrap=False):
    """For the terminal."""
    grid = [
        [cell.replace("±", "+-") for cell in row] for row in _grid(comparisons, metric)
    ]
    first = max(len(row[0]) for row in grid)
    widths = [max(len(row[k]) for row in grid) + 2 for k in range(1, len(grid[0]))]
    lines = [f"{metric}, mean, and paired differences, +- half of the 95 % interval"]
    for row in grid:
        cells = [c.rjust(w) for c, w in zip(row[1:], widths, strict=True)]
        lines.append(row[0].ljust(first) + "".join(cells))
    return "\n".join([*lines, "", *notes(comparisons, bootstrap)]) + "\n"


def as_markdown(comparisons, metric, bootstrap=False):
    """For a README or a wiki."""
    head, *rows = _grid(comparisons, metric)
    lines = [f"| {metric}: {' | '.join(head)} |", "| --- " * len(head) + "|"]
    escaped = [[cell.replace(RATE_MARK, f"\\{RATE_MARK}") for cell in r] for r in rows]
    escaped = [[c.replace(CONDITIONS_MARK, r"\*") for c in row] for row in escaped]
    lines += [f"| {' | '.join(row)} |" for row in escaped]
    below = [re.sub(r"^([*#])", r"\\\1", n) for n in notes(comparisons, bootstrap)]
    return "\n".join([*lines, "", "\n\n".join(below)]) + "\n"


def as_latex(comparisons, metric, bootstrap=False):
    """A ``tabular`` for a paper, with the notes as its last rows."""
    head, *rows = _grid(comparisons, metric)
    width = len(head)
    lines = [rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}", r"\hline"]
    head = [f"{metric}, {head[0]}", *head[1:]]
    lines += [_latex_row(head), r"\hline", *map(_latex_row, rows), r"\hline"]
    for note in notes(comparisons, bootstrap):
        text = _latex(note)
        lines.append(rf"\multicolumn{{{width}}}{{l}}{{\footnotesize {text}}} \\")
    return "\n".join([*lines, r"\end{tabular}"]) + "\n"


def as_csv(comparisons, metric, bootstrap=False):
    """A line per pair and SNR, with all numbers."""
    del bootstrap  # the numbers are those that were asked for
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    axis = _axis(comparisons)
    points = axis.columns(next(iter(comparisons[0].differences)))
    writer.writerow(
        ["metric", "one", "other", *points]
        + "mean_one mean_other difference ci95_low ci95_high unpaired_half_width "
        "images groups transmissions cbr_total_one cbr_total_other same_rate "
        "other_conditions".split()
    )
    for pair in comparisons:
        for snr in axis.sort(pair.differences):
            found = pair.differences[snr]
            low, high = found.paired.ci95 or ("", "")
            writer.writerow(
                [metric, pair.one, pair.other, *axis.columns(snr).values()]
                + [found.one.mean, found.other.mean, found.paired.mean, low, high]
                + ["" if (u := found.unpaired_half_width) is None else u]
                + [found.paired.num_images, found.num_groups]
                + [found.paired.num_transmissions, *found.rates]
                + [found.same_rate, "; ".join(pair.conditions)]
            )
    return buffer.getvalue()


FORMATS = {
    "text": as_text,
    "markdown": as_markdown,
    "latex": as_latex,
    "csv": as_csv,
}


def _grid(comparisons, metric):
    """Rows of cells: the points, the systems, the pairs."""
    digits = digits_of(metric)
    axis = _axis(comparisons)
    snr_db = axis.sort({snr for pair in comparisons for snr in pair.differences})
    rows = [[axis.row_title, *map(axis.head, snr_db)]]
    systems = {}
    for pair in comparisons:
        for snr, found in pair.differences.items():
            systems.setdefault(pair.one, {})[snr] = found.one
            systems.setdefault(pair.other, {})[snr] = found.other
    for name, means in systems.items():
        cells = [
            interval_text(means[s].mean, means[s].half_width, digits)
            if s in means
            else "-"
            for s in snr_db
        ]
        rows.append([name, *cells])
    for pair in comparisons:
        mark = f" {CONDITIONS_MARK}" if pair.conditions else ""
        paired, unpaired = [], []
        for snr in snr_db:
            found = pair.differences.get(snr)
            if found is None:
                paired.append("-")
                unpaired.append("-")
                continue
            mean, half = found.paired.mean, found.paired.half_width
            rate = "" if found.same_rate else f" {RATE_MARK}"
            paired.append(interval_text(mean, half, digits, "+") + rate)
            unpaired.append(interval_text(mean, found.unpaired_half_width, digits, "+"))
        rows.append([f"{pair.name}, paired{mark}", *paired])
        rows.append([f"{pair.name}, unpaired", *unpaired])
    return rows


def _axis(comparisons):
    return joined_axis(comparisons)


def digits_of(metric):
    """Decimal places of a figure, `int`."""
    return 2 if "psnr" in metric or metric.endswith("_db") else 4


def interval_text(mean, half_width, digits, sign=""):
    """A mean with half of its interval: "+0.42 ± 0.10"."""
    text = f"{mean:{sign}.{digits}f}"
    return text if half_width is None else f"{text} ± {half_width:.{digits}f}"


def notes(comparisons, bootstrap=False):
    """What stands below a table: counts, and what the marks mean."""
    found = [d for pair in comparisons for d in pair.differences.values()]
    images, groups, sent = (
        _span(values)
        for values in (
            [d.paired.num_images for d in found],
            [d.num_groups for d in found],
            [d.paired.num_transmissions for d in found],
        )
    )
    axis = _axis(comparisons)
    kind = "bootstrap of groups" if bootstrap else "clustered by group, Student's t"
    lines = [
        f"{images} {comparisons[0].unit}s in {groups} groups, {sent} transmissions of "
        "each system; "
        f"{kind}; unpaired: what two unrelated runs would tell"
    ]
    for pair in comparisons:
        lines += [f"{CONDITIONS_MARK} {pair.name}: {line}" for line in pair.conditions]
        rates = [
            f"{d.rates[0]:.4f} and {d.rates[1]:.4f} at {axis.names(snr)}"
            for snr, d in pair.differences.items()
            if not d.same_rate
        ]
        if rates:
            lines.append(
                f"{RATE_MARK} {pair.name}: other rate, cbr with side information "
                + ", ".join(rates)
            )
    return lines


def _span(values):
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _latex_row(cells):
    return " & ".join(_latex(cell) for cell in cells) + r" \\"


def _latex(text):
    text = re.sub(r"([&%#_{}$])", r"\\\1", text)
    text = re.sub(r"(?<![\w.])([+-])(?=\d)", r"$\1$", text)
    return text.replace("±", r"$\pm$").replace(" *", "$^{*}$")
