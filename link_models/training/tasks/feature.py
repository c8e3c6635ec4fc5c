r"""Training MMSemCom: which candidate is the picture's own, through the link.

    features of a picture --> encoder --> link --> values_hat --.
    features of copies of it and of others of its class          +--> cross-entropy
                                       --> encoder --> values --'

With the cosine of what arrived and every candidate's values as its logit,

.. math::
    L = -\frac{1}{B} \sum_i \log \frac{\exp(s \cos(\hat{v}_i, v_i))}
        {\sum_j \exp(s \cos(\hat{v}_i, v_j))}

for every part that has weights. The candidates stand for what a generator paints of
pictures that it has seen: copies without fine detail, with other errors.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from link_models.training.data import described_images, draw_link
from link_models.training.shown_figure import Shown
from semcom_phy.codecs.mmsemcom import TRAINED
from semcom_phy.seeding import derived_seed

SCALE = 16.0  # s, of the logits
SELECTED = Shown("selected", "of the candidates right", ".4f")


@dataclass(frozen=True)
class FeatureData:
    """Features of pictures and of copies of them.

    Parameters
    ----------
    exact, copied : [n, rows, width], `float16`
        As the encoder takes them: of every picture, and of its copy

    labels : [n], `int`
        Classes

    validation, validation_copied : [m, rows, width], `float16`
        Held out

    validation_labels : [m], `int`

    provenance : `dict`
    """

    exact: np.ndarray
    copied: np.ndarray
    labels: np.ndarray
    validation: np.ndarray
    validation_copied: np.ndarray
    validation_labels: np.ndarray
    provenance: dict

    copies = ()

    def identity(self):
        """What tells these features from others."""
        return described_images(
            self, self.exact, self.copied, self.validation, self.validation_copied
        )


@dataclass(frozen=True)
class FeatureTask:
    """One link to train over.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The link; its frame holds all parts that have weights, once

    places : `int`
        Rows of a source that are no prompts

    validation_snr_db : `tuple` of `float`
        Where it is validated [dB]
    """

    name: str
    channel: Any
    places: int
    validation_snr_db: tuple

    num_inputs = 5
    trains_choice = True
    shown = SELECTED
    variables = ()

    def describe(self):
        """Plain values for the record of the weights."""
        loss = f"cross-entropy of the own candidate among a batch of a class, s {SCALE}"
        return {"name": self.name, "loss": loss, "parts": list(TRAINED)}

    def check(self, source_shape):
        """Features are of any shape."""

    def fit_statistics(self, encoder, data):
        """There is no closed-form start."""

    def phases(self, link):
        """One: its loss, and what it moves."""
        return [(self.loss, link.trainable_variables)]

    def batch(self, data, recipe, done, rng):
        """Inputs of the loss: pictures of one class.

        Output
        ------
        : `list`
            features of pictures and of their copies [batch, rows, width], snr_db
            [batch], h, noise
        """
        label = rng.choice(np.unique(data.labels))
        of_class = np.flatnonzero(data.labels == label)
        size = recipe.batch_size
        drawn = rng.choice(of_class, size, replace=size > len(of_class))
        prompts = data.exact.shape[1] - self.places
        kept = self.places + rng.integers(1, prompts + 1)  # any number of prompts
        parts = []
        for rows in (data.exact, data.copied):
            part = rows[drawn].astype("float32")
            part[:, kept:] = 0
            parts.append(part)
        snr_db = rng.uniform(recipe.min_snr_db, recipe.max_snr_db, size)
        h, noise = draw_link(self.channel, size, rng)
        return [*parts, snr_db.astype("float32"), h, noise]

    def loss(self, link, source, copies, snr_db, h, noise):
        """Sum over the parts, scalar `float32` [nat]."""
        _, delivered = link.run(source, snr_db, h, noise, training=True)
        received = link.encoder.split(delivered.features)
        candidates = link.encoder.split(link.encoder.values(copies))
        own = ops.eye(ops.shape(source)[0])
        total = 0.0
        for part, values in received.items():
            logits = SCALE * cosines(values, candidates[part])
            likely = ops.sum(logits * own, axis=1) - ops.logsumexp(logits, axis=1)
            total = total - ops.mean(likely)
        return total

    def forward(self, link, source, copies, snr_db, h, noise):
        """What validation calls, compiled: cosines of what arrived with all candidates,
        [parts, batch, batch]."""
        _, delivered = link.run(source, snr_db, h, noise)
        received = link.encoder.split(delivered.features)
        candidates = link.encoder.split(link.encoder.values(copies))
        return ops.stack([cosines(v, candidates[part]) for part, v in received.items()])

    def validation_inputs(self, data, recipe):
        """Fades and noise that all validations of a run share."""
        rng = np.random.default_rng(derived_seed(recipe.seed, "validation"))
        h, noise = draw_link(self.channel, len(data.validation), rng)
        return h, ops.convert_to_tensor(noise)

    def validate(self, forward, data, recipe, inputs):
        """Share of the held-out pictures whose own candidate is the closest of all of
        their class, mean over the parts.

        Output
        ------
        : `dict`
            "snr_db", "selected", and of each part, at ``validation_snr_db``
        """
        source, copies = (
            ops.convert_to_tensor(rows.astype("float32"))
            for rows in (data.validation, data.validation_copied)
        )
        labels, shares = data.validation_labels, []
        others = labels[:, None] != labels
        for snr_db in self.validation_snr_db:
            told = ops.full((len(labels),), float(snr_db))
            close = np.array(
                ops.convert_to_numpy(forward(source, copies, told, *inputs))
            )
            close[:, others] = -np.inf
            right = close.argmax(-1) == np.arange(len(labels))
            shares.append(right.mean(1))
        shares = np.round(np.array(shares, float).T, 5)
        return {
            "snr_db": list(self.validation_snr_db),
            self.shown.key: shares.mean(0).round(5).tolist(),
            **dict(zip(TRAINED, shares.tolist(), strict=True)),
        }

    def score(self, figures, encoder, source_shape):
        """Mean share of candidates that are right."""
        return float(np.mean(figures[self.shown.key]))


def cosines(values, candidates):
    """Cosine of every row with every candidate, [batch, n] and [m, n] -> [batch, m]."""
    return ops.matmul(_direction(values), ops.transpose(_direction(candidates)))


def _direction(values):
    square = ops.sum(ops.square(values), axis=-1, keepdims=True)
    return values / ops.sqrt(square + 1e-12)
