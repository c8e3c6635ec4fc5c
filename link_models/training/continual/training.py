"""One run: domain after domain, with a memory or without.

    stream of new captions --> memory --batch--> learner (channel codec, semantic codec)
                                 ^                  |
                                 '--- features -----'      after each domain: texts
                                                           that arrive, of all domains

A round takes 500 new captions of the domain into the short-term memory, trains on
batches from both memories, and ends with the choice of what is remembered for long.
Runs with and without a memory see the same new captions in the same order and take as
many steps of the same batch size; without one, batches are of the last 500 alone.

What a step sees depends on (seed, step) and on what is remembered, so that a run goes
on from its checkpoint as if it had not been interrupted.
"""

import json
from dataclasses import asdict, dataclass

import keras
import numpy as np
from tqdm import tqdm

from link_models.training.checkpoint import Checkpoint, held_interrupt
from link_models.training.continual.memory import (
    LTM_SIZE,
    PRINTED_THRESHOLD,
    STM_SIZE,
    TAU,
    Memory,
)
from semcom_phy.checks import check_integer, check_number
from semcom_phy.seeding import derived_seed
from semcom_phy.snr import SNR_RANGE_DB

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Plan:
    """How long and how much; stored with the results.

    Parameters
    ----------
    rounds : `int`, (default 32)
        Of each domain

    steps_per_round : `int`, (default 50)
        Training steps

    batch_size : `int`, (default 64)
        Captions of a step

    stm_size, ltm_size : `int`, (default 500, 2000)
        Most samples of the memories; a round brings ``stm_size`` new captions

    tau : `float`, (default 10)
        Scale of the kernel

    test_captions : `int`, (default 200)
        Of each domain, at most; drawn once

    snr_db : `float`, (default 10)
        Of the test [dB]

    checkpoint_steps : `int`, (default 500)
        Steps between checkpoints

    seed : `int`, (default 0)
        Fixes start weights, stream, batches, fades and noise

    Raises
    ------
    ValueError
        If a value is out of its range.
    """

    rounds: int = 32
    steps_per_round: int = 50
    batch_size: int = 64
    stm_size: int = STM_SIZE
    ltm_size: int = LTM_SIZE
    tau: float = TAU
    test_captions: int = 200
    snr_db: float = 10.0
    checkpoint_steps: int = 500
    seed: int = 0

    def __post_init__(self):
        for name in (
            "rounds",
            "steps_per_round",
            "batch_size",
            "test_captions",
            "checkpoint_steps",
        ):
            check_integer(name, getattr(self, name), 1)
        check_integer("seed", self.seed, 0, 2**32 - 1)
        check_number("snr_db", self.snr_db, *SNR_RANGE_DB, "dB")

    @property
    def steps_per_domain(self):
        """Training steps, `int`."""
        return self.rounds * self.steps_per_round


