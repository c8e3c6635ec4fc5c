"""VLM-CSC: a picture's caption through a text codec that heeds the SNR.

F. Jiang, C. Tang, L. Dong, K. Wang, K. Yang, C. Pan, "Visual language model based
cross-modal semantic communication systems", IEEE Trans. Wireless Commun. 2025,
arXiv:2407.00020.

    picture --captioner--> tokens --> [ semantic encoder ] --> [ channel encoder ] --z
                                         3 x (transformer, NAM)   2 x (dense, NAM)   |
    number of tokens --> short polar-coded message                 PowerNormalization
                                  |                          --> EqualizedOFDMChannel
                                  v                                    | x_hat, no_eff
    picture_hat <--generator-- words <-- [ semantic decoder ] <-- [ channel decoder ]
                                         word by word

Chain            : an analogue segment of num_tokens x symbols_per_token symbols, and a
                   digital one with num_tokens
Bandwidth        : 8 (or 4) complex symbols per token; a word of the vocabulary is one
                   token, any other one its bytes and one more
Known at encoder : average SNR [dB]
Known at decoder : SNR measured on the pilots [dB], no_eff, num_tokens
Trained with     : channel codec by mutual information, semantic codec by cross-entropy,
                   in turn (:mod:`link_models.training.tasks.caption`)

Differences from the paper
--------------------------
* The paper sends what its channel encoder's second layer of 128 neurons gives, so
  perhaps 128 reals a token; here a linear layer leads from 128 to 2 x 8 reals.
* NAM: see :class:`~semcom_phy.layers.adaptation.noise_attention.NoiseAttention` for a
  fifth layer.
* The word that is decoded is told, beside the word before it, the received features at
  its own place: token i of the memory belongs to word i, as their number is sent.
* Words have vectors of 64 numbers, a matrix leads to 128; the logits use the same
  vectors. Half the weights.
* Words outside the vocabulary are spelled, byte by byte; the paper says nothing.
* The size of the feed-forward branches is not given: 256.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.language.caption_tokens import (
    BEGIN,
    MOST_TOKENS,
    caption_tokens,
    spelled_bytes,
)
from semcom_phy.layers.adaptation.noise_attention import NoiseAttention
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.text_transformer import (
    TextDecoderLayer,
    TextEncoderLayer,
    sinusoidal_positions,
)
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

CHANNEL_UNITS = (256, 128)


def token_mask(num_tokens, room):
    """1 for tokens, 0 behind them: [batch] `int32` -> [batch, room] `float32`."""
    place = ops.arange(room, dtype="int32")[None]
    return ops.cast(place < ops.cast(num_tokens, "int32")[:, None], "float32")


class _CaptionHalf(keras.layers.Layer):
    """What encoder and decoder have in common: sizes, word vectors, NAMs."""

    def __init__(
        self,
        num_words=4111,
        symbols_per_token=8,
        width=128,
        word_width=64,
        num_layers=3,
        num_heads=8,
        hidden=256,
        noise_attention=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (
            ("num_words", num_words),
            ("symbols_per_token", symbols_per_token),
            ("num_layers", num_layers),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, received {value}.")
        self.num_words = num_words
        self.symbols_per_token = symbols_per_token
        self.width = width
        self.word_width = word_width
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden = hidden
        self.noise_attention = noise_attention
        self.words = keras.layers.Embedding(
            num_words,
            word_width,
            embeddings_initializer=keras.initializers.RandomNormal(
                stddev=word_width**-0.5
            ),
            name="words",
        )
        self.widen = Dense(width, name="widen")

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {}

    def attention(self, name):
        """A NAM, or nothing in its place."""
        return NoiseAttention(name=name) if self.noise_attention else None

    def build_transformer(self):
        """Builds word vectors, layers and NAMs; returns the shape of the features."""
        self.words.build((None, None))
        self.widen.build((None, None, self.word_width))
        shape = (None, None, self.width)
        for layer, attention in zip(self.layers_, self.attentions, strict=True):
            layer.build(shape)
            if attention is not None:
                attention.build(shape)
        return shape

    def embed(self, tokens):
        """Vectors of tokens, without their places: [batch, room, width]."""
        return self.widen(self.words(tokens) * self.word_width**0.5)

    def reduced_precision_layers(self):
        return []

    def get_config(self):
        return {
            **super().get_config(),
            "num_words": self.num_words,
            "symbols_per_token": self.symbols_per_token,
            "width": self.width,
            "word_width": self.word_width,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden": self.hidden,
            "noise_attention": self.noise_attention,
        }


def _heed(attention, x, snr_db):
    """The features behind a NAM, if there is one."""
    return x if attention is None else attention(x, snr_db)


class _ChannelStack(keras.layers.Layer):
    """Dense layers, each followed by a NAM, and a linear one at the end."""

    def __init__(self, units, outputs, noise_attention, **kwargs):
        super().__init__(**kwargs)
        self.dense_layers = [
            Dense(n, activation="relu", name=f"dense_{i}") for i, n in enumerate(units)
        ]
        self.attentions = [
            NoiseAttention(name=f"attention_{i}") if noise_attention else None
            for i in range(len(units))
        ]
        self.last = Dense(outputs, name="last")

    def build(self, x_shape, *others):
        shape = tuple(x_shape)
        for layer, attention in zip(self.dense_layers, self.attentions, strict=True):
            layer.build(shape)
            shape = (*shape[:-1], layer.units)
            if attention is not None:
                attention.build(shape)
        self.last.build(shape)

    def call(self, x, snr_db):
        for layer, attention in zip(self.dense_layers, self.attentions, strict=True):
            x = _heed(attention, layer(x), snr_db)
        return self.last(x)


@keras.saving.register_keras_serializable(package="semcom_phy")
class VlmCscEncoder(_CaptionHalf, SemanticEncoder):
    """Tokens of a caption to complex symbols of any power.

    Parameters
    ----------
    num_words : `int`, (default 4111)
        Tokens that there are, :func:`~semcom_phy.language.caption_tokens`

    symbols_per_token : `int`, (default 8)
        Complex symbols

    width, word_width : `int`, (default 128, 64)
        Features of a token inside; of the table of word vectors

    num_layers, num_heads, hidden : `int`, (default 3, 8, 256)
        Of the transformer

    noise_attention : `bool`, (default `True`)
        With NAMs; without them the SNR is not used

    Input of `encode`
    -----------------
    source : [batch, room], `int32`
        Tokens, 0 behind the last one
    """

    sends_images = False
    sends_text = True
    trained_bytes = frozenset(range(256))  # that can be spelled
    side_values = MOST_TOKENS + 1  # how many tokens there are
    # A caption takes about 100 symbols: a message that is lost less often would cost
    # as many under fading.
    side_error_rate = 1e-2

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.layers_ = [
            TextEncoderLayer(self.num_heads, self.hidden, name=f"layer_{i}")
            for i in range(self.num_layers)
        ]
        self.attentions = [
            self.attention(f"attention_{i}") for i in range(self.num_layers)
        ]
        self.channel_encoder = _ChannelStack(
            CHANNEL_UNITS,
            2 * self.symbols_per_token,
            self.noise_attention,
            name="channel_encoder",
        )

    @property
    def source_shape(self):
        """(places for tokens,) : the most; fewer will do."""
        return (MOST_TOKENS,)

    def build(self, source_shape):
        self.channel_encoder.build(self.build_transformer())

    def use_record(self, record):
        if record["data"]["words_sha256"] != caption_tokens().sha256:
            raise ValueError(
                f"weights {record['label']!r} were trained with another vocabulary: "
                "they know words by their number; restore semcom_phy/language/words.txt"
                ", or train others"
            )
        self.trained_bytes = frozenset(record["data"]["spelled_bytes"])

    def check_tokens(self, tokens, caption):
        """Refuses bytes that its training never spelled: they would come out wrong.

        Input
        -----
        tokens : list of `int`

        caption : `str`
            Whose they are, for the message

        Raises
        ------
        ValueError
            With the caption and what can be done.
        """
        if self.trained_bytes.issuperset(spelled_bytes(tokens)):
            return
        raise ValueError(
            f"the caption {caption!r} has letters that the training of these weights "
            "never spelled: leave it out, send it with text_polar, or train weights on "
            "such captions with train --data"
        )

    def check_rate(self, num_symbols):
        if num_symbols % self.symbols_per_token:
            raise ValueError(
                f"a frame of {num_symbols} symbols does not hold a whole number of "
                f"tokens of {self.symbols_per_token} symbols: choose another cbr"
            )

    def features(self, source, snr_db):
        """Semantic features, [batch, room, width], and the mask of the tokens."""
        mask = ops.cast(source > 0, "float32")
        room = source.shape[1]
        x = self.embed(source) + sinusoidal_positions(room, self.width)
        for layer, attention in zip(self.layers_, self.attentions, strict=True):
            x = _heed(attention, layer(x, mask[:, None]), snr_db)
        return x, mask

    def encode(self, source, known, uniform=None):
        features, mask = self.features(source, known.snr_db)
        reals = self.channel_encoder(features, known.snr_db)
        reals = reals * mask[..., None]
        z = ops.view_as_complex(ops.reshape(reals, (ops.shape(source)[0], -1, 2)))
        num_tokens = ops.cast(ops.sum(mask, axis=1), "int32")
        count = num_tokens * self.symbols_per_token
        return Packet(Analogue(z, count), num_tokens, features)

    def side_to_bytes(self, side):
        return [int(number).to_bytes(1, "big") for number in side]

    def figures(self, packet):
        return {"num_tokens": packet.side}


@keras.saving.register_keras_serializable(package="semcom_phy")
class VlmCscDecoder(_CaptionHalf, SemanticDecoder):
    """Received symbols to words; parameters as :class:`VlmCscEncoder`.

    :meth:`decode` gives the features of the channel decoder, [batch, room, width];
    :meth:`word_logits` and :meth:`read` make words of them.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.channel_decoder = _ChannelStack(
            CHANNEL_UNITS[::-1],
            self.width,
            self.noise_attention,
            name="channel_decoder",
        )
        self.layers_ = [
            TextDecoderLayer(self.num_heads, self.hidden, name=f"layer_{i}")
            for i in range(self.num_layers)
        ]
        self.attentions = [
            self.attention(f"attention_{i}") for i in range(self.num_layers)
        ]
        self.narrow = Dense(self.word_width, name="narrow")

    def build(self, x_hat_shape):
        self.channel_decoder.build((None, None, 3 * self.symbols_per_token))
        self.narrow.build(self.build_transformer())
        self.word_bias = self.add_weight(
            name="word_bias", shape=(self.num_words,), initializer="zeros"
        )

    def side_from_bytes(self, payloads):
        return np.array([int.from_bytes(p, "big") for p in payloads], np.int32)

    def count_symbols(self, side, known):
        return ops.cast(side, "int32") * self.symbols_per_token

    def decode(self, received, known, training=False):
        most = MOST_TOKENS * self.symbols_per_token
        z_hat, no_eff = received.z_hat[:, :most], received.no_eff[:, :most]
        error = no_eff / (1.0 + no_eff)
        estimate = ops.view_as_real(z_hat) / (1.0 + no_eff)[..., None]
        per_token = 3 * self.symbols_per_token
        told = ops.concatenate([estimate, error[..., None]], axis=-1)
        told = ops.reshape(told, (ops.shape(error)[0], -1, per_token))
        mask = token_mask(received.side, told.shape[1])
        memory = self.channel_decoder(told * mask[..., None], known.snr_db)
        return Delivered(features=memory, details=(mask, known.snr_db))

    def word_logits(self, delivered, previous):
        """Logits of every word, each with the true words before it.

        Input
        -----
        delivered : of :meth:`decode`

        previous : [batch, room], `int32`
            The token before each; ``BEGIN`` before the first

        Output
        ------
        : [batch, room, num_words], `float32`
        """
        mask, snr_db = delivered.details
        room = previous.shape[1]
        memory = self._placed(delivered.features)
        x = self.embed(previous) + memory
        causal = ops.tril(ops.ones((1, room, room)))
        for layer, attention in zip(self.layers_, self.attentions, strict=True):
            past, kept = layer.own.project(x), layer.other.project(memory)
            x = layer(x, past, causal, kept, mask[:, None])
            x = _heed(attention, x, snr_db)
        return self._logits(x)

    def read(self, delivered):
        """The most likely word after word, each given those before it.

        Input
        -----
        delivered : of :meth:`decode`

        Output
        ------
        : [batch, room], `int32`
            Tokens, 0 behind the last one
        """
        mask, snr_db = delivered.details
        memory = self._placed(delivered.features)
        kept = [layer.other.project(memory) for layer in self.layers_]
        room = memory.shape[1]
        place = ops.arange(room, dtype="int32")

        def step(i, state):
            tokens, previous, *past = state
            here = ops.cast(place == i, "float32")[None, :, None]
            x = self.embed(previous)
            x = x + ops.sum(memory * here, axis=1, keepdims=True)
            seen = ops.cast(place <= i, "float32")[None, None]
            kept_past = []
            for n, layer in enumerate(self.layers_):
                new = layer.own.project(x)
                both = [
                    old + here * (one - old)
                    for old, one in zip(past[2 * n : 2 * n + 2], new, strict=True)
                ]
                kept_past += both
                x = layer(x, both, seen, kept[n], mask[:, None])
                x = _heed(self.attentions[n], x, snr_db)
            word = ops.cast(ops.argmax(self._logits(x), axis=-1), "int32")
            tokens = ops.where((place == i)[None], word, tokens)
            return (tokens, word, *kept_past)

        tokens = ops.zeros_like(ops.cast(mask, "int32"))
        first = ops.full_like(tokens[:, :1], BEGIN)
        empty = [ops.zeros_like(memory)] * (2 * self.num_layers)
        longest = ops.cast(ops.max(ops.sum(mask, axis=1)), "int32")
        tokens, *_ = ops.fori_loop(0, longest, step, (tokens, first, *empty))
        return tokens * ops.cast(mask, "int32")

    def _placed(self, features):
        return features + sinusoidal_positions(features.shape[1], self.width)

    def _logits(self, x):
        vectors = ops.transpose(self.words.embeddings)
        return ops.matmul(self.narrow(x), vectors) + self.word_bias
