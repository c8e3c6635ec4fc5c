"""Sweeps over the SNR: the same images, fades and noise seeds for every system.

The fade and the noise of an image depend on the seed, the channel draw and the image
alone. All systems see the same ones, at every SNR, whatever the batches: differences
between systems, and between SNRs, are paired.

    build() --> system.transmit(images, snr_db, h, seeds) --> Transmission
        |                                       ^                 |
        '-----> sample_fades(channel, seeds) ---'                 v
                                                   metrics, intervals --> result file
"""

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from keras import ops
from tqdm import tqdm

from semcom_phy.checks import check_integer, check_number
from semcom_phy.metrics.image import ms_ssim, mse, psnr, ssim
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.engines import SerialEngine
from semcom_phy.simulation.intervals import (
    clustered_mean,
    clustered_probability,
    psnr_of_mean_mse,
)
from semcom_phy.simulation.results import Point
from semcom_phy.snr import SNR_RANGE_DB
from semcom_phy.sources.pixel_hash import pixel_hash


class Link(NamedTuple):
    """A system and the channel it is sent over."""

    system: object
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
        Stop a point when half the 95 % interval of the mean PSNR is at most this
        [dB]; `None`: send every image ``draws`` times
    min_images : `int`, (default 32)
        Look at the interval after every so many images, and only from this number of
        images (or groups of images) on: that of a handful is itself uncertain
    num_shown : `int`, (default 6)
        Reconstructions kept for the figure
    max_shown_size : `int`, (default 64)
        Larger images are cut to their centre for the figure [pixel]

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
    num_shown: int = 6
    max_shown_size: int = 64

    def __post_init__(self):
        for name in ("draws", "batch_size", "min_images", "num_shown"):
            check_integer(name, getattr(self, name), 1)
        check_integer("max_shown_size", self.max_shown_size, 1)
        check_integer("seed", self.seed, 0)
        if self.target_ci is not None:
            check_number("target_ci", self.target_ci, 1e-6, 60, "dB")

    def to_dict(self):
        """Plain values for the result file."""
        return asdict(self)


def simulate_point(link, images, snr_db, settings, on_batch=None, groups=None):
    """Sends the images over the link at one SNR.

    Parameters
    ----------
    link : :class:`Link`
        ``system.transmit(images, snr_db, h, seeds)``, ``channel.sample_each(seeds)``
    images : [num_images, height, width, 3], `uint8`
        The images, sent in this order, ``settings.draws`` times
    snr_db : `float`
        SNR per receive antenna [dB]
    settings : :class:`SweepSettings`
        How much to simulate
    on_batch : callable of `int`, optional
        Told the number of images sent after every batch
    groups : sequence of `int` or `str`, one per image, optional
        Images that are alike, such as frames of one drive, share a group; the
        groups, not the images, are what the intervals count. Default: every image
        is its own. The caller notes them in the result file, see
        :func:`~semcom_phy.simulation.segments.describe_groups`

    Output
    ------
    : :class:`~semcom_phy.simulation.results.Point`
        Depends on the arguments alone

    Raises
    ------
    ValueError
        If there are not as many groups as images, the SNR is out of range, or the
        system returns images of another shape.
    """
    check_number("snr_db", snr_db, *SNR_RANGE_DB, "dB")
    records, shown = _Records(images, groups), []
    status = "done"
    for draw, index, num, look in _batches(len(images), settings):
        originals = images[index]
        seeds = image_seeds(settings.seed, draw, index)
        h = sample_fades(link.channel, seeds)
        sent = link.system.transmit(originals, float(snr_db), h, seeds)
        if sent.images.shape != originals.shape:
            raise ValueError(
                f"{link.system.name} returned images of shape "
                f"{list(sent.images.shape)} for {list(originals.shape)}"
            )
        records.add(draw, originals[:num], h, sent, index[:num])
        if draw == 0 and len(shown) < settings.num_shown:
            shown.extend(sent.images[:num])
        if on_batch is not None:
            on_batch(num)
        if look and records.is_precise(settings):
            status = "target_reached"
            break
    num_shown = min(len(shown), settings.num_shown)
    return Point(
        status,
        *records.estimates(),
        crop_for_figure(np.stack(shown[:num_shown]), settings.max_shown_size),
        tuple(records.column("psnr_db")[:num_shown].tolist()),
        tuple(records.column("outage")[:num_shown].tolist()),
        records.rows(),
    )


def run_sweep(
    curves, images, snr_db, settings, engine=None, progress=True, groups=None
):
    """Simulates every unfinished point of several curves and files each at once.

    Parameters
    ----------
    curves : `dict` of build -> :class:`~semcom_phy.simulation.results.ResultFile`
        ``build()`` gives the :class:`Link`. It must be hashable, and, for engines
        other than :class:`~semcom_phy.simulation.engines.SerialEngine`,
        importable by a new process: a frozen dataclass with ``__call__`` will do
    images : [num_images, height, width, 3], `uint8`
        The images to send
    snr_db : sequence of `float`
        SNR points [dB]
    settings : :class:`SweepSettings`
        How much to simulate at each
    engine : an engine of :mod:`semcom_phy.simulation.engines`, optional
        Where; default: in this process
    progress : `bool`, (default True)
        Show a bar on stderr, if that is a terminal
    groups : sequence of `int` or `str`, one per image, optional
        Images that are alike, see :func:`simulate_point`
    """
    engine = engine or SerialEngine()
    tasks = [
        (build, snr)
        for build, file in curves.items()
        for snr in file.unfinished(snr_db)
    ]
    per_point = settings.draws * len(images)
    bar = tqdm(
        total=per_point * (len(curves) * len(set(snr_db))),
        initial=per_point * (len(curves) * len(set(snr_db)) - len(tasks)),
        unit="image",
        disable=None if progress else True,
        dynamic_ncols=True,
    )
    function = _simulate_task
    if engine.in_process:
        function = functools.partial(_simulate_task, on_batch=bar.update)
    with bar:
        done = bar.n
        shared = images, settings, groups
        for (build, snr), point in engine.map(function, shared, tasks):
            curves[build].record(snr, point)
            done += per_point
            bar.set_postfix_str(f"{curves[build].title} {snr:g} dB", refresh=False)
            bar.update(done - bar.n)


