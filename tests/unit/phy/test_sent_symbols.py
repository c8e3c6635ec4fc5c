"""Symbols that are sent close up and open again."""

import numpy as np
from keras import ops

from semcom_phy.phy.sent_symbols import close_up, open_up

MASK = np.array([[0, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]], "float32")


def test_what_is_sent_closes_up_in_order():
    """By hand; what is not sent leaves zeros at the end (exact)."""
    values = ops.convert_to_tensor(
        (1 + np.arange(18).reshape(3, 6)) * (1 + 1j), "complex64"
    )
    closed, count = map(ops.convert_to_numpy, close_up(values, MASK))
    assert count.tolist() == [3, 6, 1]
    expected = [[2, 4, 5, 0, 0, 0], [7, 8, 9, 10, 11, 12], [18, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(closed, np.array(expected) * (1 + 1j))


def test_opening_inverts_closing():
    """Values come back to their places, 0 elsewhere, whatever stood behind the last one
    that was sent (exact)."""
    values = np.random.default_rng(1).standard_normal((3, 6)).astype("float32")
    closed, count = close_up(ops.convert_to_tensor(values), MASK)
    behind = np.arange(6) >= ops.convert_to_numpy(count)[:, None]
    junk = np.where(behind, np.nan, ops.convert_to_numpy(closed))
    opened = ops.convert_to_numpy(open_up(ops.convert_to_tensor(junk), MASK))
    np.testing.assert_array_equal(opened, values * MASK)
