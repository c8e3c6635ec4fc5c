"""One contestant of the benchmark: steps on request, so that the parent interleaves.

Reads a number of steps per line from standard input, writes the seconds they took.
"""

import json
import sys
import time

from semcom_phy.backend import device

import numpy as np  # isort: skip

from scenarios.command.arguments import Parser
from semcom_phy.simulation.versions import software_versions

WARM_UP_STEPS = 3


def our_step(network, batch_size, precision):
    """A function that makes one step of Adam with clipped gradients on one batch."""
    from dataclasses import replace

    from semcom_phy.backend import train_step_fn

    import keras  # isort: skip
    from keras import ops

    from benchmarks.train_step.swin_codec import SwinDecoder, SwinEncoder
    from link_models.codecs import CODECS, Codec, build_link
    from link_models.links.radio import build_channel
    from scenarios.mimo_2x2 import SCENARIO
    from semcom_phy.layers.precision import set_precision

    codecs = CODECS | {"swin": Codec(SwinEncoder, SwinDecoder)}
    channel = build_channel(replace(SCENARIO, csi="perfect"))
    configs = {
        "adjscc": {"image_shape": (32, 32, 3), "symbol_counts": (512, 768)},
        "swin": {"image_shape": (32, 32, 3), "num_symbols": 768},
    }
    link = build_link(codecs[network], [configs[network]] * 2, channel)
    for codec in (link.encoder, link.decoder):
        set_precision(codec, precision)
    optimizer = keras.optimizers.Adam(1e-3)

    def loss(source, snr_db, h, noise):
        source_hat = link(source, snr_db, h, noise)
        return ops.mean(ops.square(source_hat - source))

    rng = np.random.default_rng(0)
    inputs = [
        rng.random((batch_size, 32, 32, 3), dtype="float32"),
        np.full(batch_size, 10.0, "float32"),
        channel.sample(batch_size),
        channel.draw_noise(range(batch_size)),
    ]
    inputs = [ops.convert_to_tensor(value) for value in inputs]
    variables = link.trainable_variables
    step = train_step_fn(loss, variables, optimizer, clip_norm=1.0)
    size = sum(int(np.prod(v.shape)) for v in variables)
    return lambda: step(*inputs), size


def main(argv=None):
    parser = Parser()
    parser.add_argument("--side", choices=("ours", "plain"), required=True)
    parser.add_argument("--network", choices=("adjscc", "swin"), required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--precision", required=True)
    args = parser.parse_args(argv)
    start = time.perf_counter()
    if args.side == "ours":
        step, size = our_step(args.network, args.batch_size, args.precision)
    else:
        from benchmarks.train_step.plain_torch import training_step

        step, size = training_step(args.network, args.batch_size, args.precision)
    for _ in range(WARM_UP_STEPS):
        loss = float(step())
    about = {
        "parameters": size,
        "start_s": round(time.perf_counter() - start, 1),
        "device": device(),
        "versions": software_versions(),
    }
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        float(step())  # brings back what the others drove out of the caches
        start = time.perf_counter()
        for _ in range(int(line)):
            loss = step()
        float(loss)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
