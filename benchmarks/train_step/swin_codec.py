"""A two-stage Swin codec of the size that the ECA experiments use, for the benchmark.

image --> patches of 2x2 --> Swin, 96 wide --> merge --> Swin, 128 wide --> symbols
image_hat <-- pixels <-- Swin, 96 <-- split <-- Swin, 128 <-- symbols
"""

import keras
from keras import ops

from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.layers.swin import SwinStage
from semcom_phy.layers.transforms.spectrum import from_cells, to_cells
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

PATCH = 2
WIDTHS, DEPTHS, HEADS = (96, 128), (2, 4), (6, 8)
WINDOW = 4


class SwinEncoder(SemanticEncoder):
    """Image [batch, H, W, 3] to [batch, num_symbols] `complex64`."""

    def __init__(self, image_shape=(32, 32, 3), num_symbols=768):
        super().__init__(dtype="float32")
        self.image_shape, self.num_symbols = tuple(image_shape), num_symbols
        height, width, channels = self.image_shape
        self.grids = [(None, height // n, width // n) for n in (PATCH, 2 * PATCH)]
        tokens = self.grids[1][1] * self.grids[1][2]
        self.embed = keras.layers.Dense(WIDTHS[0])
        self.stages = [
            SwinStage(depth, heads, WINDOW)
            for depth, heads in zip(DEPTHS, HEADS, strict=True)
        ]
        self.merge = keras.layers.Dense(WIDTHS[1])
        self.head = keras.layers.Dense(2 * num_symbols // tokens, dtype="float32")

    def reduced_precision_layers(self):
        return [self.embed, *self.stages, self.merge]

    def check_rate(self, num_symbols):
        if num_symbols != self.num_symbols:
            raise ValueError(f"made for {self.num_symbols} symbols, not {num_symbols}")

    def build(self, source_shape):
        depth = PATCH**2 * self.image_shape[-1]
        self.embed.build((*self.grids[0], depth))
        self.stages[0].build((*self.grids[0], WIDTHS[0]))
        self.merge.build((*self.grids[1], 4 * WIDTHS[0]))
        self.stages[1].build((*self.grids[1], WIDTHS[1]))
        self.head.build((*self.grids[1], WIDTHS[1]))

    def encode(self, source, known, uniform=None):
        features = self.stages[0](self.embed(to_cells(source - 0.5, PATCH)))
        features = self.stages[1](self.merge(to_cells(features, 2)))
        pairs = ops.reshape(self.head(features), (-1, self.num_symbols, 2))
        return Packet(Analogue(ops.view_as_complex(pairs)))


class SwinDecoder(SemanticDecoder):
    """Received symbols [batch, num_symbols] to image [batch, H, W, 3]."""

    def __init__(self, image_shape=(32, 32, 3), num_symbols=768):
        super().__init__(dtype="float32")
        self.image_shape = tuple(image_shape)
        height, width, channels = self.image_shape
        self.grids = [(None, height // n, width // n) for n in (PATCH, 2 * PATCH)]
        self.per_token = 2 * num_symbols // (self.grids[1][1] * self.grids[1][2])
        self.embed = keras.layers.Dense(WIDTHS[1])
        self.stages = [
            SwinStage(depth, heads, WINDOW)
            for depth, heads in zip(DEPTHS[::-1], HEADS[::-1], strict=True)
        ]
        self.split = keras.layers.Dense(4 * WIDTHS[0])
        self.head = keras.layers.Dense(PATCH**2 * channels, dtype="float32")

    def reduced_precision_layers(self):
        return [self.embed, *self.stages, self.split]

    def build(self, x_hat_shape):
        self.embed.build((*self.grids[1], self.per_token))
        self.stages[0].build((*self.grids[1], WIDTHS[1]))
        self.split.build((*self.grids[1], WIDTHS[1]))
        self.stages[1].build((*self.grids[0], WIDTHS[0]))
        self.head.build((*self.grids[0], WIDTHS[0]))

    def decode(self, received, known, training=False):
        estimate = ops.view_as_real(received.z_hat)
        estimate = estimate / (1.0 + received.no_eff)[..., None]
        tokens = ops.reshape(estimate, (-1, *self.grids[1][1:], self.per_token))
        features = self.split(self.stages[0](self.embed(tokens)))
        features = self.stages[1](from_cells(features, 2))
        return Delivered(from_cells(self.head(features), PATCH) + 0.5)
