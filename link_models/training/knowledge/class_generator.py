"""Training of an image generator on a few pictures of every class.

picture of a class --> Spectrum --> noise of a level --> network, told level and class
--> L1 and L2 of the velocity's error

As in MMSemCom, but that the network guesses the velocity, from which the noise follows,
and that the error of a coefficient counts by its standard deviation in pictures.
"""

import time
from dataclasses import asdict

import numpy as np
import torch

from link_models.training.knowledge.trainer import TorchRecipe, tensors_of, train
from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.knowledge_base.generator.classes import weights_name
from semcom_phy.knowledge_base.generator.network import PREFIX, make_network
from semcom_phy.knowledge_base.generator.noise import LEVELS, Noise, time_of
from semcom_phy.knowledge_base.generator.spectrum import Spectrum
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.class_pictures import class_pictures

NETWORKS = {
    "mlp": {
        "kind": "mlp",
        "num_coefficients": 768,
        "width": 192,
        "hidden": 512,
        "depth": 3,
        "condition_width": 128,
    },
    # The paper's: of pixels, four stages.
    "unet": {
        "kind": "unet",
        "channels": [64, 128, 128, 256],
        "head_width": 32,
        "groups": 32,
    },
}
RECIPE = TorchRecipe(steps=100000, batch_size=256, learning_rate=2e-3, weight_decay=0.0)
LIMIT = 6.0  # standard deviations
_SHOWN = 100  # points of the curve of the loss
_VALIDATED = 20  # batches


def train_class_generator(
    config, recipe, dataset, most, folder, command, device, resume, restart
):
    """Trains on at most so many pictures of a data set's split train.

    Parameters
    ----------
    config : `dict`
        Of the network, as of :data:`NETWORKS`

    recipe : :class:`~link_models.training.knowledge.trainer.TorchRecipe`

    dataset, most
        As of :func:`~semcom_phy.sources.class_pictures.class_pictures`

    folder, command, device, resume, restart
        As of :func:`~link_models.training.knowledge.generator.train_generator`

    Output
    ------
    : `Path`
        JSON beside the weights, with the curve of the loss
    """
    begun, label = time.monotonic(), weights_name(dataset)
    samples = class_pictures(dataset, most, recipe.seed)
    num = config.get("num_coefficients")
    spectrum, energy = Spectrum.of_pictures(samples.images, num, LIMIT)
    values = torch.from_numpy(spectrum.encode(samples.images)).to(device)
    classes = np.eye(len(samples.class_names), dtype="float32")[samples.labels]
    classes = torch.from_numpy(classes).to(device)
    weight = torch.from_numpy(spectrum.deviation / spectrum.deviation.mean())
    noise, weight = Noise(device), weight.to(device)
    torch.manual_seed(derived_seed(recipe.seed, "weights"))
    config = config | {"text_width": len(samples.class_names)}
    network = make_network(config).to(device)

    def loss_fn(rng):
        index = torch.from_numpy(rng.integers(len(values), size=recipe.batch_size))
        return class_loss(network, noise, weight, values[index], classes[index], rng)

    seen = {
        "dataset": dataset,
        "most": most,
        "seed": recipe.seed,
        "num_images": len(samples),
        "sha256": array_sha256(samples.images, samples.labels),
    }
    curve = _Curve(loss_fn, recipe.steps)
    train(network, curve, recipe, folder, label, seen, resume, restart)
    record = {
        "config": {
            "network": config,
            "num_coefficients": len(spectrum.kept),
            "energy": energy,
            "limit": LIMIT,
            "class_names": list(samples.class_names),
            "seen": seen,
        },
        "command": command,
        "recipe": asdict(recipe),
        "data": samples.provenance,
        "loss": curve.points,
        "validation": {"loss_of_seen": validated(network, loss_fn, recipe.seed)},
        "seconds": round(time.monotonic() - begun),
        "versions": software_versions(),
    }
    tensors = {PREFIX + name: value for name, value in tensors_of(network).items()}
    return save_weights(label, tensors | spectrum.tensors(), record, folder)


def validated(network, loss_fn, seed):
    """Mean loss of a network as it is stored, of the pictures that it has seen: there
    are no others of whom it is to know anything.

    Parameters
    ----------
    network : `torch.nn.Module`
        That ``loss_fn`` asks

    loss_fn : callable, `numpy.random.Generator` -> scalar tensor

    seed : `int`

    Output
    ------
    : `float`
    """
    network.eval()
    rngs = (
        np.random.default_rng(derived_seed(seed, "validation", i))
        for i in range(_VALIDATED)
    )
    with torch.inference_mode():
        return round(float(np.mean([float(loss_fn(rng)) for rng in rngs])), 5)


def class_loss(network, noise, weight, values, classes, rng):
    """L1 and L2 of the velocity's error, scalar; matrix products in bfloat16.

    Input
    -----
    values : [batch, num_coefficients], `float32`

    classes : [batch, num_classes], `float32`

    rng : `numpy.random.Generator`
    """
    batch, device = len(values), values.device
    drawn = rng.standard_normal(tuple(values.shape), "float32")
    drawn = torch.from_numpy(drawn).to(device)
    # Evenly over the levels: less of the loss is the luck of the draw.
    level = (np.arange(batch) + rng.random(batch)) * LEVELS / batch
    level = torch.from_numpy(level.astype("int64")).to(device)
    noisy = noise.noisy(values, drawn, level)
    with torch.autocast(device.type, torch.bfloat16):
        guess = network(noisy, time_of(level), classes)
    error = guess.float() - noise.velocity(values, drawn, level)
    return ((error.abs() + error.square()) * weight).mean()


class _Curve:
    """A loss that keeps its mean over every hundredth part of a run, since that last
    began."""

    def __init__(self, loss_fn, steps):
        self._loss_fn, self._steps = loss_fn, steps
        self._every = max(steps // _SHOWN, 1)
        self._sum, self._count, self._means = 0.0, 0, []

    def __call__(self, rng):
        loss = self._loss_fn(rng)
        self._sum, self._count = self._sum + loss.detach(), self._count + 1
        if self._count == self._every:
            self._means.append(round(float(self._sum) / self._count, 5))
            self._sum, self._count = 0.0, 0
        return loss

    @property
    def points(self):
        """Steps, counted from the end of the run, and the mean before each."""
        last = self._steps - self._count
        left = range(len(self._means) - 1, -1, -1)
        steps = [last - self._every * before for before in left]
        return {"steps": steps, "mean": self._means}
