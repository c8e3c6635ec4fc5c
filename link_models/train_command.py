"""The train command of a scenario: from options to a :class:`Trainer`."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import keras

from link_models.learned import ADAPTIVE, CODECS, default_configs
from link_models.recipe import Recipe
from link_models.systems import build_channel
from link_models.training import Trainer
from link_models.training_data import Task, split_data
from semcom_phy.backend import device
from semcom_phy.codecs.eca import ChannelAwareLoss
from semcom_phy.sources.images import load_cifar10_training_images, load_images

_RECIPE_OPTIONS = (
    "steps",
    "batch_size",
    "learning_rate",
    "warmup_steps",
    "optimizer",
    "clip_norm",
    "precision",
    "average_decay",
    "checkpoint_steps",
)


def fit_from_arguments(scenario, args):
    """Trains a codec over the link of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Its link is trained over

    args : `argparse.Namespace`
        ``system``, ``label``, ``resume``, ``restart``, ``data``, ``out``,
        ``together_with`` (further scenarios), ``start_from``, ``codec_config`` (JSON;
        its entries "encoder" and "decoder" are for one of them), ``rate_weight`` and
        ``share_precoded`` (codecs that choose their rate), and what
        :class:`~link_models.recipe.Recipe` takes (`None`: its default)

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        On bad options, missing data, or a run that is already there.
    """
    if args.system not in CODECS:
        raise ValueError(
            f"{args.system!r} cannot be trained; there are {', '.join(CODECS)}"
        )
    scenarios = [scenario, *_further(args.together_with, scenario)]
    encoder, decoder = _configs(
        args, scenario, sorted({s.num_symbols for s in scenarios})
    )
    tasks = [_task(args, s, encoder) for s in scenarios]
    options = {name: getattr(args, name) for name in _RECIPE_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    recipe = Recipe(seed=scenario.seed, **options)
    trainer = Trainer(
        args.system,
        encoder,
        decoder,
        tasks,
        _load_data(args.data or "cifar10", scenario),
        recipe,
        args.out or Path("runs"),
        args.label or f"{args.system}_{scenario.name}",
        args.start_from,
    )
    if args.resume:
        trainer.resume()
    print(
        f"training {args.system} on the {device()} with {keras.backend.backend()}, "
        f"{recipe.precision}: {trainer.num_weights / 1e6:.2f} M weights, "
        f"{len(trainer.data.exact) + len(trainer.data.copies)} images, "
        f"{recipe.steps - trainer.step} steps to go",
        flush=True,
    )
    print(f"wrote {trainer.fit(restart=args.restart)}")


def _task(args, scenario, encoder):
    """The link of a scenario, and the loss that goes with the codec."""
    channel = build_channel(scenario)
    if args.system not in ADAPTIVE:
        for option in ("rate_weight", "share_precoded"):
            if getattr(args, option) is not None:
                raise ValueError(
                    f"--{option.replace('_', '-')} is for codecs that choose their "
                    f"rate ({', '.join(ADAPTIVE)}), not for {args.system}"
                )
        loss = "normalised" if scenario.channel == "awgn" else "log"
        return Task(scenario.name, channel, loss)
    loss = ChannelAwareLoss(args.rate_weight is None)
    if args.system == "swinjscc":
        if args.rate_weight is not None:
            raise ValueError("swinjscc is asked for its rate: leave out --rate-weight")
        loss = ChannelAwareLoss(True, consistency_weight=0.0)
    return Task(
        scenario.name,
        channel,
        loss,
        CODECS[args.system][0](**encoder).num_uniform,
        args.share_precoded or 0.0,
    )


def _configs(args, scenario, counts):
    """Constructor arguments of encoder and decoder."""
    configs = default_configs(args.system, scenario, counts)
    if args.system == "eca" and args.rate_weight is not None:
        configs[0]["rate_weight"] = args.rate_weight
    try:
        more = json.loads(args.codec_config or "{}")
        own = [more.pop("encoder", {}), more.pop("decoder", {})]
        configs = [c | more | o for c, o in zip(configs, own, strict=True)]
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"--codec-config must be a JSON object such as '{{\"filters\": 96}}', got "
            f"{args.codec_config!r}"
        ) from error
    try:
        for part, config in zip(CODECS[args.system], configs, strict=True):
            part(**config)
    except TypeError as error:
        raise ValueError(
            f"--codec-config does not fit {args.system}: {error}"
        ) from error
    return configs


def _load_data(dataset, scenario):
    if dataset == "cifar10":
        return split_data(*load_cifar10_training_images())
    images, provenance = load_images(dataset, size=scenario.image_size, split="train")
    return split_data(images, images[:0], provenance)


def _further(names, scenario):
    """Scenarios trained together, with the image size and CSI of the first."""
    for name in names or ():
        try:
            other = importlib.import_module(f"scenarios.{name}").SCENARIO
        except (ImportError, AttributeError) as error:
            raise ValueError(f"there is no scenario {name!r}") from error
        yield replace(other, image_size=scenario.image_size, csi=scenario.csi)
