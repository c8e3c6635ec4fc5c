"""One bit link, one JSON file: error rates over the SNR, with counts and intervals.

``bits_<name>.json`` is rewritten whole after every point and replaced in one step,
under a lock, on top of what other runs filed meanwhile, as the results of images are
(:mod:`~semcom_phy.simulation.results`). There is no time in it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from semcom_phy.differences import differences, tell_differences
from semcom_phy.metrics.link import ErrorCount
from semcom_phy.simulation.document import layout, rounded
from semcom_phy.simulation.identity.stale_points import (
    CURRENT,
    code_changes,
    in_words,
    sort_points,
)
from semcom_phy.simulation.results import FINISHED, ResultError
from semcom_phy.simulation.storage import locked, remove_leftovers, replaced

FORMAT = "semcom-phy bits 1"
PREFIX = "bits_"  # of the files' names, by which a folder's other results are told
_IDENTITY = ("scenario", "frame", "system", "description", "seed", "sweep")
_SHARED = ("scenario", "frame", "seed")  # by the links of a figure
_TRIALS = {"ber": "num_bits", "bler": "num_blocks"}
_NOT_HEADER = ("format", "snr_db", "ebno_db", "code_of_points", *_TRIALS)


@dataclass(frozen=True)
class ErrorRate:
    """A counted error rate with its 95 % interval.

    Parameters
    ----------
    count : :class:`~semcom_phy.metrics.link.ErrorCount`
        Wrong and sent bits, or blocks
    ci95 : (`float`, `float`)
        Lower and upper end of the interval
    """

    count: ErrorCount
    ci95: tuple[float, float]

    @property
    def mean(self):
        """The rate, `float`; 0 means that no error was seen, see the interval."""
        return self.count.rate


@dataclass(frozen=True)
class BitPoint:
    """One link at one SNR.

    Parameters
    ----------
    status : `str`
        ``target_reached`` (the block errors asked for) or ``done`` (all blocks)
    ber, bler : :class:`ErrorRate`
        Of information bits, of blocks
    code : `str`
        ``current`` or ``old: ...``, as of :class:`~semcom_phy.simulation.results.Point`
    """

    status: str
    ber: ErrorRate
    bler: ErrorRate
    code: str = CURRENT


class BitResultFile:
    """The result file of one bit link: created, resumed, or read for a figure.

    Parameters
    ----------
    path : `Path`
        The JSON file
    header : `dict`
        Plain JSON values: ``system``, ``description``, ``scenario``, ``frame``,
        ``ebno_minus_snr_db``, ``seed``, ``sweep``, ``definitions``, ``versions``,
        ``code``
    snr_db : sequence of `float`
        SNR points [dB]
    points : `dict` of snr_db -> :class:`BitPoint`, optional
        Finished points
    """

    def __init__(self, path, header, snr_db, points=None):
        self.path = Path(path)
        self.header = json.loads(json.dumps(header, allow_nan=False))
        self.points = dict(points or {})
        self.snr_db = sorted({float(snr) for snr in snr_db} | set(self.points))
        self.notes = []  # what a user should be told of how it was opened

    @classmethod
    def read(cls, path):
        """Reads a file.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ResultError
            If it is not a whole file of a bit link.
        """
        path = Path(path)
        content = path.read_bytes()
        try:
            document = json.loads(content)
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}, not {FORMAT!r}")
            header = {k: v for k, v in document.items() if k not in _NOT_HEADER}
            missing = {*_IDENTITY, "ebno_minus_snr_db", "code"} - set(header)
            if missing:
                raise ValueError(f"no entry {sorted(missing)[0]!r}")
            return cls(path, header, document["snr_db"], _points_of(document))
        except (LookupError, TypeError, ValueError) as error:
            text = " ".join(str(error).split())
            raise ResultError(
                f"{path} is not a readable result file ({type(error).__name__}: "
                f"{text}); delete it, choose another --out, or start over with "
                "--restart"
            ) from error

    @classmethod
    def open(cls, path, header, snr_db, restart=False, keep=False, options=None):
        """Resumes the file where it belongs to the same simulation, or starts it.

        As of :meth:`~semcom_phy.simulation.results.ResultFile.open`: points of other
        code are dropped with a line in ``notes``, or kept and marked.

        Raises
        ------
        ResultError
            If the file belongs to another simulation or cannot be read.
        OSError
            If it cannot be written.
        """
        fresh = cls(path, header, snr_db)
        with locked(fresh.path):
            remove_leftovers(fresh.path)
            if restart or not fresh.path.exists():
                fresh._commit()
                return fresh
            old = cls.read(path)
            old._check_same_simulation(fresh, options)
            points, notes = sort_points(old, fresh, keep)
            resumed = cls(path, fresh.header, [*snr_db, *old.snr_db], points)
            if points:  # beside what made them, the code that goes on
                resumed.header = old.header | {"code": fresh.header["code"]}
            resumed.notes += notes
            resumed._commit()
        return resumed

    def unfinished(self, snr_db):
        """The SNR points [dB] of a list still to be simulated."""
        return [float(snr) for snr in snr_db if float(snr) not in self.points]

    def record(self, snr_db, point):
        """Files one finished point, on top of what other runs filed meanwhile.

        Raises
        ------
        ResultError
            If the file was meanwhile started over for another simulation or with other
            code, or damaged.
        """
        with locked(self.path):
            if self.path.exists():
                filed = self.read(self.path)
                filed._check_same_simulation(self)
                changes = in_words(
                    code_changes(filed.header["code"], self.header["code"])
                )
                if changes:
                    raise ResultError(
                        f"another run resumed {self.path} meanwhile with other code "
                        f"({changes}); choose another --out for one of them"
                    )
                self.header, self.points = filed.header, filed.points
                self.snr_db = sorted({*self.snr_db, *filed.snr_db})
            self.points[float(snr_db)] = point
            self.snr_db = sorted({*self.snr_db, float(snr_db)})
            self._commit()

    def is_old(self, snr_db):
        """Whether the point at an SNR was kept from older code."""
        return self.points[float(snr_db)].code != CURRENT

    def ebno_db(self, snr_db):
        """Eb/N0 per receive antenna at an SNR [dB]."""
        return float(snr_db) + self.header["ebno_minus_snr_db"]

    @property
    def title(self):
        """The link's name in figures and tables."""
        return self.header["description"]["title"]

    def _check_same_simulation(self, other, options=None):
        one, two = ({k: f.header[k] for k in _IDENTITY} for f in (self, other))
        changed = tell_differences(one, two, options)
        if changed:
            raise ResultError(
                f"{self.path} holds another simulation: {changed}; give the same "
                "again, choose another --out, or start over with --restart"
            )

    def _commit(self):
        """Replaces the file; to be called under the lock."""
        points = [self.points.get(snr) for snr in self.snr_db]
        document = {
            "format": FORMAT,
            **self.header,
            "snr_db": self.snr_db,
            "ebno_db": [rounded(self.ebno_db(snr)) for snr in self.snr_db],
            "code_of_points": [p and p.code for p in points],
            **{name: _column(points, name) for name in _TRIALS},
        }
        with replaced(self.path) as temporary:
            temporary.write_text(layout(document) + "\n", encoding="utf-8")


