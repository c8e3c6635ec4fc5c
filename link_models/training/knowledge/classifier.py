"""Trains a classifier: ``python -m link_models.training classifier --help``.

images, mirrored, moved, partly covered --> ConvNetwork --> cross entropy
"""

import argparse
import time
from dataclasses import asdict, replace
from functools import partial

import torch

from link_models.training.knowledge.augmentation import augmented
from link_models.training.knowledge.command import command_of, recipe_command
from link_models.training.knowledge.labelled_data import load_labelled, provenance
from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.knowledge_base.classifier.network import ConvNetwork, scaled
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.simulation.versions import software_versions

_SMALL_SET = TorchRecipe(
    steps=3500, batch_size=64, learning_rate=3e-3, weight_decay=0.1
)
RECIPES = {
    "cifar10": replace(_SMALL_SET, batch_size=128),
    "tinyimagenet24": _SMALL_SET,
    "catsdogs": replace(_SMALL_SET, steps=2500),
}
STEM_STRIDE = {32: 1, 64: 2}  # by the side of the images
SMOOTHING = 0.1  # of the labels


def label_of(name):
    """What the weights of a data set's classifier are called."""
    return f"classifier_{name}"


def accuracy(network, samples):
    """Share of the images whose likeliest class is theirs."""
    with torch.inference_mode():
        guessed = [
            network(scaled(samples.images[i : i + 100], samples.images.shape[1]))
            for i in range(0, len(samples), 100)
        ]
    guessed = torch.cat(guessed).argmax(-1).numpy()
    return float((guessed == samples.labels).mean())


def _train(name, recipe, args):
    """Trains on the split train of a data set; the JSON beside the weights."""
    begun = time.monotonic()
    samples, held = load_labelled(name)
    side = samples.images.shape[1]
    labels = torch.from_numpy(samples.labels.astype("int64"))
    torch.manual_seed(recipe.seed)
    network = ConvNetwork(len(samples.class_names), stem_stride=STEM_STRIDE[side])
    network = network.to(memory_format=torch.channels_last)
    # The few images of the small sets are changed more.
    changes = {"shift": side // 8, "cutout": side // 4}
    if name != "cifar10":
        changes |= {"zoom": 0.2, "gain": 0.2}
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)

    def loss_fn(rng):
        index = rng.integers(len(samples), size=recipe.batch_size)
        x = augmented(scaled(samples.images[index], side), rng, **changes)
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast
            logits = network(x.contiguous(memory_format=torch.channels_last))
        return loss_of(logits.float(), labels[index])

    data = provenance(samples, held) | {"changes": changes}
    train(
        network,
        loss_fn,
        recipe,
        args.out,
        label_of(name),
        data,
        args.resume,
        args.restart,
    )
    record = {
        "config": {
            "side": side,
            "class_names": list(samples.class_names),
            "network": network.config,
        },
        "command": command_of(f"classifier --dataset {name}", recipe, RECIPES[name]),
        "recipe": asdict(recipe) | {"label_smoothing": SMOOTHING},
        "data": data,
        "validation": {"accuracy": accuracy(network, held), "num_images": len(held)},
        "seconds": round(time.monotonic() - begun),
        "versions": software_versions(),
    }
    tensors = {k: v for k, v in tensors_of(network).items() if v.ndim}  # no counters
    return save_weights(label_of(name), tensors, record, args.out)


def main(argv=None):
    """Command line; returns the exit code."""
    which = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    which.add_argument("--dataset", default="cifar10", choices=tuple(RECIPES))
    name = which.parse_known_args(argv)[0].dataset
    return recipe_command(
        "classifier",
        __doc__,
        RECIPES[name],
        label_of(name),
        partial(_train, name),
        argv,
        [which],
    )
