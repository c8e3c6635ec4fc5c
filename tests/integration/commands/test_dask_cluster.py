"""A sweep on a real scheduler with two worker processes, one of which is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from counted_systems import DRAWS, NUM_IMAGES
from dask_jobqueue import SLURMCluster

from scenarios import runner, sweep
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.simulation.engines import DaskEngine

ROOT = Path(__file__).resolve().parents[3]
SNR_DB = (0.0, 10.0)
SMALL = replace(
    SCENARIO, systems=("counted",), num_images=NUM_IMAGES, snr_db=SNR_DB, draws=DRAWS
)
HOLD = "0 1 5"  # SNR, draw, image: the second batch of the chunk of images 4 and 5
HELD_CHUNK = {"0 1 4", "0 1 5"}


def run(out, *options):
    argv = ["--batch-size", "1", "--out", str(out), *options]
    assert runner.main(argv, SMALL, "counted_systems") == 0
    kept = [*Path(out).glob("*.json"), *Path(out).glob("*.npz")]
    return {path.name: path.read_bytes() for path in kept}


@contextmanager
def started(folder, num_workers, **more):
    """A scheduler and workers of one thread each: its address, their processes."""
    here = Path(__file__).resolve()
    paths = [str(ROOT), str(here.parents[1]), str(here.parent)]
    paths.append(os.environ.get("PYTHONPATH", ""))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), **more}
    file = str(folder / "scheduler.json")
    local = ["--scheduler-file", file, "--no-dashboard"]
    commands = [
        ["scheduler", *local, "--host", "127.0.0.1", "--port", "0"],
        *[["worker", *local, "--nthreads", "1", "--no-nanny"]] * num_workers,
    ]
    processes = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"process_{number}.txt").open("w") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "dask", *command],
                    env=environment,
                    cwd=folder,
                    stdout=output,
                    stderr=output,
                )
            processes.append(process)
        yield address_in(file), processes
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler with two workers, and their log."""
    folder = tmp_path_factory.mktemp("cluster")
    log = folder / "log"
    with started(folder, 2, COUNTED_LOG=str(log), COUNTED_HOLD=HOLD) as (address, _):
        yield address, log


def address_in(file, seconds=200):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return json.loads(Path(file).read_text())["address"]
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    pytest.fail("the scheduler did not start")


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def kill_when_held(log, killed, seconds=200):
    """Ends the worker that stopped, once the other one has gone on for three chunks."""
    held, deadline = log.with_name(f"{log.name}.held"), time.monotonic() + seconds
    at = None
    while time.monotonic() < deadline:
        if at is None and lines(held):
            at = len(lines(log))
        if at is not None and len(lines(log)) >= at + 6:
            killed.append(int(lines(held)[0]))
            os.kill(killed[0], signal.SIGKILL)
            return
        time.sleep(0.01)


def fail(shared, item):
    raise ValueError(f"item {item} of {shared}")


def test_an_error_of_a_task_arrives_as_it_is(cluster):
    """The exception of the function, not one of Dask (exact)."""
    with pytest.raises(ValueError, match="item 3 of 5"):
        list(DaskEngine(cluster[0]).map(fail, 5, [3]))


def die(shared, item):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_cluster_that_dies_is_a_clear_error(tmp_path, monkeypatch):
    """A task that ends its workers, and a scheduler that goes away: an error that says
    so, not a sweep that hangs (exact)."""
    monkeypatch.setattr("semcom_phy.simulation.engines._ANSWER_SECONDS", 2)
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with started(tmp_path, 1, **once) as (address, (scheduler, worker)):
        with pytest.raises(RuntimeError, match="workers of --dask died again and ag"):
            list(DaskEngine(address).map(die, None, [1]))
        worker.wait()

        def items():  # taken when there is a connection
            yield 3
            threading.Timer(0.5, scheduler.kill).start()

        with pytest.raises(RuntimeError, match="the scheduler of --dask went away"):
            list(DaskEngine(address).map(fail, 5, items()))


def length(shared, item):
    return len(shared) * item


def test_large_data_reach_the_workers(cluster):
    """12 MB, without a warning of Dask's (exact)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Sending large graph")
        answers = dict(DaskEngine(cluster[0]).map(length, bytes(12_000_000), [1, 2]))
    assert answers == {1: 12_000_000, 2: 24_000_000}


def test_only_the_chunk_of_a_killed_worker_is_computed_again(tmp_path, cluster):
    """Files of two workers, one of them killed on the way, are those of this process
    alone (byte by byte); every batch was sent once, those of the chunk that the killed
    one was at twice (exact)."""
    serial = run(tmp_path / "serial")
    (address, log), killed = cluster, []
    killer = threading.Thread(target=kill_when_held, args=(log, killed))
    killer.start()
    on_cluster = run(tmp_path / "cluster", "--dask", address)
    killer.join()
    assert len(killed) == 1
    assert on_cluster == serial and len(serial) == 2
    workers, batches = zip(*(line.split(" ", 1) for line in lines(log)), strict=True)
    assert len(set(workers)) == 2 and str(killed[0]) in workers
    expected = Counter(
        f"{snr:g} {draw} {image}"
        for snr in SNR_DB
        for draw in range(DRAWS)
        for image in range(NUM_IMAGES)
    )
    expected.update(HELD_CHUNK)
    assert Counter(batches) == expected


def test_a_scheduler_that_does_not_answer_is_one_clear_line(
    tmp_path, capsys, monkeypatch
):
    """Exit code 2; address and remedy stand in one line (exact)."""
    monkeypatch.setattr("semcom_phy.simulation.engines._ANSWER_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        argv = ["--out", str(tmp_path), "--dask", address]
        assert runner.main(argv, SMALL, "counted_systems") == 2
        error = capsys.readouterr().err
        assert error.startswith(f"scenarios.mimo_2x2: error: --dask {address}: no Dask")
        assert "'dask scheduler'" in error and error.count("\n") == 1


def test_the_recipe_for_slurm_makes_jobs(monkeypatch):
    """The script of the guide runs as it stands, but for what SLURM would do: its jobs
    ask for what it says, and the sweep is sent to its scheduler (exact)."""
    text = (ROOT / "docs/how_to/sweeps.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.S)
    scripts, commands = [], []

    def adapt(self, **limits):
        scripts.append(self.job_script())

    monkeypatch.setattr(SLURMCluster, "adapt", adapt)
    monkeypatch.setattr(sweep, "main", lambda argv: commands.append(argv) or 0)
    monkeypatch.setattr(sys, "argv", ["slurm_sweep.py", "paper.toml"])
    with pytest.raises(SystemExit) as leave:
        exec(compile(script, "slurm_sweep.py", "exec"), {"__name__": "__main__"})
    assert leave.value.code == 0
    for line in ("#SBATCH -p cpu", "--cpus-per-task=4", "--nthreads 1", "--lifetime"):
        assert line in scripts[0]
    (argv,) = commands
    assert argv[:2] == ["paper.toml", "--dask"] and argv[2].startswith("tcp://")
    assert argv[2] in scripts[0]
