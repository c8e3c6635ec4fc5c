"""Figures of transmissions: collected in batches, joined, and averaged over a point."""

import numpy as np
from keras import ops

from semcom_phy.simulation.rows import IDENTITY
from semcom_phy.simulation.statistics.intervals import (
    clustered_mean,
    clustered_probability,
)
from semcom_phy.sources.pixel_hash import pixel_hash
from semcom_phy.sources.samples import Delivered

# Columns that are no metric's.
TAKEN = (*IDENTITY, "outage", "snr_db", "cbr", "side_cbr", "cbr_total")


class Records:
    """Figures of every transmission so far.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`
        All that are sent

    metrics : sequence of :mod:`~semcom_phy.simulation.metric_table`
    """

    def __init__(self, samples, metrics):
        num, groups = len(samples), samples.groups
        labels = range(num) if groups is None else groups
        self._groups = np.array([str(label) for label in labels])
        self._clusters = np.arange(num)
        if groups is not None:
            self._clusters = np.unique(np.asarray(groups), return_inverse=True)[1]
        self._dimensions = float(np.prod(samples.images.shape[1:]))
        self._metrics = metrics
        self._columns, self._extras = {}, ()

    def add(self, draw, batch, h, sent, index):
        """Takes the first ``len(index)`` samples of a transmission."""
        num = len(index)
        kept, delivered = batch.take(np.arange(num)), first_of(sent.delivered, num)
        power = np.abs(ops.convert_to_numpy(h)[:num]) ** 2
        rows = {
            "image": index,
            "image_sha256": np.array([pixel_hash(image)[:16] for image in kept.images]),
            "draw": np.full(num, draw),
            "group": self._groups[index],
            "fade_power": power.reshape(num, -1).mean(axis=1),
        }
        rows |= self._measured(kept, delivered)
        rows["outage"] = sent.outage[:num]
        data, side = (np.asarray(v)[:num] / self._dimensions for v in sent.spent)
        extras = {"cbr": data, "side_cbr": side, "cbr_total": data + side}
        extras |= {f"lost_{name}": lost[:num] for name, lost in sent.lost.items()}
        taken = sorted({*rows, *extras, "snr_db"} & set(sent.figures))
        if taken:
            raise ValueError(
                f"figures may not be named {', '.join(taken)}: every system has these"
            )
        extras |= {name: np.asarray(v)[:num] for name, v in sent.figures.items()}
        columns = {name: _plain(values) for name, values in (rows | extras).items()}
        self.join(columns, tuple(extras))

    def _measured(self, samples, delivered):
        """Columns of all metrics; one that two have must be one thing."""
        columns: dict[str, np.ndarray] = {}
        for metric in self._metrics:
            for name, values in metric.measure(samples, delivered).items():
                others = columns.setdefault(name, values)
                if name in TAKEN or not np.array_equal(others, values, equal_nan=True):
                    raise ValueError(
                        f"metric {metric.name!r}: its column {name!r} is another "
                        "figure's; give it another name"
                    )
        return columns

    def join(self, columns, extras):
        """Takes the transmissions of a batch or a chunk behind all before."""
        self._extras = extras
        for name, values in columns.items():
            self._columns.setdefault(name, []).append(values)

    @property
    def extras(self):
        """Names of the columns that are no metric's, `tuple` of `str`."""
        return self._extras

    def column(self, name):
        return np.concatenate(self._columns[name])

    def rows(self):
        """All columns, see :mod:`~semcom_phy.simulation.rows`."""
        return {name: self.column(name) for name in self._columns}

    def values_shown(self, num):
        """The first metric that single samples have, of the first samples."""
        for metric in self._metrics:
            if metric.name in self._columns:
                return metric.name, tuple(self.column(metric.name)[:num].tolist())
        return None, ()

    def is_precise(self, settings):
        """True when the first metric is known well enough to stop."""
        if settings.target_ci is None:
            return False
        _, groups = self._index
        most = len(np.unique(self._clusters))
        if len(np.unique(groups)) < min(settings.min_images, most):
            return False
        estimate = self._estimate(self._metrics[0])
        half_width = None if estimate is None else estimate.half_width
        return half_width is not None and half_width <= settings.target_ci

    def estimates(self):
        """Metrics and extras, each a `dict` of name -> Estimate."""
        metrics = {metric.name: self._estimate(metric) for metric in self._metrics}
        metrics["outage"] = self._mean("outage")
        return metrics, {name: self._mean(name) for name in self._extras}

    def _estimate(self, metric):
        columns = {name: self.column(name) for name in metric.columns}
        return metric.estimate(columns, *self._index)

    def _mean(self, name):
        values = self.column(name)
        is_event = values.dtype == np.bool_
        kind = clustered_probability if is_event else clustered_mean
        return kind(values, *self._index)

    @property
    def _index(self):
        """Image of every transmission, and the group of that image."""
        index = self.column("image")
        return index, self._clusters[index]


def first_of(delivered, num):
    """What was delivered of the first samples of a batch."""
    parts = (delivered.images, delivered.texts, delivered.features)
    return Delivered(*(None if part is None else part[:num] for part in parts))


def _plain(values):
    """Truth values, texts and whole numbers as they are, all else as `float64`."""
    values = np.asarray(values)
    return values if values.dtype.kind in "biuU" else values.astype("float64")
