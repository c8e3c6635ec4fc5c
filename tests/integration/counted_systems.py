"""``tiny_systems`` that write down what they send, for ``test_dask_cluster.py``.

Every batch adds a line to the file ``$COUNTED_LOG``: process, SNR, draw and image of
its first sample. Whoever first sends the batch ``$COUNTED_HOLD`` (such a line without
the process) writes its process into ``$COUNTED_LOG.held`` and stops there.
"""

import os
import time

import tiny_systems
from tiny_systems import build_channel

from semcom_phy.seeding import image_seeds

SYSTEMS = {"counted": None}
NUM_IMAGES, DRAWS = 12, 2
_NAMES = {
    int(image_seeds(1, draw, [image])[0]): f"{draw} {image}"
    for draw in range(DRAWS)
    for image in range(NUM_IMAGES)
}

__all__ = ["build_channel"]


class Counted(tiny_systems.PixelsOverAWGN):
    def transmit(self, samples, snr_db, h, seeds):
        log = os.environ.get("COUNTED_LOG")
        if log is not None:
            name = f"{snr_db:g} {_NAMES[int(seeds[0])]}"
            with open(log, "a") as stream:
                stream.write(f"{os.getpid()} {name}\n")
            if name == os.environ["COUNTED_HOLD"]:
                hold(f"{log}.held")
            time.sleep(0.02)
        return super().transmit(samples, snr_db, h, seeds)


def hold(path):
    try:
        with open(path, "x") as stream:
            stream.write(f"{os.getpid()}\n")
    except FileExistsError:
        return
    time.sleep(300)


def build_system(name, scenario):
    return Counted(name)
