"""The adaptive-rate link: the channel is fed back, and an image chooses its symbols.

pilots --> channel --> LS estimate, SNR --.----------------- fed back
                                          v                     |
image --> encoder --z, mask, cut-offs--> power, spread, precoder --> channel
image_hat <-- decoder <-- despread <-- L-MMSE with the same estimate <--'
"""

import keras
from keras import ops

from semcom_phy.backend import complex_normal
from semcom_phy.phy.knowledge import EVERY_SNR, Csi
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.transform_precoding import PrefixTransformPrecoding
from semcom_phy.snr import snr_db_to_no


@keras.saving.register_keras_serializable(package="semcom_phy")
class AdaptiveLink(keras.Model):
    r"""Encoder with feedback, radio link and decoder as one differentiable model.

    The pilot block comes first. Its LS estimate and the SNR estimated from it are fed
    back without error or delay, and serve detection as well (block fading).

    Parameters
    ----------
    encoder, decoder : `keras.Layer`
        With ``encode`` and ``decode`` as of :class:`~semcom_phy.codecs.eca.EcaEncoder`
        and :class:`~semcom_phy.codecs.eca.EcaDecoder`

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat, one fade per image; its frame holds the largest number of symbols, and
        besides what side symbols there are

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that encoder and decoder were trained for; they are told none beyond

    Input
    -----
    source : [batch, H, W, 3], `float32`
        Images in [0, 1]

    snr_db : [batch], `float32`
        Average SNR per receive antenna [dB]

    h : [batch, 1, num_rx_ant, num_tx_ant, 1, 1], `complex64`
        Channel from ``channel.sample``

    noise : [*channel.noise_shape(batch)], `complex64`, optional
        Unit-variance noise, the pilots' first; drawn inside if not given

    Output
    ------
    source_hat : [batch, H, W, 3], `float32`
        Images around [0, 1], not clipped

    usage : [batch], `float32`
        Symbols sent [complex symbols]

    Raises
    ------
    ValueError
        If the channel is not flat over an image.
    """

    def __init__(self, encoder, decoder, channel, snr_range=EVERY_SNR, **kwargs):
        super().__init__(**kwargs)
        if not channel.channel_model.is_flat:
            raise ValueError(
                "an adaptive-rate codec needs a flat channel, as the estimate of the "
                "pilot block stands for the whole image: rayleigh, rician or awgn."
            )
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
        self.snr_range = snr_range
        self.power = PowerNormalization()
        self.precoding = PrefixTransformPrecoding(channel.num_tx_ant)
        # Their encode() and decode() are called, which build nothing by themselves.
        encoder.build((None, *encoder.image_shape))
        decoder.build((None, encoder.num_symbols))
        self.built = True

    def call(self, source, snr_db, h, noise=None):
        coded, decoded = self.run(source, snr_db, h, noise)
        return decoded.image, ops.sum(coded.mask, axis=-1)

    def feedback(self, snr_db, h, noise):
        """What is fed back from the pilot block: h_hat, snr_db."""
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        pilots = noise[:, : self.channel.framing.num_pilot_res]
        return self.channel.sound(h, no, pilots)

    def run(
        self,
        source,
        snr_db,
        h,
        noise=None,
        precoder=None,
        ordered=None,
        cutoffs=None,
        uniform=None,
        training=False,
    ):
        """The call with everything that is found on the way.

        Input
        -----
        source, snr_db, h, noise
            As in the call

        precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, optional
            Made from what :meth:`feedback` returns; known to both ends

        ordered : [batch], `bool`, optional
            Fill the streams one after the other, the most important symbols first
            (for a precoder that orders the streams)

        cutoffs : :class:`~semcom_phy.codecs.map_codec.Cutoffs`, optional
            Takes the place of the encoder's choice

        uniform : [batch, encoder.num_uniform], `float32`, optional
            Random numbers for the choice (training)

        training : `bool`, (default `False`)
            Drop units of the compensation's LoRA, if it has any

        Output
        ------
        coded, decoded : :class:`~semcom_phy.codecs.map_codec.Coded`,
        :class:`~semcom_phy.codecs.map_codec.Decoded`
        """
        batch = ops.shape(source)[0]
        if noise is None:
            noise = complex_normal(self.channel.noise_shape(batch))
        h_hat, snr_hat = self.feedback(snr_db, h, noise)
        if precoder is not None:
            seen = ops.matmul(h_hat[:, 0, :, :, 0, 0], precoder)
            h_hat = seen[:, None, :, :, None, None]
        if ordered is None:
            ordered = ops.zeros((batch,), "bool")
        coded = self.encode(source, snr_hat, h_hat, uniform, cutoffs)
        received = self.send_frame(
            coded.z, coded.mask, None, snr_db, h, noise, precoder, ordered
        )
        csi = Csi(h_hat, snr_hat)
        decoded = self.read_frame(
            received.x_hat,
            received.no_eff,
            coded.cutoffs,
            csi,
            ordered,
            training=training,
        )
        return coded, decoded

    def encode(self, source, snr_db, h, uniform=None, cutoffs=None):
        """What the encoder makes of images, told no SNR beyond its range.

        Input
        -----
        source, uniform, cutoffs
            As in :meth:`run`

        snr_db, h
            What is fed back

        Output
        ------
        : :class:`~semcom_phy.codecs.map_codec.Coded`
        """
        told = self.snr_range.told(snr_db)
        return self.encoder.encode(source, told, h, uniform, cutoffs)

    def send_frame(self, z, mask, side_x, snr_db, h, noise, precoder, ordered):
        """Sends the symbols of images, and side symbols behind them.

        Input
        -----
        z, mask
            Of :class:`~semcom_phy.codecs.map_codec.Coded`

        side_x : [batch, num_side], `complex64`, or `None`
            Symbols of unit power, 0 where none is sent

        snr_db, h, noise, precoder, ordered
            As in :meth:`run`

        Output
        ------
        : :class:`~semcom_phy.phy.equalized_channel.Reception`
            Of num_symbols + num_side symbols, those of the image still spread; the
            channel without the precoder
        """
        count = ops.cast(ops.sum(mask, axis=-1), "int32")
        x = z * ops.cast(self.power.scale(z, mask), "complex64")
        x = self.precoding.spread(x, count, ordered) * ops.cast(mask, "complex64")
        if side_x is not None:
            x = ops.concatenate([x, side_x], axis=1)
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        return self.channel.receive(x, h, no, noise, precoder)

    def read_frame(self, x_hat, no_eff, cutoffs, csi, ordered, training=False):
        """Decodes the symbols of images with the cut-offs that arrived.

        Input
        -----
        x_hat, no_eff : [batch, num_symbols]
            Of :meth:`send_frame`, without the side symbols

        cutoffs : :class:`~semcom_phy.codecs.map_codec.Cutoffs`
            As received; they tell how many symbols there are

        csi : :class:`~semcom_phy.phy.knowledge.Csi`
            Of the frame, the channel with the precoder; beside it what was fed back,
            where that is something else

        ordered, training
            As in :meth:`run`

        Output
        ------
        : :class:`~semcom_phy.codecs.map_codec.Decoded`
        """
        count = self.decoder.count_symbols(cutoffs)
        z_hat, no_eff = self.precoding.despread(x_hat, no_eff, count, ordered)
        no_eff = self.snr_range.told_no_eff(no_eff, csi.snr_db)
        within, told = self.snr_range.told, csi.at_transmitter
        told = Csi(told.h_hat, within(told.snr_db))
        csi = Csi(csi.h_hat, within(csi.snr_db), told)
        return self.decoder.decode(z_hat, no_eff, cutoffs, csi, training=training)

    def training_loss(
        self, loss, source, snr_db, h, noise, reference, uniform, precoder, ordered
    ):
        """Loss of a batch of :class:`~link_models.training_data.Batches`.

        Input
        -----
        loss : `callable`
            (source, snr_db, coded, decoded, codec) -> scalar; ``random_cutoffs`` tells
            to draw the cut-offs of all images at random, not of half of them

        source, snr_db, h, noise, uniform, precoder, ordered
            As in :meth:`run`
        """
        del reference
        cutoffs = self.encoder.draw_cutoffs(uniform)
        if loss.random_cutoffs:
            uniform = None
        coded, decoded = self.run(
            source, snr_db, h, noise, precoder, ordered, cutoffs, uniform, training=True
        )
        return loss(source, snr_db, coded, decoded, self.encoder)
