"""Senders without features: the number of a candidate, or nothing at all."""

from collections.abc import Callable

import numpy as np

from link_models.systems.knowledge import TARGET
from link_models.systems.side_information import ShortSide
from semcom_phy.channel_coding.protection import number_bytes
from semcom_phy.phy.segments import Analogue, Digital
from semcom_phy.seeding import image_generator


class SentIndex:
    """The transmitter, which holds the candidates as well, selects by itself and sends
    the number of the best one under a polar code.

    Parameters
    ----------
    held : :class:`~link_models.systems.selection.held_candidates.HeldCandidates`
    """

    knows: tuple[str, ...] = ()

    def __init__(self, held):
        self.held = held
        self.side = ShortSide(max(held.num, 2))
        self.room = self.side.room

    def describe(self):
        bits = max(1, (self.held.num - 1).bit_length())
        return {"sends": ["index"], "bytes": -(-bits // 8), "selection": "by PSNR"}

    def encode(self, targets, view, snr_db):
        best = _best(self.held, targets)
        size = number_bytes(self.side.message.num_values)
        payloads = [int(number).to_bytes(size, "big") for number in best]
        return Digital(payloads, self.side.bind(view, snr_db)), best

    def choose(self, received, reception, labels, targets, state):
        read = [-1 if p is None else int.from_bytes(p) for p in received.payloads]
        chosen = np.array(read)
        return np.where(chosen < self.held.num, chosen, -1)

    def noiseless(self, targets, state):
        return state


class Unsent:
    """Base of what sends nothing but the class; a subclass has ``selection``, a text,
    and ``choose``.

    Parameters
    ----------
    held : :class:`~link_models.systems.selection.held_candidates.HeldCandidates`
    """

    room = 0
    knows: tuple[str, ...] = ()
    selection: str
    choose: Callable

    def __init__(self, held):
        self.held = held

    def describe(self):
        return {"sends": [], "bytes": 0, "selection": self.selection}

    def encode(self, targets, view, snr_db):
        return Analogue(np.zeros((len(targets.images), 0), np.complex64)), None

    def noiseless(self, targets, state):
        return self.choose(None, None, targets.labels, targets, state)


class RandomCandidate(Unsent):
    """A candidate that the seed of the transmission draws."""

    selection = "at random"

    def choose(self, received, reception, labels, targets, state):
        draws = [image_generator(seed, "candidate") for seed in targets.seeds]
        return np.array([draw.integers(self.held.num) for draw in draws])


class OracleCandidate(Unsent):
    """The candidate of the highest PSNR, which no receiver can know."""

    selection = "by PSNR (oracle)"
    knows = (TARGET,)

    def choose(self, received, reception, labels, targets, state):
        return _best(self.held, targets._replace(labels=labels))


def _best(held, targets):
    pairs = zip(targets.images, targets.labels, strict=True)
    return np.array([held.best(image, label) for image, label in pairs])
