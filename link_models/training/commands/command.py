"""The train command of a scenario: from options to a :class:`Trainer`."""

import shlex
from pathlib import Path

import keras

from link_models.codecs import CODECS, find_codec
from link_models.training.checkpoint import checkpoint_path, telling_what_is_left
from link_models.training.commands.caption import caption_trainer
from link_models.training.commands.feature import feature_trainer
from link_models.training.commands.image import image_trainer
from link_models.training.commands.options import refuse
from link_models.training.commands.saliency import saliency_trainer
from link_models.training.commands.scene import scene_or_photo_trainer, scene_trainer
from link_models.training.denoising.command import denoising_trainer
from semcom_phy.backend import device
from semcom_phy.simulation.storage import check_writable
from semcom_phy.user_objects import names_object

# Codecs with a training of their own -> what makes it. All of these functions take a
# scenario and the arguments of fit_from_arguments, and give a Trainer; they raise a
# ValueError for options that the training replaces by its own, and a FileNotFoundError
# for data that are not there.
TRAINERS = {
    "ntscc": scene_or_photo_trainer,
    "sa_oosc": scene_trainer,
    "mmsemcom": feature_trainer,
    "gened_sc": saliency_trainer,
    "sgdjscc": denoising_trainer,
}
# Options that are for some codecs alone.
OPTIONS = {
    "rate_weight": ("eca",),
    "share_precoded": ("eca", "swinjscc"),
    "annotator": ("ntscc", "sa_oosc"),
    "joint": ("vlm_csc",),
    "objective": ("gened_sc",),
    "loss_config": ("gened_sc",),
}


def fit_from_arguments(scenario, args, options=None, given=()):
    """Trains a codec over the link of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Its link is trained over

    args : `argparse.Namespace`
        ``system``, ``label``, ``resume``, ``restart``, ``data``, ``out``,
        ``together_with`` (further scenarios, or `None`), ``start_from``,
        ``codec_config`` (JSON; its entries "encoder" and "decoder" are for one of
        them), ``rate_weight`` and ``share_precoded`` (codecs that choose their rate),
        and what :class:`~link_models.training.recipe.Recipe` takes (`None`: its
        default)

    options : `dict` of `str` -> `str`, optional
        Name in ``args`` -> the option of the command line, for messages

    given : sequence of `str`, (default none)
        Arguments as they were given, for the record of the weights

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        On bad options, missing data, or a run that is already there.

    KeyboardInterrupt
        After Ctrl-C, with what the checkpoint holds.
    """
    if scenario.codec and args.system:
        raise ValueError("--codec names what is trained: leave out --system")
    args.system = scenario.codec or args.system or "adjscc"
    if args.system not in CODECS and not names_object(args.system):
        raise ValueError(
            f"{args.system!r} cannot be trained; there are {', '.join(CODECS)}, and "
            "codecs of your own with --codec my_module:MyEncoder,MyDecoder"
        )
    for option, systems in OPTIONS.items():
        if getattr(args, option) is not None and args.system not in systems:
            raise ValueError(
                f"--{option.replace('_', '-')} is for {', '.join(systems)}, not for "
                f"{args.system}: leave it out"
            )
    if args.resume and args.restart:
        raise ValueError("--resume goes on, --restart forgets: give one of them")
    args.out = args.out or Path("runs")
    check_writable(args.out)
    own = scenario.own_system if scenario.codec else args.system
    args.label = args.label or f"{own}_{scenario.name}"
    with telling_what_is_left(checkpoint_path(args.out, args.label)):
        _fit(scenario, args, options, command_text(scenario.name, given))


def command_text(scenario, given):
    """The command that makes the same weights, `str`.

    Where it writes to, and that it went on or began anew, is left out.

    Example
    -------
    >>> command_text("mimo_2x2", ["train", "--steps", "9", "--out", "x", "--resume"])
    'python -m scenarios.mimo_2x2 train --steps 9'
    """
    kept, rest = [], iter(given)
    for word in rest:
        if word == "--out":
            next(rest, None)
        elif word not in ("--resume", "--restart") and not word.startswith("--out="):
            kept.append(word)
    return shlex.join(["python", "-m", f"scenarios.{scenario}", *kept])


def _fit(scenario, args, options, command):
    make = _maker(args.system)
    if make is not image_trainer:
        exact = ("share_exact", "exact_from")
        refuse(args, exact, "not trained on a mixture of exact and other images")
    trainer = make(scenario, args)
    trainer.command = command
    if args.resume:
        trainer.resume(options)
    print(
        f"training {args.system} on the {device()} with {keras.backend.backend()}, "
        f"{trainer.recipe.precision}: {trainer.num_weights:,} weights, "
        f"{trainer.num_samples} samples, "
        f"{trainer.recipe.steps - trainer.step} steps of {trainer.samples_per_step} "
        f"to go; {_told(trainer.recipe)}",
        flush=True,
    )
    record = trainer.fit(restart=args.restart)
    weights = record.with_suffix("")
    print(f"wrote {record} and {weights}.weights.h5: use them with --weights {weights}")


def _maker(system):
    """What makes the trainer of a codec; of one that is not in the table, a user's as
    well, by what it sends."""
    if system in TRAINERS:
        return TRAINERS[system]
    sends_text = find_codec(system).encoder.sends_text
    return caption_trainer if sends_text else image_trainer


def _told(recipe):
    """What a recipe does that no option may have said."""
    warmup, steps = recipe.warmup_steps, recipe.steps
    much = f", much of {steps}: give --warmup-steps" if 4 * warmup > steps else ""
    return (
        f"SNR from {recipe.min_snr_db:g} to {recipe.max_snr_db:g} dB, learning rate "
        f"{recipe.learning_rate:g} after {warmup} steps of warm-up{much}"
    )
