"""What a sweep measures: figures of single samples, and of all samples of a point.

A metric says what it needs, so that a system or a data set that cannot give it is
refused by name and not with a number. All of them by name:
:mod:`semcom_phy.simulation.metric_table`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from semcom_phy.simulation.statistics.intervals import (
    clustered_mean,
    clustered_probability,
)

_CAPTIONS = "choose a data set with captions with --dataset, such as a Flickr8k folder"
# What a metric may need -> how to come by it. "images", "texts" and "features" must be
# delivered, texts besides have references among the samples; captions (references of
# what is no text) and labels travel with them.
NEEDS = {
    "images": "choose a system that delivers images with --systems",
    "texts": "choose a system that delivers texts with --systems",
    "features": "choose a system that delivers features with --systems",
    "captions": _CAPTIONS,
    "labels": "choose a data set with labels with --dataset, such as camvid or cifar10",
    "label_maps": "choose a data set with label maps with --dataset, such as camvid",
}


@dataclass(frozen=True)
class Metric:
    """A figure of every single sample; a point has its mean.

    Parameters
    ----------
    name : `str`
        In tables, files and on the command line

    title : `str`
        On axes and above tables

    unit : `str`
        Such as "dB"; empty where there is none

    needs : `tuple` of `str`
        Of :data:`NEEDS`

    per_sample : callable, (samples, delivered) -> [batch], `float` or `bool`
        Of :class:`~semcom_phy.sources.samples.Samples` and
        :class:`~semcom_phy.sources.samples.Delivered`; `bool` for an event, whose mean
        is a probability, NaN where a sample has no such figure. A function of a module,
        so that other processes find it

    identity : callable, () -> `dict`, or `None` (default)
        What tells the frozen model apart that it computes with, where neither its code
        nor the SHA-256 of a file in it does; asked when results are filed or looked up

    reason : callable, samples -> `str` or `None`; or `None` (default)
        Why the figure is null for a data set, or leaves images out; told beside it

    Raises
    ------
    ValueError
        If a need is unknown.

    Example
    -------
    The mean brightness of what arrives:

    >>> from semcom_phy.sources.samples import Delivered
    >>> def brightness(samples, delivered):
    ...     return delivered.images.mean((1, 2, 3))
    >>> metric = Metric("brightness", "Brightness", "", ("images",), brightness)
    >>> delivered = Delivered(np.full((2, 8, 8, 3), 90, np.uint8))
    >>> columns = metric.measure(None, delivered)
    >>> metric.estimate(columns, image_index=[0, 1]).mean
    90.0
    """

    name: str
    title: str
    unit: str
    needs: tuple[str, ...]
    per_sample: Callable
    identity: Callable | None = None
    reason: Callable | None = None

    def __post_init__(self):
        _check_known(self)

    @property
    def columns(self):
        """Names of the rows' columns that it is made of."""
        return (self.name,)

    def measure(self, samples, delivered):
        """Its columns for a batch, `dict` of name -> [batch] array."""
        return {self.name: self.per_sample(samples, delivered)}

    def estimate(self, columns, image_index, groups=None):
        """Mean with interval over all transmissions of a point.

        Input
        -----
        columns : `dict` of name -> [num_transmissions] array

        image_index, groups
            As of :func:`~semcom_phy.simulation.statistics.intervals.clustered_mean`

        Output
        ------
        : :class:`~semcom_phy.simulation.statistics.intervals.Estimate` or `None`
            `None` where the figure applies to no transmission
        """
        values = np.asarray(columns[self.name])
        is_event = values.dtype == np.bool_
        kind = clustered_probability if is_event else clustered_mean
        return kind(values, image_index, groups)


@dataclass(frozen=True)
class SetMetric:
    """A figure of all samples of a point together, which no sample has alone.

    Parameters
    ----------
    name, title, unit, needs
        As of :class:`Metric`

    columns : `tuple` of `str`
        What it is made of, filed for every transmission

    per_sample : callable, (samples, delivered) -> `dict` of name -> [batch], `float`
        The columns for a batch; they may be those of other metrics, too

    linearised : callable, columns -> [num_transmissions], `float`
        Values whose mean is the figure, and whose spread is that of its linear part in
        the columns (delta method); differences of two systems are paired by them

    estimate : callable, (columns, image_index, groups=None) -> Estimate or `None`
        The figure with its interval

    identity, reason
        As of :class:`Metric`

    Raises
    ------
    ValueError
        If a need is unknown.
    """

    name: str
    title: str
    unit: str
    needs: tuple[str, ...]
    columns: tuple[str, ...]
    per_sample: Callable
    linearised: Callable
    estimate: Callable
    identity: Callable | None = None
    reason: Callable | None = None

    def __post_init__(self):
        _check_known(self)

    def measure(self, samples, delivered):
        """Its columns for a batch, `dict` of name -> [batch] array."""
        found = self.per_sample(samples, delivered)
        return {name: found[name] for name in self.columns}


def check_samples(metrics, samples):
    """Refuses metrics that a data set cannot serve, before anything is sent.

    Parameters
    ----------
    metrics : sequence of :class:`Metric` and :class:`SetMetric`

    samples : :class:`~semcom_phy.sources.samples.Samples`

    Raises
    ------
    ValueError
        With the metric, what is missing, and the remedy.
    """
    labels = samples.labels
    for metric in metrics:
        if "images" in metric.needs and not samples.has_pictures:
            raise ValueError(
                f"metric {metric.name!r} needs pictures, which a file of captions does "
                "not have: choose a data set of pictures with --dataset, or leave it "
                "out of --metrics"
            )
        if "texts" in metric.needs and samples.texts is None:
            raise ValueError(
                f"metric {metric.name!r} needs captions as references, which the data "
                f"set does not have: {_CAPTIONS}, or leave it out of --metrics"
            )
        if "captions" in metric.needs and samples.texts is None:
            raise _lacking(metric, "captions", "the data set does not have")
        if "labels" in metric.needs and labels is None:
            raise _lacking(metric, "labels", "the data set does not have")
        is_map = labels is not None and labels.shape == samples.images.shape[:3]
        if "label_maps" in metric.needs and not is_map:
            raise _lacking(metric, "label_maps", "the data set does not have")


def check_delivered(metrics, delivered, system):
    """Refuses metrics of what a system does not deliver.

    Parameters
    ----------
    metrics : sequence of :class:`Metric` and :class:`SetMetric`

    delivered : :class:`~semcom_phy.sources.samples.Delivered`

    system : `str`
        Its name

    Raises
    ------
    ValueError
        With the metric, what is missing, and the remedy.
    """
    parts = {
        "images": delivered.images,
        "texts": delivered.texts,
        "features": delivered.features,
    }
    for metric in metrics:
        for need in metric.needs:
            if need in parts and parts[need] is None:
                raise _lacking(metric, need, f"system {system!r} does not deliver")


def _check_known(metric):
    unknown = sorted(set(metric.needs) - set(NEEDS))
    if unknown:
        raise ValueError(
            f"metric {metric.name!r} needs {unknown[0]!r}; there are: "
            f"{', '.join(NEEDS)}"
        )


def _lacking(metric, need, who):
    return ValueError(
        f"metric {metric.name!r} needs {need.replace('_', ' ')}, which {who}: "
        f"{NEEDS[need]}, or leave it out of --metrics"
    )
