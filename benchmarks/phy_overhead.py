"""Images per second through the radio link, against the plain Sionna blocks.

    python -m benchmarks.phy_overhead [--batch 64] [--rounds 40] [--out results]

2x2 block Rayleigh fading, cbr 1/4 of a 32x32 colour image (768 symbols), estimated
CSI; forward, and forward with the gradient of a loss with respect to the symbols.
Both sides take symbols, fades and a noise variance and return ``x_hat, no_eff`` of
the symbols, with noise drawn inside.

* plain: ResourceGridMapper -> ApplyOFDMChannel -> LSChannelEstimator (nearest
  neighbour, the cheapest) -> LMMSEEqualizer in one compiled function. Fades stay of
  size 1 over the grid where the blocks allow it. Once on the same slot, and once on a
  slot cut to the OFDM symbols that 768 symbols need, which a script could do by hand;
* ours: `EqualizedOFDMChannel`, which estimates over the whole pilot block.

Each side runs as a plain graph and with XLA and counts with its faster one. Repeats are
interleaved; medians over rounds with their 95 % interval.
"""

import json
import logging
import os
import platform
import time
from pathlib import Path
from typing import Any

from semcom_phy.backend import compile_fn, complex_normal, device, gradient_fn

import keras  # isort: skip
import numpy as np
from keras import ops
from sionna.phy.channel import ApplyOFDMChannel
from sionna.phy.mimo import StreamManagement
from sionna.phy.ofdm import (
    LMMSEEqualizer,
    LSChannelEstimator,
    ResourceGrid,
    ResourceGridMapper,
)

from benchmarks.argument_types import count
from scenarios.command.arguments import Parser
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed
from semcom_phy.simulation.versions import software_versions
from semcom_phy.snr import snr_db_to_no

NUM_ANT = 2
NUM_SYMBOLS = 768
SNR_DB = 10.0
TASKS = ("forward", "forward_and_gradient")


