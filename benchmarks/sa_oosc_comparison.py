"""SA-OOSC beside OOSC, NTSCC, DeepJSCC and separate coding at the same rate.

    python -m benchmarks.sa_oosc_comparison [--images 233] [--draws 1]
        [--parts rate snr fading labels entropy] [--snr 0 10 20] [--out DIR]

CamVid's test split, importance by the driving rule, side information included in the
rate unless a system is marked free. Intervals (95 %) are by bootstrap over segments of
ten consecutive frames. What was finished is kept in the folder and not computed again.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from keras import ops
from tqdm import tqdm

from link_models.scene_levels import SceneLevels
from link_models.systems import build_channel, build_system
from link_models.train_student import load_student, recall_by_level
from scenarios import driving_scene, driving_scene_2x2
from semcom_phy.channel_coding.mcs import Mcs
from semcom_phy.channel_coding.protected_message import naive_symbols
from semcom_phy.knowledge_base.importance import LEVELS
from semcom_phy.layers.rate_allocation import LENGTHS
from semcom_phy.metrics.importance import PARTS
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.bootstrap import bootstrap_interval
from semcom_phy.simulation.results import software_versions
from semcom_phy.simulation.segments import drive_segments
from semcom_phy.source_coding.feature_coder import encode_latents, encode_side

SYSTEMS = ("sa_oosc", "oosc", "ntscc", "deepjscc_patches", "hevc_ldpc")
FREE = ("sa_oosc_free", "oosc_free", "ntscc_free")
LABELS = ("sa_oosc", "sa_oosc_student", "sa_oosc_unaided")
CBRS = ("1/48", "1/32", "1/24")
SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
BATCH = 40


class Comparison:
    """Transmissions of every system, kept in a folder.

    Parameters
    ----------
    num_images : `int`
        Test images, equally spaced in the split

    draws : `int`
        Channel draws per image

    folder : `Path`
        Where finished points are kept

    snr_db : sequence of `float`
        SNRs of the parts that sweep it [dB]
    """

    def __init__(self, num_images, draws, folder, snr_db=SNR_DB):
        self.snr_db = snr_db
        size = driving_scene.SCENARIO.image_shape[:2]
        self.levels = SceneLevels("camvid", "test", size)
        scenes = self.levels.scenes
        number = min(num_images, len(scenes))
        spaced = np.linspace(0, len(scenes) - 1, number).round().astype(int)
        self.scenes = scenes.take(spaced)
        self.draws = draws
        self.folder = folder
        self.groups = drive_segments(self.scenes.names)
        folder.mkdir(parents=True, exist_ok=True)

    def point(self, name, scenario, snr_db):
        """Figures of every transmission of a system, a `dict` of [draws * images]."""
        cbr = str(scenario.cbr).replace("/", "_")
        file = f"{scenario.name}_{scenario.csi}_{cbr}_{name}_{snr_db:g}dB.npz"
        path = self.folder / file
        identity = f"{len(self.scenes)} {self.draws} {scenario}"
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["identity"]) != identity:
                    raise ValueError(
                        f"{path} is of another comparison: choose another --out"
                    )
                return {k: stored[k] for k in stored.files if k != "identity"}
        rows = self._simulate(name, scenario, snr_db)
        trial = path.with_suffix(".tmp.npz")
        np.savez_compressed(trial, identity=identity, **rows)
        trial.replace(path)
        return rows

    def _simulate(self, name, scenario, snr_db):
        system, channel = build_system(name, scenario), build_channel(scenario)
        images, rows = self.scenes.images, {}
        starts = range(0, len(images), BATCH)
        for draw in range(self.draws):
            for start in tqdm(starts, f"{name} {snr_db:g} dB", disable=None):
                # The last batch is filled up: another size would be compiled anew.
                index = np.arange(start, start + BATCH) % len(images)
                kept = min(BATCH, len(images) - start)
                seeds = image_seeds(1, draw, index)
                h = ops.convert_to_numpy(sample_fades(channel, seeds))
                sent = system.transmit(images[index], snr_db, h, seeds)
                values = {**sent.extras, "outage": sent.outage}
                for key, value in values.items():
                    value = np.asarray(value, float)[:kept]
                    rows.setdefault(key, []).append(value)
        return {key: np.concatenate(value) for key, value in rows.items()}

    def interval(self, values):
        """Mean, low, high by bootstrap; values of all draws, image by image."""
        groups = self.groups * (len(values) // len(self.groups))
        return bootstrap_interval(values, groups)

    def table(self, names, scenario, snr_db):
        """Prints and returns means and intervals of systems at one point."""
        found = {}
        for name in names:
            rows = self.point(name, scenario, snr_db)
            keys = [f"psnr_{part}" for part in PARTS]
            keys += ["outage"]
            keys += [k for k in ("cbr_total", "side_share", "side_bits") if k in rows]
            found[name] = {key: self.interval(rows[key]) for key in keys}
            mse = self.interval_of_mse(rows["mse_non_background"])
            found[name]["psnr_of_mean_mse_non_background"] = mse
        print(
            f"\n{scenario.name}, cbr {scenario.cbr}, {snr_db:g} dB, CSI "
            f"{scenario.csi}: PSNR [dB]"
        )
        print(
            "system".ljust(20) + "".join(p[:12].rjust(18) for p in PARTS) + "  outage"
        )
        for name, values in found.items():
            cells = [_text(values[f"psnr_{part}"]).rjust(18) for part in PARTS]
            extra = "".join(
                f"  {key} {values[key].mean:.4g}"
                for key in ("cbr_total", "side_share", "side_bits")
                if key in values
            )
            outage = f"{100 * values['outage'].mean:6.1f} %"
            print(name.ljust(20) + "".join(cells) + outage + extra)
        return found

    def interval_of_mse(self, values):
        """PSNR of the mean squared error, by bootstrap."""
        groups = self.groups * (len(values) // len(self.groups))
        return bootstrap_interval(values, groups, statistic="psnr_of_mean_mse")

    def differences(self, scenario, snr_db, pairs):
        """Prints and returns paired differences [dB]."""
        found = {}
        for one, other, part in pairs:
            a, b = (self.point(n, scenario, snr_db) for n in (one, other))
            difference = self.interval(a[f"psnr_{part}"] - b[f"psnr_{part}"])
            found[f"{one} - {other}, {part}"] = difference
            print(f"{one} - {other}, {part}: {_text(difference)} dB")
        return found


def compare_at_rates(comparison):
    """The table of the paper's Fig. 5 at several rates, and what the lengths cost."""
    found = {}
    for cbr in CBRS:
        scenario = replace(driving_scene.SCENARIO, cbr=cbr)
        found[cbr] = comparison.table((*SYSTEMS, *FREE), scenario, 10.0)
        pairs = [
            ("sa_oosc", other, part)
            for other in ("ntscc", "deepjscc_patches", "oosc", "hevc_ldpc")
            for part in ("non_background", "high", "background")
        ]
        pairs += [(n.removesuffix("_free"), n, "non_background") for n in FREE]
        found[f"{cbr} differences"] = comparison.differences(scenario, 10.0, pairs)
    patches = np.prod(comparison.levels(comparison.scenes.images[:1]).shape)
    bits = (len(LENGTHS) - 1).bit_length()
    naive = naive_symbols(int(patches), bits, Mcs(2, 1 / 3))
    print(f"\nuncoded lengths padded to one LDPC word: {naive} symbols an image")
    shares = comparison.levels(comparison.scenes.images)
    shares = [float((shares == n).mean()) for n in range(len(LEVELS))]
    print(
        "patches: "
        + ", ".join(f"{n} {s:.3f}" for n, s in zip(LEVELS, shares, strict=True))
    )
    return found | {"naive_symbols": naive, "shares": shares}


