"""Recall at k."""

import numpy as np
import pytest

from semcom_phy.metrics.retrieval import recall_at


def test_recall_counts_the_own_among_the_first():
    """Own candidates at ranks 1, 2 and 3, by hand."""
    table = np.array([[3, 2, 1], [3, 2, 1], [3, 2, 1]])
    assert [recall_at(table, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_an_encoder_that_knows_nothing_has_no_luck():
    """All alike: the own one counts as the last, not as the first."""
    assert recall_at(np.zeros((20, 20)), 10) == 0
    assert recall_at(np.zeros((20, 20)), 20) == 1


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="square"):
        recall_at(np.zeros((3, 4)), 1)
    with pytest.raises(ValueError, match="k is 4"):
        recall_at(np.zeros((3, 3)), 4)
