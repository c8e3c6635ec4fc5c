"""Link adaptation: the choice is the best one, also in the limits."""

import numpy as np
import pytest

from semcom_phy.channel_coding.block_plan import plan_blocks
from semcom_phy.channel_coding.link_adaptation import predicted_outage, select_mcs
from semcom_phy.channel_coding.mcs import Mcs, mcs_table
from semcom_phy.channel_coding.mutual_information import bicm_capacity_snr_db
from semcom_phy.channel_coding.transport import Transport

CANDIDATES = mcs_table(2)
NUM_SYMBOLS = 768
OUTAGE = 13.0


def quality(num_bytes):
    return None if num_bytes < 20 else 15 + 4 * np.log2(num_bytes / 20)


def fades(snr_db, num_fades=2000, seed=1):
    rng = np.random.default_rng(seed)
    return 10 ** (snr_db / 10) * rng.exponential(size=(num_fades, 2))


def test_choice_is_the_maximum():
    """The choice equals a search by brute force over all schemes (exact)."""
    for snr_db in (0, 8, 16, 24):
        sinr = fades(snr_db)
        expected = []
        for mcs in CANDIDATES:
            psnr = quality(plan_blocks(mcs, NUM_SYMBOLS).max_bytes)
            outage = predicted_outage(mcs, NUM_SYMBOLS, sinr).mean()
            value = -np.inf if psnr is None else psnr - outage * (psnr - OUTAGE)
            expected.append(value)
        choice = select_mcs(CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, sinr)
        assert choice.mcs == CANDIDATES[int(np.argmax(expected))]
        assert choice.expected_quality == pytest.approx(max(expected))
        assert choice.num_bytes == plan_blocks(choice.mcs, NUM_SYMBOLS).max_bytes
        assert 0 < choice.outage < 1


def test_limits_of_snr():
    """Without noise the fastest scheme wins with no outage; without signal nothing is
    sent, which is an outage (exact)."""
    best = select_mcs(CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, [[1e6, 1e6]])
    assert best.mcs == CANDIDATES[-1]
    assert best.outage == pytest.approx(0, abs=1e-9)
    none = select_mcs(CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, [[1e-6, 1e-6]])
    assert none.mcs is None
    assert (none.outage, none.num_bytes) == (1.0, 0)
    assert none.expected_quality == OUTAGE


def test_a_budget_below_the_codec_is_an_outage():
    """Where no payload holds the smallest stream, nothing is sent (exact)."""
    choice = select_mcs(CANDIDATES, 40, quality, OUTAGE, [[1.0, 1.0]])
    assert choice.mcs is None
    tiny = select_mcs([Mcs(2, 0.2)], 20, quality, OUTAGE, [[1e6, 1e6]])
    assert tiny.mcs is None
    assert (predicted_outage(Mcs(2, 0.2), 20, [[1e6, 1e6]]) == 1).all()


def test_feedback_is_worth_something():
    """Choosing per fade never expects less than one choice for all fades (exact)."""
    sinr = fades(12, 200)
    average = select_mcs(CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, sinr)
    per_fade = [
        select_mcs(
            CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, fade[None]
        ).expected_quality
        for fade in sinr
    ]
    assert np.mean(per_fade) > average.expected_quality + 1


@pytest.mark.parametrize("mcs", [CANDIDATES[3], CANDIDATES[9], CANDIDATES[15]])
def test_prediction_meets_the_chain_on_unequal_streams(mcs):
    """Predicted and simulated block errors over Rayleigh streams agree: 8 fades times
    64 blocks, 4 standard errors plus 0.05 for the mapping of unequal streams."""
    rng = np.random.default_rng(3)
    transport = Transport(mcs, 300)
    limit = bicm_capacity_snr_db(mcs.modulation_order, mcs.spectral_efficiency)
    sinr = 10 ** ((limit + 3) / 10) * rng.exponential(size=(8, 2))
    predicted, wrong = predicted_outage(mcs, 300, sinr), []
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
    """No candidate and SINRs without a stream axis raise with what was received."""
    with pytest.raises(ValueError, match="Received"):
        select_mcs([], NUM_SYMBOLS, quality, OUTAGE, [[1.0]])
    with pytest.raises(ValueError, match="Received"):
        select_mcs(CANDIDATES, NUM_SYMBOLS, quality, OUTAGE, [1.0, 2.0])
