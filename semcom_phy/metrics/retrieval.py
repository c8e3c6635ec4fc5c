"""How often the right one is among the first that are found."""

import numpy as np


def found_at(similarity, k):
    """Whether each query's own candidate is among the k most similar.

    Input
    -----
    similarity : [n, n], `float`
        Of every query to every candidate; query i belongs to candidate i

    k : `int`, 1 to n

    Output
    ------
    : [n], `bool`
        Of equals the own one counts as the last

    Raises
    ------
    ValueError
        If the table is not square, or k is out of range.
    """
    similarity = np.asarray(similarity)
    n = len(similarity)
    if similarity.shape != (n, n) or not 1 <= k <= n:
        raise ValueError(
            f"similarity has shape {similarity.shape} and k is {k}; expected a square "
            "table and k from 1 to its side"
        )
    own = np.diagonal(similarity)[:, None]
    return (similarity >= own).sum(1) <= k


def recall_at(similarity, k):
    """Share of the queries of :func:`found_at`, 0 ... 1; k / n by chance."""
    return float(found_at(similarity, k).mean())
