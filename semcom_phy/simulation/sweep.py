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
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from semcom_phy.checks import check_integer, check_number
from semcom_phy.progress import counted
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.chunks import ChunkResult, batches_of, chunks_of
from semcom_phy.simulation.engines import SerialEngine
from semcom_phy.simulation.metric import check_delivered, check_samples
from semcom_phy.simulation.metric_table import IMAGE_METRICS
from semcom_phy.simulation.records import Records, first_of
from semcom_phy.simulation.results import Point
from semcom_phy.simulation.shown import Shown, crop_for_figure, crops_for_figure
from semcom_phy.snr import SNR_RANGE_DB


class Link(NamedTuple):
    """A system, a :class:`~semcom_phy.simulation.system.System` or one that counts
    wrong bits, and the channel it is sent over."""

    system: Any
    channel: Any


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
    pictures : :class:`~semcom_phy.simulation.figures.full_pictures.FullPictures`,
    optional
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

    Example
    -------
    >>> from dataclasses import replace
    >>> from link_models.links.radio import build_channel
    >>> from link_models.systems.table import build_system
    >>> from scenarios.mimo_2x2 import SCENARIO
    >>> from semcom_phy.sources.images import load_samples
    >>> scenario = replace(SCENARIO, csi="perfect")
    >>> link = Link(build_system("adjscc", scenario), build_channel(scenario))
    >>> point = simulate_point(link, load_samples("sample", 4), 10.0, SweepSettings())
    >>> psnr = point.metrics["psnr_db"]
    >>> point.status, psnr.num_images, 20 < psnr.mean < 40
    ('done', 4, True)
    """
    whole = simulate_chunk(link, samples, snr_db, settings, metrics, pictures)
    return joined_point([whole], samples, metrics)


def simulate_chunk(
    link, samples, snr_db, settings, metrics=IMAGE_METRICS, pictures=None, span=None
):
    """Sends some of the batches of a point; see :func:`simulate_point`.

    Parameters
    ----------
    link, samples, snr_db, settings, metrics
        As of :func:`simulate_point`
    pictures : :class:`~semcom_phy.simulation.figures.full_pictures.FullPictures`,
    optional
        Of a chunk that is the whole point
    span : (`int`, `int`) or `None`, (default None)
        First batch, and the one behind the last, of
        :func:`~semcom_phy.simulation.chunks.batches_of`; `None`: all

    Output
    ------
    : :class:`~semcom_phy.simulation.chunks.ChunkResult`

    Raises
    ------
    ValueError
        As of :func:`simulate_point`.
    """
    check_number("snr_db", snr_db, *SNR_RANGE_DB, "dB")
    check_samples(metrics, samples)
    records, shown, status = Records(samples, metrics), [], "done"
    batches = batches_of(len(samples), settings)[slice(*(span or (None,)))]
    with _writer(pictures, snr_db, settings) as write:
        for draw, index, num, look in batches:
            batch = samples.take(index)
            seeds = image_seeds(settings.seed, draw, index)
            h = sample_fades(link.channel, seeds)
            with counted(num):
                sent = _sent(link.system, batch, float(snr_db), h, seeds)
            _check_answer(sent, batch, metrics, link.system.name)
            records.add(draw, batch, h, sent, index[:num])
            write(first_of(sent.delivered, num).images, index[:num], draw)
            if draw == 0 and index[0] < settings.num_shown:
                kept = min(num, settings.num_shown - int(index[0]))
                shown.append(_for_figure(sent.delivered, batch, kept, settings))
            if look and records.is_precise(settings):
                status = "target_reached"
                break
    return ChunkResult(status, records.rows(), records.extras, *_joined(shown))


def joined_point(chunks, samples, metrics):
    """The point of all its chunks, in their order.

    Parameters
    ----------
    chunks : sequence of :class:`~semcom_phy.simulation.chunks.ChunkResult`

    samples, metrics
        As of :func:`simulate_point`

    Output
    ------
    : :class:`~semcom_phy.simulation.results.Point`
    """
    records = Records(samples, metrics)
    for chunk in chunks:
        records.join(chunk.columns, chunk.extras)
    shown = [
        (chunk.num_shown, chunk.images, chunk.texts)
        for chunk in chunks
        if chunk.num_shown
    ]
    num, images, texts = _joined(shown)
    outage = tuple(records.column("outage")[:num].tolist())
    seen = Shown(images, texts, records.values_shown(num), outage)
    metric_means, extras = records.estimates()
    return Point(chunks[-1].status, metric_means, extras, seen, records.rows())


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
        (:mod:`~semcom_phy.simulation.figures.full_pictures`); finished points without
        theirs are sent again, with the same outcome
    on_point : callable of build, optional
        Told of every point that was filed
    """
    engine = engine or SerialEngine()
    if not isinstance(settings, Mapping):
        settings = dict.fromkeys(curves, settings)
    pictures = pictures or {}
    plan = _Plan(curves, samples, snr_db, settings, pictures)
    bar = tqdm(
        total=plan.num_images,
        initial=plan.num_images_done,
        unit="image",
        disable=None if progress else True,
        dynamic_ncols=True,
    )
    counts = Counter()

    def tell(task, num_images):
        counts[task] += num_images
        title, axis = curves[task.build].title, curves[task.build].axis
        bar.set_postfix_str(f"{title} {axis.names(task.snr_db)}", refresh=False)
        bar.update(num_images)

    def file(build, snr, chunks):
        curves[build].record(snr, joined_point(chunks, samples, metrics))
        if on_point is not None:
            on_point(build)

    on_progress = None if bar.disable else tell
    with bar:
        for point in plan.complete_points():
            file(*point)
        shared = samples, settings, metrics, pictures
        for task, chunk in engine.map(_simulate_task, shared, plan.tasks, on_progress):
            for point in plan.add(task, chunk):
                file(*point)
            tell(task, task.num_images - counts[task])  # e.g. a target was reached


