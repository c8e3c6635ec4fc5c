"""The semantic link: image to image through one trainable model.

image --> encoder --z, mask--> PowerNormalization, DFT spread --x--> EqualizedOFDM-
                                                                     Channel
image_hat <-- decoder <--x_hat, no_eff, csi-- despread <-----------------'

Where the mask leaves symbols out, those that are sent close up: nothing else is spread,
takes power or is charged.
"""

import keras
import numpy as np
from keras import ops

from link_models.knowledge import AVERAGE_SNR, FED_BACK_CSI, knows
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.knowledge import EVERY_SNR, Csi
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.sent_symbols import close_up, open_up
from semcom_phy.phy.transform_precoding import (
    PrefixTransformPrecoding,
    TransformPrecoding,
)
from semcom_phy.seeding import check_seeds
from semcom_phy.snr import snr_db_to_no


@keras.saving.register_keras_serializable(package="semcom_phy")
class SemanticLink(keras.Model):
    r"""Encoder, radio link and decoder as one differentiable model.

    The Keras layers are direct attributes, so that their weights are the model's;
    the radio link holds none. The symbols of a stream are spread by a DFT
    (:class:`~semcom_phy.phy.transform_precoding.TransformPrecoding`), without which
    codecs with symbols of unequal power suffer interference beyond ``no_eff``.

    Parameters
    ----------
    encoder : `keras.Layer`, (source, snr_db, h, num_symbols) -> (z, mask)
        Semantic encoder

    decoder : `keras.Layer`, (x_hat, no_eff, side, csi) -> source_hat
        Semantic decoder

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Radio link; the number of symbols is its framing's

    feedback : `bool`, (default `False`)
        Sound the channel first and give the encoder the fed-back estimate

    known_mask : callable, (snr_db, h, num_symbols) -> mask, optional
        For codecs that do not fill the frame: which symbols are sent, as the receiver
        finds out by itself, [batch or 1, num_symbols], 1 for those that are sent. It is
        given what both ends know: the average SNR [batch] [dB] as the encoder is told
        it and, with ``feedback``, the fed-back channel, else `None`. The encoder's mask
        must be the same, and the decoder is given it as ``side``. `None`: every symbol
        is sent

    snr_range : :class:`~semcom_phy.phy.knowledge.SnrRange`, (default: every SNR)
        SNRs that encoder and decoder were trained for; they are told none beyond

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

    sounding_noise : [*channel.noise_shape(batch, sounding=True)], `complex64`, optional
        That of the sounding, with ``feedback`` only; drawn inside if not given

    Output
    ------
    source_hat : [batch, H, W, 3], `float32`
        Images around [0, 1], not clipped
    """

    def __init__(
        self,
        encoder,
        decoder,
        channel,
        feedback=False,
        known_mask=None,
        snr_range=EVERY_SNR,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
        self.feedback = feedback
        self.known_mask = known_mask
        self.snr_range = snr_range
        self.power = PowerNormalization()
        self.precoding = TransformPrecoding(channel.num_tx_ant)
        self.prefix_precoding = PrefixTransformPrecoding(channel.num_tx_ant)

    def call(self, source, snr_db, h, noise=None, sounding_noise=None):
        return self.run(source, snr_db, h, noise, sounding_noise)[0]

    def run(self, source, snr_db, h, noise=None, sounding_noise=None):
        """The call, with the masks of both ends.

        Output
        ------
        source_hat
            As of the call

        mask, known : [batch, num_symbols]
            What the encoder says that it sends, and what was sent, because both ends
            know it. No value is read here: who can read them compares them with
            :func:`check_mask`
        """
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        num_symbols = self.channel.framing.num_symbols
        h_fed_back = None
        if self.feedback:
            h_fed_back, _ = self.channel.sound(h, no, sounding_noise)
        told = self.snr_range.told(snr_db)
        z, mask = self.encoder(source, told, h_fed_back, num_symbols=num_symbols)
        known = ops.ones_like(mask)
        if self.known_mask is not None:
            known = self.known_mask(told, h_fed_back, num_symbols)
            known = ops.cast(ops.broadcast_to(known, ops.shape(mask)), mask.dtype)
        reception = self.channel.receive(self._to_frame(z, known), h, no, noise)
        z_hat, no_eff, side = self._from_frame(reception, known)
        source_hat = self.decoder(
            z_hat,
            self.snr_range.told_no_eff(no_eff, reception.snr_db),
            side,
            Csi(reception.h_hat, self.snr_range.told(reception.snr_db)),
        )
        return source_hat, mask, known

    def _to_frame(self, z, known):
        """Symbols of unit power, spread; those that are sent first, 0 behind them."""
        if self.known_mask is None:
            return self.precoding.spread(self.power(z))
        x, count = close_up(self.power(z, known), known)
        return self.prefix_precoding.spread(x, count, ops.zeros_like(count) > 0)

    def _from_frame(self, reception, known):
        """Symbols where the encoder had them, their errors, and the decoder's side.

        Where none was sent the estimate is 0 and its error that of knowing nothing, 1.
        """
        x_hat, no_eff = reception.x_hat, reception.no_eff
        if self.known_mask is None:
            return *self.precoding.despread(x_hat, no_eff), None
        count = ops.cast(ops.sum(known, axis=1), "int32")
        in_turn = ops.zeros_like(count) > 0
        x_hat, no_eff = self.prefix_precoding.despread(x_hat, no_eff, count, in_turn)
        return open_up(x_hat, known), open_up(no_eff, known) + 1.0 - known, known

    def training_loss(self, loss, source, snr_db, h, noise, reference):
        """Loss of a batch of :class:`~link_models.training_data.Batches`.

        Input
        -----
        loss : "log" | "normalised"
            See :class:`~link_models.training_data.Task`

        source, snr_db, h, noise
            As in the call

        reference : [batch], `float32`
            Squared error of the linear coder at the SNR

        Output
        ------
        : scalar, `float32`
        """
        error = ops.square(self(source, snr_db, h, noise) - source)
        error = ops.mean(error, axis=(1, 2, 3))
        if loss == "log":
            return ops.mean(ops.log(error + 1e-5))
        return ops.mean(error / reference)


class SemanticSystem:
    """A trained semantic link as a system of a sweep.

    Parameters
    ----------
    name : `str`
        Name in tables and file names

    title : `str`
        Label in figures

    link : :class:`SemanticLink`
        The model with its weights

    image_shape : (`int`, `int`, `int`)
        Height, width, channels [pixels]

    record : `dict`
        What is known of the weights (label, training), for the result file
    """

    def __init__(self, name, title, link, image_shape, record):
        self.name = name
        self.title = title
        self.link = link
        self.image_shape = tuple(image_shape)
        self.record = record
        jit = link.channel.channel_model.is_flat
        self._forward = compile_fn(link.run, jit=jit)

    def describe(self):
        framing = self.link.channel.framing
        masked = self.link.known_mask is not None
        note = "the most; what was spent is in extras, cr_real"
        fed_back = (FED_BACK_CSI,) if self.link.feedback else ()
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(framing, self.image_shape).as_dict(),
            **({"bandwidth_note": note} if masked else {}),
            "knows": knows(AVERAGE_SNR, *fed_back),
            "parameters": int(self.link.count_params()),
            "outage_color": None,  # whatever arrives is decoded
            **self.record,
        }

    def transmit(self, images, snr_db, h, seeds):
        """Sends images; where the codec does not fill the frame, ``extras`` say what
        each spent.

        Output
        ------
        : :class:`~link_models.transmission.Transmission`
            extras, with a ``known_mask`` only: ``cr_real``, ``cr_real_charged``

        Raises
        ------
        ValueError
            If the encoder's mask is not what the receiver knows, or no symbol is sent.
        """
        seeds, channel = check_seeds(seeds, len(images)), self.link.channel
        noise = [channel.draw_noise(seeds)]
        if self.link.feedback:
            noise.append(channel.draw_noise(seeds, sounding=True))
        images_hat, mask, known = self._forward(
            ops.convert_to_tensor(images.astype("float32") / 255.0),
            ops.convert_to_tensor(np.full(len(images), snr_db, "float32")),
            ops.convert_to_tensor(h),
            *map(ops.convert_to_tensor, noise),
        )
        count = check_mask(mask, known)
        extras = {}
        if self.link.known_mask is not None:
            cr_real = 2 * count / np.prod(self.image_shape)
            extras = {"cr_real": cr_real, "cr_real_charged": cr_real.copy()}
        lost = np.zeros(len(images), bool)
        return Transmission(to_uint8(images_hat), lost, extras)


