"""Amplitudes of analogue symbols: the closed form at the knots, straight between."""

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.codecs.linear_analogue import power_allocation
from semcom_phy.layers.adaptation.channel_condition import SNR_KNOTS
from semcom_phy.layers.mapping.amplitude import SHARES, AmplitudeTable

SIZE = 40
FLOOR = 1e-3  # added to the powers, so that the logarithm stays finite


def worths(seed=0):
    """Worth of each value in no order, and the values by falling worth."""
    worth = np.exp(3 * np.random.default_rng(seed).standard_normal(SIZE))
    return worth, np.argsort(-worth)


def fitted():
    table = AmplitudeTable(SIZE)
    table.fit(*worths())
    return table


def log_gain(table, effective_db, num_sent):
    given = (ops.convert_to_tensor([float(v)]) for v in (effective_db, num_sent))
    return ops.convert_to_numpy(table(*given))[0]


@pytest.mark.parametrize("snr_db", SNR_KNOTS)
@pytest.mark.parametrize("share", SHARES)
def test_powers_at_a_knot_are_the_closed_form(snr_db, share):
    """The values sent have the powers that minimise the error of a linear coder, in the
    order of their worth, and the others none (relative 1e-4: float32 logarithms)."""
    worth, listed = worths()
    count = int(share * SIZE)
    sent = listed[:count]
    expected = np.zeros(SIZE)
    expected[sent] = power_allocation(worth[sent], 10 ** (-snr_db / 10), count)
    np.testing.assert_allclose(expected.sum(), count, rtol=1e-9)
    powers = np.exp(2 * log_gain(fitted(), snr_db, count))
    np.testing.assert_allclose(powers, expected + FLOOR, rtol=1e-4)


def test_reading_is_linear_between_the_knots_and_constant_beyond():
    """A quarter of the way in SNR and half of it in number weighs four knots; beyond
    the table the outermost ones hold (1e-5)."""
    table = fitted()
    corner = {
        (snr, share): log_gain(table, snr, share * SIZE)
        for snr in (5.0, 10.0)
        for share in (0.5, 0.75)
    }
    expected = 0.375 * (corner[5.0, 0.5] + corner[5.0, 0.75])
    expected += 0.125 * (corner[10.0, 0.5] + corner[10.0, 0.75])
    np.testing.assert_allclose(log_gain(table, 6.25, 0.625 * SIZE), expected, atol=1e-5)
    for outside, inside in (
        ((-40, 20), (-10, 20)),
        ((77, 20), (30, 20)),
        ((5, 1), (5, 10)),
    ):
        np.testing.assert_allclose(
            log_gain(table, *outside), log_gain(table, *inside), atol=1e-5
        )


def test_context_and_shapes():
    """Context weights are non-negative and sum to 1 (1e-6); one gain per value."""
    table = AmplitudeTable(SIZE)
    rng = np.random.default_rng(1)
    snr = ops.convert_to_tensor(rng.uniform(-20, 40, 50).astype("float32"))
    number = ops.convert_to_tensor(rng.uniform(1, SIZE, 50).astype("float32"))
    context = ops.convert_to_numpy(table.context(snr, number))
    assert context.shape == (50, table.num_context) and context.min() >= 0
    np.testing.assert_allclose(context.sum(1), 1, atol=1e-6)
    gains = ops.convert_to_numpy(table(snr, number))
    assert gains.shape == (50, SIZE) and gains.dtype == np.float32
    assert len(table.trainable_weights) == 1


def test_configuration_round_trip():
    """A table from configuration and weights reads the same (exact)."""
    table = fitted()
    config = keras.saving.serialize_keras_object(table)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == table.get_config()
    copy.set_weights(table.get_weights())
    np.testing.assert_array_equal(log_gain(copy, 3, 17), log_gain(table, 3, 17))
