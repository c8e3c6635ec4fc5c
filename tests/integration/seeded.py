"""What every system of a sweep owes to seeds, for the tests of each kind."""

import random

import keras
import numpy as np
from keras import ops

from semcom_phy.seeding import image_seeds, sample_fades, set_seed

SNR_DB = 12.0


def assert_no_stream_moves(system, channel, images, action=None):
    """Nobody's next draw is another one after ``action(h, seeds)``, by default a
    transmission, which twice gives the same (exact)."""
    seeds = image_seeds(3, 1, range(len(images)))
    h = sample_fades(channel, seeds)
    if action is None:

        def action(h, seeds):
            sent = [system.transmit(images, SNR_DB, h, seeds) for _ in range(2)]
            np.testing.assert_array_equal(sent[0].images, sent[1].images)
            np.testing.assert_array_equal(sent[0].outage, sent[1].outage)
            system.describe()

    set_seed(11)
    expected = _next_draws(channel)
    set_seed(11)
    sample_fades(channel, seeds)
    action(h, seeds)
    for found, draw in zip(_next_draws(channel), expected, strict=True):
        np.testing.assert_array_equal(found, draw)


def assert_batches_do_not_matter(system, channel, images):
    """Rows of images are the same in any order, all at once, in threes and alone
    (8-bit images to one step in a thousand pixels, figures to 1e-4)."""
    seeds = np.array(image_seeds(3, 1, range(len(images))))
    whole = _rows(system, channel, images, seeds, [np.arange(len(images))])
    order = np.arange(len(images))[::-1]
    chunks = [order[i : i + 3] for i in range(0, len(order), 3)]
    rows = _rows(system, channel, images, seeds, chunks)
    rows = {name: values[::-1] for name, values in rows.items()}
    np.testing.assert_array_equal(rows.pop("outage"), whole["outage"])
    pixels = rows.pop("images").astype(int) - whole["images"]
    assert np.abs(pixels).max() <= 1 and np.mean(pixels != 0) < 1e-3
    for name, values in rows.items():
        np.testing.assert_allclose(
            values, whole[name], rtol=1e-4, atol=1e-4, err_msg=name
        )


def _rows(system, channel, images, seeds, chunks):
    rows = {}
    for index in chunks:
        h = sample_fades(channel, seeds[index])
        sent = system.transmit(images[index], SNR_DB, h, seeds[index])
        values = {"images": sent.images, "outage": sent.outage, **sent.extras}
        for name, value in values.items():
            rows.setdefault(name, []).append(np.asarray(value))
    return {name: np.concatenate(values) for name, values in rows.items()}


def _next_draws(channel):
    return [
        ops.convert_to_numpy(channel.sample(2)),
        np.random.random(3),
        random.random(),
        ops.convert_to_numpy(keras.random.uniform((3,))),
    ]
