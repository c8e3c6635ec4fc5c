"""The train command of a scenario: from options to a :class:`Trainer`."""

import inspect
import json
import shlex
from dataclasses import replace
from pathlib import Path

import keras

from link_models.codecs import CODECS, find_codec, make_halves
from link_models.links.radio import build_channel
from link_models.training.caption_command import caption_trainer
from link_models.training.caption_task import ROOM
from link_models.training.checkpoint import checkpoint_path, telling_what_is_left
from link_models.training.data import split_data, split_samples
from link_models.training.denoising.command import denoising_trainer
from link_models.training.feature_command import feature_trainer
from link_models.training.image_task import ImageTask
from link_models.training.photo_data import PHOTOGRAPHS, load_photo_data
from link_models.training.photo_task import (
    CROP,
    PHOTO_CODEC,
    PhotoTask,
    frame_sizes,
)
from link_models.training.recipe import Recipe
from link_models.training.saliency_command import saliency_trainer
from link_models.training.saliency_task import SNR_DB
from link_models.training.scene_task import (
    RateDistortionLoss,
    SceneTask,
    load_scene_data,
)
from link_models.training.trainer import Trainer
from semcom_phy.backend import device
from semcom_phy.codecs.eca import ChannelAwareLoss
from semcom_phy.simulation.storage import check_writable
from semcom_phy.sources.cifar10 import load_cifar10_training_images
from semcom_phy.sources.images import load_samples
from semcom_phy.unknown_names import unknown_name
from semcom_phy.user_objects import names_object

OF_LINK = ("channel", "num_tx_ant", "num_rx_ant", "csi", "rates")  # values of options
MOST_TRAINED = "1/24"  # cbr of the frame that variable-length codecs are trained in
# Losses of their own; all others are trained on the squared error of the images.
LOSSES = {
    "eca": lambda args: ChannelAwareLoss(args.rate_weight is None),
    "swinjscc": lambda args: ChannelAwareLoss(True, consistency_weight=0.0),
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
_RECIPE_OPTIONS = (
    "steps",
    "batch_size",
    "learning_rate",
    "warmup_steps",
    "optimizer",
    "clip_norm",
    "precision",
    "average_decay",
    "share_exact",
    "exact_from",
    "checkpoint_steps",
)


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
    build = _trainer
    if args.system == "ntscc" and "camvid" not in (scenario.dataset, args.data):
        build = _photo_trainer
    elif args.system in OPTIONS["annotator"]:
        build = _scene_trainer
    elif find_codec(args.system).encoder.sends_text:
        build = _caption_trainer
    elif args.system == "mmsemcom":
        build = _feature_trainer
    elif args.system == "gened_sc":
        build = _saliency_trainer
    elif args.system == "sgdjscc":
        build = _denoising_trainer
    if build is not _trainer:
        exact = ("share_exact", "exact_from")
        _refuse(args, exact, "not trained on a mixture of exact and other images")
    trainer = build(scenario, args)
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


def _told(recipe):
    """What a recipe does that no option may have said."""
    warmup, steps = recipe.warmup_steps, recipe.steps
    much = f", much of {steps}: give --warmup-steps" if 4 * warmup > steps else ""
    return (
        f"SNR from {recipe.min_snr_db:g} to {recipe.max_snr_db:g} dB, learning rate "
        f"{recipe.learning_rate:g} after {warmup} steps of warm-up{much}"
    )


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
        _load_data(args.data or "cifar10", scenario),
        _recipe(args, scenario, batch_size=64, **_given_snrs(args)),
        args.out,
        args.label,
        args.start_from,
    )


