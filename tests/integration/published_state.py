"""Checkpoints as authors write them, small, of random numbers."""

from functools import cache

import numpy as np

from link_models.codecs import CODECS
from link_models.training.published import ntscc_entries, swinjscc_entries
from link_models.training.published.command import VARIANTS, import_arrays

SIZES = {
    "image_shape": (32, 32, 3),
    "dims": (8, 10),
    "depths": (2, 2),
    "heads": (2, 2),
}
FEATURES = 6
NTSCC = {
    "image_shape": (32, 32, 3),
    "dims": (16, 12),
    "depths": (1, 2),
    "heads": (2, 2),
    "windows": (4, 2),
    "shifted": (False, True),
    "code_depth": 1,
    "code_heads": 2,
    "code_window": 4,
    "rates": (2, 4, 6, 10, 12),
    "hyper_analysis": (4, 6, 8),
    "hyper_synthesis": (10, 14),
}


def config_of(variant):
    """Constructor arguments of both halves."""
    if variant in ntscc_entries.VARIANTS:
        return NTSCC | {"refined": ntscc_entries.VARIANTS[variant]}
    snr_adaptive, rate_adaptive = swinjscc_entries.VARIANTS[variant]
    return SIZES | {
        "num_features": None if rate_adaptive else FEATURES,
        "snr_adaptive": snr_adaptive,
        "rate_adaptive": rate_adaptive,
    }


@cache
def halves(variant):
    """Encoder and decoder of a variant, built once."""
    codec, config = CODECS[VARIANTS[variant].CODEC], config_of(variant)
    both = codec.encoder(**config), codec.decoder(**config)
    for half in both:
        half.build(None)
    return both


def entries_of(variant):
    """What there may be in a checkpoint of a variant."""
    encoder, decoder = halves(variant)
    known = VARIANTS[variant]
    return [*known.encoder_entries(encoder), *known.decoder_entries(decoder)]


def random_state(variant, seed=1):
    """Entries of a checkpoint with its buffers, `dict` of name -> array."""
    rng = np.random.default_rng(seed)
    state = {}
    for entry in entries_of(variant):
        shape = [n or FEATURES for n in entry.shape]
        state[entry.name] = 0.2 * rng.standard_normal(shape).astype("float32")
    ntscc = variant in ntscc_entries.VARIANTS
    for half in ("ga", "gs") if ntscc else ("encoder", "decoder"):
        depths = config_of(variant)["depths"]
        for i, depth in enumerate(depths[::-1] if half == "gs" else depths):
            name = f"{half}.layers.{i}.blocks"
            if depth > 1:
                state[f"{name}.1.attn_mask"] = np.zeros((4, 4, 4), "float32")
            state[f"{name}.0.attn.relative_position_index"] = np.zeros((4, 4), int)
    if ntscc:
        # Scales of a distribution, grey images, and norms that let features through.
        for name, array in state.items():
            if "norm" in name and name.endswith("weight"):
                array += 1.0
        state["hs.4.bias"][: NTSCC["dims"][-1]] += 1.0
        state["gs.outconv.bias"] += 0.5
        rates = np.array(NTSCC["rates"])
        for name in ("fe.rate_choice_tensor", "fd.rate_choice_tensor"):
            state[name] = rates
        state["fe.rate_adaption.rate_choice_tensor"] = rates
        state["fe.rate_adaption.mask"] = np.zeros((16, 12), int)
        state["gaussian_conditional.scale_table"] = np.zeros(0, "float32")
    return state


def write_weights(variant, folder="runs", label=None, **more):
    """Imported weights of random numbers; returns the path of the JSON."""
    state = random_state(variant)
    more = {"folder": folder, "label": label} | more
    if variant in ntscc_entries.VARIANTS:
        more["image_shape"] = NTSCC["image_shape"]
    return import_arrays(state, variant, {}, **more)[0]
