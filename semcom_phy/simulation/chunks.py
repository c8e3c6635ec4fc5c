"""What a point sends at once, and what of it is one task of an engine.

    point = chunks = batches = images

A chunk is some batches of one SNR point of one system, as a run of this point alone
would send them one after the other: whoever computes the chunks, and in whatever order,
the batches are the same, and so is every figure.
"""

import math
from typing import NamedTuple

import numpy as np

MAX_CHUNKS = 16  # of a point: enough to share out, few enough to be no burden


class Batch(NamedTuple):
    """Images that are sent at once.

    Attributes
    ----------
    draw : `int`
        Number of the channel draw

    image : [batch], `int`
        Which images

    num : `int`
        How many of them count, the first ones; the rest only fills the batch up

    look : `bool`
        Whether the interval is looked at after it
    """

    draw: int
    image: np.ndarray
    num: int
    look: bool


class ChunkResult(NamedTuple):
    """What came of some batches of a point: plain arrays and texts.

    Attributes
    ----------
    status : `str`
        As of :class:`~semcom_phy.simulation.results.Point`

    columns : `dict` of name -> [num_transmissions] array
        See :mod:`~semcom_phy.simulation.rows`

    extras : `tuple` of `str`
        Names of the columns that are extras of the point

    num_shown : `int`
        Transmissions of it that the figure shows

    images : [num_shown, height, width, 3], `uint8`, or `None`
        As the figure shows them; `None` where no image is delivered or shown

    texts : `tuple` of [num_shown] `str`, or `None`
        `None` where no text is delivered or shown
    """

    status: str
    columns: dict
    extras: tuple
    num_shown: int
    images: np.ndarray | None
    texts: tuple | None


def batches_of(num_images, settings):
    """All batches of a point, in their order.

    All are of one size, for another one would have every graph traced anew: the
    last is filled up with the images that follow, whose results are then dropped. With
    a target, batches end where the interval is looked at, every ``min_images`` images,
    so that the batch size does not say how many images are sent. Images that share a
    frame are the same whatever the batches.

    Parameters
    ----------
    num_images : `int`

    settings : :class:`~semcom_phy.simulation.sweep.SweepSettings`

    Output
    ------
    : `list` of :class:`Batch`
    """
    block = num_images
    if settings.target_ci is not None:
        block = min(_multiple(settings.min_images, settings.together), num_images)
    size = -(-block // -(-block // settings.batch_size))
    size = _multiple(size, settings.together)
    batches = []
    for draw in range(settings.draws):
        for start in range(0, num_images, block):
            stop = min(start + block, num_images)
            for first in range(start, stop, size):
                index = np.arange(first, first + size) % num_images
                num, look = min(size, stop - first), first + size >= stop
                batches.append(Batch(draw, index, num, look))
    return batches


def chunks_of(num_batches, settings, whole=False):
    """Numbers of the batches of every chunk of a point.

    They depend neither on the engine nor on its workers, so that a run may go on where
    another one with other workers was killed. A point with a target is one chunk: when
    it ends is only known from all that was sent before.

    Parameters
    ----------
    num_batches : `int`
        Of the point

    settings : :class:`~semcom_phy.simulation.sweep.SweepSettings`

    whole : `bool`, (default `False`)
        The point is one chunk in any case

    Output
    ------
    : `list` of (first, stop)
        In their order, at most 16, of as many batches each but for the last
    """
    if whole or settings.target_ci is not None:
        return [(0, num_batches)]
    size = math.ceil(num_batches / MAX_CHUNKS)
    return [
        (first, min(first + size, num_batches)) for first in range(0, num_batches, size)
    ]


def _multiple(number, of):
    """The next multiple."""
    return -(-number // of) * of