class PlainLink:
    """The link as a script of Sionna blocks, for one slot of a given length.

    Parameters
    ----------
    num_ofdm_symbols : `int`
        OFDM symbols of the slot

    pilot_ofdm_symbols : `list` of `int`
        Those that carry pilots
    """

    def __init__(self, num_ofdm_symbols, pilot_ofdm_symbols):
        grid = ResourceGrid(
            num_ofdm_symbols=num_ofdm_symbols,
            fft_size=72,
            subcarrier_spacing=30e3,
            num_streams_per_tx=NUM_ANT,
            pilot_pattern="kronecker",
            pilot_ofdm_symbol_indices=pilot_ofdm_symbols,
        )
        self._num_data = (num_ofdm_symbols - len(pilot_ofdm_symbols)) * 72
        self._mapper = ResourceGridMapper(grid)
        self._channel = ApplyOFDMChannel()
        self._estimator = LSChannelEstimator(grid, interpolation_type="nn")
        streams = StreamManagement(np.array([[1]]), NUM_ANT)
        # Without whitening: the same numbers for white noise, and faster.
        self._equalizer = LMMSEEqualizer(grid, streams, whiten_interference=False)

    def __call__(self, x, h, no):
        num_res = NUM_SYMBOLS // NUM_ANT
        streams = ops.transpose(ops.reshape(x, (-1, num_res, NUM_ANT)), (0, 2, 1))
        empty = self._num_data - num_res
        streams = ops.pad(streams, ((0, 0), (0, 0), (0, empty)))
        y = self._channel(self._mapper(streams[:, None]), h[:, :, :, None], no)
        h_hat, err_var = self._estimator(y, no)
        x_hat, no_eff = self._equalizer(y, h_hat, err_var, no)
        return self._symbols(x_hat), self._symbols(no_eff)

    @staticmethod
    def _symbols(values):
        values = values[:, 0, :, : NUM_SYMBOLS // NUM_ANT]
        return ops.reshape(ops.transpose(values, (0, 2, 1)), (-1, NUM_SYMBOLS))


def build_links():
    """The sides of the comparison, name -> callable (x, h, no) -> (x_hat, no_eff)."""
    model, framing = BlockRayleigh(NUM_ANT, NUM_ANT), Framing(NUM_SYMBOLS, NUM_ANT)
    return {
        "ours": EqualizedOFDMChannel(model, framing, LSEstimator()),
        "plain": PlainLink(14, [2, 11]),
        "plain_short_slot": PlainLink(8, [2, 5]),
    }


def build_runs(links, batch):
    """Every side, task and mode as a function without arguments that computes once."""
    x, h = complex_normal((batch, NUM_SYMBOLS)), links["ours"].sample(batch)
    no = ops.convert_to_tensor(snr_db_to_no(SNR_DB, NUM_ANT))
    modes = {"graph": False}
    if keras.backend.backend() == "tensorflow":
        modes["xla"] = True
    runs = {}
    for name, link in links.items():

        def forward(x, link=link):
            return link(x, h, no)

        def loss(x, link=link):
            x_hat, no_eff = link(x, h, no)
            error = x_hat - ops.stop_gradient(x)
            power = ops.square(ops.real(error)) + ops.square(ops.imag(error))
            return ops.mean(power / (1.0 + no_eff))

        for mode, jit in modes.items():
            compiled = compile_fn(forward, jit=jit), gradient_fn(loss, jit=jit)
            for task, fn in zip(TASKS, compiled, strict=True):
                runs[name, task, mode] = lambda fn=fn: fn(x)
    return runs


def measure(runs, batch, rounds, calls):
    """Images per second of every run and round, rounds interleaved, [rounds] each."""
    for run in runs.values():  # compile, then warm up
        for _ in range(3):
            _finish(run())
    speed = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            start = time.perf_counter()
            for _ in range(calls):
                _finish(run())
            speed[key].append(calls * batch / (time.perf_counter() - start))
    return {key: np.array(values) for key, values in speed.items()}


def summarize(speed):
    """Faster mode per side and task, and the ratios of ours to the plain sides."""
    best, ratios = {}, {}
    for name in dict.fromkeys(key[0] for key in speed):
        for task in TASKS:
            modes = {k[2]: v for k, v in speed.items() if k[:2] == (name, task)}
            mode = max(modes, key=lambda m: np.median(modes[m]))
            best[name, task] = mode, modes[mode]
    for name, task in best:
        if name != "ours":
            ratios[name, task] = best["ours", task][1] / best[name, task][1]
    return best, ratios


def median_and_interval(values, seed=1):
    """Median over rounds and its 95 % bootstrap interval."""
    rng = np.random.default_rng(seed)
    medians = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return {
        "median": float(np.median(values)),
        "ci95": [float(low), float(high)],
        "num_rounds": len(values),
    }


def _finish(result):
    """Waits for the result, as a training step would."""
    for value in result if isinstance(result, tuple) else (result,):
        ops.convert_to_numpy(value)


def _cell(figures, digits):
    low, high = figures["ci95"]
    return f"{figures['median']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def main(argv=None):
    """Runs the benchmark, prints its table and writes ``phy_overhead.json``."""
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=count, default=64, help="images per call")
    parser.add_argument("--rounds", type=count, default=40, help="interleaved repeats")
    parser.add_argument("--calls", type=count, default=4, help="calls per repeat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    # Compiling the same function for several sides is the purpose here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    set_seed(args.seed)
    speed = measure(
        build_runs(build_links(), args.batch), args.batch, args.rounds, args.calls
    )
    best, ratios = summarize(speed)

    record: dict[str, Any] = {
        "benchmark": "phy_overhead",
        "setting": {
            "link": "2x2 block Rayleigh, 768 symbols, LS estimation, L-MMSE",
            "batch": args.batch,
            "rounds": args.rounds,
            "calls": args.calls,
            "seed": args.seed,
            "snr_db": SNR_DB,
        },
        "machine": {
            "device": device(),
            "cpus": os.cpu_count(),
            "processor": platform.machine(),
            "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        },
        "versions": software_versions(),
        "images_per_second": {
            name: {
                task: {"mode": best[name, task][0]}
                | median_and_interval(best[name, task][1])
                for task in TASKS
            }
            for name in dict.fromkeys(key[0] for key in best)
        },
        "images_per_second_by_mode": {
            "/".join(key): median_and_interval(values) for key, values in speed.items()
        },
        "ratio_of_ours": {
            name: {task: median_and_interval(ratios[name, task]) for task in TASKS}
            for name in dict.fromkeys(key[0] for key in ratios)
        },
    }
    print("images/s, median over rounds [95 % interval], faster of graph and XLA")
    print(f"{'':18}{'forward':>32}{'forward + gradient':>32}")
    for name, tasks in record["images_per_second"].items():
        cells = [f"{_cell(f, 0)} {f['mode']}" for f in tasks.values()]
        print(f"{name:18}{cells[0]:>32}{cells[1]:>32}")
    for name, tasks in record["ratio_of_ours"].items():
        cells = [_cell(f, 2) for f in tasks.values()]
        print(f"{'ours / ' + name:25}{cells[0]:>25}{cells[1]:>32}")
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "phy_overhead.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written to {path}")
    return record


if __name__ == "__main__":
    main()
