"""Training a semantic codec through the radio link.

    images, SNR, fade, noise --> FrameLink --> loss --> optimiser, weight average
    (made ahead in a thread)                           (one compiled step)
                                                            |
                         every checkpoint_steps: validation, TensorBoard, checkpoint;
                         the best so far as <label>.weights.h5 + <label>.json

What a step sees depends on (seed, step) alone, so that a resumed run goes on as if it
had not been interrupted.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from link_models.codecs import (
    find_codec,
    first_run,
    load_link,
    make_halves,
    plain_name,
)
from link_models.links.frame_link import FrameLink
from link_models.training.batches import Batches
from link_models.training.checkpoint import (
    BrokenCheckpointError,
    Checkpoint,
    checkpoint_path,
    held_interrupt,
    held_label,
)
from link_models.training.commands.progress_lines import Clock, brief, log_values
from link_models.training.recipe import make_optimizer
from link_models.training.weight_average import WeightAverage
from link_models.weights import store
from semcom_phy.backend import compile_fn, device, scalar_logger, train_step_fn
from semcom_phy.layers.precision import set_precision
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import PerfectCSI
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.knowledge import SnrRange
from semcom_phy.seeding import private_streams
from semcom_phy.simulation.versions import software_versions

LOG_STEPS = 100


class Trainer:
    """Trains one encoder and decoder over one or several links.

    Parameters
    ----------
    codec : `str`
        As of :func:`~link_models.codecs.find_codec`

    encoder_config, decoder_config : `dict`
        Constructor arguments

    tasks : sequence of :class:`~link_models.training.tasks.image.ImageTask`,
    :class:`~link_models.training.tasks.scene.SceneTask` or
    :class:`~link_models.training.tasks.caption.CaptionTask`
        Links; every step takes a batch over each. Where they have several phases, the
        steps go through them in turn

    data : of the tasks
        :class:`~link_models.training.data.TrainingData`,
        :class:`~link_models.training.tasks.scene.SceneData` or
        :class:`~link_models.training.tasks.caption.CaptionData`

    recipe : :class:`~link_models.training.recipe.Recipe`
        How

    folder : path
        Checkpoints, logs, and the best weights with their JSON

    label : `str`
        Name of the weights

    start_from : `str` or path, optional
        Label or file of the weights to start from

    Raises
    ------
    ValueError, FileNotFoundError
        If the codec does not fit the links or the precision, or ``start_from`` is
        missing or broken, or has no weight in common with the codec. Of weights of
        another configuration, those of the same name and shape are taken.
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
        for task in self.tasks:
            task.check(self.source_shape)
        with private_streams(recipe.seed):
            encoder, decoder = self._make_links()
        self.tasks[0].fit_statistics(encoder, data)
        decoder.copy_statistics(encoder)
        self.start_from = start_from and str(start_from)
        self._start = {"label": None, "sha256": None}
        if start_from is not None:
            self._start = self._start_from(start_from)
        for layer in (encoder, decoder):
            set_precision(layer, recipe.precision)
        encoder.train_choice(any(task.trains_choice for task in self.tasks))
        self.batches = Batches(data, self.tasks, recipe)
        trained = self.links[0].trainable_variables
        self.average = WeightAverage(trained, recipe.average_decay)
        flat = [task.channel.channel_model.is_flat for task in self.tasks]
        phases = list(zip(*map(_phases, self.tasks, self.links), strict=True))
        moved = {id(v) for phase in phases for part in phase for v in part.variables}
        self.moved = [variable for variable in trained if id(variable) in moved]
        self.optimizers = [make_optimizer(recipe, len(phases)) for _ in phases]
        self.losses = [partial(_summed, self.tasks, phase) for phase in phases]
        self.step_fns = [
            train_step_fn(
                loss,
                _distinct(variable for part in phase for variable in part.variables),
                optimizer,
                jit=all(flat),
                after_update=self.average.update,
                clip_norm=recipe.clip_norm,
            )
            for loss, phase, optimizer in zip(
                self.losses, phases, self.optimizers, strict=True
            )
        ]
        self.forward = [
            compile_fn(partial(task.forward, link), jit=jit)
            for task, link, jit in zip(self.tasks, self.links, flat, strict=True)
        ]
        self.step, self.history = 0, []
        self.command = None  # that the record of the weights names, where there is one
        self.best = {"step": 0, "score": -np.inf}
        self.data_identity = data.identity()
        self._checkpoint = Checkpoint(
            checkpoint_path(folder, label), self._identity(), self._state()
        )

    def _make_links(self):
        """Encoder and decoder with their first weights, and a built link per task."""
        codec = find_codec(self.codec)
        configs = self.config["encoder"], self.config["decoder"]
        encoder, decoder = make_halves(codec, configs)
        made_for = tuple(encoder.source_shape)
        if encoder.sends_images and made_for != self.source_shape:
            raise ValueError(
                f"the codec is made for images of {made_for}, the data are of "
                f"{self.source_shape}"
            )
        # Validation tells the networks what an evaluation of these weights will.
        told = SnrRange(self.recipe.min_snr_db, self.recipe.max_snr_db)
        self.links = [
            FrameLink(encoder, decoder, task.channel, snr_range=told)
            for task in self.tasks
        ]
        for link in self.links:
            first_run(link)
        return encoder, decoder

    def _start_from(self, label):
        """Takes over given weights: all, or of another configuration what fits.

        Returns their label and the SHA-256 of their file.
        """
        record = store.read_record(label)
        start = {name: record[name] for name in ("label", "sha256")}
        if record["config"] == json.loads(json.dumps(self.config)):
            store.load(self.links[0], label)
            return start
        channel = _channel_of(record["config"]["encoder"], self.tasks[0].channel)
        shape = record["config"]["encoder"].get("image_shape", self.source_shape)
        theirs = record["config"]["codec"]
        own = self.codec if plain_name(theirs) == plain_name(self.codec) else None
        source, _ = load_link(label, channel, shape, name=own)
        missing = store.transfer(source, self.links[0])
        if len(missing) == len(self.links[0].weights):
            raise ValueError(
                f"start_from {str(label)!r} has nothing in common with the codec: "
                "leave it out, or name weights of such a codec"
            )
        if missing:
            parts = dict.fromkeys("/".join(path.split("/")[:2]) for path in missing)
            print(f"not in {label}, start anew: {', '.join(parts)}")
        return start

    @property
    def source_shape(self):
        """Height, width, colours of the images; places for tokens of texts."""
        return tuple(self.data.exact.shape[1:])

    @property
    def checkpoint(self):
        """Path of the checkpoint."""
        return self._checkpoint.path

    @property
    def num_weights(self):
        """Numbers of the link that its tasks move."""
        return sum(int(np.prod(v.shape)) for v in self.moved)

    @property
    def num_samples(self):
        """Images, or texts, that are trained on."""
        images = self.data_identity
        return images["training_images"] + images.get("large_training_images", 0)

    @property
    def samples_per_step(self):
        """Images, or texts, that one step sees."""
        return self.recipe.batch_size * len(self.tasks)

    def fit(self, progress=True, restart=False):
        """Trains to the end, or to Ctrl-C.

        Ctrl-C lets the step end and writes a checkpoint of it: nothing is lost, and a
        run that is resumed there ends as if it had not been interrupted.

        Parameters
        ----------
        progress : `bool`, (default `True`)
            Show a bar

        restart : `bool`, (default `False`)
            Overwrite checkpoint and weights of an earlier run

        Output
        ------
        : `Path`
            The JSON of the best weights

        Raises
        ------
        FileExistsError
            If there are a checkpoint or weights that this run neither resumed nor may
            overwrite.

        OSError
            If another process trains under the label.

        ValueError
            If the loss is no longer finite; the last checkpoint is kept.

        KeyboardInterrupt
            After Ctrl-C.
        """
        with held_label(self.checkpoint):
            return self._fit(progress, restart)

    def _fit(self, progress, restart):
        if not (self.step or restart):
            files = store.files_of(self.folder, self.label)
            self._checkpoint.refuse_overwriting(*files)
        if not self.step:  # what is there belongs to another run
            self.checkpoint.unlink(missing_ok=True)
        log = scalar_logger(self.folder / "logs" / self.label)
        self._validation_inputs  # drawn before a thread draws fades  # noqa: B018
        batches = self.batches.ahead(self.step, self.recipe.steps)
        told = self.step + LOG_STEPS  # how long it will take, long before a validation
        clock = Clock(self.samples_per_step)
        bar = tqdm(
            total=self.recipe.steps,
            initial=self.step,
            unit="step",
            disable=None if progress else True,
        )
        with bar, contextlib.closing(batches), held_interrupt() as pressed:
            for _ in range(self.step, self.recipe.steps):
                with clock.waiting():
                    batch = next(batches)
                loss = self.step_fns[self.step % len(self.step_fns)](*batch)
                self.step += 1
                if clock.first is None:  # the first steps compile
                    clock.restart(self.step)
                bar.update()
                last = self.step == self.recipe.steps
                due = self.step % self.recipe.checkpoint_steps == 0 or last
                stop = pressed() and not last
                if due or stop or self.step % LOG_STEPS == 0:
                    log("loss", self._checked(loss), self.step)
                if self.step == told and not due:
                    bar.write(clock.time_left(self.step, self.recipe.steps))
                if due:
                    speed = clock.speed(self.step)
                    figures = self.validate()
                    for name, value in log_values(self.tasks, figures):
                        log(name, value, self.step)
                    is_best = self._keep(figures)
                    self.save_checkpoint()
                    mark = " (best)" if is_best else ""
                    line = brief(self.tasks, figures)
                    bar.write(f"step {self.step}: {line}{mark}, {speed}")
                    clock.restart(self.step)
                elif stop:
                    self.save_checkpoint()
                if stop:
                    raise KeyboardInterrupt
        return self.folder / f"{self.label}.json"

    def validate(self):
        """Figures of the averaged weights on what is held out, a `dict` per task."""
        with self.average.applied():
            return {
                task.name: task.validate(forward, self.data, self.recipe, inputs)
                for task, forward, inputs in zip(
                    self.tasks, self.forward, self._validation_inputs, strict=True
                )
            }

    @cached_property
    def _validation_inputs(self):
        """Fades and noise of the validation, the same every time, for each task."""
        return [task.validation_inputs(self.data, self.recipe) for task in self.tasks]

    def _keep(self, figures):
        """Notes a validation; saves the averaged weights if they are the best."""
        self.history.append({"step": self.step, **figures})
        encoder, shape = self.links[0].encoder, self.source_shape
        score = float(
            np.mean([t.score(figures[t.name], encoder, shape) for t in self.tasks])
        )
        if score <= self.best["score"]:
            return False
        self.best = {"step": self.step, "score": round(score, 4)}
        record = {
            "config": self.config,
            "tasks": self._described_tasks(),
            "start_from": self.start_from,
            "command": self.command,
            "recipe": asdict(self.recipe),
            "steps_done": self.step,
            "data": self.data.provenance | self.data_identity,
            "validation": figures,
            "versions": {**software_versions(), "device": device()},
        }
        with self.average.applied():
            store.save(self.links[0], self.folder, self.label, record)
        return True

    def save_checkpoint(self):
        """All state of the run, in one replaced file, and the history beside it."""
        history = json.dumps(self.history, indent=1)
        self._checkpoint.save(self.step, best=json.dumps(self.best), history=history)
        (self.folder / f"{self.label}.history.json").write_text(history + "\n")

    def resume(self, options=None):
        """Goes on from the checkpoint, bit for bit on a CPU.

        Parameters
        ----------
        options : `dict` of `str` -> `str`, optional
            Name of a value -> the option that sets it, for the message

        Raises
        ------
        FileNotFoundError
            If there is none.

        ValueError
            If it is broken, or of other images, another configuration, link, recipe,
            start or Keras backend; what differs is named.
        """
        try:
            stored = self._checkpoint.load("best", "history", options=options)
        except BrokenCheckpointError as error:
            raise ValueError(f"{error}{self._best_weights_left()}") from error
        self.step, best, history = stored
        self.best, self.history = json.loads(best), json.loads(history)

    def _best_weights_left(self):
        """Words of the weights that a run without a checkpoint may start from."""
        if not all(path.is_file() for path in store.files_of(self.folder, self.label)):
            return ""
        best = self.folder / self.label
        try:
            store.whole_weights(best)
        except ValueError:
            return ""
        return (
            "; the best weights are whole: take them up with --start-from "
            f"{best} and another --label"
        )

    def _state(self):
        """Variables that a run goes on from, with those of random layers."""
        model = self.links[0].variables
        beside = [v for task in self.tasks for v in task.variables]
        optimizers = [v for optimizer in self.optimizers for v in optimizer.variables]
        return [*model, *beside, *optimizers, *self.average.variables]

    def _described_tasks(self):
        return [{**task.describe(), **task.channel.describe()} for task in self.tasks]

    def _identity(self):
        """What fixes the numbers of a run, under the names of its options."""
        return {
            "system": self.codec,
            "codec_config": {k: self.config[k] for k in ("encoder", "decoder")},
            "together_with": self._described_tasks(),
            **asdict(self.recipe),
            "start_from": self._start,
            "data": self.data_identity,
            "backend": keras.backend.backend(),
        }

    def _checked(self, loss):
        loss = float(loss)
        # A loss scale finds its size by overflows, whose steps it leaves out.
        if not np.isfinite(loss) and self.recipe.precision != "mixed_float16":
            kept = "no checkpoint was written yet"
            if self.checkpoint.is_file():
                kept = "the last checkpoint is kept"
            raise ValueError(
                f"the loss is {loss} after {self.step} steps; {kept}: lower the "
                "learning rate with --learning-rate, and where that does not help look "
                "for a logarithm, root or division in the codec that meets a zero"
            )
        return loss


