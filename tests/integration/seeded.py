"""What every system of a sweep owes to seeds, for the tests of each kind."""

import random

import keras
import numpy as np
from keras import ops

from semcom_phy.seeding import image_seeds, sample_fades, set_seed
from semcom_phy.sources.samples import Samples

SNR_DB = 12.0


def samples_of(images):
    """Images, or float pictures in [0, 1], as samples; samples as they are."""
    if isinstance(images, Samples):
        return images
    images = np.asarray(images)
    if images.dtype != np.uint8:
        images = np.rint(255 * images).astype("uint8")
    return Samples(images, None, {})


def assert_no_stream_moves(system, channel, images, action=None):
    """Nobody's next draw is another one after ``action(h, seeds)``, by default a
    transmission, which twice gives the same (exact)."""
    samples = samples_of(images)
    seeds = image_seeds(3, 1, range(len(samples)))
    h = sample_fades(channel, seeds)
    if action is None:

        def action(h, seeds):
            sent = [system.transmit(samples, SNR_DB, h, seeds) for _ in range(2)]
            pictures = [transmission.delivered.images for transmission in sent]
            np.testing.assert_array_equal(*pictures)
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
    """Rows of samples are the same in any order, all at once, in threes and alone
    (8-bit images to one step in a thousand pixels, figures to 1e-4)."""
    samples = samples_of(images)
    seeds = np.array(image_seeds(3, 1, range(len(samples))))
    whole = _rows(system, channel, samples, seeds, [np.arange(len(samples))])
    order = np.arange(len(samples))[::-1]
    chunks = [order[i : i + 3] for i in range(0, len(order), 3)]
    rows = _rows(system, channel, samples, seeds, chunks)
    rows = {name: values[::-1] for name, values in rows.items()}
    np.testing.assert_array_equal(rows.pop("outage"), whole["outage"])
    pixels = rows.pop("images").astype(int) - whole["images"]
    assert np.abs(pixels).max() <= 1 and np.mean(pixels != 0) < 1e-3
    for name, values in rows.items():
        np.testing.assert_allclose(
            values, whole[name], rtol=1e-4, atol=1e-4, err_msg=name
        )


def _rows(system, channel, samples, seeds, chunks):
    rows = {}
    for index in chunks:
        h = sample_fades(channel, seeds[index])
        sent = system.transmit(samples.take(index), SNR_DB, h, seeds[index])
        values = {"images": sent.delivered.images, "outage": sent.outage}
        values |= {f"spent {n}": v for n, v in sent.spent._asdict().items()}
        values |= {f"lost {n}": v for n, v in sent.lost.items()} | sent.figures
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
