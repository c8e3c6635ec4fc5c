"""How many cases a property is held against, where one of them takes long."""

from hypothesis import settings


def share(of):
    """Settings with a part of the cases of the suite, at least three.

    Parameters
    ----------
    of : `int`
        One in as many: what a case holds of payloads makes up for it
    """
    return settings(max_examples=max(3, settings.default.max_examples // of))
