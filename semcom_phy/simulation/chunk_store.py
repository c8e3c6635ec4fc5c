"""Finished chunks of points that are not finished, in files beside the result.

    results/mimo_2x2/.adjscc.chunks/3f0c..._10_4_8.npz

A name holds a hash of what identifies the simulation and its code, the SNR, and the
batches: a run that is killed goes on at the chunk, and one of other options, data, code
or weights finds nothing. The files go when their point is filed.
"""

import json
import shutil
import zipfile

import numpy as np

from semcom_phy.simulation.chunks import ChunkResult
from semcom_phy.simulation.storage import locked, replaced

_ABOUT, _IMAGES, _COLUMN = "about", "images", "column "


class ChunkStore:
    """The chunks of one result file.

    Parameters
    ----------
    result : `Path`
        The result file
    identity : `str`
        Digits that tell apart what computes the chunks
    """

    def __init__(self, result, identity):
        self._result, self._identity = result, identity
        self.folder = result.with_name(f".{result.stem}.chunks")

    def keep(self, snr_db, span, chunk):
        """Files one chunk.

        Parameters
        ----------
        snr_db : `float`
            SNR of its point [dB]
        span : (`int`, `int`)
            Its batches
        chunk : :class:`~semcom_phy.simulation.chunks.ChunkResult`
        """
        about = [chunk.status, chunk.extras, chunk.num_shown, chunk.texts]
        arrays = {_COLUMN + name: values for name, values in chunk.columns.items()}
        if chunk.images is not None:
            arrays[_IMAGES] = chunk.images
        with locked(self._result), replaced(self._path(snr_db, span)) as temporary:
            about = np.array(json.dumps(about))
            np.savez(temporary, allow_pickle=False, **arrays, **{_ABOUT: about})

    def load(self, snr_db, span):
        """A chunk that was kept; `None` where there is none that can be read."""
        try:
            with np.load(self._path(snr_db, span), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            status, extras, num_shown, texts = json.loads(str(arrays[_ABOUT]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        columns = {
            name.removeprefix(_COLUMN): values
            for name, values in arrays.items()
            if name.startswith(_COLUMN)
        }
        texts = None if texts is None else tuple(texts)
        images = arrays.get(_IMAGES)
        return ChunkResult(status, columns, tuple(extras), num_shown, images, texts)

    def tidy(self, finished):
        """Removes what belongs to finished points or to another simulation, and what a
        killed process left.

        Parameters
        ----------
        finished : iterable of `float`
            SNRs of finished points [dB]
        """
        if self.folder.exists():
            with locked(self._result):
                self.tidy_locked(finished)

    def tidy_locked(self, finished):
        """The same, to be called under the lock of the result file."""
        if not self.folder.exists():
            return
        done = tuple(self._stem(snr) for snr in finished)
        for path in self.folder.iterdir():
            current = path.name.startswith(f"{self._identity}_")
            if not current or path.name.startswith(done):
                path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def forget(self):
        """Removes all; to be called under the lock of the result file."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stem(self, snr_db):
        return f"{self._identity}_{float(snr_db)!r}_"

    def _path(self, snr_db, span):
        first, stop = span
        return self.folder / f"{self._stem(snr_db)}{first}_{stop}.npz"
