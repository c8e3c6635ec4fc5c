"""What a source gives, and what a receiver makes of it: images, texts, labels."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from semcom_phy.array_hash import array_sha256


@dataclass(frozen=True, eq=False)
class Samples:
    """Images to be sent, with what belongs to them.

    Parameters
    ----------
    images : [num_images, height, width, 3], `uint8`
        RGB

    groups : `tuple` of `int` or `str`, one per image, or `None`
        Images of one group are alike (crops of one photograph, frames of one drive) and
        count as one in an interval; `None`: every image stands for itself

    provenance : `dict`
        Plain JSON values that identify the pixels and state where they come from;
        where there are groups, ``groups``: their ``count``, and the ``rule`` that they
        were formed by

    texts : `tuple` of `tuple` of `str`, one per image, or `None` (default)
        Captions of every image, each of them a reference

    labels : [num_images, ...], `int`, or `None` (default)
        Class of every image, or its label map [num_images, height, width]

    class_names : `tuple` of `str`, or `None` (default)
        Names of the classes that labels count from 0

    has_pictures : `bool`, (default `True`)
        `False`: there are texts alone, and the images are grey

    masks : [num_images, height, width], `uint8`, or `None` (default)
        1 where a pixel is of the salient foreground, else 0; all 0 in an image without
        a salient object

    Raises
    ------
    ValueError
        If there are not as many groups, texts or labels as images, or masks are of
        another shape or type, or hold something else than 0 and 1.

    Example
    -------
    >>> images = np.zeros((3, 32, 32, 3), np.uint8)
    >>> samples = Samples(images, groups=("a", "a", "b"), provenance={"source": "mine"})
    >>> len(samples), samples.take([2, 0]).groups
    (3, ('b', 'a'))
    """

    images: np.ndarray
    groups: tuple | None
    provenance: dict
    texts: tuple | None = None
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    has_pictures: bool = True
    masks: np.ndarray | None = None

    def __post_init__(self):
        for name in ("groups", "texts", "labels"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.images):
                raise ValueError(
                    f"{name} holds {len(values)} entries for {len(self.images)} images"
                )
        if self.masks is not None:
            _check_masks(self.masks, self.images)

    def __len__(self):
        return len(self.images)

    def take(self, index):
        """The samples at some indices, in their order; provenance stays as it is."""
        index = np.asarray(index)

        def picked(values):
            return None if values is None else tuple(values[i] for i in index)

        labels = None if self.labels is None else self.labels[index]
        masks = None if self.masks is None else self.masks[index]
        return replace(
            self,
            images=self.images[index],
            groups=picked(self.groups),
            texts=picked(self.texts),
            labels=labels,
            masks=masks,
        )


def hashes_beside(texts=None, labels=None, masks=None):
    """What a provenance says of captions, labels and masks, so that results on others
    are told apart.

    Parameters
    ----------
    texts, labels, masks
        As of :class:`Samples`

    Output
    ------
    : `dict`
        ``texts_sha256``, ``labels_sha256`` and ``masks_sha256``, of those that are
        there
    """
    hashes = {}
    if texts is not None:
        content = json.dumps([list(own) for own in texts], ensure_ascii=False)
        hashes["texts_sha256"] = hashlib.sha256(content.encode()).hexdigest()
    if labels is not None:
        hashes["labels_sha256"] = array_sha256(labels)
    if masks is not None:
        hashes["masks_sha256"] = array_sha256(masks)
    return hashes


def _check_masks(masks, images):
    if masks.dtype != np.uint8 or masks.shape != images.shape[:3]:
        raise ValueError(
            f"masks are {masks.dtype} {masks.shape} beside images {images.shape}; give "
            "uint8 [num_images, height, width]"
        )
    if masks.size and masks.max() > 1:
        raise ValueError(
            f"masks hold values up to {masks.max()}; give 1 for the foreground, else 0"
        )


class Delivered(NamedTuple):
    """What a receiver made of what arrived; a system delivers one of them or several.

    Attributes
    ----------
    images : [batch, height, width, 3]
        `float32` around [0, 1] from a decoder, `uint8` from a system

    texts : list of [batch] `str`

    features : [batch, ...], `float32`

    details : any
        What a codec's own loss or figures want to see beside it
    """

    images: Any = None
    texts: Any = None
    features: Any = None
    details: Any = None
