"""What a system hands back is checked where it is made."""

import numpy as np
import pytest

from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.samples import Delivered

IMAGES, NO = np.zeros((2, 8, 8, 3), "uint8"), np.zeros(2, bool)
SPENT = Spent(np.ones(2), np.zeros(2))


def test_a_transmission_checks_its_shapes():
    """Images, outages, losses and figures of another type or shape are refused, and so
    is nothing at all (exact)."""
    gain = {"gain": np.ones(2)}
    Transmission(Delivered(IMAGES, ["a", "b"]), NO, SPENT, {"head": NO}, gain)
    Transmission(Delivered(features=np.zeros((2, 5))), NO, SPENT)
    for bad, told in (
        ((Delivered(), NO, SPENT), "neither images, texts nor features"),
        ((Delivered(IMAGES / 2), NO, SPENT), "images must be uint8"),
        ((Delivered(IMAGES[..., :1]), NO, SPENT), "images must be uint8"),
        ((Delivered(IMAGES, ["a"]), NO, SPENT), "holds .2, 1. images, texts"),
        ((Delivered(IMAGES), NO[:1], SPENT), "outage must be bool .2."),
        ((Delivered(IMAGES), NO.astype(int), SPENT), "outage must be bool .2."),
        ((Delivered(IMAGES), NO, Spent(np.ones(3), NO)), "spent.data must have shape"),
        ((Delivered(IMAGES), NO, SPENT, {"head": NO[:1]}), "head must be bool .2."),
        ((Delivered(IMAGES), NO, SPENT, {}, {"a": np.ones(3)}), "a must have shape"),
    ):
        with pytest.raises(ValueError, match=told):
            Transmission(*bad)
