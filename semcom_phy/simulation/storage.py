"""Files that are replaced whole, by one process at a time.

A writer takes the lock of a file, reads what is there, and replaces it in one step: a
reader never sees half of it, and of several runs that write into one folder none undoes
what another one wrote. A lock is freed by the operating system when its process ends,
however it ends; the empty ``.NAME.lock`` stays and means nothing.
"""

import glob
import os
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SECONDS = 120  # a lock is held for one write, for fractions of a second


@contextmanager
def locked(path, seconds=LOCK_SECONDS, held=None):
    """Holds the lock of a file, which need not exist, while the block runs.

    Parameters
    ----------
    path : `Path`
        The file; missing folders are made
    seconds : `float`, (default 120)
        How long to wait for another process
    held : `str`, optional
        What is said where another process keeps it longer

    Raises
    ------
    OSError
        If another process keeps it longer.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=seconds)
    try:
        lock.acquire()
    except Timeout as error:
        told = (
            f"another process holds {path} since {seconds:g} s: end it, or choose "
            "another --out"
        )
        raise OSError(held or told) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replaced(path):
    """Gives a path of its own to write to, and puts that in the place of a file.

    Where the block fails, the file stays as it was. The ending of the path is that of
    the file, for writers that go by it.

    Parameters
    ----------
    path : `Path`
        The file to replace or to make; missing folders are made
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = f".{path.stem.lstrip('.')}.{uuid.uuid4().hex}.tmp{path.suffix}"
    temporary = path.with_name(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder):
    """Looks where a folder will be, without making it: a run that fails before its
    first file leaves none.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    folder = Path(folder)
    there = next(
        place for place in (folder, *folder.absolute().parents) if place.exists()
    )
    try:
        with tempfile.TemporaryFile(dir=there):  # a name of its own in every run
            pass
    except OSError as error:
        raise OSError(
            f"cannot write to the folder {folder} ({error.strerror}); choose another "
            "with --out"
        ) from error


def remove_leftovers(path):
    """Removes what writers of a file that were killed left beside it; to be called
    under its lock."""
    path = Path(path)
    for leftover in path.parent.glob(f".{glob.escape(path.stem)}.*.tmp{path.suffix}"):
        leftover.unlink(missing_ok=True)
