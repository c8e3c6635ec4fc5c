"""Where the points of a sweep are computed: here, on several cores, on a cluster.

Every engine has one method, ``map(function, shared, items, on_progress=None)``, which
yields ``(item, function(shared, item))`` in the order in which they finish, those that
finish together in the order of the items. The numbers do not depend on the engine: a
point draws from nothing but its own seeds. ``on_progress(item, count)`` is called in
this process while an item is computed, with what :mod:`semcom_phy.progress` counted of
it since the last call; not for items on a cluster.

On this machine items are taken one by one as they are needed, so that an iterator may
decide what comes next by the answers so far.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice

from semcom_phy.progress import listening

_PAUSE = 0.5  # between two looks at what the workers count [s]
_COUNTS = None  # in a worker: the queue to the parent, if that shows progress


class SerialEngine:
    """One point after the other in this process."""

    def map(self, function, shared, items, on_progress=None):
        for item in items:
            listener = None if on_progress is None else partial(on_progress, item)
            with listening(listener):
                answer = function(shared, item)
            yield item, answer


class ProcessEngine:
    """Points on several cores, in processes that are started afresh (spawn).

    Every process loads the backend and builds its own links; that pays off for
    sweeps of minutes, not of seconds.

    Parameters
    ----------
    workers : `int`
        Number of processes, at least 1

    Raises
    ------
    ValueError
        If ``workers`` is less than 1.
    RuntimeError
        From ``map``, if a process dies.
    """

    def __init__(self, workers):
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.workers = workers

    def map(self, function, shared, items, on_progress=None):
        others = multiprocessing.active_children()
        context = multiprocessing.get_context("spawn")
        counts = None if on_progress is None else context.SimpleQueue()
        pool = ProcessPoolExecutor(
            self.workers,
            mp_context=context,
            initializer=_start_worker,
            initargs=(counts,),
        )
        numbered, running = enumerate(items), {}  # future -> number, item

        def start(count):
            for number, item in islice(numbered, count):
                future = pool.submit(_compute, function, shared, item, number)
                running[future] = number, item

        def tell():
            of_number = dict(running.values())
            while counts is not None and not counts.empty():
                number, count = counts.get()
                on_progress(of_number[number], count)

        try:
            start(self.workers + 1)  # one waits, so that no worker has to
            while running:
                pause = None if counts is None else _PAUSE
                done = wait(running, timeout=pause, return_when=FIRST_COMPLETED).done
                tell()  # before the item's answer, which is sent after its counts
                for future in [own for own in running if own in done]:
                    yield running.pop(future)[1], future.result()
                    start(1)
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process died, perhaps for want of memory; finished points "
                "are kept: start again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()


class DaskEngine:
    """Points on a Dask cluster, e.g. one that dask-jobqueue started under SLURM.

    Parameters
    ----------
    address : `str` or `None`, (default None)
        The scheduler's address; `None` starts workers on this machine

    Raises
    ------
    ImportError
        If dask.distributed is not installed.
    """

    def __init__(self, address=None):
        try:
            from dask import distributed
        except ImportError as error:
            raise ImportError(
                "the Dask engine needs dask: pip install semcom-phy[cluster]"
            ) from error
        self._distributed = distributed
        self.address = address

    def map(self, function, shared, items, on_progress=None):
        with self._distributed.Client(self.address) as client:
            data = client.scatter(shared, broadcast=True)
            futures = {
                client.submit(function, data, item, pure=False): item for item in items
            }
            for future in self._distributed.as_completed(futures):
                yield futures[future], future.result()


def _start_worker(counts):
    """Leaves Ctrl-C to the parent, and ends a worker whose parent was killed."""
    global _COUNTS
    _COUNTS = counts
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _compute(function, shared, item, number):
    """In a worker: an answer, while its counts go to the parent."""

    def tell(count):
        _COUNTS.put((number, count))

    with listening(None if _COUNTS is None else tell):
        return function(shared, item)
