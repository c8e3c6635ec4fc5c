"""Trains the image generator: ``python -m link_models.training generator --help``.

picture --> Spectrum, mirrored or not --> noise of a level --> network, told the level
and one of the picture's texts, or nothing --> squared error of the velocity

The error of a coefficient counts by its standard deviation in pictures: the many small
ones can hardly be guessed, and would drown what can.

With ``--classes DATASET``: of the classes of a few pictures (:mod:`.class_generator`).
"""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from link_models.training.checkpoint import checkpoint_path
from link_models.training.commands.run_command import run_command
from link_models.training.knowledge import class_generator
from link_models.training.knowledge.captioned_data import (
    DATA_SETS,
    check_data_sets,
    encoded,
    load_captioned,
)
from link_models.training.knowledge.command import (
    add_arguments,
    check_device,
    command_of,
    recipe_of,
    use_threads,
)
from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.knowledge_base.generator.diffusion import WEIGHTS as LABEL
from semcom_phy.knowledge_base.generator.network import PREFIX, make_network
from semcom_phy.knowledge_base.generator.noise import LEVELS, Noise, time_of
from semcom_phy.knowledge_base.generator.spectrum import Spectrum
from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions

NETWORKS = {
    "mlp": {
        "kind": "mlp",
        "num_coefficients": 768,
        "width": 768,
        "hidden": 1024,
        "depth": 3,
        "condition_width": 128,
    },
    # Of pixels, with all coefficients: for a GPU, in some hundred thousand steps.
    "unet": {
        "kind": "unet",
        "channels": [128, 256, 256, 512],
        "head_width": 64,
        "groups": 32,
    },
}
RECIPE = TorchRecipe(steps=8000, batch_size=256, learning_rate=2e-3)
LIMIT = 6.0  # standard deviations; of 10,000 coefficients 4 are beyond it
UNTOLD = 0.1  # share of the pictures whose text is withheld, which guidance needs
PICTURES = 200  # that a generator of classes sees, at most
_AT_ONCE = 500


class Pictures:
    """Coefficients of pictures, with texts and noise.

    Parameters
    ----------
    data : :class:`~link_models.training.knowledge.captioned_data.CaptionedData`

    vectors : [num_texts, 384], `float32`

    spectrum : :class:`~semcom_phy.knowledge_base.generator.spectrum.Spectrum`

    device : `str`
        Of torch
    """

    def __init__(self, data, vectors, spectrum, device):
        starts = range(0, len(data.images), _AT_ONCE)
        parts = [spectrum.encode(data.images[i : i + _AT_ONCE]) for i in starts]
        self.values, self.mirror = np.concatenate(parts), spectrum.mirror
        self.said, self.vectors, self.device = data.said, vectors, device

    def drawn(self, index, rng, untold=0.0, mirrored=0.5):
        """Values, noise, levels, texts, and whether these are withheld.

        Input
        -----
        index : [batch], `int`
            Which pictures

        rng : `numpy.random.Generator`

        untold, mirrored : `float`
            Shares of the pictures
        """
        values = self.values[index]
        values[rng.random(len(index)) < mirrored] *= self.mirror
        noise = rng.standard_normal(values.shape, "float32")
        # Evenly over the levels: less of the loss is the luck of the draw.
        level = (np.arange(len(index)) + rng.random(len(index))) * LEVELS / len(index)
        which = rng.integers(self.said.shape[1], size=len(index))
        texts = self.vectors[self.said[index, which]]
        withheld = rng.random(len(index)) < untold
        arrays = values, noise, level.astype("int64"), texts, withheld
        return [torch.from_numpy(array).to(self.device) for array in arrays]


def velocity_error(network, weight, all_noise, values, noise, level, texts, withheld):
    """Weighted squared error of each picture, [batch]; matrix products in bfloat16."""
    texts = torch.where(withheld[:, None], network.null, texts)
    noisy = all_noise.noisy(values, noise, level)
    with torch.autocast(values.device.type, torch.bfloat16):  # twice as fast
        guess = network(noisy, time_of(level), texts)
    error = guess.float() - all_noise.velocity(values, noise, level)
    return (error.square() * weight).mean(-1)


def error_weight(spectrum):
    """[num] tensor of mean 1: what the error of each coefficient counts."""
    return torch.from_numpy(spectrum.deviation / spectrum.deviation.mean())


