"""Trains the importance student: ``python -m link_models.training student --help``.

scenes, mirrored and changed in colour --> EfficientNet-Lite0, once --.
                                                                         v
            cross entropy <-- ImportanceStudent <-- some of the features
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
from link_models.training.commands.run_command import run_command
from link_models.training.knowledge.features import mirrored, patch_feature_maps
from link_models.training.recipe import Recipe, make_optimizer
from link_models.training.weight_average import WeightAverage
from link_models.weights import store
from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.efficientnet import PATCH_WIDTH, efficientnet
from semcom_phy.knowledge_base.importance.levels import LEVELS
from semcom_phy.knowledge_base.importance.student import ImportanceStudent
from semcom_phy.seeding import derived_seed, private_streams
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.driving import CLASSES, load_driving_scenes

VIEWS = 4  # colours, each of them mirrored as well
DROPPED = 0.3  # of features and of what is made of them, in a step


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


def views_of(images, seed):
    """Views of pictures whose features are learned from: as they are and in VIEWS - 1
    other colours, and each of them mirrored.

    Input
    -----
    images : [num_images, height, width, 3], `uint8`

    Output
    ------
    : iterator over 2 VIEWS times [num_images, height, width, 3] `uint8`; every other
      one is mirrored
    """
    rng = np.random.default_rng(derived_seed(seed, "views"))
    for number in range(VIEWS):
        view = images
        if number:
            gain = rng.uniform(0.6, 1.4, (len(images), 1, 1, 3))
            view = images * gain + rng.normal(0, 5, images.shape)
            view = view.clip(0, 255).astype("uint8")
        yield view
        yield mirrored(view)


def _batch(step, recipe, views, levels, shares, num_masks):
    """What a step sees, a function of (seed, step) alone."""
    rng = np.random.default_rng(derived_seed(recipe.seed, "step", step))
    view = rng.integers(len(views))
    index = rng.integers(len(levels), size=recipe.batch_size)
    features = views[view][index].astype("float32")
    target = np.eye(len(LEVELS), dtype="float32")[levels[index]]
    share = shares[index]
    if view % 2:
        target, share = target[:, :, ::-1], share[:, :, ::-1]
    kept = rng.random((*features.shape[:-1], num_masks)) >= DROPPED
    kept = kept.astype("float32") / (1 - DROPPED)
    return map(ops.convert_to_tensor, (features, target, share, kept))


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
    command=None,
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

    command : `str`, optional
        That does this, for the JSON

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
    views = [
        patch_feature_maps(view, Path(folder) / "features", f"view {number + 1}")
        for number, view in enumerate(views_of(scenes.images, recipe.seed))
    ]
    with private_streams(recipe.seed):
        student = ImportanceStudent()
    student.adapt(views[0])
    num_masks = PATCH_WIDTH + 3 * student.width

    def loss_fn(features, target, share, kept):
        logits, classes = student(features, kept)
        picked = ops.sum(target * ops.log_softmax(logits), axis=-1)
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
            "views": VIEWS,
            "dropped": DROPPED,
            "data": images,
            "backend": keras.backend.backend(),
        },
        [*student.variables, *optimizer.variables, *average.variables],
    )
    done = 0
    if resume:
        (done,) = checkpoint.load(options=options)
    elif not restart:
        checkpoint.refuse_overwriting(*store.files_of(folder, label))
    if not done:  # what is there belongs to another run
        checkpoint.path.unlink(missing_ok=True)

    bar = tqdm(total=recipe.steps, initial=done, unit="step", disable=None)
    with bar, held_interrupt() as pressed:
        for step in range(done, recipe.steps):
            batch = _batch(step, recipe, views, levels, shares, num_masks)
            loss = float(step_fn(*batch))
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
        likely = student.probabilities(held.images)
        guessed = likely.argmax(-1)
        right = np.take_along_axis(likely, held_levels[..., None], -1)
        record = {
            "config": {"codec": "importance_student", **student.get_config()},
            "command": command,
            "recipe": asdict(recipe) | {"views": VIEWS, "dropped": DROPPED},
            "features": efficientnet().identity,
            "data": {
                "train": scenes.provenance,
                "validation": held.provenance,
                **images,
            },
            "validation": {
                "recall": dict(
                    zip(LEVELS, recall_by_level(held_levels, guessed), strict=True)
                ),
                "cross_entropy": float(-np.log(right).mean()),
            },
            "versions": {**software_versions(), "device": backend.device()},
        }
        return store.save(student, folder, label, record)


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--data", default="camvid", help="camvid, or a Cityscapes root")
    parser.add_argument("--image-size", nargs=2, type=int, default=(192, 256))
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--label", type=store.file_label, default=LABEL)
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    parser.add_argument("--restart", action="store_true", help="forget what is there")
    args = parser.parse_args(argv)

    def trained():
        if args.resume and args.restart:
            raise ValueError("--resume goes on, --restart forgets: give one of them")
        recipe = Recipe(
            steps=args.steps, batch_size=32, warmup_steps=100, optimizer="adam"
        )
        return train(
            args.data,
            args.image_size,
            recipe,
            args.out,
            args.label,
            resume=args.resume,
            restart=args.restart,
            options={"steps": "--steps", "data": "--data"},
            command=(
                f"python -m link_models.training student --data {args.data} "
                f"--image-size {args.image_size[0]} {args.image_size[1]} "
                f"--steps {args.steps} --label {args.label}"
            ),
        )

    return run_command(trained, checkpoint_path(args.out, args.label))
