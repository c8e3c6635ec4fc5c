"""Trains the image generator: ``python -m link_models.training generator --help``.

picture --> Spectrum, mirrored or not --> noise of a level --> network, told the level
and one of the picture's texts, or nothing --> squared error of the velocity
"""

from semcom_phy import backend  # first: it loads the tensor library quietly

# isort: split
import argparse
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from link_models.training.checkpoint import held_interrupt
from link_models.training.knowledge.captioned_data import (
    DATA_SETS,
    encoded,
    load_captioned,
)
from link_models.training.knowledge.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from semcom_phy.checks import check_integer
from semcom_phy.knowledge_base.embedded_weights import save_weights
from semcom_phy.knowledge_base.generator.spectrum import Spectrum
from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder
from semcom_phy.seeding import derived_seed
from semcom_phy.simulation.versions import software_versions

LABEL = "generator"
NETWORKS = {
    "mlp": {
        "kind": "mlp",
        "num_coefficients": 768,
        "width": 768,
        "hidden": 1024,
        "depth": 3,
        "condition_width": 128,
    },
    # Of pixels, with all coefficients: for a GPU, in some hundred thousand steps.
    "unet": {
        "kind": "unet",
        "channels": [128, 256, 256, 512],
        "head_width": 64,
        "groups": 32,
    },
}
LIMIT = 6.0  # standard deviations; of 10,000 coefficients 4 are beyond it
BETAS = (0.9, 0.99)
CLIP_NORM = 1.0


@dataclass(frozen=True)
class GeneratorRecipe:
    """What fixes a training run beside its data and its network.

    Parameters
    ----------
    steps, batch_size, seed : `int`

    learning_rate : `float`
        At its highest, after ``warmup_steps``; then half a cosine down to nothing

    weight_decay : `float`
        Of matrices

    untold : `float`
        Share of the pictures whose text is withheld, which guidance needs

    average_decay : `float`
        Of the moving average of the weights, which is what is kept; it starts shorter

    checkpoint_steps : `int`
    """

    steps: int
    batch_size: int = 512
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    weight_decay: float = 0.01
    untold: float = 0.1
    average_decay: float = 0.9995
    seed: int = 0
    checkpoint_steps: int = 500


def learning_rate(step, recipe):
    """Linear rise, then half a cosine."""
    rise = min(1.0, (step + 1) / recipe.warmup_steps)
    fall = (1 + math.cos(math.pi * step / recipe.steps)) / 2
    return recipe.learning_rate * rise * fall


class _Pictures:
    """Batches of coefficients with texts and noise, each a function of (seed, step)."""

    def __init__(self, data, vectors, spectrum, recipe, device):
        self._values = np.concatenate(
            [
                spectrum.encode(data.images[i : i + 1000])
                for i in range(0, len(data.images), 1000)
            ]
        )
        self._data, self._vectors, self._mirror = data, vectors, spectrum.mirror
        self._recipe, self._device = recipe, device

    def batch(self, step):
        """Values, noise, levels, texts and which of these are withheld."""
        rng = np.random.default_rng(derived_seed(self._recipe.seed, "step", step))
        index = self._data.train[
            rng.integers(len(self._data.train), size=self._recipe.batch_size)
        ]
        mirrored = rng.random(len(index)) < 0.5
        untold = rng.random(len(index)) < self._recipe.untold
        return self._drawn(rng, index, mirrored, untold)

    def held(self):
        """Batches of those held back: the same noise each time, all levels."""
        for start in range(0, len(self._data.held), 500):
            index = self._data.held[start : start + 500]
            rng = np.random.default_rng(derived_seed(self._recipe.seed, "held", start))
            none = np.zeros(len(index), bool)
            yield self._drawn(rng, index, none, none)

    def _drawn(self, rng, index, mirrored, untold):
        import torch

        values = self._values[index]
        values[mirrored] *= self._mirror
        noise = rng.standard_normal(values.shape, "float32")
        # Evenly over the levels: less of the loss is the luck of the draw.
        level = (np.arange(len(index)) + rng.random(len(index))) * 1000 / len(index)
        which = rng.integers(self._data.said.shape[1], size=len(index))
        said = self._data.said[index, which]
        arrays = values, noise, level.astype("int64"), self._vectors[said], untold
        return [torch.from_numpy(array).to(self._device) for array in arrays]


def _loss(network, noise_levels, values, noise, level, texts, untold):
    """Squared error of the velocity, [batch]; matrix products in bfloat16."""
    import torch

    from semcom_phy.knowledge_base.generator.noise import time_of

    texts = torch.where(untold[:, None], network.null, texts)
    noisy = noise_levels.noisy(values, noise, level)
    with torch.autocast(values.device.type, torch.bfloat16):
        guess = network(noisy, time_of(level), texts)
    error = guess.float() - noise_levels.velocity(values, noise, level)
    return error.square().mean(-1)


def _validated(network, noise_levels, pictures):
    import torch

    with torch.inference_mode():
        losses = [_loss(network, noise_levels, *batch) for batch in pictures.held()]
    return float(torch.cat(losses).mean())


