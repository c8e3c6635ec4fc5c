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
                   from 1 to 128, or to 192 for photographs; side information: k,
                   and of photographs orders and scale, entropy-coded
Known at encoder : the number of symbols that the image may take; with several
                   ``design_snr_db`` the SNR that half of all frames reach
Known at decoder : k as received, no_eff; the same SNR
Trained with     : log D_jscc + log(D_compression + lambda R); driving scenes at 10 dB,
                   or photographs at 0 to 20 dB

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
* The factor that brings an image to unit power may be sent (``scale_sent``), on 16 bits
  of side information; the public code hands it to the receiver. Judged by the lengths
  alone it is wrong for images of unusual contrast, which bounds the PSNR at high SNR.
* e_i is the conditional information of a patch's features at the step, without the
  noise or rounding that the compression branch sees: lengths are then a function of the
  image.
* z is not sent (the paper's variant w/o z): the decoder knows k alone.
* A patch may have its coefficients in one of several orders (``num_orders``), chosen
  by the encoder and sent: classified transform coding, where the paper's transformers
  fit themselves to a patch.
* Images of any size: padded at the encoder by their last rows and columns to multiples
  of 32 pixels, cut at the decoder. What stands for the padding is sent and charged; the
  budget is that of the picture itself.
* f_e and f_d begin as a hybrid digital-analogue code
  (:class:`~semcom_phy.layers.mapping.hybrid_mapping.HybridLayout`): a linear code
  cannot use more symbols than a patch has strong coefficients.
* The paper trains one model per SNR. Here one model may hold a code for each of several
  SNRs (``design_snr_db``), whose networks are told the SNR, and in which a bit of
  entropy takes the fewer symbols the higher the capacity.
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
from semcom_phy.codecs.feature_scale import scale_of, scale_step
from semcom_phy.codecs.patch_side import PatchSide, PatchSideCode
from semcom_phy.layers.adaptation.snr_embedding import hat_embedding
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.entropy.entropy_model import FactorizedPrior, logistic_bits
from semcom_phy.layers.mapping.hybrid_mapping import (
    HybridDemapper,
    HybridMapper,
    power_of,
)
from semcom_phy.layers.mapping.patch_symbols import pack_patches, unpack_patches
from semcom_phy.layers.mapping.rate_allocation import (
    LENGTHS,
    equal_lengths,
    fit_step,
    length_of,
)
from semcom_phy.layers.mapping.scan_orders import ScanOrders
from semcom_phy.layers.residual_trunk import ResidualTrunk
from semcom_phy.layers.transforms.block_dct import BlockDCT
from semcom_phy.layers.transforms.padding import cut_edges, pad_edges, whole_cells
from semcom_phy.layers.transforms.spectrum import from_cells, to_cells
from semcom_phy.layers.transforms.strips import in_strips
from semcom_phy.phy.segments import Analogue
from semcom_phy.snr import db_to_linear
from semcom_phy.sources.samples import Delivered

PATCH = 16
CELL = 2 * PATCH  # side of what z describes: images are padded to whole ones [pixels]
PIXELS_AT_ONCE = 2**20  # whose coefficients lie in memory: strips of larger images
DESIGN_SNR_DB = 10.0  # of the one code, and of ``symbols_per_bit``
MAX_LOG_GAIN = 5.0  # of a symbol by f_e: one picture of many may drive it anywhere
ORDER_PRICE = 4.0  # bits that a patch sends by the symbols that tell one of its order
DESIGN_CBR = (1 / 64, 1 / 20)  # rates of the closed-form start
NUM_SAMPLES = 4000  # patches of each length that the closed-form start looks at


class PatchAnalysis(NamedTuple):
    """What the encoder finds on the way, for its loss and figures.

    Attributes
    ----------
    latents : [batch, rows, columns, num_latents], `float32`
        y in units of each coefficient's standard deviation

    mean, log_scale : [batch, rows, columns, num_latents], `float32`
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

    Attributes
    ----------
    latents, mean, log_scale, hyper_latents, importance
        As in :class:`PatchAnalysis`

    allocation : :class:`Allocation`

    snr_db : [batch], `float32`
        SNR that it is coded for [dB]
    """

    latents: Any
    mean: Any
    log_scale: Any
    hyper_latents: Any
    allocation: Any
    importance: Any
    snr_db: Any


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

    Side information is the indices of ``lengths``, or a tuple of what there is of
    (indices of ``lengths``, orders, step of the scale), see
    :class:`~semcom_phy.codecs.patch_side.PatchSide`.

    Parameters
    ----------
    image_shape : (`int`, `int`, 3), (default (192, 256, 3))
        Height and width of the images; the weights serve any size [pixels]

    filters : `int`, (default 96)
        Channels of the convolutions

    blocks : `int`, (default 2)
        Residual blocks of each part

    lengths : `tuple` of `int`, (default ``LENGTHS``)
        Complex symbols that a patch may take, increasing; it has twice as many latents
        as the largest

    design_snr_db : `tuple` of `float`, (default (10.0,))
        SNRs that there is a code for, equally spaced [dB]; an image is sent by that of
        the nearest

    scale_sent : `bool`, (default `False`)
        Tell the receiver by which factor an image was brought to unit power

    num_orders : `int`, (default 1)
        Orders of a patch's coefficients for each length, of which the transmitter tells
        the one that suits

    fixed : `bool`, (default `False`)
        Equal lengths for all patches, as far as the budget allows: DeepJSCC with the
        same networks
    """

    def __init__(
        self,
        image_shape=(192, 256, 3),
        filters=96,
        blocks=2,
        lengths=LENGTHS,
        design_snr_db=(DESIGN_SNR_DB,),
        scale_sent=False,
        num_orders=1,
        fixed=False,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.scale_sent = scale_sent
        self.num_orders = int(num_orders)
        self.fixed = fixed
        self.image_shape = tuple(int(n) for n in image_shape)
        self.lengths = tuple(int(n) for n in lengths)
        self.design_snr_db = tuple(float(snr) for snr in design_snr_db)
        if list(self.lengths) != sorted({max(n, 1) for n in self.lengths}):
            raise ValueError(f"lengths must be positive and increase, got {lengths}")
        height, width, colors = self.image_shape
        if min(height, width) < 1 or colors != 3:
            raise ValueError(
                "image_shape must be (height, width, 3), at least a pixel each, "
                f"received {self.image_shape}."
            )
        self.filters = filters
        self.blocks = blocks
        self.grid = tuple(side // PATCH for side in whole_cells(height, width, CELL))
        if self.num_orders < 1:
            raise ValueError(f"num_orders must be at least 1, got {num_orders}")
        self.transform = BlockDCT(PATCH, name="transform")
        self.side_code = PatchSideCode(
            len(self.lengths), self.num_orders, scale_sent, fixed
        )
        self.num_latents = 2 * self.lengths[-1]
        self.orders: Any = None
        if self.num_orders > 1:
            self.orders = ScanOrders(
                len(self.lengths), self.num_orders, self.num_latents, name="orders"
            )
        self.codes = self.lengths * len(self.design_snr_db)

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {"image_shape": image_shape}  # of any number of symbols and antennas

    @classmethod
    def resized_config(cls, config, image_shape):
        return {**config, "image_shape": image_shape}

    def use_record(self, record):
        """Takes the codes of side information, where the JSON of the weights has
        them."""
        self.side_code.use_record(record)
        if self.orders and self.side_code.order_code:
            self.orders.set_price(self.side_code.order_code.bits, ORDER_PRICE)

    def check_rate(self, num_symbols):
        """Any frame will do that holds the shortest length of every patch.

        Raises
        ------
        ValueError
            If it does not.
        """
        least = self.lengths[0] * self.grid[0] * self.grid[1]
        if num_symbols < least:
            raise ValueError(
                f"{self.grid[0]}x{self.grid[1]} patches take at least {least} symbols, "
                f"received a frame of {num_symbols}: give a cbr of at least "
                f"{least}/{np.prod(self.image_shape)}."
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

    @property
    def told_median_snr(self):
        return len(self.design_snr_db) > 1

    @property
    def num_told(self):
        """`int` : Numbers of :meth:`told` for a patch."""
        snrs = len(self.design_snr_db) if self.told_median_snr else 0
        orders = self.num_orders if self.orders else 0
        return len(self.lengths) + orders + snrs

    def told(self, rate_index, order=None, snr_db=None):
        """What f_e and f_d are told of a patch: its rate token and its order, one-hot,
        and of several codes the SNR [dB], [..., num_told] `float32`."""
        told = [ops.one_hot(rate_index, len(self.lengths), dtype="float32")]
        if self.orders:
            told.append(ops.one_hot(order, self.num_orders, dtype="float32"))
        if self.told_median_snr:
            snr = hat_embedding(snr_db, self.design_snr_db)[:, None, None]
            shape = (*ops.shape(rate_index), snr.shape[-1])
            told.append(ops.broadcast_to(snr, shape))
        return ops.concatenate(told, axis=-1)

    def code(self, rate_index, snr_db=None):
        """Rows of the mapping: lengths at the nearest of the SNRs, [...] `int32`."""
        if not self.told_median_snr:
            return rate_index
        middles = np.convolve(self.design_snr_db, (0.5, 0.5), "valid")
        above = snr_db[:, None] >= ops.convert_to_tensor(middles.astype("float32"))
        nearest = ops.sum(ops.cast(above, "int32"), axis=1)
        return rate_index + len(self.lengths) * nearest[:, None, None]

    def sent(self, rate_index):
        """1 for the real symbols of a patch that are sent, [..., num_latents]
        `float32`."""
        place = ops.arange(self.num_latents, dtype="int32")
        count = 2 * length_of(rate_index, self.lengths)
        return ops.cast(place < count[..., None], "float32")

    def get_config(self):
        names = ("image_shape", "filters", "blocks", "lengths", "design_snr_db")
        names += ("scale_sent", "num_orders", "fixed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccEncoder(PatchCodec, FrameFillingEncoder):
    """Images to symbols, and how many for each patch.

    Parameters
    ----------
    image_shape, filters, blocks, lengths, design_snr_db, scale_sent, num_orders, fixed
        As in :class:`PatchCodec`

    side_channels : `int`, (default 16)
        Channels of z

    symbols_per_bit : `float`, (default 0.35)
        Symbols for a bit of a patch's entropy at 10 dB, eta of the paper
    """

    patch_size = PATCH
    num_levels = 0  # importance levels that are told apart

    def __init__(
        self,
        image_shape=(192, 256, 3),
        filters=96,
        blocks=2,
        side_channels=16,
        symbols_per_bit=0.35,
        **kwargs,
    ):
        super().__init__(image_shape, filters, blocks, **kwargs)
        if not symbols_per_bit > 0:
            raise ValueError(f"symbols_per_bit must be positive, got {symbols_per_bit}")
        self.side_channels = side_channels
        self.symbols_per_bit = symbols_per_bit
        depth, num_latents = self.transform.depth, self.num_latents
        self.embed = self._dense("embed", depth, filters)
        self.analysis = self._trunk("analysis")
        self.latent_update = self._dense("latent_update", filters, num_latents, "zeros")
        self.side_hidden = self._dense("side_hidden", 4 * filters, filters)
        self.side_out = self._dense("side_out", filters, side_channels)
        self.prior = FactorizedPrior(side_channels, name="prior")
        self.side_in = self._dense("side_in", side_channels, 4 * filters)
        self.side_trunk = self._trunk("side_trunk", 1)
        self.distribution = self._dense(
            "distribution", filters, 2 * num_latents, "zeros"
        )
        self.mapping = HybridMapper(self.codes, num_latents, name="mapping")
        inputs = num_latents + self.num_told
        self.channel_in = self._dense("channel_in", inputs, filters)
        self.channel_trunk = self._trunk("channel_trunk")
        self.channel_out = self._dense("channel_out", filters, 2 * num_latents, "zeros")
        self.built = True

    @property
    def first_shape(self):
        return (CELL, CELL, 3)

    def fit_statistics(self, images, levels=None, seed=0, design_cbr=DESIGN_CBR):
        """Closed-form start of transform and mapping, for the codec's own allocation.

        Patches that do not lie in an image as a whole are left out.

        Parameters
        ----------
        images : [n, H, W, 3], `float32`
            Training images in [0, 1]

        levels : [n, rows, columns], `int32`, optional
            Importance of their patches; -1 everywhere if not given

        design_cbr : (`float`, `float`), (default (1/64, 1/20))
            Rates of the images, least and largest
        """
        n, rows, columns = len(images), *(side // PATCH for side in images.shape[1:3])
        images = images[:, : rows * PATCH, : columns * PATCH]
        self.transform.fit(images)
        if levels is None:
            levels = np.full((n, rows, columns), -1, "int32")
        levels = levels[:, :rows, :columns]
        rng = np.random.default_rng(seed)
        std = ops.convert_to_numpy(self.transform.std)[: self.num_latents]
        samples = [[] for _ in self.codes]
        counts, weights = np.zeros(len(self.codes)), np.zeros(len(self.codes))
        for part in np.array_split(np.arange(len(images)), len(images) // 64 + 1):
            x = ops.convert_to_numpy(self.transform.analyse(images[part]))
            x = x[..., : self.num_latents]
            weight = np.exp(2 * self.level_tables(levels[part])[0])
            weight = np.broadcast_to(weight, x.shape[:-1])
            for code, snr_db in enumerate(self.design_snr_db):
                rate_index = self._crude_lengths(
                    x * std, levels[part], rng, snr_db, design_cbr
                )
                for i in range(len(self.lengths)):
                    of, row = rate_index == i, code * len(self.lengths) + i
                    kept = samples[row]
                    kept += list(x[of][: NUM_SAMPLES - len(kept)])
                    counts[row] += np.sum(of)
                    weights[row] += np.sum(weight[of])
        weights = (weights + 1e-6) / (counts + 1e-6)
        samples = [np.array(kept).reshape(-1, self.num_latents) for kept in samples]
        if self.orders:
            samples, std = self._fit_orders(samples, std)
        no = 10 ** (-np.array(self.design_snr_db) / 10)
        self.mapping.fit(samples, std, counts, weights, no)

    def _fit_orders(self, samples, std):
        """Finds the orders; the samples in them, and their standard deviations in the
        image, for each row of the mapping."""
        number, deviations = len(self.lengths), []
        of_length = [np.concatenate(samples[i::number]) for i in range(number)]
        self.orders.fit(of_length, std, [2 * length for length in self.lengths])
        for i, x in enumerate(samples):
            if not len(x):
                deviations.append(std)
                continue
            latents = ops.convert_to_tensor(x, "float32")
            index = ops.full((len(x),), i % number, "int32")
            order = self.orders.choose(latents, index)
            row = self.orders.row(index, order)
            values = ops.convert_to_numpy(self.orders.arranged(latents * std, row))
            deviations.append(np.sqrt(np.square(values).mean(axis=0) + 1e-12))
            samples[i] = ops.convert_to_numpy(self.orders(latents, index, order))
        return samples, np.array(deviations)

    def _crude_lengths(self, x, levels, rng, snr_db, design_cbr):
        """Lengths at rates of ``design_cbr`` before there is an entropy model."""
        per_bit = float(ops.convert_to_numpy(self.symbols_of_bit(snr_db)))
        log_gain, extra = self.level_tables(levels)
        patches = x.shape[1] * x.shape[2]
        dimensions = patches * self.transform.depth
        low, high = np.log(design_cbr)
        budget = dimensions * np.exp(rng.uniform(low, high, len(x)))
        lengths = np.array(self.lengths)

        def nearest(symbols):
            return np.abs(symbols[..., None] - lengths).argmin(axis=-1)

        if self.fixed:
            budget = budget.astype("float32")
            equal = equal_lengths(budget, x.shape[1], x.shape[2], self.lengths)
            return ops.convert_to_numpy(equal)
        low, high = np.full(len(x), -9.0), np.full(len(x), 3.0)
        for _ in range(12):
            middle = 0.5 * (low + high)
            scale = np.exp(log_gain - middle[:, None, None])[..., None]
            bits = 0.5 * np.log2(1 + (x * scale) ** 2).sum(axis=-1)
            rate_index = nearest(per_bit * bits + extra)
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
            the patches of the picture itself: those of the padding are background. Of
            no meaning here
        """
        del levels
        zeros = ops.zeros_like(features[..., 0])
        return Allocation(zeros, zeros), None

    @property
    def side_bytes(self):
        return self.side_code.most_bytes(self.grid)

    def check_side(self):
        self.side_code.check()

    def side_to_bytes(self, side):
        return self.side_code.to_bytes(side)

    def symbol_maps(self, packet):
        return length_of(self.side_code.parts(packet.side).rate_index, self.lengths)

    def symbols_of_bit(self, snr_db):
        """eta at an SNR: as ``symbols_per_bit`` at 10 dB, over capacity, [...]."""
        snr_db = ops.convert_to_tensor(snr_db, "float32")
        if not self.told_median_snr:
            return ops.full_like(snr_db, self.symbols_per_bit)
        capacity = ops.log1p(db_to_linear(snr_db))
        design = np.log1p(10 ** (DESIGN_SNR_DB / 10))
        return self.symbols_per_bit * design / capacity

    def analyse(self, source, known):
        """g_a, h_a, h_s and what importance there is: an :class:`Analysed`."""
        leading, embedded = in_strips(
            self._embed_patches,
            [pad_edges(source, CELL)],
            PATCH * _rows_at_once(-(-source.shape[2] // PATCH)),
        )
        features = self.analysis(embedded, None)
        latents = leading + self.latent_update(features)
        hyper = self.side_out(ops.silu(self.side_hidden(to_cells(features, 2))))
        mean, log_scale, context = self.distribution_of(hyper)
        features = ops.concatenate([features, context], axis=-1)
        allocation, importance = self.allocation(features, known.levels)
        told = allocation, importance, known.reached_snr_db
        return Analysed(latents, mean, log_scale, hyper, *told)

    def _embed_patches(self, images):
        """Their strongest coefficients, and what the networks see of all of them."""
        spectrum = self.transform.analyse(images)
        return spectrum[..., : self.num_latents], self.embed(spectrum)

    def allocate(self, analysed, budget):
        _, rate_index = self.choose_lengths(analysed, budget)
        count = ops.sum(length_of(rate_index, self.lengths), axis=(1, 2))
        return self._coded(analysed, rate_index)[0], count

    def modulate(self, analysed, side):
        rate_index, order, _ = self.side_code.parts(side)
        symbols = self.to_symbols(analysed.latents, rate_index, order, analysed.snr_db)
        return self._packet(side, symbols)

    def _coded(self, analysed, rate_index):
        """Side information with those lengths, and the symbols that it belongs to."""
        order = scale = None
        if self.orders:
            order = self.orders.choose(analysed.latents, rate_index)
        symbols = self.to_symbols(analysed.latents, rate_index, order, analysed.snr_db)
        if self.scale_sent:
            scale = scale_step(power_of(symbols, self.sent(rate_index)))
        return self.side_code.side(PatchSide(rate_index, order, scale)), symbols

    def _packet(self, side, symbols):
        rate_index = self.side_code.parts(side).rate_index
        return Packet(Analogue(*pack_patches(symbols, rate_index, self.lengths)), side)

    def encode(self, source, known, uniform=None):
        """As :meth:`SemanticEncoder.encode`; ``details``: :class:`PatchAnalysis`."""
        analysed = self.analyse(source, known)
        log_step_size, rate_index = self.choose_lengths(analysed, known.budget)
        latents, mean, log_scale, hyper = analysed[:4]
        bits = self.bits(latents, mean, log_scale, log_step_size)
        chosen = ops.sum(bits, axis=-1), log_step_size, analysed.importance
        details = PatchAnalysis(latents, mean, log_scale, hyper, *chosen)
        packet = self._packet(*self._coded(analysed, rate_index))
        return packet._replace(details=details)

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
        latents, mean, log_scale, _, chosen, _, snr_db = analysed
        per_bit = self.symbols_of_bit(snr_db)[:, None, None]

        def log_step_at(log_step_size):
            # Weights follow from importance alone, not from what they cost.
            return log_step_size[:, None, None] - ops.stop_gradient(chosen.log_gain)

        def symbols_at(log_step_size):
            bits = self.bits(latents, mean, log_scale, log_step_at(log_step_size))
            return per_bit * ops.sum(bits, axis=-1) + chosen.extra

        log_step_size, rate_index = fit_step(symbols_at, budget, lengths=self.lengths)
        if self.fixed:
            rows, columns = rate_index.shape[1:]
            rate_index = equal_lengths(budget, rows, columns, self.lengths)
        return log_step_at(log_step_size), rate_index

    def to_symbols(self, latents, rate_index, order=None, snr_db=None):
        """f_e: latents to symbols, [batch, rows, columns, num_latents] `float32`."""
        told = self.told(rate_index, order, snr_db)
        inputs = ops.concatenate([latents, told], axis=-1)
        features = self.channel_trunk(self.channel_in(inputs), None)
        patches = [latents, features, self.code(rate_index, snr_db)]
        if self.orders:
            patches += [rate_index, order]
        return in_strips(self._map_patches, patches, _rows_at_once(latents.shape[2]))

    def _map_patches(self, latents, features, code, *order):
        """Symbols of patches."""
        gain, update = ops.split(self.channel_out(features), 2, axis=-1)
        gain = ops.clip(gain, -MAX_LOG_GAIN, MAX_LOG_GAIN)
        content = latents + update
        if self.orders:
            content = self.orders(content, *order)
        return self.mapping(content, code) * ops.exp(gain)

    def distribution_of(self, hyper_latents):
        """h_s: mean, log_scale, and the features that they are read from."""
        context = from_cells(ops.silu(self.side_in(hyper_latents)), 2)
        context = self.side_trunk(context, None)
        mean, log_scale = ops.split(self.distribution(context), 2, axis=-1)
        # A logistic scale of 0.55 is a standard deviation of 1.
        return mean, log_scale - 0.6, context

    def bits(self, latents, mean, log_scale, log_step_size):
        """Information of latents, [batch, rows, columns, num_latents] `float32` [bit].

        Input
        -----
        latents, mean, log_scale : [batch, rows, columns, num_latents], `float32`
            In units of each coefficient's standard deviation

        log_step_size : [batch, rows, columns], `float32`
            Logarithm of the quantisation step [pixel units]
        """
        per_step = self.per_step(log_step_size)
        scale = ops.exp(log_scale) * per_step
        return logistic_bits((latents - mean) * per_step, scale)

    def per_step(self, log_step_size):
        """Quantisation steps in a standard deviation of each coefficient."""
        std = self.transform.std[: self.num_latents]
        return std * ops.exp(-log_step_size)[..., None]

    def get_config(self):
        names = ("side_channels", "symbols_per_bit")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class NtsccDecoder(PatchCodec, SemanticDecoder):
    """Symbols received and lengths to images.

    Parameters
    ----------
    image_shape, filters, blocks, lengths, design_snr_db, scale_sent, num_orders, fixed
        As in :class:`PatchCodec`
    """

    told_average_snr = True

    def __init__(self, image_shape=(192, 256, 3), filters=96, blocks=2, **kwargs):
        super().__init__(image_shape, filters, blocks, **kwargs)
        num_latents = self.num_latents
        self.mapping = HybridDemapper(self.codes, num_latents, name="mapping")
        inputs = 2 * num_latents + self.num_told + 2
        self.channel_in = self._dense("channel_in", inputs, filters)
        self.channel_trunk = self._trunk("channel_trunk")
        self.channel_out = self._dense("channel_out", filters, num_latents, "zeros")
        self.synthesis_in = self._dense("synthesis_in", num_latents, filters)
        self.synthesis = self._trunk("synthesis", blocks + 1)
        self.spectrum_update = self._dense(
            "spectrum_update", filters, self.transform.depth, "zeros"
        )
        self.built = True

    def copy_statistics(self, encoder):
        """Takes over what :meth:`NtsccEncoder.fit_statistics` found."""
        self.transform.set_weights(encoder.transform.get_weights())
        self.mapping.copy_start(encoder.mapping)
        if self.orders:
            self.orders.copy_start(encoder.orders)

    def side_from_bytes(self, payloads):
        return self.side_code.from_bytes(payloads, self.grid)

    def count_symbols(self, side, known=None):
        rate_index = self.side_code.parts(side).rate_index
        return ops.sum(length_of(rate_index, self.lengths), axis=(1, 2))

    def decode(self, received, known, training=False):
        snr_db = known.fed_back.reached_snr_db if self.told_median_snr else None
        latents = self.estimate(received, snr_db)
        return Delivered(self.synthesise(latents))

    def estimate(self, received, snr_db=None):
        """f_d: symbols to latents, [batch, rows, columns, num_latents] `float32`."""
        index, order, scale = self.side_code.parts(received.side)
        lengths = self.lengths
        values, no = unpack_patches(
            received.z_hat, received.detected_no_eff, index, lengths
        )
        _, told_no = unpack_patches(received.z_hat, received.no_eff, index, lengths)
        code = self.code(index, snr_db)
        if scale is None:
            scale = self.mapping.scale(code, self.sent(index))
        else:
            scale = 2**0.5 / scale_of(scale)
        patches = [values, no, told_no, code, index]
        if self.orders:
            patches.append(order)
        estimate, features = in_strips(
            lambda *strip: self._read_patches(scale, snr_db, *strip),
            patches,
            _rows_at_once(index.shape[2]),
        )
        return estimate + self.channel_out(self.channel_trunk(features, None))

    def _read_patches(
        self, scale, snr_db, values, no, told_no, code, rate_index, order=None
    ):
        """Estimates of latents symbol by symbol, and what the networks see of them."""
        told, sent = self.told(rate_index, order, snr_db), self.sent(rate_index)
        estimate = self.mapping(values, no, code, sent, scale)
        if self.orders:
            estimate = self.orders.restore(estimate, rate_index, order)
        error = ops.sum(told_no * sent, axis=-1) / ops.sum(sent, axis=-1)
        quality = ops.log(error + 1e-6)
        scale = ops.broadcast_to(
            ops.log(scale)[:, None, None, None], quality[..., None].shape
        )
        inputs = [estimate, values / (1.0 + no) * sent, told]
        inputs += [quality[..., None] / 2.3 + 1.0, scale]
        return estimate, self.channel_in(ops.concatenate(inputs, axis=-1))

    def synthesise(self, latents):
        """g_s: latents to images, [batch, H, W, 3] `float32`, the padding cut off."""
        features = self.synthesis(self.synthesis_in(latents), None)
        images = in_strips(
            self._paint_patches, [latents, features], _rows_at_once(latents.shape[2])
        )
        if tuple(latents.shape[1:3]) != self.grid:  # images of training: not padded
            return images
        return cut_edges(images, *self.image_shape[:2])

    def _paint_patches(self, latents, features):
        """Pixels of patches, [batch, H, W, 3] `float32`."""
        missing = self.transform.depth - self.num_latents
        spectrum = ops.pad(latents, ((0, 0), (0, 0), (0, 0), (0, missing)))
        return self.transform.synthesise(spectrum + self.spectrum_update(features))


def _rows_at_once(columns):
    """Rows of patches that lie in memory together."""
    return max(1, PIXELS_AT_ONCE // (columns * PATCH**2))
