"""One sweep by every engine: wall time, and whether the results are the same.

    python -m benchmarks.engines [--images 500] [--scenario mimo_2x2] [--systems ...]
        [--snr 0 5 10 15 20] [--out results/engines] [--more --dataset cifar10]

The same command of a scenario serially, with two processes, on a Dask scheduler with
two workers that this benchmark starts, and on another such cluster one of whose workers
is killed (-9) once a third of the points is done and is not replaced. The time is that
of the whole command, start, tables and figures included; that the cluster takes to
start is not part of it. Results are compared with those of the serial run: rows (every
transmission) and JSON, bit by bit, or else by the largest relative difference of their
numbers, versions and hashes aside. The table is written to ``OUT/engines.md``.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from scenarios.command.arguments import Parser
from semcom_phy.simulation.bits.results import image_results

SYSTEMS = ("linear", "adjscc", "hevc_ldpc")
SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
_NOT_FIGURES = ("versions", "resumed_with", "rows_sha256", "code")


@contextlib.contextmanager
def cluster(folder):
    """A Dask scheduler and two workers of one thread each: address and processes."""
    folder.mkdir(parents=True)
    local = ["--scheduler-file", str(folder / "scheduler.json"), "--no-dashboard"]
    commands = [
        ["scheduler", *local, "--host", "127.0.0.1", "--port", "0"],
        *[["worker", *local, "--nthreads", "1", "--no-nanny"]] * 2,
    ]
    processes = []
    try:
        for number, command in enumerate(commands):
            log = (folder / f"{command[0]}_{number}.txt").open("w")
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], stdout=log, stderr=log
            )
            processes.append(process)
        yield _ready(folder / "scheduler.json"), processes[1:]
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()


def _ready(file, seconds=120):
    from dask.distributed import Client

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().endswith("}"):
            address = json.loads(file.read_text())["address"]
            with Client(address) as client:
                client.wait_for_workers(2, timeout=seconds)
            return address
        time.sleep(0.1)
    raise TimeoutError(f"no Dask scheduler within {seconds} s; see {file.parent}")


def timed(command, out, options=(), victim=None):
    """Seconds that a command takes; on the way a process may be killed."""
    begun = time.perf_counter()
    with (out.parent / f"{out.name}.txt").open("w") as log:
        process = subprocess.Popen(
            [*command, "--out", str(out), *options], stdout=log, stderr=log
        )
        while process.poll() is None:
            if victim is not None and _share_done(out) >= 1 / 3:
                os.kill(victim.pid, signal.SIGKILL)
                victim = None
            time.sleep(0.1)
    seconds = time.perf_counter() - begun
    if process.returncode or victim is not None:
        what = "failed" if process.returncode else "ended before a worker was killed"
        raise RuntimeError(f"{out.name}: the command {what}; see {log.name}")
    return seconds


def _share_done(out):
    status = []
    for path in image_results(out):
        metric = json.loads(path.read_text())["outage"]
        status += metric["status"]
    return status.count("done") / len(status) if status else 0


def difference(folder, reference):
    """In words, how results differ from those of a reference."""
    names = sorted(p.name for p in reference.iterdir() if p.suffix in (".json", ".npz"))
    if names != sorted(
        p.name for p in folder.iterdir() if p.suffix in (".json", ".npz")
    ):
        return "other files", "other files"
    told = {}
    for ending in (".json", ".npz"):
        own = [name for name in names if name.endswith(ending)]
        pairs = [(folder / name, reference / name) for name in own]
        if all(one.read_bytes() == other.read_bytes() for one, other in pairs):
            told[ending] = "equal bit by bit"
            continue
        read = _json_numbers if ending == ".json" else _row_numbers
        found = max(_largest(read(one), read(other)) for one, other in pairs)
        told[ending] = f"differ by {found:.1e}" if found else "equal but for versions"
    return told[".json"], told[".npz"]


def _json_numbers(path):
    found = {}

    def walk(value, at):
        if isinstance(value, dict):
            for key, inner in value.items():
                if at or key not in _NOT_FIGURES:
                    walk(inner, (*at, key))
        elif isinstance(value, list):
            for key, inner in enumerate(value):
                walk(inner, (*at, key))
        else:
            found[at] = value

    walk(json.loads(path.read_text()), ())
    return found


def _row_numbers(path):
    with np.load(path) as rows:
        return {
            (name, i): value
            for name in rows.files
            for i, value in enumerate(rows[name].tolist())
        }


def _largest(one, other):
    """Relative difference of numbers; infinite where anything else differs."""
    if one.keys() != other.keys():
        return np.inf
    largest = 0.0
    for key, value in one.items():
        if isinstance(value, float) and isinstance(other[key], float):
            both_nan = np.isnan(value) and np.isnan(other[key])
            if not both_nan:
                scale = max(abs(value), abs(other[key]), 1e-12)
                largest = max(largest, abs(value - other[key]) / scale)
        elif value != other[key]:
            return np.inf
    return largest


def main(argv=None):
    """Writes and prints the table; returns 0."""
    args = _parser().parse_args(argv)
    out = args.out.resolve()
    shutil.rmtree(out / "runs", ignore_errors=True)
    (out / "runs").mkdir(parents=True)
    command = [sys.executable, "-m", f"scenarios.{args.scenario}", "evaluate"]
    command += ["--systems", *args.systems, "--snr", *map(str, args.snr)]
    command += ["--images", str(args.images), *args.more]
    folder, seconds = out / "runs", {}
    seconds["serial"] = timed(command, folder / "serial")
    seconds["2 processes"] = timed(command, folder / "processes", ["--workers", "2"])
    with cluster(folder / "cluster") as (address, _):
        seconds["Dask, 2 workers"] = timed(
            command, folder / "dask", ["--dask", address]
        )
    with cluster(folder / "cluster_killed") as (address, workers):
        seconds["Dask, 2 workers, one killed"] = timed(
            command, folder / "dask_killed", ["--dask", address], workers[0]
        )
    lines = [
        f"{args.scenario}: {', '.join(args.systems)} at {len(args.snr)} SNRs, "
        f"{args.images} images; {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}",
        "",
        "| engine | wall time [s] | JSON | rows |",
        "| --- | --- | --- | --- |",
    ]
    places = ("serial", "processes", "dask", "dask_killed")
    for (engine, taken), place in zip(seconds.items(), places, strict=True):
        told = ("-", "-")
        if place != "serial":
            told = difference(folder / place, folder / "serial")
        lines.append(f"| {engine} | {taken:.1f} | {told[0]} | {told[1]} |")
    text = "\n".join(lines) + "\n"
    (out / "engines.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _parser():
    parser = Parser(
        prog="benchmarks.engines", description=__doc__.splitlines()[0].strip()
    )
    parser.add_argument("--scenario", default="mimo_2x2", help="(mimo_2x2)")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS))
    parser.add_argument("--snr", nargs="+", type=float, default=list(SNR_DB))
    parser.add_argument("--images", type=int, default=500, help="(500)")
    parser.add_argument("--out", type=Path, default=Path("results/engines"))
    parser.add_argument(
        "--more",
        nargs=argparse.REMAINDER,
        default=[],
        help="further options of the scenario, last",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
