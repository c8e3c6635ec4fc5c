"""Images per second of a whole training step, ours and plain PyTorch's.

    make .venv/.installed .venv-torch/.installed
    python -m benchmarks.train_step [--networks adjscc swin] [--batch-size 32]

One step: 2x2 block Rayleigh link with perfect CSI, cbr 1/4 of 32x32 images, squared
error, clipped gradients, Adam. Networks: ADJSCC of the default size, and a two-stage
Swin (96/128 wide, 2 and 4 blocks, 6/8 heads, encoder and decoder).

* plain: ``plain_torch.py``, as one would write it by hand: eager PyTorch, `nn.Conv2d`,
  fused attention, `torch.optim.Adam`; in bfloat16 under `torch.autocast`;
* ours: `FrameLink` with `train_step_fn`, on either Keras backend; in bfloat16 by
  ``mixed_bfloat16``.

Every contestant is a process of its own in the environment of its backend. They run
in turn, a few steps each, so that a machine whose speed drifts treats all alike; a
ratio is the median over the rounds of the plain float32 step's time over the
contestant's, with the 95 % interval of that median. An environment that is missing is
left out.
"""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from scipy.stats import binom

from scenarios.command.arguments import Parser

# name -> (environment, side, precision)
CONTESTANTS = {
    "plain PyTorch, float32": ("torch", "plain", "float32"),
    "plain PyTorch, bfloat16": ("torch", "plain", "mixed_bfloat16"),
    "ours on torch, float32": ("torch", "ours", "float32"),
    "ours on torch, bfloat16": ("torch", "ours", "mixed_bfloat16"),
    "ours on TensorFlow, float32": ("tensorflow", "ours", "float32"),
    "ours on TensorFlow, bfloat16": ("tensorflow", "ours", "mixed_bfloat16"),
}
YARDSTICK = next(iter(CONTESTANTS))
PAUSE_S = 0.3  # idle threads of the one before go on spinning for a while


class Contestant:
    """A worker process."""

    def __init__(self, python, side, network, precision, batch_size):
        options = f"--side {side} --network {network} --precision {precision}"
        options += f" --batch-size {batch_size}"
        environ = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.train_step.worker", *options.split()],
            cwd=Path(__file__).parents[2],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stdin: Any = self.process.stdin
        self._stdout: Any = self.process.stdout
        self.about = json.loads(self._read())

    def seconds_per_step(self, steps):
        time.sleep(PAUSE_S)
        self._stdin.write(f"{steps}\n")
        self._stdin.flush()
        return float(self._read()) / steps

    def close(self):
        self._stdin.close()
        self.process.wait()

    def _read(self):
        line = self._stdout.readline()
        if not line:
            raise RuntimeError("a contestant ended; its error is above")
        return line


def median_interval(values):
    """Median and its distribution-free 95 % interval, from order statistics."""
    ordered = sorted(values)
    rank = int(binom.ppf(0.025, len(ordered), 0.5))
    low, high = max(rank - 1, 0), min(len(ordered) - rank, len(ordered) - 1)
    return statistics.median(ordered), (ordered[low], ordered[high])


def race(network, pythons, batch_size, rounds, steps):
    """Table of one network: contestant -> images per second, ratio, interval."""
    running = {
        name: Contestant(pythons[environment], side, network, precision, batch_size)
        for name, (environment, side, precision) in CONTESTANTS.items()
        if environment in pythons
    }
    seconds = {name: [] for name in running}
    for _ in range(rounds):
        for name, contestant in running.items():
            seconds[name].append(contestant.seconds_per_step(steps))
    table = {}
    for name, contestant in running.items():
        contestant.close()
        pairs = zip(seconds[YARDSTICK], seconds[name], strict=True)
        ratio, interval = median_interval([base / own for base, own in pairs])
        table[name] = {
            "images_per_s": batch_size / statistics.median(seconds[name]),
            "ratio": ratio,
            "ratio_ci95": interval,
            **contestant.about,
        }
    return table


def main(argv=None):
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--networks", nargs="+", default=["adjscc", "swin"], choices=["adjscc", "swin"])
    add("--batch-size", type=int, default=32)
    add("--rounds", type=int, default=15)
    add("--steps", type=int, default=4, help="steps per turn")
    add("--torch-python", default=".venv-torch/bin/python")
    add("--tensorflow-python", default=".venv/bin/python")
    add("--out", type=Path, default=Path("results"))
    args = parser.parse_args(argv)
    pythons = {"torch": args.torch_python, "tensorflow": args.tensorflow_python}
    pythons = {name: path for name, path in pythons.items() if Path(path).exists()}
    if "torch" not in pythons:
        parser.error(f"{args.torch_python} is missing: make .venv-torch/.installed")
    result = {"batch_size": args.batch_size, "rounds": args.rounds}
    for network in args.networks:
        table = race(network, pythons, args.batch_size, args.rounds, args.steps)
        result[network] = table
        about = table[YARDSTICK]
        print(
            f"\n{network}, {about['parameters'] / 1e6:.2f} M parameters, batch "
            f"{args.batch_size}, on the {about['device']}\n"
            f"{'':30}{'images/s':>9}  ratio to plain float32 (95 %)"
        )
        for name, row in table.items():
            low, high = row["ratio_ci95"]
            print(
                f"{name:30}{row['images_per_s']:9.0f}  {row['ratio']:.2f} "
                f"({low:.2f}-{high:.2f})",
                flush=True,
            )
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "train_step.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwrote {path}")


if __name__ == "__main__":
    main()
