"""Checkpoints of a training run, and what Ctrl-C leaves behind.

A checkpoint is one file with all state of a run. It says whose it is: everything that
fixes the numbers of the run, the images by their hash, so that no run goes on with
what another one began.
"""

import contextlib
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from semcom_phy.differences import tell_differences
from semcom_phy.simulation.storage import locked, remove_leftovers, replaced

_CHECKPOINT = ".checkpoint.npz"


class BrokenCheckpointError(ValueError):
    """A checkpoint that cannot be read."""


class Checkpoint:
    """The file that a run goes on from.

    Parameters
    ----------
    path : path
        An .npz file

    identity : `dict`
        Plain values that fix the run. Where a value has an option of the command line,
        it is under the name of that option

    variables : list of `keras.Variable`
        State of the run
    """

    def __init__(self, path, identity, variables):
        self.path = Path(path)
        self._identity = json.loads(json.dumps(identity))
        self._variables = variables

    def refuse_overwriting(self, *weights):
        """Refuses to begin where an earlier run left its checkpoint, or its weights.

        Input
        -----
        weights : `Path`
            Files that the run will write

        Raises
        ------
        FileExistsError
            If there is one of them.
        """
        if self.path.exists():
            raise FileExistsError(
                f"{self.path} holds an earlier run: go on with --resume, forget it "
                "with --restart, or choose another --label"
            )
        for path in weights:
            if path.exists():
                raise FileExistsError(
                    f"{path} holds earlier weights: forget them with --restart, or "
                    "choose another --label"
                )

    def save(self, step, **notes):
        """Writes step, variables and notes (`str`), in one replaced file; to be called
        under :func:`held_label`."""
        arrays: dict[str, Any] = {
            f"state_{i}": ops.convert_to_numpy(variable)
            for i, variable in enumerate(self._variables)
        }
        arrays |= {name: np.array(note) for name, note in notes.items()}
        identity = np.array(json.dumps(self._identity))
        remove_leftovers(self.path)
        with replaced(self.path) as trial:
            np.savez(trial, step=step, identity=identity, **arrays)

    def load(self, *notes, options=None):
        """Puts the variables back.

        Input
        -----
        notes : `str`
            Names of the notes to read

        options : `dict` of `str` -> `str`, optional
            Name of a value -> the option that sets it, for the message

        Output
        ------
        : `tuple`
            Step, `int`, and the notes, `str`

        Raises
        ------
        FileNotFoundError
            If there is no checkpoint.

        BrokenCheckpointError
            If it cannot be read.

        ValueError
            If it is of a run that other values fixed, with both.
        """
        if not self.path.is_file():
            raise FileNotFoundError(
                f"{self.path} does not exist: start without --resume"
            )
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            identity = json.loads(str(arrays["identity"]))
            step = int(arrays["step"])
            notes = [str(arrays[name]) for name in notes]
        except Exception as error:  # numpy raises zip, EOF and key errors
            raise BrokenCheckpointError(
                f"{self.path} is broken, or of another version: {error!r}"
            ) from error
        changed = tell_differences(identity, self._identity, options)
        if changed:
            raise ValueError(
                f"{self.path} belongs to another run: {changed}; give the same again, "
                "or choose another --label with --start-from"
            )
        for i, variable in enumerate(self._variables):
            variable.assign(arrays[f"state_{i}"])
        return step, *notes


def checkpoint_path(folder, label):
    """Where the checkpoint of a label is, `Path`."""
    return Path(folder) / f"{label}{_CHECKPOINT}"


def held_label(checkpoint):
    """Holds a label while a block trains, so that no other run of it writes the same
    files.

    Parameters
    ----------
    checkpoint : `Path`
        Of :func:`checkpoint_path`

    Raises
    ------
    OSError
        If another process holds it.
    """
    path = checkpoint.with_name(checkpoint.name.removesuffix(_CHECKPOINT))
    told = f"another process trains {path}: end it, or choose another --label"
    return locked(path, 0, told)


@contextlib.contextmanager
def held_interrupt():
    """Holds Ctrl-C back until a step is done and can be kept.

    The first Ctrl-C is noted, the second acts at once. Only the main thread hears
    signals; in any other, and where Ctrl-C is ignored or was taken by somebody else,
    nothing is held back.

    Output
    ------
    : `callable`
        Whether Ctrl-C was pressed since, `bool`
    """
    default, pressed = signal.default_int_handler, threading.Event()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not default
    ):
        yield lambda: False
        return

    def note(number, frame):
        pressed.set()
        signal.signal(signal.SIGINT, default)
        print("\nstopping after this step (Ctrl-C again: now)", file=sys.stderr)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, default)


@contextlib.contextmanager
def telling_what_is_left(path):
    """Says in a `KeyboardInterrupt` what the checkpoint at a path holds."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(_what_is_left(path)) from error


def _what_is_left(path):
    if not path.is_file():
        return f"no checkpoint yet at {path}: give the same command again"
    with np.load(path, allow_pickle=False) as stored:
        step = int(stored["step"])
    return f"{path} holds step {step}: give the same command with --resume"
