"""ECA: an image as feature maps, of which content and channel choose what is sent.

W. Chen et al., "Entropy-and-channel-aware adaptive-rate semantic communication with
MLLM-aided feature compensation" (extends IEEE GLOBECOM 2023, pp. 2239-2244).

    image --> [ analysis, CCAM ] --maps--> [ policy 1: k maps ] --> [ policy 2: l rows ]
                   ^ e(h, snr)                ^ ec(2D entropy, h, snr)        |
    PowerNormalization <-- [ amplitudes, scale code ] <-- list of k l values -'
          '--> EqualizedOFDMChannel --> x_hat, no_eff; k, l as side information
    image_hat <-- [ synthesis, CCAM ] <-- [ compensation ] <-- maps <-- [ Wiener ]

Chain            : an analogue segment, and a digital one with k and l; the pilot block
                   is sent first, its LS estimate and SNR are fed back and serve
                   detection
Bandwidth        : scale_symbols + ceil(k l / 2) complex symbols per image, k from 1 to
                   C, l from 1 to HW/16; side information log2(C HW/16) bits, coded
Known at encoder : estimated h, estimated average SNR [dB] (fed back)
Known at decoder : the same, no_eff, k and l (sent and charged)
Trained with     : :class:`ChannelAwareLoss`, SNR uniform; see the weights' JSON

Rebuilt from the words of the paper (its formulas 7, 9, 20-25 are lost in our copy)
-----------------------------------------------------------------------------------
* 7, 9: average received SNR per receive antenna, as everywhere here; estimated from the
  residual of the pilots (`EqualizedOFDMChannel.sound`).
* 20: channel usage k l / (3HW) real symbols per source dimension, cr_real.
* 21: snr_norm = (snr - snr_min) / (snr_max - snr_min), clipped to [0, 1].
* 22: w(snr) = lambda (1 + slope sqrt(snr_norm)): with it the rates fall as in table I.
* 23: rate loss = mean of w(snr) cr_real. 24: feature consistency. 25: their sum.
* Values lost and chosen here: rate weights and slope (in the weights' JSON), attention
  window 4, LoRA rank 8 and alpha 16.

Differences from the paper
--------------------------
* The distortion is the logarithm of each image's squared error: the tables report the
  mean PSNR, and every SNR then weighs alike. The consistency loss likewise.
* Policies trained through the masks drop what they should keep: the derivative in a
  sampled mask is 0 at the Wiener optimum for all that is sent, and does not see that
  more symbols carry more energy. Here a predictor of the image's error, from the same
  content and EC embedding, learns alongside (half of the images at random cut-offs).
  The policies' logits are their perceptrons plus the predicted cost (distortion and
  rate) of every cut-off, and the same costs weigh the one-hot draws of the
  Gumbel-softmax for the gradient.
* "Preserve none" is left out: k and l start at 1.
* The condition embedding also sees the SINR of every stream and the effective SNR.
* Global averages of feature maps are of magnitudes: subband maps have no mean.
* With the convolutional backbone (order "importance") a symbol position is a place in
  a list of DCT coefficients by falling energy, not a pixel position: cutting positions
  of a convolutional map would cut the bottom of the image. Amplitudes follow a power
  allocation; a few symbols, always sent and charged, carry the image's scale, which the
  power normalisation divides by; the receiver uses a Wiener filter.
* The compensation adds to the maps received, and the synthesis sees both.
"""

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.compensation import FeatureCompensation
from semcom_phy.codecs.contract import Packet
from semcom_phy.codecs.map_codec import (
    Analysis,
    Cutoffs,
    MapDecoder,
    MapEncoder,
    Refinement,
)
from semcom_phy.layers.adaptation.channel_condition import TwoLayerPerceptron
from semcom_phy.layers.entropy.feature_entropy import entropy_2d
from semcom_phy.layers.mapping.cutoff import choose_cutoff, kept, thermometer
from semcom_phy.sources.samples import Delivered

CONDITION_UNITS = 32
EC_UNITS = 64
POLICY_UNITS = 128
# The small vision transformer that takes InternViT's place in the shipped weights.
SMALL_VIT = {"num_layers": 3, "hidden_size": 96, "num_heads": 4, "mlp_size": 192}
NUM_LEVELS = 16
SNR_RANGE_DB = (0.0, 20.0)
COST_SCALE = 0.02  # nat of predicted cost per unit of the policies' logits


