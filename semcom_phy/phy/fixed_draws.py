"""Fixed random numbers that stand for what a transmitter does not know."""

import numpy as np

NUM_PREDICTED = 8  # draws of the error that the estimate of a frame to come has
NUM_POSSIBLE = 64  # channels that a fed-back estimate leaves possible; even
CHANNEL_SEED, ESTIMATE_SEED = 20212, 20213


def fixed_normals(seed, shape):
    """Fixed CN(0, 1) entries, `complex64`, a NumPy array."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    return np.sqrt(np.float32(0.5)) * parts.view(np.complex64)[..., 0]


def fixed_in_turn(batch, shape):
    """NUM_PREDICTED fixed draws of CN(0, 1) entries, repeated to [batch, *shape]."""
    draws = fixed_normals(ESTIMATE_SEED, (NUM_PREDICTED, *shape))
    return draws[np.arange(batch) % NUM_PREDICTED]