def train(
    recipe,
    config,
    names,
    folder,
    command,
    device="cpu",
    encoder=None,
    resume=False,
    restart=False,
):
    """Trains on the splits train of some data sets, and keeps the average of the
    weights.

    Ctrl-C lets a step end and writes a checkpoint.

    Parameters
    ----------
    recipe : :class:`GeneratorRecipe`

    config : `dict`
        Of the network, as of :data:`NETWORKS`

    names : sequence of `str`
        Of data sets, as of
        :func:`~link_models.training.knowledge.captioned_data.load_captioned`

    folder : path
        Where weights, checkpoints and vectors of texts go

    command : `str`
        What the record says that the weights were made by

    device : `str`, (default "cpu")
        Of torch

    encoder : of sentences, (default: that of the process)

    resume : `bool`, (default `False`)
        Go on from the checkpoint, bit for bit on a CPU

    restart : `bool`, (default `False`)
        Forget the checkpoint of an earlier run

    Output
    ------
    : `Path`
        JSON beside the weights

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        If the loss is no longer finite, data are missing, the checkpoint to go on from
        is missing, broken or of another run, or one may not be overwritten.

    KeyboardInterrupt
        After Ctrl-C.
    """
    import torch
    from torch.optim.swa_utils import AveragedModel

    from semcom_phy.knowledge_base.generator.network import PREFIX, make_network
    from semcom_phy.knowledge_base.generator.noise import Noise

    path = Path(folder, f"{LABEL}.checkpoint.safetensors")
    if path.exists() and not (resume or restart):
        raise FileExistsError(
            f"{path} holds an earlier run: go on with --resume, or forget it with "
            "--restart"
        )
    begun = time.monotonic()
    data = load_captioned(names, recipe.seed)
    encoder = encoder or sentence_encoder()
    vectors = encoded(data.texts, encoder, Path(folder, f"{LABEL}.texts.npz"))
    # Without a choice of coefficients: all of them, not whitened.
    chosen = config.get("num_coefficients")
    spectrum, energy = Spectrum.of_pictures(data.images[data.train], chosen, LIMIT)
    noise_levels = Noise(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(recipe.seed, "weights"))
        network = make_network(config).to(device)

    def moved(averages, weights, count):
        decay = min(recipe.average_decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    average = AveragedModel(network, multi_avg_fn=moved)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": others, "weight_decay": 0.0}],
        recipe.learning_rate,
        BETAS,
        weight_decay=recipe.weight_decay,
    )
    identity = {**asdict(recipe), "network": config, "data": data.provenance["sha256"]}
    done, seconds = 0, 0.0
    if resume:
        done, states = load_checkpoint(path, identity)
        network.load_state_dict(states["network"])
        average.load_state_dict(states["average"])
        restore_optimizer(optimizer, states["optimizer"])
        seconds = float(states["clock"]["seconds"])
    pictures = _Pictures(data, vectors, spectrum, recipe, device)

    bar = tqdm(total=recipe.steps, initial=done, unit="step", mininterval=10)
    with bar, held_interrupt() as pressed:
        for step in range(done, recipe.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, recipe)
            loss = _loss(network, noise_levels, *pictures.batch(step)).mean()
            if not torch.isfinite(loss):
                raise ValueError(
                    f"the loss is {float(loss)} at step {step + 1}: lower the learning "
                    "rate; the last checkpoint is kept"
                )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
            optimizer.step()
            average.update_parameters(network)
            bar.update()
            last = step + 1 == recipe.steps
            stop = pressed() and not last
            if stop or last or (step + 1) % recipe.checkpoint_steps == 0:
                spent = seconds + time.monotonic() - begun
                states = {
                    "network": network.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer_tensors(optimizer),
                    "clock": {"seconds": torch.tensor(spent)},
                }
                save_checkpoint(path, step + 1, identity, states)
                validated = _validated(average.module, noise_levels, pictures)
                bar.write(
                    f"step {step + 1}: loss {loss:.4f}, validation {validated:.4f}, "
                    f"{spent:.0f} s"
                )
            if stop:
                raise KeyboardInterrupt
    tensors = {
        PREFIX + name: value.float().cpu().numpy()
        for name, value in average.module.state_dict().items()
    }
    record = {
        "config": {
            "network": config,
            "num_coefficients": len(spectrum.kept),
            "energy": energy,
            "limit": spectrum.limit,
            "encoder": encoder.identity,
        },
        "command": command,
        "recipe": asdict(recipe),
        "data": data.provenance,
        "validation": {
            "loss": _validated(average.module, noise_levels, pictures),
            "num_images": len(data.held),
        },
        "seconds": round(seconds + time.monotonic() - begun),
        "versions": {**software_versions(), "device": backend.device()},
    }
    return save_weights(LABEL, {**tensors, **spectrum.tensors()}, record, folder)


def main(argv=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="link_models.training generator")
    parser.add_argument("--network", choices=tuple(NETWORKS), default="mlp")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--datasets", nargs="+", default=list(DATA_SETS))
    parser.add_argument("--device", default="cpu", help="of torch, such as cuda")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--resume", action="store_true", help="go on after a stop")
    parser.add_argument("--restart", action="store_true", help="forget what is there")
    args = parser.parse_args(argv)
    command = (
        f"python -m link_models.training generator --network {args.network} "
        f"--steps {args.steps} --batch-size {args.batch_size} --seed {args.seed} "
        f"--datasets {' '.join(args.datasets)}"
    )
    try:
        if args.resume and args.restart:
            raise ValueError("--resume goes on, --restart forgets: give one of them")
        check_integer("--steps", args.steps, 1)
        check_integer("--batch-size", args.batch_size, 1)
        recipe = GeneratorRecipe(args.steps, args.batch_size, seed=args.seed)
        path = train(
            recipe,
            NETWORKS[args.network],
            args.datasets,
            args.out,
            command,
            device=args.device,
            resume=args.resume,
            restart=args.restart,
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: give the same command with --resume", file=sys.stderr)
        return 130
    print(f"wrote {path}")
    return 0
