"""The rate of a picture: what its codec makes of a budget, against the risk."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from semcom_phy.metrics.image import LOSSLESS_PSNR
from semcom_phy.progress import advance
from semcom_phy.source_coding.errors import BudgetError
from semcom_phy.source_coding.rate_ladder import Encoded

SAFE_OUTAGE = 0.01
# What a picture of a PSNR is worth, by the average that is to be the highest.
GOALS = {
    "psnr": lambda psnr: psnr,  # mean of the PSNR
    "mse": lambda psnr: -(10.0 ** (-0.1 * psnr)),  # PSNR of the mean MSE
}
_ALIKE = 0.9  # bounds within this ratio are met with the largest budget first


@dataclass(frozen=True)
class RateChoice:
    """Result of `choose_rate`.

    Parameters
    ----------
    index : `int` | `None`
        The option chosen; `None`: nothing is sent
    encoded : `Encoded` | `None`
        The stream to send
    outage : `float`, 0 to 1
        Its predicted outage; 1 where nothing is sent
    expected_psnr : `float`
        (1 - outage) times the PSNR of the stream, plus outage times that of an outage
        [dB]
    smallest_bytes, room_bytes : `int` | `None`
        Where the picture does not fit: the smallest stream of the codec, and the most
        that an option of a predicted outage below 1 % carries. Else `None`
    """

    index: int | None
    encoded: Encoded | None
    outage: float
    expected_psnr: float
    smallest_bytes: int | None = None
    room_bytes: int | None = None


def choose_rates(ladder, images, num_bytes, outage, outage_psnr, goal="psnr"):
    """`choose_rate` for each of several images.

    Codecs compute outside of Python's lock: images are searched in as many threads as
    there are cores, in a worker of several processes, which share the cores, in one.
    Every image that is done is counted for whoever shows progress.

    Input
    -----
    images : [batch, H, W, 3], `uint8`

    num_bytes : [batch, num_options], `int`
        Budgets of each; 0 where there is none [byte]

    outage : [batch, num_options], `float`, 0 to 1
        Predicted outage of each

    outage_psnr : [batch], `float`
        PSNR of what is shown in an outage [dB]

    goal : `str`, (default "psnr")
        As of `choose_rate`

    Output
    ------
    : list of [batch] `RateChoice`
        Those of `choose_rate` for every image alone
    """
    asked = zip(images, num_bytes, outage, outage_psnr, strict=True)
    pool, choices = ThreadPoolExecutor(_threads()), []
    of_one = partial(choose_rate, ladder, goal=goal)
    try:
        for choice in pool.map(lambda one: of_one(*one), asked):
            choices.append(choice)
            advance()
        return choices
    finally:
        pool.shutdown(cancel_futures=True)


def _threads():
    """How many images are searched at once."""
    is_worker = multiprocessing.parent_process() is not None
    return 1 if is_worker else os.cpu_count() or 1


def choose_rate(ladder, image, num_bytes, outage, outage_psnr, goal="psnr"):
    r"""Chooses the option with the best expected PSNR of this very picture, or the
    least expected MSE.

    .. math::
        \hat{m} = \arg\max_m \, (1 - p_m)\, w(Q(B_m)) + p_m\, w(Q_0)

    with the payload :math:`B_m` of option :math:`m`, the PSNR :math:`Q(B)` that the
    codec reaches on the picture within :math:`B` bytes, its predicted outage
    :math:`p_m`, the PSNR :math:`Q_0` of an outage, and what a PSNR is worth:
    :math:`w(Q) = Q` for the mean of the PSNR, :math:`-10^{-Q/10}` for the PSNR of the
    mean MSE. Of equal ones the option that
    fails less is taken. A picture that is received never counts less than an outage,
    so that something is sent whenever it fits and may arrive.

    Encoding is the expensive part, and few options are encoded: one cannot be better
    than its outage and the PSNR of the next larger budget that was tried allow. What a
    budget makes of a picture is therefore taken to rise with the budget; the ladder's
    search leaves exceptions of some 0.01 dB.

    Input
    -----
    ladder : `RateLadder`

    image : [H, W, 3], `uint8`

    num_bytes : [num_options], `int`
        Budgets; 0 where there is none [byte]

    outage : [num_options], `float`, 0 to 1
        Predicted outage

    outage_psnr : `float`
        PSNR of what is shown in an outage [dB]

    goal : `str`, (default "psnr")
        Average that is to be the highest, a key of ``GOALS``

    Output
    ------
    : `RateChoice`
    """
    num_bytes, outage = np.asarray(num_bytes), np.asarray(outage, float)
    fits, known = num_bytes > 0, np.zeros(len(num_bytes), bool)
    bound = np.full(len(num_bytes), LOSSLESS_PSNR)
    found, worth = {}, GOALS[goal]
    while True:
        more = np.maximum(worth(bound) - worth(outage_psnr), 0)
        gain = np.where(fits, (1 - outage) * more, -1.0)
        best = _largest(gain, outage, num_bytes, fits & known)
        open_ = fits & ~known
        if best is not None:
            better = (gain > gain[best]) | (
                (gain == gain[best]) & (outage < outage[best])
            )
            open_ &= better
        if not open_.any():
            break
        near = open_ & (gain >= _ALIKE * gain[open_].max())
        room = num_bytes[near].max()
        try:
            encoded = ladder.best(image, int(room))
        except BudgetError:
            fits &= num_bytes >= max(room + 1, ladder.smallest(image))
            continue
        size = len(encoded.bytes)
        same = fits & (size <= num_bytes) & (num_bytes <= room)
        known |= same
        found |= dict.fromkeys(np.flatnonzero(same).tolist(), encoded)
        bound = np.where(num_bytes <= room, np.minimum(bound, encoded.psnr), bound)
    if best is None or outage[best] >= 1.0:
        return RateChoice(
            None, None, 1.0, outage_psnr, **_shortfall(ladder, image, num_bytes, outage)
        )
    risk, encoded = float(outage[best]), found[best]
    expected = (1 - risk) * encoded.psnr + risk * outage_psnr
    lack = {}
    if risk >= SAFE_OUTAGE:
        lack = _shortfall(ladder, image, num_bytes, outage)
    return RateChoice(best, encoded, risk, expected, **lack)


def _largest(gain, outage, num_bytes, allowed):
    """Index of the largest gain, then of the least outage; `None` without any."""
    index = np.flatnonzero(allowed)
    if not len(index):
        return None
    order = np.lexsort((num_bytes[index], -outage[index], gain[index]))
    return int(index[order[-1]])


def _shortfall(ladder, image, num_bytes, outage):
    """Smallest stream and room, where the picture and not the channel is at fault."""
    room = int(np.max(num_bytes, where=outage < SAFE_OUTAGE, initial=0))
    smallest = ladder.smallest(image)
    too_large = smallest > np.max(num_bytes)
    if not too_large and (room == 0 or smallest <= room):
        return {}
    return {"smallest_bytes": smallest, "room_bytes": room}
