"""Range coder: integers of known distributions to as few whole bytes as hold them.

integers, distributions --> range coder (constriction) --> shortest bytes in interval
"""

import numpy as np

_LIMIT = 2**52  # integers up to here are exact in double precision
_LEAST_SUM = 1e-290  # of probabilities: what constriction divides by it is finite
_WORD_BITS, _STATE_BITS = 32, 64  # of constriction's range coder
# Bits of a positive number, as the Elias gamma code weighs them.
_LENGTHS = 2.0 ** -np.arange(1, 55)
_POSITIONS = np.arange(len(_LENGTHS))
_BIT = np.array([0.5, 0.5])


class Encoder:
    r"""Codes integers one group after the other into one byte string.

    Both ends must form the same distributions: they agree bit by bit when they come
    from the same numbers by the same operations. Every symbol of a distribution costs
    at most 24 bit, also where its probability is 0.

    *Escape.* The two ends of a limited support stand for themselves and for all that
    lies beyond; how far beyond follows the group in an Elias gamma code. So any
    integer up to :math:`\pm 2^{52}` can be coded.

    *Length.* :meth:`finish` gives the shortest byte string within the coder's last
    interval: about half a byte over the ideal length. The receiver takes what follows
    its end for zeros, and so needs the length from elsewhere only if more data follow.

    Raises
    ------
    ImportError
        If constriction is not installed.

    ValueError
        If values or distributions cannot be coded.

    Example
    -------
    >>> encoder = Encoder()
    >>> encoder.symbols([0, 2, 1], [0.5, 0.25, 0.25])
    >>> encoder.tabulated([[-3], [900000]], [[0.25, 0.5, 0.25]], lowest=[-1])
    >>> decoder = Decoder(encoder.finish())
    >>> decoder.symbols([0.5, 0.25, 0.25], n=3).tolist()
    [0, 2, 1]
    >>> decoder.tabulated([[0.25, 0.5, 0.25]], lowest=[-1], n=2).ravel().tolist()
    [-3, 900000]

    References
    ----------
    R. Bamler, "Understanding entropy coding with asymmetric numeral systems (ANS): a
    statistician's perspective", arXiv:2201.01741 (the library constriction);
    P. Elias, "Universal codeword sets and representations of the integers", IEEE
    Trans. Inf. Theory 1975.
    """

    def __init__(self):
        self._models = _constriction().model
        self._coder = _constriction().queue.RangeEncoder()

    def symbols(self, symbols, probabilities):
        """Appends symbols of a finite alphabet.

        Input
        -----
        symbols : [n], `int`
            From 0 to m - 1

        probabilities : [n, m] or [m], `float`, >= 0
            Distribution of each symbol, or of all; need not add up to 1, only to
            1e-290 or more
        """
        probabilities = _checked_probabilities(probabilities)
        m = probabilities.shape[-1]
        symbols = _checked_integers(symbols, ndim=1)
        if symbols.size and not (0 <= symbols.min() and symbols.max() < m):
            raise ValueError(
                f"symbols must be from 0 to {m - 1}, the width of probabilities; got "
                f"{symbols.min()} to {symbols.max()}."
            )
        if probabilities.ndim == 2 and len(probabilities) != len(symbols):
            raise ValueError(
                f"probabilities must have one row per symbol: {len(probabilities)} "
                f"rows, {len(symbols)} symbols."
            )
        self._encode(symbols, *_categorical(self._models, probabilities))

    def tabulated(self, values, probabilities, lowest):
        """Appends integers of a table per channel.

        Input
        -----
        values : [n, num_channels], `int`

        probabilities : [num_channels, m], `float`, >= 0
            Of the values ``lowest`` to ``lowest + m - 1``; those of the two ends
            should hold the tails

        lowest : [num_channels], `int`
        """
        probabilities, lowest = _checked_tables(probabilities, lowest)
        values = _checked_integers(values, ndim=2)
        if values.shape[1] != len(lowest):
            raise ValueError(
                f"values must have {len(lowest)} columns, one per table; got "
                f"{values.shape[1]}."
            )
        index = values - lowest
        inside = np.clip(index, 0, probabilities.shape[1] - 1)
        for column, table in zip(inside.T, probabilities, strict=True):
            self._encode(column, *_categorical(self._models, table))
        at_end = (inside == 0) | (inside == probabilities.shape[1] - 1)
        self._excess(np.abs(index - inside)[at_end])

    def _excess(self, excess):
        """Appends numbers >= 0: the bits of each plus 1, without its leading one."""
        number = excess + 1
        has_bit = (number[:, None] >> _POSITIONS) > 0
        length = has_bit.sum(axis=1) - 1
        bits = (number[:, None] >> _POSITIONS) & 1
        self._encode(length, *_categorical(self._models, _LENGTHS))
        low = bits[_POSITIONS < length[:, None]]
        self._encode(low, *_categorical(self._models, _BIT))

    def _encode(self, symbols, model, *parameters):
        if symbols.size:
            symbols = np.ascontiguousarray(symbols, np.int32)
            self._coder.encode(symbols, model, *parameters)

    def finish(self):
        """The bytes of all that was appended, `bytes`."""
        words = self._coder.get_compressed().astype(">u4")
        position, (lower, width) = self._coder.pos()
        num_bytes = (_WORD_BITS * position + _STATE_BITS) // 8
        within = int.from_bytes(words.tobytes().ljust(num_bytes, b"\0"), "big")
        # The state holds the interval's lower end modulo its own size.
        first = within - (within - lower) % 2**_STATE_BITS
        if first == 0:
            return b""
        # Of the numbers from first to last, the one with the most zeros at its end.
        last = first + width - 1
        shared_zeros = ((first - 1) ^ last).bit_length() - 1
        shortest = last >> shared_zeros << shared_zeros
        return shortest.to_bytes(num_bytes, "big").rstrip(b"\0")