def bit_results(folder):
    """Paths of the results of bit links in a folder, sorted."""
    return sorted(Path(folder).glob(f"{PREFIX}*.json"))


def image_results(folder):
    """Paths of all other JSON files of a folder, sorted; without hidden ones, which
    other runs are about to put in their place."""
    shown = {p for p in Path(folder).glob("*.json") if not p.name.startswith(".")}
    return sorted(shown - set(bit_results(folder)))


def check_result(path):
    """Refuses the path of a result that is not there.

    Raises
    ------
    FileNotFoundError
        With the results that its folder holds.
    """
    if path.is_file():
        return
    names = [other.stem for other in image_results(path.parent)]
    raise FileNotFoundError(
        f"there is no result {path}; {path.parent} holds"
        + (f": {', '.join(names)}" if names else " none")
    )


def shared_link(file):
    """What the bit links of one figure have in common, a `dict` of plain values."""
    return {key: file.header[key] for key in _SHARED}


def check_one_link(files):
    """Refuses bit links of different scenarios, frames or seeds for one figure.

    Parameters
    ----------
    files : sequence of :class:`BitResultFile`

    Raises
    ------
    ValueError
        With the first difference.
    """
    reference, *others = files
    for other in others:
        found = differences(shared_link(reference), shared_link(other))
        for path, was, now in found:
            raise ValueError(
                f"{reference.path.name} and {other.path.name} cannot share a figure: "
                f"{'.'.join(path)} is {json.dumps(was)} in the first and "
                f"{json.dumps(now)} in the second; choose another --out"
            )


def _column(points, name):
    """An error rate over all points; `None` wherever it was not run."""
    rates = [p and getattr(p, name) for p in points]
    return {
        "mean": [r and rounded(r.mean) for r in rates],
        "ci95": [r and rounded(r.ci95) for r in rates],
        "num_errors": [r and r.count.num_errors for r in rates],
        _TRIALS[name]: [r and r.count.num_trials for r in rates],
        "status": [p.status if p else "not_run" for p in points],
    }


def _points_of(document):
    points = {}
    for i, snr in enumerate(document["snr_db"]):
        status = document["bler"]["status"][i]
        if status in FINISHED:
            ber, bler = (_rate(document[n], _TRIALS[n], i) for n in ("ber", "bler"))
            code = document["code_of_points"][i]
            points[float(snr)] = BitPoint(status, ber, bler, code)
    return points


def _rate(column, trials, i):
    low, high = column["ci95"][i]
    count = ErrorCount(int(column["num_errors"][i]), int(column[trials][i]))
    return ErrorRate(count, (float(low), float(high)))
