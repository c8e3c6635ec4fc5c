"""The command line around the training of a PyTorch network."""

import argparse
from dataclasses import asdict

import torch

from link_models.training.checkpoint import checkpoint_path
from link_models.training.commands.run_command import run_command
from link_models.training.knowledge.trainer import TorchRecipe
from semcom_phy.checks import check_integer

MOST_THREADS = 1024  # far beyond any gain; PyTorch would start as many as are asked for


def recipe_command(name, about, usual, label, train, argv, parents=()):
    """Trains as the options say; returns the exit code.

    Parameters
    ----------
    name : `str`
        Of the command

    about : `str`
        Docstring of its module, whose first line is shown

    usual : :class:`~.trainer.TorchRecipe`
        Defaults of the options

    label : `str`
        Of the weights

    train : callable, (recipe, `argparse.Namespace`) -> `Path`
        Gives what it wrote

    argv : list of `str` or `None`
        Arguments; `None`: those of the process

    parents : sequence of `argparse.ArgumentParser`, (default none)
        Options before those of the recipe
    """
    parser = argparse.ArgumentParser(
        prog=f"link_models.training {name}",
        description=about.splitlines()[0],
        parents=parents,
        allow_abbrev=False,
    )
    add_arguments(parser, usual)
    args = parser.parse_args(argv)

    def trained():
        recipe = recipe_of(args)
        use_threads(args.threads)
        return train(recipe, args)

    return run_command(trained, checkpoint_path(args.out, label))


def add_arguments(parser, recipe):
    """Options of a command for the values of a recipe, which are the defaults, and for
    where a run goes."""
    for name, value in asdict(recipe).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value
        )
    parser.add_argument("--out", default="runs", help="folder of weights, checkpoints")
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    parser.add_argument("--restart", action="store_true", help="forget what is there")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")


def recipe_of(args):
    """The recipe that the options of :func:`add_arguments` give."""
    return TorchRecipe(
        **{name: getattr(args, name) for name in TorchRecipe.__dataclass_fields__}
    )


def use_threads(number):
    """Lets PyTorch compute with so many threads.

    Raises
    ------
    ValueError
        If there is no such number of them.
    """
    check_integer("--threads", number, 1, MOST_THREADS)
    torch.set_num_threads(number)


def check_device(name):
    """Refuses a device of PyTorch that is not there, before data are read for it.

    Raises
    ------
    ValueError
        If it holds no numbers here: an unknown name, or a GPU that is missing.
    """
    try:
        torch.zeros(1, device=name).tolist()
    # The latter where PyTorch was built without support of the device.
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"--device {name} is not there for this PyTorch: --device cpu always is"
        ) from error


def command_of(name, recipe, default):
    """The command that trains with a recipe, `str`; defaults are left out."""
    usual = asdict(default)
    changed = [
        f" --{key.replace('_', '-')} {value}"
        for key, value in asdict(recipe).items()
        if value != usual[key]
    ]
    return f"python -m link_models.training {name}{''.join(changed)}"
