"""DeepJSCC: an image through a convolutional autoencoder with a channel in its middle.

E. Bourtsoulatze, D. Burth Kurka, D. Gunduz, "Deep joint source-channel coding for
wireless image transmission", IEEE Trans. Cogn. Commun. Netw. 2019, arXiv:1809.01733.

    image --> [ 5 convolutions, two of stride 2 ] --z--> PowerNormalization
                                                    --> EqualizedOFDMChannel
    image_hat <-- [ 5 transposed convolutions ] <-- x_hat, no_eff

Chain            : one analogue segment
Bandwidth        : (H/4)(W/4) c/2 complex symbols per image, c the channels of the last
                   encoder layer, H/4 and W/4 rounded up; side information none
Known at encoder : nothing, or the average SNR [dB] with ``snr_attention``
Known at decoder : no_eff, and the average SNR [dB] with ``snr_attention``
Trained with     : mean squared error, any SNR

Differences from the paper
--------------------------
* The decoder gets the biased L-MMSE estimate x_hat / (1 + no_eff), which on AWGN is the
  received signal up to a factor, because no_eff has no finite mean under fading.
* ``snr_attention=True`` puts an AF module behind every inner layer: the layout of
  ADJSCC (J. Xu et al. 2022, arXiv:2012.00533), with PReLU in the place of GDN.
* Images of any size: padded at the encoder by their last rows and columns to multiples
  of 4 pixels, cut at the decoder; what stands for the padding is sent and charged.
"""

import math

import keras
from keras import ops

