"""Mean PSNR of a source codec under a byte budget: what link adaptation counts on.

The curves are measured on training images, never on those of an evaluation, and
stored in ``quality_curves.json``: at 32x32 pixels, as a function of bytes per pixel.
Large pictures need fewer of them for the same quality, since neighbouring pixels are
more alike: at 0.0375 byte per pixel HEVC reaches 22.8 dB at 32x32 and 28.8 dB at
192x256. A size may therefore have curves of its own, ``quality_curves_192x256.json``; a
size without any counts on those of 32x32. To measure them again::

    python -m semcom_phy.source_coding.quality
    python -m semcom_phy.source_coding.quality --data camvid --image-size 192 256
"""

import argparse
import json
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from semcom_phy.metrics.image import psnr
from semcom_phy.source_coding.errors import BudgetError

CURVES_FILE = Path(__file__).with_name("quality_curves.json")  # of 32x32 pixels


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


def own_curves_file(image_shape):
    """Where the curves of one size (height, width) belong, there or not."""
    height, width = image_shape
    if (height, width) == (32, 32):
        return CURVES_FILE
    return CURVES_FILE.with_stem(f"{CURVES_FILE.stem}_{height}x{width}")


def curves_file(image_shape=(32, 32)):
    """The file that a size (height, width) counts on: its own, or that of 32x32."""
    own = own_curves_file(image_shape)
    return own if own.is_file() else CURVES_FILE


@lru_cache(maxsize=16)
def mean_quality(codec_name, image_shape=(32, 32)):
    """The stored curve of a codec.

    Parameters
    ----------
    codec_name : `str`
        A key of ``semcom_phy.source_coding.CODECS``

    image_shape : (`int`, `int`), (default (32, 32))
        Height and width of the pictures [pixels]

    Output
    ------
    : :class:`QualityCurve`

    Raises
    ------
    ValueError
        If none is stored for the codec.
    """
    file = curves_file(image_shape)
    stored = json.loads(file.read_text())
    # BPG is HEVC intra in another container: its curve is HEVC's.
    key = "hevc" if codec_name == "bpg" else codec_name
    if key not in stored["curves"]:
        raise ValueError(
            f"no quality curve is stored for codec {codec_name!r} in {file.name}, "
            f"only for {sorted(stored['curves'])}; measure it on {stored['data']} with "
            f"python -m semcom_phy.source_coding.quality --codecs {codec_name}"
        )
    curve = stored["curves"][key]
    return QualityCurve(
        stored["bytes_per_pixel"],
        curve["psnr_db"],
        curve["share_coded"],
        stored["outage_psnr"],
    )


def budgets(num_pixels):
    """Budgets [byte] from 8 to 12.5 bits per pixel, 15 % apart, `tuple` of `int`."""
    low, high = 8, 1600 / 32**2 * num_pixels
    count = 1 + round(39 * np.log(high / low) / np.log(200))  # 40 at 32x32
    return tuple(int(b) for b in np.unique(np.geomspace(low, high, count).round()))


def measure(codec, images, mean_color):
    """Mean PSNR and share of images coded at every budget of :func:`budgets`."""
    blank = np.broadcast_to(np.asarray(mean_color, np.uint8), images.shape)
    sizes = budgets(images.shape[1] * images.shape[2])
    quality = np.tile(psnr(images, blank), (len(sizes), 1))
    coded = np.zeros(quality.shape, bool)
    for i, image in enumerate(images):
        points = codec.ladder.curve(image)
        for j, budget in enumerate(sizes):
            fitting = [p for num_bytes, p in points if num_bytes <= budget]
            if fitting:
                quality[j, i], coded[j, i] = max(fitting), True
    return {
        "num_images": len(images),
        "psnr_db": quality.mean(1).round(4).tolist(),
        "share_coded": coded.mean(1).round(4).tolist(),
    }


def main(argv=None):
    """Measures installed codecs on training images of one size."""
    from semcom_phy.source_coding import CODECS, MissingCodecError

    parser = argparse.ArgumentParser(prog="semcom_phy.source_coding.quality")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=list(CODECS))
    parser.add_argument(
        "--data", default="cifar10", help="cifar10, camvid, a folder or an .npz file"
    )
    parser.add_argument("--image-size", type=int, nargs=2, default=(32, 32))
    parser.add_argument("--out", type=Path, help="default: the file of that size")
    args = parser.parse_args(argv)
    shape = tuple(args.image_size)
    out = args.out or own_curves_file(shape)
    pool, about = _training_images(args.data, shape)
    mean_color = np.rint(pool.mean((0, 1, 2))).astype(int)
    images = pool[:: max(1, len(pool) // args.images)][: args.images]
    blank = np.broadcast_to(mean_color.astype(np.uint8), pool.shape)
    num_pixels = shape[0] * shape[1]
    stored = {
        "data": f"{about}, {shape[0]}x{shape[1]}",
        "mean_color": mean_color.tolist(),
        "outage_psnr": round(float(psnr(pool, blank).mean()), 4),
        "bytes_per_pixel": [b / num_pixels for b in budgets(num_pixels)],
        "curves": {},
    }
    if out.is_file():  # codecs measured before stay
        stored["curves"] = json.loads(out.read_text())["curves"]
    for name in args.codecs:
        try:
            stored["curves"][name] = measure(CODECS[name](shape), images, mean_color)
        except (BudgetError, MissingCodecError) as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        out.write_text(json.dumps(stored, indent=1) + "\n")
        print(f"{name}: written to {out}")
    return 0


def _training_images(data, shape):
    """All training images of a data set at one size, and what they are."""
    from semcom_phy.sources.driving import load_driving_scenes
    from semcom_phy.sources.images import load_cifar10_training_images, load_images

    if data == "cifar10":
        if shape != (32, 32):
            raise ValueError(
                f"image_size is {shape[0]}x{shape[1]}, cifar10 images are 32x32: name "
                "other training images with --data"
            )
        return load_cifar10_training_images()[0], "exact CIFAR-10 training images"
    if data == "camvid":
        scenes = load_driving_scenes("camvid", "train", shape)
        return scenes.images, "CamVid training images"
    images, provenance = load_images(data, size=shape, split="train")
    return images, f"images of {provenance['dataset']}"


if __name__ == "__main__":
    sys.exit(main())
