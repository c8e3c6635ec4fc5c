"""Trains the restoration network: ``python -m link_models.training restoration -h``.

crops of photographs --> degraded at random --> network --> Charbonnier loss

No judge of the figures takes part in the loss. Steps and seed fix the run, on one CPU
bit for bit; a run that was stopped goes on from its checkpoint with --resume.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from link_models.training.knowledge.degradations import KINDS, degraded
from semcom_phy.knowledge_base.editor.restoration import NAME, restored
from semcom_phy.knowledge_base.embedded_weights import SHIPPED, save_weights
from semcom_phy.knowledge_base.loading import INSTALL
from semcom_phy.metrics.image import psnr
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions
from semcom_phy.sources.data_folders import data_folders
from semcom_phy.sources.images import load_samples

COMMAND = "python -m link_models.training restoration"
DATA = ("flickr8k_images", "ecssd")
SIZE = 128  # of the photographs [pixels]
# How often a step shows each kind; the single ones share what is left.
_CLEAN, _MIXED = 0.15, 0.45


@dataclass(frozen=True)
class Recipe:
    """What fixes a run.

    Parameters
    ----------
    steps, batch_size, crop : `int`
        Updates, crops in each, and their side [pixels]

    learning_rate, weight_decay : `float`
        Of AdamW; the rate rises over the first 200 steps and falls as a half cosine

    average_decay : `float`
        Of the moving average of the weights, which is what is kept

    bfloat16 : `bool`
        Convolutions in 16 bits: twice as fast on CPUs that can, slower on others

    seed : `int`
    """

    steps: int
    batch_size: int = 16
    crop: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    average_decay: float = 0.999
    bfloat16: bool = False
    seed: int = 1


def load_photographs(data, num_validation, seed):
    """Training photographs, and those of them that are held back.

    Parameters
    ----------
    data : sequence of `str` or path
        Folders, or names of folders in ``$SEMCOM_DATA``

    num_validation : `int`
        How many are held back, drawn by ``seed``

    Output
    ------
    train, held : [num, 128, 128, 3], `uint8`

    provenance : list of `dict`
        Of each folder

    Raises
    ------
    FileNotFoundError, ValueError
        If data are missing, or fewer than are to be held back.
    """
    sets = [load_samples(_folder(name), size=SIZE, split="train") for name in data]
    images = np.concatenate([samples.images for samples in sets])
    if not 1 <= num_validation < len(images):
        raise ValueError(
            f"{num_validation} of {len(images)} photographs are to be held back; give "
            "at least 1, and leave some to train on"
        )
    order = np.random.default_rng(derived_seed(seed, "held")).permutation(len(images))
    held, kept = np.split(order, [num_validation])
    return images[kept], images[held], [samples.provenance for samples in sets]


def train(photographs, recipe, checkpoint, resume=False, every=500):
    """Trains a network.

    Parameters
    ----------
    photographs : [num, height, width, 3], `uint8`

    recipe : :class:`Recipe`

    checkpoint : path
        Where the state of the run is kept, every so many steps (``every``) and at the
        end

    resume : `bool`, (default `False`)
        Go on from it

    Output
    ------
    network : :class:`~.restoration_network.RestorationNetwork`
        With the averaged weights

    seconds : `float`
        That the steps took

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    ValueError, FileNotFoundError
        If the loss is no longer finite, or the checkpoint is of another run.
    """
    try:
        import torch
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

        from semcom_phy.knowledge_base.editor.restoration_network import (
            CONFIG,
            RestorationNetwork,
        )
    except ImportError as error:
        raise ImportError(f"PyTorch is not there: {INSTALL}") from error

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed, "weights"))
        network = RestorationNetwork(**CONFIG).to(memory_format=torch.channels_last)
    averaged = AveragedModel(
        network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average_decay)
    )
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    state = _RunState(checkpoint, recipe, network, averaged, optimizer)
    done, seconds = state.load() if resume else (0, 0.0)
    start = time.monotonic() - seconds
    for step in tqdm(range(done, recipe.steps), initial=done, total=recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe.steps)
        x, target = (
            torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255
            for part in batch(photographs, recipe, step)
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            y = network(x)
        # Charbonnier: absolute error, smooth around zero.
        loss = ((y.float() - target) ** 2 + 1e-6).sqrt().mean()
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss is {loss.item()} at step {step}: lower the learning rate"
            )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(network)
        if (step + 1) % every == 0 or step + 1 == recipe.steps:
            state.save(step + 1, time.monotonic() - start)
            tqdm.write(f"step {step + 1}: loss {loss.item():.5f}")
    return averaged.module.eval(), time.monotonic() - start


def batch(photographs, recipe, step):
    """What a step sees, a function of (seed, step) alone: degraded crops and whole
    ones, [batch_size, crop, crop, 3], `uint8`."""
    rng = np.random.default_rng(derived_seed(recipe.seed, "step", step))
    single = [kind for kind in KINDS if kind not in ("clean", "mixed")]
    share = (1 - _CLEAN - _MIXED) / len(single)
    kinds = ["clean", "mixed", *single]
    shares = [_CLEAN, _MIXED, *[share] * len(single)]
    pairs = []
    for kind in rng.choice(kinds, recipe.batch_size, p=shares):
        image = photographs[rng.integers(len(photographs))]
        top, left = (int(rng.integers(n - recipe.crop + 1)) for n in image.shape[:2])
        crop = image[top : top + recipe.crop, left : left + recipe.crop]
        crop = np.rot90(crop[:, :: rng.choice([1, -1])], rng.integers(4))
        crop = np.ascontiguousarray(crop)
        pairs.append((degraded(crop, kind, rng), crop))
    return [np.stack(part) for part in zip(*pairs, strict=True)]


def validation(network, held, seed):
    """Mean PSNR of held-back photographs before and after, of each kind [dB].

    What is drawn for a photograph depends on seed, kind and its place alone; a
    photograph that is not changed at all counts as 60 dB.
    """
    figures = {}
    for kind in KINDS:
        draws = (
            np.random.default_rng(derived_seed(seed, "validation", kind, place))
            for place in range(len(held))
        )
        pairs = zip(held, draws, strict=True)
        bad = np.stack([degraded(image, kind, rng) for image, rng in pairs])
        figures[kind] = {
            "psnr_before": round(float(psnr(held, bad).mean()), 3),
            "psnr_after": round(float(psnr(held, restored(network, bad)).mean()), 3),
            "num_images": len(held),
        }
    return figures


def _schedule(step, steps, warmup=200):
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + np.cos(np.pi * step / steps))


def _folder(name):
    """A folder by its path, or by its name where data sets lie."""
    if Path(name).is_dir():
        return Path(name)
    folders = [folder / name for folder in data_folders(str(name))]
    found = [folder for folder in folders if folder.is_dir()]
    if not found:
        raise FileNotFoundError(
            f"there is no folder {name}, nor {' nor '.join(map(str, folders))}: set "
            "SEMCOM_DATA to where the data sets lie"
        )
    return found[0]


class _RunState:
    """Weights, their average and the optimiser's moments in one safetensors file."""

    def __init__(self, path, recipe, network, averaged, optimizer):
        self.path, self.recipe = Path(path), recipe
        self.network, self.averaged, self.optimizer = network, averaged, optimizer

    def save(self, step, seconds):
        from safetensors.torch import save_file

        self.path.parent.mkdir(parents=True, exist_ok=True)
        trial = self.path.with_suffix(".tmp")
        notes = {"recipe": asdict(self.recipe), "step": step, "seconds": seconds}
        save_file(self._tensors(), trial, {"run": json.dumps(notes)})
        os.replace(trial, self.path)

    def load(self):
        from safetensors import safe_open

        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is missing: leave out --resume")
        with safe_open(self.path, "pt") as file:
            notes = json.loads(file.metadata()["run"])
            if notes["recipe"] != asdict(self.recipe):
                raise ValueError(
                    f"{self.path} is of another run, {notes['recipe']}: give its "
                    "options, or leave out --resume"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        self.network.load_state_dict(_under("network.", tensors))
        self.averaged.load_state_dict(_under("averaged.", tensors))
        moments = {}
        for name, tensor in _under("adamw.", tensors).items():
            number, _, kind = name.partition(".")
            moments.setdefault(int(number), {})[kind] = tensor
        state = self.optimizer.state_dict()
        self.optimizer.load_state_dict({**state, "state": moments})
        return notes["step"], notes["seconds"]

    def _tensors(self):
        parts = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            **{
                f"adamw.{number}": moments
                for number, moments in self.optimizer.state_dict()["state"].items()
            },
        }
        return {
            f"{part}.{name}": tensor.contiguous()
            for part, tensors in parts.items()
            for name, tensor in tensors.items()
        }


