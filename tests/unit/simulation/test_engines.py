"""Engines: the same answers wherever they are computed, and no worker left behind."""

import operator
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import wait
from pathlib import Path
from types import SimpleNamespace

import pytest

from semcom_phy.progress import advance
from semcom_phy.simulation.engines import DaskEngine, ProcessEngine, SerialEngine

ROOT = Path(__file__).resolve().parents[3]
ORPHAN = """
import os, time
from semcom_phy.simulation.engines import ProcessEngine

def wait(shared, item):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(ProcessEngine(1).map(wait, None, [0]))
"""


def is_running(process):
    """True until the process has ended, whether or not somebody has noticed."""
    try:
        return "\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def die(shared, item):
    """Ends the worker that computes it, as the kernel does when memory is short."""
    os._exit(item)


def count_images(shared, item):
    """Counts ``item`` images, one by one."""
    for _ in range(item):
        advance()


def test_processes_give_the_answers_of_one():
    """Every item comes back once with its own answer (exact)."""
    serial = dict(SerialEngine().map(operator.mul, 3, [1, 2, 3]))
    parallel = dict(ProcessEngine(2).map(operator.mul, 3, [1, 2, 3]))
    assert serial == parallel == {1: 3, 2: 6, 3: 9}


@pytest.mark.parametrize("engine, most", [(SerialEngine(), 1), (ProcessEngine(1), 2)])
def test_items_are_taken_as_they_are_needed(engine, most):
    """An iterator may end by the answers so far: no engine takes more items than it
    has workers and one ahead (exact)."""
    answers, taken = [], 0

    def items():
        nonlocal taken
        while len(answers) < 3:
            taken += 1
            yield taken

    for _, answer in engine.map(operator.mul, 10, items()):
        answers.append(answer)
        assert taken - len(answers) < most
    assert answers[:3] == [10, 20, 30]


def test_answers_that_are_ready_together_keep_their_order(monkeypatch):
    """In whatever order the pool names those that are done, they come in that of the
    items (exact)."""

    def all_of_them(futures, timeout, return_when):
        futures = list(futures)
        wait(futures)
        return SimpleNamespace(done=futures[::-1])

    monkeypatch.setattr("semcom_phy.simulation.engines.wait", all_of_them)
    answers = ProcessEngine(2).map(operator.mul, 3, range(7))
    assert list(answers) == [(item, 3 * item) for item in range(7)]


@pytest.mark.parametrize("engine", [SerialEngine(), ProcessEngine(2)])
def test_counts_arrive_before_the_answer(engine):
    """What is counted of an item is told in this process, under the item's name and
    before its answer, wherever it is computed (exact)."""
    told, counts = Counter(), []

    def tell(item, count):
        assert count == 1
        told[item] += count

    for item, _ in engine.map(count_images, None, [3, 1, 4, 2], tell):
        counts.append((item, told[item]))
    assert sorted(counts) == [(1, 1), (2, 2), (3, 3), (4, 4)]


class Heavy:
    """Data that count how often they are sent."""

    sent = 0

    def __reduce__(self):
        Heavy.sent += 1
        return Heavy, ()


def ignore(shared, item):
    return item


def test_data_are_sent_once_to_every_worker():
    """Not with every item (exact)."""
    Heavy.sent = 0
    assert len(list(ProcessEngine(2).map(ignore, Heavy(), range(9)))) == 9
    assert 1 <= Heavy.sent <= 2


def test_a_dead_worker_is_a_clear_error():
    """A process that dies raises with the remedy; it does not hang (exact)."""
    with pytest.raises(RuntimeError, match="fewer --workers"):
        list(ProcessEngine(1).map(die, None, [1]))


def test_zero_workers_are_refused():
    """The number received is in the message (exact)."""
    with pytest.raises(ValueError, match="got 0"):
        ProcessEngine(0)


def test_workers_end_with_their_parent(tmp_path):
    """A parent that is killed leaves no process behind (10 s to notice)."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(worker)


def test_dask_that_is_missing_names_its_extra(monkeypatch):
    """The error says what to install (exact)."""
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"semcom-phy\[cluster\]"):
        DaskEngine()
