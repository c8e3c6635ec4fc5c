"""How long a command takes before it does anything.

    python -m benchmarks.start_up_time [--rounds 5]

*Options*: every command with ``--help``, in a process of its own. *Imports*: what a
sweep or a training run loads of this project, after TensorFlow or PyTorch, Keras and
Sionna are there. Medians over rounds of the elapsed time and of the processor time,
which other processes on the machine do not stretch; the latter is held to 1 s.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.argument_types import count
from scenarios.command.arguments import Parser

ROOT = Path(__file__).parents[1]
LIMIT_S = 1.0  # processor time
IMPORTS = """
import time
import semcom_phy, keras, scipy.stats, sionna.phy.channel.tr38901, sionna.phy.mimo
import sionna.phy.ofdm, sionna.phy.fec.ldpc, sionna.phy.fec.polar
elapsed, processor = time.perf_counter(), time.process_time()
import link_models.links.radio, link_models.systems.table
import link_models.training.commands.command
import scenarios.runner, semcom_phy.simulation.sweep, semcom_phy.sources.images
print(time.perf_counter() - elapsed, time.process_time() - processor)
"""


def commands():
    """Modules with a command line, a sorted list of `str`."""
    scenarios = (ROOT / "scenarios").glob("*.py")
    found = [f"scenarios.{f.stem}" for f in scenarios if "__main__" in f.read_text()]
    return sorted([*found, "scenarios.report", "link_models.training"])


def with_options():
    """Words of all commands that read options, a list of `list` of `str`."""
    more = [["scenarios.mimo_2x2", "train"], ["scenarios.mimo_2x2", "bits"]]
    return [[name] for name in commands()] + more


def time_of_help(*words):
    """Elapsed and processor time of ``python -m module ... --help`` [s]."""
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, "-m", *words, "--help"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    elapsed, after = time.perf_counter() - start, os.times()
    system = after.children_system - before.children_system
    return elapsed, after.children_user - before.children_user + system


def time_of_imports():
    """Elapsed and processor time of this project's imports [s]."""
    command = [sys.executable, "-c", IMPORTS]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return tuple(float(number) for number in done.stdout.split()[-2:])


def main(argv=None):
    """Prints the table; returns 0 if all are within ``LIMIT_S``, else 1."""
    parser = Parser(prog="benchmarks.start_up_time", description=__doc__)
    parser.add_argument("--rounds", type=count, default=5, help="processes each (5)")
    args = parser.parse_args(argv)
    tasks = {}
    for words in with_options():
        tasks[f"{' '.join(words)} --help"] = (time_of_help, *words)
    tasks["imports beyond Keras and Sionna"] = (time_of_imports,)
    times = {name: [] for name in tasks}
    for _ in range(args.rounds):
        for name, (function, *arguments) in tasks.items():
            times[name].append(function(*arguments))
    print(f"{'median [s]':36}{'elapsed':>9}{'processor':>11}")
    slow = []
    for name, pairs in times.items():
        elapsed, processor = map(statistics.median, zip(*pairs, strict=True))
        print(f"{name:36}{elapsed:9.2f}{processor:11.2f}")
        if processor >= LIMIT_S:
            slow.append(name)
    if slow:
        print(f"not within {LIMIT_S:g} s: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
