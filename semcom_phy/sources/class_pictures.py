"""A few pictures of every class of a data set: what a generator of classes has seen."""

from dataclasses import replace

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.class_prompts import class_prompt
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.statistics.drives import describe_groups
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.samples import Samples, hashes_beside

SIDE = 32


def labelled_pictures(dataset, split, size=SIDE, num_images=None, seed=1, **options):
    """The samples of a data set with classes; those of crops are their photographs.

    Parameters
    ----------
    dataset, split, size, num_images, seed, options
        As of :func:`~semcom_phy.sources.images.load_samples`

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        With labels and names of the classes, where they are known
    """
    samples = load_samples(dataset, num_images, size, seed=seed, split=split, **options)
    if dataset != "sample":
        return samples
    names = tuple(dict.fromkeys(sorted(samples.groups)))
    labels = np.array([names.index(group) for group in samples.groups])
    names = tuple(name.replace("_", " ") for name in names)
    about = samples.provenance
    return Samples(samples.images, samples.groups, about, None, labels, names)


def class_pictures(dataset, most, seed=0):
    """As many pictures of every class of the split train.

    Parameters
    ----------
    dataset : `str`
        "sample", "cifar10" (those with original pixels), or another with classes

    most : `int`
        Pictures of all classes together

    seed : `int`, (default 0)
        Of the draw

    Output
    ------
    : :class:`~semcom_phy.sources.samples.Samples`
        Class by class

    Raises
    ------
    ValueError
        If the data set has no classes, or there are more of them than pictures.

    FileNotFoundError
        If the data are not there.
    """
    samples = labelled_pictures(dataset, "train")
    if samples.labels is None or samples.class_names is None:
        raise ValueError(f"{dataset!r} has no classes with names to be learned")
    num_classes = len(samples.class_names)
    if most < num_classes:
        raise ValueError(
            f"{most} pictures of {num_classes} classes: give at least one for each"
        )
    rng = np.random.default_rng(derived_seed(seed, "class pictures"))
    order = rng.permutation(len(samples))
    index = [
        np.sort(order[samples.labels[order] == label][: most // num_classes])
        for label in range(num_classes)
    ]
    return samples.take(np.concatenate(index))


def drawn_evenly(samples, num_images, seed):
    """Some samples, drawn without replacement, and what their provenance says of it.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if num_images > len(samples):
        raise ValueError(
            f"{num_images} images asked for, there are {len(samples)}: ask for fewer "
            "with --images"
        )
    rng = np.random.default_rng(derived_seed(seed, "drawn"))
    drawn = samples.take(rng.permutation(len(samples))[:num_images])
    about = samples.provenance | {
        "num_images": num_images,
        "num_available": len(samples),
        "seed": seed,
        "sha256": array_sha256(drawn.images),
        **hashes_beside(labels=drawn.labels, masks=drawn.masks),
    }
    if drawn.groups is not None:
        rule = samples.provenance["groups"]["rule"]
        about["groups"] = describe_groups(drawn.groups, rule)
    return replace(drawn, provenance=about)


def with_classes(samples, class_names, image_class, encoder):
    """Samples whose labels count the classes of a generator.

    Input
    -----
    samples : :class:`~semcom_phy.sources.samples.Samples`

    class_names : `tuple` of `str`
        Of the generator

    image_class : `str` or `None`
        Class of all samples. `None`: their own, where all of their classes are among
        those of the generator; else the one whose prompt is the closest

    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    Raises
    ------
    ValueError
        If there is no such class.
    """
    if image_class is not None:
        if image_class not in class_names:
            raise ValueError(
                f"--class {image_class!r} is none of the generator's: "
                f"{', '.join(class_names)}"
            )
        labels = np.full(len(samples), class_names.index(image_class))
        rule = f"{image_class} for all"
    elif samples.class_names and set(samples.class_names) <= set(class_names):
        own = np.array([class_names.index(name) for name in samples.class_names])
        labels, rule = own[np.asarray(samples.labels, int)], "of the data set"
    else:
        prompts = encoder.text_features([class_prompt(name) for name in class_names])
        labels = np.argmax(encoder.image_features(samples.images) @ prompts.T, axis=1)
        rule = "the closest to the picture by the dual encoder"
    about = samples.provenance | {"class": rule} | hashes_beside(labels=labels)
    return replace(
        samples, labels=labels, class_names=tuple(class_names), provenance=about
    )
