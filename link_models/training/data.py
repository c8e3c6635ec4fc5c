"""What a codec is trained on: images, fades and noise."""

from dataclasses import dataclass

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.seeding import complex_normals, private_streams

NUM_VALIDATION_IMAGES = 500


@dataclass(frozen=True)
class TrainingData:
    """Images [n, H, W, 3] `uint8`: exact ones, copies, those held out, provenance."""

    exact: np.ndarray
    copies: np.ndarray
    validation: np.ndarray
    provenance: dict

    def identity(self):
        """What tells these images from others: their numbers, and a hash of all."""
        parts = self.exact, self.copies, self.validation
        return described_images(self, *parts)


def split_data(exact, copies, provenance, seed=123, groups=None):
    """Holds out some exact images for validation: a :class:`TrainingData`.

    Where images come in ``groups`` (crops of one photograph), whole groups are held
    out: a crop would say little of pictures that were not trained on if its neighbours
    were.
    """
    held = min(NUM_VALIDATION_IMAGES, len(exact) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 images, got {len(exact)}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(exact))
    if groups is not None:
        names, group = np.unique(np.asarray(groups), return_inverse=True)
        if len(names) < 2:
            raise ValueError(
                f"all training images are of one group, {names[0]}: training needs "
                "another one to hold out for validation"
            )
        group = rng.permutation(len(names))[group]
        order = order[np.argsort(group[order], kind="stable")]  # group after group
        held = np.count_nonzero(group <= group[order[held - 1]])
        held = min(held, np.count_nonzero(group < len(names) - 1))
    return TrainingData(exact[order[held:]], copies, exact[order[:held]], provenance)


def split_samples(samples):
    """:func:`split_data` of a source's :class:`~semcom_phy.sources.samples.Samples`,
    all of them with their original pixels."""
    images, groups = samples.images, samples.groups
    return split_data(images, images[:0], samples.provenance, groups=groups)


def described_images(data, *arrays):
    """Numbers of images for training and validation, and the hash of some arrays."""
    return {
        "training_images": len(data.exact) + len(data.copies),
        "validation_images": len(data.validation),
        "images_sha256": array_sha256(*arrays),
    }


def draw_link(channel, batch, rng):
    """Fades and noise of a batch for training, from a generator alone.

    Those of a batch are drawn at once, which costs a fraction of one by one.

    Output
    ------
    h, noise
        As the channel wants them
    """
    with private_streams(int(rng.integers(2**63))):
        h = channel.sample(batch)
    return h, complex_normals(rng, channel.noise_shape(batch))
