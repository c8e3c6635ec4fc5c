"""Which published curves lie under a figure."""

from dataclasses import dataclass

from semcom_phy.simulation.published.curves import AVERAGES, DATASETS
from semcom_phy.simulation.statistics.pairing import RATE_TOLERANCE

_PSNR = tuple(filter(None, AVERAGES.values()))
_ALIKE = 4  # most that areas of "pictures of one size" differ by, as a factor


@dataclass(frozen=True)
class LaidUnder:
    """A published curve as a figure shows it.

    Parameters
    ----------
    label : `str`
        For the legend
    points : `tuple` of (key, psnr_db)
        By the axis of the figure: SNRs [dB], or cbr, increasing
    """

    label: str
    points: tuple


def laid_under(published, curves):
    """Published curves of the pictures, channel, antennas, metric and axis of results.

    Pictures are those of the same data set. Where nothing was published of a data set,
    curves of pictures of about its size (32x32 for CIFAR-10, an area within a factor
    of 4 of Kodak's) take their place; the label says so.

    Parameters
    ----------
    published : sequence of :class:`~.curves.PublishedCurve`

    curves : sequence of :class:`~semcom_phy.simulation.curve.MeasuredCurve`
        Results of one figure; it shows the first metric. Published curves whose rate
        follows the SNR lie under those with a system whose rate does

    Output
    ------
    : `list` of :class:`LaidUnder`
    """
    header, axis = curves[0].header, curves[0].axis
    scenario, metric = header["scenario"], curves[0].metrics[0]
    antennas = {scenario["num_tx_ant"], scenario["num_rx_ant"]}
    adaptive = any(_follows_snr(curve) for curve in curves)
    found = []
    for curve in published:
        if metric not in _PSNR or curve.channel != scenario["channel"]:
            continue
        if antennas != {curve.antennas} or not _same_pictures(curve, scenario):
            continue
        if curve.adaptive and not adaptive:
            continue
        points = []
        for snr_db, cbr, psnr_db in curve.converted():
            rate = None if curve.adaptive else cbr
            key = axis.key_of(header, snr_db, rate, RATE_TOLERANCE)
            if key is not None:
                points.append((key, psnr_db))
        if points:
            label = curve.label(scenario["dataset"], metric)
            found.append(LaidUnder(label, tuple(sorted(points))))
    return found


def told(published, curves):
    """A line on a figure that no published curve lies under, `str`."""
    header, scenario = curves[0].header, curves[0].header["scenario"]
    there = {}
    for curve in published:
        link = f"{DATASETS[curve.dataset][0]} over {_link(curve)}"
        values = curve.converted()
        rates = there.setdefault(link, (set(), set()))
        rates[0].update(round(snr_db, 2) for snr_db, _, _ in values)
        if not curve.adaptive:
            rates[1].update(round(cbr, 4) for _, cbr, _ in values)
    listed = "; ".join(
        f"{link} (SNR {_numbers(snr_db)} dB; cbr {_numbers(cbr)})"
        for link, (snr_db, cbr) in there.items()
    )
    asked = (
        f"{curves[0].metrics[0]} on {scenario['dataset']} over "
        f"{scenario['num_tx_ant']}x{scenario['num_rx_ant']} {scenario['channel']}, "
        f"{curves[0].axis.fixed(header)}, over the {curves[0].axis.point}"
    )
    return f"no published curve is of {asked}; there is PSNR of {listed}"


def _follows_snr(curve):
    """Whether the data of a system take other rates at other SNRs."""
    spent = [curve.estimate("cbr", key) for key in curve.keys]
    spent = [estimate.mean for estimate in spent if estimate is not None]
    return bool(spent) and max(spent) - min(spent) > RATE_TOLERANCE * max(spent)


def _same_pictures(curve, scenario):
    if scenario["dataset"] in DATASETS:
        return scenario["dataset"] == curve.dataset
    size = scenario["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    own = DATASETS[curve.dataset][1]
    if own == (32, 32):
        return (height, width) == own
    factor = height * width / (own[0] * own[1])
    return 1 / _ALIKE <= factor <= _ALIKE


def _link(curve):
    return f"{curve.antennas}x{curve.antennas} {curve.channel}"


def _numbers(values):
    return ", ".join(f"{value:g}" for value in sorted(values))
