"""Published curves out of ``curves.toml``, converted to our definitions."""

import tomllib
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction
from pathlib import Path

from semcom_phy.checks import check_integer, check_number
from semcom_phy.simulation.published.conventions import (
    cbr_of_real_symbols,
    cbr_of_uses,
    snr_of_real_dimension,
)
from semcom_phy.snr import SNR_RANGE_DB

CURVES_FILE = Path(__file__).parent / "curves.toml"

# What a convention is called in the file and in labels -> how it is converted.
SNR_CONVENTIONS = {
    "complex Es/N0": lambda snr_db: snr_db,
    "power of a real dimension": snr_of_real_dimension,
}
RATE_CONVENTIONS = {
    "cbr": lambda rate, antennas: rate,
    "real symbols": lambda rate, antennas: cbr_of_real_symbols(rate),
    "channel uses": cbr_of_uses,
}
GRADES = ("exact", "digitised", "second-hand")
AVERAGES = {  # of the PSNR -> the metric that averages so
    "images": "psnr_db",
    "mse": "psnr_of_mean_mse_db",
    "not stated": None,
}
DATASETS = {  # name -> how labels call it, height and width of its pictures
    "cifar10": ("CIFAR-10", (32, 32)),
    "kodak": ("Kodak", (512, 768)),
}
_CHANNELS = ("awgn", "rayleigh")


@dataclass(frozen=True)
class PublishedCurve:
    """PSNRs that others published, as they count SNR and rate.

    Parameters
    ----------
    scheme, source : `str`
        What was measured, and where the numbers stand
    grade : "exact" | "digitised" | "second-hand"
        How good they are
    dataset : "cifar10" | "kodak"

    channel : "awgn" | "rayleigh"
        Rayleigh: block fading
    antennas : `int`
        Of either end
    average : "images" | "mse" | "not stated"
        Over images: of the PSNR, or of the squared error. The two do not convert.
    snr_convention : "complex Es/N0" | "power of a real dimension"

    rate_convention : "cbr" | "real symbols" | "channel uses"
        All per source dimension
    points : `list` of [snr, rate, psnr]
        [dB], a number or a fraction as `str`, [dB]
    adaptive : `bool`, (default False)
        Whether the rate follows the SNR
    note : `str`, (default "")
        What a reader has to know

    Raises
    ------
    ValueError
        If a value is none of these, with the value.
    """

    scheme: str
    source: str
    grade: str
    dataset: str
    channel: str
    antennas: int
    average: str
    snr_convention: str
    rate_convention: str
    points: tuple
    adaptive: bool = False
    note: str = ""

    def __post_init__(self):
        for name in ("scheme", "source"):
            if not _is_text(getattr(self, name)) or not getattr(self, name).strip():
                raise ValueError(f"{name} must be a text, got {getattr(self, name)!r}")
        for name, known in (
            ("grade", GRADES),
            ("dataset", tuple(DATASETS)),
            ("channel", _CHANNELS),
            ("average", tuple(AVERAGES)),
            ("snr_convention", tuple(SNR_CONVENTIONS)),
            ("rate_convention", tuple(RATE_CONVENTIONS)),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, got "
                    f"{getattr(self, name)!r}"
                )
        check_integer("antennas", self.antennas, 1)
        if not isinstance(self.adaptive, bool):
            raise ValueError(f"adaptive must be true or false, got {self.adaptive!r}")
        if not _is_text(self.note):
            raise ValueError(f"note must be a text, got {self.note!r}")
        points = self.points
        if not isinstance(points, list | tuple) or not points:
            raise ValueError(f"points must be a list of points, got {points!r}")
        points = tuple(_checked_point(point) for point in points)
        object.__setattr__(self, "points", points)

    def converted(self):
        """(SNR [dB], cbr, PSNR [dB]) of every point, by our definitions; a `list`."""
        to_snr = SNR_CONVENTIONS[self.snr_convention]
        to_cbr = RATE_CONVENTIONS[self.rate_convention]
        return [
            (to_snr(snr_db), float(to_cbr(rate, self.antennas)), psnr_db)
            for snr_db, rate, psnr_db in self.points
        ]

    @property
    def converted_from(self):
        """Conventions that are not ours, `list` of `str`."""
        theirs = []
        if self.snr_convention != "complex Es/N0":
            theirs.append(f"SNR by the {self.snr_convention}")
        if self.rate_convention != "cbr":
            theirs.append(f"{self.rate_convention} per dimension")
        return theirs

    def label(self, dataset, metric):
        """What a legend says.

        Parameters
        ----------
        dataset : `str`
            Of the figure that the curve lies under
        metric : `str`
            Of that figure: ``psnr_db`` or ``psnr_of_mean_mse_db``
        """
        on = DATASETS[self.dataset][0]
        if dataset != self.dataset:
            on += ", not the pictures of this figure"
        about = [self.grade]
        if self.converted_from:
            about.insert(0, "converted from " + " and ".join(self.converted_from))
        if self.adaptive:
            cbr = [rate for _, rate, _ in self.converted()]
            about.append(f"cbr {min(cbr):.3f} to {max(cbr):.3f}")
        if self.average == "not stated":
            about.append("average of PSNR not stated")
        elif AVERAGES[self.average] != metric:
            about.append(
                "PSNR of the mean MSE, which does not convert"
                if self.average == "mse"
                else "mean of the PSNR over images, which does not convert"
            )
        if self.note:
            about.append(self.note)
        return f"{self.scheme} on {on}: {self.source} ({'; '.join(about)})"


def read_published(path=CURVES_FILE):
    """Reads published curves.

    Parameters
    ----------
    path : `Path`, (default the file beside this module)
        TOML with a table ``[[curve]]`` for each, see :class:`PublishedCurve`

    Output
    ------
    : `list` of :class:`PublishedCurve`

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is no such file, or a curve lacks a key, has an unknown one, or a value
        that is not allowed; with the number of the curve.
    """
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    entries = document.pop("curve", None)
    if document or not isinstance(entries, list) or not entries:
        others = ", ".join(document) or "nothing else"
        raise ValueError(f"{path} must hold tables [[curve]] alone, it has {others}")
    return [_curve(entry, f"{path}, curve {k}") for k, entry in enumerate(entries, 1)]


def _curve(entry, where):
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: must be a table, got {entry!r}")
    known = {field.name: field.default is MISSING for field in fields(PublishedCurve)}
    unknown = sorted(set(entry) - set(known))
    missing = sorted(name for name in known if known[name] and name not in entry)
    if unknown:
        raise ValueError(
            f"{where}: unknown key {unknown[0]!r}; there are: {', '.join(known)}"
        )
    if missing:
        raise ValueError(f"{where}: lacks {', '.join(missing)}")
    try:
        return PublishedCurve(**entry)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _checked_point(point):
    if not isinstance(point, list | tuple) or len(point) != 3:
        raise ValueError(f"a point must be [SNR, rate, PSNR], got {point!r}")
    snr_db, rate, psnr_db = point
    check_number("SNR of a point", snr_db, *SNR_RANGE_DB, "dB")
    try:
        exact = Fraction(str(rate))
    except (ValueError, ZeroDivisionError):
        exact = Fraction(0)
    if not 0 < exact <= 2:
        raise ValueError(
            f"rate of a point must be a number or fraction above 0 and up to 2, got "
            f"{rate!r}"
        )
    check_number("PSNR of a point", psnr_db, 0.0, 60.0, "dB")
    return float(snr_db), exact, float(psnr_db)


def _is_text(value):
    return isinstance(value, str)
