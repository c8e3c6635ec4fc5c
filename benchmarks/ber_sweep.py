"""The same BLER curve from our chain and from a plain script of Sionna blocks.

    python -m benchmarks.ber_sweep [--snr 8 11 14 17 20] [--errors 100] [--seed 1]

2x2 OFDM (72 subcarriers, 14 symbols, 2 of them pilots), block Rayleigh fading,
perfect CSI, L-MMSE, 16-QAM, 5G LDPC of rate 1/2 with 20 iterations; one code word
fills the data resource elements of both streams. Each point runs until the same
number of block errors.

* plain: Sionna blocks in one function, run by `sim_ber(graph_mode="xla")` at the
  batch size that proves fastest, and by eager `sim_ber` beside it;
* ours: the bit sweep of the scenarios (`link_models/links/bit_link.py`), a process
  per core.

Times leave out start-up and compilation on both sides (they are printed apart), which
of ours is everything up to the end of a first point at -10 dB.
"""

import contextlib
import io
import json
import os
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from scenarios.command.arguments import Parser

CODE_RATE = 0.5
MODULATION_ORDER = 4
NUM_ANT = 2
NUM_ITER = 20
BATCH_SIZES = (32, 128, 512)
OUR_BATCH = 128
MAX_BATCHES = 10_000
WARM_UP_DB = -10.0  # nearly all blocks are wrong: one batch


