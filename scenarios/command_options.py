"""Options that one command has and the others do not: given to another, where nobody
reads them, they are refused by name."""

from scenarios.options import OTHER_COMMANDS

_ONLY = {  # option -> the one command that reads it, and why
    "--crop": ("evaluate", ", whose results hold what figures show"),
    "--full-pictures": ("evaluate", ", whose results hold what figures show"),
    "--format": ("plot", ", which draws from result files; give it afterwards"),
    "--published": ("plot", ", which draws from result files; give it afterwards"),
}
_OF_IMAGES = (
    "--systems", "--metrics", "--images", "--draws", "--dataset", "--weights",
    "--target-ci",
)  # fmt: skip
_UNREAD = {  # command -> options that it does not read
    "bits": (*_OF_IMAGES, "--codec"),
    "train": (*_OF_IMAGES, "--group-by", "--strict-images", "--dask"),
}
_OF_TRAINING = {  # evaluate's option -> train's for the like
    "--systems": "--system",
    "--dataset": "--data",
    "--weights": "--start-from",
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
        With the option, its command, and the option that this command has for the like.
    """
    values = vars(args)
    for title, actions in parser.groups.items():
        for option, action in actions.items():
            given = action.dest in parser.given  # of flags the value tells
            if given or values[action.dest] != action.default:
                _check(option, action.dest, title.split()[0], args.command)


def _check(option, name, group, command):
    of, why = _ONLY.get(option, (command, ""))
    if group in OTHER_COMMANDS:
        of = group
    if of != command:
        said = f"is of '{of}'{why}"
    elif option in _UNREAD.get(command, ()):
        said = "is of 'evaluate'"
    else:
        return
    pairs = _OF_TRAINING.items()
    like = _OF_TRAINING if command == "train" else {own: other for other, own in pairs}
    instead = f", or give {like[option]}" if option in like else ""
    raise ValueError(f"{name} {said}: leave {option} out of '{command}'{instead}")