def _under(prefix, tensors):
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _rounded(network):
    """Rounds the weights as they are stored, so that validation judges those."""
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.half().float()


def main(argv=None):
    """Command line; returns the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DATA, help="folders, or names")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--validation-images", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1, help="part of what fixes it")
    parser.add_argument("--bfloat16", action="store_true", help="faster on some CPUs")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    args = parser.parse_args(argv)
    try:
        import torch
    except ImportError:
        print(f"error: PyTorch is not there: {INSTALL}", file=sys.stderr)
        return 2
    torch.set_num_threads(args.threads)
    recipe = Recipe(
        steps=args.steps,
        batch_size=args.batch_size,
        bfloat16=args.bfloat16,
        seed=args.seed,
    )
    try:
        photographs, held, provenance = load_photographs(
            args.data, args.validation_images, args.seed
        )
        network, seconds = train(
            photographs, recipe, args.runs / f"{NAME}.run.safetensors", args.resume
        )
        path = _ship(network, held, recipe, provenance, seconds, args.out, argv)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {path}")
    return 0


def _ship(network, held, recipe, provenance, seconds, folder, argv):
    from semcom_phy.knowledge_base.editor.restoration_network import CONFIG

    _rounded(network)
    record = {
        "config": CONFIG,
        "command": " ".join([COMMAND, *(a for a in argv if a != "--resume")]),
        "recipe": asdict(recipe),
        "data": provenance,
        "validation": {
            "what": "mean PSNR [dB] of photographs held back from train, before and "
            "after; unchanged ones count as 60 dB",
            **validation(network, held, recipe.seed),
        },
        "versions": software_versions(),
        "seconds": round(seconds),
    }
    tensors = {name: t.numpy() for name, t in network.state_dict().items()}
    return save_weights(NAME, tensors, record, folder)


if __name__ == "__main__":
    sys.exit(main())