@functools.lru_cache(maxsize=32)
def built(build: Callable[[], Link]):
    """``build()``, once in every process whatever the number of points."""
    return build()


def crop_for_figure(images, max_size):
    """The centre of each image, at most ``max_size`` pixels a side, square."""
    height, width = images.shape[1:3]
    size = min(height, width, max_size)
    top, left = (height - size) // 2, (width - size) // 2
    return images[:, top : top + size, left : left + size]


def _simulate_task(shared, task, on_batch=None):
    images, settings, groups = shared
    build, snr_db = task
    return simulate_point(built(build), images, snr_db, settings, on_batch, groups)


def _clusters(images, groups):
    """Number of each image's group, [num_images] `int`."""
    if groups is None:
        return np.arange(len(images))
    if len(groups) != len(images):
        raise ValueError(
            f"{len(groups)} groups for {len(images)} images: give one label per image"
        )
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def _batches(num_images, settings):
    """Yields (draw, image indices, how many of them count, look at the interval now).

    All batches are of one size, for another one would have every graph traced anew: the
    last is filled up with the images that follow, whose results are then dropped. With
    a target, batches end where the interval is looked at, every ``min_images`` images,
    so that the batch size does not say how many images are sent.
    """
    block = num_images
    if settings.target_ci is not None:
        block = min(settings.min_images, num_images)
    size = -(-block // -(-block // settings.batch_size))
    for draw in range(settings.draws):
        for start in range(0, num_images, block):
            stop = min(start + block, num_images)
            for first in range(start, stop, size):
                index = np.arange(first, first + size) % num_images
                yield draw, index, min(size, stop - first), first + size >= stop


class _Records:
    """Figures of every transmission so far."""

    def __init__(self, images, groups):
        self._clusters = _clusters(images, groups)
        labels = range(len(images)) if groups is None else groups
        self._groups = np.array([str(label) for label in labels])
        self._hashes = np.array([pixel_hash(image)[:16] for image in images])
        self._columns, self._extras = {}, []

    def add(self, draw, originals, h, sent, index):
        """Takes the first ``len(index)`` images of a transmission."""
        num = len(index)
        estimates = sent.images[:num]
        power = np.abs(ops.convert_to_numpy(h)[:num]) ** 2
        rows = {
            "image": index,
            "image_sha256": self._hashes[index],
            "draw": np.full(num, draw),
            "group": self._groups[index],
            "fade_power": power.reshape(num, -1).mean(axis=1),
            "psnr_db": psnr(originals, estimates),
            "mse": mse(originals, estimates),
            "ssim": ssim(originals, estimates),
            "ms_ssim": ms_ssim(originals, estimates),
            "outage": sent.outage[:num],
        }
        taken = sorted({*rows, "snr_db"} & set(sent.extras))
        if taken:
            raise ValueError(
                f"extras may not be named {', '.join(taken)}: every system has these"
            )
        self._extras = list(sent.extras)
        rows |= {name: np.asarray(sent.extras[name])[:num] for name in sent.extras}
        for name, values in rows.items():
            self._columns.setdefault(name, []).append(_plain(values))

    def column(self, name):
        return np.concatenate(self._columns[name])

    def rows(self):
        """All columns, see :mod:`~semcom_phy.simulation.rows`."""
        return {name: self.column(name) for name in self._columns}

    def is_precise(self, settings):
        """True when the mean PSNR is known well enough to stop."""
        if settings.target_ci is None:
            return False
        index, groups = self._index
        most = len(np.unique(self._clusters))
        if len(np.unique(groups)) < min(settings.min_images, most):
            return False
        half_width = clustered_mean(self.column("psnr_db"), index, groups).half_width
        return half_width is not None and half_width <= settings.target_ci

    def estimates(self):
        """Metrics and extras, each a `dict` of name -> Estimate."""
        index = self._index
        metrics = {
            "psnr_db": clustered_mean(self.column("psnr_db"), *index),
            "psnr_of_mean_mse_db": psnr_of_mean_mse(self.column("mse"), *index),
            "ssim": clustered_mean(self.column("ssim"), *index),
            "ms_ssim": clustered_mean(self.column("ms_ssim"), *index),
            "outage": clustered_probability(self.column("outage"), *index),
        }
        extras = {}
        for name in self._extras:
            values = self.column(name)
            is_event = values.dtype == np.bool_
            kind = clustered_probability if is_event else clustered_mean
            extras[name] = kind(values, *index)
        return metrics, extras

    @property
    def _index(self):
        """Image of every transmission, and the group of that image."""
        index = self.column("image")
        return index, self._clusters[index]


def _plain(values):
    """Truth values, texts and whole numbers as they are, all else as `float64`."""
    values = np.asarray(values)
    return values if values.dtype.kind in "biuU" else values.astype("float64")
