"""Paired differences of two curves, from the rows of their transmissions.

Two systems that sent the same images over the same fades with the same noise share most
of what makes a mean uncertain. Their difference, taken transmission by transmission, is
known far better than the two intervals suggest; but only if they did share it.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from semcom_phy.simulation.metric import SetMetric
from semcom_phy.simulation.metric_table import METRICS
from semcom_phy.simulation.rows import IDENTITY
from semcom_phy.simulation.statistics.bootstrap import bootstrap_interval
from semcom_phy.simulation.statistics.intervals import (
    Estimate,
    clustered_mean,
    clustered_probability,
)
from semcom_phy.user_objects import names_object

# Figures of a set of samples, which are no column of their own.
SET_METRICS = {n: m for n, m in METRICS.items() if isinstance(m, SetMetric)}
RATE_TOLERANCE = 0.01  # relative; below it two rates count as the same
_FADES_TOLERANCE = 1e-3  # relative; generations of the software round differently

# Entries of a scenario that make other SNRs, fades, noise, or another receiver's
# estimate.
_LINK = (
    "link_budget", "channel", "num_tx_ant", "num_rx_ant", "csi", "detector",
    "fft_size", "num_ofdm_symbols", "pilot_ofdm_symbols", "subcarrier_spacing",
)  # fmt: skip
_SELECTIVE = ("profile", "delay_spread", "carrier_frequency", "speed", "cbr")
_LINK_OF_CHANNEL = {
    "rician": ("rician_k_db",),
    "tdl": _SELECTIVE,
    "cdl": _SELECTIVE,
}
_DATA_HASHES = {
    "images": "sha256",
    "captions": "texts_sha256",
    "labels": "labels_sha256",
    "masks": "masks_sha256",
}
# Told by the images' hash, by what was spent, or by the description.
_TOLD_ELSEWHERE = (
    "name", "dataset", "image_size", "num_images", "draws", "cbr", "weights", "codec",
)  # fmt: skip


class PairError(ValueError):
    """Two curves cannot be compared: they did not see the same images, fades and noise,
    or have no figure in common."""


class Difference(NamedTuple):
    """One curve minus another one at an SNR.

    Parameters
    ----------
    one, other : :class:`~semcom_phy.simulation.statistics.intervals.Estimate`
        The figure of each, over the transmissions that both have
    paired : :class:`~semcom_phy.simulation.statistics.intervals.Estimate`
        The difference with the interval of the pairs
    unpaired_half_width : `float` or `None`
        Half the interval that two unrelated runs would give
    num_groups : `int`
        Groups of images that the intervals count
    rates : (`float`, `float`)
        What each spent, data and side information: complex symbols / (3HW)
    """

    one: Estimate
    other: Estimate
    paired: Estimate
    unpaired_half_width: float | None
    num_groups: int
    rates: tuple[float, float]

    @property
    def same_rate(self):
        """False where the rates differ by more than ``RATE_TOLERANCE``, or one is not
        known."""
        one, other = self.rates
        return abs(one - other) <= RATE_TOLERANCE * max(one, other)


def check_pair(one, other):
    """Refuses curves whose difference would not be one of the systems alone.

    Input
    -----
    one, other : :class:`~semcom_phy.simulation.results.ResultFile`

    Raises
    ------
    PairError
        If images, fades or noise differ, with the first difference.
    """
    for name, first, second in _link_entries(one, other):
        if first != second:
            raise PairError(f"other {name}: {first} and {second}")


def other_conditions(one, other, labels=("one", "other")):
    """In what the systems differ beside their code, in words.

    Input
    -----
    one, other : :class:`~semcom_phy.simulation.results.ResultFile`

    labels : (`str`, `str`), (default ("one", "other"))
        What to call them

    Output
    ------
    : `list` of `str`
        What one of them knows and the other does not, and entries of the scenario that
        are part of neither the link nor the images, such as the age of the feedback;
        and points that were kept from older code. Empty where there is nothing of that
    """
    lines = []
    known = [file.header["description"].get("knows") for file in (one, other)]
    if None in known:
        if known != [None, None]:
            unknown = labels[known.index(None)]
            lines.append(f"what {unknown} knows is not stated")
    elif set(known[0]) != set(known[1]):
        texts = (", ".join(names) or "nothing" for names in known)
        texts = (f"{n} knows {t}" for n, t in zip(labels, texts, strict=True))
        lines.append("; ".join(texts))
    scenarios = [file.header["scenario"] for file in (one, other)]
    link = {*_TOLD_ELSEWHERE, *_link_names(scenarios[0])}
    for name in sorted({*scenarios[0], *scenarios[1]} - link):
        first, second = (s.get(name, "not stated") for s in scenarios)
        if first != second:
            lines.append(f"{name} {first} for {labels[0]}, {second} for {labels[1]}")
    for file, label in zip((one, other), labels, strict=True):
        old = [snr for snr in file.points if file.is_old(snr)]
        if old:
            points = file.axis.names(*old)
            lines.append(f"{label} at {points} was kept from older code")
    return lines


def paired_difference(one, other, metric, bootstrap=False):
    """The difference of a figure of merit over the transmissions that both have.

    Input
    -----
    one, other : `dict` of name -> [num_transmissions] array
        Rows of the two at one SNR, see :mod:`~semcom_phy.simulation.rows`
    metric : `str` or a metric
        A column of numbers, or a metric of sets such as ``psnr_of_mean_mse_db``, whose
        difference has the interval of its linear part in the columns (delta method);
        one of the user's is given itself
    bootstrap : `bool`, (default False)
        Bootstrap of groups in the place of the clustered interval with Student's t

    Output
    ------
    : :class:`Difference` or `None`
        `None` where the figure applies to no pair

    Raises
    ------
    PairError
        If images, groups or fades differ, or a system has no such figure.
    """
    one, other = _aligned(one, other)
    name = metric if isinstance(metric, str) else metric.name
    of_set = metric if isinstance(metric, SetMetric) else SET_METRICS.get(name)
    columns = (name,) if of_set is None else of_set.columns
    for rows in (one, other):
        if not set(columns) <= set(figures_of(rows)):
            raise PairError(
                f"there is no figure {name!r}; there are: "
                f"{', '.join([*figures_of(rows), *_sets_of(rows)])}"
            )
    a, b = (
        {column: rows[column].astype("float64") for column in columns}
        for rows in (one, other)
    )
    both = ~np.isnan([*a.values(), *b.values()]).any(axis=0)
    if not both.any():
        return None
    a, b = ({n: v[both] for n, v in values.items()} for values in (a, b))
    image, group = one["image"][both], one["group"][both]
    is_event = False
    if of_set is not None:
        estimates = [of_set.estimate(v, image, group) for v in (a, b)]
        values = of_set.linearised(a) - of_set.linearised(b)
    else:
        a, b = a[name], b[name]
        is_event = bool(np.isin([a, b], (0, 1)).all())
        single = clustered_probability if is_event else clustered_mean
        estimates, values = [single(v, image, group) for v in (a, b)], a - b
    paired = clustered_mean(values, image, group)
    if bootstrap:
        found = bootstrap_interval(values, group)
        paired = replace(paired, ci95=(found.low, found.high))
    if is_event and not values.any():
        # Events that never differ: so few that they could have done so unseen.
        most = clustered_probability(values, image, group).ci95[1]
        paired = Estimate(0.0, (-most, most), paired.num_images, len(values))
    half_widths = [estimate.half_width for estimate in estimates]
    unpaired = None if None in half_widths else float(np.hypot(*half_widths))
    spent = [float(np.mean(rows["cbr_total"][both])) for rows in (one, other)]
    rates = spent[0], spent[1]
    return Difference(
        estimates[0], estimates[1], paired, unpaired, len(np.unique(group)), rates
    )


def figures_of(rows):
    """Names of the columns that are figures: those of numbers but for the identity."""
    return [
        name
        for name, values in rows.items()
        if name not in IDENTITY and values.dtype.kind != "U"
    ]


def _sets_of(rows):
    """Names of the metrics of sets whose columns are there."""
    return [name for name, m in SET_METRICS.items() if set(m.columns) <= set(rows)]


def _link_names(scenario):
    channel = scenario.get("channel")
    of_user = ("cbr",) if names_object(channel) else ()  # may be selective
    return _LINK + _LINK_OF_CHANNEL.get(channel, of_user)


def _link_entries(one, other):
    """Yields (name, value, value) of all that fixes images, fades and noise."""
    headers = one.header, other.header
    for what, key in _DATA_HASHES.items():
        yield f"{what} (data {key})", *(h["data"].get(key) for h in headers)
    yield "seed", *(h["seed"] for h in headers)
    yield "draws", *(h["sweep"].get("draws") for h in headers)
    for name in _link_names(headers[0]["scenario"]):
        yield name, *(h["scenario"].get(name) for h in headers)
    yield "axis", one.axis.stem, other.axis.stem
    yield "snr_db", *(h["scenario"].get("snr_db") for h in headers)  # of rates


def _aligned(one, other):
    """Rows of the transmissions that both have, in one order."""
    keys = [rows["draw"] * (1 << 32) + rows["image"] for rows in (one, other)]
    _, *index = np.intersect1d(
        keys[0], keys[1], assume_unique=True, return_indices=True
    )
    if not len(index[0]):
        raise PairError("no transmission in common")
    one, other = (
        {name: values[i] for name, values in rows.items()}
        for rows, i in zip((one, other), index, strict=True)
    )
    for name, what in (("image_sha256", "images"), ("group", "groups of images")):
        if not np.array_equal(one[name], other[name]):
            raise PairError(f"other {what} in the rows")
    powers = one["fade_power"], other["fade_power"]
    if not np.allclose(*powers, rtol=_FADES_TOLERANCE):
        first = np.flatnonzero(~np.isclose(*powers, rtol=_FADES_TOLERANCE))[0]
        raise PairError(
            f"other fades: image {one['image'][first]}, draw {one['draw'][first]} has "
            f"power {powers[0][first]:.4g} and {powers[1][first]:.4g}"
        )
    return one, other
