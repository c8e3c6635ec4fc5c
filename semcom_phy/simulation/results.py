"""One curve, one JSON file: what was simulated, with what, and what came out.

The file holds everything that a figure needs: scenario, system, bandwidth,
definitions, data, versions, and per SNR point mean, 95 % interval, count and
status of every figure of merit, with a few of the images and texts received. Beside it,
``<system>.rows.npz`` holds the figures of every transmission
(:mod:`~semcom_phy.simulation.rows`); the JSON names its SHA-256.

Both are rewritten whole after every point and replaced in one step, under a lock, on
top of what other runs filed meanwhile: a run that is killed leaves the points that it
finished, and several runs can fill one folder. There is no time in the files: a run
that was killed and started again ends with the same files as one that was not.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from semcom_phy.differences import tell_differences
from semcom_phy.simulation.axis import axis_of
from semcom_phy.simulation.chunk_store import ChunkStore
from semcom_phy.simulation.curve import MeasuredCurve
from semcom_phy.simulation.document import column, entry, layout
from semcom_phy.simulation.identity.stale_points import (
    CURRENT,
    code_changes,
    in_words,
    sort_points,
)
from semcom_phy.simulation.rows import RowsFile
from semcom_phy.simulation.shown import Shown
from semcom_phy.simulation.statistics.intervals import Estimate
from semcom_phy.simulation.storage import locked, remove_leftovers, replaced

FORMAT = "semcom-phy result 3"
FINISHED = ("done", "target_reached")
OUTAGE = "outage"  # stands beside the metrics of every file
DATA_HASHES = ("sha256", "texts_sha256", "labels_sha256", "masks_sha256")
_IDENTITY = ("scenario", "system", "description", "bandwidth", "seed", "sweep")
_NOT_HEADER = (
    *("format", "rows_sha256", "snr_db", "distance_m", "code_of_points", "extras"),
    *("reconstructions", OUTAGE),
)
# Of the header, filed with what is shown.
_SHOWN = ("original", "original_texts", "overview", "crops")


class ResultError(ValueError):
    """A result file cannot be read, or belongs to another simulation."""


@dataclass(frozen=True)
class Point:
    """One system at one SNR.

    Parameters
    ----------
    status : `str`
        ``done`` (every image and draw was sent) or ``target_reached`` (the
        interval was narrow enough before that)
    metrics : `dict` of name -> :class:`Estimate` or `None`
        The metrics of the header, and ``outage``
    extras : `dict` of name -> :class:`Estimate` or `None`
        What was spent (``cbr``, ``side_cbr``, ``cbr_total``), segments that were lost
        (``lost_<segment>``), and figures that only some systems have
    shown : :class:`~semcom_phy.simulation.shown.Shown` or `None`
        The first reconstructions, for the figure
    rows : `dict` of name -> [num_transmissions] array, or `None`
        Figures of every transmission, see :mod:`~semcom_phy.simulation.rows`. A point
        that is read from a file does not carry them: :meth:`ResultFile.rows` does
    code : `str`
        ``current``: computed by the code that the header describes; else ``old``, with
        what has changed since (:mod:`~semcom_phy.simulation.identity.stale_points`)
    """

    status: str
    metrics: dict[str, Estimate | None]
    extras: dict[str, Estimate | None] = field(default_factory=dict)
    shown: Shown | None = None
    rows: dict[str, np.ndarray] | None = None
    code: str = CURRENT


class ResultFile(MeasuredCurve):
    """The result file of one curve: created, resumed, or read for a figure.

    Parameters
    ----------
    path : `Path`
        The JSON file
    header : `dict`
        Plain JSON values: ``scenario``, ``system``, ``description``,
        ``bandwidth``, ``seed``, ``sweep``, ``data``, ``definitions``,
        ``versions``, ``metrics`` (:func:`describe_metrics`), ``original``
        (:func:`~semcom_phy.simulation.shown.encode_strip` of the images shown),
        ``original_texts`` (where there are any), of large images ``crops`` (what is
        shown: top, left, size) and ``overview`` (whole, reduced), and ``code``
        (:mod:`~semcom_phy.simulation.identity.code_identity`), without which a change
        of the code is not noticed
    snr_db : sequence of `float`
        SNR points [dB]; points that the file has beside these are kept
    points : `dict` of snr_db -> :class:`Point`, optional
        Finished points
    rows_sha256 : `str`, optional
        Hash of the table with their transmissions
    distances : `dict` of snr_db -> distance [m], optional
        Of a sweep over distances, for every SNR of the file: in the file it is
        ``distance_m``, beside ``snr_db``

    Raises
    ------
    ValueError
        If no metric is listed, or one has the name of another entry.
    """

    def __init__(
        self, path, header, snr_db, points=None, rows_sha256=None, distances=None
    ):
        self.path = Path(path)
        self.header = json.loads(json.dumps(header, allow_nan=False))
        self.points = dict(points or {})
        self.snr_db = sorted({float(snr) for snr in snr_db} | set(self.points))
        self.rows_sha256 = rows_sha256
        self.distances = dict(distances or {})
        self.notes = []  # what a user should be told of how it was opened
        self._rows_file = RowsFile(self.path)
        names = self.metrics
        taken = sorted(set(names) & {*_NOT_HEADER, *self.header})
        if not names or taken:
            raise ValueError(
                f"metrics are {names}; list at least one, and none that is called as "
                f"another entry of the file ({', '.join(taken)})"
            )

    @classmethod
    def read(cls, path):
        """Reads a file.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ResultError
            If it is not a whole result file.
        """
        path = Path(path)
        content = path.read_bytes()
        try:
            document = json.loads(content)
            if document["format"] != FORMAT:
                raise ValueError(
                    f"format {document['format']!r}, this version reads {FORMAT!r}"
                )
            return cls._from_document(path, document)
        except (LookupError, TypeError, ValueError, OSError, SyntaxError) as error:
            raise ResultError(
                f"{path} is not a readable result file ({one_line(error)}); delete "
                "it, choose another --out, or start over with --restart"
            ) from error

    @classmethod
    def open(
        cls,
        path,
        header,
        snr_db,
        restart=False,
        keep=False,
        options=None,
        distances=None,
    ):
        """Resumes the file where it belongs to the same simulation, or starts it.

        The same simulation: equal scenario, system description, bandwidth, seed,
        sweep settings, metrics, data (images, texts, labels) and groups of images.
        Points of other code, weights, package data or packages than ``header["code"]``
        are dropped, with a line in ``notes``; versions that have no say in the figures
        are noted in the file under ``resumed_with``.

        Parameters
        ----------
        restart : `bool`, (default False)
            Forget what the file holds
        keep : `bool`, (default False)
            Keep points of other code, marked as such
        options : `dict` of `str` -> `str`, optional
            Name of a value -> the option that sets it, for the message
        distances : `dict` of snr_db -> distance [m], optional
            Of a sweep over distances; those of the file are kept beside them

        Raises
        ------
        ResultError
            If the file belongs to another simulation or cannot be read.
        OSError
            If it cannot be written.
        """
        fresh = cls(path, header, snr_db, distances=distances)
        with locked(fresh.path):
            remove_leftovers(fresh.path)
            if restart or not fresh.path.exists():
                fresh.chunks.forget()
                fresh._commit({})
                return fresh
            old = cls.read(path)
            old._check_same_simulation(fresh, options)
            old._rows_file.settle(old.rows_sha256)
            points, notes = sort_points(old, fresh, keep)
            header = fresh.header
            if points:  # beside what made them: the code that goes on
                new = ("code", "description")  # the latter names the weights
                header = old.header | {k: header[k] for k in new if k in header}
            resumed = cls(
                path,
                header,
                [*snr_db, *old.snr_db],
                distances=fresh.distances | old.distances,
            )
            resumed.notes += notes
            try:
                rows = {snr: row for snr, row in old.rows().items() if snr in points}
                resumed.points = points
            except ResultError as error:
                rows = {}
                if points:
                    lost = resumed.axis.names(*points)
                    resumed.notes.append(f"{error}: simulated again at {lost}")
            known = [header["versions"], *header.get("resumed_with", [])]
            if resumed.unfinished(snr_db) and fresh.header["versions"] not in known:
                resumed.header["resumed_with"] = [*known[1:], fresh.header["versions"]]
            resumed._commit(rows)
        return resumed

    def unfinished(self, snr_db=None):
        """The SNR points [dB] of a list (default: all) still to be simulated."""
        asked = self.snr_db if snr_db is None else [float(snr) for snr in snr_db]
        return [snr for snr in asked if snr not in self.points]

    def record(self, snr_db, point):
        """Files one finished point, on top of what other runs filed meanwhile.

        Afterwards the object has the points of these runs as well.

        Parameters
        ----------
        snr_db : `float`
            Its SNR [dB]
        point : :class:`Point`
            With its ``rows``

        Raises
        ------
        ResultError
            If the file was meanwhile started over for another simulation, or damaged.
        ValueError
            If a figure is not finite, or the point has no rows.
        """
        if point.rows is None:
            raise ValueError(f"the point at {snr_db:g} dB has no rows to file")
        snr_db = float(snr_db)
        with locked(self.path):
            rows = {}
            if self.path.exists():
                filed = self.read(self.path)
                filed._check_same_simulation(self)
                filed._check_same_code(self)
                rows = filed.rows()
                self.header = filed.header
                self.snr_db = sorted({*self.snr_db, *filed.snr_db, snr_db})
                self.distances = self.distances | filed.distances
                self.points = filed.points
            self.points[snr_db] = dataclasses.replace(point, rows=None)
            rows[snr_db] = point.rows
            self._commit(rows)
            self.chunks.tidy_locked(self.points)

    def rows(self):
        """Figures of every transmission of every finished point.

        Output
        ------
        : `dict` of snr_db -> `dict` of name -> [num_transmissions] array
            Columns as of :mod:`~semcom_phy.simulation.rows`

        Raises
        ------
        ResultError
            If they are lost or damaged.
        """
        try:
            return self._rows_file.load(self.rows_sha256)
        except ValueError as error:
            raise ResultError(str(error)) from error

    def _commit(self, rows):
        """Replaces both files so that they agree whenever the process is killed; to be
        called under the lock."""
        self.rows_sha256 = self._rows_file.stage(rows)
        with replaced(self.path) as temporary:
            text = layout(self._to_document()) + "\n"
            temporary.write_text(text, encoding="utf-8")
        self._rows_file.settle(self.rows_sha256)

    @property
    def chunks(self):
        """Where finished chunks of unfinished points are kept,
        :class:`~semcom_phy.simulation.chunk_store.ChunkStore`."""
        computed_by = [self._identity(code_noted=False), self.header.get("code")]
        text = json.dumps(computed_by, sort_keys=True)
        return ChunkStore(self.path, hashlib.sha256(text.encode()).hexdigest()[:16])

    def _check_same_simulation(self, other, options=None):
        noted = "code" in self.header and "code" in other.header
        own, others = self._identity(noted), other._identity(noted)
        changed = tell_differences(own, others, options)
        if changed:
            raise ResultError(
                f"{self.path} holds another simulation: {changed}; give the same "
                "again, choose another --out, or start over with --restart"
            )

    def _check_same_code(self, other):
        codes = (file.header.get("code") for file in (self, other))
        changes = in_words(code_changes(*codes))
        if changes:
            raise ResultError(
                f"another run resumed {self.path} meanwhile with other code "
                f"({changes}); choose another --out for one of them"
            )

    @property
    def keys(self):
        """Keys of its points, SNRs [dB]."""
        return self.snr_db

    @property
    def axis(self):
        """What its points are called, see :mod:`~semcom_phy.simulation.axis`."""
        return axis_of(self.distances)

    def _identity(self, code_noted):
        identity = {key: self.header[key] for key in _IDENTITY}
        if code_noted:  # among it the weights
            about = identity["description"]
            identity["description"] = {
                key: value for key, value in about.items() if key != "weights_sha256"
            }
        identity["metrics"] = self.metrics
        data = self.header["data"]
        # Intervals of one kind, captions and labels of one kind in a file.
        for key in (*DATA_HASHES, "groups"):
            if key in data:
                identity[f"data {key}"] = data[key]
        return identity

    def _to_document(self):
        points = [self.points.get(snr) for snr in self.snr_db]
        header = {k: v for k, v in self.header.items() if k not in _SHOWN}
        extras = sorted({name for p in points if p for name in p.extras})
        return {
            "format": FORMAT,
            **header,
            "rows_sha256": self.rows_sha256,
            "snr_db": self.snr_db,
            **self._distance_column(),
            "code_of_points": [p and p.code for p in points],
            **{
                name: column(points, "metrics", name)
                for name in (*self.metrics, OUTAGE)
            },
            "extras": {name: column(points, "extras", name) for name in extras},
            "reconstructions": {
                **self._originals(),
                "points": [p and p.shown and p.shown.to_dict() for p in points],
            },
        }

    def _originals(self):
        """What is shown of what was sent; crops where there are any."""
        optional = ("overview", "crops")
        return {
            key: self.header.get(key)
            for key in _SHOWN
            if key in self.header or key not in optional
        }

    def _distance_column(self):
        if not self.distances:
            return {}
        return {"distance_m": [self.distances[snr] for snr in self.snr_db]}

    @classmethod
    def _from_document(cls, path, document):
        snr_db = [float(snr) for snr in document["snr_db"]]
        names = [metric["name"] for metric in document["metrics"]]
        shown = document["reconstructions"]
        points = {}
        for i, snr in enumerate(snr_db):
            status = document[OUTAGE]["status"][i]
            if status not in FINISHED:
                continue
            seen = shown["points"][i]
            points[snr] = Point(
                status,
                {name: entry(document[name], i) for name in (*names, OUTAGE)},
                {name: entry(col, i) for name, col in document["extras"].items()},
                None if seen is None else Shown.from_dict(seen),
                code=document["code_of_points"][i],
            )
        columns = {*_NOT_HEADER, *names}
        header = {key: value for key, value in document.items() if key not in columns}
        missing = {*_IDENTITY, "data", "versions", "definitions"} - set(header)
        if missing:
            raise ValueError(f"no entry {sorted(missing)[0]!r}")
        header |= {key: shown[key] for key in _SHOWN if shown.get(key) is not None}
        distances = {}
        if "distance_m" in document:
            distances = dict(zip(snr_db, document["distance_m"], strict=True))
        return cls(path, header, snr_db, points, document["rows_sha256"], distances)


def describe_metrics(metrics, samples=None):
    """What a header says of metrics, a `list` of `dict`: name, title and unit of each
    and, of one that is null for some samples or all of them, the ``reason``."""
    described = []
    for metric in metrics:
        about = {"name": metric.name, "title": metric.title, "unit": metric.unit}
        reason = None
        if metric.reason is not None and samples is not None:
            reason = metric.reason(samples)
        described.append(about if reason is None else about | {"reason": reason})
    return described


def one_line(error):
    """Kind and message of an error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"
