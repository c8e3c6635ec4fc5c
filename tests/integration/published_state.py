"""Checkpoints as the authors of SwinJSCC write them, small, of random numbers."""

from functools import cache

import numpy as np

from link_models.training.published.command import import_arrays
from link_models.training.published.swinjscc_entries import (
    VARIANTS,
    decoder_entries,
    encoder_entries,
)
from semcom_phy.codecs.swinjscc_official import (
    SwinJSCCOfficialDecoder,
    SwinJSCCOfficialEncoder,
)

SIZES = {
    "image_shape": (32, 32, 3),
    "dims": (8, 10),
    "depths": (2, 2),
    "heads": (2, 2),
}
FEATURES = 6


@cache
def halves(variant):
    """Encoder and decoder of a variant, built once."""
    snr_adaptive, rate_adaptive = VARIANTS[variant]
    config = SIZES | {
        "num_features": None if rate_adaptive else FEATURES,
        "snr_adaptive": snr_adaptive,
        "rate_adaptive": rate_adaptive,
    }
    both = SwinJSCCOfficialEncoder(**config), SwinJSCCOfficialDecoder(**config)
    for half in both:
        half.build(None)
    return both


def random_state(variant, seed=1):
    """Entries of a checkpoint with its buffers, `dict` of name -> array."""
    encoder, decoder = halves(variant)
    rng = np.random.default_rng(seed)
    state = {}
    for entry in (*encoder_entries(encoder), *decoder_entries(decoder)):
        shape = [n or FEATURES for n in entry.shape]
        state[entry.name] = 0.2 * rng.standard_normal(shape).astype("float32")
    for half in ("encoder", "decoder"):
        for i in range(2):
            name = f"{half}.layers.{i}.blocks"
            state[f"{name}.1.attn_mask"] = np.zeros((4, 4, 4), "float32")
            state[f"{name}.0.attn.relative_position_index"] = np.zeros((4, 4), int)
    return state


def write_weights(variant, folder="runs", label=None):
    """Imported weights of random numbers; returns the path of the JSON."""
    state = random_state(variant)
    return import_arrays(state, variant, {}, folder=folder, label=label)[0]
