"""Masks that shipped weights find, with the dual encoder of their training."""

import numpy as np

from link_models.systems.edited.saliency import transmitter_masks
from scenarios import edited_awgn
from semcom_phy.sources.images import load_images


def test_shipped_weights_find_masks():
    """One for each picture, of foreground and background."""
    images, _ = load_images("sample", 2, (128, 128), seed=1)
    mask = transmitter_masks(edited_awgn.SCENARIO)(images)
    assert mask.shape == (2, 16, 16) and mask.dtype == np.uint8
    share = mask.mean((1, 2))
    assert (share > 0.02).all() and (share < 0.9).all()
