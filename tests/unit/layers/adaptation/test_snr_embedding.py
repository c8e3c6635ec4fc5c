"""Interpolation weights and tables over the SNR."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.adaptation.snr_embedding import SnrTable, hat_embedding

KNOTS = (-5.0, 0.0, 5.0, 10.0, 15.0)
VALUES = np.array([-40, -5, -3.7, 0, 2.5, 7.1, 15, 99], "float32")


def test_embedding_is_a_partition_of_unity():
    """Weights in [0, 1], at most two of them, sum to 1 (float32 rounding)."""
    weights = ops.convert_to_numpy(hat_embedding(VALUES, KNOTS))
    assert weights.shape == (len(VALUES), len(KNOTS))
    assert weights.min() >= 0 and np.all((weights > 0).sum(-1) <= 2)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


def test_embedding_interpolates():
    """A table over the knots is read as by np.interp, held outside (1e-5)."""
    table = np.array([1.0, -2.0, 4.0, 0.5, 3.0])
    weights = ops.convert_to_numpy(hat_embedding(VALUES, KNOTS))
    np.testing.assert_allclose(
        weights @ table, np.interp(VALUES, KNOTS, table), atol=1e-5
    )


def test_embedding_takes_any_shape():
    """[2, 3, 4] becomes [2, 3, 4, num_knots] (exact)."""
    assert hat_embedding(ops.zeros((2, 3, 4)), KNOTS).shape == (2, 3, 4, len(KNOTS))


@pytest.mark.parametrize("knots", [(), (1.0,), (0.0, 1.0, 3.0), (2.0, 1.0), (1.0, 1.0)])
def test_knots_are_checked(knots):
    """Too few, uneven, falling or equal knots are refused (exact)."""
    with pytest.raises(ValueError, match="at least two, equally spaced upwards"):
        hat_embedding(VALUES, knots)


def test_table_starts_at_zero():
    """A new table holds zeros and is one trainable weight (exact)."""
    layer = SnrTable(2)
    weights = hat_embedding(VALUES, KNOTS)
    assert not np.any(ops.convert_to_numpy(layer(weights)))
    assert [w.shape for w in layer.trainable_weights] == [(len(KNOTS), 2)]
