"""One seed sets every stream."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import complex_normal, uniform
from semcom_phy.seeding import set_seed


def _draws():
    return [
        np.random.standard_normal(3),
        ops.convert_to_numpy(keras.random.normal((3,))),
        ops.convert_to_numpy(complex_normal((3,))),
        ops.convert_to_numpy(uniform((3,))),
    ]


def test_same_seed_repeats_every_stream():
    """NumPy, Keras and Sionna streams repeat under one seed, and move on (exact)."""
    set_seed(5)
    first, second = _draws(), _draws()
    set_seed(5)
    again = _draws()
    for one, two, repeated in zip(first, second, again, strict=True):
        np.testing.assert_array_equal(one, repeated)
        assert not np.array_equal(one, two)


@pytest.mark.parametrize("bad", [-1, 2**32, 1.5, "1", True, None])
def test_bad_seed_is_an_error(bad):
    """Only integers from 0 to 2**32 - 1 are seeds."""
    with pytest.raises(ValueError, match="seed"):
        set_seed(bad)
