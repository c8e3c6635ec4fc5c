"""Results with the figures of every transmission, compared in pairs: what
:mod:`scenarios.compare` does once its options are read.
"""

import itertools
import sys
import time
from pathlib import Path

from scenarios.comparison_table import FORMATS, Comparison
from semcom_phy.simulation.bits.results import check_result, image_results
from semcom_phy.simulation.metric_table import metric_of
from semcom_phy.simulation.rate_curve import read_curve
from semcom_phy.simulation.results import ResultError
from semcom_phy.simulation.statistics.pairing import (
    PairError,
    check_pair,
    other_conditions,
    paired_difference,
)
from semcom_phy.user_objects import names_object

_READS = 5  # of a file that another run is writing
_POINTS = {  # kind of a sweep -> what it is over, and the option that takes some points
    "snr": ("SNR", "--snr"),
    "distance": ("distance", "--distance"),
    "cbr": ("cbr", "--cbr"),
}


def print_comparisons(args):
    """Prints the table that the command was asked for, and what is left out of it.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :mod:`scenarios.compare`

    Raises
    ------
    FileNotFoundError, ValueError
        If a result is not there or damaged, or no pair can be compared.
    """
    pairs, single = _pairs(args.results)
    metric = name = args.metric or pairs[0][0].file.metrics[0]
    if names_object(name):
        metric = metric_of(name)
        name = metric.name
    points = _chosen_points(args, pairs)
    compared, refused = [], []
    for one, other in pairs:
        try:
            _check_table(compared, one)
            compared.append(compare(one, other, metric, points, args.bootstrap))
        except PairError as error:
            if single:
                raise
            refused.append(f"{one.label} - {other.label}: not compared, {error}")
    if not compared:
        raise ValueError("no pair can be compared: " + "; ".join(refused))
    write = FORMATS[args.format]
    print(write(compared, name, args.bootstrap), end="")
    for line in refused:
        print(line, file=sys.stderr)


class Curve:
    """A result with its rows, and a name for tables.

    Parameters
    ----------
    path : `Path`
        The result's JSON
    label : `str`
        Name in tables

    Raises
    ------
    FileNotFoundError
        If there is none.
    ResultError
        If it is damaged, or its rows are.
    """

    def __init__(self, path, label):
        check_result(path)
        self.label = label
        for attempt in range(_READS):
            self.file = read_curve(path)
            try:
                self.rows = self.file.rows()
                return
            except ResultError:  # of another point, where a run files one just now
                if attempt == _READS - 1:
                    raise
                time.sleep(0.1)

    @property
    def sweep(self):
        """What its points are taken over: the kind, the link budget of distances, the
        SNR of rates."""
        scenario = self.file.header["scenario"]
        kind = self.file.axis.stem
        return kind, scenario.get("link_budget"), scenario.get("snr_db")


def compare(one, other, metric="psnr_db", points=None, bootstrap=False):
    """Paired differences of two curves at all SNRs, distances or rates that both have.

    Parameters
    ----------
    one, other : :class:`Curve`
        The difference is ``one - other``
    metric : `str` or a metric, (default "psnr_db")
        As of :func:`~semcom_phy.simulation.statistics.pairing.paired_difference`
    points : sequence, optional
        SNRs [dB], of results over distances these [m], of results over the cbr these
        (`Fraction`); default: all
    bootstrap : `bool`, (default False)
        Intervals by bootstrap of groups

    Output
    ------
    : :class:`~scenarios.comparison_table.Comparison`

    Raises
    ------
    PairError
        If images, fades or noise differ, no SNR is common, or a system lacks the
        figure.
    """
    check_pair(one.file, other.file)
    common = sorted(set(one.rows) & set(other.rows))
    axis = one.file.axis
    if points is not None:
        common = [key for key in common if axis.value(key) in points]
    if not common:
        raise PairError(f"no {axis.point} that both have finished")
    differences = {
        key: paired_difference(one.rows[key], other.rows[key], metric, bootstrap)
        for key in common
    }
    differences = {key: d for key, d in differences.items() if d is not None}
    if not differences:
        figure = metric if isinstance(metric, str) else metric.name
        raise PairError(f"{figure!r} applies to no transmission of both")
    labels = one.label, other.label
    conditions = other_conditions(one.file, other.file, labels)
    unit = one.file.header["data"].get("unit", "image")
    return Comparison(*labels, differences, conditions, unit, axis, one.sweep)


def _chosen_points(args, pairs):
    """The points that were asked for, `None`: all. Refuses points in dB of results over
    metres, and the like."""
    given = {"snr": args.snr, "distance": args.distance, "cbr": args.cbr}
    given = {kind: points for kind, points in given.items() if points is not None}
    found = [one.file.axis.stem for one, _ in pairs]
    for kind in given:
        if kind not in found:
            over, option = _POINTS[found[0]]
            raise ValueError(
                f"{_POINTS[kind][1]}: the results are over the {over}; give {option}"
            )
    return next(iter(given.values()), None)


def _check_table(compared, one):
    """Refuses a curve whose points are not those of the table."""
    if not compared or compared[0].sweep == one.sweep:
        return
    what = "is over something else than this pair"
    if compared[0].sweep[0] == one.sweep[0] == "cbr":
        what = "is over the cbr at another SNR"
    elif "cbr" not in (compared[0].sweep[0], one.sweep[0]):
        what = "has another link_budget, or none"
    raise PairError(f"{compared[0].one} {what}: give the two by name")


def _pairs(results):
    """Pairs of :class:`Curve` that were asked for, and whether it was a certain one."""
    if len(results) == 1:
        curves = _curves_of(Path(results[0]))
        return list(itertools.combinations(curves, 2)), False
    if len(results) == 2:
        folder, names = Path(), results
        if not all(name.endswith(".json") for name in names):
            raise ValueError(
                f"{' '.join(names)}: give a folder, a folder and two systems, or two "
                "result files (.json)"
            )
    elif len(results) == 3:
        folder, names = Path(results[0]), results[1:]
    else:
        raise ValueError(f"{len(results)} names: give a folder and two systems at most")
    paths = [
        Path(name) if name.endswith(".json") else folder / f"{name}.json"
        for name in names
    ]
    labels = [path.stem for path in paths]
    if labels[0] == labels[1]:
        labels = [f"{path.parent.name}/{path.stem}" for path in paths]
    return [tuple(map(Curve, paths, labels))], True


def _curves_of(folder):
    """The results of a folder; other files are left out with a line."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    curves = []
    for path in image_results(folder):
        try:
            curve = Curve(path, path.stem)
        except ResultError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        if curve.rows:
            curves.append(curve)
        else:
            print(f"left out: {path} has no finished point", file=sys.stderr)
    if len(curves) < 2:
        raise ValueError(
            f"{folder} holds {len(curves)} results with points; two are needed"
        )
    return curves