class Phase(NamedTuple):
    """What the steps of a phase do over one link.

    Attributes
    ----------
    loss : `callable`
        Of the link and the inputs of the task, a real scalar

    variables : list of `keras.Variable`
        What it trains
    """

    loss: Callable
    variables: list


def _phases(task, link):
    return [Phase(partial(loss, link), own) for loss, own in task.phases(link)]


def _summed(tasks, phase, *inputs):
    """Loss of a phase over all tasks; inputs: those of each, one after the other."""
    loss, start = 0.0, 0
    for task, part in zip(tasks, phase, strict=True):
        loss = loss + part.loss(*inputs[start : start + task.num_inputs])
        start += task.num_inputs
    return loss


def _distinct(variables):
    """Each once, in their order: the links of a run share their codec."""
    return list({id(variable): variable for variable in variables}.values())


def _channel_of(config, channel):
    """The channel, or where a codec's antennas are others one of theirs, over which its
    weights can be read."""
    antennas = config.get("num_rx_ant"), config.get("num_tx_ant")
    if None in antennas or antennas == (channel.num_rx_ant, channel.num_tx_ant):
        return channel
    framing = Framing(channel.framing.num_symbols, antennas[1])
    return EqualizedOFDMChannel(BlockRayleigh(*antennas), framing, PerfectCSI())