def check_mask(mask, known):
    """Refuses a mask that the receiver does not know.

    Parameters
    ----------
    mask : [batch, num_symbols]
        Of the encoder

    known : [batch, num_symbols]
        What the receiver takes it to be

    Output
    ------
    : [batch], `int`
        Symbols that are sent

    Raises
    ------
    ValueError
        If they differ, or an image sends no symbol.
    """
    mask, known = (ops.convert_to_numpy(v) > 0.5 for v in (mask, known))
    count = known.sum(axis=1)
    wrong = np.flatnonzero((mask != known).any(axis=1))
    if wrong.size:
        image = wrong[0]
        sent = mask[image].sum()
        others = " others" if sent == count[image] else ""
        raise ValueError(
            f"the encoder's mask sends {sent} of the {mask.shape[1]} symbols of image "
            f"{image}, the receiver expects {count[image]}{others}: where the mask "
            "follows from the SNR or the fed-back channel, give SemanticLink a "
            "known_mask; a mask that depends on the image must be sent and charged, as "
            "AdaptiveLink and VariableLengthLink do; or send every symbol (mask 1)"
        )
    if not count.all():
        raise ValueError("known_mask leaves out every symbol of an image: send one")
    return count


def to_uint8(images):
    """Float images around [0, 1] to 8 bits, [batch, H, W, C] `uint8`.

    Raises
    ------
    ValueError
        If an image holds a value that is not finite.
    """
    images = np.asarray(ops.convert_to_numpy(images))
    if not np.isfinite(images).all():
        raise ValueError(
            "The decoder returned values that are not finite: the weights are broken, "
            "or a channel has a rank below its number of streams in 32 bits (lower the "
            "SNR)."
        )
    return np.rint(255.0 * np.clip(images, 0.0, 1.0)).astype(np.uint8)
