r"""GenED-SC: what stands out is sent with care, the rest in outline, and repainted.

"GenED-SC: Generative editing semantic communication with integrated multi-modal LLMs".

    patches of the dual encoder, class text --> [ semantic score ] --> S
                                                                      |
    image --> [ convolutions ] --> F --> [ importance routing ] --> mask, offsets,
                |                   |                                attentions
                |                   +--> [ patch attention ] --foreground--.
                |                   '--> [ convolutions, CBAM ] --background-+--> unify
                '--> [ DCT of 8x8 ] ----------------------------------------+
                                                                            v
                  values of every patch, in order, the image's scale ------> z
                  mask ----------------------------------------------------> side

    z_hat --> L-MMSE of the values --> [ Swin ] -------foreground--.
          '-> mask, if it did not arrive  [ convolutions, CBAM ] --+--> fuse --> image

Chain            : one analogue segment; the mask as bytes. Caption and editing:
                   :mod:`link_models.systems.edited`
Bandwidth        : any number of symbols N; real values of a patch ceil((2N - 16) / P)
                   for P patches, of which the last few do not go out
Known at encoder : average SNR [dB]; patch embeddings of a frozen dual encoder
Known at decoder : no_eff, average SNR [dB], mask (counted) or its own estimate of it
Trained with     : saliency masks as labels of the score, a squared error of the
                   foreground, a contextual loss of the background
                   (:mod:`link_models.training.tasks.saliency`); SNR 1, 4, 7, 10 dB

Differences from the paper
--------------------------
* Convolutions from random weights -> around a fixed transform (DCT of patches of 8x8,
  an amplitude for every coefficient, and a linear convolution over the patches beside),
  silent at the start, because the codec is trained for minutes, not for days.
* The scale of an image is not known to the receiver: 8 symbols carry it.
* Branches see their own patches only -> both see all of them, and what they make of
  their own is kept: convolutions and windows need what lies beside.
* The score map decides alone -> the mask is trained on the saliency, too, and kept to
  its share; equation 21 sums over the foreground only, so that a map of ones would
  minimise it.
* The mask follows from received features, says a footnote, and the mask is found
  before anything is sent, says the method -> it is sent; where it did not arrive, the
  receiver estimates it (``MaskSide.arrived``).
* ``foreground_lead`` above 1 is this project's: more values for foreground patches.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import (
    Packet,
    SemanticCodec,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.entropy_coding.mask_coder import MaskCoder
from semcom_phy.layers.adaptation.channel_condition import SNR_KNOTS
from semcom_phy.layers.adaptation.snr_attention import SnrAttention
from semcom_phy.layers.adaptation.snr_embedding import SnrTable, hat_embedding
from semcom_phy.layers.cbam import ConvBranch
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.mapping.patch_values import PatchValues
from semcom_phy.layers.matrix_conv import MatrixConv2D
from semcom_phy.layers.patch_attention import DeformablePatchAttention
from semcom_phy.layers.semantics.importance_routing import ImportanceRouting
from semcom_phy.layers.semantics.semantic_score import SemanticScore
from semcom_phy.layers.swin import SwinStage
from semcom_phy.layers.transforms.block_dct import BlockDCT
from semcom_phy.layers.transforms.spectrum import from_cells, to_cells
from semcom_phy.phy.power_allocation import power_allocation
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

PATCH = 8  # pixels
CELL = 4  # pixels of a place of the feature maps
INSIDE = PATCH // CELL
PIXELS = 3 * PATCH**2
BRANCHES = ("swin", "cbam")
LAPPED = 64  # coefficients of a patch that those beside it add to
UNTOLD = 0.15  # share of the images in training whose mask does not arrive
MASKS = ("predicted", "constant", "none")


class MaskSide(NamedTuple):
    """Side information.

    Attributes
    ----------
    mask : [batch, rows, columns], `float32`
        1 for patches of the foreground

    arrived : [batch], `float32`
        1 where the receiver knows the mask, 0 where it is to estimate it
    """

    mask: Any
    arrived: Any


class Routed(NamedTuple):
    """What the encoder finds on the way.

    Attributes
    ----------
    scores : [batch, rows, columns], `float32`
        Semantic score map, logits

    logits : [batch, rows, columns], `float32`
        Of the mask

    mask : [batch, rows, columns], `float32`
    """

    scores: Any
    logits: Any
    mask: Any


class _PatchCodec(SemanticCodec):
    """What encoder and decoder share.

    Parameters
    ----------
    image_shape : (`int`, `int`, 3), (default (128, 128, 3))
        Height and width, multiples of 32 [pixels]

    num_symbols : `int`, (default 1792)
        Complex symbols of an image, N

    channels : `int`, (default 32)
        Of the feature maps, a multiple of 4

    mask : "predicted" (default) | "constant" | "none"
        Of every image; one for all images, which both ends hold and nothing tells; no
        routing: both branches serve every patch

    foreground, background : "swin" | "cbam", (default "swin", "cbam")
        Kinds of the branches

    foreground_lead : `float`, at least 1, (default 1.0)
        Values of a foreground patch over those of a background patch; above 1 the
        receiver cannot do without the mask

    foreground_weight : `float`, (default 40.0)
        What the squared error of the foreground weighs, against that of the background,
        in the powers that training starts from
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        num_symbols=1792,
        channels=32,
        mask="predicted",
        foreground="swin",
        background="cbam",
        foreground_lead=1.0,
        foreground_weight=40.0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        height, width, colors = self.image_shape
        if height % (4 * PATCH) or width % (4 * PATCH) or colors != 3:
            raise ValueError(
                f"image_shape must be (height, width, 3), multiples of {4 * PATCH} "
                f"pixels, received {self.image_shape}: crop or pad the images."
            )
        for name, value, known in (
            ("mask", mask, MASKS),
            ("foreground", foreground, BRANCHES),
            ("background", background, BRANCHES),
        ):
            if value not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, received {value!r}."
                )
        self.num_symbols = int(num_symbols)
        self.channels = channels
        self.mask = mask
        self.foreground = foreground
        self.background = background
        self.foreground_lead = float(foreground_lead)
        self.foreground_weight = float(foreground_weight)
        self.grid = (height // PATCH, width // PATCH)
        self.fine = (height // CELL, width // CELL)
        self.values = PatchValues(
            self.grid, self.num_symbols, self.foreground_lead, name="values"
        )
        self.depth = self.values.depth
        self.wide = max(LAPPED, self.depth)
        if self.depth > PIXELS:
            raise ValueError(
                f"{self.num_symbols} symbols with a foreground_lead of "
                f"{self.foreground_lead} are {self.depth} values of a patch, which has "
                f"{PIXELS}: lower num_symbols or the lead."
            )
        self.transform = BlockDCT(PATCH, name="transform")
        self.amplitude = SnrTable(2 * self.depth, name="amplitude")
        self.amplitude.build((None, len(SNR_KNOTS)))
        if mask == "constant":
            self.held_mask = self.add_weight(
                name="held_mask", shape=self.grid, initializer="zeros", trainable=False
            )

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {"image_shape": image_shape}

    def check_rate(self, num_symbols):
        if num_symbols != self.num_symbols:
            raise ValueError(
                f"this codec sends {self.num_symbols} symbols per image, received "
                f"{num_symbols}: give the cbr {self.num_symbols}/"
                f"{np.prod(self.image_shape)}, or train a model for this bandwidth."
            )

    def log_amplitude(self, snr_db, mask):
        """Of every value of a patch, [batch, rows, columns, depth] [nat]."""
        table = self.amplitude(hat_embedding(snr_db, SNR_KNOTS))
        table = ops.reshape(table, (-1, 1, 1, 2, self.depth))
        mask = mask[..., None]
        return mask * table[..., 0, :] + (1.0 - mask) * table[..., 1, :]

    def _fine(self, mask):
        """Mask of the places, [batch, *fine, 1]."""
        return ops.repeat(ops.repeat(mask, INSIDE, 1), INSIDE, 2)[..., None]

    def _unify(self, mask, foreground, background):
        """Equation 20: the branch of every patch; the mean of both without routing."""
        share = 0.5 if self.mask == "none" else self._fine(mask)
        return share * foreground + (1.0 - share) * background

    def _inside(self):
        return (None, *self.fine, self.channels)

    def get_config(self):
        names = ("image_shape", "num_symbols", "channels", "mask", "foreground")
        names += ("background", "foreground_lead", "foreground_weight")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class GenedScEncoder(_PatchCodec, SemanticEncoder):
    """Patches, with what a dual encoder sees in them, to symbols and a mask.

    Parameters
    ----------
    image_shape, num_symbols, channels, mask, foreground, background, foreground_lead,
    foreground_weight
        As of the codec (:class:`_PatchCodec`)

    patch_width, common_width : `int`, (default 408, 256)
        Of what the dual encoder gives: of a patch, and of a picture or a text

    Input of `encode`
    -----------------
    source : [batch, places + 1, 192 + max(patch_width, 2 common_width)],
    `float32`
        A row of every patch: its pixels in [0, 1], then its embedding. The last row
        holds, behind 192 zeros, the picture's vector and that of its class text, zeros
        if there is none, as there is outside of training
    """

    sends_images = False

    def __init__(
        self,
        image_shape=(128, 128, 3),
        num_symbols=1792,
        channels=32,
        mask="predicted",
        foreground="swin",
        background="cbam",
        foreground_lead=1.0,
        foreground_weight=40.0,
        patch_width=408,
        common_width=256,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_symbols,
            channels,
            mask,
            foreground,
            background,
            foreground_lead,
            foreground_weight,
            **kwargs,
        )
        self.patch_width = patch_width
        self.common_width = common_width
        # A number for the choice of every patch, and whether the mask arrives.
        self.num_uniform = self.grid[0] * self.grid[1] + 1
        if mask == "predicted":
            self.side_bytes = self.grid[0] * self.grid[1] + 1  # 8 bits a patch, at most
        self.stem = MatrixConv2D(channels, name="stem")
        self.features = ConvBranch(name="features")
        self.score = SemanticScore(name="score")
        self.routing = ImportanceRouting(INSIDE, name="routing")
        self.foreground_branch = _encoder_branch(foreground, "foreground")
        self.background_branch = _encoder_branch(background, "background")
        self.attention = SnrAttention(16, name="attention")
        self.project = Dense(self.depth, kernel_initializer="zeros", name="project")
        self.lapped = MatrixConv2D(
            self.depth, kernel_initializer="zeros", name="lapped"
        )

    @property
    def source_shape(self):
        """(patches + 1, width of a row)."""
        beside = max(self.patch_width, 2 * self.common_width)
        return (self.grid[0] * self.grid[1] + 1, PIXELS + beside)

    def build(self, source_shape):
        inside = self._inside()
        self.stem.build((None, *self.fine, 3 * CELL**2))
        self.features.build(inside)
        grid = (None, *self.grid)
        common = (None, self.common_width)
        self.score.build((*grid, self.patch_width), common, common)
        self.routing.build(inside, grid)
        for branch in (self.foreground_branch, self.background_branch):
            branch.build(inside)
        self.attention.build(inside, (None, len(SNR_KNOTS)))
        self.project.build((*grid, INSIDE**2 * self.channels))
        self.lapped.build((*grid, self.wide))

    def unpack(self, source):
        """Image [batch, H, W, 3], patches [batch, rows, columns, patch_width], and the
        vectors of picture and text of a source."""
        rows, columns = self.grid
        cells = ops.reshape(source[:, :-1, :PIXELS], (-1, rows, columns, PIXELS))
        patches = source[:, :-1, PIXELS : PIXELS + self.patch_width]
        patches = ops.reshape(patches, (-1, rows, columns, self.patch_width))
        last = source[:, -1, PIXELS:]
        whole, text = last[:, : self.common_width], last[:, self.common_width :]
        text = text[:, : self.common_width]
        return from_cells(cells, PATCH), patches, whole, text

    def encode(self, source, known, uniform=None):
        self.check_rate(known.num_symbols)
        image, patches, whole, text = self.unpack(source)
        features = self.features(self.stem(to_cells(image - 0.5, CELL)))
        scores = self.score(patches, whole, text)
        drawn = None if uniform is None else uniform[:, :-1]
        routing = self.routing(features, scores, drawn)
        mask = self._chosen(routing.mask)
        foreground = self.foreground_branch(features, routing)
        background = self.background_branch(features, routing)
        unified = self._unify(mask, foreground, background)
        unified = self.attention(unified, hat_embedding(known.snr_db, SNR_KNOTS))
        coefficients = self.transform.analyse(image)[..., : self.wide]
        values = coefficients[..., : self.depth] + self.lapped(coefficients)
        values = values + self.project(to_cells(unified, INSIDE))
        values = values * ops.exp(self.log_amplitude(known.snr_db, mask))
        side = None
        if self.mask == "predicted":
            arrived = ops.ones_like(mask[:, 0, 0])
            if uniform is not None:
                arrived = ops.cast(uniform[:, -1] > UNTOLD, "float32")
            side = MaskSide(mask, arrived)
        z = self.values.pack(values, mask)
        return Packet(Analogue(z), side, Routed(scores, routing.logits, mask))

    def _chosen(self, mask):
        if self.mask == "constant":
            return ops.zeros_like(mask) + self.held_mask
        return mask if self.mask == "predicted" else ops.zeros_like(mask)

    def side_to_bytes(self, side):
        return [MaskCoder().encode(mask.astype("uint8")) for mask in side.mask]

    def figures(self, packet):
        """``foreground_share`` of the patches."""
        mask = packet.details.mask
        return {"foreground_share": ops.mean(mask, axis=(1, 2))}

    def symbol_maps(self, packet):
        if self.mask == "none":
            return None
        return self.values.counts(packet.details.mask) / 2.0

    def fit_statistics(self, images, levels=None):
        """Transform and amplitudes; ``levels``: share of the images in whose foreground
        a patch is, [rows, columns], for a constant mask."""
        self.transform.fit(images)
        variances = np.square(ops.convert_to_numpy(self.transform.std)).astype(float)
        rows = [
            0.5 * np.log(self._start_powers(variances[: self.depth], snr_db) + 1e-2)
            for snr_db in SNR_KNOTS
        ]
        self.amplitude.table.assign(np.asarray(rows, "float32"))
        if self.mask == "constant":
            self.held_mask.assign(levels)

    def _start_powers(self, variances, snr_db):
        """Those of a linear coder, foreground before background, [2 depth], where one
        patch in four is foreground, and its error weighs more."""
        weight = 1.0 if self.mask == "none" else self.foreground_weight
        worth = np.concatenate([weight * variances, np.tile(variances, 3)])
        order = np.argsort(-worth, kind="stable")
        powers = np.empty_like(worth)
        no = 10 ** (-snr_db / 10)
        powers[order] = power_allocation(worth[order], no, len(worth))
        return powers[: 2 * self.depth]

    def get_config(self):
        names = ("patch_width", "common_width")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class GenedScDecoder(_PatchCodec, SemanticDecoder):
    """Symbols and a mask to the auxiliary image; parameters as of the codec
    (:class:`_PatchCodec`).

    ``details`` of what it delivers are the logits of its own estimate of the mask,
    [batch, rows, columns], `float32`.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.embed = Dense(INSIDE**2 * self.channels, name="embed")
        self.mask_hidden = MatrixConv2D(16, name="mask_hidden")
        self.mask_out = MatrixConv2D(1, kernel_initializer="zeros", name="mask_out")
        self.foreground_branch = _decoder_branch(self.foreground, "foreground")
        self.background_branch = _decoder_branch(self.background, "background")
        self.attention = SnrAttention(16, name="attention")
        self.fusion = ConvBranch(name="fusion")
        self.update = Dense(3 * CELL**2, kernel_initializer="zeros", name="update")
        self.lapped = MatrixConv2D(self.wide, kernel_initializer="zeros", name="lapped")

    def build(self, z_shape):
        inside, grid = self._inside(), (None, *self.grid)
        self.embed.build((*grid, 2 * self.depth + 1))
        self.mask_hidden.build((*grid, 2 * self.depth))
        self.mask_out.build((*grid, 16))
        for branch in (self.foreground_branch, self.background_branch):
            branch.build(inside)
        self.attention.build(inside, (None, len(SNR_KNOTS)))
        self.fusion.build(inside)
        self.update.build(inside)
        self.lapped.build((*grid, 2 * self.depth))

    def side_from_bytes(self, payloads):
        masks = [MaskCoder().decode(payload, self.grid) for payload in payloads]
        mask = np.stack(masks).astype("float32")
        return MaskSide(mask, np.ones(len(mask), "float32"))

    def decode(self, received, known, training=False):
        self.check_rate(received.z_hat.shape[1])
        mask, estimate = self._mask(received)
        values, trust = self.estimates(received, known.snr_db, mask)
        image = self.picture(values, trust, mask, known.snr_db)
        return Delivered(image, details=estimate)

    def picture(self, values, trust, mask, snr_db):
        """The auxiliary image of estimated values.

        Input
        -----
        values, trust : [batch, rows, columns, depth], `float32`
            As of :meth:`estimates`

        mask : [batch, rows, columns], `float32`

        snr_db : [batch], `float32`
            Average SNR [dB]

        Output
        ------
        : [batch, H, W, 3], `float32`
        """
        routed = ops.zeros_like(mask) if self.mask == "none" else mask
        inside = routed[..., None]
        apart = ops.concatenate([values * inside, values * (1.0 - inside)], axis=-1)
        linear = self.transform.synthesise(
            _filled(values, PIXELS) + _filled(self.lapped(apart), PIXELS)
        )
        told = ops.concatenate([values, trust, routed[..., None]], axis=-1)
        features = from_cells(self.embed(told), INSIDE)
        features = self.attention(features, hat_embedding(snr_db, SNR_KNOTS))
        foreground = self.foreground_branch(features)
        background = self.background_branch(features)
        fused = self.fusion(self._unify(mask, foreground, background))
        return linear + from_cells(self.update(ops.silu(fused)), CELL)

    def estimates(self, received, snr_db, mask):
        """L-MMSE of values of unit variance that went out with their amplitudes, and
        how much of that variance is in it, each [batch, rows, columns, depth]."""
        values, noise = self.values.unpack(received.z_hat, received.no_eff, mask)
        gain = ops.exp(self.log_amplitude(snr_db, mask))
        trust = ops.square(gain) / (ops.square(gain) + noise)
        return values * gain / (ops.square(gain) + noise), trust

    def _mask(self, received):
        """The mask that is decoded with, and the receiver's own logits of it."""
        nothing = ops.zeros((ops.shape(received.z_hat)[0], *self.grid))
        if self.mask == "none":
            return nothing, None
        if self.mask == "constant":
            return nothing + self.held_mask, None
        side = received.side
        # Without a mask, values stand as if every patch had equally many.
        values, noise = self.values.unpack(received.z_hat, received.no_eff, nothing)
        seen = [ops.log(ops.square(values) + noise + 1e-6), ops.log(noise + 1e-6)]
        hidden = ops.silu(self.mask_hidden(ops.concatenate(seen, axis=-1)))
        logits = self.mask_out(hidden)[..., 0]
        arrived = side.arrived[:, None, None]
        estimate = ops.cast(logits > 0, "float32")
        return arrived * side.mask + (1.0 - arrived) * estimate, logits

    def copy_statistics(self, encoder):
        self.transform.set_weights(encoder.transform.get_weights())
        self.amplitude.set_weights(encoder.amplitude.get_weights())
        if self.mask == "constant":
            self.held_mask.assign(encoder.held_mask)


def picture_rows(images, embedded, texts=None):
    """Pictures as :class:`GenedScEncoder` takes them.

    Input
    -----
    images : [n, H, W, 3], `uint8`

    embedded : [n, patches + 1, width], `float16`
        Of :class:`~semcom_phy.knowledge_base.patch_embeddings.PatchEmbeddings`

    texts : [n, common_width], `float16`, optional
        Of class texts; zeros: none

    Output
    ------
    : [n, patches + 1, 192 + width], `float32`
    """
    n, height, width, _ = images.shape
    cells = images.reshape(n, height // PATCH, PATCH, width // PATCH, PATCH, 3)
    cells = cells.transpose(0, 1, 3, 2, 4, 5).reshape(n, -1, PIXELS)
    rows = np.zeros((*embedded.shape[:2], PIXELS + embedded.shape[2]), "float32")
    rows[:, :-1, :PIXELS] = cells / np.float32(255)
    rows[:, :, PIXELS:] = embedded
    if texts is not None:
        start = PIXELS + texts.shape[1]  # behind the picture's vector
        rows[:, -1, start : start + texts.shape[1]] = texts
    return rows


def _filled(coefficients, size):
    """Zeros behind those that are there."""
    missing = size - coefficients.shape[-1]
    return ops.pad(coefficients, ((0, 0), (0, 0), (0, 0), (0, missing)))


def _encoder_branch(kind, name):
    return (_PatchBranch if kind == "swin" else _AttendedBranch)(name=name)


def _decoder_branch(kind, name):
    if kind == "swin":
        return SwinStage(2, 4, 8, 2.0, name=name)
    return ConvBranch(name=name)


class _PatchBranch(keras.layers.Layer):
    """Equations 15 to 18."""

    def build(self, shape):
        self.attention = DeformablePatchAttention(INSIDE, name="attention")
        self.attention.build(shape)

    def call(self, features, routing):
        return self.attention(features, routing.offsets, routing.spatial)


class _AttendedBranch(keras.layers.Layer):
    """Equation 19."""

    def build(self, shape):
        self.branch = ConvBranch(name="branch")
        self.branch.build(shape)

    def call(self, features, routing):
        return self.branch(features * routing.channel)
