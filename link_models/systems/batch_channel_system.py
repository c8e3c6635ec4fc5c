"""SwinJSCC or WITT of published weights over the channel of its authors.

    images --> encoder.features --> batch channel --> decoder.reconstruct --> images_hat

For the published figures alone: power is normalised over the batch, the scale and the
mask of the channels reach the receiver for free, nothing is estimated or equalised
(:mod:`semcom_phy.phy.channel_models.batch_channel`). What comes out depends on which
images are sent together.
"""

import numpy as np
from keras import ops

from link_models.systems.images import to_uint8
from link_models.systems.knowledge import (
    AVERAGE_SNR,
    BATCH_POWER,
    FREE_MAPS,
    FREE_SCALE,
    knows,
)
from semcom_phy.backend import compile_fn
from semcom_phy.bandwidth import spent_bandwidth
from semcom_phy.phy.channel_models.batch_channel import send_over_batch
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.seeding import check_seeds, complex_normals, image_generator
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.snr import snr_db_to_no
from semcom_phy.sources.samples import Delivered


class BatchChannelSystem:
    """A codec over its authors' channel as a system of a sweep.

    A codec of another channel has a subclass with another :meth:`send`.

    Parameters
    ----------
    name, title : `str`
        Name in file names; label in figures

    link : :class:`~link_models.links.frame_link.FrameLink`
        The codec with its weights; its radio link says how many symbols there are

    fading : `bool`
        A gain of Rayleigh's distribution for every symbol, which the receiver does not
        know; AWGN alone otherwise

    about : `dict`
        What is to be said of the weights in the result file
    """

    channels: tuple[str, ...] = ("awgn", "rayleigh")
    """`tuple` of `str` : Channels of scenarios that its authors simulate."""

    def __init__(self, name, title, link, fading, about):
        self.name = name
        self.title = title
        self.link = link
        self.fading = fading
        self.about = about
        self._features = compile_fn(self._features_of)
        self._images = compile_fn(link.decoder.reconstruct)

    def describe(self):
        free = (FREE_MAPS,) if self.link.encoder.rate_adaptive else ()
        framing, shape = self.link.channel.framing, self.link.encoder.image_shape
        return {
            "title": self.title,
            "knows": knows(AVERAGE_SNR, BATCH_POWER, FREE_SCALE, *free),
            "bandwidth": spent_bandwidth(framing, shape).as_dict(),
            "bandwidth_note": f"{'the most; ' if free else ''}pilots are not sent",
            "channel": "the authors': a positive gain a symbol, not equalised"
            if self.fading
            else "the authors': AWGN",
            **self.about,
        }

    def shared(self, spreading, how):
        raise ValueError(
            f"{self.name!r} is the channel of one user as its authors simulate it: "
            "leave out the system, or --users"
        )

    def symbol_maps(self, samples, snr_db, seed):
        return None

    def transmit(self, samples, snr_db, h, seeds):
        """Sends images, see :class:`~semcom_phy.simulation.system.System`; of ``h``
        nothing is used."""
        seeds = check_seeds(seeds, len(samples))
        images = ops.convert_to_tensor(samples.images.astype("float32") / 255.0)
        images_hat, spent = self.send(images, float(snr_db), seeds)
        outage = np.zeros(len(images), bool)
        return Transmission(Delivered(to_uint8(images_hat)), outage, spent)

    def send(self, images, snr_db, seeds):
        """Images through encoder, channel and decoder.

        Input
        -----
        images : [batch, H, W, 3], `float32`
            In [0, 1]

        snr_db : `float`
            [dB]

        seeds : sequence of `int`
            Of the images

        Output
        ------
        images_hat : [batch, H, W, 3], `float32`
            Around [0, 1]

        spent : :class:`~semcom_phy.simulation.system.Spent`
        """
        told = self.link.snr_range.clip(np.full(len(images), snr_db, "float32"))
        features, kept, channels = self._features(images, told)
        symbols = int(np.prod(features.shape[1:])) // 2
        gain = None
        if self.fading:
            gain = ops.convert_to_tensor(np.abs(draws(seeds, "fading", symbols)))
        noise = ops.convert_to_tensor(draws(seeds, "noise", symbols))
        no = ops.convert_to_tensor(snr_db_to_no(snr_db, 1))
        received = send_over_batch(features, kept, no, noise, gain).features
        spent = np.full(len(images), float(symbols))
        if channels is not None:
            encoder = self.link.encoder
            spent = ops.convert_to_numpy(channels) * (encoder.tokens / 2)
        return self._images(received, told), Spent(spent, np.zeros(len(images)))

    def _features_of(self, images, snr_db):
        encoder = self.link.encoder
        known = TxKnowledge(snr_db, num_symbols=self.link.num_symbols)
        channels = encoder.channels_for(known)
        return *encoder.features(images, snr_db, channels), channels


def draws(seeds, what, count):
    """CN(0, 1) entries of the images, one image after the other, `complex64`."""
    drawn = [complex_normals(image_generator(s, what), (count,)) for s in seeds]
    return np.concatenate(drawn)
