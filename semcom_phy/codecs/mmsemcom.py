"""MMSemCom: features and prompts of a picture, by which a receiver selects among
pictures that it has generated.

"Image generation with supervised selection based on multimodal features for semantic
communications".

    picture --CNN--> map --mean--> two dense layers --32--.
       |              '---keys, values--.                 +--> [ data ], analogue
       '--dual encoder--> prompts --queries--> fusion --64'         |
    class --> short polar-coded message --> [ side ]     EqualizedOFDMChannel
                                                                    |
    picture_hat <-- the closest candidate of the class <-- values_hat
                     ^ the same values of every candidate, made at the receiver

Chain            : an analogue segment of num_values / 2 complex symbols, and a digital
                   one with the class
Bandwidth        : sequential: 32 values and those of every prompt's vector; with three
                   prompts of CLIP 1,568, of the embedded dual encoder 800.
                   Simultaneous: 64
Known at encoder : nothing of the channel
Known at decoder : no_eff
Both ends hold   : CNN, dual encoder, list of prompts, generator and its seed
Trained with     : which candidate is the picture's own, through the link's noise
                   (:mod:`link_models.training.tasks.feature`)

Differences from the paper
--------------------------
* Every part is brought to unit mean square: power is normalised per picture, and the
  receiver is told no scale. All candidates lie at one distance from the origin, so that
  cosine and Euclidean distance, whose mean is taken, order them alike.
* The receiver gets the values as L-MMSE estimates, shrunk by 1 / (1 + no_eff).
* With the 32-vector as the only key, as the paper's text has it, attention would be 1
  everywhere; keys and values are the places of the CNN's last map.
* "plain": 64 values of the picture alone, in the place of the fused ones (without
  CLIP).
"""

import math

import keras
from keras import ops

from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.semantics.prompt_fusion import PromptFusion
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

SEQUENTIAL = ("image", "prompts")
SIMULTANEOUS = ("fused",)
IMAGE_ONLY = ("image",)
TEXT_ONLY = ("prompts",)
WITHOUT_CLIP = ("plain",)
TRAINED = ("image", "fused", "plain")  # those with weights
ALL_PARTS = (*TRAINED, "prompts")


class _Sizes(keras.layers.Layer):
    """What encoder and decoder have in common: how many values there are of what."""

    def __init__(
        self,
        cnn_width=1280,
        text_width=256,
        num_prompts=3,
        image_values=32,
        fused_values=64,
        hidden=128,
        num_heads=4,
        places=49,
        send=TRAINED,
        **kwargs,
    ):
        super().__init__(**kwargs)
        sizes = {
            "image": image_values,
            "fused": fused_values,
            "plain": fused_values,
            "prompts": num_prompts * text_width,
        }
        for name, value in (
            ("cnn_width", cnn_width),
            ("text_width", text_width),
            ("image_values", image_values),
            ("fused_values", fused_values),
        ):
            if value < 2 or value % 2:
                raise ValueError(f"{name} must be even and at least 2, got {value}.")
        if not 1 <= num_prompts <= 7:
            raise ValueError(f"num_prompts must be 1 to 7, got {num_prompts}.")
        if not send or any(part not in sizes for part in send):
            raise ValueError(f"send must name some of {', '.join(sizes)}, got {send}.")
        self.cnn_width = cnn_width
        self.text_width = text_width
        self.num_prompts = num_prompts
        self.image_values = image_values
        self.fused_values = fused_values
        self.hidden = hidden
        self.num_heads = num_heads
        self.places = places
        self.send = tuple(send)
        self.sizes = sizes
        self.part_sizes = {part: sizes[part] for part in self.send}

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {}

    @property
    def num_values(self):
        """Real values that are sent of a picture, `int`."""
        return sum(self.part_sizes.values())

    def split(self, values):
        """Values of every part, `dict` of name -> [..., size]."""
        parts, start = {}, 0
        for part, size in self.part_sizes.items():
            parts[part] = values[..., start : start + size]
            start += size
        return parts

    def get_config(self):
        return {
            **super().get_config(),
            "cnn_width": self.cnn_width,
            "text_width": self.text_width,
            "num_prompts": self.num_prompts,
            "image_values": self.image_values,
            "fused_values": self.fused_values,
            "hidden": self.hidden,
            "num_heads": self.num_heads,
            "places": self.places,
            "send": list(self.send),
        }


class _Narrow(keras.layers.Layer):
    """A spatial map to a few values: mean over the places, two dense layers."""

    def __init__(self, hidden, num_values, **kwargs):
        super().__init__(**kwargs)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.enter = Dense(hidden, activation="relu", name="enter")
        self.leave = Dense(num_values, name="leave")

    def build(self, maps_shape):
        width = maps_shape[-1]
        self.norm.build((None, width))
        self.enter.build((None, width))
        self.leave.build((None, self.enter.units))

    def call(self, maps):
        return self.leave(self.enter(self.norm(ops.mean(maps, axis=1))))


