"""Options that nobody reads, be it for the command or for other options: refused by
name."""

from scenarios.command.options import OTHER_COMMANDS
from scenarios.scenario import FLAT, SELECTIVE

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
_OF_EVALUATE = ("--group-by", "--strict-images", "--link-adaptation", "--as-published")
_OF_SAMPLES = (  # of single scenarios: what is sent, and what receivers make of it
    *("--captions-per-image", "--generate", "--generator", "--caption-as", "--editor"),
    *("--candidates", "--candidates-seed", "--candidates-folder", "--top-by-text"),
    *("--class", "--class-names", "--prompts", "--turn"),
)
_UNREAD = {  # command -> options that it does not read
    "bits": (
        *(*_OF_IMAGES, *_OF_EVALUATE, *_OF_SAMPLES, "--codec", "--feedback-delay"),
        *("--captioner", "--dual-encoder", "--cnn", "--prompt-list"),
    ),
    "train": (
        *(*_OF_IMAGES, *_OF_EVALUATE, *_OF_SAMPLES),
        *("--workers", "--dask", "--keep", "--quick"),
    ),
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

    parser : :class:`~scenarios.command.arguments.Parser`
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


def check_channel_options(args, scenario):
    """Refuses speed and interpolation where they say nothing of the channel.

    Parameters
    ----------
    args : `argparse.Namespace`
        What was read; `None` for what was not given

    scenario : :class:`~scenarios.scenario.Scenario`
        With these values

    Raises
    ------
    ValueError
        With the option, its value and the remedy.
    """
    channel = f"of a {scenario.channel!r} channel"
    selective = "give --channel tdl or cdl"
    aged = args.feedback_delay is not None or scenario.feedback_delay
    if args.speed is not None and not (aged or scenario.channel in SELECTIVE):
        raise ValueError(
            f"speed is {args.speed:g}, which says nothing {channel}: {selective}, or "
            "--feedback-delay on a flat one, or leave it out"
        )
    if args.interpolation is None:
        return
    said = f"interpolation is {args.interpolation!r}, which says nothing"
    if scenario.csi == "perfect":
        raise ValueError(
            f"{said} of perfect CSI: give --csi estimated, or leave it out"
        )
    if scenario.channel in FLAT:
        raise ValueError(f"{said} {channel}: {selective}, or leave it out")


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
