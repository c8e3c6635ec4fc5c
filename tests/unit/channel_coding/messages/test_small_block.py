"""The 5G code of a few bits: its words, lengths, error rates."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.channel_coding.messages.short_message import ShortMessage
from semcom_phy.channel_coding.messages.small_block import (
    BASIS,
    FORMATS,
    SmallBlockMessage,
)
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.detection import lmmse_filter
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import PerfectCSI
from semcom_phy.phy.feedback import draw_seeds
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.snr import snr_db_to_no


def sent_over(message, values, formats, sinr, seed=1):
    """Numbers received, with symbol i on stream i mod Nt of SINR [batch, Nt]."""
    rng = np.random.default_rng(seed)
    x = message.encode(values, formats)
    no = np.tile(1 / sinr, (1, -(-x.shape[1] // sinr.shape[1])))[:, : x.shape[1]]
    noise = rng.standard_normal((2, *x.shape)) * np.sqrt(no / 2)
    x_hat = (x + noise[0] + 1j * noise[1]).astype(np.complex64)
    return message.decode(x_hat, no.astype(np.float32), formats)


@pytest.mark.parametrize(("num_bits", "distance"), [(6, 16), (10, 12), (11, 10)])
def test_words_are_as_far_apart_as_known(num_bits, distance):
    """Least weight of the words (exact): a first-order Reed-Muller code of 32 bits with
    6 columns, and the known 12 and 10 of the (32, 10) and (32, 11) codes."""
    numbers = np.arange(1, 2**num_bits)[:, None]
    bits = (numbers >> np.arange(num_bits)) & 1
    weights = (bits @ BASIS[:, :num_bits].T % 2).sum(axis=1)
    assert weights.min() == distance


def test_first_bit_turns_all_coded_bits():
    """The first column of the table is 1 alone: the highest bit inverts the symbols
    (exact); symbols are of unit power and as many as the format has."""
    message = SmallBlockMessage(1024)
    formats = np.arange(len(FORMATS))
    low = message.encode(np.full(len(formats), 37), formats)
    high = message.encode(np.full(len(formats), 37 + 512), formats)
    np.testing.assert_array_equal(high, -low)
    used = np.array(message.num_symbols)
    np.testing.assert_array_equal(np.count_nonzero(low, axis=1), used)
    np.testing.assert_allclose(np.abs(low[low != 0]), 1, rtol=1e-6)


@pytest.mark.parametrize("num_values", [2, 3, 16, 1000, 1024, 2048])
def test_every_number_comes_back_in_every_format_that_tells_them_apart(num_values):
    """At 30 dB (exact); 11 bits need more than 16 coded ones."""
    message = SmallBlockMessage(num_values)
    for i in range(1 if num_values == 2048 else 0, len(FORMATS)):
        values = np.arange(num_values)
        formats = np.full(num_values, i)
        sinr = np.full((num_values, 1), 1000.0)
        found, received = sent_over(message, values, formats, sinr)
        np.testing.assert_array_equal(found, values)
        assert received.all()


def test_only_numbers_that_there_are_are_decoded():
    """Noise alone never gives one beyond the last (exact)."""
    message = SmallBlockMessage(700)
    formats = np.full(2000, 2)
    sinr = np.full((2000, 1), 1e-4)
    found, _ = sent_over(message, np.zeros(2000, int), formats, sinr)
    assert found.max() < 700 and len(np.unique(found)) > 400


@pytest.mark.parametrize(
    "streams",
    [
        (1.0, 1.0),
        (1.8, 0.2),
        (1.99, 0.01),
        (2.0, 1.0, 0.6, 0.4),
        (3.0, 0.98, 0.01, 0.01),
    ],
)
def test_error_rate_is_met_and_not_by_far(streams):
    """At the length that is chosen at least the goal is met, within 4 standard errors,
    over streams alike or apart; as the next shorter but one does not meet it (8,000
    messages, target of 2 %)."""
    message = SmallBlockMessage(1024, target_error_rate=0.02)
    sinr_db = np.random.default_rng(3).uniform(-4, 8, 8000)
    sinr = 10 ** (sinr_db / 10)[:, None] * np.array(streams)
    values = np.random.default_rng(2).integers(0, 1024, len(sinr))
    formats = message.choose_format(sinr[:, None])
    inside = (formats > 1) & (formats < len(FORMATS) - 1)
    sinr, values, formats = sinr[inside], values[inside], formats[inside]
    assert len(values) > 4000

    found, _ = sent_over(message, values, formats, sinr)
    spread = 4 * np.sqrt(0.02 * 0.98 / len(values))
    assert np.mean(found != values) <= 0.02 + spread
    found, _ = sent_over(message, values, formats - 2, sinr)
    assert np.mean(found != values) > 0.02 + spread


@pytest.mark.parametrize(("antennas", "snr_db"), [(2, 0.0), (2, 8.0), (4, 0.0)])
def test_error_rate_is_met_over_fading_streams(antennas, snr_db):
    """Through the link itself, whose residual interference of one symbol on another one
    is no noise: over 3,000 fades, at the length that is chosen for each, less than 2 in
    1000 are wrong where 1 is the goal, of those that a length is found for."""
    message = SmallBlockMessage(1024)
    room = message.num_symbols[-1]
    framing = Framing(room, antennas, OFDMGrid(36, 10, (0,)))
    channel = EqualizedOFDMChannel(
        BlockRayleigh(antennas, antennas), framing, PerfectCSI()
    )
    seeds = draw_seeds(5, 3000)
    h = channel.sample_each(seeds)
    no = snr_db_to_no(np.full(3000, snr_db, "float32"), antennas)
    _, no_eff = lmmse_filter(h[:, 0, :, :, 0, 0], no[:, None, None])
    formats = message.choose_format(1.0 / ops.convert_to_numpy(no_eff)[:, None])
    values = np.random.default_rng(2).integers(0, 1024, 3000)
    x = ops.convert_to_tensor(message.encode(values, formats))
    x_hat, no_eff = channel(x, h, ops.convert_to_tensor(no), channel.draw_noise(seeds))
    found, _ = message.decode(*map(ops.convert_to_numpy, (x_hat, no_eff)), formats)
    met = formats < len(FORMATS) - 1
    assert met.sum() > 2000
    assert np.mean(found[met] != values[met]) < 2e-3


def test_better_channels_take_fewer_symbols_than_a_polar_code():
    """The length falls with the SINR; it is the longest where none is enough, and at
    most two thirds of that with a CRC in between."""
    sinr = 10 ** (np.array([-30.0, -1.0, 2.0, 5.0, 8.0, 20.0]) / 10)
    sinr = np.stack([sinr, sinr], axis=1)[:, None]
    small, checked = SmallBlockMessage(1024), ShortMessage(1024)
    lengths = np.array(small.num_symbols)[small.choose_format(sinr)]
    other = np.array(checked.num_symbols)[checked.choose_format(sinr)]
    assert lengths[0] == other[0] == 128 and lengths[-1] == 8
    assert np.all(np.diff(lengths) <= 0) and len(set(lengths)) >= 5
    assert np.all(lengths[1:4] <= other[1:4] * 2 / 3)


def test_bad_input():
    """Numbers and rates out of range raise an error with the value."""
    message = SmallBlockMessage(1000)
    with pytest.raises(ValueError, match="from 0 to 999, got 3 to 1000"):
        message.encode([3, 1000], np.array([0, 0]))
    with pytest.raises(ValueError, match=r"from 2 to 2\^11, got 2049"):
        SmallBlockMessage(2049)
    with pytest.raises(ValueError, match="in \\(0, 1\\), got 1"):
        SmallBlockMessage(10, target_error_rate=1)