def train_generator(
    config,
    recipe,
    names,
    folder,
    command,
    encoder,
    device="cpu",
    resume=False,
    restart=False,
):
    """Trains on the splits train of some data sets.

    Parameters
    ----------
    config : `dict`
        Of the network, as of :data:`NETWORKS`

    recipe : :class:`~link_models.training.knowledge.trainer.TorchRecipe`

    names : sequence of `str`
        Of data sets, as of
        :func:`~link_models.training.knowledge.captioned_data.load_captioned`

    folder : path
        Where weights, checkpoints and vectors of texts go

    command : `str`
        What the record says that the weights were made by

    encoder : :class:`~semcom_phy.knowledge_base.sentence_encoder.SentenceEncoder`

    device : `str`, (default "cpu")
        Of torch

    resume, restart
        As of :func:`~link_models.training.knowledge.trainer.train`

    Output
    ------
    : `Path`
        JSON beside the weights, with the error on pictures that were held back
    """
    begun = time.monotonic()
    data = load_captioned(names, recipe.seed)
    vectors = encoded(data.texts, encoder, Path(folder, f"{LABEL}.texts.npz"))
    # A network of pixels names no number: all of them, not whitened.
    num = config.get("num_coefficients")
    spectrum, energy = Spectrum.of_pictures(data.images[data.train], num, LIMIT)
    pictures = Pictures(data, vectors, spectrum, device)
    noise, weight = Noise(device), error_weight(spectrum).to(device)
    torch.manual_seed(derived_seed(recipe.seed, "weights"))
    network = make_network(config).to(device)

    def loss_fn(rng):
        index = data.train[rng.integers(len(data.train), size=recipe.batch_size)]
        batch = pictures.drawn(index, rng, UNTOLD)
        return velocity_error(network, weight, noise, *batch).mean()

    train(network, loss_fn, recipe, folder, LABEL, data.provenance, resume, restart)
    record = {
        "config": {
            "network": config,
            "num_coefficients": len(spectrum.kept),
            "energy": energy,
            "limit": LIMIT,
            "encoder": encoder.identity,
        },
        "command": command,
        "recipe": asdict(recipe) | {"untold": UNTOLD},
        "data": data.provenance,
        "validation": {
            "velocity_error": _validated(
                network, weight, noise, pictures, data.held, recipe.seed
            ),
            "num_images": len(data.held),
        },
        "seconds": round(time.monotonic() - begun),
        "versions": software_versions(),
    }
    tensors = {PREFIX + name: value for name, value in tensors_of(network).items()}
    return save_weights(LABEL, tensors | spectrum.tensors(), record, folder)


def _validated(network, weight, noise, pictures, held, seed):
    """Mean error over all levels, with the same noise each time."""
    errors = []
    with torch.inference_mode():
        for start in range(0, len(held), _AT_ONCE):
            rng = np.random.default_rng(derived_seed(seed, "held", start))
            batch = pictures.drawn(held[start : start + _AT_ONCE], rng, mirrored=0.0)
            errors.append(velocity_error(network, weight, noise, *batch))
    return float(torch.cat(errors).mean())


def _refuse_unread(args):
    """Refuses options of the other generator, of captions or of classes."""
    if args.classes is None and args.pictures is not None:
        raise ValueError(
            f"--pictures {args.pictures} is of a generator of classes: leave it out, "
            "or name their data set with --classes"
        )
    if args.classes is not None and args.datasets is not None:
        raise ValueError(
            f"--datasets {' '.join(args.datasets)} is of a generator of captions: "
            "leave out either that or --classes"
        )


def main(argv=None):
    """Command line; returns the exit code."""
    chosen = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    chosen.add_argument("--classes")
    of_classes = chosen.parse_known_args(argv)[0].classes is not None
    networks = class_generator.NETWORKS if of_classes else NETWORKS
    usual = class_generator.RECIPE if of_classes else RECIPE
    parser = argparse.ArgumentParser(
        prog="link_models.training generator",
        description=__doc__.splitlines()[0],
        allow_abbrev=False,
    )
    parser.add_argument("--network", choices=tuple(networks), default="mlp")
    parser.add_argument("--datasets", nargs="+", help="of captions (all)")
    parser.add_argument(
        "--classes", metavar="DATASET", help="paint its classes: sample, cifar10, ..."
    )
    parser.add_argument(
        "--pictures", type=int, help=f"of --classes, at most ({PICTURES})"
    )
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda")
    add_arguments(parser, usual)
    args = parser.parse_args(argv)
    name = "generator"
    if of_classes:
        name += f" --classes {args.classes}"
    pictures = PICTURES if args.pictures is None else args.pictures
    if pictures != PICTURES:
        name += f" --pictures {pictures}"
    if args.network != "mlp":
        name += f" --network {args.network}"
    names = list(DATA_SETS) if args.datasets is None else args.datasets
    if names != list(DATA_SETS):
        name += f" --datasets {' '.join(names)}"

    def train():
        _refuse_unread(args)
        check_data_sets(names)
        use_threads(args.threads)
        check_device(args.device)
        recipe = recipe_of(args)
        command = command_of(name, recipe, usual)
        network = networks[args.network]
        where = args.device, args.resume, args.restart
        if of_classes:
            seen = args.classes, pictures
            return class_generator.train_class_generator(
                network, recipe, *seen, args.out, command, *where
            )
        encoder = sentence_encoder()
        return train_generator(
            network, recipe, names, args.out, command, encoder, *where
        )

    label = class_generator.weights_name(args.classes) if of_classes else LABEL
    return run_command(train, checkpoint_path(args.out, label))
