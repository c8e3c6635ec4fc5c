"""Training VLM-CSC: channel codec and semantic codec in turn, over one link.

    tokens --> semantic encoder --f--> channel codec over the link --f_hat--> words
                                '-- phase 1: more of I(f; f_hat) --'            |
    '---------------------- phase 2: less cross-entropy ------------------------'

As in the paper. It says that the first phase minimises the mutual information; less
information would be less text, so that it is maximised here, as in DeepSC.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from link_models.training.data import described_images, draw_link
from link_models.training.shown_figure import TOKEN_ACCURACY
from link_models.training.tasks.mutual_information import MutualInformationCritic
from semcom_phy.language.caption_tokens import (
    BEGIN,
    PAD,
    caption_tokens,
    spelled_bytes,
)
from semcom_phy.seeding import derived_seed

ROOM = 32  # tokens of the longest caption that is trained on
NUM_VALIDATION = 512
FORGOTTEN = 0.15  # share of the words before that a word is not told in training


@dataclass(frozen=True)
class CaptionData:
    """Captions as tokens.

    Parameters
    ----------
    exact : [n, room], `int32`
        To train on; 0 behind the last token

    validation : [m, room], `int32`
        Held out

    provenance : `dict`
    """

    exact: np.ndarray
    validation: np.ndarray
    provenance: dict

    copies = ()

    def identity(self):
        """What tells these captions from others."""
        return described_images(self, self.exact, self.validation)


def token_rows(texts, room=ROOM):
    """Texts as rows of tokens, those left out that have more than ``room``.

    Input
    -----
    texts : sequence of `str`

    Output
    ------
    : [at most as many, room], `int32`
    """
    tokens = map(caption_tokens().encode, texts)
    rows = [own + [PAD] * (room - len(own)) for own in tokens if len(own) <= room]
    return np.array(rows, np.int32).reshape(-1, room)


def caption_data(texts, source, num_validation=NUM_VALIDATION):
    """:class:`CaptionData` of texts, the last of which are held out.

    Parameters
    ----------
    texts : sequence of `str`
        Those of a picture side by side

    source : `str`
        Where they are from
    """
    rows = token_rows(texts)
    held = min(num_validation, len(rows) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 captions, got {len(rows)}")
    left_out = len(texts) - len(rows)
    about = {
        "source": source,
        "left_out": f"{left_out} captions of more than {ROOM} tokens",
        "words_sha256": caption_tokens().sha256,
        "spelled_bytes": spelled_bytes(np.unique(rows[:-held]).tolist()),
    }
    return CaptionData(rows[:-held], rows[-held:], about)


@dataclass(frozen=True)
class CaptionTask:
    """One link to train over.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The link; its frame holds ``ROOM`` tokens

    critic : `MutualInformationCritic`
        Of the bound on the mutual information

    validation_snr_db : `tuple` of `float`
        Where it is validated [dB]

    joint : `bool`, (default `False`)
        The cross-entropy moves the channel codec, too. The paper freezes it in that
        phase
    """

    name: str
    channel: Any
    critic: MutualInformationCritic
    validation_snr_db: tuple
    joint: bool = False

    num_inputs = 5
    trains_choice = True
    shown = TOKEN_ACCURACY

    @property
    def variables(self):
        """What a checkpoint must hold beside the codec."""
        return self.critic.variables

    def describe(self):
        """Plain values for the record of the weights."""
        semantic = "all" if self.joint else "semantic codec"
        return {
            "name": self.name,
            "loss": {
                "channel codec": "minus the bound on mutual information (MINE)",
                semantic: "cross-entropy of the words",
                "turns": "one step each",
            },
        }

    def check(self, source_shape):
        """Refuses texts of another room than the frame has."""

    def fit_statistics(self, encoder, data):
        """There is no closed-form start."""

    def phases(self, link):
        """Loss and variables of the channel codec, then of the semantic codec."""
        encoder, decoder = link.encoder, link.decoder
        channel = [
            *encoder.channel_encoder.trainable_variables,
            *decoder.channel_decoder.trainable_variables,
        ]
        numbers = set() if self.joint else {id(variable) for variable in channel}
        rest = [v for v in link.trainable_variables if id(v) not in numbers]
        return [
            (self.information_loss, [*channel, *self.critic.trainable_variables]),
            (self.word_loss, rest),
        ]

    def batch(self, data, recipe, done, rng):
        """Inputs of both losses for one step.

        Output
        ------
        : `list`
            tokens and the tokens before them [batch, room] `int32`, some of these
            forgotten; snr_db [batch], h, noise
        """
        drawn = rng.integers(len(data.exact), size=recipe.batch_size)
        return self.inputs(data.exact[drawn], recipe, rng)

    def inputs(self, tokens, recipe, rng):
        """As :meth:`batch`, of given tokens, [batch, room] `int32`."""
        size = len(tokens)
        previous = previous_tokens(tokens)
        previous[rng.random(previous.shape) < FORGOTTEN] = PAD
        snr_db = rng.uniform(recipe.min_snr_db, recipe.max_snr_db, size)
        h, noise = draw_link(self.channel, size, rng)
        return [tokens, previous, snr_db.astype("float32"), h, noise]

    def information_loss(self, link, tokens, previous, snr_db, h, noise):
        """Minus the bound on what the channel codec lets pass, scalar `float32`."""
        packet, delivered = link.run(tokens, snr_db, h, noise, training=True)
        mask, _ = delivered.details
        features = ops.stop_gradient(packet.details)
        return -self.critic(features, delivered.features, mask)

    def word_loss(self, link, tokens, previous, snr_db, h, noise):
        """Mean cross-entropy of the words, scalar `float32` [nat]."""
        _, delivered = link.run(tokens, snr_db, h, noise, training=True)
        mask, _ = delivered.details
        logits = link.decoder.word_logits(delivered, previous)
        chosen = ops.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
        loss = ops.logsumexp(logits, axis=-1) - chosen
        return ops.sum(loss * mask) / ops.sum(mask)

    def forward(self, link, tokens, snr_db, h, noise):
        """What validation calls, compiled."""
        _, delivered = link.run(tokens, snr_db, h, noise)
        return link.decoder.read(delivered)

    def validation_inputs(self, data, recipe):
        """Fades and noise that all validations of a run share."""
        rng = np.random.default_rng(derived_seed(recipe.seed, "validation"))
        h, noise = draw_link(self.channel, len(data.validation), rng)
        return h, ops.convert_to_tensor(noise)

    def validate(self, forward, data, recipe, inputs):
        """Share of the tokens of the held-out captions that are right in their place.

        Output
        ------
        : `dict`
            "snr_db" and "token_accuracy", at ``validation_snr_db``
        """
        tokens, accuracy = data.validation, []
        for snr_db in self.validation_snr_db:
            told = ops.full((len(tokens),), float(snr_db))
            read = ops.convert_to_numpy(forward(_tensor(tokens), told, *inputs))
            right = (read == tokens)[tokens != PAD]
            accuracy.append(round(float(right.mean()), 5))
        return {"snr_db": list(self.validation_snr_db), self.shown.key: accuracy}

    def score(self, figures, encoder, source_shape):
        """Mean share of right tokens."""
        return float(np.mean(figures[self.shown.key]))


def previous_tokens(tokens):
    """The token before each, ``BEGIN`` before the first: [batch, room] `int32`."""
    first = np.full((len(tokens), 1), BEGIN, np.int32)
    return np.concatenate([first, tokens[:, :-1]], axis=1)


def _tensor(value):
    return ops.convert_to_tensor(value)
