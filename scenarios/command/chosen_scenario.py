"""The scenario with the values of a command line in the place of its own."""

import importlib
from dataclasses import fields, replace

from scenarios.command.backend import load_backend
from scenarios.command.command_options import check_channel_options
from scenarios.command.link_builder import TABLE
from scenarios.link_budget import chosen_distances

_QUICK_IMAGES = 8


def chosen_scenario(args, scenario, table=TABLE):
    """The scenario with the values of a command line.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    scenario : :class:`~scenarios.scenario.Scenario`
        Has the values that were not given
    table : `str`
        As of :func:`~scenarios.runner.main`

    Output
    ------
    : :class:`~scenarios.scenario.Scenario`

    Raises
    ------
    ValueError
        If a value is out of range, or an option says nothing of the channel.
    """
    chosen = _with_values(args, scenario)
    check_channel_options(args, chosen)
    if not args.as_published:
        return chosen
    load_backend()
    forms = importlib.import_module(table).published_forms(chosen)
    return replace(chosen, systems=forms)


def _with_values(args, scenario):
    names = {field.name for field in fields(scenario)}
    given = {name: value for name, value in vars(args).items() if value is not None}
    values = {name: value for name, value in given.items() if name in names}
    if len(values.get("image_size", ())) == 1:  # square
        (values["image_size"],) = values["image_size"]
    if len(values.get("rates", ())) == 1:  # of a sweep over SNRs
        values["cbr"], values["rates"] = values["rates"][0], None
    values |= chosen_distances(given, scenario)
    chosen = scenario.chosen(values)
    if args.codec is not None and args.systems is None:  # beside the others
        values["systems"] = (chosen.own_system, *scenario.systems)
    if args.quick:
        points = scenario.snr_db
        values.setdefault("num_images", min(_QUICK_IMAGES, scenario.num_images))
        if chosen.rates is None:
            three = (points[0], points[len(points) // 2], points[-1])
            values.setdefault("snr_db", three)
    return scenario.chosen(values)
