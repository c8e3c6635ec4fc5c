"""Scores what any system delivers by how much each part of an image matters.

images --> system.transmit --> Transmission --> extras: psnr_high, ..., share_background
   '-----> level_maps(images) --> levels ----------^
"""

import dataclasses

from semcom_phy.metrics.importance import psnr_by_level


class ScoredByImportance:
    """A system of a sweep whose images are also scored level by level.

    The system is the one that was given: same name, same images, same outages. Only
    ``extras`` of what it transmits grow by the entries of
    :func:`~semcom_phy.metrics.importance.psnr_by_level`.

    Parameters
    ----------
    system : any system of a sweep
        With ``name``, ``describe()`` and ``transmit(images, snr_db, h, seeds)``;
        ``title`` and ``draw`` are passed on where it has them

    level_maps : callable, images -> levels
        ``uint8`` [batch, H, W, 3] to ``int`` [batch, H / 16, W / 16]: 0 background,
        1 low, 2 medium, 3 high

    patch_size : `int`, (default 16)
        Side of a patch [pixels]

    Raises
    ------
    ValueError
        From ``transmit``, if the levels do not fit the images, or the system already
        has scores of these names.
    """

    def __init__(self, system, level_maps, patch_size=16):
        self.system = system
        self.level_maps = level_maps
        self.patch_size = patch_size
        self.name = system.name
        for name in ("title", "draw"):  # a sweep asks whether they are there
            if hasattr(system, name):
                setattr(self, name, getattr(system, name))

    def describe(self):
        return self.system.describe()

    def transmit(self, images, snr_db, h, seeds):
        sent = self.system.transmit(images, snr_db, h, seeds)
        levels = self.level_maps(images)
        scores = psnr_by_level(images, sent.images, levels, self.patch_size)
        taken = sorted(set(scores) & set(sent.extras))
        if taken:
            raise ValueError(
                f"system {self.name!r} already has the extras {', '.join(taken)}: do "
                "not score it twice"
            )
        return dataclasses.replace(sent, extras={**sent.extras, **scores})
