"""Seeds: one for every random stream of the library, and one of its own for each image.

derived_seed(seed, draw, image) --> fade of the image     sample_fades
                                '-> noise of the image    channel.draw_noise
                                '-> whatever else is random about it:
                                    derived_seed(its seed, "what")
"""

import contextlib
import hashlib
import operator
import random
import threading

import keras
import numpy as np
from sionna.phy import config

from semcom_phy import backend

MAX_SEED = 2**63 - 1
_STREAMS = threading.RLock()


def set_seed(seed):
    """Seeds Python, NumPy, Keras, its backend and Sionna together, for good.

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


@contextlib.contextmanager
def private_streams(seed):
    """Random streams of one's own: what is drawn inside depends on the seed alone, and
    what is drawn after it is as if nothing had been drawn inside.

    Seeds the streams of Python, NumPy, Sionna and, where it runs, torch, and gives them
    back as they were. Keras takes the seeds of its layers from Python's; its one global
    generator (``keras.random`` without a seed) is left alone.

    Parameters
    ----------
    seed : `int`, 0 to 2**63 - 1
        Seed

    Note
    ----
    The streams belong to the process. Threads take turns inside; one that draws
    outside meanwhile draws from the private streams.

    Raises
    ------
    ValueError
        If ``seed`` is not an integer in that range.
    """
    (seed,) = check_seeds([seed])
    with _STREAMS:
        kept = random.getstate(), np.random.get_state(), backend.sionna_streams()
        try:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            backend.seed_sionna_streams(seed)
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            backend.restore_sionna_streams(kept[2])


def derived_seed(*path):
    """A seed of its own for every path.

    NumPy's :class:`~numpy.random.SeedSequence` with the first part as entropy and the
    others as its spawn key, each part as 128 hashed bits: ``(1)``, ``(1, 0)``,
    ``("1")`` and ``("a", "b")``, ``("ab")`` are all different.

    Parameters
    ----------
    path : `int` or `str`
        For example a run's seed, a draw and an image

    Output
    ------
    : `int`, 0 to 2**63 - 1

    Raises
    ------
    ValueError
        If the path is empty, or a part is neither an integer nor a string.
    """
    if not path:
        raise ValueError("a seed needs a path of at least one integer or string.")
    first, *others = map(_words, path)
    key = tuple(word for words in others for word in words)
    sequence = np.random.SeedSequence(first, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def image_seeds(seed, draw, indices):
    """Seeds of images, from which each image's fade and noise follow.

    Parameters
    ----------
    seed : `int`
        Seed of the run

    draw : `int`
        Number of the channel draw

    indices : sequence of `int`
        Numbers of the images in the data set that is sent

    Output
    ------
    : list of `int`

    Example
    -------
    >>> first, second = image_seeds(1, draw=0, indices=[4, 9])
    >>> image_seeds(1, 0, [9]) == [second]
    True
    """
    return [derived_seed(seed, draw, index) for index in indices]


def user_seeds(seeds, num_users):
    """Seeds of the links to several users, from which fade and noise of each follow.

    Parameters
    ----------
    seeds : sequence of `int`
        One per image, of :func:`image_seeds`

    num_users : `int`
        Number of users; more of them do not change the seeds of the first

    Output
    ------
    : list of `int`, len(seeds) * num_users
        Image by image
    """
    users = range(num_users)
    return [derived_seed(seed, "user", user) for seed in seeds for user in users]


def sample_fades(channel, seeds):
    """One fade per image, each a function of the image's seed alone.

    Not of the other images, their number or order; nobody's streams are touched.

    Parameters
    ----------
    channel : with ``sample_each(seeds)``
        :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`, or another

    seeds : sequence of `int`
        Of :func:`image_seeds`

    Output
    ------
    h : [len(seeds), ...], `complex64`
        As of ``channel.sample(len(seeds))``

    Raises
    ------
    ValueError
        If a seed is not an integer from 0 to 2**63 - 1.
    """
    return channel.sample_each(check_seeds(seeds))


def image_generator(seed, what):
    """Generator of something that is random about an image, from the image's seed.

    Parameters
    ----------
    seed : `int`, 0 to 2**63 - 1
        The image's

    what : `str`
        For example "noise": other words give independent numbers

    Output
    ------
    : `numpy.random.Generator`
    """
    return np.random.default_rng(derived_seed(seed, what))


def complex_normals(generator, shape):
    """CN(0, 1) entries of a NumPy generator, [*shape], `complex64`.

    The first of a longer draw are those of a shorter one.
    """
    parts = generator.standard_normal((*shape, 2), dtype=np.float32)
    return np.sqrt(np.float32(0.5)) * parts.view(np.complex64)[..., 0]


def check_seeds(seeds, count=None):
    """Seeds of images as a list of `int`.

    Parameters
    ----------
    seeds : sequence of `int`
        One seed per image

    count : `int`, optional
        Number of images

    Raises
    ------
    ValueError
        If they are not a sequence of ``count`` integers from 0 to 2**63 - 1.
    """
    try:
        checked = [_integer(seed) for seed in seeds]
    except TypeError as error:
        raise ValueError(
            f"seeds must be one integer per image, got {seeds!r}."
        ) from error
    for seed in checked:
        if not 0 <= seed <= MAX_SEED:
            raise ValueError(f"seeds must be from 0 to 2**63 - 1, got {seed}.")
    if count is not None and len(checked) != count:
        raise ValueError(f"expected {count} seeds, one per image, got {len(checked)}.")
    return checked


def _words(part):
    """A part of a path as four 32-bit words, which tell 1 from "1"."""
    if isinstance(part, str):
        text = f"text {part}"
    else:
        try:
            text = f"integer {_integer(part)}"
        except TypeError as error:
            raise ValueError(
                f"a seed is derived from integers and strings, got {part!r}."
            ) from error
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.frombuffer(digest, np.uint32).tolist()


def _integer(value):
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{value!r} is no integer")
    return operator.index(value)
