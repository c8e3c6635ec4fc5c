"""The figures of every transmission, as a table of plain arrays.

A row is one image sent once at one SNR; a column is an array named by what it holds:

===========================  ===========================================================
``snr_db``                   SNR per receive antenna [dB]
``image``                    index of the image in the data set of the run
``image_sha256``             first 16 digits of the hash of its pixels
``draw``                     number of the channel draw
``group``                    group of images that it belongs to (its index if it is its
                             own)
``fade_power``               mean of abs(h)^2 over the fade that it was sent over
                             [linear]
``psnr_db``, ``mse``, ...    what the metrics of the scenario are made of, see
                             ``docs/definitions.md``; NaN where a sample has none
``outage``                   whether nothing could be decoded
``cbr``                      data symbols that were spent on it / (3HW)
``side_cbr``                 the same of side-information symbols
``cbr_total``                both together
``lost_<segment>``           whether that segment was lost
and figures                  of the system, by their names; NaN where one does not apply
===========================  ===========================================================

    rows = numpy.load("results/mimo_2x2/adjscc.rows.npz")
    pandas.DataFrame({name: rows[name] for name in rows.files})
"""

import glob
import hashlib
import io

import numpy as np

from semcom_phy.simulation.storage import replaced

IDENTITY = ("image", "image_sha256", "draw", "group", "fade_power")


def pack_rows(points):
    """The table of all points as the bytes of an ``.npz`` file.

    The bytes depend on the rows alone, not on the order in which points were finished.

    Parameters
    ----------
    points : `dict` of snr_db -> `dict` of name -> [num_transmissions] array
        Numbers, truth values and texts; NaN stands where a point lacks a column that
        another one has

    Output
    ------
    : `bytes`

    Raises
    ------
    ValueError
        If a column is not flat, not as long as the others, or no plain array.
    """
    names = sorted({name for columns in points.values() for name in columns})
    table = {"snr_db": []} | {name: [] for name in names}
    for snr, columns in sorted(points.items()):
        num = len(columns["image"])
        table["snr_db"].append(np.full(num, float(snr)))
        for name in names:
            values = np.asarray(columns.get(name, np.full(num, np.nan)))
            if values.shape != (num,) or values.dtype.kind not in "biufU":
                raise ValueError(
                    f"column {name!r} at {snr:g} dB is {values.dtype} "
                    f"{list(values.shape)}; expected numbers or texts [{num}]"
                )
            table[name].append(values)
    buffer = io.BytesIO()
    joined = {name: np.concatenate(parts) for name, parts in table.items()}
    np.savez_compressed(buffer, allow_pickle=False, **joined)
    return buffer.getvalue()


def unpack_rows(content):
    """The points of :func:`pack_rows`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        table = {name: stored[name] for name in stored.files}
    snr_db = table.pop("snr_db")
    return {
        float(snr): {name: values[snr_db == snr] for name, values in table.items()}
        for snr in np.unique(snr_db)
    }


class RowsFile:
    """The ``.rows.npz`` beside a result file, which holds its hash.

    New rows are written under a name of their own first (:meth:`stage`). They count
    from the moment on that the result file names their hash, and then take the place of
    the old ones (:meth:`settle`). Wherever a process is killed on the way, the result
    file and the rows that it names are whole.

    Parameters
    ----------
    result : `Path`
        The result file
    """

    def __init__(self, result):
        self.result = result
        self.path = result.with_suffix(".rows.npz")

    def stage(self, points):
        """Writes the rows of all points aside; returns their SHA-256, or `None` where
        there is no point."""
        if not points:
            return None
        content = pack_rows(points)
        sha256 = hashlib.sha256(content).hexdigest()
        with replaced(self._staged(sha256)) as temporary:
            temporary.write_bytes(content)
        return sha256

    def settle(self, sha256):
        """Puts the rows that count in their place and removes all others that a killed
        process left; to be called under the lock of the result file."""
        if sha256 is None:
            self.path.unlink(missing_ok=True)
        elif self._staged(sha256).exists():
            self._staged(sha256).replace(self.path)
        stem, ending = glob.escape(self.path.stem), self.path.suffix
        for leftover in self.path.parent.glob(f".{stem}.*{ending}"):
            leftover.unlink(missing_ok=True)

    def load(self, sha256):
        """The points whose rows have that hash.

        Raises
        ------
        ValueError
            If there are no such rows.
        """
        if sha256 is None:
            return {}
        for path in (self.path, self._staged(sha256)):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            if hashlib.sha256(content).hexdigest() == sha256:
                return unpack_rows(content)
        raise ValueError(
            f"{self.path} is not there, or not the one that was written with "
            f"{self.result.name}"
        )

    def _staged(self, sha256):
        return self.path.with_name(f".{self.path.stem}.{sha256}{self.path.suffix}")
