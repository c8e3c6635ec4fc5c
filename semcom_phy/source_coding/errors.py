"""What can go wrong in a source codec, as exceptions that say so."""


class BudgetError(ValueError):
    """The smallest stream of a codec is larger than the byte budget."""


class DecodeError(ValueError):
    """A byte string is not a stream of this codec, or is damaged."""


class MissingCodecError(ImportError):
    """A codec's library or program is not installed; the message names the remedy."""
