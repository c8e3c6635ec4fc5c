"""Training of a PyTorch network by steps, whatever it learns.

batch and noise of a step <-- (seed, step) --> loss --> AdamW --> moving average
                                                             \\--> checkpoint

A step is a function of the seed, its number and what came before, so that a run that
goes on from a checkpoint gives the same weights, bit for bit on a CPU with as many
threads.
"""

import copy
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from link_models.training.checkpoint import (
    Checkpoint,
    checkpoint_path,
    held_interrupt,
)
from semcom_phy.checks import check_integer, check_number
from semcom_phy.seeding import derived_seed


@dataclass(frozen=True)
class TorchRecipe:
    """How a network is trained; stored beside its weights.

    Parameters
    ----------
    steps, batch_size, warmup_steps, checkpoint_steps, seed : `int`

    learning_rate : `float`
        Peak of AdamW after a linear rise, before half a cosine down to 0

    weight_decay : `float`
        Of matrices and kernels; vectors have none

    clip_norm : `float`
        Bound on the norm of all gradients together

    average_decay : `float`
        Of the moving average of the weights, which is what is kept; the average starts
        shorter

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    steps: int
    batch_size: int
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    average_decay: float = 0.999
    checkpoint_steps: int = 500
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "batch_size", "checkpoint_steps"):
            check_integer(name, getattr(self, name), 1)
        for name in ("warmup_steps", "seed"):
            check_integer(name, getattr(self, name), 0, 2**32 - 1)
        for name, low, high in (
            ("learning_rate", 1e-12, 1),
            ("weight_decay", 0, 10),
            ("clip_norm", 1e-6, 1e6),
            ("average_decay", 0, 0.999999),
        ):
            check_number(name, getattr(self, name), low, high)


def train(network, loss_fn, recipe, folder, label, data, resume=False, restart=False):
    """Trains a network; afterwards it holds the average of its weights.

    Parameters
    ----------
    network : `torch.nn.Module`
        With ``config``, a `dict` of plain values

    loss_fn : callable, `numpy.random.Generator` -> scalar tensor
        Draws a batch and gives its loss. The generator belongs to the step; what
        PyTorch draws (dropout, noise) is seeded by the step, too

    recipe : :class:`TorchRecipe`

    folder, label
        Where the checkpoint goes, and its name

    data : `dict`
        Plain values that identify what is trained on

    resume : `bool`, (default `False`)
        Go on from the checkpoint

    restart : `bool`, (default `False`)
        Forget the checkpoint of an earlier run

    Output
    ------
    : `torch.nn.Module`
        The network, in evaluation mode, rounded as its weights will be stored, so that
        what is validated is what is shipped

    Raises
    ------
    ValueError, FileNotFoundError, FileExistsError
        If the loss is no longer finite, or the checkpoint to go on from is missing,
        broken or of another run, or it or weights may not be overwritten.

    KeyboardInterrupt
        After Ctrl-C, with a checkpoint written.
    """
    if resume and restart:
        raise ValueError("--resume goes on, --restart forgets: give one of them")
    optimizer = _optimizer(network, recipe)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    state = [
        *network.state_dict().values(),
        *average.state_dict().values(),
        *(x for own in optimizer.state.values() for x in own.values()),
    ]
    checkpoint = Checkpoint(
        checkpoint_path(folder, label),
        {"network": network.config, **asdict(recipe), "data": data},
        [_Held(tensor) for tensor in state],
    )
    done = 0
    if resume:
        (done,) = checkpoint.load()
    elif not restart:
        files = (Path(folder) / f"{label}{suffix}" for suffix in (".h5", ".json"))
        checkpoint.refuse_overwriting(*files)
    if not resume:  # what is there belongs to another run
        checkpoint.path.unlink(missing_ok=True)
    network.train()
    bar = tqdm(total=recipe.steps, initial=done, unit="step", disable=None)
    with bar, held_interrupt() as pressed:
        for step in range(done, recipe.steps):
            loss = _step(network, loss_fn, recipe, optimizer, step)
            _update(
                average, network, min(recipe.average_decay, (1 + step) / (9 + step))
            )
            bar.update()
            last = step + 1 == recipe.steps
            stop = pressed() and not last
            if stop or last or (step + 1) % recipe.checkpoint_steps == 0:
                if not math.isfinite(loss.item()):
                    raise ValueError(
                        f"the loss is {loss.item()} at step {step + 1}: lower the "
                        "learning rate; the last checkpoint is kept"
                    )
                checkpoint.save(step + 1)
                bar.set_postfix(loss=f"{loss.item():.4f}")
            if stop:
                raise KeyboardInterrupt
    network.load_state_dict(average.state_dict())
    _round(network)
    return network.eval().requires_grad_(False)


def tensors_of(network):
    """The state of a network as NumPy arrays, `dict`."""
    return {key: value.cpu().numpy() for key, value in network.state_dict().items()}


class _Held:
    """A tensor as a checkpoint wants it."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __array__(self, dtype=None, copy=None):
        return np.array(self.tensor.detach().cpu().numpy(), dtype)

    def assign(self, values):
        with torch.no_grad():
            self.tensor.copy_(torch.from_numpy(np.asarray(values)))


def _optimizer(network, recipe):
    matrices = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )
    for p in (*matrices, *vectors):  # there from the start, so that it can be loaded
        optimizer.state[p] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(p),
            "exp_avg_sq": torch.zeros_like(p),
        }
    return optimizer


def _step(network, loss_fn, recipe, optimizer, step):
    torch.manual_seed(derived_seed(recipe.seed, "network", step))
    rng = np.random.default_rng(derived_seed(recipe.seed, "step", step))
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * _schedule(recipe, step)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_fn(rng)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
    optimizer.step()
    return loss.detach()


def _schedule(recipe, step):
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    left = max(recipe.steps - recipe.warmup_steps, 1)
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warmup_steps) / left))


@torch.no_grad()
def _update(average, network, decay):
    new = network.state_dict()
    for key, old in average.state_dict().items():
        if old.is_floating_point():
            old.lerp_(new[key], 1 - decay)
        else:  # counters
            old.copy_(new[key])


@torch.no_grad()
def _round(network):
    """Matrices and kernels to 16 bits, as `save_weights` stores them."""
    for tensor in network.state_dict().values():
        if tensor.is_floating_point() and tensor.ndim > 1:
            tensor.copy_(tensor.half())
