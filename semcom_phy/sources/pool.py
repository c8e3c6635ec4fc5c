"""All images of a data set, opened when they are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pool:
    """A data set before the draw.

    Parameters
    ----------
    count : `int`
        Number of its images

    read : callable of `int` and, optionally, `int`
        Gives an image, uint8 [height, width, 3], and a `tuple` of `str` that says what
        was converted; raises :class:`~semcom_phy.sources.picture.UnusablePicture` where
        there is none. With a longest side [pixels], the image is not reduced further
        than to that

    provenance : `dict`
        ``dataset``, ``split``, ``source``, ``terms``

    groups : sequence of `int` or `str`, one per image, or `None`
        Images of one group are alike

    rule : `str` or `None`
        What the groups are, in the singular: "photograph"

    names : sequence of `str`, or `None`
        What to call an image that cannot be read

    texts : sequence of `tuple` of `str`, one per image, or `None`
        Captions

    labels : [count], `int`, or `None`
        Classes

    class_names : sequence of `str`, or `None`
        Their names

    mask : callable of `int`, or `None`
        Gives the mask of the salient foreground of an image that was read, uint8
        [height, width] of 0 and 1; raises `ValueError` or `FileNotFoundError`, with the
        file, where there is none
    """

    count: int
    read: Callable
    provenance: dict
    groups: Sequence | None = None
    rule: str | None = None
    names: Sequence | None = None
    texts: Sequence | None = None
    labels: np.ndarray | None = None
    class_names: Sequence | None = None
    mask: Callable | None = None

    @classmethod
    def of_array(
        cls, images, provenance, groups=None, rule=None, labels=None, class_names=None
    ):
        """A pool of images that lie in memory, uint8 [num_images, H, W, 3]."""

        def read(index, longest=None):
            return images[index], ()  # as large as they are

        return cls(
            len(images),
            read,
            provenance,
            groups,
            rule,
            labels=labels,
            class_names=class_names,
        )

    def order(self, seed):
        """Order of the draw: a permutation, one of each group in turn.

        Output
        ------
        order : [count], `int`
        """
        order = np.random.default_rng(seed).permutation(self.count)
        if self.groups is None:
            return order
        group = np.unique(np.asarray(self.groups), return_inverse=True)[1][order]
        by_group = np.argsort(group, kind="stable")
        first = np.searchsorted(group[by_group], group[by_group])
        turn = np.empty(self.count, int)
        turn[by_group] = np.arange(self.count) - first
        return order[np.argsort(turn, kind="stable")]
