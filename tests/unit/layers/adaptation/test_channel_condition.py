"""What is known of the channel: SINRs, effective SNR, embedding."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.adaptation.channel_condition import (
    SNR_KNOTS,
    ChannelCondition,
    TwoLayerPerceptron,
)
from semcom_phy.phy.channels import AWGN


def channels(batch, num_rx_ant, num_tx_ant, slots=1, symbols=1, carriers=1, seed=0):
    shape = (2, batch, slots, num_rx_ant, num_tx_ant, symbols, carriers)
    parts = np.random.default_rng(seed).standard_normal(shape) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype("complex64")


def snrs(batch, seed=1):
    return np.random.default_rng(seed).uniform(-10, 30, batch).astype("float32")


def sinr_of(h, snr_db):
    """L-MMSE SINR of every slot and stream: 1 / [(I + H^H H / no)^-1]_kk - 1,
    float64."""
    h = h.astype(complex).mean((4, 5))
    num_tx_ant = h.shape[3]
    no = num_tx_ant * 10 ** (-snr_db.astype(float) / 10)
    gram = np.conj(np.swapaxes(h, 2, 3)) @ h / no[:, None, None, None]
    error = np.linalg.inv(np.eye(num_tx_ant) + gram)
    return 1 / np.einsum("bskk->bsk", error).real - 1


@pytest.mark.parametrize(
    "num_rx_ant, num_tx_ant, spread",
    [
        (1, 1, {}),
        (2, 2, {}),
        (4, 4, {}),
        (4, 2, {"slots": 2, "symbols": 3}),
        (3, 2, {"carriers": 5}),
    ],
)
def test_effective_snr_against_numpy(num_rx_ant, num_tx_ant, spread):
    """exp(mean log(1 + SINR)) - 1 of a slot's average channel, in decibels the mean
    over slots (1e-3 dB, 500 channels)."""
    h, snr_db = channels(500, num_rx_ant, num_tx_ant, **spread), snrs(500)
    layer = ChannelCondition(num_tx_ant, num_rx_ant)
    features, effective_db = layer(
        ops.convert_to_tensor(h), ops.convert_to_tensor(snr_db)
    )
    sinr = sinr_of(h, snr_db)
    expected = 10 * np.log10(np.expm1(np.log1p(sinr).mean(2))).mean(1)
    effective_db = ops.convert_to_numpy(effective_db)
    assert effective_db.shape == (500,) and effective_db.dtype == np.float32
    np.testing.assert_allclose(effective_db, expected, atol=1e-3)
    assert tuple(features.shape) == (500, layer.num_features)


def test_features_against_numpy():
    """Entries of the channel, SINRs and SNR in 10 dB, and hats of the effective SNR, in
    this order (1e-4)."""
    h, snr_db = channels(50, 2, 2), snrs(50)
    layer = ChannelCondition(2, 2)
    features, effective_db = layer(
        ops.convert_to_tensor(h), ops.convert_to_tensor(snr_db)
    )
    knots = np.array(SNR_KNOTS)
    near = np.clip(ops.convert_to_numpy(effective_db), knots[0], knots[-1])
    expected = np.concatenate(
        [
            h.reshape(50, 4).view("float32"),
            np.log10(sinr_of(h, snr_db)[:, 0]),
            snr_db[:, None] / 10,
            np.maximum(1 - np.abs(near[:, None] - knots) / 5, 0),
        ],
        axis=1,
    )
    features = ops.convert_to_numpy(features)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-4)


def test_figures_of_a_channel_known_in_part_are_expectations():
    """Of draws in the place of slots: the mean of what each draw alone has, and hats of
    the mean effective SNR (1e-4)."""
    h, snr_db = channels(20, 2, 2, slots=7), ops.convert_to_tensor(snrs(20))
    layer = ChannelCondition(2, 2)
    features, effective_db = map(ops.convert_to_numpy, layer(h, snr_db))
    each = [layer(h[:, i : i + 1], snr_db) for i in range(7)]
    mean, mean_db = (
        np.mean([ops.convert_to_numpy(value) for value in values], axis=0)
        for values in zip(*each, strict=True)
    )
    np.testing.assert_allclose(effective_db, mean_db, atol=1e-4)
    before = slice(0, layer.num_entries + 1)
    np.testing.assert_allclose(features[:, before], mean[:, before], atol=1e-4)
    knots = np.array(SNR_KNOTS)
    near = np.clip(mean_db, knots[0], knots[-1])
    hats = np.maximum(1 - np.abs(near[:, None] - knots) / 5, 0)
    np.testing.assert_allclose(features[:, before.stop :], hats, atol=1e-4)


@pytest.mark.parametrize("num_ant", [1, 2, 4])
def test_effective_snr_without_fading_is_the_snr(num_ant):
    """Over sqrt(N) I all streams see the SNR (1e-3 dB)."""
    snr_db = np.linspace(-10, 30, 9).astype("float32")
    h = AWGN(num_ant).sample(9)
    layer = ChannelCondition(num_ant, num_ant)
    _, effective_db = layer(h, ops.convert_to_tensor(snr_db))
    np.testing.assert_allclose(ops.convert_to_numpy(effective_db), snr_db, atol=1e-3)


def test_without_csi_the_channel_is_ignored():
    """The SNR is the effective SNR and the rest zeros, with a channel, another or none
    (exact); as many features as with it."""
    snr_db = ops.convert_to_tensor(snrs(20))
    layer = ChannelCondition(2, 2, use_csi=False)
    runs = [layer(h, snr_db) for h in (channels(20, 2, 2), channels(20, 3, 1), None)]
    for features, effective_db in runs:
        np.testing.assert_array_equal(
            *map(ops.convert_to_numpy, (effective_db, snr_db))
        )
        np.testing.assert_array_equal(
            *map(ops.convert_to_numpy, (features, runs[0][0]))
        )
    features = ops.convert_to_numpy(runs[0][0])
    assert features.shape == (20, ChannelCondition(2, 2).num_features)
    assert not np.any(features[:, : layer.num_entries])
    assert np.all(np.any(features[:, layer.num_entries :], axis=1))


@pytest.mark.parametrize(
    "shape", [(3, 1, 1, 2, 1, 1), (3, 1, 2, 3, 1, 1), (3, 2, 2), (3, 2, 2, 1, 1)]
)
def test_other_antennas_are_refused(shape):
    """The shapes expected and received are in the message (exact)."""
    h = np.ones(shape, "complex64")
    named = ", ".join(map(str, shape))
    with pytest.raises(ValueError, match=rf"slots, 3, 2, T, F\].*\({named}\)"):
        ChannelCondition(2, 3)(ops.convert_to_tensor(h), ops.zeros((3,)))


def test_a_missing_channel_is_refused():
    """The message says what to do (exact)."""
    with pytest.raises(ValueError, match="received None: use it in a link that sounds"):
        ChannelCondition(2, 2)(None, ops.zeros((3,)))


def test_configuration_round_trip():
    """A condition without weights is rebuilt as it was (exact)."""
    layer = ChannelCondition(2, 3, use_csi=False)
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config() and layer.weights == []
    assert (copy.num_tx_ant, copy.num_rx_ant, copy.use_csi) == (2, 3, False)


def test_perceptron_against_numpy():
    """Two dense layers with a ReLU between (1e-5); from zero if it is asked for."""
    x = np.random.default_rng(0).standard_normal((4, 6)).astype("float32")
    layer = TwoLayerPerceptron(5, 3)
    y = ops.convert_to_numpy(layer(x))
    w1, b1, w2, b2 = layer.get_weights()
    np.testing.assert_allclose(y, np.maximum(x @ w1 + b1, 0) @ w2 + b2, atol=1e-5)
    assert np.any(y)
    silent = TwoLayerPerceptron(5, 3, zero_start=True)(x)
    assert not np.any(ops.convert_to_numpy(silent))
