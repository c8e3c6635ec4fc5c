"""Separate systems on large pictures beside an ideal code, on AWGN.

    python -m benchmarks.separation_large_pictures [--pictures 8] [--draws 4]
        [--codecs hevc ...] [--sizes 321x481 512x768] [--cbr 1/48 ...]
        [--snr 0 1 ...] [--folder DIR] [--out DIR]

Pictures of BSDS500 (val), portrait ones turned, at their size and cut and enlarged
(Lanczos) to 512x768. They are JPEG files, which flatters `jpeg`. For every codec, rate
and SNR: the PSNR with 5G LDPC and link adaptation, and with an ideal code at capacity.
Where the smallest stream fits a scheme of predicted outage below 1 %, no outage above
5 % and at most 3 dB below the ideal code are asked for, on average over the pictures.
Where an image was lost that was likely to arrive, there are 25 times as many draws.

One file per picture, codec, size and rate: give the same command again to go on.
"""

import json
import os
import resource
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.argument_types import count, rate, size
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from link_models.systems.separation.capacity_system import CapacitySystem
from link_models.systems.separation.coder import SeparationCoder
from scenarios.command.arguments import Parser
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import image_seeds
from semcom_phy.source_coding import SOURCE_CODECS, MissingCodecError, shared_codec
from semcom_phy.sources.samples import Samples

SEED = 1
MOST_OUTAGE, MOST_GAP_DB = 0.05, 3.0
MORE = 25  # times as many draws where an image was lost


