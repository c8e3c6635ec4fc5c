r"""Training the denoiser of SGDJSCC: values of pictures out of noise of any level.

    pictures --> frozen encoder --> values x0 --.
    noise of a random level --------------------+--> x --> denoiser --> x0_hat
    edge map, caption, each left out at times ----------------'           '--> decoder

.. math::
    L = \log D + \mu \log \frac{\sum_k \lambda_k (x_{0,k} - \hat x_{0,k})^2}
        {\sum_k \lambda_k (1 - \bar\alpha_k)}

per image, with the squared error D of what the frozen decoder makes of the denoised
values, and, over the values k that are sent, with their variances :math:`\lambda_k` in
pixels, the squared error of the values over what the linear estimate is expected to
leave. The second alone is not enough: the decoder was trained on linear estimates and
takes noise out by itself, so that better values gave worse images. The radio link is
not run: what it delivers is such a state.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from link_models.systems.images import to_uint8
from link_models.training.data import described_images, draw_link
from link_models.training.shown_figure import PSNR
from link_models.training.tasks.saliency import (
    SNR_DB,
    in_parts,
    mirrored_some,
    unfaded,
)
from semcom_phy.codecs.contract import Received
from semcom_phy.codecs.gened_sc import picture_rows
from semcom_phy.codecs.sgdjscc import Guide
from semcom_phy.metrics.image import psnr
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.seeding import derived_seed

NOISE_DB = (-25.0, 8.0)  # error variance of a symbol over its power
VALUES = 0.1  # weight of the error of the values
_FLOOR = 1e-3
_FLOOR_IMAGE = 1e-5
_LEAST_NOISE = 1e-6


@dataclass(frozen=True)
class GuidedData:
    """Pictures with captions, and what a dual encoder sees in both.

    Parameters
    ----------
    exact : [n, H, W, 3], `uint8`

    embedded : [2, n, patches + 1, width], `float16`
        Of every picture, and of its mirror image

    captions : [n, common_width], `float32`
        Vectors of the captions

    validation, validation_embedded, validation_captions
        Held out, as the above; no mirror images

    provenance : `dict`
    """

    exact: np.ndarray
    embedded: np.ndarray
    captions: np.ndarray
    validation: np.ndarray
    validation_embedded: np.ndarray
    validation_captions: np.ndarray
    provenance: dict

    copies = ()

    def identity(self):
        """What tells these pictures from others."""
        return described_images(
            self, self.exact, self.embedded, self.captions, self.validation
        )


@dataclass(frozen=True)
class DenoisingTask:
    """Levels of noise, and what the receiver is told.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Link of the validation, over AWGN: the fade sqrt(Nt) I

    share_faded : `float`, (default 0.25)
        Share of the images whose two streams have levels of their own

    share_untold : `float`, (default 0.15)
        Share of the images without edge map, and of those without caption

    share_awgn : `float`, (default 0.5)
        Share of the images whose level is that of AWGN at the SNR that is told
    """

    name: str
    channel: Any
    share_faded: float = 0.25
    share_untold: float = 0.15
    share_awgn: float = 0.5

    num_inputs = 5
    trains_choice = True
    shown = PSNR
    variables = ()

    def describe(self):
        """Plain values for the record of the weights."""
        names = ("name", "share_faded", "share_untold", "share_awgn")
        told = {name: getattr(self, name) for name in names}
        return told | {"snr_db": list(SNR_DB), "noise_db": list(NOISE_DB)}

    def check(self, image_shape):
        """The codec has checked its sizes."""

    def fit_statistics(self, encoder, data):
        """Those of the network that it starts from."""

    def phases(self, link):
        """One: its loss, and the denoiser alone."""
        return [(self.training_loss, link.decoder.denoiser.trainable_variables)]

    def batch(self, data, recipe, done, rng):
        """Inputs of :meth:`training_loss`."""
        size = recipe.batch_size
        drawn = rng.integers(len(data.exact), size=size)
        mirrored = (rng.random(size) < 0.5).astype(int)
        images = mirrored_some(data.exact[drawn], mirrored)
        embedded = data.embedded[mirrored, drawn]
        source = picture_rows(images, embedded, data.captions[drawn])
        level = rng.uniform(*NOISE_DB, (size, 2))
        alike = rng.random(size) >= self.share_faded
        level[alike, 1] = level[alike, 0]
        snr_db = rng.choice(np.array(SNR_DB, "float32"), size)
        awgn = rng.random((size, 1)) < self.share_awgn
        level = np.where(awgn, -snr_db[:, None], level)
        parts = rng.standard_normal((size, self.channel.framing.num_symbols, 2))
        noise = parts @ np.array([1, 1j]) / np.sqrt(2)
        told = rng.random((size, 2)) >= self.share_untold
        return [
            source,
            snr_db,
            level.astype("float32"),
            noise.astype("complex64"),
            told.astype("float32"),
        ]

    def training_loss(self, link, source, snr_db, level_db, noise, told):
        """Loss of a batch, scalar `float32`."""
        decoder = link.decoder
        packet = link.encode(source, TxKnowledge(snr_db))
        z = ops.stop_gradient(link.modulation.power(packet.data.z))
        mask = ops.zeros((ops.shape(z)[0], *decoder.grid))
        streams = np.arange(z.shape[1]) % level_db.shape[1]
        no = ops.take(10.0 ** (level_db / 10.0), streams, axis=1)
        moved = z + ops.cast(ops.sqrt(no), "complex64") * noise
        x, alpha_bar = decoder.state(Received(moved, no, no), snr_db, mask)
        least = ops.full_like(no, _LEAST_NOISE)
        values, known = decoder.state(Received(z, least, least), snr_db, mask)
        guide = Guide(packet.side.edges, told[:, 0], packet.side.caption * told[:, 1:])
        found, _ = decoder.predict(x, alpha_bar, guide)
        variance = ops.square(decoder.transform.std[: decoder.depth])
        weight = variance * ops.cast(known > 0.5, "float32")
        error = ops.sum(weight * ops.square(values - found), axis=(1, 2, 3))
        linear = ops.sum(weight * (1.0 - alpha_bar), axis=(1, 2, 3))
        image_hat = decoder.picture(found, alpha_bar, mask, snr_db)
        wrong = ops.square(image_hat - link.encoder.unpack(source)[0])
        loss = ops.log(ops.mean(wrong, axis=(1, 2, 3)) + _FLOOR_IMAGE)
        return ops.mean(loss + VALUES * ops.log(error / linear + _FLOOR))

    def forward(self, link, source, snr_db, h, noise):
        """What validation calls, compiled: images, and the edges of each."""
        packet, delivered = link.run(source, snr_db, h, noise)
        return delivered.images, packet.side.edges

    def validation_inputs(self, data, recipe):
        """Noise that all validations of a run share."""
        rng = np.random.default_rng(derived_seed(recipe.seed, "validation"))
        h, noise = draw_link(self.channel, len(data.validation), rng)
        h = np.array(ops.convert_to_numpy(h))
        h[:] = unfaded(self.channel)
        source = picture_rows(
            data.validation, data.validation_embedded, data.validation_captions
        )
        return [ops.convert_to_tensor(v) for v in (source, h, noise)]

    def validate(self, forward, data, recipe, inputs):
        """Mean PSNR of the held-out pictures over AWGN, all of the guide told.

        Output
        ------
        : `dict`
            "snr_db" and "psnr_db"
        """
        source, h, noise = inputs
        found = []
        for snr_db in SNR_DB:
            told = ops.full((len(data.validation),), snr_db)
            images, _ = in_parts(forward, source, told, h, noise)
            quality = psnr(data.validation, to_uint8(images))
            found.append(round(float(quality.mean()), 3))
        return {"snr_db": list(SNR_DB), self.shown.key: found}

    def score(self, figures, encoder, image_shape):
        """Mean PSNR [dB]."""
        return float(np.mean(figures[self.shown.key]))
