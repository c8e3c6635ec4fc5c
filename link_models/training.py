"""Training a semantic codec through the radio link.

    batch, SNR, fade, noise --> SemanticLink --> loss --> optimiser  (one compiled step)
          |                                                  |
      (seed, step)                           checkpoint, TensorBoard, validation
                                                             |
                                      <label>.weights.h5 + <label>.json

What a step sees depends on (seed, step) alone, so that a resumed run goes on as if it
had not been interrupted.
"""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from link_models import weights_store
from link_models.learned import CODECS
from link_models.semantic_link import SemanticLink, to_uint8
from semcom_phy.backend import compile_fn, scalar_logger, train_step_fn
from semcom_phy.metrics.image import psnr, psnr_of_mean_mse
from semcom_phy.seeding import set_seed

# PSNR of the linear analogue coder (AWGN, cbr 1/6): makes all SNRs weigh alike.
REFERENCE_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
REFERENCE_PSNR_DB = (18.5, 21.6, 24.8, 28.5, 31.9, 34.2, 35.5)
VALIDATION_SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
NUM_VALIDATION_IMAGES = 500
RESEED_STEPS = 100  # checkpoints fall on multiples of it


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

    min_snr_db, max_snr_db : `float`
        SNRs are drawn uniformly in between [dB]

    share_exact : `float`
        Share of images with original pixels in a batch, before ``exact_from``

    exact_from : `float`
        Share of the steps from which on only such images are used

    checkpoint_steps : `int`
        Steps between checkpoints (with a validation), a multiple of 100

    seed : `int`
        Fixes start weights, batches, fades and noise
    """

    steps: int = 20000
    batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    optimizer: str = "muon"
    min_snr_db: float = -1.0
    max_snr_db: float = 21.0
    share_exact: float = 0.5
    exact_from: float = 0.55
    checkpoint_steps: int = 500
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "batch_size", "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, got {getattr(self, name)}"
                )
        if self.checkpoint_steps % RESEED_STEPS:
            raise ValueError(
                f"checkpoint_steps must be a multiple of {RESEED_STEPS}, got "
                f"{self.checkpoint_steps}"
            )
        if self.optimizer not in ("muon", "adam"):
            raise ValueError(
                f'optimizer must be "muon" or "adam", got {self.optimizer!r}'
            )
        if self.warmup_steps < 0:
            raise ValueError(
                f"warmup_steps must not be negative, got {self.warmup_steps}"
            )
        for name in ("share_exact", "exact_from"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if not -100 < self.min_snr_db <= self.max_snr_db < 100:
            raise ValueError(
                "min_snr_db must not exceed max_snr_db, both finite, got "
                f"{self.min_snr_db} and {self.max_snr_db}"
            )
        if not 0 < self.learning_rate < 1:
            raise ValueError(
                f"learning_rate must be in (0, 1), got {self.learning_rate}"
            )


@dataclass(frozen=True)
class TrainingData:
    """Images [n, H, W, 3] `uint8`: exact ones, copies, those held out, provenance."""

    exact: np.ndarray
    copies: np.ndarray
    validation: np.ndarray
    provenance: dict


@dataclass(frozen=True)
class Task:
    """One link to train over, and how its error counts.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The link; the number of symbols is its framing's

    loss : `str`
        "normalised": squared error over that of the linear coder at the SNR (aims at
        the PSNR of the mean MSE); "log": log squared error (aims at the mean PSNR)
    """

    name: str
    channel: object
    loss: str

    def __post_init__(self):
        if self.loss not in ("normalised", "log"):
            raise ValueError(f'loss must be "normalised" or "log", got {self.loss!r}')


class Trainer:
    """Trains one encoder and decoder over one or several links.

    Parameters
    ----------
    codec : `str`
        A key of ``link_models.learned.CODECS``

    encoder_config, decoder_config : `dict`
        Constructor arguments

    tasks : sequence of :class:`Task`
        Links; every step takes a batch over each

    data : :class:`TrainingData`
        Images

    recipe : :class:`Recipe`
        How

    folder : path
        Checkpoints, logs, and at the end the weights with their JSON

    label : `str`
        Name of the weights
    """

    def __init__(
        self,
        codec,
        encoder_config,
        decoder_config,
        tasks,
        data,
        recipe,
        folder,
        label,
        start_from=None,
    ):
        self.codec, self.tasks, self.data = codec, tuple(tasks), data
        self.recipe, self.folder, self.label = recipe, Path(folder), label
        self.config = {
            "codec": codec,
            "encoder": encoder_config,
            "decoder": decoder_config,
        }
        set_seed(recipe.seed)
        encoder_class, decoder_class = CODECS[codec]
        encoder, decoder = (
            encoder_class(**encoder_config),
            decoder_class(**decoder_config),
        )
        for count in self._symbol_counts():
            encoder.check_rate(count)
        self.links = [SemanticLink(encoder, decoder, t.channel) for t in self.tasks]
        shape = (1, *data.exact.shape[1:])
        for link in self.links:
            link(ops.zeros(shape), ops.zeros((1,)), link.channel.sample(1))
        if hasattr(encoder, "fit_statistics"):
            start = data.exact.astype("float32") / 255
            encoder.fit_statistics(start)
            decoder.spectrum.set_weights(encoder.spectrum.get_weights())
            decoder.gains.set_weights(encoder.gains.get_weights())
        if start_from is not None:
            weights_store.load(self.links[0], start_from)
        self.start_from = start_from and str(start_from)
        self.optimizer = make_optimizer(recipe)
        flat = [task.channel.channel_model.is_flat for task in self.tasks]
        self.step_fn = train_step_fn(
            self._loss, self.links[0].trainable_variables, self.optimizer, all(flat)
        )
        self.forward = [
            compile_fn(link.__call__, jit=jit)
            for link, jit in zip(self.links, flat, strict=True)
        ]
        self.step, self.history = 0, []

    @property
    def checkpoint(self):
        """Path of the checkpoint."""
        return self.folder / f"{self.label}.checkpoint.npz"

    def fit(self, progress=True):
        """Trains to the end, saves the weights and returns the path of their JSON."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = scalar_logger(self.folder / "logs" / self.label)
        start, first = time.perf_counter(), self.step
        bar = tqdm(
            total=self.recipe.steps,
            initial=self.step,
            unit="step",
            disable=None if progress else True,
        )
        with bar:
            while self.step < self.recipe.steps:
                if self.step % RESEED_STEPS == 0:
                    set_seed(_derived(self.recipe.seed, self.step))
                loss = self.step_fn(*self._batch(self.step))
                self.step += 1
                bar.update()
                if self.step % RESEED_STEPS == 0:
                    loss = float(loss)
                    if not np.isfinite(loss):
                        raise ValueError(
                            f"the loss is {loss} after {self.step} steps: lower the "
                            "learning rate; the last checkpoint is kept"
                        )
                    log("loss", loss, self.step)
                last = self.step == self.recipe.steps
                if self.step % self.recipe.checkpoint_steps == 0 or last:
                    figures = self.validate()
                    for name, value in _flat(figures):
                        log(name, value, self.step)
                    self.history.append({"step": self.step, **figures})
                    self.save_checkpoint()
                    images = (self.step - first) * self.images_per_step
                    rate = images / (time.perf_counter() - start)
                    brief = f"{_brief(figures)}, {rate:.0f} images/s"
                    bar.write(f"step {self.step}: {brief}")
        return self.save()

    @property
    def images_per_step(self):
        """Images that one step sees."""
        return self.recipe.batch_size * len(self.tasks)

    def validate(self):
        """PSNR on the held-out images, per task and SNR.

        Output
        ------
        : `dict`
            task -> {"snr_db", "psnr_db", "psnr_of_mean_mse_db"}
        """
        figures = {}
        images = self.data.validation
        for task, forward in zip(self.tasks, self.forward, strict=True):
            means, of_means = [], []
            for snr_db in VALIDATION_SNR_DB:
                set_seed(_derived(self.recipe.seed, "validation"))
                rng = np.random.default_rng(self.recipe.seed)
                images_hat = to_uint8(
                    forward(
                        ops.convert_to_tensor(images.astype("float32") / 255),
                        ops.full((len(images),), snr_db),
                        task.channel.sample(len(images)),
                        ops.convert_to_tensor(
                            task.channel.draw_noise(len(images), rng)
                        ),
                    )
                )
                means.append(round(float(psnr(images, images_hat).mean()), 3))
                of_means.append(round(float(psnr_of_mean_mse(images, images_hat)), 3))
            figures[task.name] = {
                "snr_db": list(VALIDATION_SNR_DB),
                "psnr_db": means,
                "psnr_of_mean_mse_db": of_means,
            }
        return figures

    def save_checkpoint(self):
        """Weights, optimiser state, step and history, in one replaced file."""
        history = json.dumps(self.history, indent=1)
        arrays = {f"weight_{i}": w for i, w in enumerate(self.links[0].get_weights())}
        for i, variable in enumerate(self.optimizer.variables):
            arrays[f"optimizer_{i}"] = ops.convert_to_numpy(variable)
        trial = self.checkpoint.with_suffix(".tmp.npz")
        np.savez(
            trial,
            step=self.step,
            about=np.array(self._fingerprint()),
            history=np.array(history),
            **arrays,
        )
        os.replace(trial, self.checkpoint)
        (self.folder / f"{self.label}.history.json").write_text(history + "\n")

    def resume(self):
        """Goes on from the checkpoint.

        Raises
        ------
        FileNotFoundError
            If there is none.

        ValueError
            If it is broken, or of another configuration or recipe.
        """
        if not self.checkpoint.is_file():
            raise FileNotFoundError(
                f"{self.checkpoint} does not exist: start without --resume"
            )
        try:
            with np.load(self.checkpoint, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            about = str(arrays["about"])
        except Exception as error:  # numpy raises zip and EOF errors
            raise ValueError(f"{self.checkpoint} is broken: {error}") from error
        if about != self._fingerprint():
            raise ValueError(
                f"{self.checkpoint} belongs to another configuration or recipe; use "
                "the same options, or another --label"
            )
        model = self.links[0]
        model.set_weights(
            [arrays[f"weight_{i}"] for i in range(len(model.get_weights()))]
        )
        for i, variable in enumerate(self.optimizer.variables):
            variable.assign(arrays[f"optimizer_{i}"])
        self.step = int(arrays["step"])
        self.history = json.loads(str(arrays["history"]))

    def save(self):
        """Writes ``<label>.weights.h5`` and ``<label>.json``."""
        record = {
            "config": self.config,
            "tasks": [
                {"name": t.name, "loss": t.loss, "num_symbols": n}
                for t, n in zip(self.tasks, self._symbol_counts(), strict=True)
            ],
            "start_from": self.start_from,
            "recipe": asdict(self.recipe),
            "steps_done": self.step,
            "data": self.data.provenance,
            "validation": self.validate(),
        }
        return weights_store.save(self.links[0], self.folder, self.label, record)

    def _symbol_counts(self):
        return [t.channel.framing.num_symbols for t in self.tasks]

    def _fingerprint(self):
        about = [self.config, asdict(self.recipe), self._symbol_counts()]
        return json.dumps([*about, self.start_from], sort_keys=True)

    def _loss(self, *inputs):
        """Sum over the tasks; inputs: source, snr_db, h, noise, reference for each."""
        loss = 0.0
        for i, (task, link) in enumerate(zip(self.tasks, self.links, strict=True)):
            source, snr_db, h, noise, reference = inputs[5 * i : 5 * i + 5]
            error = ops.mean(
                ops.square(link(source, snr_db, h, noise) - source), axis=(1, 2, 3)
            )
            if task.loss == "log":
                loss = loss + ops.mean(ops.log(error + 1e-5))
            else:
                loss = loss + ops.mean(error / reference)
        return loss

    def _batch(self, step):
        recipe, rng = self.recipe, np.random.default_rng((self.recipe.seed, step))
        inputs = []
        for task in self.tasks:
            images = self._draw_images(step / recipe.steps, rng)
            snr_db = rng.uniform(
                recipe.min_snr_db, recipe.max_snr_db, recipe.batch_size
            ).astype("float32")
            reference = 10 ** (
                -np.interp(snr_db, REFERENCE_SNR_DB, REFERENCE_PSNR_DB) / 10
            )
            inputs += [
                images.astype("float32") / 255,
                snr_db,
                task.channel.sample(recipe.batch_size),
                task.channel.draw_noise(recipe.batch_size, rng),
                reference.astype("float32"),
            ]
        return [ops.convert_to_tensor(value) for value in inputs]

    def _draw_images(self, done, rng):
        exact, copies = self.data.exact, self.data.copies
        share = self.recipe.share_exact if done < self.recipe.exact_from else 1.0
        size = self.recipe.batch_size
        from_exact = rng.random(size) < (share if len(copies) else 1.0)
        images = exact[rng.integers(len(exact), size=size)]
        if len(copies):
            other = copies[rng.integers(len(copies), size=size)]
            images = np.where(from_exact[:, None, None, None], images, other)
        flip = rng.random(size) < 0.5
        images[flip] = images[flip, :, ::-1]
        return images


def make_optimizer(recipe):
    """Muon or Adam with warm-up and a cosine schedule."""
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(recipe.steps - recipe.warmup_steps, 1),
        warmup_target=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        alpha=2e-3,
    )
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(schedule, global_clipnorm=1.0)
    return keras.optimizers.Muon(
        schedule, weight_decay=None, adam_weight_decay=0.0, global_clipnorm=1.0
    )


