"""ECA: an image as feature maps, of which content and channel choose what is sent.

W. Chen et al., "Entropy-and-channel-aware adaptive-rate semantic communication with
MLLM-aided feature compensation" (extends IEEE GLOBECOM 2023, pp. 2239-2244).

    image --> [ analysis, CCAM ] --maps--> [ policy 1: k maps ] --> [ policy 2: l rows ]
                   ^ e(h, snr)                ^ ec(2D entropy, h, snr)        |
    PowerNormalization <-- [ amplitudes, scale code ] <-- list of k l values -'
          '--> EqualizedOFDMChannel --> x_hat, no_eff; k, l as side information
    image_hat <-- [ synthesis, CCAM ] <-- [ compensation ] <-- maps <-- [ Wiener ]

Chain            : AdaptiveLink; the pilot block is sent first, its LS estimate and SNR
                   are fed back and serve detection; k and l on a protected stream
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
* 22: w(snr) = lambda (1 + slope snr_norm).
* 23: rate loss = mean of w(snr) cr_real. 24: feature consistency. 25: their sum.
* Values lost and chosen here: rate weights and slope (in the weights' JSON), attention
  window 4, LoRA rank 8 and alpha 16.

Differences from the paper
--------------------------
* The distortion is the logarithm of each image's squared error: the tables report the
  mean PSNR, and every SNR then weighs alike. The consistency loss likewise.
* The masks' gradient is the finite difference of the squared feature error between
  sending a symbol and not, instead of the derivative at the sampled mask. At the Wiener
  optimum that derivative is 0 for every symbol that is sent, which would have the
  policies drop what they should keep.
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

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.backbone import make_backbone
from semcom_phy.codecs.compensation import FeatureCompensation
from semcom_phy.layers.amplitude import AmplitudeTable
from semcom_phy.layers.channel_condition import ChannelCondition, TwoLayerPerceptron
from semcom_phy.layers.cutoff import choose_cutoff, kept, thermometer
from semcom_phy.layers.feature_entropy import entropy_2d
from semcom_phy.layers.symbol_order import SymbolOrder

CONDITION_UNITS = 32
EC_UNITS = 64
POLICY_UNITS = 128
# The small vision transformer that takes InternViT's place in the shipped weights.
SMALL_VIT = {"num_layers": 3, "hidden_size": 96, "num_heads": 4, "mlp_size": 192}
SCALE_UNITS = 64
NUM_LEVELS = 16
NUM_BANDS = 32


class Cutoffs(NamedTuple):
    """What the decoder must be told: how much was sent.

    Attributes
    ----------
    num_maps, num_rows : [batch], `int32`
        Maps kept, k, and rows of symbols kept, l, both from 1 on

    mask : [batch, size], `float32`, or `None`
        In training, the mask by position with its gradient
    """

    num_maps: Any
    num_rows: Any
    mask: Any = None


class Coded(NamedTuple):
    """What the encoder makes of an image.

    Attributes
    ----------
    z : [batch, num_symbols], `complex64`
        Symbols, those to be sent first. Behind them stands what is not sent

    mask : [batch, num_symbols], `float32`
        1 for symbols that are sent, a prefix

    cutoffs : :class:`Cutoffs`

    maps : [batch, height, width, num_maps], `float32`
        Feature maps before selection

    values : [batch, size], `float32`
        The same as values of unit variance by position

    entropy : [batch, num_maps], `float32`
        2D entropy of the maps [bit]

    usage : [batch], `float32`
        k l with the gradient of both cut-offs [real symbols]
    """

    z: Any
    mask: Any
    cutoffs: Cutoffs
    maps: Any
    values: Any
    entropy: Any
    usage: Any


class Decoded(NamedTuple):
    """What the decoder makes of the symbols received.

    Attributes
    ----------
    image : [batch, H, W, C], `float32`
        Around [0, 1], not clipped

    refined : [batch, height, width, num_maps], `float32`
        Maps after compensation

    estimates : [batch, size], `float32`
        Estimated values by position, before the mask
    """

    image: Any
    refined: Any
    estimates: Any


class _Eca(keras.layers.Layer):
    """What encoder and decoder share."""

    half = None

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="conv",
        sizes=None,
        scale_symbols=8,
        use_csi=True,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.num_maps = num_maps
        self.num_tx_ant = num_tx_ant
        self.num_rx_ant = num_rx_ant
        self.backbone = backbone
        self.sizes = dict(sizes or {})
        self.scale_symbols = scale_symbols
        self.use_csi = use_csi
        net = make_backbone(
            self.half, backbone, self.image_shape, num_maps, True, self.sizes
        )
        setattr(self, self.half, net)
        self.shaped = net.order == "importance"
        if not self.shaped and scale_symbols:
            raise ValueError(
                "scale_symbols goes with the backbone 'conv'; with "
                f"{backbone!r} it must be 0, received {scale_symbols}."
            )
        height, width, _ = self.image_shape
        self.grid = (height // 4, width // 4)
        self.symbols = SymbolOrder(self.grid, num_maps, net.order, name="symbols")
        self.length, self.size = self.symbols.length, self.symbols.size
        self.num_symbols = scale_symbols + -(-self.size // 2)
        self.condition = ChannelCondition(
            num_tx_ant, num_rx_ant, use_csi, name="condition"
        )
        self.embedding = TwoLayerPerceptron(
            2 * CONDITION_UNITS, CONDITION_UNITS, name="embedding"
        )
        if self.shaped:
            self.amplitude = AmplitudeTable(self.size, name="amplitude")

    def check_rate(self, num_symbols):
        """The largest rate must fill the frame.

        Raises
        ------
        ValueError
            If it does not.
        """
        if num_symbols != self.num_symbols:
            raise ValueError(
                f"this codec sends up to {self.num_symbols} symbols per image, "
                f"received a frame of {num_symbols}: use a cbr of {self.num_symbols}/"
                f"{int(np.prod(self.image_shape))}."
            )

    def positions(self, cutoffs):
        """Mask of the values sent, by position, [batch, size] `float32`."""
        steps = ops.arange(self.num_maps, dtype="int32")
        map_mask = ops.cast(steps < cutoffs.num_maps[:, None], "float32")
        steps = ops.arange(self.length, dtype="int32")
        row_mask = ops.cast(steps < cutoffs.num_rows[:, None], "float32")
        return self.symbols.mask(map_mask, row_mask, cutoffs.num_maps)

    def num_sent(self, cutoffs):
        """k l, [batch] `float32`."""
        return ops.cast(cutoffs.num_maps * cutoffs.num_rows, "float32")

    def get_config(self):
        names = ("image_shape", "num_maps", "num_tx_ant", "num_rx_ant", "backbone")
        names += ("sizes", "scale_symbols", "use_csi")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="semcom_phy")
class EcaEncoder(_Eca):
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

    scale_symbols : `int`, (default 8)
        Complex symbols that carry the image's scale; 0 with "swin"

    use_csi : `bool`, (default `True`)
        Look at the channel estimate, not at the SNR alone (ablation)

    use_entropy : `bool`, (default `True`)
        Let the policies see the 2D entropy, else zeros (ablation)

    temperature : `float`, (default 5)
        Of the Gumbel-softmax

    Input
    -----
    source : [batch_size, H, W, C], `float32`
        Images in [0, 1]

    snr_db : [batch_size], `float32`
        Average SNR per receive antenna, fed back [dB]

    h : [batch_size, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
        Channel estimate, fed back

    num_symbols : `int`, optional
        Symbols of the frame, for a check

    Output
    ------
    z : [batch_size, num_symbols], `complex64`
        Symbols, those that are sent first

    mask : [batch_size, num_symbols], `float32`
        1 for symbols that are sent

    Raises
    ------
    ValueError
        If the sizes do not fit, ``h`` is missing or of other antennas, or the frame
        holds another number of symbols.
    """

    half = "analysis"

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="conv",
        sizes=None,
        scale_symbols=8,
        use_csi=True,
        use_entropy=True,
        temperature=5.0,
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
        self.ec_embedding = TwoLayerPerceptron(EC_UNITS, EC_UNITS, name="ec_embedding")
        self.policy_1 = TwoLayerPerceptron(
            POLICY_UNITS, num_maps, zero_start=True, name="policy_1"
        )
        self.policy_2 = TwoLayerPerceptron(
            POLICY_UNITS, self.length, zero_start=True, name="policy_2"
        )
        if self.shaped:
            self.content_gain = keras.layers.Dense(
                self.size, kernel_initializer="zeros", name="content_gain"
            )
        if scale_symbols:
            self.scale_code = TwoLayerPerceptron(
                SCALE_UNITS, 2 * scale_symbols, name="scale_code"
            )

    def fit_statistics(self, images):
        """Closed-form start of the convolutional backbone, and a start of the policies.

        Parameters
        ----------
        images : [n, H, W, C], `float32`
            Training images in [0, 1]
        """
        if self.shaped:
            self.analysis.fit(images)
            part = ops.convert_to_tensor(images[:4096])
            maps = self.analysis.subbands.analyse(
                self.analysis.subbands.decorrelate(part)
            )
            self.symbols.fit(maps, self.analysis.map_scales)
            worth = ops.convert_to_numpy(self.symbols.worth)
            self.amplitude.fit(
                worth.astype("float64"), np.argsort(-worth, kind="stable")
            )
        for policy, count in (
            (self.policy_1, self.num_maps),
            (self.policy_2, self.length),
        ):
            # Most draws keep between a half and all.
            place = np.linspace(1 / count, 1, count)
            policy.out.bias.assign(-0.5 * ((place - 0.8) / 0.15) ** 2)

    def train_policies(self, value):
        """Whether training moves the policies: not where cut-offs are random."""
        for policy in (self.policy_1, self.policy_2):
            policy.trainable = value

    def build(self, source_shape):
        self.embedding.build((None, self.condition.num_features))
        self.analysis.build((None, *self.image_shape), (None, CONDITION_UNITS))
        self.ec_embedding.build((None, self.condition.num_features + self.num_maps))
        self.policy_1.build((None, self.num_maps + EC_UNITS))
        self.policy_2.build((None, self.length + EC_UNITS))
        if self.shaped:
            self.content_gain.build((None, self.num_maps + EC_UNITS))
        if self.scale_symbols:
            inputs = self.num_maps + EC_UNITS + self.amplitude.num_context + 1
            self.scale_code.build((None, inputs))

    def call(self, source, snr_db, h=None, num_symbols=None):
        if num_symbols is not None:
            self.check_rate(num_symbols)
        coded = self.encode(source, snr_db, h)
        return coded.z, coded.mask

    def encode(self, source, snr_db, h, uniform=None, cutoffs=None):
        """The call with everything that is found on the way.

        Input
        -----
        source, snr_db, h
            As in the call

        uniform : [batch, num_maps + length], `float32`, optional
            Random numbers in (0, 1) for the Gumbel-softmax of both policies (training);
            without them the most likely cut-offs are taken

        cutoffs : :class:`Cutoffs`, optional
            Takes the place of both policies' choices

        Output
        ------
        : :class:`Coded`
        """
        features, effective_db = self.condition(h, snr_db)
        maps = self.analysis(source, self.embedding(features))
        values = self.symbols.to_values(maps)
        entropy = entropy_2d(maps, NUM_LEVELS)
        shown = entropy * (self.use_entropy / float(np.log2(self.length)))
        ec = self.ec_embedding(ops.concatenate([features, shown], axis=-1))
        pooled = _compress(ops.mean(ops.abs(maps), axis=(1, 2)))

        first, second = self._choose(maps, values, pooled, ec, uniform, cutoffs)
        map_mask, row_mask = thermometer(first), thermometer(second)
        cutoffs = Cutoffs(kept(first), kept(second))
        mask = self.symbols.mask(map_mask, row_mask, cutoffs.num_maps)
        usage = ops.sum(map_mask, axis=-1) * ops.sum(row_mask, axis=-1)
        cutoffs = cutoffs._replace(mask=mask)

        amplitudes = values
        if self.shaped:
            content = ops.concatenate([pooled, ec], axis=-1)
            log_gain = self.amplitude(effective_db, self.num_sent(cutoffs))
            amplitudes = values * ops.exp(log_gain + self.content_gain(content))
        listed = self.symbols.sort(amplitudes, cutoffs.num_maps)
        sent = self._sent(cutoffs)
        if self.scale_symbols:
            context = self.amplitude.context(effective_db, self.num_sent(cutoffs))
            code = self._scale_code(listed, sent, content, context)
            listed = ops.concatenate([code, listed], axis=-1)
        missing = 2 * self.num_symbols - listed.shape[1]
        if missing:
            listed = ops.pad(listed, ((0, 0), (0, missing)))
        z = ops.view_as_complex(ops.reshape(listed, (-1, self.num_symbols, 2)))
        return Coded(
            z, self._symbol_mask(cutoffs), cutoffs, maps, values, entropy, usage
        )

    def draw_cutoffs(self, uniform):
        """Random cut-offs, for a backbone that serves all rates.

        Input
        -----
        uniform : [batch, 2], `float32`, in (0, 1)

        Output
        ------
        : :class:`Cutoffs`
            Usage uniform from a quarter to all, maps from a half to all
        """
        usage = (0.25 + 0.75 * uniform[:, 0]) * self.size
        num_maps = ops.floor((0.5 + 0.5 * uniform[:, 1]) * (self.num_maps + 1))
        num_maps = ops.clip(num_maps, 1, self.num_maps)
        num_rows = ops.clip(ops.ceil(usage / num_maps), 1, self.length)
        return Cutoffs(ops.cast(num_maps, "int32"), ops.cast(num_rows, "int32"))

    @property
    def num_uniform(self):
        """Random numbers that training takes per image, `int`."""
        return self.num_maps + self.length

    def _choose(self, maps, values, pooled, ec, uniform, cutoffs):
        """One-hot cut-offs of maps and rows."""
        if cutoffs is not None:
            return (
                ops.one_hot(cutoffs.num_maps - 1, self.num_maps, dtype="float32"),
                ops.one_hot(cutoffs.num_rows - 1, self.length, dtype="float32"),
            )
        parts = (None, None)
        if uniform is not None:
            parts = uniform[:, : self.num_maps], uniform[:, self.num_maps :]
        logits = self.policy_1(ops.concatenate([pooled, ec], axis=-1))
        first = choose_cutoff(logits, parts[0], self.temperature)
        rows = self.symbols.summary(values, thermometer(first), kept(first))
        rows = ops.stop_gradient(_compress(rows))
        logits = self.policy_2(ops.concatenate([rows, ec], axis=-1))
        return first, choose_cutoff(logits, parts[1], self.temperature)

    def _scale_code(self, listed, sent, content, context):
        energy = ops.sum(ops.square(listed) * sent, axis=-1, keepdims=True)
        energy = energy / ops.sum(sent, axis=-1, keepdims=True)
        scale = 0.5 * ops.log(energy + 1e-6)
        code = self.scale_code(ops.concatenate([content, context, scale], axis=-1))
        # The code grows with the scale's own power, so that it keeps its share.
        return code * ops.exp(scale)

    def _sent(self, cutoffs):
        """1 for the values of the list that are sent, [batch, size]."""
        steps = ops.arange(self.size, dtype="float32")
        return ops.cast(steps < self.num_sent(cutoffs)[:, None], "float32")

    def _symbol_mask(self, cutoffs):
        """1 for the symbols that are sent, [batch, num_symbols]."""
        steps = ops.arange(self.num_symbols, dtype="float32")
        count = self.scale_symbols + ops.ceil(self.num_sent(cutoffs) / 2.0)
        return ops.cast(steps < count[:, None], "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "use_entropy": self.use_entropy,
            "temperature": self.temperature,
        }


