"""The command ``train``: fits a codec over the link of a scenario, or of several."""

import importlib

from scenarios.command.arguments import nearest
from scenarios.command.backend import load_backend
from scenarios.sweep_file import scenario_names

_TOLD_IN_TRAINING = {  # name of a value -> train's option for it
    "dataset": "--data",
    "weights": "--start-from",
    "min_snr_db": "--snr",
    "max_snr_db": "--snr",
}


def train(args, scenario, options, argv):
    """Trains; what comes of it is told by the command of ``link_models.training``.

    Parameters
    ----------
    args : `argparse.Namespace`
        Of :func:`~scenarios.command.options.scenario_parser`
    scenario : :class:`~scenarios.scenario.Scenario`
        Whose link it is
    options : `dict` of `str` -> `str`
        Name of a value -> the option that sets it, for messages; those of training are
        put in
    argv : `list` of `str`
        The arguments, which the record of the weights tells

    Raises
    ------
    ValueError
        If the scenario is none that can be trained for, or an option is out of range.
    """
    options.update(_TOLD_IN_TRAINING)
    if scenario.feedback_delay:
        raise ValueError(
            f"feedback_delay = {scenario.feedback_delay:g} s: training takes "
            "feedback without delay; leave out --feedback-delay"
        )
    if scenario.distances is not None:
        raise ValueError(
            "distances cannot be trained for: images are sent at SNRs between "
            "two ends; give these as --snr in the place of --distance"
        )
    load_backend()
    from link_models.training.commands.command import fit_from_arguments

    args.together_with = [*map(_scenario_of, args.together_with or ())] or None
    fit_from_arguments(scenario, args, options, argv)


def _scenario_of(name):
    known = scenario_names()
    if name not in known:
        near = nearest(name, known)
        raise ValueError(
            f"there is no scenario {name!r}{near or '; python -m scenarios lists all'}"
        )
    return importlib.import_module(f"scenarios.{name}").SCENARIO
