"""The train command of a scenario: from options to a :class:`Trainer`."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import keras

from link_models.checkpoint import checkpoint_path, telling_what_is_left
from link_models.learned import ADAPTIVE, CODECS, VARIABLE_LENGTH, default_configs
from link_models.recipe import Recipe
from link_models.scene_training import (
    RateDistortionLoss,
    SceneTask,
    SceneTrainer,
    load_scene_data,
)
from link_models.systems import build_channel
from link_models.training import Trainer
from link_models.training_data import Task, split_data
from semcom_phy.backend import device
from semcom_phy.codecs.eca import ChannelAwareLoss
from semcom_phy.sources.cifar10 import load_cifar10_training_images
from semcom_phy.sources.images import load_samples

MOST_TRAINED = "1/24"  # cbr of the frame that variable-length codecs are trained in
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


def fit_from_arguments(scenario, args, options=None):
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

    options : `dict` of `str` -> `str`, optional
        Name in ``args`` -> the option of the command line, for messages

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        On bad options, missing data, or a run that is already there.

    KeyboardInterrupt
        After Ctrl-C, with what the checkpoint holds.
    """
    if args.system not in CODECS:
        raise ValueError(
            f"{args.system!r} cannot be trained; there are {', '.join(CODECS)}"
        )
    if args.resume and args.restart:
        raise ValueError("--resume goes on, --restart forgets: give one of them")
    args.out = args.out or Path("runs")
    args.label = args.label or f"{args.system}_{scenario.name}"
    with telling_what_is_left(checkpoint_path(args.out, args.label)):
        _fit(scenario, args, options)


def _fit(scenario, args, options):
    if args.system in VARIABLE_LENGTH:
        trainer = _scene_trainer(scenario, args)
    else:
        trainer = _trainer(scenario, args)
    if args.resume:
        trainer.resume(options)
    print(
        f"training {args.system} on the {device()} with {keras.backend.backend()}, "
        f"{trainer.recipe.precision}: {trainer.num_weights / 1e6:.2f} M weights, "
        f"{len(trainer.data.exact) + len(trainer.data.copies)} images, "
        f"{trainer.recipe.steps - trainer.step} steps to go",
        flush=True,
    )
    print(f"wrote {trainer.fit(restart=args.restart)}")


def _trainer(scenario, args):
    """Codecs of whole images, over the links of one or several scenarios."""
    scenarios = [scenario, *_further(args.together_with, scenario)]
    encoder, decoder = _configs(
        args, scenario, sorted({s.num_symbols for s in scenarios})
    )
    tasks = [_task(args, s, encoder) for s in scenarios]
    return Trainer(
        args.system,
        encoder,
        decoder,
        tasks,
        _load_data(args.data or "cifar10", scenario, args.strict_images),
        _recipe(args, scenario, batch_size=64),
        args.out,
        args.label,
        args.start_from,
    )


def _scene_trainer(scenario, args):
    """Variable-length codecs, over AWGN and the fades of 2x2 antennas at 10 dB."""
    for option in ("together_with", "rate_weight", "share_precoded"):
        if getattr(args, option) is not None:
            raise ValueError(
                f"--{option.replace('_', '-')} is not for {args.system}, which is "
                "trained on driving scenes"
            )
    fading = replace(scenario, channel="rayleigh", num_tx_ant=2, num_rx_ant=2)
    channel = build_channel(replace(fading, csi="perfect", cbr=MOST_TRAINED))
    configs = _configs(args, scenario, [])
    return SceneTrainer(
        args.system,
        *configs,
        [SceneTask("driving_scene", channel, RateDistortionLoss())],
        load_scene_data(
            args.data or "camvid",
            scenario.image_shape[:2],
            args.annotator or "rule",
        ),
        _recipe(
            args,
            scenario,
            batch_size=12,
            warmup_steps=200,
            min_snr_db=10.0,
            max_snr_db=10.0,
            share_exact=1.0,
        ),
        args.out,
        args.label,
        args.start_from,
    )


def _recipe(args, scenario, **defaults):
    options = {name: getattr(args, name) for name in _RECIPE_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    return Recipe(**{"seed": scenario.seed, **defaults, **options})


def _task(args, scenario, encoder):
    """The link of a scenario, and the loss that goes with the codec."""
    channel = build_channel(scenario)
    if args.annotator is not None:
        raise ValueError(
            f"--annotator is for codecs that are trained on driving scenes "
            f"({', '.join(VARIABLE_LENGTH)}), not for {args.system}"
        )
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


def _load_data(dataset, scenario, strict):
    if dataset == "cifar10":
        return split_data(*load_cifar10_training_images())
    samples = load_samples(
        dataset, size=scenario.image_size, split="train", strict=strict
    )
    print(f"{len(samples)} training images: {samples.provenance['source']}")
    return split_data(
        samples.images, samples.images[:0], samples.provenance, groups=samples.groups
    )


def _further(names, scenario):
    """Scenarios trained together, with the image size and CSI of the first."""
    for name in names or ():
        try:
            other = importlib.import_module(f"scenarios.{name}").SCENARIO
        except (ImportError, AttributeError) as error:
            raise ValueError(f"there is no scenario {name!r}") from error
        yield replace(other, image_size=scenario.image_size, csi=scenario.csi)
