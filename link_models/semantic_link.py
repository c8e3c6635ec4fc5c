"""The semantic link: image to image through one trainable model.

image --> encoder --z, mask--> PowerNormalization, DFT spread --x--> EqualizedOFDM-
                                                                     Channel
image_hat <-- decoder <--x_hat, no_eff, csi-- despread <-----------------'
"""

import keras
import numpy as np
from keras import ops

from link_models.knowledge import AVERAGE_SNR, FED_BACK_CSI, knows
from link_models.transmission import Transmission
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.knowledge import Csi
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.transform_precoding import TransformPrecoding
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

    def __init__(self, encoder, decoder, channel, feedback=False, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.channel = channel
        self.feedback = feedback
        self.power = PowerNormalization()
        self.precoding = TransformPrecoding(channel.num_tx_ant)

    def call(self, source, snr_db, h, noise=None, sounding_noise=None):
        no = snr_db_to_no(snr_db, self.channel.num_tx_ant)
        h_fed_back = None
        if self.feedback:
            h_fed_back, _ = self.channel.sound(h, no, sounding_noise)
        z, mask = self.encoder(
            source, snr_db, h_fed_back, num_symbols=self.channel.framing.num_symbols
        )
        x = self.precoding.spread(self.power(z, mask))
        reception = self.channel.receive(x, h, no, noise)
        z_hat, no_eff = self.precoding.despread(reception.x_hat, reception.no_eff)
        return self.decoder(
            z_hat,
            no_eff,
            None,
            Csi(reception.h_hat, reception.snr_db),
        )

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
        self._forward = compile_fn(link.__call__, jit=jit)

    def describe(self):
        framing = self.link.channel.framing
        fed_back = (FED_BACK_CSI,) if self.link.feedback else ()
        return {
            "title": self.title,
            "bandwidth": spent_bandwidth(framing, self.image_shape).as_dict(),
            "knows": knows(AVERAGE_SNR, *fed_back),
            "parameters": int(self.link.count_params()),
            **self.record,
        }

    def transmit(self, images, snr_db, h, seeds):
        seeds, channel = check_seeds(seeds, len(images)), self.link.channel
        noise = [channel.draw_noise(seeds)]
        if self.link.feedback:
            noise.append(channel.draw_noise(seeds, sounding=True))
        images_hat = self._forward(
            ops.convert_to_tensor(images.astype("float32") / 255.0),
            ops.convert_to_tensor(np.full(len(images), snr_db, "float32")),
            ops.convert_to_tensor(h),
            *map(ops.convert_to_tensor, noise),
        )
        return Transmission(to_uint8(images_hat), np.zeros(len(images), bool))


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
            "The decoder returned values that are not finite: the weights are broken "
            "or the SNR lies outside the range that they were trained for."
        )
    return np.rint(255.0 * np.clip(images, 0.0, 1.0)).astype(np.uint8)
