"""Training variable-length codecs on scenes whose patches have importance levels.

crop of a scene, its levels, a budget --> FrameLink --> loss
two images in three over AWGN, one over a fade of the link's channel
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import ops

from link_models.systems.levels import ANNOTATORS
from link_models.training.data import described_images
from link_models.training.tasks.patch import PATCH, PatchTask, send_whole
from semcom_phy.knowledge_base.importance.levels import level_maps
from semcom_phy.layers.mapping.rate_allocation import LENGTHS
from semcom_phy.metrics.image import psnr
from semcom_phy.metrics.importance import psnr_by_level
from semcom_phy.phy.knowledge import TxKnowledge
from semcom_phy.sources.driving import load_driving_scenes

LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class SceneData:
    """Scenes [n, H, W, 3] `uint8`, the importance of their pixels [n, H, W] `uint8`
    (the highest level of an object's box there), and those held out."""

    exact: np.ndarray
    pixel_levels: np.ndarray
    validation: np.ndarray
    validation_levels: np.ndarray
    provenance: dict
    copies: np.ndarray = field(default_factory=lambda: np.zeros((0,), np.uint8))

    def identity(self):
        """What tells these scenes and levels from others."""
        images = self.exact, self.validation
        levels = self.pixel_levels, self.validation_levels
        annotator = {"annotator": self.provenance.get("annotator")}
        return annotator | described_images(self, *images, *levels)


def load_scene_data(dataset, size, annotator="rule", num_validation=25):
    """Scenes to train on: splits train and val of a data set, labelled by a rule.

    Parameters
    ----------
    dataset : `str` or path
        As of :func:`~semcom_phy.sources.driving.load_driving_scenes`

    size : (`int`, `int`)
        Height and width [pixels]

    annotator : "rule" (default) | "static"
        Importance by the scene, or by the class of an object

    num_validation : `int`, (default 25)
        Scenes of the split val that are looked at, equally spaced in the drive

    Output
    ------
    : :class:`SceneData`
    """
    parts = {}
    for split in ("train", "val"):
        scenes = load_driving_scenes(dataset, split, size)
        if split == "val":
            spaced = np.linspace(0, len(scenes) - 1, min(num_validation, len(scenes)))
            scenes = scenes.take(np.unique(spaced.astype(int)))
        levels = level_maps(ANNOTATORS[annotator](), scenes.images, scenes.labels, 1)
        parts[split] = scenes, levels.astype("uint8")
    (train, train_levels), (val, val_levels) = parts["train"], parts["val"]
    provenance = {"train": train.provenance, "validation": val.provenance}
    provenance["annotator"] = annotator
    return SceneData(train.images, train_levels, val.images, val_levels, provenance)


def patch_max(pixel_levels, size=PATCH):
    """Highest level in every patch, [n, H, W] -> [n, rows, columns] `int32`."""
    n, height, width = pixel_levels.shape
    cells = pixel_levels.reshape(n, height // size, size, width // size, size)
    return cells.max(axis=(2, 4)).astype("int32")


@dataclass(frozen=True)
class RateDistortionLoss:
    r"""Distortion after the channel, and rate and distortion of compression.

    .. math::
        \log \bar D_{jscc} + \beta \log(\bar D_{compression} + \lambda \bar R)
        + \gamma\, \mathrm{CE}

    per image, with distortions weighted by importance where the codec knows levels,
    :math:`\bar R` the bits per dimension of latents and hyper-latents, and
    :math:`\lambda = \tfrac{\ln 2}{6}\Delta^2`.

    Parameters
    ----------
    beta : `float`, (default 0.3)
        Weight of the compression branch

    gamma : `float`, (default 0.3)
        Weight of the importance head's cross entropy
    """

    beta: float = 0.3
    gamma: float = 0.3

    def __call__(
        self,
        link,
        source,
        snr_db,
        h,
        noise,
        known,
        latent_noise,
        hyper_noise,
    ):
        encoder, decoder, levels = link.encoder, link.decoder, known.levels
        packet, delivered = link.run(source, snr_db, h, noise, known)
        coded = packet.details
        weights = ops.ones_like(coded.entropy)
        if encoder.num_levels:
            weights = encoder.patch_weights(levels)
        distortion = self._distortion(source, delivered.images, weights)
        loss = ops.mean(ops.log(distortion + 1e-6))

        # Compression branch: uniform noise in the place of rounding.
        mean, log_scale, _ = encoder.distribution_of(coded.hyper_latents + hyper_noise)
        per_step = encoder.per_step(coded.log_step_size)
        noisy = coded.latents + latent_noise / per_step
        scale = ops.exp(log_scale) * per_step
        bits = encoder.bits(noisy, mean, log_scale, coded.log_step_size)
        rate = ops.sum(bits, axis=(1, 2, 3))
        rate = rate + ops.sum(
            encoder.prior(coded.hyper_latents + hyper_noise), axis=(1, 2, 3)
        )
        # What is known of a latent beside its noisy value: the conditional mean.
        variance = 3.29 * ops.square(scale)
        trust = variance / (variance + 1.0 / 12.0)
        decompressed = decoder.synthesise(mean + trust * (noisy - mean))
        dimensions = float(np.prod(source.shape[1:]))
        plain = coded.log_step_size
        if encoder.num_levels:  # the step of a patch of weight 1
            plain = plain + 0.5 * ops.log(weights)
        price = LN2 / 6.0 * ops.exp(2.0 * ops.mean(plain, axis=(1, 2)))
        price = price / ops.mean(weights, axis=(1, 2))
        total = self._distortion(source, decompressed, weights)
        total = total + ops.stop_gradient(price) * rate / dimensions
        loss = loss + self.beta * ops.mean(ops.log(total + 1e-6))
        if coded.importance is not None:
            target = ops.one_hot(levels, encoder.num_levels, dtype="float32")
            log_p = ops.log_softmax(coded.importance)
            loss = loss - self.gamma * ops.mean(ops.sum(target * log_p, axis=-1))
        return loss

    @staticmethod
    def _distortion(source, source_hat, weights):
        error = ops.square(source_hat - source)
        rows, columns = weights.shape[1:3]
        size = source.shape[1] // rows
        shape = (-1, rows, size, columns, size * 3)
        error = ops.mean(ops.reshape(error, shape), axis=(2, 4))
        return ops.sum(error * weights, axis=(1, 2)) / ops.sum(weights, axis=(1, 2))


@dataclass(frozen=True)
class SceneTask(PatchTask):
    """Link and loss of training on scenes.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat link; images are sent over its fades, or over AWGN: the fade sqrt(Nt) I

    loss : :class:`RateDistortionLoss`

    crop : `int`, (default 128)
        Side of the square crops that are trained on [pixels]

    share_awgn : `float`, (default 2/3)
        Share of the images that are sent over AWGN

    min_cbr, max_cbr : `float`
        Budgets are drawn in between, uniformly in their logarithm; a wide range,
        because crops of an image differ in what they would get of its symbols

    hyper_channels : `int`, (default 16)
        ``encoder.side_channels``

    Validation sends whole scenes over AWGN at the mean SNR of the recipe, at the
    budgets ``VALIDATION_CBR``. Its score is the PSNR over the patches that count.
    """

    VALIDATION_CBR = (1 / 48, 1 / 32)

    name: str
    channel: Any
    loss: RateDistortionLoss
    crop: int = 128
    share_awgn: float = 2 / 3
    min_cbr: float = 0.006
    max_cbr: float = 0.083

    hyper_channels: int = 16

    def describe(self):
        """Plain values for the record of the weights."""
        names = ("name", "crop", "share_awgn", "min_cbr", "max_cbr")
        return {n: getattr(self, n) for n in names} | {"loss": vars(self.loss)}

    def check(self, image_shape):
        """Refuses images that hold no crop, and a frame that holds not every budget.

        Raises
        ------
        ValueError
            With both sizes.
        """
        if min(image_shape[:2]) < self.crop:
            raise ValueError(
                f"images of {image_shape[0]}x{image_shape[1]} hold no crop of "
                f"{self.crop}x{self.crop}: use a larger image size"
            )
        most, frame = 3 * self.crop**2 * self.max_cbr, self.channel.framing.num_symbols
        if most > frame:
            raise ValueError(
                f"a crop may take {most:.0f} symbols, the frame holds {frame}: use a "
                "larger image size"
            )

    def fit_statistics(self, encoder, data):
        """Closed-form start of the encoder."""
        images = data.exact.astype("float32") / 255
        encoder.fit_statistics(images, patch_max(data.pixel_levels))

    def batch(self, data, recipe, done, rng):
        """Crops of scenes with their levels, budgets and random numbers: the inputs of
        :meth:`training_loss`, see :meth:`ImageTask.batch`."""
        images, levels = _crops(data, self.crop, recipe.batch_size, rng)
        rates = self.min_cbr, self.max_cbr
        drawn = self.draw(images, rates, 2 * LENGTHS[-1], recipe, rng)
        snr_db, budget, h, noise, _, *compression = drawn
        source = images.astype("float32") / 255
        return [source, snr_db, h, noise, levels, budget, *compression]

    def training_loss(
        self, link, source, snr_db, h, noise, levels, budget, latent_noise, hyper_noise
    ):
        """Loss of a batch, scalar `float32`."""
        known = TxKnowledge(snr_db, budget=budget, levels=levels)
        noises = latent_noise, hyper_noise
        return self.loss(link, source, snr_db, h, noise, known, *noises)

    def forward(self, link, source, snr_db, h, noise, budget, levels):
        """What validation calls, compiled."""
        known = TxKnowledge(snr_db, budget=budget, levels=levels)
        packet, delivered = link.run(source, snr_db, h, noise, known)
        return delivered.images, packet.data.count

    def validation_inputs(self, data, recipe):
        """Nothing: noise follows from the scenes' seeds."""

    def validate(self, forward, data, recipe, inputs):
        """Figures of the held-out scenes, see :meth:`ImageTask.validate`."""
        images, levels = data.validation, patch_max(data.validation_levels)
        snr_db = 0.5 * (recipe.min_snr_db + recipe.max_snr_db)
        figures = {"snr_db": [], "cbr": [], "psnr_db": []}
        by_level = {n: [] for n in ("non_background", "high", "background")}
        for cbr in self.VALIDATION_CBR:
            restored, used = send_whole(
                forward, self.channel, images, snr_db, cbr, recipe.seed, 8, levels
            )
            figures["snr_db"].append(snr_db)
            figures["cbr"].append(round(float(used / images[0].size), 5))
            figures["psnr_db"].append(_mean(psnr(images, restored)))
            scores = psnr_by_level(images, restored, levels)
            for name, values in by_level.items():
                values.append(_mean(scores[f"psnr_{name}"]))
        return figures | {f"psnr_{name}_db": v for name, v in by_level.items()}

    def score(self, figures, encoder, image_shape):
        """Mean PSNR over the patches that count [dB]."""
        name = "psnr_non_background_db" if encoder.num_levels else "psnr_db"
        return float(np.mean(figures[name]))


def _crops(data, crop, batch, rng):
    n, height, width = data.pixel_levels.shape
    images = np.empty((batch, crop, crop, 3), np.uint8)
    levels = np.empty((batch, crop, crop), np.uint8)
    for b in range(batch):
        i = rng.integers(n)
        top = rng.integers(height - crop + 1)
        left = rng.integers(width - crop + 1)
        window = (i, slice(top, top + crop), slice(left, left + crop))
        flip = -1 if rng.random() < 0.5 else 1
        images[b] = data.exact[window][:, ::flip]
        levels[b] = data.pixel_levels[window][:, ::flip]
    return images, patch_max(levels)


def _mean(psnr_db):
    """Mean of what is not NaN [dB], or `None` where no scene has such patches."""
    known = psnr_db[~np.isnan(psnr_db)]
    return round(float(known.mean()), 3) if len(known) else None
