"""Bits of values of Gaussian distribution."""

import numpy as np
import pytest

from semcom_phy.source_coding.gaussian_quantiser import (
    bits_of_values,
    dequantise,
    error,
    quantise,
)


@pytest.mark.parametrize(
    ("bits", "published"), [(0, 1), (1, 0.3634), (2, 0.1175), (3, 0.03454), (4, 0.0095)]
)
def test_errors_are_those_of_max(bits, published):
    """J. Max, "Quantizing for minimum distortion", IRE Trans. 1960, table I."""
    assert error(bits) == pytest.approx(published, rel=2e-3)


def test_the_error_of_values_is_the_predicted_one():
    values = np.random.default_rng(0).standard_normal((400, 24))
    for num_bits in (12, 24, 60, 96):
        read = [dequantise(quantise(own, num_bits), 24) for own in values]
        squared = (np.array(read) - values) ** 2
        predicted = np.mean([error(int(b)) for b in bits_of_values(24, num_bits)])
        spread = squared.mean(1).std() / np.sqrt(len(values))
        assert abs(squared.mean() - predicted) < 4 * spread


def test_bits_go_to_the_first_values():
    assert bits_of_values(5, 7).tolist() == [2, 2, 1, 1, 1]
    assert len(quantise(np.zeros(5), 7)) == 7
    with pytest.raises(ValueError, match="41 bits for 5 values are more than 8 each"):
        bits_of_values(5, 41)
