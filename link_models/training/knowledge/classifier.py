"""Trains a classifier: ``python -m link_models.training classifier --help``.

images, mirrored, moved, partly covered --> ConvClassifier's network --> cross entropy
"""

from semcom_phy import backend  # first: it loads the tensor library quietly

# isort: split
import argparse
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from link_models.training.checkpoint import held_interrupt
from link_models.training.knowledge.augmentation import augmented
from link_models.training.knowledge.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from link_models.training.knowledge.labelled_data import load_labelled, provenance
from semcom_phy.knowledge_base.classifier.convolutional import conv_network, scaled
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions

WARM_UP = 0.2  # share of the steps in which the learning rate rises
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.1
AVERAGE_DECAY = 0.998


@dataclass(frozen=True)
class ClassifierRecipe:
    """What fixes a training run beside its data.

    Parameters
    ----------
    steps, batch_size, seed : `int`

    learning_rate : `float`
        At its highest

    widths, stem_stride
        As of :func:`~semcom_phy.knowledge_base.classifier.convolutional.conv_network`

    shift, zoom, gain, cutout
        As of :func:`~link_models.training.knowledge.augmentation.augmented`

    checkpoint_steps : `int`
    """

    steps: int
    batch_size: int = 128
    learning_rate: float = 0.2
    widths: tuple[int, ...] = (24, 48, 96, 128)
    stem_stride: int = 1
    shift: int = 4
    zoom: float = 0.0
    gain: float = 0.0
    cutout: int = 8
    seed: int = 0
    checkpoint_steps: int = 500


_SMALL_SET = ClassifierRecipe(
    5000, 64, 0.1, stem_stride=2, shift=8, zoom=0.2, gain=0.2, cutout=16
)
RECIPES = {
    "cifar10": ClassifierRecipe(3500),
    "tinyimagenet24": _SMALL_SET,
    "catsdogs": replace(_SMALL_SET, steps=3000),
}


def learning_rate(step, recipe):
    """One cycle: up in the first fifth of the steps, then down to nothing."""
    turn = WARM_UP * recipe.steps
    peak = recipe.learning_rate
    return float(np.interp(step + 1, (0, turn, recipe.steps + 1), (0, peak, 0)))


