"""What the train command reads of its options, for every kind of training."""

import inspect
import json
from dataclasses import replace

from link_models.codecs import find_codec, make_halves
from link_models.training.recipe import Recipe
from link_models.training.trainer import Trainer
from semcom_phy.unknown_names import unknown_name

OF_LINK = ("channel", "num_tx_ant", "num_rx_ant", "csi", "rates")  # values of options
_OF_RECIPE = (
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


def refuse(args, names, training):
    """Refuses values that were given, although a training replaces them by its own.

    Raises
    ------
    ValueError
        If there is one of them.
    """
    for name in names:
        if getattr(args, name) is not None:
            raise ValueError(
                f"{name} is not for {args.system}, which is {training}: leave it out"
            )


def given_snrs(args):
    """The range of the SNRs that were given, none without."""
    if args.snr_db is None:
        return {}
    return {"min_snr_db": min(args.snr_db), "max_snr_db": max(args.snr_db)}


def given_recipe(args, scenario, **defaults):
    """The :class:`~link_models.training.recipe.Recipe` of what was given; of the rest
    the defaults of a training, and the seed of the scenario."""
    options = {name: getattr(args, name) for name in _OF_RECIPE}
    options = {name: value for name, value in options.items() if value is not None}
    return Recipe(**{"seed": scenario.seed, **defaults, **options})


def given_configs(args, scenario, counts=()):
    """Constructor arguments of encoder and decoder.

    Parameters
    ----------
    args : `argparse.Namespace`
        ``system``, ``codec_config``, ``rate_weight``

    scenario : :class:`~scenarios.scenario.Scenario`
        Of image size and antennas

    counts : sequence of `int`, (default none)
        Symbols of the frames that are trained for

    Raises
    ------
    ValueError
        If the codec does not take them.
    """
    codec = find_codec(args.system)
    antennas = scenario.num_tx_ant, scenario.num_rx_ant
    sizes = scenario.image_shape, *antennas, list(counts)
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


def together(args, scenario):
    """All scenarios that are trained for: further ones with the image size and CSI of
    the first.

    Raises
    ------
    ValueError
        If one is given twice.
    """
    found = {scenario.name: scenario}
    for other in args.together_with or ():
        if other.name in found:
            raise ValueError(
                f"together_with {other.name!r} is trained for already: give every "
                "scenario once"
            )
        found[other.name] = replace(
            other, image_size=scenario.image_size, csi=scenario.csi
        )
    return list(found.values())


def make_trainer(args, configs, tasks, data, recipe):
    """The :class:`~link_models.training.trainer.Trainer` of a codec that was chosen, in
    the folder and under the label that were given."""
    encoder, decoder = configs
    place = args.out, args.label, args.start_from
    return Trainer(args.system, encoder, decoder, tasks, data, recipe, *place)


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
