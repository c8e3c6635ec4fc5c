"""NTSCC: patches get as many symbols as an entropy model says they hold information.

J. Dai, S. Wang, K. Tan, Z. Si, X. Qin, K. Niu, P. Zhang, "Nonlinear transform
source-channel coding for semantic communications", IEEE JSAC 2022, arXiv:2112.10961.

    image --> [ g_a ] --y--.---------------------> [ f_e ] --s, k--> power --> channel
                           |                          ^ k
                           '--> [ h_a ] --z--> [ h_s ] --mu, sigma--> bits e --> k
    image_hat <-- [ g_s ] <--y_hat-- [ f_d ] <-- s_hat, k <---------------- channel
                     ^
                     '-- y with quantisation noise (training: the compression branch)

Chain            : a digital segment with the lengths k, then an analogue one
Bandwidth        : sum of k_i over the patches of 16x16 pixels, k_i one of 8 lengths
                   from 1 to 128; side information: k, entropy-coded
Known at encoder : the number of symbols that the image may take
Known at decoder : k as received, no_eff
Trained with     : log D_jscc + log(D_compression + lambda R), driving scenes, 10 dB

Differences from the paper
--------------------------
* Vision transformers there; here the patches' DCT coefficients with residual
  convolutions over the grid of patches, which start at zero, because the cosine
  transform is where training would have to arrive first.
* Logistic instead of Gaussian conditional distributions, because DCT coefficients have
  heavy tails, and because their logarithm is stable.
* The paper trains one model per lambda. Here the quantisation step, and with it lambda
  = ln 2 / 6 step^2, is found for every image so that the lengths keep to a budget: one
  model serves all rates, and systems are compared at equal rate, image by image.
* The logarithm of the distortion per image, because PSNR is averaged over images.
* e_i is the conditional information of a patch's features at the step, without the
  noise or rounding that the compression branch sees: lengths are then a function of the
  image.
* z is not sent (the paper's variant w/o z): the decoder knows k alone.
* f_e and f_d begin as a hybrid digital-analogue code
  (:class:`~semcom_phy.layers.hybrid_mapping.HybridLayout`): a linear code cannot use
  more symbols than a patch has strong coefficients.
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
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.layers.block_dct import BlockDCT
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.entropy_model import FactorizedPrior, logistic_bits
from semcom_phy.layers.hybrid_mapping import HybridDemapper, HybridMapper
from semcom_phy.layers.patch_symbols import pack_patches, unpack_patches
from semcom_phy.layers.rate_allocation import (
    LENGTHS,
    MAX_LENGTH,
    equal_lengths,
    fit_step,
    length_of,
)
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.spectrum import from_cells, to_cells
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

PATCH = 16
NUM_LATENTS = 2 * MAX_LENGTH  # dimension c of a patch's features
DESIGN_CBR = (1 / 64, 1 / 20)  # rates of the closed-form start
NUM_SAMPLES = 4000  # patches of each length that the closed-form start looks at


class PatchAnalysis(NamedTuple):
    """What the encoder finds on the way, for its loss and figures.

    Attributes
    ----------
    latents : [batch, rows, columns, 256], `float32`
        y in units of each coefficient's standard deviation

    mean, log_scale : [batch, rows, columns, 256], `float32`
        Of the distribution of y, in the same units

    hyper_latents : [batch, rows / 2, columns / 2, channels], `float32`
        z before quantisation

    entropy : [batch, rows, columns], `float32`
        Information of the patches at the step found [bit]

    log_step_size : [batch, rows, columns], `float32`
        Logarithm of the quantisation step of every patch

    importance : [batch, rows, columns, 4], `float32`, or `None`
        Logits of the importance levels, where the codec predicts them
    """

    latents: Any
    mean: Any
    log_scale: Any
    hyper_latents: Any
    entropy: Any
    log_step_size: Any
    importance: Any = None


class Analysed(NamedTuple):
    """What the encoder knows of images before it is told a budget.

    ``latents``, ``mean``, ``log_scale``, ``hyper_latents``, ``importance`` as in
    :class:`PatchAnalysis`, and the :class:`Allocation`.
    """

    latents: Any
    mean: Any
    log_scale: Any
    hyper_latents: Any
    allocation: Any
    importance: Any


class Allocation(NamedTuple):
    """What bends the allocation of symbols towards some patches.

    Attributes
    ----------
    log_gain : [batch, rows, columns], `float32`
        Logarithm of the factor by which the step of a patch is smaller: half that of
        its weight in the distortion

    extra : [batch, rows, columns], `float32`
        Symbols that a patch gets beside those for its entropy
    """

    log_gain: Any
    extra: Any


class PatchCodec(SemanticCodec):
    """What encoder and decoder share.

    Parameters
    ----------
    image_shape : (`int`, `int`, 3), (default (192, 256, 3))
        Height and width, multiples of 32; other such sizes work as well [pixels]

    filters : `int`, (default 96)
        Channels of the convolutions

    blocks : `int`, (default 2)
        Residual blocks of each part
    """

    def __init__(self, image_shape=(192, 256, 3), filters=96, blocks=2, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        height, width, colors = self.image_shape
        if height % (2 * PATCH) or width % (2 * PATCH) or colors != 3:
            raise ValueError(
                f"image_shape must be (height, width, 3), multiples of {2 * PATCH} "
                f"pixels, received {self.image_shape}: crop or pad the images."
            )
        self.filters = filters
        self.blocks = blocks
        self.grid = (height // PATCH, width // PATCH)
        self.transform = BlockDCT(PATCH, name="transform")
        self.length_code = None

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {"image_shape": image_shape}  # of any number of symbols and antennas

    def use_record(self, record):
        """Takes the code of the lengths, where the JSON of the weights has one."""
        if "length_code" in record:
            self.length_code = LengthCode.from_dict(record["length_code"])

    def check_rate(self, num_symbols):
        """Any frame will do that holds the shortest length of every patch.

        Raises
        ------
        ValueError
            If it does not.
        """
        least = LENGTHS[0] * self.grid[0] * self.grid[1]
        if num_symbols < least:
            raise ValueError(
                f"{self.grid[0]}x{self.grid[1]} patches take at least {least} symbols, "
                f"received a frame of {num_symbols}: raise the cbr."
            )

    def _dense(self, name, inputs, units, start="glorot_uniform"):
        layer = Dense(units, kernel_initializer=start, name=name)
        layer.build((None, inputs))
        return layer

    def _trunk(self, name, blocks=None):
        """Residual convolutions over the grid of patches."""
        trunk = ResidualTrunk(self.filters, blocks or self.blocks, None, name=name)
        trunk.build((None, None, None, self.filters), None)
        return trunk

    @staticmethod
    def sent(rate_index):
        """1 for the real symbols of a patch that are sent, [..., 256] `float32`."""
        place = ops.arange(NUM_LATENTS, dtype="int32")
        return ops.cast(place < 2 * length_of(rate_index)[..., None], "float32")

    @staticmethod
    def token(rate_index):
        """Rate token: the index of the length, one-hot, [..., 8] `float32`."""
        return ops.one_hot(rate_index, len(LENGTHS), dtype="float32")

    def get_config(self):
        names = ("image_shape", "filters", "blocks")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccEncoder(PatchCodec, FrameFillingEncoder):
    """Images to symbols, and how many for each patch.

    Parameters
    ----------
    image_shape, filters, blocks
        As in :class:`PatchCodec`

    side_channels : `int`, (default 16)
        Channels of z

    symbols_per_bit : `float`, (default 0.35)
        Symbols for a bit of a patch's entropy, eta of the paper

    fixed : `bool`, (default `False`)
        Equal lengths for all patches, as far as the budget allows: DeepJSCC with the
        same networks
    """

    num_levels = 0  # importance levels that are told apart

    def __init__(
        self,
        image_shape=(192, 256, 3),
        filters=96,
        blocks=2,
        side_channels=16,
        symbols_per_bit=0.35,
        fixed=False,
        **kwargs,
    ):
        super().__init__(image_shape, filters, blocks, **kwargs)
        if not symbols_per_bit > 0:
            raise ValueError(f"symbols_per_bit must be positive, got {symbols_per_bit}")
        self.side_channels = side_channels
        self.symbols_per_bit = symbols_per_bit
        self.fixed = fixed
        depth = self.transform.depth
        self.embed = self._dense("embed", depth, filters)
        self.analysis = self._trunk("analysis")
        self.latent_update = self._dense("latent_update", filters, NUM_LATENTS, "zeros")
        self.side_hidden = self._dense("side_hidden", 4 * filters, filters)
        self.side_out = self._dense("side_out", filters, side_channels)
        self.prior = FactorizedPrior(side_channels, name="prior")
        self.side_in = self._dense("side_in", side_channels, 4 * filters)
        self.side_trunk = self._trunk("side_trunk", 1)
        self.distribution = self._dense(
            "distribution", filters, 2 * NUM_LATENTS, "zeros"
        )
        self.mapping = HybridMapper(LENGTHS, NUM_LATENTS, name="mapping")
        self.channel_in = self._dense("channel_in", NUM_LATENTS + len(LENGTHS), filters)
        self.channel_trunk = self._trunk("channel_trunk")
        self.channel_out = self._dense("channel_out", filters, 2 * NUM_LATENTS, "zeros")
        self.built = True

    def fit_statistics(self, images, levels=None, seed=0):
        """Closed-form start of transform and mapping, for the codec's own allocation.

        Parameters
        ----------
        images : [n, H, W, 3], `float32`
            Training images in [0, 1]

        levels : [n, rows, columns], `int32`, optional
            Importance of their patches; -1 everywhere if not given
        """
        self.transform.fit(images)
        if levels is None:
            size = self.transform.patch_size
            n, height, width, _ = images.shape
            levels = np.full((n, height // size, width // size), -1, "int32")
        rng = np.random.default_rng(seed)
        std = ops.convert_to_numpy(self.transform.std)[:NUM_LATENTS]
        samples = [[] for _ in LENGTHS]
        counts, weights = np.zeros(len(LENGTHS)), np.zeros(len(LENGTHS))
        for part in np.array_split(np.arange(len(images)), len(images) // 64 + 1):
            x = ops.convert_to_numpy(self.transform.analyse(images[part]))
            x = x[..., :NUM_LATENTS]
            rate_index = self._crude_lengths(x * std, levels[part], rng)
            weight = np.exp(2 * self.level_tables(levels[part])[0])
            weight = np.broadcast_to(weight, rate_index.shape)
            for i, kept in enumerate(samples):
                kept += list(x[rate_index == i][: NUM_SAMPLES - len(kept)])
                counts[i] += np.sum(rate_index == i)
                weights[i] += np.sum(weight[rate_index == i])
        weights = (weights + 1e-6) / (counts + 1e-6)
        self.mapping.fit([np.array(kept) for kept in samples], std, counts, weights)

    def _crude_lengths(self, x, levels, rng):
        """Lengths at rates of ``DESIGN_CBR`` before there is an entropy model."""
        log_gain, extra = self.level_tables(levels)
        patches = x.shape[1] * x.shape[2]
        dimensions = patches * self.transform.depth
        low, high = np.log(DESIGN_CBR)
        budget = dimensions * np.exp(rng.uniform(low, high, len(x)))
        lengths = np.array(LENGTHS)

        def nearest(symbols):
            return np.abs(symbols[..., None] - lengths).argmin(axis=-1)

        if self.fixed:
            equal = equal_lengths(budget.astype("float32"), *x.shape[1:3])
            return ops.convert_to_numpy(equal)
        low, high = np.full(len(x), -9.0), np.full(len(x), 3.0)
        for _ in range(12):
            middle = 0.5 * (low + high)
            scale = np.exp(log_gain - middle[:, None, None])[..., None]
            bits = 0.5 * np.log2(1 + (x * scale) ** 2).sum(axis=-1)
            rate_index = nearest(self.symbols_per_bit * bits + extra)
            fits = lengths[rate_index].sum(axis=(1, 2)) <= budget
            low, high = np.where(fits, low, middle), np.where(fits, middle, high)
        return rate_index

    def level_tables(self, levels):
        """Logarithmic gain and extra symbols by level, two arrays or numbers: none."""
        del levels
        return 0.0, 0.0

    def allocation(self, features, levels=None):
        """Equal importance: an :class:`Allocation`, and no logits.

        Input
        -----
        features : [batch, rows, columns, filters], `float32`
            What the networks know of the patches

        levels : [batch, rows, columns], `int32` or `float32`, optional
            Importance, from an annotator, or its expectation; -1 where it has none. Of
            no meaning here
        """
        del levels
        zeros = ops.zeros_like(features[..., 0])
        return Allocation(zeros, zeros), None

    @property
    def side_bytes(self):
        """`int` : 3 bits a patch; coded lengths take less, but for a few bytes."""
        return -(-3 * int(np.prod(self.grid)) // 8)

    def check_side(self):
        if self.length_code is None:
            raise ValueError(
                "lengths that are sent need a length code, which the JSON of these "
                "weights does not hold: fit one with python -m "
                "benchmarks.fit_length_code"
            )

    def side_to_bytes(self, side):
        self.check_side()
        return [self.length_code.encode(grid) for grid in side]

    def symbol_maps(self, packet):
        return length_of(packet.side)

    def analyse(self, source, known):
        """g_a, h_a, h_s and what importance there is: an :class:`Analysed`."""
        spectrum = self.transform.analyse(source)
        features = self.analysis(self.embed(spectrum), None)
        latents = spectrum[..., :NUM_LATENTS] + self.latent_update(features)
        hyper = self.side_out(ops.silu(self.side_hidden(to_cells(features, 2))))
        mean, log_scale, context = self.distribution_of(hyper)
        features = ops.concatenate([features, context], axis=-1)
        allocation = self.allocation(features, known.levels)
        return Analysed(latents, mean, log_scale, hyper, *allocation)

    def allocate(self, analysed, budget):
        _, rate_index = self.choose_lengths(analysed, budget)
        return rate_index, ops.sum(length_of(rate_index), axis=(1, 2))

    def modulate(self, analysed, side):
        symbols = self.to_symbols(analysed.latents, side)
        return Packet(Analogue(*pack_patches(symbols, side)), side)

    def encode(self, source, known, uniform=None):
        """As :meth:`SemanticEncoder.encode`; ``side``: indices of ``LENGTHS`` [batch,
        rows, columns] `int32`, ``details``: :class:`PatchAnalysis`."""
        analysed = self.analyse(source, known)
        log_step_size, rate_index = self.choose_lengths(analysed, known.budget)
        bits = self.bits(*analysed[:3], log_step_size)
        details = PatchAnalysis(
            *analysed[:4], ops.sum(bits, axis=-1), log_step_size, analysed.importance
        )
        return self.modulate(analysed, rate_index)._replace(details=details)

    def choose_lengths(self, analysed, budget):
        """Lengths of the patches under a budget.

        Input
        -----
        analysed : :class:`Analysed`

        budget : [batch], `float32`
            Most complex symbols that an image may take

        Output
        ------
        log_step_size : [batch, rows, columns], `float32`
            Logarithm of the quantisation step of every patch

        rate_index : [batch, rows, columns], `int32`
            Indices of ``LENGTHS``
        """
        latents, mean, log_scale, _, chosen, _ = analysed

        def log_step_at(log_step_size):
            # Weights follow from importance alone, not from what they cost.
            return log_step_size[:, None, None] - ops.stop_gradient(chosen.log_gain)

        def symbols_at(log_step_size):
            bits = self.bits(latents, mean, log_scale, log_step_at(log_step_size))
            return self.symbols_per_bit * ops.sum(bits, axis=-1) + chosen.extra

        log_step_size, rate_index = fit_step(symbols_at, budget)
        if self.fixed:
            rate_index = equal_lengths(budget, *rate_index.shape[1:])
        return log_step_at(log_step_size), rate_index

    def to_symbols(self, latents, rate_index):
        """f_e: latents to symbols, [batch, rows, columns, 256] `float32`."""
        token = self.token(rate_index)
        inputs = ops.concatenate([latents, token], axis=-1)
        features = self.channel_trunk(self.channel_in(inputs), None)
        gain, update = ops.split(self.channel_out(features), 2, axis=-1)
        return self.mapping(latents + update, rate_index) * ops.exp(gain)

    def distribution_of(self, hyper_latents):
        """h_s: mean, log_scale, and the features that they are read from."""
        context = from_cells(ops.silu(self.side_in(hyper_latents)), 2)
        context = self.side_trunk(context, None)
        mean, log_scale = ops.split(self.distribution(context), 2, axis=-1)
        # A logistic scale of 0.55 is a standard deviation of 1.
        return mean, log_scale - 0.6, context

    def bits(self, latents, mean, log_scale, log_step_size):
        """Information of latents, [batch, rows, columns, 256] `float32` [bit].

        Input
        -----
        latents, mean, log_scale : [batch, rows, columns, 256], `float32`
            In units of each coefficient's standard deviation

        log_step_size : [batch, rows, columns], `float32`
            Logarithm of the quantisation step [pixel units]
        """
        per_step = self.per_step(log_step_size)
        scale = ops.exp(log_scale) * per_step
        return logistic_bits((latents - mean) * per_step, scale)

    def per_step(self, log_step_size):
        """Quantisation steps in a standard deviation of each coefficient."""
        return self.transform.std[:NUM_LATENTS] * ops.exp(-log_step_size)[..., None]

    def get_config(self):
        names = ("side_channels", "symbols_per_bit", "fixed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccDecoder(PatchCodec, SemanticDecoder):
    """Symbols received and lengths to images.

    Parameters
    ----------
    image_shape, filters, blocks
        As in :class:`PatchCodec`
    """

    told_average_snr = True

    def __init__(self, image_shape=(192, 256, 3), filters=96, blocks=2, **kwargs):
        super().__init__(image_shape, filters, blocks, **kwargs)
        self.mapping = HybridDemapper(LENGTHS, NUM_LATENTS, name="mapping")
        inputs = 2 * NUM_LATENTS + len(LENGTHS) + 2
        self.channel_in = self._dense("channel_in", inputs, filters)
        self.channel_trunk = self._trunk("channel_trunk")
        self.channel_out = self._dense("channel_out", filters, NUM_LATENTS, "zeros")
        self.synthesis_in = self._dense("synthesis_in", NUM_LATENTS, filters)
        self.synthesis = self._trunk("synthesis", blocks + 1)
        self.spectrum_update = self._dense(
            "spectrum_update", filters, self.transform.depth, "zeros"
        )
        self.built = True

    def copy_statistics(self, encoder):
        """Takes over what :meth:`NtsccEncoder.fit_statistics` found."""
        self.transform.set_weights(encoder.transform.get_weights())
        self.mapping.copy_start(encoder.mapping)

    def side_from_bytes(self, payloads):
        grids = [self.length_code.decode(payload, self.grid) for payload in payloads]
        return np.stack(grids).astype("int32")

    def count_symbols(self, side, known=None):
        return ops.sum(length_of(side), axis=(1, 2))

    def decode(self, received, known, training=False):
        return Delivered(self.synthesise(self.estimate(received)))

    def estimate(self, received):
        """f_d: symbols to latents, [batch, rows, columns, 256] `float32`."""
        rate_index = received.side
        values, no = unpack_patches(
            received.z_hat, received.detected_no_eff, rate_index
        )
        _, told_no = unpack_patches(received.z_hat, received.no_eff, rate_index)
        token, sent = self.token(rate_index), self.sent(rate_index)
        estimate, scale = self.mapping(values, no, rate_index, sent)
        error = ops.sum(told_no * sent, axis=-1) / ops.sum(sent, axis=-1)
        quality = ops.log(error + 1e-6)
        scale = ops.broadcast_to(ops.log(scale), quality[..., None].shape)
        inputs = [estimate, values / (1.0 + no) * sent, token]
        inputs += [quality[..., None] / 2.3 + 1.0, scale]
        features = self.channel_in(ops.concatenate(inputs, axis=-1))
        return estimate + self.channel_out(self.channel_trunk(features, None))

    def synthesise(self, latents):
        """g_s: latents to images, [batch, H, W, 3] `float32`."""
        features = self.synthesis(self.synthesis_in(latents), None)
        missing = self.transform.depth - NUM_LATENTS
        spectrum = ops.pad(latents, ((0, 0), (0, 0), (0, 0), (0, missing)))
        return self.transform.synthesise(spectrum + self.spectrum_update(features))