class PlainChain:
    """The link written with Sionna blocks alone, as a script for `sim_ber` would be."""

    def __init__(self):
        from sionna.phy.channel import OFDMChannel, RayleighBlockFading
        from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
        from sionna.phy.mapping import BinarySource, Demapper, Mapper
        from sionna.phy.mimo import StreamManagement
        from sionna.phy.ofdm import LMMSEEqualizer, ResourceGrid, ResourceGridMapper

        self.grid = ResourceGrid(
            num_ofdm_symbols=14,
            fft_size=72,
            subcarrier_spacing=30e3,
            num_tx=1,
            num_streams_per_tx=NUM_ANT,
            pilot_pattern="kronecker",
            pilot_ofdm_symbol_indices=[2, 11],
        )
        self.num_data = int(self.grid.num_data_symbols)
        self.n = NUM_ANT * self.num_data * MODULATION_ORDER
        self.k = int(self.n * CODE_RATE)
        self.source = BinarySource()
        self.encoder = LDPC5GEncoder(self.k, self.n, MODULATION_ORDER)
        self.mapper = Mapper("qam", MODULATION_ORDER)
        self.grid_mapper = ResourceGridMapper(self.grid)
        fading = RayleighBlockFading(1, NUM_ANT, 1, NUM_ANT)
        self.channel = OFDMChannel(fading, self.grid, return_channel=True)
        streams = StreamManagement(np.array([[1]]), NUM_ANT)
        self.equalizer = LMMSEEqualizer(self.grid, streams)
        self.demapper = Demapper("app", "qam", MODULATION_ORDER)
        self.decoder = LDPC5GDecoder(self.encoder, num_iter=NUM_ITER)

    def __call__(self, batch_size, ebno_db):
        """Sent and decided bits [batch_size, k]; ``ebno_db`` holds the SNR [dB]."""
        from keras import ops

        no = NUM_ANT * 10.0 ** (-ebno_db / 10.0)
        bits = self.source([batch_size, self.k])
        symbols = self.mapper(self.encoder(bits))
        symbols = ops.reshape(symbols, (-1, 1, self.num_data, NUM_ANT))
        x = self.grid_mapper(ops.transpose(symbols, (0, 1, 3, 2)))
        y, h = self.channel(x, no)
        x_hat, no_eff = self.equalizer(y, h, ops.cast(0.0, "float32"), no)
        x_hat, no_eff = (
            ops.reshape(
                ops.transpose(a, (0, 1, 3, 2)), (-1, self.n // MODULATION_ORDER)
            )
            for a in (x_hat, no_eff)
        )
        return bits, self.decoder(self.demapper(x_hat, no_eff))


def run_plain(chain, snr_db, batch_size, num_errors, graph_mode, max_batches):
    """One `sim_ber` call; (seconds, block errors, blocks) for every SNR."""
    from sionna.phy.utils import sim_ber

    counts = {}

    def callback(mc_iter, index, snr, bit_errors, block_errors, num_bits, num_blocks):
        i = int(index)
        seconds = time.perf_counter()
        counts[i] = seconds, int(block_errors[i]), int(num_blocks[i])
        return sim_ber.CALLBACK_CONTINUE

    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        sim_ber(
            chain,
            np.asarray(snr_db, np.float32),
            batch_size=batch_size,
            max_mc_iter=max_batches,
            num_target_block_errors=num_errors,
            graph_mode=graph_mode,
            early_stop=False,
            callback=callback,
        )
    seconds = np.diff([start] + [counts[i][0] for i in range(len(snr_db))])
    return [(s, *counts[i][1:]) for i, s in enumerate(seconds)]


def our_link():
    """Builder of the same link from the parts of this project."""
    from link_models.links.bit_link import BitLinkBuilder, Coded
    from scenarios.mimo_2x2 import SCENARIO
    from semcom_phy.channel_coding.mcs import Mcs

    full_slot = Fraction(1728, 32 * 32 * 3)  # both streams of 864 resource elements
    scenario = replace(SCENARIO, csi="perfect", cbr=full_slot)
    return BitLinkBuilder(Coded(Mcs(MODULATION_ORDER, CODE_RATE)), scenario)


def run_ours(engine, snr_db, num_errors, seed):
    """(seconds, block errors, blocks) for every SNR, and the seconds of the start."""
    from semcom_phy.simulation.bits.sweep import BitSettings, measure_points

    build, most = our_link(), MAX_BATCHES * OUR_BATCH
    settings = BitSettings(seed, num_errors, most, OUR_BATCH)
    tasks = [(build, float(snr)) for snr in (WARM_UP_DB, *snr_db)]
    results, before = {}, time.perf_counter()
    for (_, snr), point in measure_points(tasks, settings, engine):
        now = time.perf_counter()
        count = point.bler.count
        results[snr] = now - before, count.num_errors, count.num_trials
        before = now
    return [results[float(snr)] for snr in snr_db], results[WARM_UP_DB][0]


def _say(stage):
    print(f"{stage} ...", file=sys.stderr, flush=True)


def best_batch_size(chain, snr_db):
    """Batch size with the most blocks per second under XLA, and all the rates."""
    rates = {}
    for size in BATCH_SIZES:
        run_plain(chain, [snr_db], size, None, "xla", 1)  # compiles
        batches = max(2, 512 // size)
        ((seconds, _, blocks),) = run_plain(chain, [snr_db], size, None, "xla", batches)
        rates[size] = blocks / seconds
    return max(rates, key=rates.__getitem__), rates


def main(argv=None):
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--snr", type=float, nargs="+", default=[8, 11, 14, 17, 20])
    parser.add_argument("--errors", type=int, default=100, help="block errors per SNR")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    for name in ("errors", "workers"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} must be at least 1: {getattr(args, name)}")

    import semcom_phy.backend  # noqa: F401  (before Sionna: silences its start-up)
    from semcom_phy.metrics.link import ErrorCount
    from semcom_phy.seeding import set_seed
    from semcom_phy.simulation.engines import ProcessEngine

    # Ours first, and its workers end before Sionna's threads need the cores.
    _say(f"ours, {args.workers} worker(s)")
    engine = ProcessEngine(args.workers)
    ours, start_up = run_ours(engine, args.snr, args.errors, args.seed)

    _say("sim_ber xla: choice of the batch size")
    set_seed(args.seed)
    chain = PlainChain()
    start = time.perf_counter()
    size, rates = best_batch_size(chain, args.snr[-1])
    tuning = time.perf_counter() - start
    _say(f"sim_ber xla, batch size {size}")
    xla = run_plain(chain, args.snr, size, args.errors, "xla", MAX_BATCHES)
    _say(f"sim_ber eager, batch size {size}")
    eager = run_plain(chain, args.snr, size, args.errors, None, MAX_BATCHES)

    print(
        f"2x2 OFDM, block Rayleigh, perfect CSI, 16-QAM r=1/2, k={chain.k}, "
        f"n={chain.n}, {NUM_ITER} iterations, seed {args.seed}\n"
        f"Until {args.errors} block errors per point; blocks/s of XLA by batch size: "
        + ", ".join(f"{s}: {r:.0f}" for s, r in rates.items())
    )
    runs = {"ours": ours, "sim_ber xla": xla, "sim_ber eager": eager}
    print(f"{'SNR':>7}" + "".join(f"{name:>36}" for name in runs))
    print(" " * 7 + f"{'BLER':>10} {'95 % interval':>17} {'time':>7}" * 3)
    points = []
    agree = True
    for i, snr in enumerate(args.snr):
        line, point = f"{snr:4g} dB", {"snr_db": snr}
        for name, run in runs.items():
            seconds, errors, blocks = run[i]
            count = ErrorCount(errors, blocks)
            low, high = count.interval()
            line += f"{count.rate:10.4f} {f'[{low:.4f}, {high:.4f}]':>17} "
            line += f"{seconds:5.1f} s"
            point[name] = {
                "bler": count.rate,
                "ci95": [low, high],
                "num_errors": errors,
                "num_blocks": blocks,
                "seconds": seconds,
            }
        ends = [point[name]["ci95"] for name in runs]
        agree &= max(e[0] for e in ends) <= min(e[1] for e in ends)
        points.append(point)
        print(line)
    total = {name: sum(p[0] for p in run) for name, run in runs.items()}
    speed = {name: sum(p[2] for p in run) / total[name] for name, run in runs.items()}
    print("Sum of times: " + ", ".join(f"{n} {t:.1f} s" for n, t in total.items()))
    print("Blocks per s: " + ", ".join(f"{n} {r:.0f}" for n, r in speed.items()))
    print(
        f"Left out: start-up of {args.workers} worker(s) with imports and compilation "
        f"{start_up:.1f} s; choice of the batch size with compilation {tuning:.1f} s"
    )
    ratio = total["sim_ber xla"] / total["ours"]
    print(
        f"Ours is {ratio:.2f} times faster than sim_ber xla and "
        f"{total['sim_ber eager'] / total['ours']:.2f} times faster than eager "
        f"sim_ber; the intervals {'agree' if agree else 'DO NOT AGREE'}"
    )
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "ber_sweep.json"
    result = {
        "seed": args.seed,
        "workers": args.workers,
        "batch_size_xla": size,
        "seconds": total,
        "start_up_seconds": start_up,
        "blocks_per_second": speed,
        "speed_ratio": ratio,
        "intervals_agree": bool(agree),
        "points": points,
    }
    file.write_text(json.dumps(result, indent=1))
    print(f"Written to {file}")
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(main())
