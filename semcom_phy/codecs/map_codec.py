"""What codecs share that send feature maps in part: packing, amplitudes, cut-offs.

    maps --> values by position --> amplitudes --> list, what is sent first --> symbols
    maps <-- values by position <-- Wiener filter <-- list <-- symbols received

ECA and SwinJSCC build on it. Of C maps with L symbols each, the first k maps and l rows
of their symbols are sent
(:class:`~semcom_phy.layers.mapping.symbol_order.SymbolOrder`).
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from semcom_phy.channel_coding.protection import number_bytes
from semcom_phy.codecs.backbone import make_backbone
from semcom_phy.codecs.contract import (
    SemanticCodec,
    SemanticDecoder,
    SemanticEncoder,
)
from semcom_phy.layers.adaptation.channel_condition import (
    ChannelCondition,
    TwoLayerPerceptron,
)
from semcom_phy.layers.mapping.amplitude import AmplitudeTable
from semcom_phy.layers.mapping.symbol_order import SymbolOrder
from semcom_phy.phy.segments import Analogue

SCALE_UNITS = 64
NUM_BANDS = 32


class Cutoffs(NamedTuple):
    """What the decoder must be told: how much was sent.

    Attributes
    ----------
    num_maps, num_rows : [batch], `int32`
        Maps kept, k, and rows of symbols kept, l, both from 1 on

    map_order : [batch, num_maps], `int32`, or `None`
        Indices of the maps in the order that k counts in, where it differs from image
        to image
    """

    num_maps: Any
    num_rows: Any
    map_order: Any = None


class Analysis(NamedTuple):
    """What an encoder of maps finds on the way, for its loss and figures.

    Attributes
    ----------
    maps : [batch, height, width, num_maps], `float32`
        Feature maps before selection

    entropy : [batch, num_maps], `float32`
        2D entropy of the maps [bit]

    choice : ([batch, num_maps], [batch, length]), `float32`, or `None`
        Cut-offs of maps and rows, one-hot, with the gradient of the policies

    quality : [batch, 4], `float32`, or `None`
        Prediction of the image's error at any cut-offs, of
        :class:`~semcom_phy.codecs.eca.QualityPredictor`
    """

    maps: Any
    entropy: Any
    choice: Any = None
    quality: Any = None


class Refinement(NamedTuple):
    """What a decoder of maps finds on the way.

    Attributes
    ----------
    refined : [batch, height, width, num_maps], `float32`
        Maps after compensation

    estimates : [batch, size], `float32`
        Estimated values by position, before the mask
    """

    refined: Any
    estimates: Any


class MapCodec(SemanticCodec):
    """What encoder and decoder share.

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
        Look at the channel estimate, not at the SNR alone
    """

    half: str  # "analysis" or "synthesis"
    channel_aware = True  # adaptive modules inside the backbone

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
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.image_shape = tuple(int(n) for n in image_shape)
        self.num_maps = num_maps
        self.num_tx_ant = num_tx_ant
        self.num_rx_ant = num_rx_ant
        self.backbone = backbone
        self.sizes = dict(sizes or {})
        self.use_csi = use_csi
        net = make_backbone(
            self.half,
            backbone,
            self.image_shape,
            num_maps,
            self.channel_aware,
            self.sizes,
        )
        setattr(self, self.half, net)
        self.shaped = net.order == "importance"
        if scale_symbols is None:
            scale_symbols = 8 if self.shaped else 0
        if not self.shaped and scale_symbols:
            raise ValueError(
                "scale_symbols goes with the backbone 'conv'; with "
                f"{backbone!r} it must be 0, received {scale_symbols}."
            )
        self.scale_symbols = scale_symbols
        height, width, _ = self.image_shape
        self.grid = (height // 4, width // 4)
        self.symbols = SymbolOrder(self.grid, num_maps, net.order, name="symbols")
        self.length, self.size = self.symbols.length, self.symbols.size
        self.num_symbols = scale_symbols + -(-self.size // 2)
        self.condition = ChannelCondition(
            num_tx_ant, num_rx_ant, use_csi, name="condition"
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

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        return {
            "image_shape": image_shape,
            "num_tx_ant": num_tx_ant,
            "num_rx_ant": num_rx_ant,
        }

    def positions(self, cutoffs):
        """Mask of the values sent, by position, [batch, size] `float32`."""
        return self.symbols.mask(cutoffs.num_maps, cutoffs.num_rows)

    def num_sent(self, cutoffs):
        """k l, [batch] `float32`."""
        num_rows = ops.cast(cutoffs.num_rows, "float32")
        return ops.cast(cutoffs.num_maps, "float32") * num_rows

    def count_symbols(self, side, known=None):
        """Complex symbols sent, the image's scale included, [batch] `int32`."""
        count = self.scale_symbols + ops.ceil(self.num_sent(side) / 2.0)
        return ops.cast(count, "int32")

    def sent(self, cutoffs):
        """1 for the values of the list that are sent, [batch, size]."""
        steps = ops.arange(self.size, dtype="float32")
        return ops.cast(steps < self.num_sent(cutoffs)[:, None], "float32")

    def get_config(self):
        names = ("image_shape", "num_maps", "num_tx_ant", "num_rx_ant", "backbone")
        names += ("sizes", "scale_symbols", "use_csi")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class MapEncoder(MapCodec, SemanticEncoder):
    """Encoder half: values to symbols.

    Subclasses give ``encode``, and call :meth:`build_packing` with the width of what
    :meth:`pack` is told of the content.
    """

    half = "analysis"
    side_checked = False  # a CRC would double what cut-offs take

    @property
    def feedback(self):
        return "channel" if self.use_csi else "snr"

    @property
    def cell(self):
        return "a DCT coefficient of it" if self.shaped else "a position in it"

    def side_to_bytes(self, side):
        size = number_bytes(self.side_values)
        return [int(n).to_bytes(size, "big") for n in self.to_number(side)]

    def figures(self, packet):
        """``num_maps``, ``num_rows``, and ``entropy``, the mean over the maps [bit]."""
        return {
            "num_maps": packet.side.num_maps,
            "num_rows": packet.side.num_rows,
            "entropy": ops.mean(packet.details.entropy, axis=1),
        }

    def symbol_maps(self, packet):
        sent = self.positions(packet.side) > 0
        sent = ops.reshape(sent, (-1, *self.grid, self.num_maps))
        kept = ops.arange(self.num_maps) < packet.side.num_maps[:, None, None, None]
        return ops.where(sent, 1.0, ops.where(kept, 0.25, 0.0))

    def make_packing(self):
        """Makes the layers of :meth:`pack`."""
        if self.shaped:
            self.content_gain = keras.layers.Dense(
                self.size, kernel_initializer="zeros", name="content_gain"
            )
        if self.scale_symbols:
            self.scale_code = TwoLayerPerceptron(
                SCALE_UNITS, 2 * self.scale_symbols, name="scale_code"
            )

    def build_packing(self, content_units):
        """Builds them."""
        if self.shaped:
            self.content_gain.build((None, content_units))
        if self.scale_symbols:
            inputs = content_units + self.amplitude.num_context + 1
            self.scale_code.build((None, inputs))

    def fit_statistics(self, images, levels=None):
        if not self.shaped:
            return
        self.analysis.fit(images)
        subbands = self.analysis.subbands
        part = ops.convert_to_tensor(images[:4096])
        maps = subbands.analyse(subbands.decorrelate(part))
        self.symbols.fit(maps, self.analysis.map_scales)
        variances = ops.convert_to_numpy(self.symbols.variances)
        order = np.argsort(-variances, kind="stable")
        self.amplitude.fit(variances.astype("float64"), order)

    def pack(self, values, cutoffs, content, effective_db):
        """Values to symbols, those to be sent first.

        Input
        -----
        values : [batch, size], `float32`
            By position

        cutoffs : :class:`Cutoffs`

        content : [batch, content_units], `float32`
            What amplitudes and scale code may depend on beside the SNR

        effective_db : [batch], `float32`
            Effective SNR [dB]

        Output
        ------
        : :class:`~semcom_phy.phy.segments.Analogue`
        """
        num_sent = self.num_sent(cutoffs)
        if self.shaped:
            log_gain = self.amplitude(effective_db, num_sent)
            values = values * ops.exp(log_gain + self.content_gain(content))
        listed = self.symbols.sort(values, cutoffs.num_maps)
        if self.scale_symbols:
            context = self.amplitude.context(effective_db, num_sent)
            code = self._scale_code(listed, self.sent(cutoffs), content, context)
            listed = ops.concatenate([code, listed], axis=-1)
        missing = 2 * self.num_symbols - listed.shape[1]
        if missing:
            listed = ops.pad(listed, ((0, 0), (0, missing)))
        z = ops.view_as_complex(ops.reshape(listed, (-1, self.num_symbols, 2)))
        return Analogue(z, self.count_symbols(cutoffs))

    def _scale_code(self, listed, sent, content, context):
        energy = ops.sum(ops.square(listed) * sent, axis=-1, keepdims=True)
        energy = energy / ops.sum(sent, axis=-1, keepdims=True)
        scale = 0.5 * ops.log(energy + 1e-6)
        code = self.scale_code(ops.concatenate([content, context, scale], axis=-1))
        # The code grows with the scale's own power, so that it keeps its share.
        return code * ops.exp(scale)


