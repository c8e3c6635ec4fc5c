"""Transports without 5G LDPC: uncoded QAM, and regular LDPC codes."""

import numpy as np
import pytest

from semcom_phy.channel_coding.regular_ldpc import RegularLDPCCode
from semcom_phy.channel_coding.regular_transport import RegularTransport
from semcom_phy.channel_coding.uncoded_transport import UncodedTransport


@pytest.fixture(scope="module")
def code():
    return RegularLDPCCode(n=60, bit_degree=3, check_degree=6, seed=1)


def random_blocks(transport, num=5):
    shape = (num, transport.transport_block_bits)
    return np.random.default_rng(1).integers(0, 2, shape, dtype=np.uint8)


def receive(transport, bits):
    """Bits after a channel that hardly disturbs, and the symbols."""
    x = transport.encode_blocks(bits)
    no_eff = np.full(x.shape, 1e-3, np.float32)
    bits_hat, ok = transport.decode_blocks(x, no_eff)
    assert ok.all() and bits_hat.dtype == np.uint8
    return bits_hat, x


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_uncoded_bits_fill_the_frame(order):
    """All symbols carry bits, and come back (exact)."""
    transport = UncodedTransport(order, 33)
    assert transport.transport_block_bits == 33 * order
    bits = random_blocks(transport)
    bits_hat, x = receive(transport, bits)
    np.testing.assert_array_equal(bits_hat, bits)
    assert x.shape == (5, 33) and x.dtype == np.complex64


@pytest.mark.parametrize(
    "order, num_words, used", [(2, 3, 90), (4, 6, 90), (8, 13, 98)]
)
def test_regular_words_fill_the_frame(code, order, num_words, used):
    """As many words of 60 bits as 100 symbols take; the rest stays empty (exact)."""
    transport = RegularTransport(code, order, 100)
    assert transport.transport_block_bits == num_words * code.k
    bits = random_blocks(transport)
    bits_hat, x = receive(transport, bits)
    np.testing.assert_array_equal(bits_hat, bits)
    assert (x[:, :used] != 0).all() and (x[:, used:] == 0).all()


def test_a_regular_code_corrects(code):
    """Symbols turned to the other side with little weight are put right (exact)."""
    transport = RegularTransport(code, 2, 30)
    bits = random_blocks(transport, 1)
    x = transport.encode_blocks(bits)
    x[:, 3] *= -1
    no_eff = np.full(x.shape, 0.2, np.float32)
    no_eff[:, 3] = 2.0
    np.testing.assert_array_equal(transport.decode_blocks(x, no_eff)[0], bits)


def test_what_does_not_fit_is_refused(code):
    """Odd modulation orders and frames that are too short, with the value (exact)."""
    with pytest.raises(ValueError, match="Received: 3"):
        UncodedTransport(3, 10)
    with pytest.raises(ValueError, match="Received: 5"):
        RegularTransport(code, 5, 100)
    with pytest.raises(ValueError, match="60 bits does not fit into 29 symbols"):
        RegularTransport(code, 2, 29)
