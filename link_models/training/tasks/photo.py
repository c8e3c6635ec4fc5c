"""Training variable-length codecs on photographs, for any size, rate and SNR.

crop of a photograph, a budget, an SNR --> FrameLink --> loss
two images in three over AWGN, one over a fade of the link's channel
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from link_models.links.expected_fades import median_snr
from link_models.links.frame_link import FrameLink
from link_models.training.photo_data import VALIDATION_SIZE
from link_models.training.tasks.patch import PatchTask, send_whole
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.knowledge import TxKnowledge

CROP = 128  # side of the crops [pixels]
CBR = (1 / 48, 1 / 8)  # that pictures are to be sent at
PHOTO_CODEC = {  # of both halves, where nothing else is given
    "lengths": (1, 3, 6, 12, 24, 48, 96, 192),
    "design_snr_db": (0.0, 5.0, 10.0, 15.0, 20.0),
    "scale_sent": True,
    "num_orders": 16,
}
# A crop gets less or more than its picture does on average.
SPREAD = 3.0, 1.3
STATISTICS = 1500  # crops of the closed-form start
_AT_ONCE = 5  # pictures of the validation


@dataclass(frozen=True)
class PhotoTask(PatchTask):
    """Link and loss of training on photographs.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat link that holds the largest budget of a crop; images are sent over its
        fades, or over AWGN: the fade sqrt(Nt) I

    whole : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The same link for whole pictures of the validation

    loss : :class:`~link_models.training.tasks.scene.RateDistortionLoss`

    lengths : `tuple` of `int`, (default ``LENGTHS``)
        ``encoder.lengths``

    hyper_channels : `int`, (default 16)
        ``encoder.side_channels``

    fixed : `bool`, (default `False`)
        ``encoder.fixed``: all patches get as many symbols as those of their picture

    share_awgn : `float`, (default 2/3)
        Share of the images that are sent over AWGN

    share_large : `float`, (default 0.6)
        Share of the crops that are cut from large pictures

    Budgets are drawn uniformly in their logarithm. Validation sends whole pictures over
    AWGN at ``VALIDATION``; its score is their mean PSNR.
    """

    VALIDATION = ((0, 1 / 16), (10, 1 / 48), (10, 1 / 16), (10, 1 / 8), (20, 1 / 16))

    name: str
    channel: Any
    whole: Any
    loss: Any
    lengths: tuple = LENGTHS
    hyper_channels: int = 16
    fixed: bool = False
    share_awgn: float = 2 / 3
    share_large: float = 0.6

    @property
    def cbr(self):
        """Least and largest budget of a crop, (`float`, `float`)."""
        return crop_cbr(self.fixed)

    def describe(self):
        """Plain values for the record of the weights."""
        names = ("name", "share_awgn", "share_large", "cbr")
        about = {n: getattr(self, n) for n in names}
        return about | {"crop": CROP, "loss": vars(self.loss)}

    def check(self, image_shape):
        """Any image will do."""

    def fit_statistics(self, encoder, data):
        """Closed-form start of the encoder."""
        images = self._crops(data, STATISTICS, np.random.default_rng(0))
        images = images.astype("float32") / 255
        encoder.fit_statistics(images, design_cbr=CBR)

    def batch(self, data, recipe, done, rng):
        """Crops, budgets and random numbers: the inputs of :meth:`training_loss`, see
        :meth:`~link_models.training.tasks.image.ImageTask.batch`."""
        images = self._crops(data, recipe.batch_size, rng)
        drawn = self.draw(images, self.cbr, 2 * self.lengths[-1], recipe, rng)
        snr_db, budget, h, noise, over_awgn, *compression = drawn
        median = median_snr(self.channel).interpolated(snr_db)
        median = np.where(over_awgn, snr_db, median).astype("float32")
        source = images.astype("float32") / 255
        return [source, snr_db, median, h, noise, budget, *compression]

    def training_loss(
        self, link, source, snr_db, median, h, noise, budget, latent_noise, hyper_noise
    ):
        """Loss of a batch, scalar `float32`."""
        known = TxKnowledge(snr_db, budget=budget, median_snr_db=median)
        noises = latent_noise, hyper_noise
        return self.loss(link, source, snr_db, h, noise, known, *noises)

    def forward(self, link, source, snr_db, h, noise, budget):
        """What validation calls, compiled."""
        link = FrameLink(
            link.encoder, link.decoder, self.whole, snr_range=link.snr_range
        )
        known = TxKnowledge(snr_db, budget=budget, median_snr_db=snr_db)
        packet, delivered = link.run(source, snr_db, h, noise, known)
        return delivered.images, packet.data.count

    def validation_inputs(self, data, recipe):
        """Nothing: noise follows from the pictures' seeds."""
        median_snr(self.whole)  # kept: it cannot be found inside a compiled function

    def validate(self, forward, data, recipe, inputs):
        """Figures of the pictures held out, see
        :meth:`~link_models.training.tasks.image.ImageTask.validate`."""
        images = data.validation
        figures = {"snr_db": [], "cbr": [], "psnr_db": []}
        for snr_db, cbr in self.VALIDATION:
            restored, used = send_whole(
                forward, self.whole, images, snr_db, cbr, recipe.seed, _AT_ONCE
            )
            figures["snr_db"].append(snr_db)
            figures["cbr"].append(round(float(used / images[0].size), 5))
            figures["psnr_db"].append(round(float(psnr(images, restored).mean()), 3))
        return figures

    def score(self, figures, encoder, image_shape):
        """Mean PSNR [dB]."""
        return float(np.mean(figures["psnr_db"]))

    def _crops(self, data, number, rng):
        """Crops of large pictures and whole small ones, [number, 128, 128, 3]."""
        crops = np.empty((number, CROP, CROP, 3), np.uint8)
        share = self.share_large if len(data.exact) else 1.0
        for crop in crops:
            if rng.random() < share:
                picture = data.large[rng.integers(len(data.large))]
                top, left = (
                    rng.integers(side - CROP + 1) for side in picture.shape[:2]
                )
                found = picture[top : top + CROP, left : left + CROP]
            else:
                found = data.exact[rng.integers(len(data.exact))]
            crop[:] = found[:, ::-1] if rng.random() < 0.5 else found
        return crops


def crop_cbr(fixed):
    """Least and largest budget of a crop, (`float`, `float`)."""
    low, high = SPREAD if not fixed else (1.1, 1.1)
    return CBR[0] / low, CBR[1] * high


def frame_sizes(fixed):
    """Symbols of the frames of a crop and of a whole picture, two `int`."""
    whole = 3 * VALIDATION_SIZE[0] * VALIDATION_SIZE[1]
    return int(np.ceil(crop_cbr(fixed)[1] * 3 * CROP**2)), int(np.ceil(CBR[1] * whole))
