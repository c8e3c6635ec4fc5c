"""The adaptive-rate link: the channel is fed back, and an image chooses its symbols.

pilots --> channel --> LS estimate, SNR --.----------------- fed back
                                          v                     |
image --> encoder --z, mask, cut-offs--> power, spread, precoder --> channel
image_hat <-- decoder <-- despread <-- L-MMSE with the same estimate <--'
"""

import keras
from keras import ops

from semcom_phy.backend import complex_normal
from semcom_phy.codecs.map_codec import Cutoffs
from semcom_phy.phy.knowledge import Csi
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

    def __init__(self, encoder, decoder, channel, **kwargs):
        super().__init__(**kwargs)
        if not channel.channel_model.is_flat:
            raise ValueError(
                "an adaptive-rate codec needs a flat channel, as the estimate of the "
                "pilot block stands for the whole image: rayleigh, rician or awgn."
            )
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
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
        channel = self.channel
        no = snr_db_to_no(snr_db, channel.num_tx_ant)
        batch = ops.shape(source)[0]
        if noise is None:
            noise = complex_normal(channel.noise_shape(batch))
        h_hat, snr_hat = self.feedback(snr_db, h, noise)
        if precoder is not None:
            seen = ops.matmul(h_hat[:, 0, :, :, 0, 0], precoder)
            h_hat = seen[:, None, :, :, None, None]
        if ordered is None:
            ordered = ops.zeros((batch,), "bool")
        coded = self.encoder.encode(source, snr_hat, h_hat, uniform, cutoffs)
        decoded, _, _ = self._transmit(
            coded.z,
            coded.mask,
            coded.cutoffs,
            None,
            no,
            h,
            noise,
            Csi(h_hat, snr_hat),
            precoder,
            ordered,
            training,
        )
        return coded, decoded

    def receive_images(
        self,
        z,
        mask,
        num_maps,
        num_rows,
        map_order,
        side_x,
        snr_db,
        h,
        noise,
        h_seen,
        snr_seen,
        precoder,
        ordered,
    ):
        """Sends symbols that are there, and side symbols behind them.

        Input
        -----
        z, mask, num_maps, num_rows, map_order
            Of :class:`~semcom_phy.codecs.map_codec.Coded` and its cut-offs

        side_x : [batch, num_side], `complex64`
            Symbols of unit power, 0 where none is sent

        h_seen, snr_seen
            From :meth:`feedback`, the channel with the precoder

        snr_db, h, noise, precoder, ordered
            As in :meth:`run`

        Output
        ------
        source_hat : [batch, H, W, 3], `float32`

        side_hat : [batch, num_side], `complex64`
            Unbiased estimates of the side symbols

        side_no : [batch, num_side], `float32`
            Their error variances [linear]
        """
        decoded, side_hat, side_no = self._transmit(
            z,
            mask,
            Cutoffs(num_maps, num_rows, map_order),
            side_x,
            snr_db_to_no(snr_db, self.channel.num_tx_ant),
            h,
            noise,
            Csi(h_seen, snr_seen),
            precoder,
            ordered,
            False,
        )
        return decoded.image, side_hat, side_no

    def _transmit(
        self, z, mask, side, side_x, no, h, noise, csi, precoder, ordered, training
    ):
        count = ops.cast(ops.sum(mask, axis=-1), "int32")
        x = z * ops.cast(self.power.scale(z, mask), "complex64")
        x = self.precoding.spread(x, count, ordered) * ops.cast(mask, "complex64")
        num_data = x.shape[1]
        if side_x is not None:
            x = ops.concatenate([x, side_x], axis=1)
        reception = self.channel.receive(x, h, no, noise, precoder)
        z_hat, no_eff = self.precoding.despread(
            reception.x_hat[:, :num_data],
            reception.no_eff[:, :num_data],
            count,
            ordered,
        )
        decoded = self.decoder.decode(z_hat, no_eff, side, csi, training=training)
        side_hat, side_no = (v[:, num_data:] for v in reception[:2])
        return decoded, side_hat, side_no

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
