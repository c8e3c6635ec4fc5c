"""ADJSCC: one analogue image codec for all SNRs, by attention over the SNR.

J. Xu, B. Ai, W. Chen, A. Yang, P. Sun, M. Rodrigues, "Wireless image transmission
using deep source channel coding with attention modules", IEEE TCSVT 2022,
arXiv:2012.00533.

    image --> [ cells, trunk with AF ] --> predistorted image --> [ DCT, gains ] --z-->
                     ^ SNR                                           ^ SNR, content
    PowerNormalization --> EqualizedOFDMChannel --> x_hat, no_eff
    image_hat <-- [ cells, trunk with AF ] <-- [ Wiener, inverse DCT ] <-- x_hat, no_eff

Chain            : one analogue segment
Bandwidth        : num_symbols complex symbols per image, any of ``symbol_counts`` or
                   between; side information none
Known at encoder : average SNR [dB]
Known at decoder : no_eff per symbol, average SNR [dB]
Trained with     : normalised squared error on AWGN, logarithmic on 2x2 Rayleigh; see
                   the JSON beside the weights

Differences from the paper
--------------------------
* Five strided convolutions with GDN -> residual trunks at a quarter of the resolution
  around a fixed whole-image DCT, whose per-coefficient gains start at the closed-form
  power allocation and whose inverse is a Wiener filter. The trunks start silent: the
  untrained codec is a linear analogue coder that does not know the image's scale.
* The AF module sees, at the decoder, the distribution of the error variances of the
  received symbols beside the SNR: after L-MMSE detection of a fading channel the
  streams differ.
* One model serves several bandwidths: it sends the strongest coefficients.
* The layout of the paper itself is ``deepjscc.py`` with ``snr_attention=True``.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import (
    Packet,
    SemanticCodec,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.layers.adaptation.snr_embedding import SnrTable, hat_embedding
from semcom_phy.layers.refine import refine
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.transforms.sorted_spectrum import SortedSpectrum
from semcom_phy.layers.transforms.spectrum import to_cells
from semcom_phy.phy.power_allocation import power_allocation
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

CELL = 4  # pixels per side of a token of the trunk
SNR_KNOTS = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
ERROR_KNOTS = tuple(float(v) for v in range(-15, 36, 5))
NUM_SCALE_COEFFICIENTS = 16  # carry the image's scale; the receiver is not told it
NUM_BANDS = 32


def allocation_table(std, symbol_counts, coefficients):
    """Start values of the gain table: log amplitudes [num_context, coefficients]."""
    rows = []
    for snr_db in SNR_KNOTS:
        for count in symbol_counts:
            used = min(2 * count, coefficients)
            no = 10 ** (-snr_db / 10)
            powers = np.zeros(coefficients)
            powers[:used] = power_allocation(std[:used] ** 2, no, used)
            rows.append(0.5 * np.log(powers + 1e-3))
    return np.asarray(rows, "float32")


def channel_context(snr_db, num_symbols, symbol_counts):
    """Embeds SNR [batch] and rate: [batch, len(SNR_KNOTS) * len(symbol_counts)]."""
    snr = hat_embedding(snr_db, SNR_KNOTS)
    if len(symbol_counts) == 1:
        return snr
    rate = hat_embedding(
        ops.convert_to_tensor(float(num_symbols)), [float(c) for c in symbol_counts]
    )
    context = snr[:, :, None] * rate[None, None, :]
    return ops.reshape(context, (-1, len(SNR_KNOTS) * len(symbol_counts)))


class _AdjsccLayer(SemanticCodec):
    """What encoder and decoder share: configuration and the sorted spectrum."""

    def __init__(self, image_shape, symbol_counts, filters, num_blocks, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.symbol_counts = tuple(sorted(int(n) for n in symbol_counts))
        self.filters = filters
        self.num_blocks = num_blocks
        height, width, channels = self.image_shape
        if height % CELL or width % CELL:
            raise ValueError(
                f"image height and width must be multiples of {CELL}, received "
                f"{height}x{width}: crop or pad the images."
            )
        steps = set(np.diff(self.symbol_counts))
        if len(steps) > 1 or 0 in steps:
            raise ValueError(
                "symbol_counts must differ and be equally spaced (the rate is "
                f"interpolated between them), received {symbol_counts}."
            )
        self.coefficients = 2 * self.symbol_counts[-1]
        if not 0 < self.symbol_counts[0] or self.coefficients > np.prod(image_shape):
            raise ValueError(
                f"symbol_counts must lie between 1 and {np.prod(image_shape) // 2} "
                f"(one real number per pixel value), received {symbol_counts}."
            )
        self.num_context = len(SNR_KNOTS) * len(self.symbol_counts)
        self.grid = (None, height // CELL, width // CELL)
        self.cell_depth = CELL**2 * channels
        self.spectrum = SortedSpectrum(self.image_shape, name="spectrum")
        self.trunk = ResidualTrunk(filters, num_blocks, name="trunk")
        self.gains = SnrTable(self.coefficients, name="gains")
        self.heads = keras.layers.Dense(
            2 * self.cell_depth, kernel_initializer="zeros", name="heads"
        )

    def reduced_precision_layers(self):
        """Layers that bear 16 bits."""
        return [self.trunk]

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {"image_shape": image_shape, "symbol_counts": symbol_counts}

    def fit_statistics(self, images, levels=None):
        """Closed-form start from training images [n, H, W, C] in [0, 1]."""
        self.spectrum.fit(images)
        std = ops.convert_to_numpy(self.spectrum.std)
        self.gains.table.assign(
            allocation_table(std, self.symbol_counts, self.coefficients)
        )
        return self

    def copy_statistics(self, other):
        """Takes over what the other half's :meth:`fit_statistics` found."""
        self.spectrum.set_weights(other.spectrum.get_weights())
        self.gains.set_weights(other.gains.get_weights())

    def check_rate(self, num_symbols):
        low, high = self.symbol_counts[0], self.symbol_counts[-1]
        of = np.prod(self.image_shape)
        if not low <= num_symbols <= high:
            counts, rates = f"{low}", f"the cbr {low}/{of}"
            if low < high:
                counts, rates = (
                    f"{low} to {high}",
                    f"a cbr from {low}/{of} to {high}/{of}",
                )
            raise ValueError(
                f"this codec sends {counts} symbols per image, received {num_symbols}: "
                f"give {rates}, or train a model for this bandwidth."
            )
        below = num_symbols // NUM_BANDS * NUM_BANDS
        above = below + NUM_BANDS
        if below < num_symbols:
            raise ValueError(
                f"num_symbols must be a multiple of {NUM_BANDS}, received "
                f"{num_symbols}: give a cbr of {below}/{of} or {above}/{of}."
            )

    def get_config(self):
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "symbol_counts": self.symbol_counts,
            "filters": self.filters,
            "num_blocks": self.num_blocks,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class AdjsccEncoder(_AdjsccLayer, SemanticEncoder):
    """Image to complex symbols of arbitrary power (the link normalises it).

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`), (default (32, 32, 3))
        Height and width, multiples of 4, and colours [pixels]

    symbol_counts : tuple of `int`, (default (512, 768))
        Bandwidths the model is made for [complex symbols per image]

    filters, num_blocks : `int`, (default 64, 4)
        Size of the trunk

    Raises
    ------
    ValueError
        If ``num_symbols`` lies outside ``symbol_counts``.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        symbol_counts=(512, 768),
        filters=64,
        num_blocks=4,
        **kwargs,
    ):
        super().__init__(image_shape, symbol_counts, filters, num_blocks, **kwargs)
        self.content_gain = keras.layers.Dense(
            self.coefficients, kernel_initializer="zeros", name="content_gain"
        )
        self.scale_hidden = keras.layers.Dense(64, activation="silu", name="scale_hid")
        self.scale_code = keras.layers.Dense(NUM_SCALE_COEFFICIENTS, name="scale_code")

    def build(self, source_shape):
        self.trunk.build((*self.grid, self.cell_depth), (None, self.num_context))
        self.heads.build((*self.grid, self.filters))
        self.gains.build((None, self.num_context))
        self.content_gain.build((None, self.filters))
        self.scale_hidden.build((None, self.filters + self.num_context + 1))
        self.scale_code.build((None, 64))

    def encode(self, source, known, uniform=None):
        num_symbols = known.num_symbols
        self.check_rate(num_symbols)
        count = 2 * num_symbols
        context = channel_context(known.snr_db, num_symbols, self.symbol_counts)
        image = self.spectrum.decorrelate(source)
        cells = to_cells(image, CELL)
        features = self.trunk(4.0 * cells, context)
        pooled = ops.mean(features, axis=(1, 2))
        image = refine(image, cells, self.heads(features), CELL)

        log_gain = self.gains(context) + self.content_gain(pooled)
        values = self.spectrum.analyse(image, count)
        values = values * ops.exp(log_gain[:, :count])
        scale = 0.5 * ops.log(ops.mean(ops.square(values), -1, keepdims=True) + 1e-4)
        code = self.scale_code(
            self.scale_hidden(ops.concatenate([pooled, context, scale], -1))
        )
        # The code shrinks with the scale's own power, so that it keeps its share.
        code = code * ops.exp(scale)
        values = ops.concatenate([values[:, :-NUM_SCALE_COEFFICIENTS], code], -1)
        pairs = ops.reshape(values, (-1, num_symbols, 2))
        return Packet(Analogue(ops.view_as_complex(pairs)))


@keras.saving.register_keras_serializable(package="semcom_phy")
class AdjsccDecoder(_AdjsccLayer, SemanticDecoder):
    """Equalised symbols to an image.

    Parameters
    ----------
    image_shape, symbol_counts :
        As for :class:`AdjsccEncoder`, with which the decoder is trained

    filters, num_blocks : `int`, (default 64, 6)
        Size of the trunk
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        symbol_counts=(512, 768),
        filters=64,
        num_blocks=6,
        **kwargs,
    ):
        super().__init__(image_shape, symbol_counts, filters, num_blocks, **kwargs)
        self.scale_hidden = keras.layers.Dense(64, activation="silu", name="scale_hid")
        self.scale_middle = keras.layers.Dense(64, activation="silu", name="scale_mid")
        self.scale = keras.layers.Dense(1, kernel_initializer="zeros", name="scale")
        self.content_gain = keras.layers.Dense(
            self.coefficients, kernel_initializer="zeros", name="content_gain"
        )

    def build(self, x_hat_shape):
        full_context = self.num_context + len(ERROR_KNOTS) + 1
        self.trunk.build((*self.grid, 2 * self.cell_depth), (None, full_context))
        self.heads.build((*self.grid, self.filters))
        self.gains.build((None, self.num_context))
        inputs = self.num_context + len(ERROR_KNOTS)
        inputs += NUM_BANDS + NUM_SCALE_COEFFICIENTS
        self.scale_hidden.build((None, inputs))
        self.scale_middle.build((None, 64))
        self.scale.build((None, 64))
        self.content_gain.build((None, 64))

    def decode(self, received, known, training=False):
        z_hat, no_eff = received.z_hat, received.no_eff
        num_symbols = z_hat.shape[1]
        self.check_rate(num_symbols)
        count = 2 * num_symbols
        context = channel_context(known.snr_db, num_symbols, self.symbol_counts)
        errors = hat_embedding(-10.0 / np.log(10) * ops.log(no_eff), ERROR_KNOTS)
        context = ops.concatenate([context, ops.mean(errors, axis=1)], -1)

        received = ops.reshape(ops.view_as_real(z_hat), (-1, count))
        no = ops.repeat(no_eff, 2, axis=1)
        shrunk = received / (1.0 + no)
        power = ops.mean(
            ops.reshape(ops.square(shrunk), (-1, NUM_BANDS, count // NUM_BANDS)), -1
        )
        hidden = self.scale_hidden(
            ops.concatenate(
                [
                    context,
                    0.5 * ops.log(power + 1e-4),
                    shrunk[:, -NUM_SCALE_COEFFICIENTS:],
                ],
                -1,
            )
        )
        hidden = self.scale_middle(hidden)
        log_scale = self.scale(hidden)

        # Wiener filter: the coefficient, of unit variance, arrived with this gain.
        log_gain = self.gains(context[:, : self.num_context])
        log_gain = log_gain + self.content_gain(hidden) - log_scale
        gain = ops.exp(log_gain[:, :count])
        keep = count - NUM_SCALE_COEFFICIENTS
        gain, no, received = gain[:, :keep], no[:, :keep], received[:, :keep]
        values = received * gain / (ops.square(gain) + no)
        image = self.spectrum.synthesise(values)
        # What the filter removed may still tell the trunk where detail is.
        loud = self.spectrum.synthesise(
            shrunk[:, :keep] / self.spectrum.std[:keep] * 0.05
        )
        cells = to_cells(image, CELL)
        features = self.trunk(
            ops.concatenate([4.0 * cells, to_cells(loud, CELL)], -1),
            ops.concatenate([context, log_scale], -1),
        )
        image = refine(image, cells, self.heads(features), CELL)
        return Delivered(self.spectrum.recorrelate(image))
