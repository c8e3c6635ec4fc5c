"""Transformer layers over words: attention whose keys and values can be kept.

A. Vaswani et al., "Attention is all you need", NeurIPS 2017: residual branches, each
followed by a layer normalisation.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.layers.dense import Dense

_FAR = -1e9  # score of a word that is not to be seen


def sinusoidal_positions(length, width):
    """Positions as sines and cosines of falling frequencies.

    Parameters
    ----------
    length, width : `int`

    Output
    ------
    : [length, width], `float32`
        In [-1, 1]
    """
    position = np.arange(length)[:, None]
    angle = position / 10000 ** (np.arange(0, width, 2) / width)
    waves = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return ops.convert_to_tensor(waves.reshape(length, -1)[:, :width], "float32")


@keras.saving.register_keras_serializable(package="semcom_phy")
class WordAttention(keras.layers.Layer):
    """Multi-head attention in two steps, so that past keys and values can be kept.

    Parameters
    ----------
    num_heads : `int`
        Heads; they share the features

    Input
    -----
    x : [batch, queries, features], `float32`

    keys, values : [batch, words, features], `float32`
        Of :meth:`project`

    seen : [batch or 1, queries or 1, words], `float32`
        1 where a query may see a word

    Output
    ------
    y : [batch, queries, features], `float32`
    """

    def __init__(self, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads

    def build(self, x_shape, *others):
        width = x_shape[-1]
        if width % self.num_heads:
            raise ValueError(
                f"{width} features cannot be shared by {self.num_heads} heads"
            )
        for name in ("query", "key", "value", "output"):
            layer = Dense(width, name=name)
            layer.build(x_shape)
            setattr(self, f"{name}_layer", layer)

    def project(self, x):
        """Keys and values of words, [batch, words, features] each."""
        return self.key_layer(x), self.value_layer(x)

    def call(self, x, keys, values, seen):
        query, keys, values = map(self._heads, (self.query_layer(x), keys, values))
        scale = query.shape[-1] ** -0.5
        score = ops.matmul(query * scale, ops.transpose(keys, (0, 1, 3, 2)))
        score = score + (1.0 - seen[:, None]) * _FAR
        mixed = ops.matmul(ops.softmax(score, axis=-1), values)
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        return self.output_layer(ops.reshape(mixed, ops.shape(x)))

    def _heads(self, x):
        """[batch, words, features] -> [batch, heads, words, features per head]."""
        words, width = x.shape[1], x.shape[2]
        shape = (-1, words, self.num_heads, width // self.num_heads)
        return ops.transpose(ops.reshape(x, shape), (0, 2, 1, 3))

    def compute_output_shape(self, x_shape, *others):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}


class _Transformer(keras.layers.Layer):
    """What both kinds of layers have: a feed-forward branch and normalisations."""

    num_branches = 2

    def __init__(self, num_heads, hidden, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.hidden = hidden
        self.own = WordAttention(num_heads, name="own")
        self.expand = Dense(hidden, activation="relu", name="expand")
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, name=f"norm_{i}")
            for i in range(self.num_branches)
        ]

    def build(self, x_shape, *others):
        width = x_shape[-1]
        self.own.build(x_shape)
        self.expand.build(x_shape)
        self.contract = Dense(width, name="contract")
        self.contract.build((*x_shape[:-1], self.hidden))
        for norm in self.norms:
            norm.build(x_shape)

    def feed_forward(self, x):
        return self.norms[-1](x + self.contract(self.expand(x)))

    def compute_output_shape(self, x_shape, *others):
        return x_shape

    def get_config(self):
        config = {"num_heads": self.num_heads, "hidden": self.hidden}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="semcom_phy")
class TextEncoderLayer(_Transformer):
    """Every word sees every other.

    Parameters
    ----------
    num_heads, hidden : `int`
        Heads of the attention; neurons of the feed-forward branch

    Input
    -----
    x : [batch, words, features], `float32`

    seen : [batch, 1, words], `float32`
        1 for words, 0 for what stands behind them

    Output
    ------
    y : [batch, words, features], `float32`
        Layer-normalised
    """

    def call(self, x, seen):
        x = self.norms[0](x + self.own(x, *self.own.project(x), seen))
        return self.feed_forward(x)


@keras.saving.register_keras_serializable(package="semcom_phy")
class TextDecoderLayer(_Transformer):
    """A word sees those before it, and a memory of all.

    Parameters
    ----------
    num_heads, hidden : `int`
        As of :class:`TextEncoderLayer`

    Input
    -----
    x : [batch, queries, features], `float32`

    past : (keys, values), [batch, words, features] each
        Of ``own.project``: of the words up to now

    past_seen : [1, queries, words], `float32`
        1 where a query may see a word of the past

    memory : (keys, values), [batch, words, features] each
        Of ``other.project``

    seen : [batch, 1, words], `float32`
        1 where the memory holds a word

    Output
    ------
    y : [batch, queries, features], `float32`
        Layer-normalised
    """

    num_branches = 3

    def __init__(self, num_heads, hidden, **kwargs):
        super().__init__(num_heads, hidden, **kwargs)
        self.other = WordAttention(num_heads, name="other")

    def build(self, x_shape, *others):
        super().build(x_shape)
        self.other.build(x_shape)

    def call(self, x, past, past_seen, memory, seen):
        x = self.norms[0](x + self.own(x, *past, past_seen))
        x = self.norms[1](x + self.other(x, *memory, seen))
        return self.feed_forward(x)
