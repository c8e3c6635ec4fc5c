"""Trains the restoration network: ``python -m link_models.training restoration -h``.

crops of photographs --> degraded at random --> RestorationNetwork --> Charbonnier loss

No network takes part in the loss, so that any of them may judge the result.
"""

import time
from dataclasses import asdict

import numpy as np
import torch

from link_models.training.knowledge.command import command_of, recipe_command
from link_models.training.knowledge.degradations import KINDS, degraded
from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.knowledge_base.editor.restoration import NAME, restored
from semcom_phy.knowledge_base.editor.restoration_network import (
    CONFIG,
    RestorationNetwork,
)
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.metrics.image import psnr
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples

RECIPE = TorchRecipe(
    steps=6000, batch_size=8, weight_decay=1e-4, average_decay=0.998, seed=1
)
DATA = ("flickr8k_images", "ecssd")
SIZE = 128  # of the photographs [pixels]
CROP = 64  # what a step sees of one [pixels]
HELD = 200  # photographs of the train splits that are kept for validation
# How often a step shows a clean or mixed one; single kinds share what is left.
CLEAN, MIXED = 0.15, 0.45


def load_photographs(data=DATA, num_held=HELD):
    """Training photographs, and those of the same splits that are held back.

    Parameters
    ----------
    data : sequence of `str`
        Names of data sets, as of
        :func:`~semcom_phy.sources.data_folders.find_data_folder`

    num_held : `int`
        How many are held back; always the same ones

    Output
    ------
    photographs, held : [num, 128, 128, 3], `uint8`

    provenance : `dict`

    Raises
    ------
    FileNotFoundError, ValueError
        If data are missing or damaged.
    """
    sets = [load_samples(find_data_folder(x), None, SIZE, split="train") for x in data]
    images = np.concatenate([samples.images for samples in sets])
    order = np.random.default_rng(derived_seed("held", len(images)))
    held, kept = np.split(order.permutation(len(images)), [num_held])
    provenance = {
        "sets": [samples.provenance for samples in sets],
        "training_images": len(kept),
        "validation_images": len(held),
    }
    return images[kept], images[held], provenance


def batch(photographs, size, rng):
    """Degraded crops, turned and mirrored, and the same ones whole.

    Input
    -----
    photographs : [num, height, width, 3], `uint8`

    size : `int`

    rng : `numpy.random.Generator`

    Output
    ------
    degraded, whole : [size, 64, 64, 3], `uint8`
    """
    single = [kind for kind in KINDS if kind not in ("clean", "mixed")]
    shares = [CLEAN, MIXED, *[(1 - CLEAN - MIXED) / len(single)] * len(single)]
    pairs = []
    for kind in rng.choice(["clean", "mixed", *single], size, p=shares):
        image = photographs[rng.integers(len(photographs))]
        top, left = (rng.integers(n - CROP + 1) for n in image.shape[:2])
        crop = image[top : top + CROP, left : left + CROP]
        crop = np.rot90(crop[:, :: rng.choice([1, -1])], rng.integers(4))
        crop = np.ascontiguousarray(crop)
        pairs.append((degraded(crop, kind, rng), crop))
    return [np.stack(part) for part in zip(*pairs, strict=True)]


def charbonnier(y, target):
    """Absolute error, smooth around zero, of values in [0, 1]."""
    return ((y - target) ** 2 + 1e-6).sqrt().mean()


def trained(photographs, recipe, args, provenance):
    """A network after a run of :func:`~.trainer.train`."""
    torch.manual_seed(recipe.seed)
    network = RestorationNetwork(**CONFIG).to(memory_format=torch.channels_last)

    def loss_fn(rng):
        bad, whole = (
            torch.from_numpy(x).permute(0, 3, 1, 2).float() / 255
            for x in batch(photographs, recipe.batch_size, rng)
        )
        with torch.autocast("cpu", torch.bfloat16):  # twice as fast
            y = network(bad)
        return charbonnier(y.float(), whole)

    return train(
        network, loss_fn, recipe, args.out, NAME, provenance, args.resume, args.restart
    )


def validation(network, held):
    """Mean PSNR of photographs before and after, of each kind [dB].

    What is drawn for a photograph depends on the kind and its place alone; what is not
    changed at all counts as 60 dB.
    """
    figures = {}
    for kind in KINDS:
        bad = np.stack(
            [
                degraded(image, kind, np.random.default_rng(derived_seed(kind, place)))
                for place, image in enumerate(held)
            ]
        )
        figures[kind] = {
            "psnr_before": round(float(psnr(held, bad).mean()), 3),
            "psnr_after": round(float(psnr(held, restored(network, bad)).mean()), 3),
        }
    return figures


def _train(recipe, args):
    """Trains on the train splits; the JSON beside the weights."""
    begun = time.monotonic()
    photographs, held, provenance = load_photographs()
    network = trained(photographs, recipe, args, provenance)
    record = {
        "config": network.config,
        "command": command_of("restoration", recipe, RECIPE),
        "recipe": asdict(recipe) | {"crop": CROP, "clean": CLEAN, "mixed": MIXED},
        "data": provenance,
        "validation": {"num_images": len(held), **validation(network, held)},
        "seconds": round(time.monotonic() - begun),
        "versions": software_versions(),
    }
    return save_weights(NAME, tensors_of(network), record, args.out)


def main(argv=None):
    """Command line; returns the exit code."""
    return recipe_command("restoration", __doc__, RECIPE, NAME, _train, argv)
