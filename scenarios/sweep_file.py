"""The file of ``scenarios.sweep``: runs of scenarios, with the options of each.

    out = "results/paper"          # folder of all results

    [defaults]                     # options of all runs
    images = 500

    [[run]]
    scenario = "mimo_2x2"
    snr = [0, 5, 10]
    systems = ["adjscc", "hevc_ldpc"]

    [[run]]
    scenario = "mimo_2x2"
    name = "mimo_2x2_perfect"      # folder in ``out``, by default the scenario's name
    csi = "perfect"

A key of ``[defaults]`` and ``[[run]]`` is an option of ``evaluate`` as the command line
of the scenario has it, without the two dashes. Flags are true or false. What a run
says goes before ``[defaults]``.
"""

import argparse
import importlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from scenarios.command.arguments import RaisingParser, nearest
from scenarios.command.chosen_scenario import chosen_scenario
from scenarios.command.evaluation_checks import checked_evaluation
from scenarios.command.one_line import one_line
from scenarios.command.options import OTHER_COMMANDS, scenario_parser
from scenarios.scenario import Scenario

_TOP = ("out", "defaults", "run")
_OF_RUN = ("scenario", "name")
# Of one command, not of a file that is given again and again, or of 'plot' alone.
_NOT_HERE = ("--out", "--restart", "--traceback", "--published", "--format")
_ENGINES = ("--workers", "--dask")  # one of which says where a run is computed
_FOLDER_NAME = re.compile(r"[\w.+-]*[\w+-]")


class SweepFileError(ValueError):
    """A file of runs cannot be used: the message names the file, the table and the
    key."""


@dataclass(frozen=True)
class Run:
    """One ``[[run]]`` of a file.

    Parameters
    ----------
    title : `str`
        Its number and name, for messages
    module : `str`
        The scenario's, with ``main``
    folder : `Path`
        Of its results
    argv : `tuple` of `str`
        Arguments of ``main``
    scenario : :class:`~scenarios.scenario.Scenario`
        What ``evaluate`` will simulate
    """

    title: str
    module: str
    folder: Path
    argv: tuple[str, ...]
    scenario: Scenario


def read_sweep(path, more=()):
    """The runs of a file, all of which were checked.

    Parameters
    ----------
    path : `Path`
        The TOML file
    more : sequence of `str`, (default none)
        Arguments behind those of every run, in the place of its own

    Output
    ------
    : `list` of :class:`Run`

    Raises
    ------
    SweepFileError
        If the file is not there or no TOML; a key is not known, or its value of another
        type or out of range; two runs have one folder.
    """
    tables = _tables(path)
    out, runs = Path(tables["out"]), []
    for number, own in enumerate(tables["run"], 1):
        runs.append(_run(path, number, tables.get("defaults", {}), own, out, more))
    folders = {}
    for run in runs:
        if run.folder in folders:
            raise SweepFileError(
                f"{path}: {run.title}: name: the folder {run.folder} is that of "
                f"{folders[run.folder]}, too; give one of them another name"
            )
        folders[run.folder] = run.title
    return runs


