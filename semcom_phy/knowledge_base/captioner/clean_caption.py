"""One form for the captions of all captioners."""


def clean_caption(text):
    """A caption in lower case, with single blanks and without a stop at its end.

    Stops inside stay, and so do other marks at the end.

    Example
    -------
    >>> clean_caption("  A dog \\n runs .")
    'a dog runs'
    """
    return " ".join(text.lower().split()).rstrip(" .")
