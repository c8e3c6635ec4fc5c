"""Where the chunks of a sweep are computed: here, on several cores, on a cluster.

Every engine has one method, ``map(function, shared, items, on_progress=None)``, which
yields ``(item, function(shared, item))`` in the order in which they finish, those that
finish together in the order of the items. ``shared`` reaches a worker once, not with
every item. The numbers do not depend on the engine: an image draws from nothing but its
own seeds. ``on_progress(item, count)`` is called in
this process while an item is computed, with what :mod:`semcom_phy.progress` counted of
it since the last call; not for items on a cluster.

On this machine items are taken one by one as they are needed, so that an iterator may
decide what comes next by the answers so far.
"""

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import Any

from semcom_phy.progress import listening

_PAUSE = 0.5  # between two looks at what the workers count [s]
# In a worker: the queue to the parent, if that shows progress, and what it computes.
_COUNTS: Any = None
_FUNCTION: Any = None
_SHARED: Any = None
_ONE_AT_A_TIME = threading.Lock()  # in a Dask worker of several threads
_LARGE = "distributed.admin.large-graph-warning-threshold"  # of a task with its data
_ANSWER_SECONDS = 20  # to wait for a Dask scheduler


class SerialEngine:
    """One item after the other in this process."""

    def map(self, function, shared, items, on_progress=None):
        for item in items:
            listener = None if on_progress is None else partial(on_progress, item)
            with listening(listener):
                answer = function(shared, item)
            yield item, answer


class ProcessEngine:
    """Items on several cores, in processes that are started afresh (spawn).

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
            initargs=(counts, function, shared),
        )
        numbered, running = enumerate(items), {}  # future -> number, item

        def start(count):
            for number, item in islice(numbered, count):
                future = pool.submit(_compute, item, number)
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
                "a worker process died, perhaps for want of memory; what is finished "
                "is kept: start again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()


class DaskEngine:
    """Items on a Dask cluster, e.g. one that dask-jobqueue started under SLURM.

    What a worker was computing when it died is computed again by another one. Workers
    may come and go while a sweep runs; it waits where there is none.

    Parameters
    ----------
    address : `str` or `None`, (default None)
        The scheduler's address; `None` starts workers on this machine

    Raises
    ------
    ImportError
        If dask.distributed is not installed.
    ConnectionError
        From ``map``, if no scheduler answers there.
    RuntimeError
        From ``map``, if workers die again and again over one item, or the scheduler
        goes away.
    """

    def __init__(self, address=None):
        try:
            from dask import config, distributed
        except ImportError as error:
            raise ImportError(
                "the Dask engine needs dask: pip install semcom-phy[cluster]"
            ) from error
        self._config, self._distributed = config, distributed
        self.address = address

    def map(self, function, shared, items, on_progress=None):
        with self._connect() as client:
            if not client.scheduler_info()["workers"]:
                print(
                    f"no worker at {client.scheduler.address} yet: waiting for one",
                    file=sys.stderr,
                )
            # A task of its own: unlike scattered data it is there again when all
            # workers that held it are gone.
            with self._config.set({_LARGE: "1 TB"}):
                data = client.submit(_same, shared, pure=False)
            futures = {
                client.submit(_on_cluster, function, data, item, pure=False): item
                for item in items
            }
            finished = self._distributed.as_completed(
                futures, with_results=True, raise_errors=False
            )
            for batch in finished.batches():
                answers = [
                    (futures.pop(future), answer, future.status)
                    for future, answer in batch
                ]
                # Let go of, or they would be computed again where the worker that made
                # them dies afterwards.
                batch.clear()
                for item, answer, status in answers:
                    if status == "error":
                        self._raise(answer)
                    if status == "cancelled":
                        raise RuntimeError(
                            "the scheduler of --dask went away; what is finished is "
                            "kept: start it, and give the same command again"
                        )
                    yield item, answer

    def _raise(self, failure):
        _, error, traceback = failure
        if isinstance(error, self._distributed.KilledWorker):
            raise RuntimeError(
                f"workers of --dask died again and again over one task ({error}), "
                "perhaps for want of memory or by their time limit: give them more; "
                "what is finished is kept"
            ) from error
        raise error.with_traceback(traceback)

    def _connect(self):
        if self.address is None:
            return self._distributed.Client()
        try:
            return self._distributed.Client(self.address, timeout=_ANSWER_SECONDS)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ConnectionError(
                f"--dask {self.address}: no Dask scheduler answers there ({reason}); "
                "start one with 'dask scheduler' and give the address that it prints, "
                "such as tcp://host:8786, or leave out --dask"
            ) from error


def _same(shared):
    return shared


def _on_cluster(function, shared, item):
    """In a Dask worker: links are not made for several threads."""
    with _ONE_AT_A_TIME:
        return function(shared, item)


def _start_worker(counts, function, shared):
    """Leaves Ctrl-C to the parent, and ends a worker whose parent was killed."""
    global _COUNTS, _FUNCTION, _SHARED
    _COUNTS, _FUNCTION, _SHARED = counts, function, shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("this process is no worker: it has no parent")

    def watch():
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _compute(item, number):
    """In a worker: an answer, while its counts go to the parent."""

    def tell(count):
        _COUNTS.put((number, count))

    with listening(None if _COUNTS is None else tell):
        return _FUNCTION(_SHARED, item)
