"""Training images with their classes, and some of them held back for validation."""

import numpy as np

from link_models.training.knowledge.labelled_sets import SIDES
from semcom_phy.array_hash import array_sha256
from semcom_phy.seeding import derived_seed
from semcom_phy.sources.cifar10 import CLASS_NAMES, load_cifar10_training_images
from semcom_phy.sources.data_folders import find_data_folder
from semcom_phy.sources.images import load_samples
from semcom_phy.sources.samples import Samples, hashes_beside

MOST_HELD = 1000


def load_labelled(name, seed=0, exact_only=False):
    """Training images of a data set, apart from those for validation.

    A tenth is held back, 1000 at most; of CIFAR-10 from the images with original
    pixels, whose JPEG copies are not among the others.

    Parameters
    ----------
    name : `str`
        Of :data:`~link_models.training.knowledge.labelled_sets.SIDES`

    seed : `int`, (default 0)
        Of the draw of those that are held back

    exact_only : `bool`, (default `False`)
        CIFAR-10 without its JPEG copies

    Output
    ------
    train, held : :class:`~semcom_phy.sources.samples.Samples`

    Raises
    ------
    FileNotFoundError
        If the data are not there.

    ValueError
        If they have no classes.
    """
    if name == "cifar10":
        samples, num_exact = _cifar10()
    else:
        samples = load_samples(find_data_folder(name), None, SIDES[name], split="train")
        num_exact = len(samples)
    if samples.labels is None or samples.class_names is None:
        raise ValueError(f"{name!r} has no classes with names, which are to be learned")
    rng = np.random.default_rng(derived_seed(seed, "held back"))
    held = np.sort(rng.permutation(num_exact)[: min(MOST_HELD, num_exact // 10)])
    used = num_exact if exact_only else len(samples)
    rest = np.setdiff1d(np.arange(used), held)
    return samples.take(rest), samples.take(held)


def provenance(train, held):
    """What a record of weights says of the data, `dict`."""
    return {
        "training": train.provenance,
        "training_images": len(train),
        "validation_images": len(held),
        "images_sha256": array_sha256(train.images, train.labels, held.images),
    }


def _cifar10():
    """All training images, those with original pixels first, and how many these are."""
    exact, copies, source, *labels = load_cifar10_training_images(with_labels=True)
    labels = np.concatenate(labels).astype(int)
    images = np.concatenate([exact, copies])
    source = source | hashes_beside(labels=labels)
    samples = Samples(images, None, source, labels=labels, class_names=CLASS_NAMES)
    return samples, len(exact)