def load_picture(path, size):
    """A picture as wide as it is told, [H, W, 3] `uint8`, cut to the aspect ratio."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if picture.height > picture.width:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    if (picture.height, picture.width) != size:
        picture = ImageOps.fit(picture, size[::-1], Image.Resampling.LANCZOS)
    return np.asarray(picture)


def measure(picture, number, codec, cbr, snr_points, draws):
    """Figures of picture ``number`` at every SNR, a list of `dict`."""
    shape = picture.shape
    channel = EqualizedOFDMChannel(AWGN(1), Framing(int(cbr * picture.size)))
    color = outage_color("photographs")
    args = codec, channel
    coder = SeparationCoder(*args, all_schemes(), "average", color, shape)
    ldpc = FrameSystem("", "", coder, channel, color)
    samples = Samples(picture[None], None, {})
    ideal = CapacitySystem("", "", *args, "realisation", color, shape)
    h, rows = channel.sample(1), []
    for snr in snr_points:
        start, sent = time.perf_counter(), []
        seeds = image_seeds(SEED, 0, range(draws))
        # Outages are counted finely, in noise of the picture's own.
        seeds += image_seeds(SEED, 1 + number, range((MORE - 1) * draws))
        for draw, seed in enumerate(seeds):
            lost = [transmission.outage[0] for transmission in sent]
            if draw == draws and (not any(lost) or _risk(sent) > 0.5):
                break
            sent.append(ldpc.transmit(samples, snr, h, [seed]))
        seconds = time.perf_counter() - start
        bound = ideal.transmit(samples, snr, h, [SEED])
        extras = {
            name: float(np.nan_to_num(sent[0].figures[name][0], nan=-1))
            for name in ("smallest_stream_bytes", "room_bytes", "predicted_outage")
        }
        rows.append(
            {
                "snr_db": snr,
                "psnr_db": [
                    float(psnr(picture[None], s.delivered.images)[0]) for s in sent
                ],
                "outage": [bool(s.outage[0]) for s in sent],
                "ideal_psnr_db": float(psnr(picture[None], bound.delivered.images)[0]),
                "seconds": seconds,
                **extras,
            }
        )
    return rows


def _risk(sent):
    """Outage that the transmitter reckoned with; 1 where it sends nothing."""
    return sent[0].figures["predicted_outage"][0]


def summarise(parts):
    """Worst figures of pictures at one size, codec and rate, SNR by SNR.

    Output
    ------
    : `dict`
        ``outage``, ``gap_db`` (the worst over the SNRs), ``left_out`` (picture and SNR
        pairs where the smallest stream does not fit, of ``pairs``), ``seconds``
    """
    outage, gap, left_out, pairs = 0.0, -np.inf, 0, 0
    for rows in zip(*(part["rows"] for part in parts), strict=True):
        fits = [row for row in rows if row["smallest_stream_bytes"] < 0]
        pairs, left_out = pairs + len(rows), left_out + len(rows) - len(fits)
        if fits:
            outage = max(outage, np.mean([np.mean(row["outage"]) for row in fits]))
            reached = np.mean([np.mean(row["psnr_db"]) for row in fits])
            gap = max(gap, np.mean([row["ideal_psnr_db"] for row in fits]) - reached)
    seconds = [sum(row["seconds"] for row in part["rows"]) for part in parts]
    return {
        "outage": float(outage),
        "gap_db": float(gap),
        "left_out": left_out,
        "pairs": pairs,
        "seconds": float(np.mean(seconds)),
        "peak_mib": max(part["peak_mib"] for part in parts),
    }


def measured(path, asked, work):
    """The stored figures of a file, or those of ``work()``, stored."""
    if path.is_file():
        stored = json.loads(path.read_text())
        if {key: stored[key] for key in asked} == asked:
            return stored
    stored = {**asked, "rows": work()}
    stored["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    trial = path.with_suffix(".tmp")
    trial.write_text(json.dumps(stored, indent=1) + "\n")
    os.replace(trial, path)
    return stored


def main(argv=None):
    """Prints the table; returns 0 if all that is asked for is met, else 1."""
    data = Path(os.environ.get("SEMCOM_DATA", "../shared/data"))
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=count, default=8)
    parser.add_argument("--draws", type=count, default=4, help="of the noise")
    parser.add_argument(
        "--codecs", nargs="+", choices=SOURCE_CODECS, default=list(SOURCE_CODECS)
    )
    sizes = [(321, 481), (512, 768)]
    parser.add_argument("--sizes", nargs="+", type=size, default=sizes)
    rates = [Fraction(1, values) for values in (48, 24, 16, 8)]
    parser.add_argument("--cbr", nargs="+", type=rate, default=rates)
    parser.add_argument("--snr", nargs="+", type=float, default=list(range(21)))
    parser.add_argument("--folder", type=Path, default=data / "bsds500" / "val")
    parser.add_argument("--out", type=Path, default=Path("results/large_pictures"))
    args = parser.parse_args(argv)
    paths = sorted(args.folder.glob("*.jpg"))[: args.pictures]
    if not paths:
        parser.error(f"{args.folder} holds no .jpg file; name one with --folder")
    args.out.mkdir(parents=True, exist_ok=True)
    print(
        f"{len(paths)} pictures, {args.draws} draws, {len(args.snr)} SNRs from "
        f"{min(args.snr):g} to {max(args.snr):g} dB; worst over the SNRs\n"
        "   size     codec    cbr  outage  gap to ideal  does not fit  s/picture    MiB"
    )
    met = True
    for shape in args.sizes:
        sides = "x".join(map(str, shape))
        for name in args.codecs:
            try:
                codec = shared_codec(name, shape)
            except MissingCodecError as error:
                print(f"{sides:>8} {name:>9}  left out: {error}")
                continue
            parts = {cbr: [] for cbr in args.cbr}
            # All rates of a picture share its streams.
            for number, path in enumerate(paths):
                picture = load_picture(path, codec.image_shape)
                for cbr in args.cbr:
                    stem = f"{sides}_{name}_{str(cbr).replace('/', 'of')}_{path.stem}"
                    asked = {"snr_db": list(map(float, args.snr)), "draws": args.draws}
                    work = partial(
                        measure,
                        picture,
                        number,
                        codec,
                        cbr,
                        args.snr,
                        args.draws,
                    )
                    found = measured(args.out / f"{stem}.json", asked, work)
                    parts[cbr].append(found)
            for cbr, of_rate in parts.items():
                s = summarise(of_rate)
                good = s["outage"] <= MOST_OUTAGE and s["gap_db"] <= MOST_GAP_DB
                met, verdict = met and good, "" if good else "NOT MET"
                print(
                    f"{sides:>8} {name:>9} {str(cbr):>6} {s['outage']:7.1%} "
                    f"{s['gap_db']:10.2f} dB {s['left_out']:8}/{s['pairs']} "
                    f"{s['seconds']:9.1f} {s['peak_mib']:6} {verdict}",
                    flush=True,
                )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
