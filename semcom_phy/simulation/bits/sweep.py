"""Bit and block error rates over the SNR, until enough blocks were wrong.

Block b's bits, fade and noise follow from (seed, b). Batches are computed by any
number of processes, and count in the order of their blocks up to the one with which
the target is reached: the counts depend neither on the size of a batch nor on the
number of workers.
"""

from dataclasses import asdict, dataclass

import numpy as np
from tqdm import tqdm

from semcom_phy.checks import check_integer, check_number
from semcom_phy.metrics.link import ErrorCount
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.bits.results import BitPoint, ErrorRate
from semcom_phy.simulation.engines import SerialEngine
from semcom_phy.simulation.statistics.intervals import clustered_probability
from semcom_phy.simulation.sweep import built
from semcom_phy.snr import SNR_RANGE_DB


@dataclass(frozen=True)
class BitSettings:
    """How much is simulated at every SNR point.

    Parameters
    ----------
    seed : `int`, (default 1)
        Fixes bits, fades and noise
    target_errors : `int`, (default 100)
        A point ends with this block error
    max_blocks : `int`, (default 20000)
        or with this block
    batch_size : `int`, (default 64)
        Blocks sent at once; the counts do not depend on it

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    seed: int = 1
    target_errors: int = 100
    max_blocks: int = 20_000
    batch_size: int = 64

    def __post_init__(self):
        check_integer("seed", self.seed, 0)
        for name in ("target_errors", "max_blocks", "batch_size"):
            check_integer(name, getattr(self, name), 1)

    def to_dict(self):
        """What fixes the counts, plain values for the result file."""
        values = asdict(self)
        del values["batch_size"], values["seed"]
        return values


def count_batch(link, snr_db, first, settings):
    """Sends a batch of blocks.

    Parameters
    ----------
    link : :class:`~semcom_phy.simulation.sweep.Link`
        ``system.transmit(snr_db, h, seeds)`` counts the wrong bits of blocks
    snr_db : `float`
        SNR per receive antenna [dB]
    first : `int`
        Number of the first block
    settings : :class:`BitSettings`

    Output
    ------
    : [batch_size], `int`
        Wrong bits of every block
    """
    index = range(first, first + settings.batch_size)
    seeds = image_seeds(settings.seed, 0, index)
    h = sample_fades(link.channel, seeds)
    return link.system.transmit(float(snr_db), h, seeds)


class BlockTally:
    """Counts blocks in the order of their number, whatever the order they come in.

    Parameters
    ----------
    settings : :class:`BitSettings`
        When to stop
    """

    def __init__(self, settings):
        self._settings = settings
        self._waiting, self._parts = {}, []
        self.num_blocks = self.num_errors = 0
        self.is_finished = False

    def add(self, first, wrong):
        """Takes the wrong bits of the blocks from number ``first`` on, each batch
        once."""
        self._waiting[first] = np.asarray(wrong)
        while not self.is_finished and self.num_blocks in self._waiting:
            self._count(self._waiting.pop(self.num_blocks))

    def _count(self, wrong):
        settings = self._settings
        wrong = wrong[: settings.max_blocks - self.num_blocks]
        missing = settings.target_errors - self.num_errors
        errors = np.flatnonzero(wrong)
        if len(errors) >= missing:
            wrong = wrong[: errors[missing - 1] + 1]
        self._parts.append(wrong)
        self.num_blocks += len(wrong)
        self.num_errors += int(np.count_nonzero(wrong))
        self.is_finished = (
            self.num_errors == settings.target_errors
            or self.num_blocks == settings.max_blocks
        )

    def point(self, num_bits):
        """The error rates of the blocks counted.

        Parameters
        ----------
        num_bits : `int`
            Information bits of a block

        Output
        ------
        : :class:`~semcom_phy.simulation.bits.results.BitPoint`
        """
        wrong = np.concatenate(self._parts)
        blocks = ErrorCount(int(self.num_errors), int(self.num_blocks))
        bits = ErrorCount(int(wrong.sum()), len(wrong) * num_bits)
        ber = clustered_probability(
            wrong / num_bits, np.arange(len(wrong)), trials=num_bits
        )
        reached = self.num_errors == self._settings.target_errors
        return BitPoint(
            "target_reached" if reached else "done",
            ErrorRate(bits, ber.ci95),
            ErrorRate(blocks, blocks.interval()),
        )


def measure_points(tasks, settings, engine=None, on_batch=None):
    """Simulates points, each until it has its errors.

    Parameters
    ----------
    tasks : sequence of (build, snr_db)
        ``build()`` gives the :class:`~semcom_phy.simulation.sweep.Link`; it must be
        hashable, and importable by a new process
    settings : :class:`BitSettings`
    engine : an engine of :mod:`semcom_phy.simulation.engines`, optional
        Where; default: in this process
    on_batch : callable of ((build, snr_db), :class:`BlockTally`), optional
        Told after every batch

    Output
    ------
    Yields ((build, snr_db), :class:`~semcom_phy.simulation.bits.results.BitPoint`) as
    the points are finished

    Raises
    ------
    ValueError
        If an SNR is out of range.
    """
    tallies = {task: BlockTally(settings) for task in tasks}
    for _, snr_db in tallies:
        check_number("snr_db", snr_db, *SNR_RANGE_DB, "dB")

    def batches():  # taken one by one: what comes next depends on what was counted
        for task, tally in tallies.items():
            for first in range(0, settings.max_blocks, settings.batch_size):
                if tally.is_finished:
                    break
                yield task, first

    unfinished = len(tallies)
    if not unfinished:
        return
    engine = engine or SerialEngine()
    for (task, first), wrong in engine.map(_count_task, settings, batches()):
        tally = tallies[task]
        if tally.is_finished:  # begun before that was known
            continue
        tally.add(first, wrong)
        if on_batch is not None:
            on_batch(task, tally)
        if tally.is_finished:
            unfinished -= 1
            yield task, tally.point(built(task[0]).system.num_info_bits)
        if not unfinished:
            return


def run_bit_sweep(curves, snr_db, settings, engine=None, progress=True):
    """Simulates every unfinished point of several links and files each at once.

    Parameters
    ----------
    curves : `dict`
        build -> :class:`~semcom_phy.simulation.bits.results.BitResultFile`
    snr_db : sequence of `float`
        SNR points [dB]
    settings, engine
        As of :func:`measure_points`
    progress : `bool`, (default True)
        Show a bar on stderr, if that is a terminal
    """
    tasks = [
        (build, snr)
        for build, file in curves.items()
        for snr in file.unfinished(snr_db)
    ]
    total = len(curves) * len(set(snr_db))
    bar = tqdm(
        total=total,
        initial=total - len(tasks),
        unit="point",
        disable=None if progress else True,
        dynamic_ncols=True,
    )

    def tell(task, tally):
        build, snr = task
        counted = f"{tally.num_errors} of {tally.num_blocks} blocks"
        bar.set_postfix_str(f"{curves[build].title} {snr:g} dB: {counted}")

    with bar:
        for (build, snr), point in measure_points(tasks, settings, engine, tell):
            curves[build].record(snr, point)
            bar.update()


def _count_task(settings, item):
    (build, snr_db), first = item
    return count_batch(built(build), snr_db, first, settings)
