"""What ``evaluate`` cannot do is refused before data are loaded."""

import importlib
from dataclasses import replace

from scenarios.command.backend import load_backend
from scenarios.command.link_builder import TABLE
from scenarios.command.sweep_settings import engine_of, sweep_settings


def checked_evaluation(args, scenario, table=TABLE):
    """Refuses what ``evaluate`` cannot do, as far as that is known without the data.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    scenario : :class:`~scenarios.scenario.Scenario`
        Of :func:`~scenarios.command.chosen_scenario.chosen_scenario`
    table : `str`
        As of :func:`~scenarios.runner.main`

    Output
    ------
    : :class:`~scenarios.scenario.Scenario`
        With all forms of its systems that are compared

    Raises
    ------
    ValueError
        With the value, its option and the remedy.
    """
    if args.keep and args.restart:
        raise ValueError("--keep and --restart exclude each other: give one of them")
    load_backend()
    from semcom_phy.simulation.metric_table import metrics_of
    from semcom_phy.simulation.shown import check_crop

    _check_systems(scenario, table)
    if args.weights is not None:
        importlib.import_module(table).check_weights(scenario)
    if args.crop is not None:
        check_crop(args.crop, *scenario.image_shape[:2])
    if scenario.users > 1:
        forms = importlib.import_module(table).shared_forms(scenario)
        scenario = replace(scenario, systems=forms)
    metrics_of(scenario.metrics)
    sweep_settings(scenario, args)
    engine_of(args)
    return scenario


def _check_systems(scenario, table):
    known = set(importlib.import_module(table).SYSTEMS)
    if scenario.codec is not None:
        from link_models.codecs import find_codec

        find_codec(scenario.codec)  # what is not there is told before weights are
        if scenario.own_system in known:
            raise ValueError(
                f"codec {scenario.codec!r} would hide the system "
                f"{scenario.own_system!r}: give its module another name"
            )
        known.add(scenario.own_system)
    if scenario.users > 1:
        known |= {f"{name}_walsh" for name in known}
    for name in scenario.systems:
        if name not in known:
            from semcom_phy.unknown_names import unknown_name

            listed = "docs/systems.md"
            if scenario.codec is not None:
                listed += f", and {scenario.own_system!r} by --codec"
            raise ValueError(unknown_name("system", name, sorted(known), listed))
    if scenario.codec is not None and scenario.own_system not in scenario.systems:
        raise ValueError(
            f"codec {scenario.codec!r} is not among --systems: add "
            f"{scenario.own_system!r} to them, or leave out --codec"
        )