class Decoder:
    """Reads what `Encoder` has written, group by group or symbol by symbol.

    Parameters
    ----------
    data : `bytes`

    Raises
    ------
    ImportError
        If constriction is not installed.

    ValueError
        If the distributions cannot be used, or if the data are damaged in a way that
        shows; most damage only gives other values.
    """

    def __init__(self, data):
        self._models = _constriction().model
        words = np.frombuffer(data + bytes(-len(data) % 4), ">u4")
        self._coder = _constriction().queue.RangeDecoder(words.astype(np.uint32))

    def symbol(self, probabilities):
        """One symbol, `int`, of the distribution [m] that `Encoder.symbols` took."""
        return int(self.symbols(probabilities, n=1)[0])

    def symbols(self, probabilities, n=None):
        """Symbols [n], `int64`, of distributions [n, m], or of one [m] with ``n``."""
        probabilities = _checked_probabilities(probabilities)
        if probabilities.ndim == 1 and n is None:
            raise ValueError("n must say how many symbols share one distribution.")
        if probabilities.ndim == 2:
            if n not in (None, len(probabilities)):
                raise ValueError(
                    f"n={n} is not the number of rows of probabilities, "
                    f"{len(probabilities)}; leave it out."
                )
            n = len(probabilities)
        return self._decode(n, *_categorical(self._models, probabilities))

    def tabulated(self, probabilities, lowest, n):
        """Values [n, num_channels], `int64`; see `Encoder.tabulated`."""
        probabilities, lowest = _checked_tables(probabilities, lowest)
        index = np.zeros((n, len(lowest)), np.int64)
        for channel, table in enumerate(probabilities):
            index[:, channel] = self._decode(n, *_categorical(self._models, table))
        at_end = (index == 0) | (index == probabilities.shape[1] - 1)
        side = np.where(index[at_end] == 0, -1, 1)
        index[at_end] += side * self._excess(at_end.sum())
        return lowest + index

    def _excess(self, n):
        length = self._decode(n, *_categorical(self._models, _LENGTHS))
        low = _POSITIONS < length[:, None]
        bits = np.zeros(low.shape, np.int64)
        bits[low] = self._decode(low.sum(), *_categorical(self._models, _BIT))
        return (1 << length) + (bits << _POSITIONS).sum(axis=1) - 1

    def _decode(self, n, model, *parameters):
        """``n`` symbols of one model, or of a family with ``n`` parameters each."""
        if not n:
            return np.zeros(0, np.int64)
        how = parameters or (int(n),)
        try:
            return np.asarray(self._coder.decode(model, *how), np.int64)
        except AssertionError as error:  # constriction's sign of impossible data
            raise ValueError(f"damaged range-coded data: {error}") from error


def encode_symbols(symbols, probabilities):
    """Bytes of one group; see `Encoder.symbols`."""
    encoder = Encoder()
    encoder.symbols(symbols, probabilities)
    return encoder.finish()


def _constriction():
    try:
        from constriction import stream
    except ImportError as error:
        raise ImportError(
            "the range coder needs constriction: pip install 'semcom-phy[entropy]'"
        ) from error
    return stream


def _categorical(models, probabilities):
    """Model of one distribution, or family of models with its parameters."""
    if probabilities.ndim == 1:
        return (models.Categorical(probabilities, perfect=False),)
    return models.Categorical(perfect=False), probabilities


def _checked_integers(values, ndim):
    values = np.asarray(values)
    if not values.size:
        values = values.astype(np.int64)  # an empty list is taken for floats
    if values.ndim != ndim or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"expected integers with {ndim} dimension(s), got {values.dtype} of shape "
            f"{values.shape}; round before coding."
        )
    if values.size and max(-int(values.min()), int(values.max())) > _LIMIT:
        raise ValueError(
            f"integers must be within +-2^52, got {values.min()} to {values.max()}."
        )
    return values.astype(np.int64)


def _checked_probabilities(probabilities):
    probabilities = np.ascontiguousarray(probabilities, np.float64)
    if probabilities.ndim not in (1, 2) or probabilities.shape[-1] < 2:
        raise ValueError(
            "probabilities must have shape [n, m] or [m] with m >= 2, got "
            f"{probabilities.shape}."
        )
    total = probabilities.sum(axis=-1)
    fits = np.all((total >= _LEAST_SUM) & np.isfinite(total))
    if not fits or np.any(probabilities < 0):
        raise ValueError(
            "probabilities must be finite and >= 0 with a sum of at least "
            f"{_LEAST_SUM}; the sums are {np.min(total)} to {np.max(total)}, the "
            f"smallest entry is {np.min(probabilities)}. Scale them up: they need not "
            "add up to 1."
        )
    return probabilities


def _checked_tables(probabilities, lowest):
    probabilities = _checked_probabilities(probabilities)
    lowest = _checked_integers(lowest, ndim=1)
    if probabilities.ndim != 2 or len(probabilities) != len(lowest):
        raise ValueError(
            "probabilities must have shape [num_channels, m] and lowest "
            f"[num_channels], got {probabilities.shape} and {lowest.shape}."
        )
    return probabilities, lowest