from semcom_phy.codecs.contract import (
    Packet,
    SemanticCodec,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.layers.adaptation.snr_attention import SnrAttention
from semcom_phy.layers.transforms.padding import cut_edges, pad_edges, whole_cells
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

STRIDES = (2, 2, 1, 1)
CELL = math.prod(STRIDES)  # pixels that a place of a feature map stands for, a side
KERNEL_SIZE = 5
SNR_SCALE_DB = 20.0


class _ConvolutionStack(SemanticCodec):
    """Four inner convolutions with PReLU and optional SNR attention, and a last one."""

    def __init__(self, image_shape, filters, num_symbols, snr_attention, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.filters = tuple(int(n) for n in filters)
        self.num_symbols = num_symbols
        self.snr_attention = snr_attention
        if len(self.filters) != 4:
            raise ValueError(f"filters must be four numbers, received {self.filters}.")
        height, width, _ = self.image_shape
        self.grid = tuple(side // CELL for side in whole_cells(height, width, CELL))
        self.is_padded = self.grid != (height / CELL, width / CELL)
        cells = math.prod(self.grid)
        self.depth = 2 * num_symbols // cells
        if num_symbols < 1 or num_symbols != _map_symbols(self.depth, cells):
            raise ValueError(
                f"num_symbols must be a multiple of {cells / 2:g} for {height}x"
                f"{width} images (whole feature maps), received {num_symbols}."
            )

    def inner_layers(self, layer_class, filters, strides):
        """Layers, activations and attention modules, each four."""
        layers = [
            layer_class(n, KERNEL_SIZE, s, padding="same", name=f"conv_{i}")
            for i, (n, s) in enumerate(zip(filters, strides, strict=True))
        ]
        activations = [
            keras.layers.PReLU(shared_axes=(1, 2), name=f"prelu_{i}") for i in range(4)
        ]
        attention = []
        if self.snr_attention:
            attention = [SnrAttention(16, name=f"attention_{i}") for i in range(4)]
        return layers, activations, attention

    def reduced_precision_layers(self):
        """Layers that bear 16 bits: all but the last, which makes symbols or pixels."""
        return [*self.layers_, *self.activations_, *self.attention_]

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        config = super().default_config(
            image_shape, num_tx_ant, num_rx_ant, symbol_counts
        )
        cells = _cells(image_shape)
        if CELL**2 * cells != math.prod(image_shape[:2]):  # whole maps, in the frame
            depth = 2 * config["num_symbols"] // cells
            config["num_symbols"] = _map_symbols(depth, cells)
        return config | {"snr_attention": True}

    @classmethod
    def resized_config(cls, config, image_shape):
        depth = 2 * config["num_symbols"] // _cells(config["image_shape"])
        num_symbols = _map_symbols(depth, _cells(image_shape))
        return {**config, "image_shape": image_shape, "num_symbols": num_symbols}

    def check_rate(self, num_symbols):
        """The symbols of the feature maps fill the frame; those of padded images, which
        are no round share of it, may leave less than another map empty.

        Raises
        ------
        ValueError
            If they do not, with the cbr at which they do.
        """
        most = self.num_symbols
        if self.is_padded:
            most = _map_symbols(self.depth + 1, math.prod(self.grid)) - 1
        if not self.num_symbols <= num_symbols <= most:
            raise ValueError(
                f"this codec sends {self.num_symbols} symbols per image, received "
                f"{num_symbols}: give the cbr {self.num_symbols}/"
                f"{math.prod(self.image_shape)}, or train a model for this bandwidth."
            )

    def run(self, x, snr_db):
        for i, (layer, activation) in enumerate(
            zip(self.layers_, self.activations_, strict=True)
        ):
            x = activation(layer(x))
            if self.snr_attention:
                x = self.attention_[i](x, snr_db[:, None] / SNR_SCALE_DB)
        return x

    def build_inner(self, shape):
        for i, (layer, activation) in enumerate(
            zip(self.layers_, self.activations_, strict=True)
        ):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
            activation.build(shape)
            if self.snr_attention:
                self.attention_[i].build(shape, (None, 1))
        return shape

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "filters": self.filters,
            "num_symbols": self.num_symbols,
            "snr_attention": self.snr_attention,
        }


def _cells(image_shape):
    """Places of a feature map."""
    height, width = image_shape[:2]
    return math.prod(whole_cells(height, width, CELL)) // CELL**2


def _map_symbols(depth, cells):
    """Complex symbols of feature maps: two values each, the last may be alone."""
    return -(-depth * cells // 2)


@keras.saving.register_keras_serializable(package="semcom_phy")
class DeepJSCCEncoder(_ConvolutionStack, SemanticEncoder):
    """Image to complex symbols of arbitrary power (the link normalises it).

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`), (default (32, 32, 3))
        Height, width and colours [pixels]

    filters : four `int`, (default (16, 32, 32, 32))
        Channels of the inner layers

    num_symbols : `int`, (default 512)
        Complex symbols per image: a multiple of H W / 32, with H and W of the padded
        image

    snr_attention : `bool`, (default `False`)
        Scale the features by what the SNR and the content ask for (ADJSCC)

    Raises
    ------
    ValueError
        If sizes do not fit each other.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        filters=(16, 32, 32, 32),
        num_symbols=512,
        snr_attention=False,
        **kwargs,
    ):
        super().__init__(image_shape, filters, num_symbols, snr_attention, **kwargs)
        self.layers_, self.activations_, self.attention_ = self.inner_layers(
            keras.layers.Conv2D, self.filters, STRIDES
        )
        self.last = keras.layers.Conv2D(
            self.depth, KERNEL_SIZE, padding="same", name="last"
        )

    def build(self, source_shape):
        height, width = self.image_shape[:2]
        sides = whole_cells(height, width, CELL)
        shape = self.build_inner((None, *sides, self.image_shape[-1]))
        self.last.build(shape)

    def encode(self, source, known, uniform=None):
        self.check_rate(known.num_symbols)
        if tuple(source.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images must have shape {self.image_shape}, received "
                f"{tuple(source.shape[1:])}."
            )
        features = self.last(self.run(pad_edges(source, CELL), known.snr_db))
        number = math.prod(self.grid) * self.depth
        values = ops.reshape(features, (-1, number))
        if number % 2:
            values = ops.pad(values, ((0, 0), (0, 1)))
        pairs = ops.reshape(values, (-1, self.num_symbols, 2))
        count = None
        if self.is_padded:
            count = ops.full_like(values[:, 0], self.num_symbols, dtype="int32")
        return Packet(Analogue(ops.view_as_complex(pairs), count))


@keras.saving.register_keras_serializable(package="semcom_phy")
class DeepJSCCDecoder(_ConvolutionStack, SemanticDecoder):
    """Equalised symbols to an image; parameters as :class:`DeepJSCCEncoder`."""

    def __init__(
        self,
        image_shape=(32, 32, 3),
        filters=(16, 32, 32, 32),
        num_symbols=512,
        snr_attention=False,
        **kwargs,
    ):
        super().__init__(image_shape, filters, num_symbols, snr_attention, **kwargs)
        reverse = (*self.filters[:0:-1], self.filters[0])
        self.layers_, self.activations_, self.attention_ = self.inner_layers(
            keras.layers.Conv2DTranspose, reverse, (1, 1, 1, 2)
        )
        self.last = keras.layers.Conv2DTranspose(
            self.image_shape[-1],
            KERNEL_SIZE,
            2,
            padding="same",
            activation="sigmoid",
            name="last",
        )

    def build(self, x_hat_shape):
        self.last.build(self.build_inner((None, *self.grid, self.depth)))

    def decode(self, received, known, training=False):
        self.check_rate(received.z_hat.shape[1])
        z_hat, no_eff = received.z_hat, received.no_eff
        if self.is_padded:
            z_hat, no_eff = (v[:, : self.num_symbols] for v in (z_hat, no_eff))
        estimate = ops.view_as_real(z_hat)
        estimate = estimate / (1.0 + no_eff)[..., None]
        number = math.prod(self.grid) * self.depth
        if number % 2:
            estimate = ops.reshape(estimate, (-1, number + 1))[:, :-1]
        features = ops.reshape(estimate, (-1, *self.grid, self.depth))
        images = self.last(self.run(features, known.snr_db))
        return Delivered(cut_edges(images, *self.image_shape[:2]))

    def count_symbols(self, side, known=None):
        if not self.is_padded:
            return None
        return ops.full_like(known.snr_db, self.num_symbols, dtype="int32")
