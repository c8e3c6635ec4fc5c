"""The command line of every scenario: ``python -m scenarios.mimo_2x2 --help``.

arguments --> options --> the scenario with their values --> one of four commands
"""

import sys

from scenarios.command.backend import load_backend
from scenarios.command.chosen_scenario import chosen_scenario
from scenarios.command.command_options import check_options
from scenarios.command.evaluation_checks import checked_evaluation
from scenarios.command.link_builder import TABLE
from scenarios.command.one_line import one_line
from scenarios.command.options import scenario_parser
from scenarios.command.results_folder import results_folder
from scenarios.command.train import train


def main(argv, scenario, table=TABLE):
    """Runs one command for a scenario.

    Parameters
    ----------
    argv : `list` of `str` or `None`
        Arguments; `None`: those of the process
    scenario : :class:`~scenarios.scenario.Scenario`
        Its values are the defaults of the options
    table : `str`
        Module with the systems, see
        :class:`~scenarios.command.link_builder.LinkBuilder`

    Output
    ------
    : `int`
        Exit code: 0, 2 for bad input (one line on stderr), 130 when interrupted
    """
    parser = scenario_parser(scenario)
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:  # --help, or an option that argparse refuses
        return leave.code
    try:
        check_options(args, parser)
        chosen = chosen_scenario(args, scenario, table)
        given = sys.argv[1:] if argv is None else argv
        _run(args, chosen, table, parser.options, given)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if args.traceback:
            raise
        text = one_line(error, parser.options)
        print(f"{parser.prog}: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        left = str(stop) or (
            "finished points are kept: give the same command again to go on from there"
        )
        print(f"\n{parser.prog}: interrupted; {left}", file=sys.stderr)
        return 130
    return 0


def _run(args, scenario, table, options, argv):
    # What a command needs is imported for it: --help and refusals are to be quick.
    folder = results_folder(args, scenario)
    if args.command in ("train", "bits"):
        _check_one_link(args.command, scenario)
    if args.command == "plot":
        from scenarios.command.plot import plot

        plot(args, scenario, folder)
    elif args.command == "train":
        train(args, scenario, options, argv)
    elif args.command == "bits":
        load_backend()
        from scenarios.command.bits import measure_bits
        from semcom_phy.simulation.storage import check_writable

        check_writable(folder)
        measure_bits(scenario, args, folder, options)
    else:
        scenario = checked_evaluation(args, scenario, table)
        from scenarios.command.evaluation import evaluate

        evaluate(args, scenario, folder, table, options)


def _check_one_link(command, scenario):
    if scenario.users > 1:
        raise ValueError(
            f"users = {scenario.users}: '{command}' is of the link of one user; "
            "leave out --users"
        )
    if scenario.rates is not None:
        raise ValueError(
            f"cbr is given {len(scenario.rates)} times, '{command}' takes one: "
            "give one, or leave it out"
        )
