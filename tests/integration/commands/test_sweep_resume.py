"""Sweeps that are killed, resumed, and spread over processes end the same."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios import runner
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.simulation import sweep
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.storage import check_writable

ROOT = Path(__file__).resolve().parents[3]
SMALL = replace(
    SCENARIO, systems=("fragile", "pixels"), num_images=12, snr_db=(0, 5, 10, 15, 20)
)
OPTIONS = ["--draws", "2", "--batch-size", "4"]
CHILD = """
import signal
from dataclasses import replace
from scenarios import runner
from test_sweep_resume import OPTIONS, SMALL

if __name__ == "__main__":
    # Background jobs of a shell are started with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = [*OPTIONS, "--out", {out!r}, *{options!r}]
    raise SystemExit(runner.main(options, SMALL, "tiny_systems"))
"""


def run(out, *options):
    argv = [*OPTIONS, "--out", str(out), *options]
    assert runner.main(argv, SMALL, "tiny_systems") == 0
    kept = [*Path(out).glob("*.json"), *Path(out).glob("*.npz")]
    return {path.name: path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("uninterrupted"))


def start(tmp_path, out, *options):
    script = tmp_path / f"child{'_'.join(options)}.py"
    script.write_text(CHILD.format(out=str(out), options=options))
    here = Path(__file__).resolve()
    paths = os.pathsep.join([str(ROOT), str(here.parents[1]), str(here.parent)])
    paths += os.pathsep + os.environ.get("PYTHONPATH", "")
    return subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": paths, "TINY_DELAY": "0.2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_points(child, path, number):
    """Waits until the file holds a number of finished points; returns the file."""
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        if path.exists() and len(ResultFile.read(path).points) >= number:
            return
        time.sleep(0.02)
    pytest.fail(f"the sweep ended or hung before the kill: {child.communicate()[1]}")


def test_a_killed_sweep_ends_as_one_that_was_not(tmp_path, uninterrupted):
    """After kill -9 the finished points are kept and not simulated again, and the
    final files equal those of an uninterrupted run (byte by byte)."""
    child = start(tmp_path, tmp_path / "out")
    wait_for_points(child, tmp_path / "out" / "fragile.json", 2)
    child.kill()
    child.wait()
    kept = ResultFile.read(tmp_path / "out" / "fragile.json")
    assert 2 <= len(kept.points) < 5
    assert "not_run" in (tmp_path / "out" / "fragile.json").read_text()
    assert run(tmp_path / "out") == uninterrupted


def test_two_runs_share_a_folder(tmp_path, uninterrupted):
    """Two runs of other SNRs in one folder at once end well, keep every point, and
    leave the files that one run writes (byte by byte)."""
    out = tmp_path / "out"
    runs = [
        start(tmp_path, out, "--snr", *snr) for snr in (["0", "10", "20"], ["5", "15"])
    ]
    errors = [child.communicate(timeout=300)[1] for child in runs]
    assert [child.returncode for child in runs] == [0, 0], errors
    assert run(out) == uninterrupted
    assert not [path for path in out.iterdir() if "tmp" in path.name]


def test_runs_that_start_together_do_not_trip_over_each_other(tmp_path):
    """Eight runs that try at once whether they may write into a folder all find that
    they may, and leave nothing there: no folder either (200 times each; exact)."""

    def start_up(_):
        for _ in range(200):
            check_writable(tmp_path / "out")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start_up, range(8)))
    assert not list(tmp_path.iterdir())


def test_ctrl_c_says_how_to_go_on(tmp_path):
    """SIGINT ends with 130 and one message, and keeps the points (exact)."""
    many = map(str, range(40))  # not done before the signal, whatever else runs
    child = start(tmp_path, tmp_path / "out", "--snr", *many)
    wait_for_points(child, tmp_path / "out" / "fragile.json", 1)
    child.send_signal(signal.SIGINT)
    error = child.communicate(timeout=60)[1]
    assert child.returncode == 130
    assert "finished points are kept" in error and "Traceback" not in error
    assert ResultFile.read(tmp_path / "out" / "fragile.json").points


def test_a_killed_sweep_goes_on_at_the_chunk(tmp_path, uninterrupted, monkeypatch):
    """After kill -9 in the middle of a point only the chunks that it lacks are sent,
    whatever the number of workers; files end as those of an uninterrupted run (byte by
    byte), and no chunk is left behind."""
    child, folder = start(tmp_path, tmp_path / "out"), tmp_path / "out/.fragile.chunks"
    deadline = time.monotonic() + 120
    while len(list(folder.glob("[0-9a-f]*_5.0_*.npz"))) < 3:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    kept = len(list(folder.glob("[0-9a-f]*.npz")))
    points = len(ResultFile.read(tmp_path / "out" / "fragile.json").points)
    sent, simulate = [], sweep.simulate_chunk

    def counted(link, samples, snr_db, *more):
        sent.append((link.system.name, snr_db, more[-1]))
        return simulate(link, samples, snr_db, *more)

    monkeypatch.setattr(sweep, "simulate_chunk", counted)
    assert run(tmp_path / "out") == uninterrupted
    assert len(sent) == len(set(sent)) == 2 * 5 * 6 - 6 * points - kept
    assert not list((tmp_path / "out").glob(".*.chunks"))


def test_finished_points_are_not_simulated_again(tmp_path, monkeypatch):
    """A second run of the same command sends nothing (exact)."""
    first = run(tmp_path)
    monkeypatch.setattr("semcom_phy.simulation.sweep.simulate_chunk", None)
    assert run(tmp_path) == first


def test_processes_give_the_numbers_of_one(tmp_path, uninterrupted):
    """Two worker processes write the same files as one process (byte by byte)."""
    assert run(tmp_path, "--workers", "2") == uninterrupted
