"""What tables and figures ask of a result, whatever its points are called by."""

from functools import reduce

from semcom_phy.simulation.identity.stale_points import CURRENT
from semcom_phy.simulation.shown import decode_strip


class MeasuredCurve:
    """One system at several points.

    Attributes
    ----------
    header : `dict`
        As of :class:`~semcom_phy.simulation.results.ResultFile`

    points : `dict` of key -> :class:`~semcom_phy.simulation.results.Point`
        Finished points; a key is an SNR [dB], or a rate, see :attr:`axis`

    keys : `list` of `float`
        Of all points, run or not, increasing

    axis : :class:`~semcom_phy.simulation.axis.SnrAxis`
        What the points are called
    """

    header: dict
    points: dict

    def estimate(self, metric, key):
        """The :class:`Estimate` of a figure of merit at a point, `None` if not run."""
        point = self.points.get(float(key))
        if point is None:
            return None
        return point.metrics.get(metric) or point.extras.get(metric)

    def is_old(self, key):
        """Whether a point was kept from older code."""
        point = self.points.get(float(key))
        return point is not None and point.code != CURRENT

    @property
    def title(self):
        """The system's name in figures and tables."""
        return self.header["description"].get("title", self.header["system"])

    @property
    def original(self):
        """The images that were sent, as far as shown, `uint8` [k, h, w, 3]."""
        return decode_strip(self.header["original"])

    @property
    def metrics(self):
        """Names of the metrics, a `list` of `str`; the first is that of the figures."""
        return [metric["name"] for metric in self.header["metrics"]]

    def label(self, metric):
        """Title and unit of a metric, such as "PSNR of the mean MSE [dB]"; the name of
        any other figure as it is."""
        labels = {
            about["name"]: metric_label(about) for about in self.header["metrics"]
        }
        return labels.get(metric, metric)


def joined_axis(curves):
    """The axis with the points of all curves, which are of one kind."""
    return reduce(lambda axis, more: axis.joined(more), (c.axis for c in curves))


def metric_label(about):
    """Title and unit of an entry of
    :func:`~semcom_phy.simulation.results.describe_metrics`."""
    return about["title"] + (f" [{about['unit']}]" if about["unit"] else "")