@functools.lru_cache(maxsize=32)
def built(build: Callable[[], Link]):
    """``build()``, once in every process whatever the number of points."""
    return build()


class Task(NamedTuple):
    """What an engine computes at once: some batches of a point of a system.

    Attributes
    ----------
    build : callable
        Gives the :class:`Link`

    snr_db : `float`
        SNR [dB]

    span : (`int`, `int`)
        First batch of the point, and the one behind the last

    num_images : `int`
        Transmissions that count
    """

    build: Callable[[], Link]
    snr_db: float
    span: tuple[int, int]
    num_images: int


class _Plan:
    """The tasks of a sweep, and the points whose chunks are all there.

    Chunks of points that are not complete are kept in files, and those that an earlier
    run left are taken from there.
    """

    def __init__(self, curves, samples, snr_db, settings, pictures):
        self.tasks, self.num_images, self.num_images_done = [], 0, 0
        self._curves, self._waiting = curves, {}  # (build, snr) -> {task: chunk}
        for build, file in curves.items():
            unfinished, own = file.unfinished(snr_db), pictures.get(build)
            file.chunks.tidy(file.points)
            for snr in map(float, dict.fromkeys(snr_db)):
                batches = batches_of(len(samples), settings[build])
                num_images = sum(batch.num for batch in batches)
                self.num_images += num_images
                if snr not in unfinished and not _lacks_pictures(own, file, snr):
                    self.num_images_done += num_images
                    continue
                spans = chunks_of(len(batches), settings[build], own is not None)
                found = self._waiting[build, snr] = {}
                for first, stop in spans:
                    num = sum(batch.num for batch in batches[first:stop])
                    task = Task(build, snr, (first, stop), num)
                    if own is None:
                        found[task] = file.chunks.load(snr, task.span)
                    else:  # whose pictures are written while it is sent
                        found[task] = None
                    if found[task] is None:
                        self.tasks.append(task)
                    else:
                        self.num_images_done += num

    def complete_points(self):
        """Takes out and yields (build, snr, chunks) of points that lack nothing."""
        for key, found in list(self._waiting.items()):
            if None not in found.values():
                del self._waiting[key]
                yield *key, list(found.values())

    def add(self, task, chunk):
        """Takes a chunk; yields the point that it completes, as above."""
        found = self._waiting[task.build, task.snr_db]
        found[task] = chunk
        if any(other is None for other in found.values()):
            self._curves[task.build].chunks.keep(task.snr_db, task.span, chunk)
            return
        del self._waiting[task.build, task.snr_db]
        yield task.build, task.snr_db, list(found.values())


def _simulate_task(shared, task):
    samples, settings, metrics, pictures = shared
    return simulate_chunk(
        built(task.build),
        samples,
        task.snr_db,
        settings[task.build],
        metrics,
        pictures.get(task.build),
        task.span,
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


def _sent(system, batch, snr_db, h, seeds):
    """What a system delivers; an error of its own names it, and where it was."""
    try:
        return system.transmit(batch, snr_db, h, seeds)
    except ValueError as error:
        raise ValueError(f"{error} (system {system.name!r}, {snr_db:g} dB)") from error


def _check_answer(sent, batch, metrics, name):
    check_delivered(metrics, sent.delivered, name)
    images = sent.delivered.images
    if images is not None and images.shape != batch.images.shape:
        raise ValueError(
            f"{name} returned images of shape {list(images.shape)} for "
            f"{list(batch.images.shape)}"
        )


def _for_figure(delivered, batch, num, settings):
    """How many, images and texts of the first samples of a batch, as of a figure."""
    images, texts, *_ = first_of(delivered, num)
    if images is not None:
        crops = settings.shown_crops(batch.images[:num])
        images = crop_for_figure(images, crops, settings.max_shown_size)
    return num, images, None if texts is None else tuple(texts)


def _joined(shown):
    """What :func:`_for_figure` gave of several batches, as that of one."""
    if not shown:
        return 0, None, None
    num, images, texts = zip(*shown, strict=True)
    images = None if images[0] is None else np.concatenate(images)
    texts = None if texts[0] is None else sum(texts, ())
    return sum(num), images, texts
