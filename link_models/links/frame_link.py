"""The link of a semantic codec: image to image through one trainable model.

    known --.
            v
    image --> encoder --z, side--> unit power, spread --x--> EqualizedOFDMChannel
                          '------------- as sent -------.        | x_hat, no_eff,
                                                        v        v h_hat, SNR
    image_hat <------------------------------------- decoder <-- despread

Side information arrives as it was sent: bytes have no gradient. Systems send it for
real (:mod:`link_models.systems`), with the same parts of this model.
"""

import keras
from keras import ops

from link_models.links.expected_fades import median_snr
from semcom_phy.backend import complex_normal
from semcom_phy.codecs.contract import Received
from semcom_phy.phy.knowledge import EVERY_SNR, RxKnowledge, TxKnowledge
from semcom_phy.phy.segments import Analogue, AnalogueModulation
from semcom_phy.snr import snr_db_to_no


@keras.saving.register_keras_serializable(package="semcom_phy")
class FrameLink(keras.Model):
    r"""Encoder, radio link and decoder as one differentiable model.

    The Keras layers are direct attributes, so that their weights are the model's; the
    radio link holds none.

    Parameters
    ----------
    encoder, decoder : :class:`~semcom_phy.codecs.contract.SemanticEncoder`,
    :class:`~semcom_phy.codecs.contract.SemanticDecoder`
        The codec. One that is fed back what pilots measured is fed back the estimate
        from the pilot block of the frame itself, without error or delay

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link

    num_symbols : `int`, optional
        Symbols of the frame that are for data; all of them if not given

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that encoder and decoder were trained for; they are told none beyond

    Input
    -----
    source : [batch, H, W, 3], `float32`
        Images in [0, 1]; [batch, room], `int32`, tokens of a codec that sends text

    snr_db : [batch], `float32`
        Average SNR per receive antenna [dB]

    h : [batch, slots, num_rx_ant, num_tx_ant, T, F], `complex64`
        Channel from ``channel.sample``

    noise : [*channel.noise_shape(batch)], `complex64`, optional
        Unit-variance noise, the pilots' first; drawn inside if not given

    Output
    ------
    source_hat : [batch, H, W, 3], `float32`
        Images around [0, 1], not clipped

    Raises
    ------
    ValueError
        If the codec is not made for the number of symbols, or is fed back the channel
        and that is not flat over an image.
    """

    def __init__(
        self,
        encoder,
        decoder,
        channel,
        num_symbols=None,
        snr_range=EVERY_SNR,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
        self.num_symbols = num_symbols or channel.framing.num_symbols
        self.snr_range = snr_range
        if encoder.feedback not in (None, "snr", "channel"):
            raise ValueError(
                f'feedback must be "snr", "channel" or None, got {encoder.feedback!r}'
            )
        if encoder.feedback and not channel.channel_model.is_flat:
            raise ValueError(
                "a codec that is fed back what pilots measured needs a flat channel, "
                "as the estimate of the pilot block stands for the whole image: "
                "rayleigh, rician or awgn."
            )
        encoder.check_rate(self.num_symbols)
        self.median_snr = median_snr(channel) if encoder.told_median_snr else None
        self.modulation = AnalogueModulation(channel.num_tx_ant)
        # Their encode() and decode() are called, which build nothing by themselves. A
        # codec that is trained over several links is in each of them.
        if not encoder.built:
            encoder.build((None, *encoder.source_shape))
        if not decoder.built:
            decoder.build((None, self.num_symbols))
        self.built = True

    def call(self, source, snr_db, h, noise=None):
        return self.run(source, snr_db, h, noise)[1].images

    def run(
        self,
        source,
        snr_db,
        h,
        noise=None,
        known=None,
        uniform=None,
        precoder=None,
        ordered=None,
        training=False,
    ):
        """The call with everything that is found on the way.

        Input
        -----
        source, snr_db, h, noise
            As in the call

        known : :class:`~semcom_phy.phy.knowledge.TxKnowledge`, optional
            Of it ``budget``, ``levels`` and ``median_snr_db``; a codec that fills the
            frame has all of it if there is no budget

        uniform : [batch, encoder.num_uniform], `float32`, optional
            Random numbers for the codec's choice (training)

        precoder : [batch, num_tx_ant, num_tx_ant], `complex64`, optional
            Made from what is fed back; known to both ends

        ordered : [batch], `bool`, optional
            Fill the streams one after the other, the first symbols first (for a
            precoder that orders the streams)

        training : `bool`, (default `False`)

        Output
        ------
        packet, delivered : :class:`~semcom_phy.codecs.contract.Packet`,
        :class:`~semcom_phy.sources.samples.Delivered`
        """
        if noise is None:
            noise = complex_normal(self.channel.noise_shape(ops.shape(source)[0]))
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        known = known or TxKnowledge(snr_db)
        h_hat = None
        if self.encoder.feedback:
            check_one_fade(h)
            pilots = noise[:, : self.channel.framing.num_pilot_res]
            h_hat, snr_db = self.channel.sound(h, no, pilots)
            h_hat = precoded(h_hat, precoder)
            if self.encoder.feedback == "snr":
                h_hat = None
        known = known._replace(snr_db=snr_db, h_hat=h_hat)
        if self.encoder.fills_frame and known.budget is None:
            budget = ops.full_like(snr_db, float(self.num_symbols))
            known = known._replace(budget=budget)
        packet = self.encode(source, known, uniform)
        x = self.modulate(packet.data, ordered)
        reception = self.channel.receive(x, h, no, noise, precoder)
        median_snr_db = known.median_snr_db
        fed_back = TxKnowledge(known.snr_db, known.h_hat, median_snr_db=median_snr_db)
        h_hat = precoded(reception.h_hat, precoder)
        seen = RxKnowledge(reception.snr_db, h_hat, fed_back)
        delivered = self.decode(
            reception.x_hat, reception.no_eff, packet.side, seen, ordered, training
        )
        return packet, delivered

    def encode(self, source, known, uniform=None):
        """The encoder's :class:`~semcom_phy.codecs.contract.Packet`, told no SNR beyond
        the range and how many symbols there are."""
        told = self.encoder_knowledge(known)
        if uniform is None:
            return self.encoder.encode(source, told)
        return self.encoder.encode(source, told, uniform)

    def encoder_knowledge(self, known):
        """What the encoder is told of what the transmitter knows."""
        return self._told(known)._replace(num_symbols=self.num_symbols)

    def modulate(self, data, ordered=None):
        """Symbols of a packet to those of the frame, [batch, num_symbols].

        Raises
        ------
        ValueError
            If they are not as many as the frame has, where all of them are to be sent.
        """
        if data.count is None and data.z.shape[1] != self.num_symbols:
            raise ValueError(
                f"the encoder gives {data.z.shape[1]} symbols for a frame of "
                f"{self.num_symbols}: give as many as known.num_symbols, or tell in "
                "Analogue(z, count) how many of them are sent; weights of a codec of "
                "one rate are trained at the --cbr that they are used at"
            )
        z, count = data.z[:, : self.num_symbols], data.count
        if z.shape[1] < self.num_symbols:
            z = ops.pad(z, ((0, 0), (0, self.num_symbols - z.shape[1])))
        if count is not None:  # a count beyond the frame is refused where it is placed
            count = ops.minimum(count, self.num_symbols)
        return self.modulation.spread(Analogue(z, count), ordered)

    def decode(self, x_hat, no_eff, side, known, ordered=None, training=False):
        """What the decoder makes of the symbols of a frame.

        Input
        -----
        x_hat, no_eff : [batch, at most num_symbols]
            Of the data, still spread

        side : as the decoder takes it
            As received; it tells how many symbols there are

        known : :class:`~semcom_phy.phy.knowledge.RxKnowledge`
            The channel with the precoder

        ordered, training
            As in :meth:`run`

        Output
        ------
        : :class:`~semcom_phy.sources.samples.Delivered`
        """
        seen = self.decoder_knowledge(known)
        count = self.count_symbols(side, known)
        z_hat, no = self.modulation.despread(x_hat, no_eff, count, ordered)
        snr_db = self._decoder_snr_db(known)
        told_no = self.snr_range.clip_no_eff(no, snr_db)
        return self.decoder.decode(Received(z_hat, told_no, no, side), seen, training)

    def count_symbols(self, side, known):
        """How many symbols the decoder takes to be sent, by what both ends know."""
        both = known._replace(h_hat=None, snr_db=known.fed_back.snr_db)
        return self.decoder.count_symbols(side, self.decoder_knowledge(both))

    def decoder_knowledge(self, known):
        """What the decoder is told of what the receiver knows."""
        snr_db = self.snr_range.clip(self._decoder_snr_db(known))
        return RxKnowledge(snr_db, known.h_hat, self._told(known.fed_back))

    def _told(self, known):
        """Within the range, and with the median SNR where the codec is told it."""
        known = known._replace(snr_db=self.snr_range.clip(known.snr_db))
        if self.median_snr is None or known.median_snr_db is not None:
            return known
        return known._replace(median_snr_db=self.median_snr.at(known.snr_db))

    def _decoder_snr_db(self, known):
        average = self.decoder.told_average_snr
        return known.fed_back.snr_db if average else known.snr_db


def check_one_fade(h):
    """Refuses a channel that is another one in every slot, where it is fed back."""
    if h.shape[1] != 1:
        raise ValueError(
            f"what is fed back needs one fade per image, received h of shape "
            f"{tuple(h.shape)}"
        )


def precoded(h_hat, precoder):
    """The channel as its data see it, [batch, slots, Nr, Nt, T, F]."""
    if precoder is None:
        return h_hat
    seen = ops.matmul(h_hat[:, 0, :, :, 0, 0], precoder)
    return seen[:, None, :, :, None, None]
