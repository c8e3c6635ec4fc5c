"""What a source gives: images, which of them are alike, and where they come from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Samples:
    """Images to be sent.

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
    """

    images: np.ndarray
    groups: tuple | None
    provenance: dict

    def __len__(self):
        return len(self.images)