def scenario_names():
    """Names of all scenarios, in the order of the alphabet."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(
        file.stem
        for file in files
        if re.search(r"^SCENARIO\b", file.read_text(encoding="utf-8"), re.M)
    )


def _tables(path):
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SweepFileError(f"{path}: {error.strerror}; give a TOML file") from error
    except ValueError as error:
        text = " ".join(str(error).split())
        raise SweepFileError(f"{path} is no TOML file: {text}") from error
    for key in tables:
        if key not in _TOP:
            raise SweepFileError(f"{path}: {_unknown(key, _TOP)}")
    if not isinstance(tables.get("out"), str):
        raise SweepFileError(
            f"{path}: out: give the folder of the results, such as out = "
            f'"results/paper", got {_shown(tables.get("out"))}'
        )
    defaults, runs = tables.get("defaults", {}), tables.get("run")
    if not isinstance(defaults, dict):
        raise SweepFileError(f"{path}: defaults: write options below [defaults]")
    if not isinstance(runs, list) or not all(isinstance(own, dict) for own in runs):
        raise SweepFileError(f"{path}: run: write options below [[run]], once per run")
    return tables


def _run(path, number, defaults, own, out, more):
    where = f"{path}: [[run]] {number}"
    for key in _OF_RUN:
        if key in defaults:
            raise SweepFileError(
                f"{path}: [defaults]: {key}: is of one run, write it below [[run]]"
            )
    names, name = scenario_names(), own.get("scenario")
    if name not in names:
        raise SweepFileError(f"{where}: scenario: {_unlike(name, names)}")
    folder = own.get("name", name)
    if not isinstance(folder, str) or not _FOLDER_NAME.fullmatch(folder):
        raise SweepFileError(
            f"{where}: name: {_shown(folder)} is no folder in {out}; give letters, "
            "digits, '_', '-', '+' and '.' alone"
        )
    title = f"[[run]] {number} ({folder})"
    module = f"scenarios.{name}"
    scenario = importlib.import_module(module).SCENARIO
    parser = scenario_parser(scenario, RaisingParser)
    options = evaluate_options(parser)
    words, replaced = [], set(more)
    if replaced.intersection(_ENGINES):
        replaced.update(_ENGINES)
    for table, place in ((defaults, f"[defaults] for {title}"), (own, title)):
        for key, value in table.items():
            if key in _OF_RUN:
                continue
            if key not in options:
                _refuse_key(f"{path}: {place}", key, options)
            try:
                given = _words(options[key], f"--{key}", value)
            except ValueError as error:
                raise SweepFileError(f"{path}: {place}: {key}: {error}") from error
            if (table is own or key not in own) and f"--{key}" not in replaced:
                words += given
    argv = ["evaluate", *words, "--out", str(out / folder), *more]
    try:
        checked = _checked(parser, argv, scenario)
    except (ValueError, OSError, ImportError) as error:
        text = one_line(error, parser.options)
        raise SweepFileError(f"{path}: {title}: {text}") from error
    return Run(title, module, out / folder, tuple(argv), checked)


def evaluate_options(parser):
    """Options of ``evaluate`` that a file may have, `dict` of key -> action."""
    return {
        option.removeprefix("--"): action
        for title, actions in parser.groups.items()
        if not title.startswith(OTHER_COMMANDS)
        for option, action in actions.items()
        if option not in _NOT_HERE
    }


def _checked(parser, argv, scenario):
    args = parser.parse_args(argv)
    return checked_evaluation(args, chosen_scenario(args, scenario))


def _words(action, option, value):
    """Arguments of a command line that say the same."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false, got {_shown(value)}")
        if isinstance(action, argparse.BooleanOptionalAction):
            return [option if value else f"--no-{option.removeprefix('--')}"]
        return [option] if value else []
    values = value if isinstance(value, list) else [value]
    several = action.nargs is not None
    if isinstance(value, list) and not (several and value):
        needed = "one or more values" if several else "one value, not a list"
        raise ValueError(f"needs {needed}, got {_shown(value)}")
    kinds, needed = {
        float: ((int, float), "a number"),
        int: ((int,), "a whole number"),
    }.get(action.type, ((str, int, float), "a text"))
    for one in values:
        if isinstance(one, bool) or not isinstance(one, kinds):
            raise ValueError(f"must be {needed}, got {_shown(one)}")
    return [option, *map(str, values)]


def _refuse_key(where, key, options):
    if f"--{key}" in _NOT_HERE:
        raise SweepFileError(
            f"{where}: {key}: is no key of a sweep over scenarios: leave it out"
        )
    raise SweepFileError(f"{where}: {_unknown(key, options)}")


def _unknown(key, known):
    return f"{key}: unknown key{nearest(key, known)}"


def _unlike(name, names):
    if name is None:
        return f"is missing; give one of {', '.join(names)}"
    near = nearest(name, names) if isinstance(name, str) else ""
    return f"unknown scenario {_shown(name)}{near or '; there are: '}" + (
        "" if near else ", ".join(names)
    )


def _shown(value):
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else repr(value)
