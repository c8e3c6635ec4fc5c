"""Where the points of a sweep are computed: here, on several cores, on a cluster.

Every engine has one method, ``map(function, shared, items)``, which yields
``(item, function(shared, item))`` in the order in which they finish, those that finish
together in the order of the items. The numbers do not depend on the engine: a point
draws from nothing but its own seeds.

On this machine items are taken one by one as they are needed, so that an iterator may
decide what comes next by the answers so far.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice


class SerialEngine:
    """One point after the other in this process."""

    in_process = True

    def map(self, function, shared, items):
        for item in items:
            yield item, function(shared, item)


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

    in_process = False

    def __init__(self, workers):
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.workers = workers

    def map(self, function, shared, items):
        others = multiprocessing.active_children()
        pool = ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_obey_parent,
        )
        items, running = iter(items), {}

        def start(count):
            for item in islice(items, count):
                running[pool.submit(function, shared, item)] = item

        try:
            start(self.workers + 1)  # one waits, so that no worker has to
            while running:
                done = wait(running, return_when=FIRST_COMPLETED).done
                for future in [own for own in running if own in done]:
                    yield running.pop(future), future.result()
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

    in_process = False

    def __init__(self, address=None):
        try:
            from dask import distributed
        except ImportError as error:
            raise ImportError(
                "the Dask engine needs dask: pip install semcom-phy[cluster]"
            ) from error
        self._distributed = distributed
        self.address = address

    def map(self, function, shared, items):
        with self._distributed.Client(self.address) as client:
            data = client.scatter(shared, broadcast=True)
            futures = {
                client.submit(function, data, item, pure=False): item for item in items
            }
            for future in self._distributed.as_completed(futures):
                yield futures[future], future.result()


def _obey_parent():
    """Leaves Ctrl-C to the parent, and ends a worker whose parent was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
