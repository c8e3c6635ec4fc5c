"""VLM-CSC as what learns: a step for its channel codec, one for its semantic codec."""

from dataclasses import asdict
from functools import partial

import numpy as np
from keras import ops

from link_models.codecs import CODECS, build_link
from link_models.training.data import draw_link
from link_models.training.recipe import make_optimizer
from link_models.training.tasks.caption import token_rows
from link_models.training.weight_average import WeightAverage
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.phy.knowledge import SnrRange
from semcom_phy.seeding import private_streams

CODEC = "vlm_csc"
_BLOCK = 100  # captions at a time


class CaptionLearner:
    """A caption codec that is trained step by step on whatever it is given.

    Every step trains twice on the same captions, fades and noise: the channel codec by
    mutual information, then the semantic codec by cross-entropy. The learning rate
    stays where it is after its rise, as nobody knows when the last domain has come.

    Parameters
    ----------
    task : :class:`~link_models.training.tasks.caption.CaptionTask`
        The link, and the losses

    recipe : :class:`~link_models.training.recipe.Recipe`
        Batch size, optimiser, SNRs, seed

    config : `dict`, optional
        Constructor arguments of encoder and decoder
    """

    def __init__(self, task, recipe, config=None):
        self.task, self.recipe, self.config = task, recipe, config or {}
        told = SnrRange(recipe.min_snr_db, recipe.max_snr_db)
        configs = dict(self.config), dict(self.config)
        with private_streams(recipe.seed):
            self.link = build_link(CODECS[CODEC], configs, task.channel, snr_range=told)
        trained = self.link.trainable_variables
        self._average = WeightAverage(trained, recipe.average_decay)
        self._steps, self._optimizers = {}, []
        phases = task.phases(self.link)
        for name, (loss, own) in zip(("channel", "semantic"), phases, strict=True):
            self._optimizers.append(make_optimizer(recipe, floor=1.0))
            self._steps[name] = train_step_fn(
                partial(loss, self.link),
                own,
                self._optimizers[-1],
                jit=task.channel.channel_model.is_flat,
                after_update=self._average.update if name == "semantic" else None,
                clip_norm=recipe.clip_norm,
            )
        self._forward = compile_fn(partial(task.forward, self.link))
        self._mean_features = compile_fn(self._mean_of_tokens)

    @property
    def variables(self):
        """What a run goes on from, list of `keras.Variable`."""
        optimizers = [v for one in self._optimizers for v in one.variables]
        return [
            *self.link.variables,
            *self.task.variables,
            *optimizers,
            *self._average.variables,
        ]

    def describe(self):
        """Plain values that fix what is learned, and how."""
        return {
            "codec": CODEC,
            "codec_config": self.config,
            "link": {**self.task.describe(), **self.task.channel.describe()},
            "recipe": asdict(self.recipe),
        }

    def learn(self, texts, seed):
        """A step on captions.

        Input
        -----
        texts : list of [batch] `str`

        seed : `int`
            Of SNRs, fades and noise

        Output
        ------
        : `dict` of `str` -> `float`
            Losses before the step, ``channel`` and ``semantic``
        """
        rng = np.random.default_rng(seed)
        inputs = self.task.inputs(token_rows(texts), self.recipe, rng)
        inputs = [ops.convert_to_tensor(value) for value in inputs]
        return {name: float(step(*inputs)) for name, step in self._steps.items()}

    def features(self, texts):
        """What the memory compares: the mean over the tokens of the semantic encoder's
        output, at the middle of the SNRs.

        Input
        -----
        texts : list of [n] `str`

        Output
        ------
        : [n, width], `float32`
        """
        return _in_blocks(self._mean_features, token_rows(texts))

    def receive(self, texts, snr_db, seed):
        """What arrives of captions; how many tokens a caption has arrives for sure.

        Input
        -----
        texts : list of [n] `str`

        snr_db : `float`
            [dB]

        seed : `int`
            Of fades and noise: the same for the same number of captions

        Output
        ------
        : list of [n] `str`
        """
        rng = np.random.default_rng(seed)

        def sent(tokens):
            told = ops.full((_BLOCK,), float(snr_db))
            h, noise = draw_link(self.task.channel, _BLOCK, rng)
            return self._forward(tokens, told, h, ops.convert_to_tensor(noise))

        with self._average.applied():
            rows = _in_blocks(sent, token_rows(texts))
        return [caption_tokens().decode(row) for row in rows.tolist()]

    def _mean_of_tokens(self, tokens):
        middle = (self.recipe.min_snr_db + self.recipe.max_snr_db) / 2
        told = ops.full((tokens.shape[0],), middle)
        features, mask = self.link.encoder.features(tokens, told)
        count = ops.sum(mask, axis=1, keepdims=True)
        return ops.sum(features * mask[..., None], axis=1) / count


def _in_blocks(function, rows):
    """A function of blocks of one size applied to all rows, the last one filled up."""
    blocks = []
    for start in range(0, len(rows), _BLOCK):
        block = np.resize(rows[start : start + _BLOCK], (_BLOCK, rows.shape[1]))
        blocks.append(ops.convert_to_numpy(function(ops.convert_to_tensor(block))))
    return np.concatenate(blocks)[: len(rows)]