class MapDecoder(MapCodec, SemanticDecoder):
    """Decoder half: symbols received to values.

    Subclasses give ``decode`` and call :meth:`build_unpacking`.
    """

    half = "synthesis"

    def make_unpacking(self):
        """Makes the layers of :meth:`unpack`."""
        if self.shaped:
            self.content_hidden = TwoLayerPerceptron(
                SCALE_UNITS, SCALE_UNITS, name="content_hidden"
            )
            self.content_gain = keras.layers.Dense(
                self.size + 1, kernel_initializer="zeros", name="content_gain"
            )

    def build_unpacking(self):
        """Builds them."""
        if self.shaped:
            inputs = self.amplitude.num_context + NUM_BANDS + 2 * self.scale_symbols
            self.content_hidden.build((None, inputs + self.condition.num_features))
            self.content_gain.build((None, SCALE_UNITS))

    def copy_statistics(self, encoder):
        """Takes over what :meth:`MapEncoder.fit_statistics` found."""
        self.symbols.set_weights(encoder.symbols.get_weights())
        if self.shaped:
            theirs = encoder.analysis.subbands.get_weights()
            self.synthesis.subbands.set_weights(theirs)
            self.amplitude.set_weights(encoder.amplitude.get_weights())

    def side_from_bytes(self, payloads):
        numbers = np.array([int.from_bytes(payload, "big") for payload in payloads])
        return self.from_number(numbers)

    def unpack(self, received, features, effective_db):
        """Symbols received to estimates of the values.

        Input
        -----
        received : :class:`~semcom_phy.codecs.contract.Received`
            ``side``: the :class:`Cutoffs`

        features, effective_db
            Of :class:`~semcom_phy.layers.adaptation.channel_condition.ChannelCondition`

        Output
        ------
        estimates : [batch, size], `float32`
            By position, of no meaning where nothing was sent

        mask : [batch, size], `float32`
            1 where a value was sent
        """
        z_hat, no_eff, _, side = received
        self.check_rate(z_hat.shape[1])
        mask = self.positions(side)
        first = 2 * self.scale_symbols
        real = ops.reshape(ops.view_as_real(z_hat), (-1, 2 * self.num_symbols))
        no = ops.repeat(no_eff, 2, axis=1)
        values = real[:, first : first + self.size]
        no_list = no[:, first : first + self.size]
        by_position = self.symbols.unsort(values, side.num_maps)
        no_position = self.symbols.unsort(no_list, side.num_maps)
        if not self.shaped:
            return by_position / (1.0 + no_position), mask
        log_gain = self._log_gain(
            real[:, :first] / (1.0 + no[:, :first]),
            values / (1.0 + no_list) * self.sent(side),
            features,
            effective_db,
            side,
        )
        # Wiener filter: a value of unit variance arrived with this gain.
        gain = ops.exp(log_gain)
        return by_position * gain / (ops.square(gain) + no_position), mask

    def _log_gain(self, code, shrunk, features, effective_db, side):
        """Amplitude of every value as it arrived: table, content, image scale."""
        num_sent = self.num_sent(side)
        missing = -self.size % NUM_BANDS
        bands = ops.pad(ops.square(shrunk), ((0, 0), (0, missing)))
        bands = ops.reshape(bands, (-1, NUM_BANDS, bands.shape[1] // NUM_BANDS))
        power = ops.mean(bands, axis=-1)
        context = self.amplitude.context(effective_db, num_sent)
        inputs = [context, features, 0.5 * ops.log(power + 1e-4), code]
        hidden = ops.relu(self.content_hidden(ops.concatenate(inputs, axis=-1)))
        content = self.content_gain(hidden)
        log_gain = self.amplitude(effective_db, num_sent)
        return log_gain + content[:, : self.size] - content[:, self.size :]
