"""The systems of ``link_models.systems`` over fades that are all of one power.

Every fade is scaled to the power that fades have on average. Not our definition of the
SNR, but one reading of the ECA paper's: for comparison with its figures alone. Results
say so in the description of each system.
"""

import numpy as np
from keras import ops

from link_models.links import radio
from link_models.systems import table

SYSTEMS = table.SYSTEMS


class FixedFadePower:
    """A channel whose fades are scaled to power 1, image by image.

    Parameters
    ----------
    channel : with ``sample_each(seeds)``
        Draws the fades
    """

    def __init__(self, channel):
        self.channel = channel

    def sample_each(self, seeds):
        h = ops.convert_to_numpy(self.channel.sample_each(seeds))
        power = np.mean(np.abs(h) ** 2, axis=tuple(range(1, h.ndim)), keepdims=True)
        return (h / np.sqrt(power)).astype("complex64")


class OverFixedFadePower:
    """A system that says over which fades it was sent.

    Parameters
    ----------
    system : any system of a sweep
    """

    def __init__(self, system):
        self.system = system
        self.name = system.name
        self.title = f"{system.title}, fades of one power"

    def describe(self):
        about = {"title": self.title, "fade_power": "every fade scaled to power 1"}
        return self.system.describe() | about

    def transmit(self, samples, snr_db, h, seeds):
        return self.system.transmit(samples, snr_db, h, seeds)

    def symbol_maps(self, samples, snr_db, seed):
        return self.system.symbol_maps(samples, snr_db, seed)


def build_channel(scenario):
    return FixedFadePower(radio.build_channel(scenario))


def build_system(name, scenario):
    return OverFixedFadePower(table.build_system(name, scenario))
