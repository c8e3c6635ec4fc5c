"""SwinJSCC: one analogue codec for all SNRs and rates, with channel and rate ModNets.

K. Yang, S. Wang, J. Dai, X. Qin, K. Niu, P. Zhang, "SwinJSCC: taming Swin transformer
for deep joint source-channel coding", IEEE TCCN 2025, arXiv:2308.09361; "SwinJSCC w/
SA&RA", the variant that adapts to both, as the benchmark of the ECA paper.

    image --> [ analysis ] --maps--> [ Channel ModNet ] --> [ Rate ModNet ] --> k maps
                                        ^ snr                  ^ rate             |
    PowerNormalization --> EqualizedOFDMChannel --> x_hat, no_eff; the mask or k  |
    image_hat <-- [ synthesis ] <-- [ Channel ModNet ] <-- maps <-----------------'

Chain            : an analogue and a digital segment; the SNR is fed back
Bandwidth        : scale_symbols + k HW/32 complex symbols per image, k asked for; side
                   information C bits (learned mask) or log2(C) bits (prefix)
Known at encoder : average SNR [dB], the rate asked for
Known at decoder : average SNR [dB], no_eff, the mask or k
Trained with     : logarithm of the squared error, SNR uniform, k uniform

Differences from the paper
--------------------------
* The rate mask. ``learned``: the k maps that the Rate ModNet weighs most, per image, as
  in the paper, which takes the mask for known; here its C bits are sent and charged.
  ``prefix``: the first k maps; training orders them by worth, and only k is sent.
* Sizes are those of the ECA experiments (:mod:`semcom_phy.codecs.backbone`), not those
  of the SwinJSCC paper, whose own networks are in
  :mod:`semcom_phy.codecs.swinjscc_official`.
* Squared error -> its logarithm, as for ECA, beside which it is the benchmark.
* With the convolutional backbone, amplitudes, Wiener filter and scale code as in
  :mod:`semcom_phy.codecs.eca`, but by the average SNR; ``prefix`` only.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import Packet
from semcom_phy.codecs.map_codec import (
    Analysis,
    Cutoffs,
    MapDecoder,
    MapEncoder,
    Refinement,
)
from semcom_phy.layers.adaptation.modnet import ModNet
from semcom_phy.layers.entropy.feature_entropy import entropy_2d
from semcom_phy.sources.samples import Delivered

MASKS = ("prefix", "learned")


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinJSCCEncoder(MapEncoder):
    """Image to the symbols of k feature maps.

    Parameters
    ----------
    image_shape, num_maps, num_tx_ant, num_rx_ant, sizes, scale_symbols :
        As of :class:`~semcom_phy.codecs.map_codec.MapCodec`

    backbone : "swin" (default) | "conv"
        See :mod:`semcom_phy.codecs.backbone`

    mask : "prefix" (default) | "learned"
        Which maps are sent, see above

    default_maps : `int`, optional
        k where none is asked for; three quarters of ``num_maps`` if not given

    Raises
    ------
    ValueError
        If the sizes do not fit, or the mask is unknown or not for the backbone.
    """

    channel_aware = False
    num_uniform = 2

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="swin",
        sizes=None,
        scale_symbols=None,
        mask="prefix",
        default_maps=None,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_maps,
            num_tx_ant,
            num_rx_ant,
            backbone,
            sizes,
            scale_symbols,
            use_csi=False,
            **kwargs,
        )
        check_mask(mask, self.shaped, backbone)
        self.mask = mask
        self.default_maps = default_maps or -(-3 * num_maps // 4)
        self.channel_modnet = ModNet(name="channel_modnet")
        self.rate_modnet = ModNet(name="rate_modnet")
        self.make_packing()

    def build(self, source_shape):
        shape = (None, *self.grid, self.num_maps)
        self.analysis.build((None, *self.image_shape), (None, 1))
        self.channel_modnet.build(shape, (None, 1))
        self.rate_modnet.build(shape, (None, 1))
        self.build_packing(self.num_maps + self.condition.num_features)

    @property
    def side_values(self):
        return 2**self.num_maps if self.mask == "learned" else self.num_maps

    def to_number(self, side):
        """k - 1, or a bit for every map that is kept, [batch] `int`."""
        num_maps = side.num_maps.astype(int)
        if self.mask == "prefix":
            return num_maps - 1
        kept = np.arange(self.num_maps) < num_maps[:, None]
        return np.sum(kept << side.map_order.astype(int), axis=1)

    @property
    def rate_steps(self):
        maps = range(1, self.num_maps + 1)
        return tuple(self.scale_symbols + k * self.length / 2 for k in maps)

    def maps_for(self, budget):
        """Number of maps that take a budget of symbols, [batch] `int32`."""
        maps = 2.0 * (budget - self.scale_symbols) / self.length
        return ops.cast(ops.clip(ops.round(maps), 1, self.num_maps), "int32")

    def encode(self, source, known, uniform=None):
        """As :meth:`SemanticEncoder.encode`; k follows from ``known.budget``, is drawn
        in training, and is ``default_maps`` otherwise."""
        features, effective_db = self.condition(None, known.snr_db)
        if uniform is not None:
            cutoffs = self.draw_cutoffs(uniform)
        else:
            whole = ops.ones_like(ops.cast(known.snr_db, "int32"))
            num_maps = whole * self.default_maps
            if known.budget is not None:
                num_maps = self.maps_for(known.budget)
            cutoffs = Cutoffs(num_maps, whole * self.length)
        maps = self.analysis(source, None)
        maps, _ = self.channel_modnet(maps, effective_db[:, None] / 10.0)
        share = ops.cast(cutoffs.num_maps, "float32") / self.num_maps
        maps, factors = self.rate_modnet(maps, share[:, None])
        if self.mask == "learned":
            order = _maps_by_weight(factors, cutoffs.num_maps)
            cutoffs = cutoffs._replace(map_order=order)
            values = self.symbols.to_values(_permute(maps, order))
        else:
            values = self.symbols.to_values(maps)
        pooled = ops.log(ops.mean(ops.abs(maps), axis=(1, 2)) + 0.05)
        content = ops.concatenate([pooled, features], axis=-1)
        data = self.pack(values, cutoffs, content, effective_db)
        return Packet(data, cutoffs, Analysis(maps, entropy_2d(maps)))

    def draw_cutoffs(self, uniform):
        """k uniform from a quarter of the maps to all, for training.

        Input
        -----
        uniform : [batch, num_uniform], `float32`, in (0, 1)
        """
        least = -(-self.num_maps // 4)
        num_maps = least + ops.floor(uniform[:, 1] * (self.num_maps - least + 1))
        num_maps = ops.cast(ops.clip(num_maps, least, self.num_maps), "int32")
        return Cutoffs(num_maps, ops.ones_like(num_maps) * self.length)

    def get_config(self):
        config = {**super().get_config(), "mask": self.mask}
        del config["use_csi"]
        return {**config, "default_maps": self.default_maps}


@keras.saving.register_keras_serializable(package="semcom_phy")
class SwinJSCCDecoder(MapDecoder):
    """Received symbols to an image.

    Parameters
    ----------
    image_shape, num_maps, num_tx_ant, num_rx_ant, backbone, sizes, scale_symbols,
    mask :
        As for :class:`SwinJSCCEncoder`
    """

    channel_aware = False

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="swin",
        sizes=None,
        scale_symbols=None,
        mask="prefix",
        **kwargs,
    ):
        super().__init__(
            image_shape,
            num_maps,
            num_tx_ant,
            num_rx_ant,
            backbone,
            sizes,
            scale_symbols,
            use_csi=False,
            **kwargs,
        )
        check_mask(mask, self.shaped, backbone)
        self.mask = mask
        self.channel_modnet = ModNet(name="channel_modnet")
        self.make_unpacking()

    def build(self, x_hat_shape):
        shape = (None, *self.grid, self.num_maps)
        self.channel_modnet.build(shape, (None, 1))
        self.synthesis.build(shape, shape, (None, 1))
        self.build_unpacking()

    def from_number(self, numbers):
        """Inverse of :meth:`SwinJSCCEncoder.to_number`."""
        whole = np.full(len(numbers), self.length, "int32")
        if self.mask == "prefix":
            return Cutoffs((numbers + 1).astype("int32"), whole)
        order = np.tile(np.arange(self.num_maps), (len(numbers), 1))
        dropped = (numbers[:, None] >> order & 1) == 0
        num_maps = np.maximum(self.num_maps - dropped.sum(axis=1), 1)
        order = np.argsort(dropped, axis=1, kind="stable")
        return Cutoffs(num_maps.astype("int32"), whole, order.astype("int32"))

    def decode(self, received, known, training=False):
        # The amplitudes follow what the transmitter was told.
        features, effective_db = self.condition(None, known.fed_back.snr_db)
        estimates, mask = self.unpack(received, features, effective_db)
        maps = self.symbols.to_maps(estimates * mask)
        if self.mask == "learned":
            order = received.side.map_order
            maps = _permute(maps, ops.argsort(order, axis=-1))
        refined, _ = self.channel_modnet(maps, effective_db[:, None] / 10.0)
        image = self.synthesis(refined, maps, None)
        return Delivered(image, details=Refinement(refined, estimates))

    def get_config(self):
        config = {**super().get_config(), "mask": self.mask}
        del config["use_csi"]
        return config


def check_mask(mask, shaped, backbone):
    """Refuses a mask that is unknown or that the backbone does not bear."""
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {', '.join(MASKS)}, received {mask!r}.")
    if mask == "learned" and shaped:
        raise ValueError(
            f"the backbone {backbone!r} orders its maps beforehand: use mask 'prefix' "
            "or the backbone 'swin', received mask 'learned'."
        )


def _maps_by_weight(factors, num_kept):
    """Indices of the maps, those kept first, each group in its own order, [batch, C].

    The order within the groups is fixed, so that a bit per map tells it all.
    """
    weight = ops.stop_gradient(ops.mean(factors, axis=(1, 2)))
    rank = ops.argsort(ops.argsort(-weight, axis=-1), axis=-1)
    dropped = ops.cast(ops.cast(rank, "int32") >= num_kept[:, None], "int32")
    index = ops.arange(weight.shape[-1], dtype="int32")[None]
    return ops.cast(ops.argsort(dropped * weight.shape[-1] + index, axis=-1), "int32")


def _permute(maps, order):
    """Maps in another order; order [batch, C]."""
    index = ops.broadcast_to(ops.cast(order, "int32")[:, None, None], ops.shape(maps))
    return ops.take_along_axis(maps, index, axis=-1)
