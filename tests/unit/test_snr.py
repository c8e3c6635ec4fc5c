"""SNR definitions: one meaning of decibels for the whole library."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.snr import (
    ebno_db_to_no,
    link_budget_to_no,
    no_to_ebno_db,
    no_to_snr_db,
    snr_db_to_no,
)


@pytest.mark.parametrize("num_tx_ant", [1, 2, 8])
def test_noise_variance_follows_the_definition(num_tx_ant):
    """no = Nt 10^(-SNR/10) for arrays and tensors (float32 rounding)."""
    snr_db = np.array([-5.0, 0.0, 13.0])
    expected = num_tx_ant * 10 ** (-snr_db / 10)
    np.testing.assert_allclose(snr_db_to_no(snr_db, num_tx_ant), expected, 1e-6)
    tensor = snr_db_to_no(ops.convert_to_tensor(snr_db, "float32"), num_tx_ant)
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), expected, 1e-6)


def test_conversions_are_inverse():
    """no_to_snr_db undoes snr_db_to_no (float32 rounding of decibels)."""
    snr_db = np.linspace(-10, 30, 9)
    np.testing.assert_allclose(
        no_to_snr_db(snr_db_to_no(snr_db, 4), 4), snr_db, atol=1e-5
    )


def test_ebno_matches_sionna():
    """Eb/N0 means what Sionna's ebnodb2no means by it (float32 rounding)."""
    from sionna.phy.utils import ebnodb2no

    ours = ebno_db_to_no(7.5, num_bits_per_symbol=4, code_rate=0.5)
    np.testing.assert_allclose(ours, float(ebnodb2no(7.5, 4, 0.5)), 1e-6)


def test_link_budget_is_thermal_noise_over_transmit_power():
    """kTB at 290 K is -174 dBm/Hz, so 1 MHz and 7 dB give -107 dBm (0.03 dB)."""
    no = link_budget_to_no(23.0, bandwidth_hz=1e6, num_tx_ant=2)
    assert no_to_snr_db(no, 2) == pytest.approx(23.0 + 107.0, abs=0.03)


@pytest.mark.parametrize("bad", [np.nan, np.inf, [0.0, np.nan]])
def test_non_finite_snr_is_an_error(bad):
    """NaN and infinite decibels are refused with the value."""
    with pytest.raises(ValueError, match="finite"):
        snr_db_to_no(bad, 2)
    with pytest.raises(ValueError, match="finite"):
        ebno_db_to_no(bad, 2, 0.5)


def test_out_of_range_arguments_are_errors():
    """Antennas, rates and noise variances out of range are refused."""
    with pytest.raises(ValueError, match="num_tx_ant"):
        snr_db_to_no(0.0, 0)
    with pytest.raises(ValueError, match="code_rate"):
        ebno_db_to_no(0.0, 2, 1.5)
    with pytest.raises(ValueError, match="positive"):
        no_to_snr_db(-1.0, 2)
    with pytest.raises(ValueError, match="bandwidth_hz"):
        link_budget_to_no(23.0, 0.0, 1)


@pytest.mark.parametrize("num_tx_ant", [1, 2, 8])
def test_ebno_lies_below_the_snr_by_streams_and_bits(num_tx_ant):
    """Eb/N0 is the SNR over Nt m r, and the way back gives the same noise (1e-5)."""
    no = snr_db_to_no(7.0, num_tx_ant)
    ebno_db = no_to_ebno_db(no, 4, 0.5)
    expected = 7.0 - 10 * np.log10(num_tx_ant * 2)
    assert ebno_db == pytest.approx(expected, abs=1e-5)
    assert ebno_db_to_no(ebno_db, 4, 0.5) == pytest.approx(float(no), rel=1e-5)
    with pytest.raises(ValueError, match="code_rate"):
        no_to_ebno_db(no, 4, 1.5)
