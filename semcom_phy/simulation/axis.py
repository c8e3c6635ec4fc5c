"""What the points of a sweep are called: by their SNR, by the distance behind it, or by
their cbr.

Where SNRs follow from distances, tables and figures show metres, with the SNR beside
them. A sweep over the cbr has one SNR; the keys of its points are rates.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import log2

_MOST_TICKS = 12
_SAME_SNR_DB = 0.05  # of results of others: 10 + 3.01 dB are 13 dB


class SnrAxis:
    """Points are SNRs [dB]."""

    stem = "snr"  # of file names
    label = "SNR per receive antenna [dB]"
    row_title = "SNR [dB]"
    point = "SNR point"
    told_rates: tuple[float, ...] = ()  # shares of a point's rate that need no figure

    def joined(self, other):
        """The axis with the points of another one of its kind, too."""
        return self

    def fixed(self, header):
        """What is the same at all points, `str`, of the header of a result."""
        return f"cbr {header['bandwidth']['cbr']:.4g}"

    def key_of(self, header, snr_db, cbr, tolerance):
        """Where a result of others stands among the points.

        Parameters
        ----------
        header : `dict`
            Of a result
        snr_db : `float`
            Of the other result [dB]
        cbr : `float` or `None`
            Of the other result; `None` where its rate follows the SNR
        tolerance : `float`
            Relative difference up to which two rates count as the same

        Output
        ------
        : `float` or `None`
            The key of such a point, run or not; `None` where it is of another rate
        """
        own = header["bandwidth"]["cbr"]
        same = cbr is None or abs(cbr - own) <= tolerance * own
        return snr_db if same else None

    def value(self, snr):
        """A point as users give it to the axis' option."""
        return snr

    def share(self, snr, cbr):
        """What was spent at a point, as a share of the rate that it is called by, if
        it is called by one."""
        return cbr

    def place(self, snr):
        """Where a point stands on the axis, `float`."""
        return snr

    def sort(self, snr_db):
        """SNRs [dB] in the order of the axis, a `list`."""
        return sorted(snr_db)

    def head(self, snr):
        """A point at the head of a column, `str`."""
        return f"{snr:g}"

    def heading(self, snr):
        """A point above pictures, `str`."""
        return f"SNR {snr:g} dB"

    def names(self, *snr_db):
        """Points within a text, `str`."""
        return ", ".join(f"{snr:g}" for snr in snr_db) + " dB"

    def note(self, *snr_db):
        """Points at the end of a line on SNRs, `str`; nothing where these are told."""
        return ""

    def columns(self, snr):
        """Columns of a table that tell a point, `dict` of name -> `str`."""
        return {"snr_db": f"{snr:g}"}

    def set_ticks(self, axes, snr_db):
        """Puts ticks at the points, where these are few."""
        if len(snr_db) <= _MOST_TICKS:
            axes.set_xticks(self.sort(snr_db))


SNR_AXIS = SnrAxis()


@dataclass(frozen=True)
class DistanceAxis(SnrAxis):
    """Points are distances [m], whose SNR stands beside them.

    Parameters
    ----------
    distances : `dict` of snr_db -> distance [m]
        The farther, the lower the SNR
    """

    distances: dict[float, float]

    stem = "distance"
    label = "Distance [m], and SNR per receive antenna [dB]"
    row_title = "Distance (SNR)"
    point = "distance"

    def joined(self, other):
        return DistanceAxis(self.distances | other.distances)

    def key_of(self, header, snr_db, cbr, tolerance):
        return None  # others name no distance

    def value(self, snr):
        return self.distances[snr]

    def place(self, snr):
        return self.distances[snr]

    def sort(self, snr_db):
        return sorted(snr_db, reverse=True)

    def head(self, snr):
        return f"{self.distances[snr]:g} m ({snr:.1f} dB)"

    def heading(self, snr):
        return f"{self.distances[snr]:g} m (SNR {snr:.1f} dB)"

    def names(self, *snr_db):
        return ", ".join(self.head(snr) for snr in self.sort(snr_db))

    def note(self, *snr_db):
        return f": {self.names(*snr_db)}"

    def columns(self, snr):
        return {"distance_m": f"{self.distances[snr]:g}"} | super().columns(snr)

    def set_ticks(self, axes, snr_db):
        points = self.sort(snr_db)
        points = points[:: -(-len(points) // _MOST_TICKS)]
        labels = [f"{self.distances[snr]:g} m\n{snr:.1f} dB" for snr in points]
        axes.set_xticks([self.distances[snr] for snr in points], labels)


@dataclass(frozen=True)
class CbrAxis(SnrAxis):
    """Points are rates: complex data symbols per source dimension, cbr.

    Figures have a logarithmic axis, labelled with fractions.

    Parameters
    ----------
    rates : `dict` of rate -> `Fraction`
        Keys of the points, `float`, and the very fractions
    snr_db : `float`
        The SNR of all points [dB]
    """

    rates: dict[float, Fraction]
    snr_db: float

    stem = "cbr"
    row_title = "cbr"
    point = "cbr"
    told_rates = (1.0,)

    @property
    def label(self):
        """With the SNR, `str`."""
        return f"cbr (complex symbols per source dimension), SNR {self.snr_db:g} dB"

    def joined(self, other):
        return CbrAxis(self.rates | other.rates, self.snr_db)

    def fixed(self, header):
        return f"SNR {self.snr_db:g} dB"

    def key_of(self, header, snr_db, cbr, tolerance):
        same = cbr is not None and abs(snr_db - self.snr_db) <= _SAME_SNR_DB
        return cbr if same else None

    def value(self, rate):
        return self.rates[rate]

    def share(self, rate, cbr):
        return cbr / rate

    def place(self, rate):
        return log2(rate)

    def head(self, rate):
        return str(self.rates[rate])

    def heading(self, rate):
        return f"cbr {self.head(rate)}"

    def names(self, *rates):
        return "cbr " + ", ".join(map(self.head, rates))

    def columns(self, rate):
        return {"cbr": self.head(rate), "snr_db": f"{self.snr_db:g}"}

    def set_ticks(self, axes, rates):
        points = self.sort(rates)
        points = points[:: -(-len(points) // _MOST_TICKS)]
        axes.set_xticks([log2(rate) for rate in points], map(self.head, points))


def axis_of(distances):
    """The axis of a sweep over SNRs, or over distances.

    Parameters
    ----------
    distances : `dict` of snr_db -> distance [m]
        Empty for a sweep over SNRs
    """
    return DistanceAxis(distances) if distances else SNR_AXIS
