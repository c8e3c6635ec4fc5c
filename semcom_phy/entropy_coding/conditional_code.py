"""Code for numbers whose distribution another number foretells that is known."""

import numpy as np

_NEVER_SEEN = 0.5  # count of what training did not show


class ConditionalCode:
    r"""Lossless code of indices, each in a context that both ends know.

    .. math::
        P(k \mid c) = \frac{N(k, c) + 1/2}{\sum_j N(j, c) + 1/2}

    Parameters
    ----------
    counts : [num_contexts, num_levels], `int`, >= 0
        How often each index was seen in each context

    Raises
    ------
    ValueError
        If the counts have another shape or are negative.

    Example
    -------
    >>> from semcom_phy.entropy_coding.range_coder import Decoder, Encoder
    >>> code = ConditionalCode.fit([0, 1, 1], [2, 0, 0], num_contexts=2, num_levels=3)
    >>> encoder = Encoder()
    >>> code.write(encoder, np.array([2, 0]), np.array([0, 1]))
    >>> code.read(Decoder(encoder.finish()), np.array([0, 1])).tolist()
    [2, 0]
    """

    def __init__(self, counts):
        counts = np.asarray(counts)
        if counts.ndim != 2 or counts.shape[1] < 2:
            raise ValueError(
                "counts must have shape [num_contexts, num_levels] with at least 2 "
                f"levels, got {counts.shape}."
            )
        if not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0:
            raise ValueError(
                f"counts must be integers >= 0, got {counts.dtype} from {counts.min()}."
            )
        self.counts = counts.astype(np.int64)
        likely = self.counts + _NEVER_SEEN
        self._probabilities = likely / likely.sum(axis=1, keepdims=True)

    @classmethod
    def fit(cls, contexts, indices, num_contexts, num_levels):
        """Code learned on indices and their contexts, both [n], `int`."""
        counts = np.zeros((num_contexts, num_levels), np.int64)
        np.add.at(counts, (np.asarray(contexts), np.asarray(indices)), 1)
        return cls(counts)

    def write(self, encoder, indices, contexts):
        """Appends indices [n] in their contexts [n] to a range encoder."""
        encoder.symbols(indices, self._probabilities[contexts])

    def read(self, decoder, contexts):
        """Indices [n], `int64`, from a range decoder."""
        return decoder.symbols(self._probabilities[contexts])

    @property
    def bits(self):
        """Ideal length of every index in every context, [num_contexts, num_levels]."""
        return -np.log2(self._probabilities)

    def cost_bits(self, indices, contexts):
        """Ideal length of the code, `float` [bit]."""
        return float(self.bits[contexts, indices].sum())

    def to_dict(self):
        """What `from_dict` needs, in JSON's types."""
        return {"counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, config):
        """The code of a `to_dict`."""
        return cls(config["counts"])
