"""ECA beside its paper, SwinJSCC and separate coding at the same rate, ablations.

    python -m benchmarks.eca_comparison [--images 500] [--draws 10] [--csi perfect]
        [--fade-power random] [--systems ...] [--out DIR]

Exact CIFAR-10 test images, 2x2 block Rayleigh. All systems see the same images, fades
and data noise; SwinJSCC and HEVC are given the mean rate that ECA spent at the SNR.
Two figures of ``eca`` come out of one transmission: with the cut-offs known to the
receiver free of errors and charge, as the paper assumes, and really sent and charged.
The other adaptive systems are shown with free cut-offs. ``--fade-power fixed`` scales
every fade to the power that fades have on average: the paper's eq. 7 read as the SNR of
each realisation.

What was finished is kept in the folder and not computed again.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from keras import ops
from tqdm import tqdm

from link_models.systems import TABLE_1, TABLE_2, build_channel, build_system
from scenarios.adaptive_rate import SCENARIO
from semcom_phy.metrics.image import psnr
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.intervals import clustered_mean
from semcom_phy.simulation.results import software_versions
from semcom_phy.sources.images import load_images

SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
# The paper's tables I and II: mean cr_real, mean PSNR [dB]
PAPER = {
    "eca": (
        (0.2615, 0.2230, 0.2008, 0.1943, 0.1916),
        (23.81, 24.91, 25.41, 25.94, 26.11),
    ),
    "eca_low_free": (
        (0.2008, 0.1746, 0.1614, 0.1544, 0.1490),
        (23.76, 24.68, 25.19, 25.65, 25.66),
    ),
}
BATCH = 100


@dataclass(frozen=True)
class Entry:
    """A system of the comparison, and whose rate it is given."""

    name: str
    matched: str | None = None
    charged: bool = False


ENTRIES = (
    Entry("eca"),
    Entry("eca_low_free"),
    Entry("swinjscc_free", "eca"),
    Entry("swinjscc_low_free", "eca_low_free"),
    Entry("eca_svd_equal"),
    Entry("eca_svd_waterfilling"),
    Entry("eca_no_compensation"),
    Entry("eca_no_csi"),
    Entry("eca_no_entropy"),
    Entry("hevc_ldpc_matched", "eca", True),
    Entry("hevc_half_matched", "eca", True),
)


class Comparison:
    """Transmissions of every system, kept in a folder.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Link

    images : [n, 32, 32, 3], `uint8`
        Test images

    draws : `int`
        Fades per image

    fade_power : "random" | "fixed"
        See above

    folder : `Path`
        Where finished points are kept
    """

    def __init__(self, scenario, images, draws, fade_power, folder):
        self.scenario = scenario
        self.images = images
        self.draws = draws
        self.fade_power = fade_power
        self.folder = folder
        self.channel = build_channel(scenario)
        self.systems = {}
        folder.mkdir(parents=True, exist_ok=True)

    def point(self, entry, snr_db):
        """Figures of every transmission of a system at an SNR, a `dict` of arrays.

        ``image`` (index), ``psnr_free``, ``psnr`` [dB], ``cr_real``, ``charged``,
        ``lost``, ``entropy`` [bit], ``effective`` [dB]
        """
        path = self.folder / f"{entry.name}_{snr_db:g}dB.npz"
        identity = f"{len(self.images)} {self.draws} {self.fade_power} {self.scenario}"
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["identity"]) != identity:
                    raise ValueError(
                        f"{path} is of another comparison: choose another --out"
                    )
                return {k: stored[k] for k in stored.files if k != "identity"}
        rows = self._simulate(entry, snr_db)
        trial = path.with_suffix(".tmp.npz")
        np.savez_compressed(trial, identity=identity, **rows)
        trial.replace(path)
        return rows

    def _simulate(self, entry, snr_db):
        system = self._system(entry, snr_db)
        rows = {}
        for draw in tqdm(
            range(self.draws), f"{entry.name} {snr_db:g} dB", disable=None
        ):
            for start in range(0, len(self.images), BATCH):
                images = self.images[start : start + BATCH]
                index = np.arange(start, start + len(images))
                seeds = image_seeds(1, draw, index)
                h = ops.convert_to_numpy(sample_fades(self.channel, seeds))
                if self.fade_power == "fixed":
                    h = h / np.sqrt(
                        np.mean(np.abs(h) ** 2, (1, 2, 3, 4, 5), keepdims=1)
                    )
                figures = _figures(system, images, snr_db, h, seeds)
                for name, values in figures.items():
                    rows.setdefault(name, []).append(values)
                rows.setdefault("image", []).append(index)
        return {name: np.concatenate(values) for name, values in rows.items()}

    def _system(self, entry, snr_db):
        if entry.name not in self.systems:
            self.systems[entry.name] = build_system(entry.name, self.scenario)
        system = self.systems[entry.name]
        if entry.matched:
            leader = next(e for e in ENTRIES if e.name == entry.matched)
            figures = self.point(leader, snr_db)
            rate = figures["charged" if entry.charged else "cr_real"].mean()
            system.rates = lambda snr: float(rate)
        return system


def _figures(system, images, snr_db, h, seeds):
    """Figures per image of one batch."""
    if hasattr(system, "send"):
        images_hat, lost, extras = system.send(images, snr_db, h, seeds)
        free = psnr(images, images_hat)
        images_hat[lost] = system.outage_color
        return {
            "psnr_free": free,
            "psnr": psnr(images, images_hat),
            "cr_real": extras["cr_real"],
            "charged": extras["cr_real_charged"],
            "lost": lost,
            "entropy": extras["entropy"],
            "effective": extras["effective_snr_db"],
        }
    sent = system.transmit(images, snr_db, h, seeds)
    value = psnr(images, sent.images)
    rate = sent.extras["cr_real"]
    return {
        "psnr_free": value,
        "psnr": value,
        "cr_real": rate,
        "charged": rate,
        "lost": sent.outage,
    }


def difference(one, other, metric):
    """Mean paired difference with its interval."""
    if not np.array_equal(one["image"], other["image"]):
        raise ValueError("the two systems did not see the same images in one order")
    return clustered_mean(one[metric] - other[metric], one["image"])


def rate_statistics(rows):
    """How the rate varies between images and between fades, and with what.

    Output
    ------
    : `dict`
        ``std_images``: standard deviation over images of the mean over fades;
        ``std_fades``: over the fades of an image, root mean square over images;
        correlation of the rate with the mean 2D entropy (over images) and with the
        effective SNR (within images)
    """
    order = np.argsort(rows["image"], kind="stable")
    shape = (len(np.unique(rows["image"])), -1)
    rate, entropy, effective = (
        rows[name][order].reshape(shape) for name in ("cr_real", "entropy", "effective")
    )
    within = rate - rate.mean(1, keepdims=True)
    quality = effective - effective.mean(1, keepdims=True)
    return {
        "std_images": float(rate.mean(1).std()),
        "std_fades": float(np.sqrt(np.mean(within**2))),
        "correlation_entropy": _correlation(rate.mean(1), entropy.mean(1)),
        "correlation_channel": _correlation(within.ravel(), quality.ravel()),
    }


def _correlation(a, b):
    if a.std() < 1e-12 or b.std() < 1e-12:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def summarise(points, snr_db):
    """All figures of the comparison as plain values."""
    summary = {"snr_db": list(snr_db), "systems": {}, "differences": {}}
    for name, rows in points.items():
        columns = {}
        for metric in ("psnr_free", "psnr", "cr_real", "charged", "lost"):
            estimates = [
                clustered_mean(r[metric].astype(float), r["image"]) for r in rows
            ]
            columns[metric] = {
                "mean": [e.mean for e in estimates],
                "ci95": [e.ci95 for e in estimates],
            }
        columns["num_images"] = len(np.unique(rows[0]["image"]))
        columns["num_transmissions"] = len(rows[0]["image"])
        if "entropy" in rows[0]:
            columns["rate"] = [rate_statistics(r) for r in rows]
        summary["systems"][name] = columns
    for one, other, metric in (
        ("eca", "swinjscc_free", "psnr_free"),
        ("eca_low_free", "swinjscc_low_free", "psnr_free"),
        ("eca", "hevc_ldpc_matched", "psnr"),
        ("eca", "hevc_half_matched", "psnr"),
        ("eca_svd_equal", "eca", "psnr_free"),
        ("eca_svd_waterfilling", "eca", "psnr_free"),
        ("eca", "eca_no_compensation", "psnr_free"),
        ("eca", "eca_no_csi", "psnr_free"),
        ("eca", "eca_no_entropy", "psnr_free"),
    ):
        if one in points and other in points:
            gaps = [
                difference(a, b, metric)
                for a, b in zip(points[one], points[other], strict=True)
            ]
            summary["differences"][f"{one} - {other}, {metric}"] = {
                "mean": [g.mean for g in gaps],
                "ci95": [g.ci95 for g in gaps],
            }
    return summary


def show(summary):
    """Prints the tables."""
    snr_db = summary["snr_db"]
    width = max(map(len, summary["systems"])) + 12
    print("\n" + "SNR [dB]".ljust(width) + "".join(f"{s:>16g}" for s in snr_db))
    for name, columns in summary["systems"].items():
        if name in PAPER:
            rate, quality = (dict(zip(SNR_DB, v, strict=True)) for v in PAPER[name])
            _row(f"{name} paper cr", [rate.get(s) for s in snr_db], width, 4)
            _row(f"{name} paper PSNR", [quality.get(s) for s in snr_db], width, 2)
        _row(f"{name} cr", columns["cr_real"]["mean"], width, 4)
        _row(f"{name} PSNR", columns["psnr_free"], width, 2)
        if columns["cr_real"]["mean"] != columns["charged"]["mean"]:
            _row(f"{name} charged", columns["charged"]["mean"], width, 4)
            _row(f"{name} PSNR sent", columns["psnr"], width, 2)
        _row(f"{name} outage", columns["lost"]["mean"], width, 4)
        for key in columns.get("rate", [{}])[0]:
            _row(f"{name} {key}", [r[key] for r in columns["rate"]], width, 3)
        print()
    for name, columns in summary["differences"].items():
        print(name)
        _row("", columns, width, 2)


def _row(label, values, width, digits):
    cells = []
    if isinstance(values, dict):
        for mean, interval in zip(values["mean"], values["ci95"], strict=True):
            half = (interval[1] - interval[0]) / 2 if interval else float("nan")
            cells.append(f"{mean:.{digits}f} +- {half:.{digits}f}")
    else:
        cells = ["-" if v is None else f"{v:.{digits}f}" for v in values]
    print(label.ljust(width) + "".join(f"{cell:>16}" for cell in cells))


def main(argv=None):
    """Runs, prints and writes ``summary.json``; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--csi", default="perfect", help="perfect or estimated")
    parser.add_argument("--fade-power", choices=("random", "fixed"), default="random")
    parser.add_argument("--snr", type=float, nargs="+", default=SNR_DB)
    parser.add_argument("--systems", nargs="+", metavar="X", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("results/eca_comparison"))
    args = parser.parse_args(argv)
    known = {entry.name: entry for entry in ENTRIES}
    try:
        chosen = [known[name] for name in args.systems or known]
        images, provenance = load_images("cifar10", args.images, split="test")
        scenario = replace(SCENARIO, csi=args.csi)
        comparison = Comparison(scenario, images, args.draws, args.fade_power, args.out)
        points = {
            entry.name: [comparison.point(entry, snr) for snr in args.snr]
            for entry in chosen
        }
    except KeyError as error:
        print(f"unknown system {error}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        print(f"eca_comparison: error: {error}", file=sys.stderr)
        return 2
    summary = summarise(points, args.snr)
    summary |= {
        "csi": args.csi,
        "fade_power": args.fade_power,
        "data": provenance,
        "weights": [TABLE_1, TABLE_2],
        "versions": software_versions(),
    }
    (args.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    show(summary)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
