"""Sweeps over the SNR: the same samples, fades and noise seeds for every system.

The fade and the noise of an image depend on the seed, the channel draw and the image
alone. All systems see the same ones, at every SNR, whatever the batches: differences
between systems, and between SNRs, are paired.

    build() --> system.transmit(samples, snr_db, h, seeds) --> Transmission
        |                                        ^                 |
        '-----> sample_fades(channel, seeds) ----'                 v
                                                    metrics, intervals --> result file
"""

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from keras import ops
from tqdm import tqdm

from semcom_phy.checks import check_integer, check_number
from semcom_phy.progress import counted
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.engines import SerialEngine
from semcom_phy.simulation.intervals import clustered_mean, clustered_probability
from semcom_phy.simulation.metric import check_delivered, check_samples
from semcom_phy.simulation.metric_table import IMAGE_METRICS
from semcom_phy.simulation.results import Point
from semcom_phy.simulation.shown import Shown, crop_for_figure, crops_for_figure
from semcom_phy.simulation.system import System
from semcom_phy.snr import SNR_RANGE_DB
from semcom_phy.sources.pixel_hash import pixel_hash
from semcom_phy.sources.samples import Delivered


class Link(NamedTuple):
    """A system and the channel it is sent over."""

    system: System
    channel: object


@dataclass(frozen=True)
class SweepSettings:
    """How much is simulated at every SNR point.

    Parameters
    ----------
    seed : `int`, (default 1)
        Fixes fades and noise
    draws : `int`, (default 1)
        Channel draws per image
    batch_size : `int`, (default 64)
        Largest number of images sent at once
    target_ci : `float` or `None`, (default None)
        Stop a point when half the 95 % interval of the first metric is at most this
        [unit of the metric]; `None`: send every image ``draws`` times
    min_images : `int`, (default 32)
        Look at the interval after every so many images, and only from this number of
        images (or groups of images) on: that of a handful is itself uncertain
    together : `int`, (default 1)
        Images that share a frame: batches, and what is looked at, are whole multiples
    num_shown : `int`, (default 6)
        Reconstructions kept for the figure
    max_shown_size : `int`, (default 128)
        Images with a longer side are reduced to it for the figure, or shown as a crop
        of that size where they are larger than 256 [pixel]
    crop : (`int`, `int`, `int`) or `None`, (default None)
        Top, left and size of the crop that the figure shows of every image [pixel];
        `None`: as of :func:`~semcom_phy.simulation.shown.crops_for_figure`

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    seed: int = 1
    draws: int = 1
    batch_size: int = 64
    target_ci: float | None = None
    min_images: int = 32
    together: int = 1
    num_shown: int = 6
    max_shown_size: int = 128
    crop: tuple[int, int, int] | None = None

    def __post_init__(self):
        for name in ("draws", "batch_size", "min_images", "together", "num_shown"):
            check_integer(name, getattr(self, name), 1)
        check_integer("max_shown_size", self.max_shown_size, 1)
        check_integer("seed", self.seed, 0)
        if self.target_ci is not None:
            check_number("target_ci", self.target_ci, 1e-6, 1e6)

    def to_dict(self):
        """Plain values for the result file; the crop where one was chosen."""
        values = asdict(self)
        if self.crop is None:
            del values["crop"]
        return values

    def shown_crops(self, images):
        """Where the figure shows images, as of
        :func:`~semcom_phy.simulation.shown.crops_for_figure`."""
        return crops_for_figure(images, self.crop, self.max_shown_size)


def simulate_point(
    link, samples, snr_db, settings, metrics=IMAGE_METRICS, pictures=None
):
    """Sends the samples over the link at one SNR.

    Every image that is sent is counted for whoever listens
    (:mod:`semcom_phy.progress`): with its batch, or by its system while it is coded.

    Parameters
    ----------
    link : :class:`Link`
        ``system.transmit(samples, snr_db, h, seeds)``, ``channel.sample_each(seeds)``
    samples : :class:`~semcom_phy.sources.samples.Samples`
        Sent in this order, ``settings.draws`` times. Where there are groups, these,
        not the images, are what the intervals count
    snr_db : `float`
        SNR per receive antenna [dB]
    settings : :class:`SweepSettings`
        How much to simulate
    metrics : sequence, (default the four of images)
        Of :mod:`~semcom_phy.simulation.metric_table`; the first decides when a target
        is reached
    pictures : :class:`~semcom_phy.simulation.full_pictures.FullPictures`, optional
        Where every received picture is written

    Output
    ------
    : :class:`~semcom_phy.simulation.results.Point`
        Depends on the arguments alone

    Raises
    ------
    ValueError
        If the SNR is out of range, samples or system lack what a metric needs, or the
        system returns images of another shape or figures of a name that is taken.
    """
    check_number("snr_db", snr_db, *SNR_RANGE_DB, "dB")
    check_samples(metrics, samples)
    records, shown = _Records(samples, metrics), []
    status, num_shown = "done", 0
    with _writer(pictures, snr_db, settings) as write:
        for draw, index, num, look in _batches(len(samples), settings):
            batch = samples.take(index)
            seeds = image_seeds(settings.seed, draw, index)
            h = sample_fades(link.channel, seeds)
            with counted(num):
                sent = link.system.transmit(batch, float(snr_db), h, seeds)
            _check_answer(sent, batch, metrics, link.system.name)
            records.add(draw, batch, h, sent, index[:num])
            write(_first(sent.delivered, num).images, index[:num], draw)
            if draw == 0 and num_shown < settings.num_shown:
                shown.append((sent, min(num, settings.num_shown - num_shown)))
                num_shown += shown[-1][1]
            if look and records.is_precise(settings):
                status = "target_reached"
                break
    seen = _show(shown, records, samples.images[:num_shown], settings)
    return Point(status, *records.estimates(), seen, records.rows())


def run_sweep(
    curves,
    samples,
    snr_db,
    settings,
    metrics=IMAGE_METRICS,
    engine=None,
    progress=True,
    pictures=None,
    on_point=None,
):
    """Simulates every unfinished point of several curves and files each at once.

    Parameters
    ----------
    curves : `dict` of build -> :class:`~semcom_phy.simulation.results.ResultFile`
        ``build()`` gives the :class:`Link`. It must be hashable, and, for engines
        other than :class:`~semcom_phy.simulation.engines.SerialEngine`,
        importable by a new process: a frozen dataclass with ``__call__`` will do
    samples : :class:`~semcom_phy.sources.samples.Samples`
        What to send
    snr_db : sequence of `float`
        SNR points [dB]
    settings : :class:`SweepSettings`, or `dict` of build -> of these
        How much to simulate at each; links of other rates may have batches of another
        size
    metrics : sequence, (default the four of images)
        As of :func:`simulate_point`, in the order of the headers of the curves
    engine : an engine of :mod:`semcom_phy.simulation.engines`, optional
        Where; default: in this process
    progress : `bool`, (default True)
        Show a bar on stderr, if that is a terminal: the images that are done of all,
        the time that has passed and that remains
    pictures : `dict` of build -> `FullPictures`, optional
        Where every received picture is written
        (:mod:`~semcom_phy.simulation.full_pictures`); finished points without theirs
        are sent again, with the same outcome
    on_point : callable of build, optional
        Told of every point that was filed
    """
    engine = engine or SerialEngine()
    if not isinstance(settings, Mapping):
        settings = dict.fromkeys(curves, settings)
    pictures = pictures or {}
    unfinished = {build: file.unfinished(snr_db) for build, file in curves.items()}
    tasks = [
        (build, snr)
        for build, file in curves.items()
        for snr in map(float, snr_db)
        if snr in unfinished[build] or _lacks_pictures(pictures.get(build), file, snr)
    ]
    per_point = max((own.draws for own in settings.values()), default=0) * len(samples)
    bar = tqdm(
        total=per_point * (len(curves) * len(set(snr_db))),
        initial=per_point * (len(curves) * len(set(snr_db)) - len(tasks)),
        unit="image",
        disable=None if progress else True,
        dynamic_ncols=True,
    )
    done = Counter()

    def tell(task, num_images):
        build, snr = task
        done[task] += num_images
        bar.set_postfix_str(
            f"{curves[build].title} {curves[build].axis.names(snr)}", refresh=False
        )
        bar.update(num_images)

    on_progress = None if bar.disable else tell
    with bar:
        shared = samples, settings, metrics, pictures
        for task, point in engine.map(_simulate_task, shared, tasks, on_progress):
            build, snr = task
            curves[build].record(snr, point)
            if on_point is not None:
                on_point(build)
            tell(task, per_point - done[task])  # e.g. where a target was reached


@functools.lru_cache(maxsize=32)
def built(build: Callable[[], Link]):
    """``build()``, once in every process whatever the number of points."""
    return build()


def _simulate_task(shared, task):
    samples, settings, metrics, pictures = shared
    build, snr_db = task
    return simulate_point(
        built(build),
        samples,
        snr_db,
        settings[build],
        metrics,
        pictures.get(build),
    )


def _lacks_pictures(pictures, file, snr_db):
    """Whether pictures of a point are asked for and not there; a point of older code
    has none, for what is there now would make others."""
    if pictures is None or file.is_old(snr_db):
        return False
    return not pictures.have(snr_db)


def _writer(pictures, snr_db, settings):
    """A context that gives what writes pictures, or nothing."""
    if pictures is None:
        return nullcontext(lambda images, index, draw: None)
    return pictures.filling(snr_db, settings.draws)


def _check_answer(sent, batch, metrics, name):
    check_delivered(metrics, sent.delivered, name)
    images = sent.delivered.images
    if images is not None and images.shape != batch.images.shape:
        raise ValueError(
            f"{name} returned images of shape {list(images.shape)} for "
            f"{list(batch.images.shape)}"
        )


def _show(shown, records, originals, settings):
    """The first reconstructions, of (transmission, how many of it are shown)."""
    images = texts = None
    if shown[0][0].delivered.images is not None:
        kept = [sent.delivered.images[:num] for sent, num in shown]
        crops = settings.shown_crops(originals)
        images = crop_for_figure(np.concatenate(kept), crops, settings.max_shown_size)
    if shown[0][0].delivered.texts is not None:
        texts = tuple(t for sent, num in shown for t in sent.delivered.texts[:num])
    num = sum(num for _, num in shown)
    outage = tuple(records.column("outage")[:num].tolist())
    return Shown(images, texts, records.values_shown(num), outage)


def _batches(num_images, settings):
    """Yields (draw, image indices, how many of them count, look at the interval now).

    All batches are of one size, for another one would have every graph traced anew: the
    last is filled up with the images that follow, whose results are then dropped. With
    a target, batches end where the interval is looked at, every ``min_images`` images,
    so that the batch size does not say how many images are sent. Images that share a
    frame are the same whatever the batches.
    """
    block = num_images
    if settings.target_ci is not None:
        block = min(_multiple(settings.min_images, settings.together), num_images)
    size = -(-block // -(-block // settings.batch_size))
    size = _multiple(size, settings.together)
    for draw in range(settings.draws):
        for start in range(0, num_images, block):
            stop = min(start + block, num_images)
            for first in range(start, stop, size):
                index = np.arange(first, first + size) % num_images
                yield draw, index, min(size, stop - first), first + size >= stop


def _multiple(number, of):
    """The next multiple."""
    return -(-number // of) * of


class _Records:
    """Figures of every transmission so far."""

    def __init__(self, samples, metrics):
        num, groups = len(samples), samples.groups
        labels = range(num) if groups is None else groups
        self._groups = np.array([str(label) for label in labels])
        self._clusters = np.arange(num)
        if groups is not None:
            self._clusters = np.unique(np.asarray(groups), return_inverse=True)[1]
        self._hashes = np.array([pixel_hash(image)[:16] for image in samples.images])
        self._dimensions = float(np.prod(samples.images.shape[1:]))
        self._metrics = metrics
        self._columns, self._extras = {}, []

    def add(self, draw, batch, h, sent, index):
        """Takes the first ``len(index)`` samples of a transmission."""
        num = len(index)
        kept, delivered = batch.take(np.arange(num)), _first(sent.delivered, num)
        power = np.abs(ops.convert_to_numpy(h)[:num]) ** 2
        rows = {
            "image": index,
            "image_sha256": self._hashes[index],
            "draw": np.full(num, draw),
            "group": self._groups[index],
            "fade_power": power.reshape(num, -1).mean(axis=1),
        }
        for metric in self._metrics:
            rows |= metric.measure(kept, delivered)
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
        self._extras = list(extras)
        for name, values in (rows | extras).items():
            self._columns.setdefault(name, []).append(_plain(values))

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


def _plain(values):
    """Truth values, texts and whole numbers as they are, all else as `float64`."""
    values = np.asarray(values)
    return values if values.dtype.kind in "biuU" else values.astype("float64")


def _first(delivered, num):
    """What was delivered of the first samples of a batch."""
    parts = (delivered.images, delivered.texts, delivered.features)
    return Delivered(*(None if part is None else part[:num] for part in parts))