@keras.saving.register_keras_serializable(package="semcom_phy")
class EcaEncoder(MapEncoder):
    """Image to an adaptive number of symbols.

    Parameters
    ----------
    image_shape : (`int`, `int`, `int`), (default (32, 32, 3))
        Height and width, multiples of 4, and colours [pixels]

    num_maps : `int`, (default 16)
        Feature maps, C

    num_tx_ant, num_rx_ant : `int`, (default 2, 2)
        Antennas of the channel estimate

    backbone : "conv" (default) | "swin"
        See :mod:`semcom_phy.codecs.backbone`

    sizes : `dict`, optional
        Constructor arguments of the backbone's layer

    scale_symbols : `int`, optional
        Complex symbols, always sent, that carry the image's scale; 8 with "conv" and 0
        with "swin" if not given

    use_csi : `bool`, (default `True`)
        Look at the channel estimate, not at the SNR alone (ablation)

    use_entropy : `bool`, (default `True`)
        Let the policies see the 2D entropy, else zeros (ablation)

    temperature : `float`, (default 5)
        Of the Gumbel-softmax

    rate_weight, slope : `float`, (default 2.8, 0.55)
        Price of the rate, w = rate_weight (1 + slope sqrt(snr_norm)) [nat per cr_real],
        snr_norm from 0 at 0 dB to 1 at 20 dB

    Raises
    ------
    ValueError
        If the sizes do not fit, ``h`` is missing or of other antennas, or the frame
        holds another number of symbols.
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="conv",
        sizes=None,
        scale_symbols=None,
        use_csi=True,
        use_entropy=True,
        temperature=5.0,
        rate_weight=2.8,
        slope=0.55,
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
            use_csi,
            **kwargs,
        )
        self.use_entropy = use_entropy
        self.temperature = temperature
        self.rate_weight = rate_weight
        self.slope = slope
        for name in ("temperature", "rate_weight"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(
                    f"{name} must be positive and finite, received "
                    f"{getattr(self, name)}."
                )
        self.embedding = TwoLayerPerceptron(
            2 * CONDITION_UNITS, CONDITION_UNITS, name="embedding"
        )
        self.ec_embedding = TwoLayerPerceptron(EC_UNITS, EC_UNITS, name="ec_embedding")
        self.policy_1 = TwoLayerPerceptron(
            POLICY_UNITS, num_maps, zero_start=True, name="policy_1"
        )
        self.policy_2 = TwoLayerPerceptron(
            POLICY_UNITS, self.length, zero_start=True, name="policy_2"
        )
        self.predictor = QualityPredictor(self.size, num_maps, name="predictor")
        self.trains_policies = True
        self.make_packing()

    def train_choice(self, value):
        self.trains_policies = value
        for policy in (self.policy_1, self.policy_2):
            policy.trainable = value

    def build(self, source_shape):
        self.embedding.build((None, self.condition.num_features))
        self.analysis.build((None, *self.image_shape), (None, CONDITION_UNITS))
        self.ec_embedding.build((None, self.condition.num_features + self.num_maps))
        self.policy_1.build((None, self.num_maps + EC_UNITS))
        self.policy_2.build((None, self.length + EC_UNITS))
        self.predictor.build((None, self.num_maps + EC_UNITS))
        self.build_packing(self.num_maps + EC_UNITS)

    @property
    def side_values(self):
        return self.num_maps * self.length

    def to_number(self, side):
        """The cut-offs as one number each, [batch] `int`; see :func:`read_cutoffs`."""
        return (side.num_maps.astype(int) - 1) * self.length + side.num_rows - 1

    def encode(self, source, known, uniform=None):
        """As :meth:`SemanticEncoder.encode`.

        Without ``uniform`` the most likely cut-offs are taken. With it they are drawn,
        for one half of the images by the Gumbel-softmax of both policies and for the
        other uniformly, so that the predictor goes on seeing all rates; for all of them
        uniformly where the policies are not trained (:meth:`train_choice`).
        """
        features, effective_db = self.condition(known.h_hat, known.snr_db)
        maps = self.analysis(source, self.embedding(features))
        values = self.symbols.to_values(maps)
        entropy = entropy_2d(maps, NUM_LEVELS)
        shown = entropy * (self.use_entropy / float(np.log2(self.length)))
        ec = self.ec_embedding(ops.concatenate([features, shown], axis=-1))
        pooled = _compress(ops.mean(ops.abs(maps), axis=(1, 2)))

        content = ops.concatenate([pooled, ec], axis=-1)
        quality = self.predictor(ops.stop_gradient(content))
        choice = cutoffs = None
        if uniform is None or self.trains_policies:
            price = self.price(known.snr_db)
            choice = self._choose(values, pooled, ec, quality, price, uniform)
            cutoffs = Cutoffs(*map(kept, choice))
        if uniform is not None:
            drawn = self.draw_cutoffs(uniform)
            cutoffs = drawn if cutoffs is None else _mixed(cutoffs, drawn, uniform)
        data = self.pack(values, cutoffs, content, effective_db)
        return Packet(data, cutoffs, Analysis(maps, entropy, choice, quality))

    def price(self, snr_db):
        """Price of a real symbol at an SNR [dB], same shape [nat]."""
        snr_db = ops.convert_to_tensor(snr_db, "float32")
        low, high = SNR_RANGE_DB
        share = ops.clip((snr_db - low) / (high - low), 0.0, 1.0)
        weight = self.rate_weight * (1.0 + self.slope * ops.sqrt(share))
        return weight / float(np.prod(self.image_shape))

    def costs(self, quality, num_maps, num_rows, price):
        r"""Predicted cost of cut-offs, :math:`\widehat{\ln d}(k l, k) + w\,k l`.

        Input
        -----
        quality : [batch, 4], `float32`
            Of :class:`QualityPredictor`

        num_maps, num_rows : [batch or 1, n or 1], `float32`
            k and l

        price : [batch], `float32`
            Of a real symbol

        Output
        ------
        : [batch, n], `float32` [nat]
        """
        num_maps, num_rows = map(ops.convert_to_tensor, (num_maps, num_rows))
        count = num_maps * num_rows
        expected = self.predictor.read(quality, count, num_maps)
        return expected + price[:, None] * count

    def draw_cutoffs(self, uniform):
        """Random cut-offs, for a backbone that serves all rates.

        Input
        -----
        uniform : [batch, num_uniform], `float32`, in (0, 1)
            The second and third are used

        Output
        ------
        : :class:`Cutoffs`
            Usage uniform from a quarter to all, maps from a half to all
        """
        usage = (0.25 + 0.75 * uniform[:, 1]) * self.size
        num_maps = ops.floor((0.5 + 0.5 * uniform[:, 2]) * (self.num_maps + 1))
        num_maps = ops.clip(num_maps, 1, self.num_maps)
        num_rows = ops.clip(ops.ceil(usage / num_maps), 1, self.length)
        return Cutoffs(ops.cast(num_maps, "int32"), ops.cast(num_rows, "int32"))

    @property
    def num_uniform(self):
        """Random numbers that training takes per image, `int`."""
        return 3 + self.num_maps + self.length

    def _choose(self, values, pooled, ec, quality, price, uniform):
        """One-hot cut-offs of maps and rows.

        Each policy adds its perceptron to the predicted costs: policy 1 to those of
        every k at the best l, policy 2 to those of every l at the k chosen.
        """
        parts = (None, None)
        if uniform is not None:
            uniform = uniform[:, 3:]  # the others are for drawn cut-offs
            parts = uniform[:, : self.num_maps], uniform[:, self.num_maps :]
        quality, price = ops.stop_gradient(quality), ops.stop_gradient(price)
        every_k = np.arange(1, self.num_maps + 1, dtype="float32")
        every_l = np.arange(1, self.length + 1, dtype="float32")
        pairs = np.meshgrid(every_k, every_l, indexing="ij")
        num_maps, num_rows = (v.ravel()[None] for v in pairs)
        costs = self.costs(quality, num_maps, num_rows, price)
        grid = ops.reshape(costs, (-1, self.num_maps, self.length))
        logits = self.policy_1(ops.concatenate([pooled, ec], axis=-1))
        logits = logits - ops.min(grid, axis=-1) / COST_SCALE
        first = choose_cutoff(logits, parts[0], self.temperature)
        rows = self.symbols.summary(values, thermometer(first), kept(first))
        rows = ops.stop_gradient(_compress(rows))
        logits = self.policy_2(ops.concatenate([rows, ec], axis=-1))
        of_k = ops.cast(kept(first), "float32")[:, None]
        costs = self.costs(quality, of_k, every_l[None], price)
        logits = logits - costs / COST_SCALE
        return first, choose_cutoff(logits, parts[1], self.temperature)

    def get_config(self):
        return {
            **super().get_config(),
            "use_entropy": self.use_entropy,
            "temperature": self.temperature,
            "rate_weight": self.rate_weight,
            "slope": self.slope,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class EcaDecoder(MapDecoder):
    """Received symbols to an image.

    Parameters
    ----------
    image_shape, num_maps, num_tx_ant, num_rx_ant, backbone, sizes, scale_symbols,
    use_csi :
        As for :class:`EcaEncoder`

    compensation : `dict`, optional
        ``vit`` of :class:`~semcom_phy.codecs.compensation.FeatureCompensation`; without
        it there is none (ablation)
    """

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="conv",
        sizes=None,
        scale_symbols=None,
        use_csi=True,
        compensation=None,
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
            use_csi,
            **kwargs,
        )
        self.embedding = TwoLayerPerceptron(
            2 * CONDITION_UNITS, CONDITION_UNITS, name="embedding"
        )
        self.compensation = None if compensation is None else dict(compensation)
        if compensation is not None:
            self.complete = FeatureCompensation(self.compensation, name="complete")
        self.make_unpacking()

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        config = super().default_config(
            image_shape, num_tx_ant, num_rx_ant, symbol_counts
        )
        return config | {"compensation": SMALL_VIT}

    def build(self, x_hat_shape):
        self.embedding.build((None, self.condition.num_features + 2))
        shape, condition = (None, *self.grid, self.num_maps), (None, CONDITION_UNITS)
        if self.compensation is not None:
            self.complete.build(shape, condition)
        self.synthesis.build(shape, shape, condition)
        self.build_unpacking()

    def from_number(self, numbers):
        """Inverse of :meth:`EcaEncoder.to_number`: :class:`Cutoffs` of arrays."""
        return read_cutoffs(numbers, self.num_maps, self.length)

    def decode(self, received, known, training=False):
        fed_back = known.fed_back  # what the amplitudes follow
        side = received.side
        features, effective_db = self.condition(fed_back.h_hat, fed_back.snr_db)
        estimates, mask = self.unpack(received, features, effective_db)
        features, _ = self.condition(known.h_hat, known.snr_db)
        usage = ops.stack(
            [
                ops.cast(side.num_maps, "float32") / self.num_maps,
                ops.cast(side.num_rows, "float32") / self.length,
            ],
            axis=-1,
        )
        condition = self.embedding(ops.concatenate([features, usage], axis=-1))

        maps = self.symbols.to_maps(estimates * mask)
        refined = maps
        if self.compensation is not None:
            refined = self.complete(maps, condition, training=training)
        image = self.synthesis(refined, maps, condition)
        return Delivered(image, details=Refinement(refined, estimates))

    def get_config(self):
        return {**super().get_config(), "compensation": self.compensation}


class ChannelAwareLoss:
    r"""Loss of ECA: distortion, channel-aware rate, feature consistency.

    .. math::
        \mathcal{L} = \mathrm{E}\Bigl[\ln d + w(\mathrm{SNR})\,\frac{k l}{3HW}
        + \beta \ln d_f + (\widehat{\ln d} - \ln d)^2\Bigr], \qquad
        w = \lambda\,(1 + \sigma\,\overline{\mathrm{SNR}}^{1/2})

    with :math:`d` the squared error of an image, :math:`d_f` that of its feature maps
    after compensation, and the SNR normalised to [0, 1]. :math:`\lambda` and
    :math:`\sigma` are the encoder's.

    Parameters
    ----------
    random_cutoffs : `bool`
        Cut-offs are drawn at random, for a backbone that serves all rates: the policies
        are not trained

    consistency_weight : `float`, (default 0.1)
        :math:`\beta`
    """

    def __init__(self, random_cutoffs, consistency_weight=0.1):
        self.random_cutoffs = random_cutoffs
        self.consistency_weight = consistency_weight

    def __call__(self, source, snr_db, packet, delivered, codec):
        """Mean loss of a batch.

        Input
        -----
        source : [batch, H, W, C], `float32`

        snr_db : [batch], `float32`
            [dB]

        packet : :class:`~semcom_phy.codecs.contract.Packet`

        delivered : :class:`~semcom_phy.sources.samples.Delivered`

        codec : :class:`EcaEncoder` or another encoder of maps

        Output
        ------
        : scalar, `float32`
        """
        coded = packet.details
        error = ops.mean(ops.square(delivered.images - source), axis=(1, 2, 3))
        error = ops.log(error + 1e-5)
        variances = codec.symbols.variances
        map_weights = ops.mean(ops.reshape(variances, (-1, codec.num_maps)), axis=0)
        refined = delivered.details.refined
        gap = ops.square(refined - ops.stop_gradient(coded.maps)) * map_weights
        gap = ops.sum(gap, axis=(1, 2, 3)) / ops.sum(variances)
        loss = error + self.consistency_weight * ops.log(gap + 1e-5)
        if coded.quality is None:
            return ops.mean(loss)
        num_maps, num_rows = (ops.cast(v, "float32")[:, None] for v in packet.side[:2])
        expected = codec.predictor.read(coded.quality, num_maps * num_rows, num_maps)
        loss = loss + ops.square(expected[:, 0] - ops.stop_gradient(error))
        if coded.choice is None:
            return ops.mean(loss)
        price, quality = codec.price(snr_db), ops.stop_gradient(coded.quality)
        num_maps, num_rows = (
            ops.cast(kept(v), "float32")[:, None] for v in coded.choice
        )
        loss = loss + price * (num_maps * num_rows)[:, 0]
        every_k = np.arange(1, codec.num_maps + 1, dtype="float32")[None]
        every_l = np.arange(1, codec.length + 1, dtype="float32")[None]
        for one_hot, cutoffs in (
            (coded.choice[0], (every_k, num_rows)),
            (coded.choice[1], (num_maps, every_l)),
        ):
            costs = codec.costs(quality, *cutoffs, price)
            expected = ops.sum(one_hot * costs, axis=-1)
            loss = loss + expected - ops.stop_gradient(expected)  # gradient alone
        return ops.mean(loss)


@keras.saving.register_keras_serializable(package="semcom_phy")
class QualityPredictor(keras.layers.Layer):
    r"""Predicts the log squared error of an image at every cut-off.

    .. math::
        \widehat{\ln d}(n, k) = a - b\,u + c\,u^2 + e\,(1 - k/C)^2, \qquad
        u = \ln(n / N), \qquad b, c, e > 0

    with n of N values sent, of k of C maps. A perceptron gives the four numbers of an
    image over a channel. Trained on what each image really came to.

    Parameters
    ----------
    size, num_maps : `int`
        Values and maps that can be sent, N and C

    Input
    -----
    content : [batch, num_content], `float32`
        What is known of image and channel

    Output
    ------
    quality : [batch, 4], `float32`
        a, b, c, e, to be read by :meth:`read`
    """

    def __init__(self, size, num_maps, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.num_maps = num_maps
        self.net = TwoLayerPerceptron(POLICY_UNITS, 4, name="net")

    def build(self, input_shape):
        self.net.build(input_shape)
        self.net.out.bias.assign([-5.0, 0.0, -2.0, -2.0])

    def call(self, content):
        level, *shape = ops.split(self.net(content), 4, axis=-1)
        return ops.concatenate([level, *map(ops.softplus, shape)], axis=-1)

    def read(self, quality, num_sent, num_maps):
        """The prediction at cut-offs.

        Input
        -----
        quality : [batch, 4], `float32`

        num_sent, num_maps : [batch, n], `float32`, positive
            k l and k

        Output
        ------
        : [batch, n], `float32`
            Logarithm of the squared error of a pixel [nat]
        """
        u = ops.log(num_sent / self.size)
        left_out = ops.square(1.0 - num_maps / self.num_maps)
        level, slope, bend, loss = ops.split(quality, 4, axis=-1)
        return level - slope * u + bend * ops.square(u) + loss * left_out

    def get_config(self):
        return {**super().get_config(), "size": self.size, "num_maps": self.num_maps}


def read_cutoffs(numbers, num_maps, length):
    """Cut-offs of the numbers that tell them.

    Input
    -----
    numbers : [batch], `int`
        (k - 1) L + l - 1

    Output
    ------
    : :class:`~semcom_phy.codecs.map_codec.Cutoffs`
        Arrays, `int32`

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    numbers = np.asarray(numbers)
    if np.any((numbers < 0) | (numbers >= num_maps * length)):
        raise ValueError(
            f"numbers must be from 0 to {num_maps * length - 1}, got {numbers}"
        )
    parts = numbers // length + 1, numbers % length + 1
    return Cutoffs(*(part.astype("int32") for part in parts))


def _mixed(chosen, drawn, uniform):
    """Cut-offs drawn at random for half of the images, those chosen for the others."""
    half = uniform[:, 0] < 0.5
    pairs = zip(chosen[:2], drawn[:2], strict=True)
    return Cutoffs(*(ops.where(half, two, one) for one, two in pairs))


def _compress(magnitude):
    """Magnitudes of any size to O(1)."""
    return ops.log(magnitude + 0.05)
