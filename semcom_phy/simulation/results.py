"""One curve, one JSON file: what was simulated, with what, and what came out.

The file holds everything that a figure needs: scenario, system, bandwidth,
definitions, data, versions, and per SNR point mean, 95 % interval, count and
status of every figure of merit, with a few reconstructed images as PNG. It is
rewritten whole after every point and replaced in one step, so that a run that is
killed leaves the points that it finished. There is no time in it: a run that was
killed and started again ends with the same file as one that was not.
"""

import base64
import importlib.metadata
import io
import json
import math
import os
import platform
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_phy.differences import tell_differences
from semcom_phy.simulation.intervals import Estimate

FORMAT = "semcom-phy result 1"
FINISHED = ("done", "target_reached")
METRICS = ("psnr_db", "psnr_of_mean_mse_db", "ssim", "ms_ssim", "outage")
_IDENTITY = ("scenario", "system", "description", "bandwidth", "seed", "sweep")
_PACKAGES = {
    "semcom_phy": ("semcom-phy",),
    "sionna": ("sionna-no-rt", "sionna"),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "torch": ("torch",),
    "keras": ("keras",),
    "numpy": ("numpy",),
    "pillow": ("pillow",),
    "av": ("av",),
}


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
        The names of ``METRICS``
    extras : `dict` of name -> :class:`Estimate` or `None`
        Figures that only some systems have, e.g. bit and block errors
    images : [num_shown, height, width, 3], `uint8`
        The first reconstructions, for the figure
    images_psnr_db : [num_shown], `float`
        Their PSNR [dB]
    images_outage : [num_shown], `bool`
        True where the image shown is an outage
    """

    status: str
    metrics: dict[str, Estimate | None]
    extras: dict[str, Estimate | None] = field(default_factory=dict)
    images: np.ndarray | None = None
    images_psnr_db: tuple[float, ...] = ()
    images_outage: tuple[bool, ...] = ()


class ResultFile:
    """The result file of one curve: created, resumed, or read for a figure.

    Parameters
    ----------
    path : `Path`
        The JSON file
    header : `dict`
        Plain JSON values: ``scenario``, ``system``, ``description``,
        ``bandwidth``, ``seed``, ``sweep``, ``data``, ``definitions``,
        ``versions``, ``original`` (:func:`encode_strip` of the images shown)
    snr_db : sequence of `float`
        SNR points [dB]; points that the file has beside these are kept
    """

    def __init__(self, path, header, snr_db, points=None):
        self.path = Path(path)
        self.header = json.loads(json.dumps(header, allow_nan=False))
        self.points = dict(points or {})
        self.snr_db = sorted({float(snr) for snr in snr_db} | set(self.points))

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
                raise ValueError(f"format {document['format']!r}, not {FORMAT!r}")
            return cls._from_document(path, document)
        except (LookupError, TypeError, ValueError, OSError, SyntaxError) as error:
            raise ResultError(
                f"{path} is not a readable result file ({_one_line(error)}); delete "
                "it, choose another --out, or start over with --restart"
            ) from error

    @classmethod
    def open(cls, path, header, snr_db, restart=False, options=None):
        """Resumes the file where it belongs to the same simulation, or starts it.

        The same simulation: equal scenario, system description, bandwidth, seed,
        sweep settings, image data and groups of images. Other versions of the
        software are no obstacle; they are noted in the file under ``resumed_with``.

        Parameters
        ----------
        restart : `bool`, (default False)
            Forget what the file holds
        options : `dict` of `str` -> `str`, optional
            Name of a value -> the option that sets it, for the message

        Raises
        ------
        ResultError
            If the file belongs to another simulation or cannot be read.
        OSError
            If it cannot be written.
        """
        fresh = cls(path, header, snr_db)
        if restart or not fresh.path.exists():
            fresh.write()
            return fresh
        old = cls.read(path)
        changed = tell_differences(old._identity(), fresh._identity(), options)
        if changed:
            raise ResultError(
                f"{path} holds another simulation: {changed}; give the same again, "
                "choose another --out, or start over with --restart"
            )
        resumed = cls(path, old.header, snr_db, old.points)
        known = [old.header["versions"], *old.header.get("resumed_with", [])]
        if resumed.unfinished(snr_db) and fresh.header["versions"] not in known:
            resumed.header["resumed_with"] = [*known[1:], fresh.header["versions"]]
        resumed.write()
        return resumed

    def unfinished(self, snr_db=None):
        """The SNR points [dB] of a list (default: all) still to be simulated."""
        asked = self.snr_db if snr_db is None else [float(snr) for snr in snr_db]
        return [snr for snr in asked if snr not in self.points]

    def record(self, snr_db, point):
        """Takes in one finished point and writes the file."""
        self.points[float(snr_db)] = point
        self.write()

    def write(self):
        """Replaces the file in one step; a reader never sees half of it."""
        text = _layout(self._to_document()) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)

    def estimate(self, metric, snr_db):
        """The :class:`Estimate` of a figure of merit at an SNR, `None` if not run."""
        point = self.points.get(float(snr_db))
        if point is None:
            return None
        return point.metrics.get(metric) or point.extras.get(metric)

    @property
    def title(self):
        """The system's name in figures and tables."""
        return self.header["description"].get("title", self.header["system"])

    @property
    def original(self):
        """The images that were sent, as far as shown, `uint8` [k, h, w, 3]."""
        return decode_strip(self.header["original"])

    def _identity(self):
        identity = {key: self.header[key] for key in _IDENTITY}
        data = self.header["data"]
        identity["data sha256"] = data["sha256"]
        if "groups" in data:  # intervals of one kind in a file
            identity["data groups"] = data["groups"]
        return identity

    def _to_document(self):
        points = [self.points.get(snr) for snr in self.snr_db]
        header = {k: v for k, v in self.header.items() if k != "original"}
        extras = sorted({name for p in points if p for name in p.extras})
        return {
            "format": FORMAT,
            **header,
            "snr_db": self.snr_db,
            **{name: _column(points, "metrics", name) for name in METRICS},
            "extras": {name: _column(points, "extras", name) for name in extras},
            "reconstructions": {
                "original": self.header["original"],
                "psnr_db": [p and _rounded(p.images_psnr_db) for p in points],
                "outage": [p and [bool(o) for o in p.images_outage] for p in points],
                "images": [p and encode_strip(p.images) for p in points],
            },
        }

    @classmethod
    def _from_document(cls, path, document):
        snr_db = [float(snr) for snr in document["snr_db"]]
        shown = document["reconstructions"]
        points = {}
        for i, snr in enumerate(snr_db):
            status = document["psnr_db"]["status"][i]
            if status not in FINISHED:
                continue
            points[snr] = Point(
                status,
                {name: _entry(document[name], i) for name in METRICS},
                {name: _entry(col, i) for name, col in document["extras"].items()},
                decode_strip(shown["images"][i]),
                tuple(shown["psnr_db"][i]),
                tuple(shown["outage"][i]),
            )
        header = {
            key: value
            for key, value in document.items()
            if key not in ("format", "snr_db", "extras", "reconstructions", *METRICS)
        }
        missing = {*_IDENTITY, "data", "versions", "definitions"} - set(header)
        if missing:
            raise ValueError(f"no entry {sorted(missing)[0]!r}")
        header["original"] = shown["original"]
        return cls(path, header, snr_db, points)


