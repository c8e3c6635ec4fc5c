"""Arrays that are made once, kept on disk, and found by what made them.

An array lies in ``<name>.npy``, and beside it ``<name>.json`` with what made it and the
SHA-256 of the file. The name is that of what made it.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from semcom_phy.simulation.storage import replaced

_DIGITS = 20  # of a SHA-256, 80 bits


class ArrayStore:
    """Several processes may read and write at once: a file is replaced in one step.

    Parameters
    ----------
    folder : path
        Made with the first array
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def array(self, about, make):
        """The array that is there, or one that is made and kept.

        A file that is cut off or altered is made anew.

        Parameters
        ----------
        about : `dict`
            Plain values that tell the array from all others

        make : callable, () -> array
            Gives the same array in every process

        Output
        ------
        : array
        """
        about = json.loads(json.dumps(about, sort_keys=True))
        path = self.folder / f"{_name(about)}.npy"
        found = _read(path, about)
        if found is None:
            found = make()
            _write(path, about, found)
        return found


def _name(about):
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:_DIGITS]


def _read(path, about):
    """The array, or `None` if it is not there, not whole or another one."""
    try:
        record = json.loads(path.with_suffix(".json").read_text())
        if record != {"about": about, "sha256": _file_hash(path)}:
            return None
    except (FileNotFoundError, ValueError):
        return None
    return np.load(path, allow_pickle=False)


def _write(path, about, array):
    with replaced(path) as trial:
        np.save(trial, array, allow_pickle=False)
        record = {"about": about, "sha256": _file_hash(trial)}
    with replaced(path.with_suffix(".json")) as trial:
        trial.write_text(json.dumps(record, indent=1) + "\n")


def _file_hash(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
