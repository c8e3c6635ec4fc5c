"""One seed for every random stream of the library."""

import keras
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