def compare_at_snrs(comparison):
    """Against SNR over AWGN, trained at 10 dB."""
    scenario = driving_scene.SCENARIO
    return {s: comparison.table(SYSTEMS, scenario, s) for s in comparison.snr_db}


def compare_over_fading(comparison):
    """2x2 block Rayleigh, LS estimation, L-MMSE detection."""
    scenario = driving_scene_2x2.SCENARIO
    found = {s: comparison.table(SYSTEMS, scenario, s) for s in comparison.snr_db}
    pairs = [("sa_oosc", n, "non_background") for n in SYSTEMS[1:]]
    found["differences"] = comparison.differences(scenario, 10.0, pairs)
    return found


def compare_labels(comparison):
    """Labels at the transmitter: the annotator's, the student's, none."""
    scenario = driving_scene.SCENARIO
    found = comparison.table(LABELS, scenario, 10.0)
    pairs = [("sa_oosc", n, "non_background") for n in LABELS[1:]]
    pairs += [("sa_oosc", n, "high") for n in LABELS[1:]]
    found |= comparison.differences(scenario, 10.0, pairs)
    images = comparison.scenes.images
    recall = recall_by_level(comparison.levels(images), load_student().levels(images))
    print(
        "student's recall: "
        + ", ".join(
            f"{name} {value:.3f}" for name, value in zip(LEVELS, recall, strict=True)
        )
    )
    return found | {"recall": dict(zip(LEVELS, recall, strict=True))}


