"""One seed sets every stream; an image's seed sets what is random about it."""

import random

import keras
import numpy as np
import pytest
from keras import ops
from sionna.phy import config

from semcom_phy.backend import complex_normal, uniform
from semcom_phy.seeding import (
    check_seeds,
    derived_seed,
    image_seeds,
    private_streams,
    sample_fades,
    set_seed,
)


def _draws():
    return [
        np.random.standard_normal(3),
        np.array([random.random() for _ in range(3)]),
        ops.convert_to_numpy(keras.random.normal((3,))),
        ops.convert_to_numpy(complex_normal((3,))),
        ops.convert_to_numpy(uniform((3,))),
        config.np_rng.random(3),
        np.array([config.py_rng.random() for _ in range(3)]),
    ]


def test_same_seed_repeats_every_stream():
    """Python, NumPy, Keras and Sionna streams repeat under one seed, and move on
    (exact)."""
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


def test_private_streams_leave_everyone_s_as_they_were():
    """What is drawn inside follows the seed, also after an error and of 63 bits; what
    is drawn outside goes on as if nothing had been drawn, and Sionna's seed stays
    (exact)."""
    set_seed(5)
    expected = [_draws(), _draws()]
    set_seed(5)
    outside, inside = [_draws()], []
    for _ in range(2):
        with pytest.raises(RuntimeError), private_streams(2**62 + 1):
            inside.append(_draws()[:2] + _draws()[3:])
            keras.layers.Dense(3).build((None, 4))
            raise RuntimeError
    with private_streams(2**62 + 2):
        other = complex_normal((3,))
    # Keras' own global generator is left alone.
    outside.append(_draws())
    for now, before in zip(outside, expected, strict=True):
        for one, two in zip(now[:2] + now[3:], before[:2] + before[3:], strict=True):
            np.testing.assert_array_equal(one, two)
    for one, two in zip(*inside, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(ops.convert_to_numpy(other), inside[0][3])
    assert config.seed == 5


def test_private_streams_seed_new_layers():
    """First weights of a layer follow the seed (exact)."""
    weights = []
    for seed in (1, 1, 2):
        with private_streams(seed):
            layer = keras.layers.Dense(3)
            layer.build((None, 4))
        weights.append(ops.convert_to_numpy(layer.kernel))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


PATHS = [
    (1,),
    (1, 0),
    (1, 0, 0, 0),
    ("1",),
    (0,),
    (0, 1),
    (1, "0"),
    (-1,),
    (2**40,),
    (1, "validation"),
    (1, 1067),  # the sum of the word's letters
    (1, "dilavation"),
    ("ab",),
    ("a", "b"),
    ("b", "a"),
    ("text 1",),
    ("integer 1",),
]


def test_every_path_has_a_seed_of_its_own():
    """Length, order and types of a path count (exact)."""
    seeds = [derived_seed(*path) for path in PATHS]
    assert len(set(seeds)) == len(PATHS)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seeds == [derived_seed(*path) for path in PATHS]
    assert derived_seed(np.int64(1), np.uint32(0)) == derived_seed(1, 0)
    numbers = image_seeds(1, 0, range(2000)) + image_seeds(1, 1, range(2000))
    assert len(set(numbers)) == 4000


def test_seeds_do_not_change():
    """Stored results hold figures of these seeds (exact)."""
    assert derived_seed(1, 0, 0) == 2405984499509899897
    assert derived_seed(1, "validation") == 670351836641713150


@pytest.mark.parametrize("bad", [(), (1.5,), (1, None), (True,), (1, b"a")])
def test_a_path_is_of_integers_and_strings(bad):
    """The part is in the message."""
    with pytest.raises(ValueError, match="seed"):
        derived_seed(*bad)


@pytest.mark.parametrize(
    "bad, what",
    [(7, "one integer per image, got 7"), ([1.5], "got"), ([-1], "got -1")]
    + [([2**63], "got 9223372036854775808"), ([1, 2], "expected 3 seeds.*got 2")],
)
def test_seeds_of_images_are_checked(bad, what):
    """Value and number are in the message."""
    with pytest.raises(ValueError, match=what):
        check_seeds(bad, 3)


def test_fades_ask_the_channel_for_each_seed():
    """Any channel that draws by seeds will do (exact)."""

    class Channel:
        def sample_each(self, seeds):
            return [10 * seed for seed in seeds]

    assert sample_fades(Channel(), np.array([1, 2])) == [10, 20]
    with pytest.raises(ValueError, match="got -1"):
        sample_fades(Channel(), [-1])
