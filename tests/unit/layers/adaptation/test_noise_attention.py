"""NAM: equations 17 to 21 of the VLM-CSC paper, with the fifth layer."""

import numpy as np
from keras import ops

from semcom_phy.layers.adaptation.noise_attention import NoiseAttention

BATCH, WORDS, WIDTH = 3, 5, 24


def built():
    layer = NoiseAttention()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, WORDS, WIDTH)).astype("float32")
    snr_db = np.array([0.0, 4.0, 10.0], "float32")
    layer(ops.convert_to_tensor(x), ops.convert_to_tensor(snr_db))
    for weight in layer.weights:  # biases start at 0
        weight.assign(rng.standard_normal(weight.shape) * 0.3)
    return layer, x, snr_db


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_output_is_that_of_the_equations():
    """An independent forward pass in NumPy (1e-5)."""
    layer, x, snr_db = built()
    w = [ops.convert_to_numpy(weight).astype(float) for weight in layer.weights]
    shapes = [(1, 56), (56, 128), (128, 56), (WIDTH, 56), (56, WIDTH)]
    assert [v.shape for v in w[::2]] == shapes
    v = np.maximum(snr_db[:, None] / 10 @ w[0] + w[1], 0)
    v = sigmoid(np.maximum(v @ w[2] + w[3], 0) @ w[4] + w[5])
    factor = sigmoid(((x @ w[6] + w[7]) * v[:, None]) @ w[8] + w[9])
    y = layer(ops.convert_to_tensor(x), ops.convert_to_tensor(snr_db))
    np.testing.assert_allclose(ops.convert_to_numpy(y), factor * x, atol=1e-5)


def test_factors_heed_snr_and_content():
    layer, x, snr_db = built()
    x[:] = x[:1, :1]
    y = ops.convert_to_numpy(layer(ops.convert_to_tensor(x), snr_db))
    assert np.abs(y[0] - y[2]).max() > 1e-3
    factor = y / x
    assert 0 < factor.min() and factor.max() < 1
    other = ops.convert_to_numpy(layer(ops.convert_to_tensor(2 * x), snr_db)) / (2 * x)
    assert np.abs(other - factor).max() > 1e-3


def test_any_number_of_dimensions_inside():
    layer, x, snr_db = built()
    flat = layer(ops.convert_to_tensor(x[:, 0]), snr_db)
    whole = layer(ops.convert_to_tensor(x), snr_db)
    np.testing.assert_allclose(
        ops.convert_to_numpy(flat), ops.convert_to_numpy(whole)[:, 0], atol=1e-6
    )