def compare_entropy(comparison, label="ntscc"):
    """Estimated bits of the entropy model against those of the range coder."""
    scenario = driving_scene.SCENARIO
    system = build_system(f"{label}_free", scenario).system
    codec, estimated, coded = system.codec, np.zeros(2), np.zeros(2)
    for start in range(0, min(len(comparison.scenes), 2 * BATCH), BATCH):
        images = comparison.scenes.images[start : start + BATCH]
        source = ops.convert_to_tensor(images.astype("float32") / 255)
        budget = ops.full((len(images),), float(scenario.num_symbols))
        found = codec.encode(source, budget)
        side = ops.round(found.side)
        mean, log_scale, _ = codec.distribution_of(side)
        per_step = codec.per_step(found.log_step)
        values = ops.round((found.latents - mean) * per_step)
        scale = ops.exp(log_scale) * per_step
        bits = codec.bits(mean + values / per_step, mean, log_scale, found.log_step)
        estimated += [_total(codec.prior(side)), _total(bits)]
        flat = ops.convert_to_numpy(side).reshape(-1, side.shape[-1]).astype(int)
        coded[0] += 8 * len(encode_side(flat, codec.prior))
        flat = [ops.convert_to_numpy(v).ravel() for v in (values, scale)]
        coded[1] += 8 * len(encode_latents(flat[0].astype(int), flat[1]))
    for name, one, other in zip(("side", "latents"), estimated, coded, strict=True):
        print(
            f"entropy model of {label}, {name}: estimated {one:.0f} bits, coded "
            f"{other:.0f} ({100 * (other / one - 1):+.2f} %)"
        )
    return {"estimated": estimated.tolist(), "coded": coded.tolist()}


def _total(bits):
    return float(np.sum(ops.convert_to_numpy(bits), dtype="float64"))


PARTS_OF_RUN = {
    "rate": compare_at_rates,
    "snr": compare_at_snrs,
    "fading": compare_over_fading,
    "labels": compare_labels,
    "entropy": compare_entropy,
}


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=233)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--snr", type=float, nargs="+", default=SNR_DB)
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS_OF_RUN, default=list(PARTS_OF_RUN)
    )
    parser.add_argument("--out", type=Path, default=Path("results/sa_oosc_comparison"))
    args = parser.parse_args(argv)
    try:
        comparison = Comparison(args.images, args.draws, args.out, args.snr)
        for part in args.parts:
            found = PARTS_OF_RUN[part](comparison)
            about = {"images": len(comparison.scenes), "draws": args.draws, "seed": 1}
            about |= {"groups": len(set(comparison.groups)), "found": found}
            about["versions"] = software_versions()
            path = args.out / f"{part}.json"
            path.write_text(json.dumps(about, indent=1, default=float) + "\n")
            print(f"wrote {path}")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _text(estimate):
    half = (estimate.high - estimate.low) / 2
    return f"{estimate.mean:.2f} +-{half:.2f}"


if __name__ == "__main__":
    sys.exit(main())
