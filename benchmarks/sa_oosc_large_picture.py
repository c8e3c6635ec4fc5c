"""One large picture with SA-OOSC's lengths over the link: symbols, time, memory.

    python -m benchmarks.sa_oosc_large_picture [--size 1024 2048] [--image FILE]
        [--cbr 1/48]
        [--snr 10] [--out DIR]

The shipped weights, made for 192x256, at another size; no labels at the transmitter.
The lengths of 8,192 patches are coded, sent in segments and charged. Without a file the
picture is a photograph of scikit-image (astronaut), its upper half enlarged. AWGN, one
antenna. The second transmission shows the time without compilation.
"""

import json
import resource
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from link_models.codecs import build_link, find_codec, trained_range
from link_models.systems.frame_system import FrameSystem
from link_models.systems.outage import outage_color
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.side_information import MessageSide
from link_models.systems.transmitter import Transmitter
from link_models.weights import store
from scenarios.command.arguments import Parser
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.samples import Samples

LABEL = "sa_oosc_192x256"
SEED = 1


def build(shape, cbr):
    """SA-OOSC with the shipped weights for pictures of a shape."""
    record = store.read_record(LABEL)
    configs = [
        record["config"][half] | {"image_shape": shape}
        for half in ("encoder", "decoder")
    ]
    framing = Framing(int(cbr * int(np.prod(shape))))
    channel = EqualizedOFDMChannel(AWGN(1), framing)
    codec = find_codec(record["config"]["codec"])
    link = build_link(codec, configs, channel, snr_range=trained_range(record))
    store.load(link, LABEL)
    for half in (link.encoder, link.decoder):
        half.use_record(record)
    side = MessageSide(link.encoder.side_bytes, room=False)
    coder = SemanticCoder(link, Transmitter(channel), side)
    return FrameSystem("large", "SA-OOSC", coder, channel, outage_color("camvid"))


def picture(size, file=None):
    """A picture of a size, [1, height, width, 3] `uint8`."""
    height, width = size
    if file is None:
        image = Image.fromarray(data.astronaut()[:256])
    else:
        with Image.open(file) as opened:
            image = opened.convert("RGB")
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))[None]


def measure(system, image, snr_db):
    """What a transmission costs and gives, a `dict`."""
    seconds, samples = [], Samples(image, None, {})
    for _ in range(2):
        set_seed(SEED)
        start = time.perf_counter()
        sent = system.transmit(samples, snr_db, system.channel.sample(1), [SEED])
        seconds.append(round(time.perf_counter() - start, 2))
    dimensions = image[0].size
    data, side = (float(values[0]) for values in sent.spent)
    return {
        "patches": int(np.prod(system.coder.codec.grid)),
        "side_bytes": round(sent.figures["side_bits"][0] / 8),
        "side_symbols": round(side),
        "data_symbols": round(data),
        "frame_symbols": system.channel.framing.num_symbols,
        "side_share": round(side / (data + side), 4),
        "cbr_total": round((data + side) / dimensions, 6),
        "outage": bool(sent.outage[0]),
        "psnr_db": round(float(psnr(image, sent.delivered.images)[0]), 2),
        "seconds": seconds,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main(argv=None):
    """Command line; returns the exit code."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 2048))
    parser.add_argument("--image", type=Path)
    parser.add_argument("--cbr", type=Fraction, default=Fraction(1, 48))
    parser.add_argument("--snr", type=float, default=10.0)
    parser.add_argument("--out", type=Path, default=Path("results/large_picture"))
    args = parser.parse_args(argv)
    try:
        image = picture(args.size, args.image)
        found = measure(build(image.shape[1:], args.cbr), image, args.snr)
        for name, value in found.items():
            print(f"{name.replace('_', ' ')}: {value}")
        args.out.mkdir(parents=True, exist_ok=True)
        about = {"size": list(args.size), "cbr": str(args.cbr), "snr_db": args.snr}
        about |= {"found": found, "versions": software_versions()}
        path = args.out / "large_picture.json"
        path.write_text(json.dumps(about, indent=1) + "\n")
        print(f"wrote {path}")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
