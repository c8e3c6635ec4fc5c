"""Link adaptation: what schemes carry, and how often they fail."""

import numpy as np
import pytest

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.link_adaptation import payload_bytes, predicted_outage
from semcom_phy.channel_coding.mcs import Mcs, all_schemes
from semcom_phy.channel_coding.mutual_information import bicm_capacity_snr_db
from semcom_phy.channel_coding.transport import Transport

CANDIDATES = all_schemes()
NUM_SYMBOLS = 768


def test_payloads_are_those_of_the_transport():
    """Bytes of the block plan; 0 where not even one fits (exact)."""
    sizes = payload_bytes(CANDIDATES, NUM_SYMBOLS)
    assert sizes[9] == Transport(CANDIDATES[9], NUM_SYMBOLS).max_bytes
    assert sizes[9] == plan_blocks(CANDIDATES[9], NUM_SYMBOLS).max_bytes
    assert payload_bytes([Mcs(2, 0.2)], 20).tolist() == [0]
    assert (predicted_outage([Mcs(2, 0.2)], 20, [[1e6, 1e6]]) == 1).all()


def test_limits_of_snr():
    """Without noise nothing fails, without signal everything (1e-9)."""
    outage = predicted_outage(CANDIDATES, NUM_SYMBOLS, [[1e6, 1e6], [1e-6, 1e-6]])
    assert outage.shape == (2, len(CANDIDATES))
    np.testing.assert_allclose(outage[0], 0, atol=1e-9)
    np.testing.assert_array_equal(outage[1], 1)


@pytest.mark.parametrize("mcs", [CANDIDATES[3], CANDIDATES[9], CANDIDATES[15]])
def test_prediction_meets_the_chain_on_unequal_streams(mcs):
    """Predicted and simulated block errors over Rayleigh streams agree: 8 fades times
    64 blocks, 4 standard errors plus 0.05 for the mapping of unequal streams."""
    rng = np.random.default_rng(3)
    transport = Transport(mcs, 300)
    limit = bicm_capacity_snr_db(mcs.modulation_order, mcs.spectral_efficiency)
    sinr = 10 ** ((limit + 3) / 10) * rng.exponential(size=(8, 2))
    predicted, wrong = predicted_outage([mcs], 300, sinr)[:, 0], []
    for fade in sinr:
        no = np.tile(1 / fade, 150).astype(np.float32)
        shape = (64, transport.transport_block_bits)
        bits = rng.integers(0, 2, shape, dtype=np.uint8)
        x = transport.encode_blocks(bits)
        noise = rng.normal(size=(2, *x.shape)) * np.sqrt(no / 2)
        bits_hat, _ = transport.decode_blocks(x + noise[0] + 1j * noise[1], no)
        wrong.append((bits_hat != bits).any(axis=1).mean())
    assert 0.05 < np.mean(wrong) < 0.95
    standard_error = np.sqrt(np.mean(np.multiply(wrong, np.subtract(1, wrong))) / 512)
    assert abs(np.mean(wrong) - predicted.mean()) < 0.05 + 4 * standard_error


def test_bad_input_raises():
    """No scheme and SINRs without a stream axis raise with what was received."""
    with pytest.raises(ValueError, match="Received"):
        payload_bytes([], NUM_SYMBOLS)
    with pytest.raises(ValueError, match="Received"):
        predicted_outage(CANDIDATES, NUM_SYMBOLS, [1.0, 2.0])
