"""What the train command makes of codecs of whole images."""

from link_models.codecs import find_codec
from link_models.links.radio import build_channel
from link_models.training.commands.options import (
    given_configs,
    given_recipe,
    given_snrs,
    make_trainer,
    together,
)
from link_models.training.data import split_data, split_samples
from link_models.training.tasks.image import ImageTask
from semcom_phy.codecs.eca import ChannelAwareLoss
from semcom_phy.sources.cifar10 import load_cifar10_training_images
from semcom_phy.sources.images import load_samples

# Losses of their own; all others are trained on the squared error of the images.
LOSSES = {
    "eca": lambda args: ChannelAwareLoss(args.rate_weight is None),
    "swinjscc": lambda args: ChannelAwareLoss(True, consistency_weight=0.0),
}


def image_trainer(scenario, args):
    """Codecs of whole images, over the links of one or several scenarios."""
    scenarios = together(args, scenario)
    configs = given_configs(args, scenario, sorted({s.num_symbols for s in scenarios}))
    tasks = [_task(args, s, configs[0]) for s in scenarios]
    data = _load_data(args.data or "cifar10", scenario)
    recipe = given_recipe(args, scenario, batch_size=64, **given_snrs(args))
    return make_trainer(args, configs, tasks, data, recipe)


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


def _load_data(dataset, scenario):
    if dataset == "cifar10":
        return split_data(*load_cifar10_training_images())
    samples = load_samples(dataset, size=scenario.image_size, split="train")
    print(f"{len(samples)} training images: {samples.provenance['source']}")
    return split_samples(samples)