@keras.saving.register_keras_serializable(package="semcom_phy")
class EcaDecoder(_Eca):
    """Received symbols to an image.

    Parameters
    ----------
    image_shape, num_maps, num_tx_ant, num_rx_ant, backbone, sizes, scale_symbols,
    use_csi :
        As for :class:`EcaEncoder`

    compensation : `dict`, optional
        ``vit`` of :class:`~semcom_phy.codecs.compensation.FeatureCompensation`; without
        it there is none (ablation)

    Input
    -----
    x_hat : [batch_size, num_symbols], `complex64`
        Unbiased symbol estimates

    no_eff : [batch_size, num_symbols], `float32`
        Their error variances [linear]

    side : :class:`Cutoffs`
        What was sent beside the symbols

    csi : :class:`~semcom_phy.phy.knowledge.Csi`
        The channel estimate and SNR that were fed back

    Output
    ------
    source_hat : [batch_size, H, W, C], `float32`
        Images, around [0, 1], not clipped
    """

    half = "synthesis"

    def __init__(
        self,
        image_shape=(32, 32, 3),
        num_maps=16,
        num_tx_ant=2,
        num_rx_ant=2,
        backbone="conv",
        sizes=None,
        scale_symbols=8,
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
        self.compensation = None if compensation is None else dict(compensation)
        if compensation is not None:
            self.complete = FeatureCompensation(self.compensation, name="complete")
        if self.shaped:
            self.content_hidden = TwoLayerPerceptron(
                SCALE_UNITS, SCALE_UNITS, name="content_hidden"
            )
            self.content_gain = keras.layers.Dense(
                self.size + 1, kernel_initializer="zeros", name="content_gain"
            )

    def copy_statistics(self, encoder):
        """Takes over what :meth:`EcaEncoder.fit_statistics` found."""
        self.symbols.set_weights(encoder.symbols.get_weights())
        if self.shaped:
            for weight, value in zip(
                self.synthesis.subbands.weights,
                encoder.analysis.subbands.weights,
                strict=True,
            ):
                weight.assign(value)
            self.amplitude.set_weights(encoder.amplitude.get_weights())

    def build(self, x_hat_shape):
        self.embedding.build((None, self.condition.num_features + 2))
        shape, condition = (None, *self.grid, self.num_maps), (None, CONDITION_UNITS)
        if self.compensation is not None:
            self.complete.build(shape, condition)
        self.synthesis.build(shape, shape, condition)
        if self.shaped:
            inputs = self.amplitude.num_context + NUM_BANDS + 2 * self.scale_symbols
            self.content_hidden.build((None, inputs + self.condition.num_features))
            self.content_gain.build((None, SCALE_UNITS))

    def call(self, x_hat, no_eff, side=None, csi=None):
        return self.decode(x_hat, no_eff, side, csi).image

    def decode(self, x_hat, no_eff, side, csi, training=None):
        """The call with everything that is found on the way: :class:`Decoded`.

        Raises
        ------
        ValueError
            If ``side`` is missing or the frame holds another number of symbols.
        """
        if side is None:
            raise ValueError("this decoder must be told the cut-offs, received None.")
        self.check_rate(x_hat.shape[1])
        mask = self.positions(side) if side.mask is None else side.mask
        features, effective_db = self.condition(csi.h_hat, csi.snr_db)
        told = ops.stack(
            [
                ops.cast(side.num_maps, "float32") / self.num_maps,
                ops.cast(side.num_rows, "float32") / self.length,
            ],
            axis=-1,
        )
        condition = self.embedding(ops.concatenate([features, told], axis=-1))

        real = ops.reshape(ops.view_as_real(x_hat), (-1, 2 * self.num_symbols))
        no = ops.repeat(no_eff, 2, axis=1)
        first = 2 * self.scale_symbols
        received, no_list = real[:, first:], no[:, first:]
        received, no_list = received[:, : self.size], no_list[:, : self.size]
        by_position = self.symbols.unsort(received, side.num_maps)
        no_position = self.symbols.unsort(no_list, side.num_maps)
        if self.shaped:
            log_gain = self._log_gain(
                real[:, :first] / (1.0 + no[:, :first]),
                received / (1.0 + no_list),
                features,
                effective_db,
                side,
            )
            # Wiener filter: a value of unit variance arrived with this gain.
            gain = ops.exp(log_gain)
            estimates = by_position * gain / (ops.square(gain) + no_position)
        else:
            estimates = by_position / (1.0 + no_position)
        maps = self.symbols.to_maps(estimates * mask)
        refined = maps
        if self.compensation is not None:
            refined = self.complete(maps, condition, training=training)
        image = self.synthesis(refined, maps, condition)
        return Decoded(image, refined, estimates)

    def _log_gain(self, code, shrunk, features, effective_db, side):
        """Amplitude of every value as it arrived: table, content, image scale."""
        num_sent = self.num_sent(side)
        steps = ops.arange(self.size, dtype="float32")
        sent = ops.cast(steps < num_sent[:, None], "float32")
        power = ops.mean(
            ops.reshape(
                ops.square(shrunk) * sent, (-1, NUM_BANDS, self.size // NUM_BANDS)
            ),
            axis=-1,
        )
        context = self.amplitude.context(effective_db, num_sent)
        inputs = [context, features, 0.5 * ops.log(power + 1e-4), code]
        hidden = ops.relu(self.content_hidden(ops.concatenate(inputs, axis=-1)))
        content = self.content_gain(hidden)
        return (
            self.amplitude(effective_db, num_sent)
            + content[:, : self.size]
            - content[:, self.size :]
        )

    def get_config(self):
        return {**super().get_config(), "compensation": self.compensation}


class ChannelAwareLoss:
    r"""Loss of ECA: distortion, channel-aware rate, feature consistency.

    .. math::
        \mathcal{L} = \mathrm{E}\Bigl[\ln d + w(\mathrm{SNR})\,\frac{k l}{3HW}
        + \beta \ln d_f\Bigr], \qquad
        w = \lambda\,(1 + \sigma\,\overline{\mathrm{SNR}})

    with :math:`d` the squared error of an image, :math:`d_f` that of its feature maps
    after compensation, and the SNR normalised to [0, 1].

    Parameters
    ----------
    rate_weight : `float`, or `None`
        :math:`\lambda`; `None`: cut-offs are drawn at random, for a backbone that
        serves all rates

    slope : `float`, (default 3)
        :math:`\sigma`

    consistency_weight : `float`, (default 0.1)
        :math:`\beta`

    min_snr_db, max_snr_db : `float`, (default 0, 20)
        Range that is normalised [dB]
    """

    def __init__(
        self,
        rate_weight,
        slope=3.0,
        consistency_weight=0.1,
        min_snr_db=0.0,
        max_snr_db=20.0,
    ):
        self.rate_weight = rate_weight
        self.slope = slope
        self.consistency_weight = consistency_weight
        self.min_snr_db = min_snr_db
        self.max_snr_db = max_snr_db

    def weight(self, snr_db):
        """Rate weight at an SNR [dB], same shape."""
        span = self.max_snr_db - self.min_snr_db
        share = ops.clip((snr_db - self.min_snr_db) / span, 0.0, 1.0)
        return self.rate_weight * (1.0 + self.slope * share)

    def __call__(self, source, snr_db, coded, decoded, worth):
        """Mean loss of a batch.

        Input
        -----
        source : [batch, H, W, C], `float32`

        snr_db : [batch], `float32`
            [dB]

        coded, decoded : :class:`Coded`, :class:`Decoded`

        worth : [size], `float32`
            Energy of each value in the image

        Output
        ------
        : scalar, `float32`
        """
        error = ops.mean(ops.square(decoded.image - source), axis=(1, 2, 3))
        loss = ops.log(error + 1e-5)
        weights = ops.mean(
            ops.reshape(worth, (-1, coded.maps.shape[-1])), axis=0
        ) / ops.mean(worth)
        gap = ops.square(decoded.refined - ops.stop_gradient(coded.maps)) * weights
        loss = loss + self.consistency_weight * ops.log(
            ops.mean(gap, axis=(1, 2, 3)) + 1e-5
        )
        if self.rate_weight is not None:
            dimensions = float(np.prod(source.shape[1:]))
            loss = loss + self.weight(snr_db) * coded.usage / dimensions
            loss = loss + self._policy_distortion(coded, decoded, worth)
        return ops.mean(loss)

    @staticmethod
    def _policy_distortion(coded, decoded, worth):
        """Logarithm of the feature error, linear in the mask; moves the masks alone.

        The error of a value is S^2 if it is not sent and (S - S_hat)^2 if it is.
        """
        values = ops.stop_gradient(coded.values)
        estimates = ops.stop_gradient(decoded.estimates)
        without = worth * ops.square(values)
        change = worth * ops.square(values - estimates) - without
        mask = coded.cutoffs.mask
        total = ops.sum(without + change * mask, axis=-1)
        total = ops.stop_gradient(total) + 1e-6 * ops.sum(worth)
        share = ops.sum(change * mask, axis=-1) / total
        return share - ops.stop_gradient(share)


def _compress(magnitude):
    """Magnitudes of any size to O(1)."""
    return ops.log(magnitude + 0.05)
