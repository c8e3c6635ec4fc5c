"""NTSCC with the networks of its authors, for weights that they publish.

J. Dai, S. Wang, K. Tan, Z. Si, X. Qin, K. Niu, P. Zhang, "Nonlinear transform
source-channel coding for semantic communications", IEEE JSAC 2022, arXiv:2112.10961.

    image --> [ g_a ] --y--.--------------------------> [ f_e ] --s--> power --> channel
                           |                               ^ k, p
                           '--> [ h_a ] --z--> [ h_s ] -p--'
    image_hat <-- [ g_s ] <-- [ refinement: mean, scale of z ] <-- [ f_d ] <-- s_hat, k
                                       (only with z)

Chain            : a digital segment with scale, k, and z where the decoder uses it;
                   then an analogue one
Bandwidth        : sum of r_k / 2 complex symbols over the patches of 16x16 pixels, r_k
                   one of the network's rates (published: 16 of them from 16 to 256).
                   Side information 16 bits, ceil(log2 R) bits a patch for R rates, and
                   z in the bits that its range code takes
Known at encoder : the number of symbols that the image may take
Known at decoder : average SNR [dB], no_eff; scale, k and z as received
Trained with     : by the authors: D + D_compression + lambda R, pictures of OpenImages,
                   AWGN at 10 dB, their channel
                   (:mod:`semcom_phy.phy.channel_models.batch_channel`)

Differences from the paper
--------------------------
* None in the networks, which meet vectors made with the authors' code
  (``tests/reference/test_published_vectors.py``).
* Rate: eta e_i symbols for a patch of information e_i there, with one eta for all, so
  that images differ in rate. Here every image has the largest eta whose symbols fit the
  frame beside the side information, so that systems are compared at equal rate, image
  by image. The eta that weights are published with is used over the authors' channel
  alone.
* k is free over their channel, and charged as by an ideal code; here it is sent, in a
  code of fixed length, and charged. So is z with refinement, by a range code of the
  distributions that come with the weights.
* Power: over the batch there, per image here. The scale, which the receiver needs to
  undo it, is free there; here it is sent, in steps of 0.1 dB, and charged.
* Real and imaginary part of a symbol: of neighbouring patches there; here two values of
  one patch, patch after patch.
* AWGN alone there; here also equalised symbols of a fading channel, those that are
  worse than on AWGN of the SNR that is told shrunk by as much as their Wiener filter
  would.
* Odd rates, which leave half a symbol, are refused.
* Images are multiples of 64 pixels, which the authors' hyperprior takes for granted.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import (
    FrameFillingEncoder,
    Packet,
    SemanticCodec,
    SemanticDecoder,
)
from semcom_phy.codecs.feature_scale import (
    SCALE_BYTES,
    check_scales,
    scale_index,
    scale_of,
    shrunk,
)
from semcom_phy.entropy_coding.feature_coder import decode_side, encode_side
from semcom_phy.layers.adaptation.indexed_dense import IndexedDense
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.entropy.entropy_bottleneck import EntropyBottleneck
from semcom_phy.layers.entropy.gaussian_conditional import (
    bits,
    continuous_likelihood,
    rounded_likelihood,
)
from semcom_phy.layers.entropy.hyper_transforms import HyperAnalysis, HyperSynthesis
from semcom_phy.layers.patch_merging import PatchMerging, SplitFirst
from semcom_phy.layers.swin import SwinStage
from semcom_phy.phy.segments import Analogue
from semcom_phy.phy.sent_symbols import close_up, open_up
from semcom_phy.sources.samples import Delivered

EMBEDDED, HYPER = 2, 4  # sides of a patch of the first stage, of a cell of z
RATES = (16, 32, 48, 64, 80, 96, 102, 118, 134, 160, 186, 192, 208, 224, 240, 256)
ETA = 0.2  # of the published configuration
_LOG_ETA, _STEPS = (-14.0, 14.0), 24  # of the bisection


class Analysed(NamedTuple):
    """What the encoder knows of images before it is told a budget.

    Attributes
    ----------
    latents : [batch, rows, columns, C], `float32`
        y

    likelihood : [batch, rows, columns, C], `float32`
        p, of the latents as they are

    steps : [batch, rows / 4, columns / 4, N], `float32`
        z less the medians of its channels, rounded

    mean, scale : [batch, rows, columns, C], `float32`
        Of the distributions of y
    """

    latents: Any
    likelihood: Any
    steps: Any
    mean: Any
    scale: Any


class Told(NamedTuple):
    """Side information.

    Attributes
    ----------
    scale : [batch], `int32`
        Root mean square of the values sent, from -60 dB on in steps of 0.1 dB

    rate_index : [batch, rows, columns], `int32`
        k, which of the rates a patch has

    steps : [batch, rows / 4, columns / 4, N], `int32`, or `None`
        z less its medians, rounded; `None` without refinement
    """

    scale: Any
    rate_index: Any
    steps: Any = None


class _Patches(SemanticCodec):
    """What encoder and decoder share: the sizes, see the encoder."""

    def __init__(
        self,
        image_shape=(256, 256, 3),
        dims=(256, 256, 256, 256),
        depths=(1, 1, 2, 4),
        heads=(8, 8, 8, 8),
        windows=(8, 8, 8, 8),
        shifted=(False, False, True, True),
        code_depth=4,
        code_heads=8,
        code_window=16,
        rates=RATES,
        hyper_analysis=(192, 192, 192),
        hyper_synthesis=(256, 384),
        refined=False,
        eta=ETA,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.dims, self.depths, self.heads = map(tuple, (dims, depths, heads))
        self.windows, self.shifted = tuple(windows), tuple(shifted)
        self.code_depth, self.code_heads = code_depth, code_heads
        self.code_window = code_window
        self.rates = tuple(int(rate) for rate in rates)
        self.hyper_analysis = tuple(hyper_analysis)
        self.hyper_synthesis = tuple(hyper_synthesis)
        self.refined = refined
        self.eta = eta
        self._check_sizes()
        height, width, _ = self.image_shape
        self.grids = [
            (height // side, width // side)
            for side in (EMBEDDED * 2**i for i in range(len(self.dims)))
        ]
        self.grid = self.grids[-1]
        self.hyper_grid = tuple(n // HYPER for n in self.grid)
        self.tokens = self.grid[0] * self.grid[1]
        self.channels = self.dims[-1]
        self.most = self.rates[-1]
        self.most_symbols = self.tokens * self.most // 2
        self.index_bits = max(len(self.rates) - 1, 1).bit_length()
        self.fixed_bytes = SCALE_BYTES + -(-self.index_bits * self.tokens // 8)

    def _check_sizes(self):
        names = ("dims", "depths", "heads", "windows", "shifted")
        named = {name: getattr(self, name) for name in names}
        if len({len(values) for values in named.values()}) > 1 or not self.dims:
            raise ValueError(
                "dims, depths, heads, windows and shifted are of one number of stages, "
                f"received {named}."
            )
        rising = all(a < b for a, b in zip(self.rates, self.rates[1:], strict=False))
        if not self.rates or not rising or any(r < 0 or r % 2 for r in self.rates):
            raise ValueError(
                f"rates must be even and rise, received {self.rates}: a symbol holds "
                "two values."
            )
        if not self.eta > 0:
            raise ValueError(f"eta must be positive, received {self.eta}.")
        height, width, colors = self.image_shape
        cell = HYPER * EMBEDDED * 2 ** (len(self.dims) - 1)
        if height % cell or width % cell or colors != 3:
            raise ValueError(
                f"image_shape must be (height, width, 3), multiples of {cell} pixels "
                f"with {len(self.dims)} stages, received {self.image_shape}: crop or "
                "pad the images."
            )

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {"image_shape": image_shape}  # of any number of symbols and antennas

    def check_rate(self, num_symbols):
        least = max(self.tokens * self.rates[0] // 2, 1)
        if num_symbols < least:
            raise ValueError(
                f"{self.grid[0]}x{self.grid[1]} patches take at least {least} symbols, "
                f"received a frame of {num_symbols}: give a cbr of at least "
                f"{least}/{np.prod(self.image_shape)}."
            )

    def make_stages(self, order):
        """The Swin stages of g_a or g_s, in an order of their numbers, built."""
        stages = []
        for i in order:
            stage = SwinStage(
                self.depths[i],
                self.heads[i],
                self.windows[i],
                shifted=self.shifted[i],
                padded=True,
                name=f"stage_{i}",
            )
            stage.build((None, *self.grids[i], self.dims[i]))
            stages.append(stage)
        return stages

    def make_code(self, inputs, outputs):
        """What f_e and f_d have in common: blocks, rate tokens, matrices by rate."""
        self.code = SwinStage(
            self.code_depth,
            self.code_heads,
            self.code_window,
            shifted=False,
            padded=True,
            name="code",
        )
        self.code.build((None, *self.grid, self.channels))
        self.rate_token = self.add_weight(
            name="rate_token_embedding",
            shape=(len(self.rates), self.channels),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self.rate_adaption = IndexedDense(
            len(self.rates), outputs, name="rate_adaption"
        )
        self.rate_adaption.build((None, inputs))

    def make_hyper_synthesis(self):
        """h_s and the distribution of z."""
        self.synthesis = HyperSynthesis(
            self.hyper_synthesis, self.channels, name="hyper_synthesis"
        )
        self.synthesis.build((None, *self.hyper_grid, self.hyper_analysis[-1]))
        self.bottleneck = EntropyBottleneck(
            self.hyper_analysis[-1], name="entropy_bottleneck"
        )
        self.bottleneck.build()

    def perceptron(self, name, inputs, hidden):
        """Two dense layers to C outputs, GELU between them."""
        first = Dense(hidden, activation="gelu", name=f"{name}_expand")
        second = Dense(self.channels, name=f"{name}_contract")
        first.build((None, inputs))
        second.build((None, hidden))
        return first, second

    def tokens_of(self, rate_index):
        """Rate tokens of patches, [batch, rows, columns, C] `float32`."""
        return ops.take(ops.convert_to_tensor(self.rate_token), rate_index, axis=0)

    def rate_of(self, rate_index):
        """Values that are sent of patches, of the shape of the index, `int32`."""
        rates = ops.convert_to_tensor(np.array(self.rates, "int32"))
        return ops.take(rates, rate_index, axis=0)

    def kept(self, rate_index):
        """1 for values that are sent, [batch, rows, columns, largest rate]
        `float32`."""
        place = ops.arange(self.most, dtype="int32")
        return ops.cast(place < self.rate_of(rate_index)[..., None], "float32")

    def sent(self, rate_index):
        """1 for symbols that are sent, patch after patch, [batch, symbols]
        `int32`."""
        kept = self.kept(rate_index)[..., ::2]
        return ops.cast(ops.reshape(kept, (-1, self.most_symbols)), "int32")

    def get_config(self):
        names = ("image_shape", "dims", "depths", "heads", "windows", "shifted")
        names += ("code_depth", "code_heads", "code_window", "rates")
        names += ("hyper_analysis", "hyper_synthesis", "refined", "eta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccOfficialEncoder(_Patches, FrameFillingEncoder):
    """Images to symbols of any power (the link normalises it), and how many for each
    patch.

    Parameters
    ----------
    image_shape : (`int`, `int`, 3), (default (256, 256, 3))
        Height and width, multiples of 2^(n + 2) with n stages [pixels]

    dims, depths, heads, windows : n `int` each
        Channels, blocks, attention heads and side of the windows of the stages of g_a,
        the finest first; those of g_s are their mirror, (default the published ones)

    shifted : n `bool`, (default (`False`, `False`, `True`, `True`))
        Whether every second block of a stage shifts its windows

    code_depth, code_heads, code_window : `int`, (default 4, 8, 16)
        The same of f_e and f_d, whose windows do not shift

    rates : `tuple` of `int`, (default the 16 published ones)
        Values that a patch may be sent as, even numbers upwards

    hyper_analysis, hyper_synthesis : 3 and 2 `int`, (default (192, 192, 192) and
    (256, 384))
        Channels of h_a and h_s

    refined : `bool`, (default `False`)
        The decoder is told z and refines its estimate with it: "with z"

    eta : `float`, (default 0.2)
        Values for a bit of a patch's information, over the authors' channel

    Raises
    ------
    ValueError
        If the sizes do not fit each other or the image.
    """

    def build(self, source_shape):
        self.embed = keras.layers.Conv2D(
            self.dims[0], EMBEDDED, EMBEDDED, name="patch_embed"
        )
        self.embed.build((None, *self.image_shape))
        self.embed_norm = self._norm("embed_norm", self.dims[0])
        self.stages = self.make_stages(range(len(self.dims)))
        self.merges = []
        for i, units in enumerate(self.dims[1:]):
            merge = PatchMerging(units, name=f"merge_{i + 1}")
            merge.build((None, *self.grids[i], self.dims[i]))
            self.merges.append(merge)
        self.norm = self._norm("norm", self.channels)
        self.analysis = HyperAnalysis(self.hyper_analysis, name="hyper_analysis")
        self.analysis.build((None, *self.grid, self.channels))
        self.make_hyper_synthesis()
        self.refine = self.perceptron("refine", 2 * self.channels, 8 * self.channels)
        self.make_code(self.channels, self.most)
        self.code_norm = self._norm("code_norm", self.channels)

    @staticmethod
    def _norm(name, channels):
        norm = keras.layers.LayerNormalization(epsilon=1e-5, name=name)
        norm.build((None, None, None, channels))
        return norm

    @property
    def side_bytes(self):
        """`int` : Scale and indices; of z a byte for each, which codes seldom take."""
        return self.fixed_bytes + self.refined * self.num_hyper

    @property
    def num_hyper(self):
        """`int` : Hyper-latents of an image."""
        return int(np.prod(self.hyper_grid)) * self.hyper_analysis[-1]

    def latents(self, images):
        """g_a, [batch, rows, columns, C] `float32`."""
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images must have shape {self.image_shape}, received "
                f"{tuple(images.shape[1:])}."
            )
        x = self.stages[0](self.embed_norm(self.embed(images)))
        for merge, stage in zip(self.merges, self.stages[1:], strict=True):
            x = stage(merge(x))
        return self.norm(x)

    def analyse(self, source, known=None):
        """g_a, h_a, h_s: an :class:`Analysed`."""
        latents = self.latents(source)
        steps = ops.round(self.analysis(latents) - self.bottleneck.medians)
        mean, scale = self.synthesis(steps + self.bottleneck.medians)
        likelihood = continuous_likelihood(latents, mean, scale)
        return Analysed(latents, likelihood, steps, mean, scale)

    def information(self, likelihood):
        """e, of the patches, [batch, rows, columns] `float32` [bit]."""
        return ops.sum(bits(likelihood), axis=-1)

    def index_for(self, values):
        """Index of the first rate that is enough for so many values, or of the last,
        `int32`."""
        others = ops.convert_to_tensor(np.array(self.rates[:-1], "float32"))
        return ops.sum(ops.cast(values[..., None] > others, "int32"), axis=-1)

    def published_index(self, analysed):
        """k as published, with eta, [batch, rows, columns] `int32`."""
        return self.index_for(self.eta * self.information(analysed.likelihood))

    def features(self, latents, likelihood, rate_index):
        """f_e: what the authors send.

        Input
        -----
        latents, likelihood : [batch, rows, columns, C], `float32`

        rate_index : [batch, rows, columns], `int32`

        Output
        ------
        features : [batch, rows, columns, largest rate], `float32`
            0 where they are not kept

        kept : as ``features``
            1 for those that are sent
        """
        x = self.code_inputs(latents, likelihood, rate_index)
        kept = self.kept(rate_index)
        x = self.rate_adaption(self.code_norm(self.code(x)), rate_index)
        return x * kept, kept

    def code_inputs(self, latents, likelihood, rate_index):
        """What the blocks of f_e are given, [batch, rows, columns, C] `float32`."""
        return self.refine_latents(latents, likelihood) + self.tokens_of(rate_index)

    def refine_latents(self, latents, likelihood):
        """Latents with what their likelihood says, [batch, rows, columns, C]
        `float32`."""
        expand, contract = self.refine
        both = ops.concatenate([1.0 - likelihood, latents], axis=-1)
        return latents + contract(expand(both))

    def allocate(self, analysed, budget):
        information = ops.stop_gradient(self.information(analysed.likelihood))

        def symbols_at(log_eta):
            asked = ops.exp(log_eta)[:, None, None] * information
            rate_index = self.index_for(asked)
            return rate_index, ops.sum(self.rate_of(rate_index), axis=(1, 2)) // 2

        low, high = (ops.full_like(budget, end) for end in _LOG_ETA)
        for _ in range(_STEPS):
            middle = 0.5 * (low + high)
            fits = ops.cast(symbols_at(middle)[1], "float32") <= budget
            low, high = ops.where(fits, middle, low), ops.where(fits, high, middle)
        rate_index, count = symbols_at(low)
        features, kept = self.features(
            analysed.latents, analysed.likelihood, rate_index
        )
        sums = [ops.sum(v, axis=(1, 2, 3)) for v in (ops.square(features), kept)]
        scale = scale_index(sums[0] / ops.maximum(sums[1], 1.0))
        steps = ops.cast(analysed.steps, "int32") if self.refined else None
        return Told(ops.stop_gradient(scale), rate_index, steps), count

    def modulate(self, analysed, side):
        latents, likelihood = analysed[:2]
        features, _ = self.features(latents, likelihood, side.rate_index)
        pairs = ops.reshape(features, (-1, self.most_symbols, 2))
        z, count = close_up(ops.view_as_complex(pairs), self.sent(side.rate_index))
        return Packet(Analogue(z, count), side, analysed)

    def figures(self, packet):
        """Bits that the compression branch takes for y and z."""
        found = packet.details
        latent = bits(rounded_likelihood(found.latents, found.mean, found.scale))
        hyper = self.bottleneck(found.steps)
        return {
            "latent_bits": ops.sum(latent, axis=(1, 2, 3)),
            "hyper_bits": ops.sum(hyper, axis=(1, 2, 3)),
        }

    def side_to_bytes(self, side):
        places = np.arange(self.index_bits)[::-1]
        flat = side.rate_index.reshape(len(side.rate_index), -1, 1)
        packed = np.packbits((flat >> places & 1).reshape(len(flat), -1), axis=1)
        payloads = [
            int(scale).to_bytes(SCALE_BYTES, "big") + indices.tobytes()
            for scale, indices in zip(side.scale, packed, strict=True)
        ]
        if side.steps is None:
            return payloads
        channels = self.hyper_analysis[-1]
        return [
            fixed + encode_side(steps.reshape(-1, channels), self.bottleneck)
            for fixed, steps in zip(payloads, side.steps, strict=True)
        ]

    def symbol_maps(self, packet):
        return self.rate_of(packet.side.rate_index) // 2


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccOfficialDecoder(_Patches, SemanticDecoder):
    """Received symbols to images; parameters as :class:`NtsccOfficialEncoder`."""

    told_average_snr = True

    def build(self, x_hat_shape):
        self.make_code(self.most, self.channels)
        if self.refined:
            self.make_hyper_synthesis()
            inputs, hidden = 3 * self.channels, 6 * self.channels
            self.refinement = self.perceptron("refinement", inputs, hidden)
        order = range(len(self.dims) - 1, -1, -1)
        self.stages = self.make_stages(order)
        self.splits = []
        for i in order:
            split = SplitFirst(self.dims[max(i - 1, 0)], name=f"split_{i}")
            split.build((None, *self.grids[i], self.dims[i]))
            self.splits.append(split)
        self.last = keras.layers.Conv2D(3, 3, padding="same", name="last")
        self.last.build((None, None, None, self.dims[0]))

    def side_from_bytes(self, payloads):
        told = [self._read(payload) for payload in payloads]
        scale, rate_index, steps = (np.stack(part) for part in zip(*told, strict=True))
        return Told(scale, rate_index, steps if self.refined else None)

    def _read(self, payload):
        size = self.fixed_bytes
        if len(payload) < size or (len(payload) > size and not self.refined):
            raise ValueError(f"side information of {len(payload)} bytes, not {size}")
        scale = np.array(int.from_bytes(payload[:SCALE_BYTES], "big"), "int32")
        check_scales(scale)
        flat = np.unpackbits(np.frombuffer(payload[SCALE_BYTES:size], np.uint8))
        flat, beyond = np.split(flat, [self.tokens * self.index_bits])
        places = 1 << np.arange(self.index_bits)[::-1]
        rate_index = flat.reshape(*self.grid, self.index_bits) @ places
        if beyond.any() or (rate_index >= len(self.rates)).any():
            raise ValueError(f"a rate beyond the {len(self.rates)} that there are")
        steps = np.zeros(0, "int32")
        if self.refined:
            cells = int(np.prod(self.hyper_grid))
            steps = decode_side(payload[size:], self.bottleneck, cells)
            if np.abs(steps).max() > np.iinfo("int32").max:
                raise ValueError("hyper-latents beyond any that there can be")
            steps = steps.astype("int32").reshape(*self.hyper_grid, -1)
        return scale, rate_index.astype("int32"), steps

    def count_symbols(self, side, known=None):
        return ops.sum(self.rate_of(side.rate_index), axis=(1, 2)) // 2

    def decode(self, received, known, training=False):
        snr_db, side = known.fed_back.snr_db, received.side
        z_hat = shrunk(received.z_hat, received.detected_no_eff, snr_db)
        missing = max(self.most_symbols - z_hat.shape[1], 0)
        z_hat = ops.pad(z_hat[:, : self.most_symbols], ((0, 0), (0, missing)))
        values = ops.view_as_real(open_up(z_hat, self.sent(side.rate_index)))
        features = ops.reshape(values, (-1, *self.grid, self.most))
        features = features * scale_of(side.scale)[:, None, None, None]
        steps = side.steps
        if steps is not None:
            steps = ops.cast(steps, "float32")
        return Delivered(self.reconstruct(features, side.rate_index, steps))

    def reconstruct(self, features, rate_index, steps=None):
        """What the authors receive, to images around [0, 1].

        Input
        -----
        features : [batch, rows, columns, largest rate], `float32`
            0 where they were not kept

        rate_index : [batch, rows, columns], `int32`

        steps : [batch, rows / 4, columns / 4, N], `float32`, optional
            z less its medians, with ``refined``
        """
        latents = self.code(self.code_inputs(features, rate_index))
        if self.refined:
            latents = self.refine_latents(latents, steps)
        return self.images_of(latents)

    def code_inputs(self, features, rate_index):
        """What the blocks of f_d are given, [batch, rows, columns, C] `float32`."""
        x = self.rate_adaption(features, rate_index)
        return x + self.tokens_of(rate_index)

    def refine_latents(self, latents, steps):
        """Latents with what z says of them, [batch, rows, columns, C] `float32`."""
        mean, scale = self.synthesis(steps + self.bottleneck.medians)
        expand, contract = self.refinement
        both = ops.concatenate([latents, mean, scale], axis=-1)
        return latents + contract(expand(both))

    def images_of(self, latents):
        """g_s, [batch, H, W, 3] `float32`."""
        x = latents
        for stage, split in zip(self.stages, self.splits, strict=True):
            x = split(stage(x))
        return self.last(x)
