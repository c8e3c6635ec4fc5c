"""How far a long computation is, told as it goes.

What takes long lies deep below the loop that shows it: the search for the rate of a
picture knows nothing of sweeps and bars. It counts its pictures with `advance`, and
whoever shows progress listens with `listening`. Without a listener nothing happens, and
no result depends on there being one.
"""

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[int], None] | None] = ContextVar(
    "listener", default=None
)


@contextmanager
def listening(listener):
    """Has ``listener`` told of what is done inside the block.

    Parameters
    ----------
    listener : callable of `int`, or `None`
        Called with the number of images that were done since the last call, in the
        thread that counts them; `None`: nobody listens
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def counted(num_images):
    """Counts ``num_images`` once: those that are not counted inside the block when it
    ends, and none beyond them."""
    listener, left = _LISTENER.get(), num_images

    def count(done):
        nonlocal left
        done = min(done, left)
        left -= done
        if done and listener is not None:
            listener(done)

    with listening(None if listener is None else count):
        yield
        advance(left)


def advance(count=1):
    """Tells the listener, if there is one, that ``count`` more images are done."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(count)
