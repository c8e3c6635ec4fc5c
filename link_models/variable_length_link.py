"""The variable-length link: every patch of an image has its own number of symbols.

image --> encoder --symbols, lengths--> packed --power, spread--> channel
image_hat <-- decoder <--symbols by patch, lengths-- unpacked <-- despread <--'
"""

import keras
from keras import ops

from semcom_phy.layers.rate_allocation import MAX_LENGTH, length_of
from semcom_phy.phy.knowledge import EVERY_SNR
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.transform_precoding import PrefixTransformPrecoding
from semcom_phy.snr import snr_db_to_no


@keras.saving.register_keras_serializable(package="semcom_phy")
class VariableLengthLink(keras.Model):
    r"""Encoder, radio link and decoder of a patch codec as one differentiable model.

    Parameters
    ----------
    encoder, decoder : `keras.Layer`
        With ``encode`` and ``decode`` as of
        :class:`~semcom_phy.codecs.ntscc.NtsccEncoder` and
        :class:`~semcom_phy.codecs.ntscc.NtsccDecoder`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link; its frame holds the most symbols that an image may take

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that the decoder's networks were trained for; they are told no error of a
        better one

    Input
    -----
    source : [batch, H, W, 3], `float32`
        Images in [0, 1]

    snr_db : [batch], `float32`
        Average SNR per receive antenna [dB]

    h : [batch, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
        Channel from ``channel.sample``

    noise : [*channel.noise_shape(batch)], `complex64`, optional
        Unit-variance noise; drawn inside if not given

    levels : [batch, rows, columns], `int32`, optional
        Importance levels that an annotator gives, -1 where it gives none

    Output
    ------
    source_hat : [batch, H, W, 3], `float32`
        Images around [0, 1], not clipped, decoded with the true lengths

    Assumes
    -------
    A budget that the frame holds: symbols beyond its end are not sent.
    """

    def __init__(self, encoder, decoder, channel, snr_range=EVERY_SNR, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
        self.snr_range = snr_range
        self.power = PowerNormalization()
        self.precoding = PrefixTransformPrecoding(channel.num_tx_ant)
        # Their encode() and decode() are called, which build nothing by themselves.
        self.built = True

    def call(self, source, snr_db, h, noise=None, levels=None):
        budget = ops.full_like(snr_db, float(self.channel.framing.num_symbols))
        return self.run(source, snr_db, h, noise, budget, levels)[1]

    def run(self, source, snr_db, h, noise, budget, levels=None):
        """The call with a budget and with everything that is found on the way.

        Input
        -----
        source, snr_db, h, noise, levels
            As in the call

        budget
            As of :meth:`~semcom_phy.codecs.ntscc.NtsccEncoder.encode`

        Output
        ------
        coded : :class:`~semcom_phy.codecs.ntscc.Coded`

        source_hat : [batch, H, W, 3], `float32`
        """
        coded = self.encoder.encode(source, budget, levels)
        x, _ = self.pack(coded.symbols, coded.index)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        x_hat, no_eff = self.channel(x, h, no, noise)
        return coded, self.read(x_hat, no_eff, coded.index, snr_db)

    def read(self, x_hat, no_eff, index, snr_db):
        """Images from a frame, [batch, H, W, 3] `float32`, around [0, 1].

        Input
        -----
        x_hat, no_eff, index
            As of :meth:`unpack`

        snr_db : [batch], `float32`
            Average SNR, which both ends know [dB]
        """
        received, no = self.unpack(x_hat, no_eff, index)
        told = self.snr_range.told_no_eff(no, snr_db)
        return self.decoder.decode(received, no, index, told)

    def pack(self, symbols, index):
        """Symbols of patches to the data symbols of a frame, one patch after the other.

        Input
        -----
        symbols : [batch, rows, columns, 256], `float32`
            Of any power

        index : [batch, rows, columns], `int32`
            Indices of the lengths

        Output
        ------
        x : [batch, num_symbols], `complex64`
            Symbols of unit average power, spread; 0 behind those that are sent

        count : [batch], `int32`
            Symbols that are sent
        """
        num_symbols = self.channel.framing.num_symbols
        mask, order, _ = self._places(index)
        count = ops.sum(mask, axis=1)
        pairs = ops.reshape(symbols, (-1, mask.shape[1], 2))
        places = min(num_symbols, mask.shape[1])
        real, imag = (
            ops.take_along_axis(pairs[..., part], order[:, :places], axis=1)
            for part in (0, 1)
        )
        z = ops.view_as_complex(ops.stack([real, imag], axis=-1))
        if places < num_symbols:
            z = ops.pad(z, ((0, 0), (0, num_symbols - places)))
        sent = ops.cast(ops.arange(num_symbols)[None] < count[:, None], "float32")
        x = z * ops.cast(self.power.scale(z, sent) * sent, "complex64")
        return self._spread(x, count), count

    def unpack(self, x_hat, no_eff, index):
        """The frame to real symbols by patch, with the lengths that arrived.

        Input
        -----
        x_hat : [batch, num_symbols], `complex64`
            Unbiased estimates of the data symbols, still spread

        no_eff : [batch, num_symbols], `float32`
            Their error variances [linear]

        index : [batch, rows, columns], `int32`
            Indices of the lengths, as received

        Output
        ------
        received : [batch, rows, columns, 256], `float32`
            Unbiased estimates of real symbols of unit average power; 0 where none was
            sent

        no : [batch, rows, columns, 256], `float32`
            Their error variances
        """
        mask, _, place = self._places(index)
        count = ops.sum(mask, axis=1)
        z_hat, no_eff = self._despread(x_hat, no_eff, count)
        place = ops.minimum(place, z_hat.shape[1] - 1)
        arrived = ops.cast(mask, "float32")
        shape = (-1, *index.shape[1:], MAX_LENGTH, 1)

        def by_patch(values):
            values = ops.take_along_axis(values, place, axis=1) * arrived
            return ops.reshape(values, shape)

        # A complex symbol of unit power holds two real ones of half the power each.
        pairs = [by_patch(ops.real(z_hat)), by_patch(ops.imag(z_hat))]
        received = 2.0**0.5 * ops.concatenate(pairs, axis=-1)
        no = by_patch(no_eff) + 1.0 - ops.reshape(arrived, shape)
        no = ops.concatenate([no, no], axis=-1)
        shape = (-1, *index.shape[1:], 2 * MAX_LENGTH)
        return ops.reshape(received, shape), ops.reshape(no, shape)

    def _places(self, index):
        """mask [batch, n], 1 for the symbols that are sent; the positions in patches
        of the frame's symbols; and the place in the frame of each position."""
        flat = ops.reshape(index, (-1, index.shape[1] * index.shape[2]))
        place = ops.arange(MAX_LENGTH, dtype="int32")
        mask = ops.cast(place < length_of(flat)[..., None], "int32")
        mask = ops.reshape(mask, (-1, flat.shape[1] * MAX_LENGTH))
        position = ops.arange(mask.shape[1], dtype="int32")[None]
        # What is not sent keeps its order behind what is.
        order = ops.argsort(position + (1 - mask) * mask.shape[1], axis=1)
        return mask, order, ops.maximum(ops.cumsum(mask, axis=1) - 1, 0)

    def _spread(self, x, count):
        if self.channel.num_tx_ant == 1:  # one stream does not interfere
            return x
        ordered = ops.zeros_like(count) > 0
        return self.precoding.spread(x, count, ordered)

    def _despread(self, x_hat, no_eff, count):
        if self.channel.num_tx_ant == 1:
            return x_hat, no_eff
        ordered = ops.zeros_like(count) > 0
        return self.precoding.despread(x_hat, no_eff, count, ordered)

    def training_loss(self, loss, *batch):
        """Loss of a batch of :class:`~link_models.scene_training.SceneBatches`."""
        return loss(self, *batch)
