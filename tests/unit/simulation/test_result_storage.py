"""Result files of several runs at once, and of runs that are killed on the way.

The processes are real ones, and end without any cleaning up.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from result_samples import HEADER, contents, point

from semcom_phy.simulation.results import ResultError, ResultFile
from semcom_phy.simulation.storage import locked, replaced

ROOT = Path(__file__).resolve().parents[3]
PROCESSES = Path(__file__).with_name("storage_processes.py")


def run_processes(*arguments):
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(PROCESSES), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "pixels.json"


def shown(path):
    """What a user sees in the folder."""
    return sorted(p.name for p in path.parent.iterdir() if p.name[0] != ".")


def hidden(path):
    return [p.name for p in path.parent.iterdir() if p.name[0] == "."]


def test_a_kill_at_any_step_leaves_both_files_whole(path):
    """Wherever a process is ended that files a point, the JSON and its rows agree at
    once, the next start removes what was left, and the run ends as one that was not
    killed (byte by byte, before every change of a file)."""
    ResultFile.open(path, HEADER, [0, 5]).record(0, point())
    (number,) = run_processes("kill", path, "record")
    assert int(number) > 8
    ResultFile.read(path).record(5, point(35.0))
    outcomes = set()
    for step in range(int(number)):
        killed = path.parent.with_name(f"killed_{step}") / path.name
        file = ResultFile.read(killed)
        assert list(file.rows()) == list(file.points)
        outcomes.add(tuple(file.points))
        resumed = ResultFile.open(killed, HEADER, [0, 5])
        assert list(resumed.points) == list(file.points) and not resumed.notes
        assert shown(killed) == ["pixels.json", "pixels.rows.npz"]
        assert hidden(killed) == [".pixels.json.lock"]
        if resumed.unfinished():
            resumed.record(5, point(35.0))
        assert contents(killed) == contents(path)
    assert outcomes == {(0.0,), (0.0, 5.0)}


@pytest.mark.parametrize("action", ["resume", "restart"])
def test_a_kill_while_a_file_is_opened_loses_nothing_else(path, action):
    """A process that is ended while it opens a file, resuming or starting over, leaves
    all points or, starting over, none (before every change of a file)."""
    ResultFile.open(path, HEADER, [0, 5]).record(0, point())
    (number,) = run_processes("kill", path, action)
    outcomes = set()
    for step in range(int(number)):
        killed = path.parent.with_name(f"killed_{step}") / path.name
        file = ResultFile.read(killed)
        assert list(file.rows()) == list(file.points)
        outcomes.add(tuple(file.points))
        resumed = ResultFile.open(killed, HEADER, [0, 5])
        assert list(resumed.points) == list(file.points) and not resumed.notes
        rows = ["pixels.rows.npz"] if resumed.points else []
        assert shown(killed) == ["pixels.json", *rows]
        assert hidden(killed) == [".pixels.json.lock"]
    assert outcomes == ({(0.0,)} if action == "resume" else {(0.0,), ()})


def test_runs_in_one_folder_lose_no_point(path):
    """Of three processes that file points into one file at once, one of which is killed
    with SIGKILL, every point that was filed is there, with its rows (exact)."""
    filed = {float(snr) for snr in run_processes("together", path)}
    assert len(filed) > 16
    file = ResultFile.open(path, HEADER, [])
    assert filed <= set(file.points)
    assert set(file.rows()) == set(file.points)
    for snr, rows in file.rows().items():
        assert rows["psnr_db"][0] == 30.0 + snr
        assert file.points[snr].metrics["psnr_db"].mean == 30.0 + snr
    assert hidden(path) == [".pixels.json.lock"]


def test_a_run_sees_the_points_of_others(path):
    """After filing a point, a run has those that others filed meanwhile (exact)."""
    first = ResultFile.open(path, HEADER, [0, 10])
    second = ResultFile.open(path, HEADER, [5, 15])
    first.record(0, point(30.0))
    second.record(5, point(35.0))
    first.record(10, point(40.0))
    assert list(first.points) == [0.0, 5.0, 10.0]
    assert first.snr_db == [0.0, 5.0, 10.0, 15.0]
    assert list(ResultFile.read(path).rows()) == [0.0, 5.0, 10.0]


def test_a_file_that_was_started_over_takes_no_foreign_point(path):
    """A point of another simulation than the file now holds is refused (exact)."""
    first = ResultFile.open(path, HEADER, [0, 5])
    ResultFile.open(path, HEADER | {"seed": 2}, [0], restart=True).record(0, point())
    before = contents(path)
    with pytest.raises(ResultError, match="seed 2 then, 1 now"):
        first.record(5, point())
    assert contents(path) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: rows.unlink(),
        lambda rows: rows.write_bytes(rows.read_bytes()[:-9]),
        lambda rows: rows.write_bytes(b""),
    ],
)
def test_points_whose_rows_are_lost_are_simulated_again(path, damage):
    """Rows that are not those of the JSON are named when they are read; the next start
    says so and forgets the points (exact)."""
    ResultFile.open(path, HEADER, [0, 5]).record(0, point())
    damage(path.with_suffix(".rows.npz"))
    with pytest.raises(ResultError, match="pixels.rows.npz is not .* with pixels.json"):
        ResultFile.read(path).rows()
    resumed = ResultFile.open(path, HEADER, [0, 5])
    assert resumed.unfinished() == [0.0, 5.0]
    (note,) = resumed.notes
    assert "pixels.rows.npz" in note and note.endswith("simulated again at 0 dB")
    assert ResultFile.read(path).rows() == {}


def test_a_point_without_rows_is_refused(path):
    """A point enters the file with its rows or not at all (exact)."""
    file = ResultFile.open(path, HEADER, [0])
    filed = ResultFile.open(path.with_name("other.json"), HEADER, [0])
    filed.record(0, point())
    with pytest.raises(ValueError, match="0 dB has no rows"):
        file.record(0, filed.points[0.0])
    assert not ResultFile.read(path).points


def test_a_lock_that_is_held_is_named(path):
    """Who waits too long is told which file, and what to do (exact)."""
    with locked(path), pytest.raises(OSError, match="pixels.json.*choose another"):
        with locked(path, seconds=0.1):
            pass


def test_a_failed_replacement_keeps_the_file(tmp_path):
    """Where the writing fails, the old file stays and nothing is left (exact)."""
    target = tmp_path / "figure.png"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replaced(target) as temporary:
        temporary.write_bytes(b"half")
        assert temporary.suffix == ".png"
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


def test_writers_of_one_file_do_not_meet(tmp_path):
    """Eight writers that replace one figure at once, without a lock, all succeed, and
    the file is always one of theirs, whole (200 times each; exact)."""
    target = tmp_path / "figure.png"
    contents = [bytes([writer]) * 5000 for writer in range(8)]

    def write(content):
        for _ in range(200):
            with replaced(target) as temporary:
                temporary.write_bytes(content)
            assert target.read_bytes() in contents

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, contents))
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]