def _batch(step, recipe, images, labels):
    """What a step sees, a function of (seed, step) alone; each image once an epoch."""
    import torch

    size = min(recipe.batch_size, len(images))
    epoch, part = divmod(step, len(images) // size)
    order = np.random.default_rng(derived_seed(recipe.seed, "epoch", epoch))
    index = order.permutation(len(images))[part * size : (part + 1) * size]
    rng = np.random.default_rng(derived_seed(recipe.seed, "step", step))
    x = augmented(
        scaled(images[index]),
        rng,
        recipe.shift,
        recipe.zoom,
        recipe.gain,
        recipe.cutout,
    )
    x = x.contiguous(memory_format=torch.channels_last)
    return x, torch.from_numpy(labels[index].astype("int64"))


def _accuracy(network, held):
    """Share of the classes told right, in full precision."""
    import torch

    network.eval()
    with torch.inference_mode():
        guessed = [
            network(scaled(held.images[i : i + 100])).argmax(-1)
            for i in range(0, len(held), 100)
        ]
    network.train()
    return float((torch.cat(guessed).numpy() == held.labels).mean())


def train(name, recipe, folder, command, resume=False, restart=False):
    """Trains on the split train of a data set, and keeps the average of the weights.

    Convolutions run in bfloat16. Ctrl-C lets a step end and writes a checkpoint.

    Parameters
    ----------
    name
        As of :func:`~link_models.training.knowledge.labelled_data.load_labelled`

    recipe : :class:`ClassifierRecipe`

    folder : path
        Where weights and checkpoints go

    command : `str`
        What the record says that the weights were made by

    resume : `bool`, (default `False`)
        Go on from the checkpoint

    restart : `bool`, (default `False`)
        Forget the checkpoint of an earlier run

    Output
    ------
    : `Path`
        JSON beside the weights, with the accuracy on images that were held back

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        If the loss is no longer finite, data are missing, the checkpoint to go on from
        is missing, broken or of another run, or one may not be overwritten.

    KeyboardInterrupt
        After Ctrl-C.
    """
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    begun = time.monotonic()
    data, held = load_labelled(name)
    config = {
        "side": data.images.shape[1],
        "class_names": list(data.class_names),
        "network": {
            "widths": list(recipe.widths),
            "num_classes": len(data.class_names),
            "stem_stride": recipe.stem_stride,
        },
    }
    about = provenance(data, held)
    with torch.random.fork_rng():
        torch.manual_seed(derived_seed(recipe.seed, "weights"))
        network = conv_network(**config["network"])
    network = network.to(memory_format=torch.channels_last).train()
    averaging = get_ema_multi_avg_fn(AVERAGE_DECAY)
    average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
    optimizer = torch.optim.SGD(
        network.parameters(),
        recipe.learning_rate,
        MOMENTUM,
        weight_decay=WEIGHT_DECAY,
        nesterov=True,
    )
    loss_fn = torch.nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)

    identity = {**asdict(recipe), **config, "data": about}
    path = Path(folder, f"classifier_{name}.checkpoint.safetensors")
    done = 0
    if resume:
        done, states = load_checkpoint(path, identity)
        network.load_state_dict(states["network"])
        average.load_state_dict(states["average"])
        restore_optimizer(optimizer, states["optimizer"])
    elif path.exists() and not restart:
        raise FileExistsError(
            f"{path} holds an earlier run: go on with --resume, or forget it with "
            "--restart"
        )

    bar = tqdm(total=recipe.steps, initial=done, unit="step", mininterval=5)
    with bar, held_interrupt() as pressed:
        for step in range(done, recipe.steps):
            optimizer.param_groups[0]["lr"] = learning_rate(step, recipe)
            x, label = _batch(step, recipe, data.images, data.labels)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(x)
            loss = loss_fn(logits.float(), label)
            if not torch.isfinite(loss):
                raise ValueError(
                    f"the loss is {float(loss)} at step {step + 1}: lower the learning "
                    "rate; the last checkpoint is kept"
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update_parameters(network)
            bar.update()
            last = step + 1 == recipe.steps
            stop = pressed() and not last
            if stop or last or (step + 1) % recipe.checkpoint_steps == 0:
                states = {
                    "network": network.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer_tensors(optimizer),
                }
                save_checkpoint(path, step + 1, identity, states)
                accuracy = _accuracy(average.module, held)
                bar.write(f"step {step + 1}: loss {loss:.3f}, validation {accuracy}")
            if stop:
                raise KeyboardInterrupt
    tensors = {
        key: value.numpy()
        for key, value in average.module.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    record = {
        "config": config,
        "command": command,
        "recipe": asdict(recipe),
        "data": about,
        "validation": {
            "accuracy": _accuracy(average.module, held),
            "num_images": len(held),
        },
        "seconds": round(time.monotonic() - begun),
        "versions": {**software_versions(), "device": backend.device()},
    }
    return save_weights(f"classifier_{name}", tensors, record, folder)


def main(argv=None):
    """Command line; returns the exit code."""
    argv = sys.argv[2:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="link_models.training classifier")
    parser.add_argument("--dataset", required=True, choices=tuple(RECIPES))
    parser.add_argument("--steps", type=int, help="in the place of the set's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    parser.add_argument("--restart", action="store_true", help="forget what is there")
    args = parser.parse_args(argv)
    recipe = replace(RECIPES[args.dataset], seed=args.seed)
    if args.steps is not None:
        recipe = replace(recipe, steps=args.steps)
    command = (
        f"python -m link_models.training classifier --dataset {args.dataset} "
        f"--steps {recipe.steps} --seed {recipe.seed}"
    )
    try:
        if args.resume and args.restart:
            raise ValueError("--resume goes on, --restart forgets: give one of them")
        if recipe.steps < 1:
            raise ValueError(f"--steps is {recipe.steps}; give at least 1")
        path = train(args.dataset, recipe, args.out, command, args.resume, args.restart)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: give the same command with --resume", file=sys.stderr)
        return 130
    print(f"wrote {path}")
    return 0
