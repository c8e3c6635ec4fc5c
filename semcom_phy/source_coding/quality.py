"""Mean PSNR of a source codec under a byte budget: what link adaptation counts on.

The curves are measured on training images, never on those of an evaluation, and
stored in ``quality_curves.json``. To measure them again::

    python -m semcom_phy.source_coding.quality
"""

import argparse
import json
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from semcom_phy.metrics.image import psnr
from semcom_phy.source_coding.errors import BudgetError

CURVES_FILE = Path(__file__).with_name("quality_curves.json")
BUDGETS = tuple(int(b) for b in np.unique(np.geomspace(8, 1600, 40).round()))


class QualityCurve:
    """Mean PSNR against the budget, and the PSNR of an image not received.

    Parameters
    ----------
    bytes_per_pixel : [num_points], `float`
        Budgets [byte per pixel]

    psnr_db : [num_points], `float`
        Mean over the images; one that does not fit counts as an outage [dB]

    share_coded : [num_points], `float`
        Share of the images whose smallest stream fits

    outage_psnr : `float`
        Mean PSNR of the mean colour in the place of an image [dB]
    """

    def __init__(self, bytes_per_pixel, psnr_db, share_coded, outage_psnr):
        self.bytes_per_pixel = np.asarray(bytes_per_pixel, float)
        self.psnr_db = np.asarray(psnr_db, float)
        self.share_coded = np.asarray(share_coded, float)
        self.outage_psnr = float(outage_psnr)

    def __call__(self, bytes_per_pixel):
        """Mean PSNR [dB] at a budget, `None` where hardly an image fits."""
        share = np.interp(bytes_per_pixel, self.bytes_per_pixel, self.share_coded)
        if bytes_per_pixel < self.bytes_per_pixel[0] or share < 0.01:
            return None
        return float(np.interp(bytes_per_pixel, self.bytes_per_pixel, self.psnr_db))


@lru_cache(maxsize=16)
def mean_quality(codec_name, path=CURVES_FILE):
    """The stored curve of a codec.

    Raises
    ------
    ValueError
        If none is stored for the codec.
    """
    stored = json.loads(Path(path).read_text())
    # BPG is HEVC intra in another container: its curve is HEVC's.
    key = "hevc" if codec_name == "bpg" else codec_name
    if key not in stored["curves"]:
        raise ValueError(
            f"no quality curve is stored for codec {codec_name!r}, only for "
            f"{sorted(stored['curves'])}; measure it with "
            "python -m semcom_phy.source_coding.quality"
        )
    curve = stored["curves"][key]
    return QualityCurve(
        stored["bytes_per_pixel"],
        curve["psnr_db"],
        curve["share_coded"],
        stored["outage_psnr"],
    )


def outage_color(path=CURVES_FILE):
    """Mean colour of the training images, [3] `uint8`: shown in an outage."""
    stored = json.loads(Path(path).read_text())
    return np.asarray(stored["mean_color"], np.uint8)


def measure(codec, images, mean_color):
    """Mean PSNR and share of images coded at every budget of ``BUDGETS``."""
    blank = np.broadcast_to(np.asarray(mean_color, np.uint8), images.shape)
    outage = psnr(images, blank)
    quality = np.tile(outage, (len(BUDGETS), 1))
    coded = np.zeros(quality.shape, bool)
    for i, image in enumerate(images):
        points = codec.ladder.curve(image)
        for j, budget in enumerate(BUDGETS):
            fitting = [p for num_bytes, p in points if num_bytes <= budget]
            if fitting:
                quality[j, i], coded[j, i] = max(fitting), True
    return {
        "num_images": len(images),
        "psnr_db": quality.mean(1).round(4).tolist(),
        "share_coded": coded.mean(1).round(4).tolist(),
    }


def main(argv=None):
    """Measures all installed codecs on exact CIFAR-10 training images."""
    from semcom_phy.source_coding import CODECS, MissingCodecError
    from semcom_phy.sources.images import load_cifar10_training_images

    parser = argparse.ArgumentParser(prog="semcom_phy.source_coding.quality")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument("--out", type=Path, default=CURVES_FILE)
    args = parser.parse_args(argv)
    exact, _, _ = load_cifar10_training_images()
    mean_color = np.rint(exact.mean((0, 1, 2))).astype(int)
    images = exact[:: len(exact) // args.images][: args.images]
    blank = np.broadcast_to(mean_color.astype(np.uint8), exact.shape)
    stored = {
        "data": "exact CIFAR-10 training images, 32x32",
        "mean_color": mean_color.tolist(),
        "outage_psnr": round(float(psnr(exact, blank).mean()), 4),
        "bytes_per_pixel": [b / (32 * 32) for b in BUDGETS],
        "curves": {},
    }
    if args.out.is_file():  # codecs measured before stay
        stored["curves"] = json.loads(args.out.read_text())["curves"]
    for name in args.codecs:
        try:
            codec = CODECS[name]((32, 32))
            stored["curves"][name] = measure(codec, images, mean_color)
        except (BudgetError, MissingCodecError) as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        args.out.write_text(json.dumps(stored, indent=1) + "\n")
        print(f"{name}: written to {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
