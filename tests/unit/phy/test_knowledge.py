"""What networks are told of the channel."""

import numpy as np
from keras import ops

from semcom_phy.phy.knowledge import EVERY_SNR, SnrRange

SNR_DB = np.array([-7.0, -1.0, 8.0, 21.0, 31.0], "float32")
NO_EFF = np.full((5, 3), 0.02, "float32")


def test_no_snr_beyond_the_range_is_told():
    """The nearer end (exact)."""
    told = ops.convert_to_numpy(SnrRange(-1.0, 21.0).clip(SNR_DB))
    assert told.tolist() == [-1.0, -1.0, 8.0, 21.0, 21.0]


def test_errors_are_told_as_at_the_upper_end():
    """10 dB above the range they are ten times what they are (1e-6); inside and below
    it they stay (exact)."""
    told = ops.convert_to_numpy(SnrRange(-1.0, 21.0).clip_no_eff(NO_EFF, SNR_DB))
    np.testing.assert_array_equal(told[:4], NO_EFF[:4])
    np.testing.assert_allclose(told[4], 0.2, rtol=1e-6)


def test_without_a_range_everything_is_told():
    """Bit for bit."""
    snr_db = np.array([-200.0, 0.0, 200.0], "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(EVERY_SNR.clip(snr_db)), snr_db)
    told = EVERY_SNR.clip_no_eff(NO_EFF[:3], snr_db)
    np.testing.assert_array_equal(ops.convert_to_numpy(told), NO_EFF[:3])
