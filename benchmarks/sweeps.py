"""Sweeps of a scenario as the curves of a benchmark."""

from dataclasses import replace

from scenarios import runner
from scenarios.paired_results import Curve


class Failed(Exception):
    """A sweep ended with an exit code; it said why."""


def swept_curves(scenario, names, folder, *options):
    """Results of systems, simulated as far as they are not there yet.

    Input
    -----
    scenario : :class:`~scenarios.scenario.Scenario`

    names : sequence of `str`
        Systems

    folder : `Path`
        Of the results

    options : `str` or numbers
        Of the scenario's command line, besides

    Output
    ------
    : `dict` of name -> :class:`~scenarios.paired_results.Curve`

    Raises
    ------
    Failed
        If the sweep did not end well.
    """
    scenario = replace(scenario, systems=tuple(names))
    argv = ["evaluate", "--out", folder, *options]
    code = runner.main(list(map(str, argv)), scenario)
    if code:
        raise Failed(code)
    return {name: Curve(folder / f"{name}.json", name) for name in names}