def split_data(exact, copies, provenance, seed=123):
    """Holds out some exact images for validation: a :class:`TrainingData`."""
    held = min(NUM_VALIDATION_IMAGES, len(exact) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 images, got {len(exact)}")
    order = np.random.default_rng(seed).permutation(len(exact))
    return TrainingData(exact[order[held:]], copies, exact[order[:held]], provenance)


def fit_from_arguments(scenario, args):
    """The train command of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
        Its link is trained over

    args : `argparse.Namespace`
        ``system``, ``label``, ``steps``, ``batch_size``, ``learning_rate``,
        ``resume``, ``data``, ``out``, ``together_with`` (further scenarios)

    Raises
    ------
    ValueError, FileNotFoundError
        On bad options or missing data.
    """
    from link_models.systems import build_channel
    from semcom_phy.sources.images import load_cifar10_training_images, load_images

    if args.system not in CODECS:
        raise ValueError(
            f"{args.system!r} cannot be trained; there are {', '.join(CODECS)}"
        )
    dataset = args.data or "cifar10"
    if dataset == "cifar10":
        data = split_data(*load_cifar10_training_images())
    else:
        images, provenance = load_images(
            dataset, size=scenario.image_size, split="train"
        )
        data = split_data(images, images[:0], provenance)
    scenarios = [scenario, *_further(args.together_with, scenario)]
    tasks = [
        Task(s.name, build_channel(s), "normalised" if s.channel == "awgn" else "log")
        for s in scenarios
    ]
    shape = (scenario.image_size, scenario.image_size, 3)
    counts = sorted({s.num_symbols for s in scenarios})
    config = {"image_shape": shape}
    if args.system == "adjscc":
        config["symbol_counts"] = counts
    else:
        config |= {"num_symbols": counts[-1], "snr_attention": True}
    recipe = Recipe(
        steps=args.steps,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        seed=scenario.seed,
    )
    folder = args.out or Path("runs")
    label = args.label or f"{args.system}_{scenario.name}"
    trainer = Trainer(
        args.system,
        config,
        dict(config),
        tasks,
        data,
        recipe,
        folder,
        label,
        args.start_from,
    )
    if args.resume:
        trainer.resume()
    print(f"wrote {trainer.fit()}")


def _further(names, scenario):
    """Scenarios trained together, with the image size and CSI of the first."""
    import importlib

    for name in names or ():
        try:
            other = importlib.import_module(f"scenarios.{name}").SCENARIO
        except (ImportError, AttributeError) as error:
            raise ValueError(f"there is no scenario {name!r}") from error
        yield replace(other, image_size=scenario.image_size, csi=scenario.csi)


def _derived(*path):
    path = [p if isinstance(p, int) else sum(p.encode()) for p in path]
    return int(np.random.SeedSequence(path).generate_state(1)[0])


def _flat(figures):
    for task, values in figures.items():
        for snr, value in zip(values["snr_db"], values["psnr_db"], strict=True):
            yield f"validation/{task}/psnr_{snr:g}_db", value


def _brief(figures):
    return "; ".join(
        f"{task} {' / '.join(f'{v:.2f}' for v in values['psnr_db'])} dB"
        for task, values in figures.items()
    )
