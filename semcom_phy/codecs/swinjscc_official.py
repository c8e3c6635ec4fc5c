"""SwinJSCC and WITT with the networks of their authors, for weights that they publish.

K. Yang, S. Wang, J. Dai, X. Qin, K. Niu, P. Zhang, "SwinJSCC: taming Swin transformer
for deep joint source-channel coding", IEEE TCCN 2025, arXiv:2308.09361; K. Yang,
S. Wang, J. Dai, K. Tan, K. Niu, P. Zhang, "WITT: a wireless image transmission
transformer for semantic communications", ICASSP 2023, arXiv:2211.00937.

    image --> [ patches of 2x2 | Swin stages, merging between them | LayerNorm ]
          --> [ SNR ModNet ]           (SA, WITT; SA&RA)
          --> [ rate ModNet ] --> mask (RA; SA&RA)
          --> [ linear: D -> C ]       (without RA)
          --> PowerNormalization --> EqualizedOFDMChannel --> z_hat, no_eff; scale, mask
    image_hat <-- [ Swin stages, splitting behind each ] <-- [ SNR ModNet ]
              <-- [ linear: C -> D ] <-- features, 0 where the mask drops them

Chain            : an analogue segment, and a digital one with scale and mask
Bandwidth        : HW/4^n C/2 complex symbols per image with n stages; with RA k/2 in
                   the place of C/2, k as many of D channels as the frame, or what is
                   asked for, holds. Side information one of 1024 numbers; with RA D +
                   16 bits
Known at encoder : average SNR [dB], the rate
Known at decoder : average SNR [dB], no_eff, the scale and the mask as received
Trained with     : by the authors: mean squared error (or MS-SSIM), AWGN, their channel
                   (:mod:`semcom_phy.phy.channel_models.batch_channel`)

Differences from the paper
--------------------------
* None in the networks, which meet vectors made with the authors' code
  (``tests/reference/test_published_vectors.py``).
* Power: over the batch there, per image here. The scale, which the receiver needs to
  undo it, is free there; here it is sent, in steps of 0.1 dB, and charged.
* The mask is free there; here it is sent and charged.
* Real and imaginary part of a symbol: of different images there; here two values of one
  image. Channels that the mask drops take no symbols, and no noise.
* Fading: an unknown positive gain there; here equalised symbols, those that are worse
  than on AWGN of the SNR that is told shrunk by as much as their Wiener filter would
  (below the range of SNRs that the networks are told, those of AWGN, too).
* Ties of the rate mask follow from a sort there, whose order depends on the version of
  the library; here the lower channel comes first.
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
from semcom_phy.codecs.feature_scale import (
    SCALE_BYTES,
    SCALE_VALUES,
    check_scales,
    scale_index,
    scale_of,
    shrunk,
)
from semcom_phy.layers.adaptation.modnet import ModNet
from semcom_phy.layers.dense import Dense
from semcom_phy.layers.patch_merging import PatchMerging, PatchSplitting
from semcom_phy.layers.swin import SwinStage
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

PATCH = 2


class Told(NamedTuple):
    """Side information.

    Attributes
    ----------
    scale : [batch], `int32`
        Root mean square of the features sent, from -60 dB on in steps of 0.1 dB

    kept : [batch, D], `int32`, or `None`
        1 for the channels that are sent; `None`: all of them
    """

    scale: Any
    kept: Any = None


class _Pyramid(SemanticCodec):
    """What encoder and decoder share: the sizes, see the encoder."""

    def __init__(
        self,
        image_shape=(32, 32, 3),
        dims=(128, 256),
        depths=(2, 4),
        heads=(4, 8),
        windows=(2, 2),
        shifted=(True, True),
        num_features=96,
        snr_adaptive=True,
        rate_adaptive=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.dims, self.depths, self.heads = map(tuple, (dims, depths, heads))
        self.windows, self.shifted = tuple(windows), tuple(shifted)
        self.num_features = num_features
        self.snr_adaptive = snr_adaptive
        self.rate_adaptive = rate_adaptive
        self._check_sizes()
        height, width, _ = self.image_shape
        self.grids = [
            (height // side, width // side)
            for side in (PATCH * 2**i for i in range(len(self.dims)))
        ]
        self._check_windows()
        self.grid = self.grids[-1]
        self.tokens = self.grid[0] * self.grid[1]
        if self.tokens % 2:
            raise ValueError(
                f"images of {height}x{width} have {self.tokens} tokens, which do not "
                "pair up to symbols: give a height or width twice as large."
            )
        self.channels = self.dims[-1] if rate_adaptive else num_features
        self.most_symbols = self.tokens * self.channels // 2

    def _check_sizes(self):
        named = {n: getattr(self, n) for n in ("dims", "depths", "heads", "windows")}
        named["shifted"] = self.shifted
        if len({len(values) for values in named.values()}) > 1 or not self.dims:
            raise ValueError(
                "dims, depths, heads, windows and shifted are of one number of stages, "
                f"received {named}."
            )
        if self.rate_adaptive != (self.num_features is None):
            raise ValueError(
                "num_features is a number without rate_adaptive, and None with it, "
                f"received {self.num_features} and {self.rate_adaptive}."
            )
        height, width, colors = self.image_shape
        cell = PATCH * 2 ** (len(self.dims) - 1)
        if height % cell or width % cell or colors != 3:
            raise ValueError(
                f"image_shape must be (height, width, 3), multiples of {cell} pixels "
                f"with {len(self.dims)} stages, received {self.image_shape}: crop or "
                "pad the images."
            )

    def _check_windows(self):
        stages = zip(self.grids, self.windows, self.shifted, strict=True)
        for i, (grid, window, shifted) in enumerate(stages):
            if window >= min(grid) + (not shifted) or any(n % window for n in grid):
                raise ValueError(
                    f"stage {i} has {grid[0]}x{grid[1]} tokens for images of "
                    f"{self.image_shape[0]}x{self.image_shape[1]}, which windows of "
                    f"{window}, {'shifted' if shifted else 'not shifted'}, do not fit: "
                    "give other image sizes."
                )

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        tokens = image_shape[0] * image_shape[1] // 16  # of two stages
        return {
            "image_shape": image_shape,
            "num_features": 2 * symbol_counts[-1] // tokens,
        }

    def check_rate(self, num_symbols):
        fits = num_symbols == self.most_symbols
        if self.rate_adaptive:
            fits = num_symbols >= self.tokens // 2
        if not fits:
            least = "at least " if self.rate_adaptive else ""
            needed = self.tokens // 2 if self.rate_adaptive else self.most_symbols
            raise ValueError(
                f"this codec sends {least}{needed} symbols per image, received a frame "
                f"of {num_symbols}: give a cbr of "
                f"{least}{needed}/{np.prod(self.image_shape)}."
            )

    def make_stages(self, order):
        """The Swin stages, in an order of their numbers."""
        return [
            SwinStage(
                self.depths[i],
                self.heads[i],
                self.windows[i],
                shifted=self.shifted[i],
                name=f"stage_{i}",
            )
            for i in order
        ]

    def build_modnet(self, name):
        """A ModNet as published over the coarsest maps."""
        modnet = ModNet(as_published=True, name=name)
        modnet.build((None, *self.grid, self.dims[-1]), (None, 1))
        return modnet

    def get_config(self):
        names = ("image_shape", "dims", "depths", "heads", "windows", "shifted")
        names += ("num_features", "snr_adaptive", "rate_adaptive")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinJSCCOfficialEncoder(_Pyramid, SemanticEncoder):
    """Images to symbols of any power (the link normalises it).

    Parameters
    ----------
    image_shape : (`int`, `int`, 3), (default (32, 32, 3))
        Height and width, multiples of 2^n with n stages [pixels]

    dims, depths, heads, windows : n `int` each
        Channels, blocks, attention heads and side of the windows of the stages, the
        finest first, (default (128, 256), (2, 4), (4, 8), (2, 2))

    shifted : n `bool`, (default (True, True))
        Whether every second block of a stage shifts its windows: in the authors' code,
        where these are smaller than the feature map that the model was made for

    num_features : `int` or `None`, (default 96)
        C, values that are sent for a token; `None` with ``rate_adaptive``

    snr_adaptive, rate_adaptive : `bool`, (default `True`, `False`)
        SA, RA

    Raises
    ------
    ValueError
        If the sizes do not fit each other or the image.
    """

    def build(self, source_shape):
        self.embed = keras.layers.Conv2D(self.dims[0], PATCH, PATCH, name="patch_embed")
        self.embed.build((None, *self.image_shape))
        self.stages = self.make_stages(range(len(self.dims)))
        self.merges = [
            PatchMerging(units, name=f"merge_{i + 1}")
            for i, units in enumerate(self.dims[1:])
        ]
        shapes = [
            (None, *grid, units)
            for grid, units in zip(self.grids, self.dims, strict=True)
        ]
        for stage, shape in zip(self.stages, shapes, strict=True):
            stage.build(shape)
        for merge, shape in zip(self.merges, shapes[:-1], strict=True):
            merge.build(shape)
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.norm.build(shapes[-1])
        if self.snr_adaptive:
            self.snr_modnet = self.build_modnet("snr_modnet")
        if self.rate_adaptive:
            self.rate_modnet = self.build_modnet("rate_modnet")
        else:
            self.head = Dense(self.num_features, name="head")
            self.head.build((None, self.dims[-1]))

    @property
    def side_values(self):
        return None if self.rate_adaptive else SCALE_VALUES

    @property
    def side_bytes(self):
        if not self.rate_adaptive:
            return None
        return SCALE_BYTES + -(-self.dims[-1] // 8)

    @property
    def rate_steps(self):
        if not self.rate_adaptive:
            return None
        return tuple(k * self.tokens / 2 for k in range(1, self.dims[-1] + 1))

    def channels_for(self, known):
        """k, the channels that are sent, [batch] `int32`; `None` without RA."""
        if not self.rate_adaptive:
            return None
        budget = known.budget
        if budget is None:
            budget = ops.zeros_like(known.snr_db) + float(known.num_symbols)
        channels = ops.floor(2.0 * budget / self.tokens + 1e-3)
        return ops.cast(ops.clip(channels, 1, self.dims[-1]), "int32")

    def analyse(self, images):
        """Patches, stages and LayerNorm, [batch, rows, columns, D] `float32`."""
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images must have shape {self.image_shape}, received "
                f"{tuple(images.shape[1:])}."
            )
        x = self.stages[0](self.embed(images))
        for merge, stage in zip(self.merges, self.stages[1:], strict=True):
            x = stage(merge(x))
        return self.norm(x)

    def features(self, images, snr_db, channels=None):
        """What the authors send.

        Input
        -----
        images : [batch, H, W, 3], `float32`
            In [0, 1]

        snr_db : [batch], `float32`
            [dB]

        channels : [batch], `int32`
            k; of no meaning without RA

        Output
        ------
        features : [batch, rows, columns, C or D], `float32`
            0 where they are not kept

        kept : [batch, D], `float32`, or `None`
            1 for channels that are sent; `None` without RA
        """
        x = self.analyse(images)
        if self.snr_adaptive:
            x, _ = self.snr_modnet(x, snr_db[:, None])
        if not self.rate_adaptive:
            return self.head(x), None
        x, factors = self.rate_modnet(x, ops.cast(channels, "float32")[:, None])
        kept = strongest(ops.sum(factors, axis=(1, 2)), channels)
        return x * kept[:, None, None], kept

    def encode(self, source, known, uniform=None):
        self.check_rate(known.num_symbols)
        channels = self.channels_for(known)
        features, kept = self.features(source, known.snr_db, channels)
        share = 1.0 if kept is None else ops.mean(kept, axis=1)
        power = ops.mean(ops.square(features), axis=(1, 2, 3)) / share
        scale = ops.stop_gradient(scale_index(power))
        values, count = features, None
        if kept is not None:
            values = _permute(features, _kept_first(kept))
            count = channels * (self.tokens // 2)
        # Map by map, so that the maps that are kept are a prefix.
        values = ops.transpose(values, (0, 3, 1, 2))
        pairs = ops.reshape(values, (-1, self.most_symbols, 2))
        told = Told(scale, None if kept is None else ops.cast(kept, "int32"))
        return Packet(Analogue(ops.view_as_complex(pairs), count), told)

    def side_to_bytes(self, side):
        scales = [int(scale).to_bytes(SCALE_BYTES, "big") for scale in side.scale]
        if side.kept is None:
            return scales
        masks = np.packbits(side.kept.astype(bool), axis=1)
        return [a + b.tobytes() for a, b in zip(scales, masks, strict=True)]

    def symbol_maps(self, packet):
        if packet.side.kept is None:
            return None
        kept = ops.cast(packet.side.kept, "float32")[:, None, None]
        return ops.tile(kept, (1, *self.grid, 1))


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinJSCCOfficialDecoder(_Pyramid, SemanticDecoder):
    """Received symbols to images; parameters as :class:`SwinJSCCOfficialEncoder`."""

    told_average_snr = True

    def build(self, x_hat_shape):
        order = range(len(self.dims) - 1, -1, -1)
        if not self.rate_adaptive:
            self.head = Dense(self.dims[-1], name="head")
            self.head.build((None, self.num_features))
        if self.snr_adaptive:
            self.snr_modnet = self.build_modnet("snr_modnet")
        self.stages = self.make_stages(order)
        self.splits = [
            PatchSplitting(self.dims[i - 1] if i else 3, name=f"split_{i}")
            for i in order
        ]
        for i, stage, split in zip(order, self.stages, self.splits, strict=True):
            shape = (None, *self.grids[i], self.dims[i])
            stage.build(shape)
            split.build(shape)

    def side_from_bytes(self, payloads):
        size = SCALE_BYTES + -(-self.dims[-1] // 8) * self.rate_adaptive
        whole = np.frombuffer(b"".join(payloads), np.uint8)
        if any(len(payload) != size for payload in payloads):
            raise ValueError(f"side information of other than {size} bytes")
        whole = whole.reshape(-1, size)
        scale = whole[:, :2] @ np.array([256, 1], "int32")
        check_scales(scale)
        if not self.rate_adaptive:
            return Told(scale.astype("int32"))
        bits = np.unpackbits(whole[:, 2:], axis=1)
        kept, beyond = bits[:, : self.dims[-1]], bits[:, self.dims[-1] :]
        if beyond.any() or not kept.any(axis=1).all():
            raise ValueError("a mask that keeps no channel, or some that do not exist")
        return Told(scale.astype("int32"), kept.astype("int32"))

    def count_symbols(self, side, known):
        if side.kept is None:
            return None
        return ops.sum(side.kept, axis=1) * (self.tokens // 2)

    def decode(self, received, known, training=False):
        snr_db = known.fed_back.snr_db
        room = received.z_hat.shape[1]
        z_hat = shrunk(received.z_hat, received.detected_no_eff, snr_db)
        values = ops.reshape(ops.view_as_real(z_hat), (-1, 2 * room))[
            :, : 2 * self.most_symbols
        ]
        values = ops.pad(values, ((0, 0), (0, max(2 * (self.most_symbols - room), 0))))
        values = ops.reshape(values, (-1, self.channels, *self.grid))
        features = ops.transpose(values, (0, 2, 3, 1))
        side = received.side
        if side.kept is not None:
            order = ops.argsort(_kept_first(side.kept), axis=-1)
            features = _permute(features, order)
            features = ops.where(side.kept[:, None, None] > 0, features, 0.0)
        scale = scale_of(side.scale)
        return Delivered(
            self.reconstruct(features * scale[:, None, None, None], snr_db)
        )

    def reconstruct(self, features, snr_db):
        """What the authors receive, to images around [0, 1].

        Input
        -----
        features : [batch, rows, columns, C or D], `float32`
            0 where they were not kept

        snr_db : [batch], `float32`
            [dB]
        """
        x = features if self.rate_adaptive else self.head(features)
        if self.snr_adaptive:
            x, _ = self.snr_modnet(x, snr_db[:, None])
        for stage, split in zip(self.stages, self.splits, strict=True):
            x = split(stage(x))
        return x


def strongest(score, channels):
    """1 for the channels of largest score, the lower one where two are equal.

    Every channel is compared with every other one, so that no sort decides on ties.

    Input
    -----
    score : [batch, D], `float32`

    channels : [batch], `int32`
        How many

    Output
    ------
    : [batch, D], `float32`
    """
    index = np.arange(score.shape[-1])
    this, other = score[:, :, None], score[:, None, :]
    before = ops.logical_and(other == this, index[None, :] < index[:, None])
    rank = ops.sum(ops.cast(ops.logical_or(other > this, before), "int32"), axis=-1)
    return ops.cast(rank < channels[:, None], "float32")


def _kept_first(kept):
    """Indices of the channels, those kept first, each group in its order."""
    index = ops.arange(kept.shape[-1], dtype="int32")[None]
    dropped = 1 - ops.cast(kept, "int32")
    return ops.argsort(dropped * kept.shape[-1] + index, axis=-1)


def _permute(maps, order):
    """Maps in another order; order [batch, maps]."""
    index = ops.broadcast_to(ops.cast(order, "int32")[:, None, None], ops.shape(maps))
    return ops.take_along_axis(maps, index, axis=-1)
