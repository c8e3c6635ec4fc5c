"""Tables in Markdown of what curves hold, and their cells."""

from benchmarks.figures import interval
from scenarios.paired_results import compare

METRICS = {  # name -> title, digits
    "psnr_foreground_db": ("PSNR foreground [dB]", 2),
    "psnr_background_db": ("PSNR background [dB]", 2),
    "ms_ssim_foreground": ("MS-SSIM foreground", 3),
    "ms_ssim_background": ("MS-SSIM background", 3),
    "perceptual_efficientnet": ("perceptual distance", 4),
    "brisque": ("BRISQUE", 1),
    "clip_score_embedded": ("CLIP score", 2),
}
LOWER_IS_BETTER = ("perceptual_efficientnet", "brisque")


def markdown(rows):
    """Lines of a table; the first row is its head."""
    head, *others = rows
    lines = [_line(head), "| --- " * len(head) + "|"]
    return lines + [_line(row) for row in others]


def with_interval(curve, name, snr_db, digits=None):
    """ "mean [low, high]" of a figure; "-" where the system has none."""
    estimate = curve.file.estimate(name, snr_db)
    if estimate is None:
        return "-"
    if digits is None:
        digits = METRICS[name][1]
    return f"{estimate.mean:.{digits}f}{interval(estimate, digits)}"


def metric_cells(curve, snr_db, names=tuple(METRICS)):
    """Cells of several metrics at an SNR."""
    return [with_interval(curve, name, snr_db) for name in names]


def paired(one, other, name, snr_db):
    """``one - other`` of every transmission, the estimate of the pairs; `None` where a
    system has no such figure."""
    if None in (curve.file.estimate(name, snr_db) for curve in (one, other)):
        return None
    return compare(one, other, name, [snr_db]).differences[snr_db].paired


def signed(estimate, digits):
    """ "+mean [+low, +high]" of a difference, "-" of none."""
    if estimate is None:
        return "-"
    return f"{estimate.mean:+.{digits}f}{interval(estimate, digits, '+')}"


def difference(one, other, name, snr_db):
    """The cell of a paired difference."""
    return signed(paired(one, other, name, snr_db), METRICS[name][1])


def otherwise_different(pairs):
    """Lines on what the two curves of pairs differ in beside the system, such as
    knowledge."""
    lines = [
        f"- {one.label} - {other.label}: {told}"
        for one, other in pairs
        for told in compare(one, other).conditions
    ]
    if not lines:
        return ["Nothing but the system differs."]
    return ["Beside the system there differ:", "", *lines]


def _line(cells):
    return f"| {' | '.join(cells)} |"
