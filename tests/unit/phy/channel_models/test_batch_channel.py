"""The channels of authors: what they normalise, pair and give away."""

import numpy as np
from keras import ops

from semcom_phy.phy.channel_models.batch_channel import (
    send_kept_over_batch,
    send_over_batch,
)
from semcom_phy.seeding import complex_normals

SHAPE = (4, 8, 8, 6)


def send(kept=None, no=0.1, gain=None, seed=1):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal(SHAPE).astype("float32")
    features *= np.array([1, 2, 3, 4], "float32")[:, None, None, None]
    if kept is not None:
        features *= kept[:, None, None]
    noise = complex_normals(rng, (features.size // 2,))
    inputs = [features, kept, no, noise, gain]
    inputs = [v if v is None else ops.convert_to_tensor(v) for v in inputs]
    return features, noise, send_over_batch(*inputs)


def test_power_is_that_of_the_batch():
    """Mean power 1 over the batch (1e-5), not of each image; real parts from its first
    half (1e-6)."""
    features, _, heard = send()
    symbols = ops.convert_to_numpy(heard.symbols)
    assert abs(np.mean(np.abs(symbols) ** 2) - 1) < 1e-5
    scale = np.sqrt(2 * np.mean(features**2))
    halves = features.reshape(2, -1) / scale
    np.testing.assert_allclose(symbols, halves[0] + 1j * halves[1], atol=1e-6)
    powers = np.mean(np.abs(symbols.reshape(2, -1)) ** 2, axis=1)
    assert powers.max() > 1.2 * powers.min()


def test_noise_is_that_of_the_snr():
    """Error over P no is 1 (4 standard errors of 1536 values, seed 1)."""
    features, _, heard = send(no=0.2)
    error = ops.convert_to_numpy(heard.features) - features
    ratio = np.mean(error**2) / (np.mean(features**2) * 0.2)
    assert abs(ratio - 1) < 4 * np.sqrt(2 / error.size)


def test_a_mask_keeps_power_and_noise_to_what_is_sent():
    """P counts kept values alone (1e-5); dropped channels come out as 0 (exact)."""
    kept = np.ones((4, 6), "float32")
    kept[:, [1, 4]] = 0
    features, _, heard = send(kept)
    power = np.sum(features**2) / (kept.sum() * 64)
    np.testing.assert_allclose(ops.convert_to_numpy(heard.power), power, rtol=1e-5)
    received = ops.convert_to_numpy(heard.features)
    assert not received[..., [1, 4]].any() and received[..., 0].all()


def test_a_gain_is_not_equalised():
    """Without noise to speak of what arrives is the gain times what was sent (1e-3)."""
    gain = np.random.default_rng(3).random(4 * 64 * 6 // 2).astype("float32")
    features, _, heard = send(no=1e-12, gain=gain)
    expected = features.reshape(2, -1) * gain
    received = ops.convert_to_numpy(heard.features).reshape(2, -1)
    np.testing.assert_allclose(received, expected, atol=1e-3)


def send_kept(no):
    """Values that are kept one by one, of images of different power."""
    rng = np.random.default_rng(5)
    kept = (rng.random(SHAPE) < 0.4).astype("float32")
    kept[0, 0, 0, 0] = 1.0
    kept[0, 0, 0, 1] = (kept.sum() - kept[0, 0, 0, 1]) % 2  # an even number of them
    features = kept * rng.standard_normal(SHAPE).astype("float32")
    features *= np.array([1, 2, 3, 4], "float32")[:, None, None, None]
    noise = complex_normals(rng, (features.size // 2,))
    inputs = [ops.convert_to_tensor(v) for v in (features, kept, np.float32(no), noise)]
    return features, kept, noise, send_kept_over_batch(*inputs)


def test_neighbours_that_are_kept_are_a_symbol():
    """Image after image, channel after channel, closed up, of mean power 1 over the
    batch; noise of the first entries, none where nothing is kept (1e-5)."""
    features, kept, noise, heard = send_kept(0.2)
    values = features.transpose(0, 3, 1, 2)[kept.transpose(0, 3, 1, 2) > 0]
    power = np.mean(values**2)
    np.testing.assert_allclose(ops.convert_to_numpy(heard.power), power, rtol=1e-5)
    sent = values.reshape(-1, 2) @ [1, 1j] / np.sqrt(2 * power)
    symbols = ops.convert_to_numpy(heard.symbols)
    np.testing.assert_allclose(symbols[: len(sent)], sent, atol=1e-5)
    assert not symbols[len(sent) :].any()
    assert abs(np.mean(np.abs(sent) ** 2) - 1) < 1e-5
    received = ops.convert_to_numpy(heard.features)
    assert not received[kept == 0].any()
    expected = (sent + np.sqrt(0.2) * noise[: len(sent)]) * np.sqrt(2 * power)
    expected = np.stack([expected.real, expected.imag], axis=1).ravel()
    found = received.transpose(0, 3, 1, 2)[kept.transpose(0, 3, 1, 2) > 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
