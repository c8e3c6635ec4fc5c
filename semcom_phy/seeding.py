"""One seed for every random stream of the library."""

import keras
import numpy as np
from sionna.phy import config


def set_seed(seed):
    """Seeds Python, NumPy, Keras, its backend and Sionna together.

    Keras' and Sionna's streams are independent: seeding one leaves the other as it
    was. Library code draws only from these streams or from a generator it is given.

    Parameters
    ----------
    seed : `int`
        Seed, 0 to 2**32 - 1

    Raises
    ------
    ValueError
        If ``seed`` is not an integer in that range.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1, got {seed!r}.")
    keras.utils.set_random_seed(seed)
    config.seed = seed


def seed_fades(seed):
    """Seeds Sionna's streams alone, from which channels draw their fades.

    Parameters
    ----------
    seed : `int`
        Seed, 0 to 2**32 - 1
    """
    config.seed = seed


def derived_seed(*path):
    """A seed of its own for every path of integers and strings.

    Parameters
    ----------
    path : `int` or `str`
        For example a run's seed and a step

    Output
    ------
    : `int`, 0 to 2**32 - 1
    """
    path = [p if isinstance(p, int) else sum(p.encode()) for p in path]
    return int(np.random.SeedSequence(path).generate_state(1)[0])
