"""How a codec is trained, as one frozen dataclass, and the optimiser for it."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from link_models.training.batched_muon import BatchedMuon
from semcom_phy.checks import check_integer, check_number
from semcom_phy.layers.precision import PRECISIONS
from semcom_phy.snr import SNR_RANGE_DB

OPTIMIZERS = ("muon", "adam")


@dataclass(frozen=True)
class Recipe:
    """How a codec is trained; stored beside its weights.

    Parameters
    ----------
    steps : `int`
        Gradient steps

    batch_size : `int`
        Images per step and link

    learning_rate : `float`
        Peak of a cosine schedule that ends near 0

    warmup_steps : `int`
        Linear rise of the learning rate

    optimizer : `str`
        "muon" (matrices; AdamW for the rest) or "adam"

    clip_norm : `float`
        Bound on the norm of all gradients together; 0 leaves them as they are

    precision : `str`
        "float32", "mixed_bfloat16" or "mixed_float16" (with a dynamic loss scale): what
        the layers compute in that bear it; weights, link and loss stay in 32 bits

    average_decay : `float`
        Of the exponential moving average of the weights, which is what is validated
        and saved; the average starts shorter. 0 takes the weights themselves

    min_snr_db, max_snr_db : `float`
        SNRs are drawn uniformly in between [dB]

    share_exact : `float`
        Share of images with original pixels in a batch, before ``exact_from``

    exact_from : `float`
        Share of the steps from which on only such images are used

    checkpoint_steps : `int`
        Steps between checkpoints, each with a validation

    seed : `int`
        Fixes start weights, batches, fades and noise

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    steps: int = 20000
    batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    optimizer: str = "muon"
    clip_norm: float = 1.0
    precision: str = "float32"
    average_decay: float = 0.999
    min_snr_db: float = -1.0
    max_snr_db: float = 21.0
    share_exact: float = 0.5
    exact_from: float = 0.55
    checkpoint_steps: int = 500
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "batch_size", "checkpoint_steps"):
            check_integer(name, getattr(self, name), 1)
        for name in ("warmup_steps", "seed"):
            check_integer(name, getattr(self, name), 0, 2**32 - 1)
        for name, known in (("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, got "
                    f"{getattr(self, name)!r}"
                )
        for name, low, high in (
            ("clip_norm", 0, 1e6),
            ("share_exact", 0, 1),
            ("exact_from", 0, 1),
            ("average_decay", 0, 0.999999),
            ("learning_rate", 1e-12, 1),
        ):
            check_number(name, getattr(self, name), low, high)
        for name in ("min_snr_db", "max_snr_db"):
            check_number(name, getattr(self, name), *SNR_RANGE_DB, "dB")
        if self.min_snr_db > self.max_snr_db:
            raise ValueError(
                "min_snr_db must not exceed max_snr_db, got "
                f"{self.min_snr_db} and {self.max_snr_db}"
            )


@keras.saving.register_keras_serializable(package="semcom_phy")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise to a peak, then half a cosine down to a share of it.

    Keras' own `CosineDecay` branches on the step, which keeps the training step from
    being traced on torch.

    Parameters
    ----------
    peak : `float`
        Highest learning rate

    warmup_steps : `int`
        Steps of the rise

    steps : `int`
        All steps

    floor : `float`, (default 2e-3)
        Share of the peak that remains at the end
    """

    def __init__(self, peak, warmup_steps, steps, floor=2e-3):
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.steps = steps
        self.floor = floor

    def __call__(self, step):
        after = ops.cast(step, "float32") - self.warmup_steps
        rise = 1.0 + after / max(self.warmup_steps, 1)
        done = ops.clip(after / max(self.steps - self.warmup_steps, 1), 0.0, 1.0)
        fall = self.floor + (1.0 - self.floor) * 0.5 * (1.0 + ops.cos(np.pi * done))
        return self.peak * ops.where(after < 0.0, rise, fall)

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "steps": self.steps,
            "floor": self.floor,
        }


def make_optimizer(recipe, num_phases=1, floor=2e-3):
    """The optimiser of a recipe: warm-up, cosine schedule down to a share of the peak,
    loss scale; of one of several phases, that of its share of the steps."""
    warmup, steps = (-(-n // num_phases) for n in (recipe.warmup_steps, recipe.steps))
    schedule = WarmupCosine(recipe.learning_rate, warmup, steps, floor)
    if recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(schedule)
    else:
        # Not 0: Keras would make the decay of every variable, to multiply it by 0.
        optimizer = BatchedMuon(schedule, weight_decay=None, adam_weight_decay=None)
    if recipe.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
