"""Trains the importance student: ``python -m link_models.training student --help``.

scenes, flipped and shifted in brightness --> ImportanceStudent --> cross entropy
"""

from semcom_phy import backend  # first: it loads the tensor library quietly

# isort: split
import argparse
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from link_models.systems.levels import LabelLevels
from link_models.systems.student import LABEL, SIZES
from link_models.training.checkpoint import (
    Checkpoint,
    checkpoint_path,
    held_interrupt,
)
from link_models.training.recipe import Recipe, make_optimizer
from link_models.training.run_command import run_command
from link_models.training.weight_average import WeightAverage
from link_models.weights import store
from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.knowledge_base.importance.student import ImportanceStudent
from semcom_phy.seeding import derived_seed, private_streams
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.driving import CLASSES, load_driving_scenes


def recall_by_level(levels, guessed):
    """Share of the patches of each level that were told right, 4 `float`; NaN where
    there is none."""
    levels, guessed = np.asarray(levels), np.asarray(guessed)
    return [
        float((guessed[levels == n] == n).mean()) if (levels == n).any() else np.nan
        for n in range(len(LEVELS))
    ]


def class_shares(labels, size=16):
    """Share of each class in each patch, [n, H, W] -> [n, rows, columns, 12]."""
    n, height, width = labels.shape
    cells = labels.reshape(n, height // size, size, width // size, size)
    return np.stack(
        [(cells == c).mean(axis=(2, 4)) for c in range(len(CLASSES) + 1)], axis=-1
    ).astype("float32")


def level_weights(levels):
    """Weight of each level in the loss: rare ones more, 4 `float32` of mean 1."""
    share = np.bincount(levels.ravel(), minlength=len(LEVELS)) / levels.size
    weight = 1 / np.sqrt(share + 1e-3)
    return (weight / (weight * share).sum()).astype("float32")


def _batch(step, recipe, images, levels, shares):
    """What a step sees, a function of (seed, step) alone."""
    rng = np.random.default_rng(derived_seed(recipe.seed, "step", step))
    index = rng.integers(len(images), size=recipe.batch_size)
    flip = rng.random(recipe.batch_size) < 0.5
    image = images[index].astype("float32") / 255
    gain = rng.uniform(0.7, 1.3, (recipe.batch_size, 1, 1, 3)).astype("float32")
    target = np.eye(len(LEVELS), dtype="float32")[levels[index]]
    batch = [image * gain, target, shares[index]]
    for values in batch:
        values[flip] = values[flip, :, ::-1]
    noise = rng.normal(0, 0.02, image.shape).astype("float32")
    return map(ops.convert_to_tensor, [*batch, noise])


def train(
    dataset,
    size,
    recipe,
    folder,
    label=LABEL,
    annotator="rule",
    resume=False,
    restart=False,
    options=None,
):
    """Trains a student on the split train and keeps the last average of its weights.

    Ctrl-C lets a step end and writes a checkpoint of it.

    Parameters
    ----------
    dataset, size, annotator
        As of :func:`~semcom_phy.sources.driving.load_driving_scenes` and
        :class:`~link_models.systems.levels.LabelLevels`

    recipe : :class:`~link_models.training.recipe.Recipe`
        Steps, batch size, optimiser; SNRs are of no meaning

    folder, label
        Where weights and checkpoints go, and their name

    resume : `bool`, (default `False`)
        Go on from the checkpoint, bit for bit on a CPU

    restart : `bool`, (default `False`)
        Forget the checkpoint of an earlier run

    options : `dict` of `str` -> `str`, optional
        Name of a value -> the option that sets it, for messages

    Output
    ------
    : `Path`
        JSON beside the weights, with the recall on the split val

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        If the loss is no longer finite, data are missing, the checkpoint to go on from
        is missing, broken or of another run, or one may not be overwritten.

    KeyboardInterrupt
        After Ctrl-C.
    """
    levels_of = LabelLevels(annotator)
    scenes, held = (load_driving_scenes(dataset, s, size) for s in ("train", "val"))
    levels, held_levels = levels_of(scenes), levels_of(held)
    shares = class_shares(scenes.labels)
    weights = ops.convert_to_tensor(level_weights(levels))
    with private_streams(recipe.seed):
        student = ImportanceStudent()

    def loss_fn(image, target, share, noise):
        logits, classes = student(image + noise)
        log_p = ops.log_softmax(logits)
        picked = ops.sum(target * weights * log_p, axis=-1)
        beside = ops.sum(share * ops.log_softmax(classes), axis=-1)
        return -ops.mean(picked) - 0.5 * ops.mean(beside)

    optimizer = make_optimizer(recipe)
    average = WeightAverage(student.trainable_variables, recipe.average_decay)
    step_fn = backend.train_step_fn(
        loss_fn,
        student.trainable_variables,
        optimizer,
        after_update=average.update,
        clip_norm=recipe.clip_norm,
    )
    images = {
        "annotator": annotator,
        "training_images": len(scenes),
        "validation_images": len(held),
        "images_sha256": array_sha256(
            scenes.images, levels, shares, held.images, held_levels
        ),
    }
    checkpoint = Checkpoint(
        checkpoint_path(folder, label),
        {
            "student": {name: student.get_config()[name] for name in SIZES},
            **asdict(recipe),
            "data": images,
            "backend": keras.backend.backend(),
        },
        [*student.variables, *optimizer.variables, *average.variables],
    )
    done = 0
    if resume:
        (done,) = checkpoint.load(options=options)
    elif not restart:
        checkpoint.refuse_overwriting()
    if not done:  # what is there belongs to another run
        checkpoint.path.unlink(missing_ok=True)

    bar = tqdm(total=recipe.steps, initial=done, unit="step", disable=None)
    with bar, held_interrupt() as pressed:
        for step in range(done, recipe.steps):
            loss = float(step_fn(*_batch(step, recipe, scenes.images, levels, shares)))
            if not np.isfinite(loss):
                raise ValueError(
                    f"the loss is {loss} after {step + 1} steps: lower the learning "
                    "rate; the last checkpoint is kept"
                )
            bar.update()
            last = step + 1 == recipe.steps
            stop = pressed() and not last
            if stop or last or (step + 1) % recipe.checkpoint_steps == 0:
                checkpoint.save(step + 1)
            if stop:
                raise KeyboardInterrupt
    with average.applied():
        guessed = student.levels(held.images)
        record = {
            "config": {"codec": "importance_student", **student.get_config()},
            "recipe": asdict(recipe),
            "data": {
                "train": scenes.provenance,
                "validation": held.provenance,
                **images,
            },
            "validation": {
                "recall": dict(
                    zip(LEVELS, recall_by_level(held_levels, guessed), strict=True)
                )
            },
            "versions": {**software_versions(), "device": backend.device()},
        }
        return store.save(student, folder, label, record)


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="camvid", help="camvid, or a Cityscapes root")
    parser.add_argument("--image-size", nargs=2, type=int, default=(192, 256))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--label", type=store.file_label, default=LABEL)
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    parser.add_argument("--restart", action="store_true", help="forget what is there")
    args = parser.parse_args(argv)

    def trained():
        if args.resume and args.restart:
            raise ValueError("--resume goes on, --restart forgets: give one of them")
        recipe = Recipe(steps=args.steps, batch_size=16, warmup_steps=100)
        return train(
            args.data,
            args.image_size,
            recipe,
            args.out,
            args.label,
            resume=args.resume,
            restart=args.restart,
            options={"steps": "--steps", "data": "--data"},
        )

    return run_command(trained, checkpoint_path(args.out, args.label))