def _scene_trainer(scenario, args):
    """Codecs that fill the frame, over AWGN and the fades of 2x2 antennas at 10 dB."""
    _refuse(args, ("together_with",), "trained on driving scenes")
    _refuse(args, OF_LINK, "trained over AWGN and fades of 2x2 antennas")
    _refuse(args, ("snr_db",), "trained at 10 dB")
    fading = replace(scenario, channel="rayleigh", num_tx_ant=2, num_rx_ant=2)
    channel = build_channel(replace(fading, csi="perfect", cbr=MOST_TRAINED))
    configs = _configs(args, scenario, [])
    encoder = find_codec(args.system).encoder(**configs[0])
    task = SceneTask(
        "driving_scene",
        channel,
        RateDistortionLoss(),
        hyper_channels=encoder.side_channels,
    )
    return Trainer(
        args.system,
        configs[0],
        configs[1],
        [task],
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


def _photo_trainer(scenario, args):
    """Codecs of photographs of any size, over AWGN and the fades of 2x2 antennas."""
    replaced = ("together_with", "annotator", *OF_LINK, "image_size")
    link = "over AWGN and fades of 2x2 antennas"
    _refuse(args, replaced, f"trained on crops of {CROP}x{CROP} pixels {link}")
    scenario = replace(scenario, image_size=CROP)
    configs = [PHOTO_CODEC | given for given in _configs(args, scenario, [])]
    encoder = find_codec(args.system).encoder(**configs[0])
    fading = replace(scenario, channel="rayleigh", num_tx_ant=2, num_rx_ant=2)
    fading = replace(fading, csi="perfect")
    channel, whole = (build_channel(fading, n) for n in frame_sizes(encoder.fixed))
    task = PhotoTask(
        PHOTOGRAPHS,
        channel,
        whole,
        RateDistortionLoss(),
        encoder.lengths,
        encoder.side_channels,
        encoder.fixed,
    )
    recipe = _recipe(
        args,
        scenario,
        batch_size=12,
        warmup_steps=200,
        share_exact=1.0,
        **{"min_snr_db": 0.0, "max_snr_db": 20.0} | _given_snrs(args),
    )
    data = load_photo_data(args.data or PHOTOGRAPHS, CROP)
    place = args.out, args.label, args.start_from
    return Trainer(args.system, configs[0], configs[1], [task], data, recipe, *place)


def _caption_trainer(scenario, args):
    """Codecs of captions, over the link of one scenario at its SNRs."""
    _refuse(args, ("together_with",), "trained over one link")
    _refuse(args, ("rates",), f"trained in frames of {ROOM} tokens")
    recipe = _recipe(
        args,
        scenario,
        batch_size=256,
        min_snr_db=scenario.snr_db[0],
        max_snr_db=scenario.snr_db[-1],
    )
    return caption_trainer(scenario, args, _configs(args, scenario, []), recipe)


def _feature_trainer(scenario, args):
    """Features that candidates are selected by, over the links of some scenarios."""
    _refuse(args, ("rates",), "trained in frames that hold all that it sends")
    scenarios = [scenario, *_further(args.together_with, scenario)]
    recipe = _recipe(
        args,
        scenario,
        batch_size=64,
        min_snr_db=scenario.snr_db[0],
        max_snr_db=scenario.snr_db[-1],
    )
    return feature_trainer(scenarios, args, _configs(args, scenario, []), recipe)


def _saliency_trainer(scenario, args):
    """Codecs that send what stands out with care, over AWGN and fades of 2x2."""
    return _of_saliency(saliency_trainer, scenario, args, "AWGN and fading together")


def _denoising_trainer(scenario, args):
    """The denoiser of SGDJSCC, on the values of a network that stays as it is."""
    return _of_saliency(denoising_trainer, scenario, args, "noise of any level")


def _of_saliency(trainer, scenario, args, over):
    """What a trainer makes of it, at the SNRs of the GenED-SC paper."""
    _refuse(args, ("together_with", *OF_LINK), f"trained over {over}")
    _refuse(args, ("snr_db",), "trained at 1, 4, 7 and 10 dB")
    recipe = _recipe(
        args, scenario, batch_size=8, min_snr_db=SNR_DB[0], max_snr_db=SNR_DB[-1]
    )
    return trainer(scenario, args, _configs(args, scenario, []), recipe)


def _refuse(args, names, training):
    """Refuses values that were given, although a training replaces them by its own."""
    for name in names:
        if getattr(args, name) is not None:
            raise ValueError(
                f"{name} is not for {args.system}, which is {training}: leave it out"
            )


def _given_snrs(args):
    """The range of the SNRs that were given, none without."""
    if args.snr_db is None:
        return {}
    return {"min_snr_db": min(args.snr_db), "max_snr_db": max(args.snr_db)}


def _recipe(args, scenario, **defaults):
    options = {name: getattr(args, name) for name in _RECIPE_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    return Recipe(**{"seed": scenario.seed, **defaults, **options})


def _task(args, scenario, encoder):
    """The link of a scenario, and the loss that goes with the codec."""
    loss = "normalised" if scenario.channel == "awgn" else "log"
    if args.system in LOSSES:
        loss = LOSSES[args.system](args)
    return ImageTask(
        scenario.name,
        build_channel(scenario),
        loss,
        find_codec(args.system).encoder(**encoder).num_uniform,
        args.share_precoded or 0.0,
    )


def _configs(args, scenario, counts):
    """Constructor arguments of encoder and decoder."""
    codec = find_codec(args.system)
    sizes = scenario.image_shape, scenario.num_tx_ant, scenario.num_rx_ant, counts
    configs = [half.default_config(*sizes) for half in codec]
    if args.rate_weight is not None:
        configs[0]["rate_weight"] = args.rate_weight
    more = _codec_config(args.codec_config or "{}")
    own = [more.pop("encoder", {}), more.pop("decoder", {})]
    configs = [c | more | o for c, o in zip(configs, own, strict=True)]
    try:
        make_halves(codec, configs)
    except ValueError:
        for half, names in zip(codec, ({*more, *o} for o in own), strict=True):
            _check_names(half, names)
        raise
    return configs


def _codec_config(text):
    """The JSON object of ``--codec-config``, whose own "encoder" and "decoder" are
    objects as well."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(
        isinstance(given.get(half, {}), dict) for half in ("encoder", "decoder")
    ):
        raise ValueError(
            "--codec-config must be a JSON object such as '{\"filters\": 96}', got "
            f"{text!r}"
        )
    return given


def _check_names(half, names):
    """Refuses names of ``--codec-config`` that a constructor does not take."""
    taken = list(inspect.signature(half).parameters.values())
    known = sorted(p.name for p in taken if p.kind is not p.VAR_KEYWORD)
    for name in sorted(names - {*known}):
        kind, listed = f"argument of {half.__name__}", f"help({half.__name__})"
        raise ValueError(f"--codec-config: {unknown_name(kind, name, known, listed)}")


def _load_data(dataset, scenario):
    if dataset == "cifar10":
        return split_data(*load_cifar10_training_images())
    samples = load_samples(dataset, size=scenario.image_size, split="train")
    print(f"{len(samples)} training images: {samples.provenance['source']}")
    return split_samples(samples)


def _further(others, scenario):
    """Scenarios trained together, with the image size and CSI of the first."""
    seen = [scenario.name]
    for other in others or ():
        if other.name in seen:
            raise ValueError(
                f"together_with {other.name!r} is trained for already: give every "
                "scenario once"
            )
        seen.append(other.name)
        yield replace(other, image_size=scenario.image_size, csi=scenario.csi)
