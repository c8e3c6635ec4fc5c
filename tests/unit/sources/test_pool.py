"""The draw from a data set."""

from collections import Counter

import numpy as np
import pytest

from semcom_phy.sources.pool import Pool


def pool(groups):
    return Pool(len(groups), None, {}, groups, "picture")


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_take_turns(seed):
    """Every round holds one image of each group that is not used up (exact)."""
    groups = ["a"] * 5 + ["b"] * 2 + ["c"] * 3
    order = pool(groups).order(seed)
    assert sorted(order) == list(range(10))
    drawn = [groups[index] for index in order]
    for first, last, expected in ((0, 3, "abc"), (3, 6, "abc"), (6, 8, "ac")):
        assert sorted(drawn[first:last]) == list(expected)
    assert drawn[8:] == ["a", "a"]


def test_the_first_image_is_any_of_them():
    """A group is not drawn first because of its name or place: of 400 seeds it comes
    first in proportion to its images (4 standard errors)."""
    groups = np.repeat(["a", "b", "c", "d"], [3, 3, 40, 3])
    first = Counter(groups[pool(groups).order(seed)[0]] for seed in range(400))
    assert abs(first["c"] / 400 - 40 / 49) < 4 * np.sqrt(40 / 49 * 9 / 49 / 400)


def test_without_groups_it_is_a_permutation():
    """Every image once (exact)."""
    order = Pool(20, None, {}).order(3)
    assert sorted(order) == list(range(20)) and list(order) != list(range(20))
