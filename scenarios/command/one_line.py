"""An error as the command line tells it."""


def one_line(error, options):
    """The message; the name of a value that it starts with gives way to its option."""
    words = str(error).split() or [type(error).__name__]
    return " ".join([options.get(words[0], words[0]), *words[1:]])
