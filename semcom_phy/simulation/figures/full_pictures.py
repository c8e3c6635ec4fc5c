"""Every picture that was received, as a PNG without loss.

    pictures/original/original_image_0000.png
    pictures/adjscc_snr_10/adjscc_snr_10_image_0000.png      (_draw_0 where several)

A folder of a point is put in its place whole, when the point is done, and says in
``made_by.txt`` what made it: a run that is killed leaves no half of one, and pictures
of older code, weights, data or options are not taken for those of a new run.
"""

import os
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

FOLDER = "pictures"
_MADE_BY = "made_by.txt"


@dataclass(frozen=True)
class FullPictures:
    """Where the pictures of a system go.

    Parameters
    ----------
    folder : `Path`
        Results folder; on a cluster one that all machines see
    system : `str`
        Its name
    made_by : `str`
        Tells apart what makes pictures: code, weights, data, options
    """

    folder: Path
    system: str
    made_by: str

    def have(self, snr_db):
        """Whether all pictures of a point are there, made by the same."""
        try:
            found = (self._of(snr_db) / _MADE_BY).read_text(encoding="utf-8")
        except FileNotFoundError:
            return False
        return found == self.made_by

    @contextmanager
    def filling(self, snr_db, draws):
        """Gives what writes pictures of a point, ``write(images, index, draw)``: images
        [batch, height, width, 3] `uint8` or `None`, and the numbers of these images in
        the data set. Where the block fails, the folder stays as it was."""
        final = self._of(snr_db)
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.name}.{uuid.uuid4().hex}.tmp")
        temporary.mkdir()

        def write(images, index, draw):
            if images is not None:
                behind = f"_draw_{draw}" if draws > 1 else ""
                _write(images, index, temporary / final.name, behind)

        try:
            yield write
            (temporary / _MADE_BY).write_text(self.made_by, encoding="utf-8")
            shutil.rmtree(final, ignore_errors=True)
            os.replace(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _of(self, snr_db):
        return self.folder / FOLDER / f"{self.system}_snr_{snr_db:g}"


def write_originals(folder, images):
    """Writes what was sent, once for all systems of a results folder."""
    folder = folder / FOLDER / "original"
    folder.mkdir(parents=True, exist_ok=True)
    _write(images, range(len(images)), folder / "original", "")


def _write(images, index, stem, behind):
    for number, image in zip(index, images, strict=True):
        path = stem.with_name(f"{stem.name}_image_{number:04d}{behind}.png")
        Image.fromarray(image).save(path)
