"""What the points of a sweep are called: by their SNR, or by the distance behind it.

A sweep is always one over SNRs; where these follow from distances, tables and figures
show metres, with the SNR beside them.
"""

from dataclasses import dataclass

_MOST_TICKS = 12


class SnrAxis:
    """Points are SNRs [dB]."""

    stem = "snr"  # of file names
    label = "SNR per receive antenna [dB]"
    row_title = "SNR [dB]"

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


def axis_of(distances):
    """The axis of a sweep.

    Parameters
    ----------
    distances : `dict` of snr_db -> distance [m]
        Empty for a sweep over SNRs
    """
    return DistanceAxis(distances) if distances else SNR_AXIS
