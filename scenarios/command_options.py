"""Options that one command has and the others do not: given to another, where nobody
reads them, they are refused by name."""

from scenarios.options import OTHER_COMMANDS

_EVALUATE = "evaluate", "whose results hold what figures show"
_PLOT = "plot", "which draws from result files; give it afterwards"
_ONLY = {  # of those that stand with options of several commands
    "--crop": _EVALUATE,
    "--full-pictures": _EVALUATE,
    "--format": _PLOT,
    "--published": _PLOT,
}


def check_options(args, parser):
    """Refuses options of other commands than the one that was given.

    Parameters
    ----------
    args : `argparse.Namespace`
        What was read, ``args.command`` among it

    parser : :class:`~scenarios.arguments.Parser`
        That read it

    Raises
    ------
    ValueError
        With the option and its command.
    """
    values = vars(args)
    for title, actions in parser.groups.items():
        kind = title.split()[0]
        own = (kind, "") if kind in OTHER_COMMANDS else None
        for option, action in actions.items():
            command, why = own or _ONLY.get(option, (args.command, ""))
            if command != args.command and values[action.dest] != action.default:
                of = f"is of '{command}', {why}" if why else f"is of '{command}'"
                raise ValueError(
                    f"{action.dest} {of}: leave {option} out of '{args.command}'"
                )