def software_versions():
    """Versions of Python and the packages, and the git commit of a checkout.

    Output
    ------
    : `dict` of name -> `str`
        Without the packages that are not installed; ``commit`` only for a
        checkout, with ``-dirty`` where tracked files were changed
    """
    versions = {"python": platform.python_version()}
    for name, distributions in _PACKAGES.items():
        for distribution in distributions:
            try:
                versions[name] = importlib.metadata.version(distribution)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        try:
            versions["commit"] = subprocess.run(
                ["git", "describe", "--always", "--dirty", "--abbrev=12"],
                cwd=root,
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            versions["commit"] = "unknown"
    return versions


def encode_strip(images):
    """`uint8` [k, h, w, 3] side by side as one lossless PNG in base64.

    ``h`` is told by the PNG; images are square, so that ``k`` is too.
    """
    strip = np.concatenate(list(images), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_strip(text):
    """The images of :func:`encode_strip`."""
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
    return np.stack(np.split(strip, strip.shape[1] // strip.shape[0], axis=1))


def _column(points, group, name):
    """One figure of merit over all points; `None` wherever it was not run."""
    entries = [getattr(p, group).get(name) if p else None for p in points]
    return {
        "mean": [e and _rounded(e.mean) for e in entries],
        "ci95": [e and e.ci95 and _rounded(e.ci95) for e in entries],
        "num_images": [e and e.num_images for e in entries],
        "num_transmissions": [e and e.num_transmissions for e in entries],
        "status": [p.status if p else "not_run" for p in points],
    }


def _entry(column, i):
    if column["mean"][i] is None:
        return None
    interval = column["ci95"][i]
    return Estimate(
        float(column["mean"][i]),
        None if interval is None else (float(interval[0]), float(interval[1])),
        int(column["num_images"][i]),
        int(column["num_transmissions"][i]),
    )


def _rounded(value):
    """Eight significant digits, so that reading and writing change nothing."""
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_rounded(v) for v in value]
    if not math.isfinite(value):
        raise ValueError(f"a result must be finite, got {value}")
    return float(f"{value:.8g}")


def _layout(value, indent=0, width=100):
    """JSON with one line per entry that fits, for people to read."""
    line = json.dumps(value, allow_nan=False)
    if len(line) <= width - indent or not value or not isinstance(value, (dict, list)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [
            f"{pad}{json.dumps(k)}: {_layout(v, indent + 1)}" for k, v in value.items()
        ]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [pad + _layout(v, indent + 1) for v in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"


def _one_line(error):
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"
