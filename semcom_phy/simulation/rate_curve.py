"""A curve over the cbr: one system at one SNR, a result file for each rate.

    results/mimo_2x2_cbr/adjscc.json              the curve: axis, rates, what came out
    results/mimo_2x2_cbr/cbr_1_24/adjscc.json     the result at a rate, as any other
    results/mimo_2x2_cbr/cbr_1_24/adjscc.rows.npz

At another rate a system has other frames, and perhaps other weights: the result of
each rate is a file of its own (:class:`~semcom_phy.simulation.results.ResultFile`),
valid for the code, weights, data and options that it names, filed and resumed as in a
sweep over SNRs. The curve's own file lists the rates and repeats their figures, for
people to read; it is written anew whenever a rate is done.
"""

import json
from fractions import Fraction
from pathlib import Path

from semcom_phy.differences import tell_differences
from semcom_phy.simulation.axis import CbrAxis
from semcom_phy.simulation.curve import MeasuredCurve
from semcom_phy.simulation.document import column, layout
from semcom_phy.simulation.results import (
    DATA_HASHES,
    OUTAGE,
    ResultError,
    ResultFile,
    one_line,
)
from semcom_phy.simulation.storage import locked, remove_leftovers, replaced

FORMAT = "semcom-phy rates 1"


class RateCurve(MeasuredCurve):
    """The results of one system at several rates, as one curve.

    Keys of its points are rates, `float`. Its header is that of the first rate that has
    a result, without what is the rate's own: the scenario has ``snr_db`` in the place
    of ``cbr``.

    Parameters
    ----------
    path : `Path`
        The curve's JSON file
    snr_db : `float`
        The SNR of all points [dB]
    rates : iterable of `Fraction`
        Rates, cbr; those without a result are not run yet

    Raises
    ------
    ResultError
        If the result of a rate cannot be read, or is of another simulation than those
        of the others.
    """

    def __init__(self, path, snr_db, rates):
        self.path, self.snr_db = Path(path), float(snr_db)
        self.rates = tuple(sorted(set(rates)))
        self._files = {}
        for rate in self.rates:
            own = self.path_of(rate)
            if own.exists():
                self._files[float(rate)] = ResultFile.read(own)
        self.points = {
            key: file.points[self.snr_db]
            for key, file in self._files.items()
            if self.snr_db in file.points
        }
        headers = [over_rates(f.header, self.snr_db) for f in self._files.values()]
        self.header = headers[0] if headers else {}
        for file, header in zip(self._files.values(), headers, strict=True):
            changed = tell_differences(_identity(self.header), _identity(header))
            if changed:
                raise ResultError(
                    f"{file.path} does not belong to the other rates of {self.path}: "
                    f"{changed}; remove one of the two, or start over with --restart"
                )

    @classmethod
    def read(cls, path):
        """Reads a curve and the results of its rates.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ResultError
            If it is no curve over the cbr, or of no rate there is a result.
        """
        path = Path(path)
        try:
            document = json.loads(path.read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(
                    f"format {document['format']!r}, a sweep over the cbr has "
                    f"{FORMAT!r}"
                )
            snr_db, rates = document["snr_db"], map(Fraction, document["cbr"])
            curve = cls(path, snr_db, rates)
        except ResultError:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise ResultError(
                f"{path} is not a readable sweep over the cbr ({one_line(error)}); "
                "delete it, choose another --out, or start over with --restart"
            ) from error
        if not curve.header:
            raise ResultError(
                f"{path} has no result of a rate beside it: run its command again, or "
                "delete it"
            )
        return curve

    @classmethod
    def rates_in(cls, path, snr_db):
        """Rates that a file lists, `tuple` of `Fraction`; empty where there is none.

        Raises
        ------
        ResultError
            If it is no curve over the cbr at this SNR.
        """
        if not Path(path).exists():
            return ()
        curve = cls.read(path)
        if curve.snr_db != snr_db:
            raise ResultError(
                f"{path} holds a sweep over the cbr at {curve.snr_db:g} dB, asked is "
                f"{snr_db:g}: give the same --snr again, choose another --out, or "
                "start over with --restart"
            )
        return curve.rates

    @classmethod
    def update(cls, path, snr_db, rates, restart=False):
        """Writes the file anew from the results of its rates, those that other runs
        listed meanwhile included; returns the curve.

        Parameters
        ----------
        restart : `bool`, (default False)
            Forget what the file lists beside these rates
        """
        path = Path(path)
        with locked(path):
            remove_leftovers(path)
            listed = () if restart else cls.rates_in(path, snr_db)
            curve = cls(path, snr_db, {*rates, *listed})
            with replaced(path) as temporary:
                text = layout(curve._to_document()) + "\n"
                temporary.write_text(text, encoding="utf-8")
        return curve

    def path_of(self, rate):
        """The result file of a rate."""
        return rate_folder(self.path.parent, rate) / self.path.name

    def rows(self):
        """Figures of every transmission of every finished point, by rates, as of
        :meth:`~semcom_phy.simulation.results.ResultFile.rows`."""
        return {key: self._files[key].rows()[self.snr_db] for key in self.points}

    @property
    def keys(self):
        """Keys of its points, rates."""
        return [float(rate) for rate in self.rates]

    @property
    def axis(self):
        """What its points are called."""
        return CbrAxis({float(rate): rate for rate in self.rates}, self.snr_db)

    def _to_document(self):
        points = [self.points.get(key) for key in self.keys]
        extras = sorted({name for p in points if p for name in p.extras})
        return {
            "format": FORMAT,
            "axis": "cbr",
            "system": self.path.stem,
            "snr_db": self.snr_db,
            "cbr": [str(rate) for rate in self.rates],
            "results": [
                self.path_of(rate).relative_to(self.path.parent).as_posix()
                for rate in self.rates
            ],
            "code_of_points": [p and p.code for p in points],
            **{
                name: column(points, "metrics", name)
                for name in (*self.metrics, OUTAGE)
            },
            "extras": {name: column(points, "extras", name) for name in extras},
        }


def read_curve(path):
    """The result of a file, over whatever its points are taken.

    Output
    ------
    : :class:`RateCurve` or :class:`~semcom_phy.simulation.results.ResultFile`

    Raises
    ------
    FileNotFoundError
        If there is none.
    ResultError
        If it is none.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_bytes())
        over_cbr = document["format"] == FORMAT
    except (LookupError, TypeError, ValueError):
        over_cbr = False  # it says itself what is wrong
    return RateCurve.read(path) if over_cbr else ResultFile.read(path)


def rate_folder(folder, rate):
    """Folder of the results of a rate inside that of a sweep over rates."""
    return folder / f"cbr_{rate.numerator}_{rate.denominator}"


def over_rates(header, snr_db):
    """A header with what all rates share: an SNR in the place of a rate."""
    scenario = {k: v for k, v in header["scenario"].items() if k != "cbr"}
    return header | {"scenario": scenario | {"snr_db": snr_db}}


def _identity(header):
    """What results of one curve have in common; batches fit the rate."""
    sweep = {k: v for k, v in header["sweep"].items() if k != "batch_size"}
    identity = {key: header[key] for key in ("scenario", "system", "seed")}
    names = [metric["name"] for metric in header["metrics"]]
    data = {f"data {k}": header["data"].get(k) for k in (*DATA_HASHES, "groups")}
    return identity | {"sweep": sweep, "metrics": names} | data
