"""Sweeps over scenarios from one file: ``python -m scenarios.sweep FILE.toml``.

    python -m scenarios.sweep paper.toml --dry-run           what it would do
    python -m scenarios.sweep paper.toml --workers 4
    python -m scenarios.sweep paper.toml --dask tcp://host:8786

Runs ``evaluate`` of one scenario after the other, with the options that the file gives
(:mod:`~scenarios.sweep_file`). The whole file is checked before anything is run. Given
again, it goes on where it was.
"""

import importlib
import shlex
import sys
from pathlib import Path

from scenarios.command.arguments import Parser
from scenarios.sweep_file import SweepFileError, read_sweep

_INTERRUPTED = 130


def main(argv=None):
    """Runs the command.

    Output
    ------
    : `int`
        Exit code: 0, 2 for a bad file or where a run failed, 130 when interrupted
    """
    parser = _parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:
        return leave.code
    more = []
    if args.workers is not None:
        more += ["--workers", str(args.workers)]
    if args.dask is not None:
        more += ["--dask", args.dask]
    try:
        runs = read_sweep(args.file, more)
    except SweepFileError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    if args.dry_run:
        for run in runs:
            print(_told(run))
            print(f"    python -m {run.module} {shlex.join(run.argv)}")
        return 0
    failed = []
    for run in runs:
        print(f"\n{run.title}: python -m {run.module} {shlex.join(run.argv)}\n")
        code = importlib.import_module(run.module).main(list(run.argv))
        if code == _INTERRUPTED:
            return code
        if code:
            failed.append(run)
    print()
    for run in runs:
        print(
            f"{run.title}: {'failed' if run in failed else f'results in {run.folder}'}"
        )
    if failed:
        print(
            f"{parser.prog}: error: {len(failed)} of {len(runs)} runs failed, see "
            "above; the same command goes on with what is missing",
            file=sys.stderr,
        )
    return 2 if failed else 0


def _told(run):
    """What a run would do, and how much of it is done."""
    from semcom_phy.simulation.rate_curve import read_curve
    from semcom_phy.simulation.results import ResultError

    scenario = run.scenario
    keys = scenario.snr_db if scenario.rates is None else map(float, scenario.rates)
    keys, done = set(keys), 0
    for system in scenario.systems:
        path = run.folder / f"{system}.json"
        try:
            done += len(keys & set(read_curve(path).points))
        except FileNotFoundError:
            continue
        except ResultError as error:
            return f"{run.title}: {error}"
    return (
        f"{run.title}: {len(scenario.systems)} systems at {len(keys)} points, "
        f"{scenario.num_images} images, {scenario.draws} draws each; {done} of "
        f"{len(scenario.systems) * len(keys)} points are done"
    )


def _parser():
    parser = Parser(
        prog="scenarios.sweep", description="Sweeps over scenarios from one TOML file."
    )
    parser.add_argument("file", type=Path, help="TOML file of the runs")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be run, and run nothing"
    )
    parser.add_argument(
        "--workers", type=int, help="processes, for every run (what the file says)"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="Dask scheduler, for every run"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
