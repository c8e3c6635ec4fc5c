"""Code for a grid of small numbers that neighbours foretell, such as patch lengths.

grid, raster order --> context of decoded neighbours --> distribution --> range coder
                                       ^--- counts of training grids and of this one
"""

import numpy as np

from semcom_phy.entropy_coding.range_coder import Decoder, Encoder

_TRAINED_WEIGHT = 32  # symbols of this grid that weigh as much as the training
_POOLED_WEIGHT = 16  # training symbols that weigh as much as the other contexts'
_POOLED_FLOOR = 0.1  # count of differences never seen


class LengthCode:
    r"""Lossless code of a grid of indices, adaptive to the grid.

    The context :math:`c` of an index is the rounded mean of its left, upper (twice
    each) and upper right neighbour, as far as they exist; the first index has a
    context of its own. The index :math:`k` then has the probability

    .. math::
        P(k \mid c) = \frac{32\, Q(k \mid c) + N(k, c)}{32 + N(c)}

    with :math:`N` the counts of what was coded so far in this grid and :math:`Q` the
    distribution over the training grids, blended with that of the difference
    :math:`k - c` over all contexts, so that no index is impossible.

    Parameters
    ----------
    counts : [num_levels + 1, num_levels], `int`, >= 0
        How often each index followed each context in the training grids, the context
        of the first index last; all 0 for a code without training

    Raises
    ------
    ValueError
        If the counts have another shape or are negative, or a grid does not fit.

    Example
    -------
    >>> grid = np.repeat([[3, 3, 3, 8, 8, 9]], 4, axis=0)
    >>> code = LengthCode.fit([grid], num_levels=16)
    >>> data = code.encode(grid)
    >>> np.array_equal(code.decode(data, grid.shape), grid)
    True
    """

    def __init__(self, counts):
        counts = np.asarray(counts)
        levels = counts.shape[-1] if counts.ndim == 2 else 0
        if levels < 2 or counts.shape[0] != levels + 1:
            raise ValueError(
                "counts must have shape [num_levels + 1, num_levels] with at least 2 "
                f"levels, got {counts.shape}."
            )
        if not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0:
            raise ValueError(
                f"counts must be integers >= 0, got {counts.dtype} from {counts.min()}."
            )
        self.counts = counts.astype(np.int64)
        self.num_levels = levels
        self._trained = _trained_distribution(self.counts)

    @classmethod
    def fit(cls, grids, num_levels):
        """Code learned on grids: list of [rows, cols], `int`, 0 to num_levels - 1."""
        counts = np.zeros((num_levels + 1, num_levels), np.int64)
        for grid in grids:
            grid = _checked_grid(grid, num_levels)
            contexts = [
                _context(grid, i, j, num_levels) for i, j in np.ndindex(grid.shape)
            ]
            np.add.at(counts, (contexts, grid.ravel()), 1)
        return cls(counts)

    def encode(self, grid):
        """Bytes of a grid, [rows, cols], `int`, 0 to num_levels - 1."""
        encoder = Encoder()
        self.write(encoder, grid)
        return encoder.finish()

    def write(self, encoder, grid):
        """Appends a grid to a range encoder."""
        grid = _checked_grid(grid, self.num_levels)
        encoder.symbols(grid.ravel(), self._probabilities(grid))

    def decode(self, data, shape):
        """Grid of ``shape``, `int64`; damaged data give a wrong grid or ValueError."""
        return self.read(Decoder(data), shape)

    def read(self, decoder, shape):
        """A grid from a range decoder."""
        rows, cols = shape
        if rows < 1 or cols < 1:
            raise ValueError(f"shape must be at least (1, 1), got {shape}.")
        grid = np.zeros((rows, cols), np.int64)
        for position, probabilities in self._predict(grid):
            grid[position] = decoder.symbol(probabilities)
        return grid

    def cost_bits(self, grid):
        """Ideal length of the code of a grid, `float` [bit]."""
        grid = _checked_grid(grid, self.num_levels)
        chosen = self._probabilities(grid)[np.arange(grid.size), grid.ravel()]
        return float(-np.log2(chosen).sum())

    def to_dict(self):
        """What `from_dict` needs, in JSON's types."""
        return {"counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, config):
        """The code of a `to_dict`."""
        return cls(config["counts"])

    def _probabilities(self, grid):
        return np.stack([p for _, p in self._predict(grid)])

    def _predict(self, grid):
        """Each position with its distribution [num_levels], in raster order.

        Reads ``grid`` before the position; the position itself once the next is asked
        for, so that a decoder can fill it in meanwhile.
        """
        weights = _TRAINED_WEIGHT * self._trained
        for i, j in np.ndindex(grid.shape):
            context = _context(grid, i, j, self.num_levels)
            yield (i, j), weights[context] / weights[context].sum()
            weights[context, grid[i, j]] += 1


def _context(grid, i, j, num_levels):
    """Rounded mean of the neighbours before (i, j), ``num_levels`` without any."""
    total = weight = 0
    if j > 0:
        total, weight = total + 2 * grid[i, j - 1], weight + 2
    if i > 0:
        total, weight = total + 2 * grid[i - 1, j], weight + 2
    if i > 0 and j + 1 < grid.shape[1]:
        total, weight = total + grid[i - 1, j + 1], weight + 1
    if not weight:
        return num_levels
    return int(2 * total + weight) // (2 * weight)


def _trained_distribution(counts):
    """Distribution [num_levels + 1, num_levels] of the index after each context."""
    levels = counts.shape[1]
    context, index = np.indices((levels, levels))
    difference = index - context + levels - 1
    pooled = np.full(2 * levels - 1, _POOLED_FLOOR)
    np.add.at(pooled, difference, counts[:levels])
    # The first index has no neighbours to differ from: that of any position.
    anywhere = counts.sum(axis=0) + _POOLED_FLOOR
    prior = np.concatenate([pooled[difference], anywhere[None]])
    prior /= prior.sum(axis=1, keepdims=True)
    trained = counts + _POOLED_WEIGHT * prior
    return trained / trained.sum(axis=1, keepdims=True)


def _checked_grid(grid, num_levels):
    grid = np.asarray(grid)
    if grid.ndim != 2 or not grid.size or not np.issubdtype(grid.dtype, np.integer):
        raise ValueError(
            "a grid must be integers [rows, cols], not empty; got "
            f"{grid.dtype} of shape {grid.shape}."
        )
    if grid.min() < 0 or grid.max() >= num_levels:
        raise ValueError(
            f"the indices of a grid must be from 0 to {num_levels - 1}, got "
            f"{grid.min()} to {grid.max()}."
        )
    return grid.astype(np.int64)