@keras.saving.register_keras_serializable(package="semcom_phy")
class MmsemcomEncoder(_Sizes, SemanticEncoder):
    """Features of a picture to complex symbols; any number of them: beyond those that
    the values take, they begin anew.

    Parameters
    ----------
    cnn_width, places : `int`, (default 1280, 49)
        Of the CNN's last map

    text_width : `int`, (default 256)
        Of the dual encoder's vectors

    num_prompts : `int`, 1 to 7, (default 3)
        The weights are the same for all

    image_values, fused_values : `int`, (default 32, 64)
        Of the image features and of the fused ones

    hidden, num_heads : `int`, (default 128, 4)
        Between the dense layers; of the fusion

    send : sequence of "image" | "prompts" | "fused" | "plain", (default: those with
    weights)
        What is sent, in this order. The weights are the same for all

    Input of `encode`
    -----------------
    source : [batch, places + num_prompts, max(cnn_width, text_width)], `float32`
        Rows of the map, then unit vectors of the prompts, filled up with zeros
    """

    sends_images = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.image = _Narrow(self.hidden, self.image_values, name="image")
        self.plain = _Narrow(self.hidden, self.fused_values, name="plain")
        self.fusion = PromptFusion(self.fused_values, self.num_heads, name="fusion")

    @property
    def source_shape(self):
        """(rows, width of a row)."""
        width = max(self.cnn_width, self.text_width)
        return (self.places + self.num_prompts, width)

    def build(self, source_shape):
        maps = (None, None, self.cnn_width)
        self.norm.build(maps)
        self.image.build(maps)
        self.plain.build(maps)
        self.fusion.build(maps, (None, None, self.text_width))

    def unpack(self, source):
        """Map [batch, places, cnn_width] and prompts [batch, num_prompts, text_width]
        of a source."""
        maps = source[:, : self.places, : self.cnn_width]
        return maps, source[:, self.places :, : self.text_width]

    def values(self, source):
        """What is sent of a picture: [batch, num_values], `float32`."""
        parts = self.parts(source)
        return ops.concatenate([parts[part] for part in self.send], axis=-1)

    def parts(self, source):
        """All parts of a picture, sent or not, or of a candidate.

        Input
        -----
        source : as of ``encode``

        Output
        ------
        : `dict` of name -> [batch, size], `float32`
            Of unit mean square
        """
        maps, prompts = self.unpack(source)
        parts = {
            "image": self.image(maps),
            "fused": self.fusion(self.norm(maps), prompts),
            "plain": self.plain(maps),
            "prompts": ops.reshape(prompts, (ops.shape(prompts)[0], -1)),
        }
        return {name: _unit(values) for name, values in parts.items()}

    def symbols(self, values, num_symbols):
        """[batch, num_values] `float32` -> [batch, num_symbols] `complex64`, two values
        in each, from the first one on and over again."""
        pairs = ops.reshape(values, (ops.shape(values)[0], self.num_values // 2, 2))
        z = ops.view_as_complex(pairs)
        times = math.ceil(num_symbols / z.shape[1])
        return ops.tile(z, (1, times))[:, :num_symbols]

    def encode(self, source, known, uniform=None):
        z = self.symbols(self.values(source), known.num_symbols)
        return Packet(Analogue(z))


@keras.saving.register_keras_serializable(package="semcom_phy")
class MmsemcomDecoder(_Sizes, SemanticDecoder):
    """Received symbols to values, [batch, num_values] `float32`; parameters as
    :class:`MmsemcomEncoder`. It has no weights.
    """

    def decode(self, received, known, training=False):
        each = self.num_values // 2
        num_symbols = received.z_hat.shape[1]
        times = math.ceil(num_symbols / each)
        missing = ((0, 0), (0, times * each - num_symbols))
        shape = (ops.shape(received.z_hat)[0], times, each)
        certain = ops.pad(1.0 / received.detected_no_eff, missing)
        certain = ops.reshape(certain, shape)
        z_hat = ops.reshape(ops.pad(received.z_hat, missing), shape)
        # Repetitions by their certainty, which adds up; then L-MMSE.
        total = ops.sum(certain, axis=1)
        z_hat = ops.sum(z_hat * ops.cast(certain, "complex64"), axis=1)
        values = ops.view_as_real(z_hat) / (1.0 + total)[..., None]
        # A complex symbol holds two values of unit mean square.
        values = ops.reshape(values, (shape[0], self.num_values)) * math.sqrt(2.0)
        return Delivered(features=values)


def _unit(values):
    """Every row of unit mean square."""
    square = ops.mean(ops.square(values), axis=-1, keepdims=True)
    return values / ops.sqrt(square + 1e-12)
