"""Training on whole images over one link."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from link_models.systems.images import to_uint8
from link_models.training.data import draw_link
from link_models.training.shown_figure import PSNR
from semcom_phy.checks import check_number
from semcom_phy.metrics.image import psnr, psnr_of_mean_mse
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import derived_seed

VALIDATION_SNR_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
# PSNR of the linear analogue coder (AWGN, cbr 1/6): makes all SNRs weigh alike.
REFERENCE_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
REFERENCE_PSNR_DB = (18.5, 21.6, 24.8, 28.5, 31.9, 34.2, 35.5)


@dataclass(frozen=True)
class ImageTask:
    """One link to train over, and how its error counts.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The link; the number of symbols is its framing's

    loss : `str` or `callable`
        "normalised": squared error over that of the linear coder at the SNR (aims at
        the PSNR of the mean MSE); "log": log squared error (aims at the mean PSNR);
        to both the encoder adds its ``extra_loss``. Or a loss of the codec's own,
        (source, snr_db, packet, delivered, encoder) -> scalar, such as
        :class:`~semcom_phy.codecs.eca.ChannelAwareLoss`

    num_uniform : `int`, (default 0)
        Random numbers per image that the codec's choice takes, ``encoder.num_uniform``

    share_precoded : `float`, (default 0)
        Share of the images that are sent over the eigenmodes of the channel; only for
        codecs that are fed back the channel
    """

    name: str
    channel: Any
    loss: Any
    num_uniform: int = 0
    share_precoded: float = 0.0

    def __post_init__(self):
        check_number("share_precoded", self.share_precoded, 0, 1)
        if not callable(self.loss) and self.loss not in ("normalised", "log"):
            raise ValueError(
                f'loss must be "normalised", "log" or a loss object, got {self.loss!r}'
            )

    @property
    def num_inputs(self):
        """Tensors that a batch holds for this task, `int`."""
        if not self.num_uniform:
            return 5
        return 8 if self.share_precoded else 6

    @property
    def trains_choice(self):
        """Whether the codec's choice of a rate is trained, or drawn at random."""
        return not (callable(self.loss) and self.loss.random_cutoffs)

    shown = PSNR
    variables = ()

    def phases(self, link):
        """Losses and what they train, in turn: here one, of all weights."""
        return [(self.training_loss, link.trainable_variables)]

    def describe(self):
        """Plain values for the record of the weights."""
        about = {"name": self.name, "loss": self.loss}
        if callable(self.loss):
            about["loss"] = {"name": type(self.loss).__name__, **vars(self.loss)}
        if self.share_precoded:
            about["share_precoded"] = self.share_precoded
        return about

    def check(self, image_shape):
        """Any image will do that the codec takes."""

    def fit_statistics(self, encoder, data):
        """Closed-form start of an encoder that has one."""
        encoder.fit_statistics(data.exact.astype("float32") / 255)

    def batch(self, data, recipe, done, rng):
        """Inputs of :meth:`training_loss` for one step.

        Input
        -----
        data : :class:`~link_models.training.data.TrainingData`

        recipe : :class:`~link_models.training.recipe.Recipe`

        done : `float`
            Share of the steps that are done

        rng : `numpy.random.Generator`

        Output
        ------
        : `list`
            source [batch, H, W, 3] in [0, 1], snr_db [batch], h, noise as the channel
            wants them, reference [batch] (MSE of the linear coder at the SNR),
            `float32` and `complex64`. With ``num_uniform`` besides uniform [batch,
            num_uniform], and with ``share_precoded`` precoder [batch, Nt, Nt] and
            ordered [batch]
        """
        images = _draw_images(data, recipe, done, rng)
        snr_db = rng.uniform(recipe.min_snr_db, recipe.max_snr_db, recipe.batch_size)
        snr_db = snr_db.astype("float32")
        reference = 10 ** (-np.interp(snr_db, REFERENCE_SNR_DB, REFERENCE_PSNR_DB) / 10)
        h, noise = draw_link(self.channel, recipe.batch_size, rng)
        inputs = [
            images.astype("float32") / 255,
            snr_db,
            h,
            noise,
            reference.astype("float32"),
        ]
        if self.num_uniform:
            inputs += self._choice(ops.convert_to_numpy(h), snr_db, rng)
        return inputs

    def training_loss(
        self,
        link,
        source,
        snr_db,
        h,
        noise,
        reference,
        uniform=None,
        precoder=None,
        ordered=None,
    ):
        """Loss of a batch, scalar `float32`."""
        packet, delivered = link.run(
            source,
            snr_db,
            h,
            noise,
            uniform=uniform,
            precoder=precoder,
            ordered=ordered,
            training=True,
        )
        if callable(self.loss):
            return self.loss(source, snr_db, packet, delivered, link.encoder)
        if delivered.images is None:
            raise ValueError(
                f"{type(link.decoder).__name__} delivers no images, which this task "
                "trains on: give a task of its own to the Trainer"
            )
        error = ops.mean(ops.square(delivered.images - source), axis=(1, 2, 3))
        loss = ops.log(error + 1e-5) if self.loss == "log" else error / reference
        return ops.mean(loss) + _extra_loss(link, packet, snr_db)

    def forward(self, link, source, snr_db, h, noise):
        """What validation calls, compiled."""
        packet, delivered = link.run(source, snr_db, h, noise)
        extra = _extra_loss(link, packet, snr_db)
        return delivered.images, packet.data.count, extra

    def validation_inputs(self, data, recipe):
        """Fades and noise that all validations of a run share."""
        rng = np.random.default_rng(derived_seed(recipe.seed, "validation"))
        h, noise = draw_link(self.channel, len(data.validation), rng)
        return h, ops.convert_to_tensor(noise)

    def validate(self, forward, data, recipe, inputs):
        """Figures of the held-out images.

        Input
        -----
        forward : callable
            :meth:`forward` of the link, compiled

        data, recipe
            As in :meth:`batch`

        inputs : of :meth:`validation_inputs`

        Output
        ------
        : `dict`
            "snr_db", "psnr_db", "psnr_of_mean_mse_db", and "cr_real" where the codec
            chooses its rate
        """
        images, rates, extras = data.validation, [], []
        source = ops.convert_to_tensor(images.astype("float32") / 255)
        figures = {"snr_db": list(VALIDATION_SNR_DB)}
        figures |= {"psnr_db": [], "psnr_of_mean_mse_db": []}
        for snr_db in VALIDATION_SNR_DB:
            snr_db = ops.full((len(images),), snr_db)
            images_hat, count, extra = forward(source, snr_db, *inputs)
            extras.append(float(extra))
            if count is not None:
                usage = ops.convert_to_numpy(count).mean() / images[0].size
                rates.append(round(2 * float(usage), 5))
            images_hat = to_uint8(images_hat)
            of_mean = psnr_of_mean_mse(images, images_hat)
            figures["psnr_db"].append(_rounded(psnr(images, images_hat).mean()))
            figures["psnr_of_mean_mse_db"].append(_rounded(of_mean))
        if rates:
            figures["cr_real"] = rates
        return figures | ({"extra_loss": extras} if any(extras) else {})

    def score(self, figures, encoder, image_shape):
        """Mean PSNR, less what the loss says that the rate is worth [dB]."""
        score = np.mean(figures["psnr_db"])
        score -= 10 / np.log(10) * np.mean(figures.get("extra_loss", 0.0))
        if not callable(self.loss) or self.loss.random_cutoffs:
            return score
        price = ops.convert_to_numpy(encoder.price(figures["snr_db"]))
        spent = np.asarray(figures["cr_real"]) * np.prod(image_shape)
        return score - 10 / np.log(10) * np.mean(price * spent)

    def _choice(self, h, snr_db, rng):
        """Random numbers of the codec's choice, and precoders of some images."""
        batch = len(h)
        uniform = rng.random((batch, self.num_uniform), dtype="float32")
        precoded = rng.random(batch) < self.share_precoded  # drawn in any case
        if not self.share_precoded:
            return [uniform]
        precoder = np.where(
            precoded[:, None, None],
            svd_precoder(h, snr_db),
            np.eye(h.shape[3], dtype="complex64"),
        )
        return [uniform, precoder, precoded]


def _extra_loss(link, packet, snr_db):
    """Mean of what the encoder adds to the loss, scalar `float32`."""
    known = link.encoder_knowledge(TxKnowledge(snr_db))
    extra = link.encoder.extra_loss(packet, known)
    return ops.mean(ops.convert_to_tensor(extra, "float32"))


def _draw_images(data, recipe, done, rng):
    exact, copies = data.exact, data.copies
    share = recipe.share_exact if done < recipe.exact_from else 1.0
    size = recipe.batch_size
    from_exact = rng.random(size) < (share if len(copies) else 1.0)
    images = exact[rng.integers(len(exact), size=size)]
    if len(copies):
        other = copies[rng.integers(len(copies), size=size)]
        images = np.where(from_exact[:, None, None, None], images, other)
    flip = rng.random(size) < 0.5
    images[flip] = images[flip, :, ::-1]
    return images


def _rounded(value):
    return round(float(value), 3)