class ContinualRun:
    """Trains a learner on domains, one after the other.

    Parameters
    ----------
    learner : :class:`~.learner.CaptionLearner`
        Or another one with ``variables``, ``describe()``, ``learn(texts, seed)``,
        ``features(texts)`` and ``receive(texts, snr_db, seed)``

    domains : sequence of :class:`~.domains.Domain`
        In their order

    plan : :class:`Plan`

    selection : :class:`~.memory.Selection` or `None`
        `None`: without a long-term memory

    checkpoint : path
        Where the run leaves what it has reached
    """

    def __init__(self, learner, domains, plan, selection, checkpoint):
        self.learner, self.domains, self.plan = learner, list(domains), plan
        self.memory = Memory(
            selection, plan.seed, plan.stm_size, plan.ltm_size, plan.tau
        )
        self._texts = [text for domain in self.domains for text in domain.training]
        sizes = [len(domain.training) for domain in self.domains]
        self._first = np.concatenate([[0], np.cumsum(sizes)])
        self.tested = [self._drawn(domain) for domain in self.domains]
        self.step = 0
        self.report = {"rounds": [], "received": []}
        self._checkpoint = Checkpoint(checkpoint, self.identity(), learner.variables)

    @property
    def num_steps(self):
        """Steps of the whole run, `int`."""
        return len(self.domains) * self.plan.steps_per_domain

    def resume(self, options=None):
        """Goes on from the checkpoint.

        Parameters
        ----------
        options : `dict` of `str` -> `str`, optional
            Name of a value -> the option that sets it, for messages

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is broken or of another run, by what differs.
        """
        stored = self._checkpoint.load("memory", "report", options=options)
        self.step, memory, report = stored
        self.memory.restore(json.loads(memory))
        self.report = json.loads(report)

    def fit(self, restart=False):
        """Trains to the end, or to Ctrl-C, which leaves a checkpoint.

        Parameters
        ----------
        restart : `bool`, (default `False`)
            Forget the checkpoint of an earlier run

        Output
        ------
        : `dict`
            ``rounds``: of every round the domain, its mean losses, how many samples
            were remembered, how many of each domain the long-term memory holds, and
            quantiles of R; ``received``: after each domain, of each domain, the texts
            that arrived

        Raises
        ------
        FileExistsError
            If there is a checkpoint that this run neither resumed nor may overwrite.

        ValueError
            If a loss is no longer finite; the last checkpoint is kept.

        KeyboardInterrupt
            After Ctrl-C.
        """
        if not (self.step or restart):
            self._checkpoint.refuse_overwriting()
        bar = tqdm(total=self.num_steps, initial=self.step, unit="step", disable=None)
        with bar, held_interrupt() as pressed:
            while self.step < self.num_steps:
                self._take_step()
                bar.update()
                last = self.step == self.num_steps
                stop = pressed() and not last
                if stop or last or self.step % self.plan.checkpoint_steps == 0:
                    self.save()
                if stop:
                    raise KeyboardInterrupt
        return self.report

    def save(self):
        """Writes a checkpoint."""
        state = {name: own.tolist() for name, own in self.memory.state().items()}
        notes = {"memory": json.dumps(state), "report": json.dumps(self.report)}
        self._checkpoint.save(self.step, **notes)

    def identity(self):
        """Plain values that fix the numbers of the run."""
        selection = self.memory.selection
        return {
            "learner": self.learner.describe(),
            "domains": [domain.describe() for domain in self.domains],
            "selection": selection and asdict(selection),
            **asdict(self.plan),
            "backend": keras.backend.backend(),
        }

    def _take_step(self):
        plan = self.plan
        domain, within = divmod(self.step, plan.steps_per_domain)
        number, within = divmod(within, plan.steps_per_round)
        if not within:
            self.memory.store(self._arrivals(domain, number))
            self.report["rounds"].append({"domain": domain, "losses": {}})
        seed = derived_seed(plan.seed, "step", self.step)
        batch = self.memory.draw(plan.batch_size, np.random.default_rng(seed))
        self._note_losses(self.learner.learn([self._texts[i] for i in batch], seed))
        self.step += 1
        if self.step % plan.steps_per_round == 0:
            self._end_round()
        if self.step % plan.steps_per_domain == 0:
            self.report["received"].append(self._receive())

    def _arrivals(self, domain, number):
        """New captions of a round: the domain's in a random order, then in another."""
        size, first = self.plan.stm_size, self._first[domain]
        count = len(self.domains[domain].training)
        epoch, place = np.divmod(number * size + np.arange(size), count)
        orders = {
            e: np.random.default_rng(
                derived_seed(self.plan.seed, "stream", domain, int(e))
            ).permutation(count)
            for e in np.unique(epoch)
        }
        return [first + orders[e][i] for e, i in zip(epoch, place, strict=True)]

    def _end_round(self):
        relevance, moved = self.memory.consolidate(
            lambda samples: self.learner.features([self._texts[i] for i in samples])
        )
        origin = np.searchsorted(self._first, self.memory.ltm, side="right") - 1
        held = np.bincount(origin, minlength=len(self.domains))
        entry = self.report["rounds"][-1]
        entry |= {"moved": moved, "ltm": held.tolist(), "relevance": None}
        if relevance is not None:
            found = np.quantile(relevance, QUANTILES).round(5).tolist()
            above = float(np.mean(relevance > PRINTED_THRESHOLD))
            entry["relevance"] = {"quantiles": found, "above_printed": above}

    def _receive(self):
        """Texts that arrive of every domain; the same fades and noise in all runs."""
        plan = self.plan
        return [
            self.learner.receive(
                [domain.test[i] for i in tested],
                plan.snr_db,
                derived_seed(plan.seed, "test", number),
            )
            for number, (domain, tested) in enumerate(
                zip(self.domains, self.tested, strict=True)
            )
        ]

    def _drawn(self, domain):
        """Numbers of the test captions that are sent."""
        rng = np.random.default_rng(derived_seed(self.plan.seed, "tested", domain.name))
        order = rng.permutation(len(domain.test))[: self.plan.test_captions]
        return sorted(order.tolist())

    def _note_losses(self, losses):
        """Running means over the steps of the round."""
        kept = self.report["rounds"][-1]["losses"]
        count = self.step % self.plan.steps_per_round
        for name, loss in losses.items():
            if not np.isfinite(loss):
                raise ValueError(
                    f"the {name} loss is {loss} after {self.step} steps: lower the "
                    "learning rate; the last checkpoint is kept"
                )
            kept[name] = (kept.get(name, 0.0) * count + float(loss)) / (count + 1)
