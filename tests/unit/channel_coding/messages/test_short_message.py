"""A few protected bits: lengths, error rate on AWGN, detection of losses."""

import numpy as np
import pytest

from semcom_phy.channel_coding.messages.short_message import ShortMessage


def over_awgn(message, values, snr_db, seed=1):
    """Received numbers and whether they were taken for right."""
    rng = np.random.default_rng(seed)
    no = 10 ** (-snr_db / 10)
    formats = message.choose_format(np.full((len(values), 1, 2), 1 / no))
    x = message.encode(values, formats)
    noise = rng.standard_normal((2, *x.shape)) * np.sqrt(no / 2)
    x_hat = (x + noise[0] + 1j * noise[1]).astype(np.complex64)
    no_eff = np.full(x.shape, no, np.float32)
    return *message.decode(x_hat, no_eff, formats), formats, x


@pytest.mark.parametrize("snr_db", (-3.0, 3.0, 12.0))
def test_error_rate_is_met_on_awgn(snr_db):
    """At the length that is chosen, at most the target of 1 % is lost, by 4 standard
    errors (600 messages), and what is taken for right is right."""
    message = ShortMessage(1024, target_error_rate=1e-2)
    values = np.random.default_rng(2).integers(0, 1024, 600)
    received, good, formats, x = over_awgn(message, values, snr_db)
    assert np.mean(~good) <= 0.01 + 4 * np.sqrt(0.01 * 0.99 / 600)
    assert np.mean(good & (received != values)) <= 4 / 600
    used = np.sum(x != 0, axis=1)
    np.testing.assert_array_equal(used, np.array(message.num_symbols)[formats])
    np.testing.assert_allclose(np.abs(x[x != 0]), 1, rtol=1e-5)


def test_better_channels_take_fewer_symbols():
    """The length falls with the SINR, and is the longest where none is enough."""
    message = ShortMessage(1024)
    sinr = 10 ** (np.array([-30.0, -3.0, 3.0, 8.0, 20.0]) / 10)
    formats = message.choose_format(np.stack([sinr, sinr], axis=1)[:, None])
    lengths = np.array(message.num_symbols)[formats]
    assert lengths[0] == 128 and lengths[-1] == 12
    assert np.all(np.diff(lengths) <= 0) and len(set(lengths)) >= 4


def test_a_dead_channel_is_noticed():
    """At -25 dB, where 128 symbols carry less than the message has bits, none of 400
    messages is taken for right, whatever the CRC says by chance (exact)."""
    message = ShortMessage(1024)
    values = np.random.default_rng(3).integers(0, 1024, 400)
    received, good, _, _ = over_awgn(message, values, -25.0)
    assert not good.any() and np.all(received == -1)


def test_a_number_out_of_range_is_lost():
    """A word that decodes to a number beyond the last message counts as lost."""
    wide, narrow = ShortMessage(1024), ShortMessage(700)
    values = np.array([1, 699, 700, 1000])
    formats = np.full(4, 3)
    x = wide.encode(values, formats)
    no_eff = np.full(x.shape, 0.01, np.float32)
    received, good = narrow.decode(x, no_eff, formats)
    np.testing.assert_array_equal(received, [1, 699, -1, -1])
    np.testing.assert_array_equal(good, [True, True, False, False])


def test_bad_input():
    """Numbers and rates out of range raise an error with the value."""
    message = ShortMessage(1000)
    with pytest.raises(ValueError, match="from 0 to 999, got 3 to 1000"):
        message.encode([3, 1000], np.array([0, 0]))
    with pytest.raises(ValueError, match=r"from 2 to 2\^20, got 1"):
        ShortMessage(1)
    with pytest.raises(ValueError, match="in \\(0, 1\\), got 0"):
        ShortMessage(10, target_error_rate=0)
