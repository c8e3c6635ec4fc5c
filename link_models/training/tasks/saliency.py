r"""Training GenED-SC: masks from saliency, the foreground by its error, the background
by what it looks like.

.. math::
    L = \log \bar D_f + \lambda_b \log \bar D_b + \lambda_c L_{CX}
        + \lambda_m (\mathrm{BCE}(S) + \mathrm{BCE}(m))
        + \lambda_s (\bar m - \bar Y)^2

per image, with the squared error of the foreground, of the background, the contextual
loss of the background (equations 22 to 25), and the cross-entropies of score map and
mask against the saliency Y of the patches, of equal weight for foreground and
background. The paper has no error of the background; here a small one keeps its colours
while the contextual loss, which costs more than the codec, is taken on one window of
one image in eight. Equation 21 sums over the foreground alone, which a map of ones
minimises: both classes are weighted, and the mask is kept to its share.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from link_models.systems.images import to_uint8
from link_models.training.data import described_images, draw_link
from link_models.training.shown_figure import Shown
from semcom_phy.checks import check_number
from semcom_phy.codecs.gened_sc import PATCH, picture_rows
from semcom_phy.knowledge_base.feature_networks import hed_vgg16, load_vgg16
from semcom_phy.layers.semantics.contextual import contextual_loss
from semcom_phy.seeding import derived_seed

FOREGROUND = Shown("foreground_psnr_db", "dB on the foreground", ".2f")
SNR_DB = (1.0, 4.0, 7.0, 10.0)
WINDOW = 64  # side of what the contextual loss looks at [pixels]
BLOCKS = 2  # of the VGG16
TEMPERATURE = 0.5
COVER = 0.2  # of a patch that is salient: what the mask misses costs most
DROPPED = 0.3  # share of the numbers of embeddings that are left out in training
ESTIMATE = 0.1  # weight of the receiver's own estimate of the mask


@dataclass(frozen=True)
class SaliencyData:
    """Pictures with their saliency, and what a dual encoder sees in them.

    Parameters
    ----------
    exact : [n, H, W, 3], `uint8`

    masks : [n, H, W], `uint8`
        1 where it is salient

    embedded : [2, n, patches + 1, width], `float16`
        Of every picture, and of its mirror image

    texts : [n, text_width], `float16`
        Of the class text of each

    validation, validation_masks, validation_embedded
        Held out, as the above; no mirror images

    provenance : `dict`
    """

    exact: np.ndarray
    masks: np.ndarray
    embedded: np.ndarray
    texts: np.ndarray
    validation: np.ndarray
    validation_masks: np.ndarray
    validation_embedded: np.ndarray
    provenance: dict
    copies: tuple = field(default=())

    def identity(self):
        """What tells these pictures from others."""
        return described_images(
            self,
            self.exact,
            self.masks,
            self.embedded,
            self.validation,
            self.validation_masks,
        )


@dataclass(frozen=True)
class SaliencyLoss:
    """Weights of the parts of the loss.

    Parameters
    ----------
    foreground : `bool`, (default `True`)
        `False`: the squared error of the whole image in the place of all of its parts,
        beside those of the mask

    background : `float`, (default 0.05)
        Of the squared error of the background

    contextual : `float`, (default 0.2)

    matching : `float`, (default 0.3)
        Of the cross-entropies

    share : `float`, (default 2.0)
        Of the squared difference of shares

    vgg16 : `str` or `None` (default)
        File of VGG16's weights as torchvision stores them, whose features the
        contextual loss compares; `None`: those of HED

    Raises
    ------
    ValueError
        If a weight is negative.
    """

    foreground: bool = True
    background: float = 0.05
    contextual: float = 0.2
    matching: float = 0.3
    share: float = 2.0
    vgg16: str | None = None

    def __post_init__(self):
        for name in ("background", "contextual", "matching", "share"):
            check_number(name, getattr(self, name), 0, 1e6)

    def features(self):
        """The VGG16, read once."""
        return _vgg16(self.vgg16)


@dataclass(frozen=True)
class SaliencyTask:
    """Link and loss.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Flat link; images are sent over its fades, or over AWGN: the fade sqrt(Nt) I

    loss : :class:`SaliencyLoss`

    share_awgn : `float`, (default 0.75)
        Share of the images that are sent over AWGN

    share_unnamed : `float`, (default 0.5)
        Share of the images whose class text the encoder is not told
    """

    name: str
    channel: Any
    loss: SaliencyLoss = SaliencyLoss()
    share_awgn: float = 0.75
    share_unnamed: float = 0.5

    num_inputs = 7
    trains_choice = True
    shown = FOREGROUND
    variables = ()

    def describe(self):
        """Plain values for the record of the weights."""
        names = ("name", "share_awgn", "share_unnamed")
        told = {name: getattr(self, name) for name in names}
        return told | {"snr_db": list(SNR_DB), "loss": vars(self.loss)}

    def check(self, image_shape):
        """Refuses images that are smaller than the window of the contextual loss; the
        codec has checked all else."""
        if min(image_shape[:2]) < WINDOW:
            raise ValueError(
                f"images of {image_shape[0]}x{image_shape[1]} are smaller than the "
                f"window of the loss, {WINDOW}x{WINDOW} pixels: give a larger "
                "--image-size"
            )

    def fit_statistics(self, encoder, data):
        """Closed-form start of the encoder."""
        covered = patch_cover(data.masks).mean(0)
        # The share of a constant mask that covers as much as the masks do.
        level = np.sort(covered.ravel())[::-1][int(covered.mean() * covered.size)]
        images = data.exact.astype("float32") / 255
        encoder.fit_statistics(images, (covered > level).astype("float32"))

    def phases(self, link):
        """One: its loss, and what it moves."""
        self.loss.features()  # its weights are read before anything is traced
        return [(self.training_loss, link.trainable_variables)]

    def batch(self, data, recipe, done, rng):
        """Inputs of :meth:`training_loss`."""
        size = recipe.batch_size
        drawn = rng.integers(len(data.exact), size=size)
        mirrored = (rng.random(size) < 0.5).astype(int)
        images, masks = (
            mirrored_some(part[drawn], mirrored) for part in (data.exact, data.masks)
        )
        named = rng.random((size, 1)) >= self.share_unnamed
        texts = data.texts[drawn] * named
        embedded = data.embedded[mirrored, drawn]
        kept = rng.random((size, 1, embedded.shape[2])) >= DROPPED
        source = picture_rows(images, embedded * kept / (1 - DROPPED), texts)
        h, noise = self._draw(size, rng)
        window = rng.integers(0, np.array(images.shape[1:3]) - WINDOW + 1)
        return [
            source,
            rng.choice(np.array(SNR_DB, "float32"), size),
            h,
            noise,
            masks.astype("float32"),
            rng.uniform(1e-6, 1 - 1e-6, source.shape[:2]).astype("float32"),
            window.astype("int32"),
        ]

    def training_loss(self, link, source, snr_db, h, noise, masks, uniform, window):
        """Loss of a batch, scalar `float32`."""
        packet, delivered = link.run(source, snr_db, h, noise, uniform=uniform)
        image = link.encoder.unpack(source)[0]
        loss = self._image_loss(image, delivered.images, masks, window)
        if link.encoder.mask == "predicted":
            loss = loss + self._mask_loss(packet.details, delivered.details, masks)
        return loss

    def _image_loss(self, image, image_hat, masks, window):
        """Of foreground and background, or of the whole image."""
        error, loss = ops.mean(ops.square(image_hat - image), axis=-1), self.loss
        if not loss.foreground:
            return ops.mean(_log(ops.mean(error, axis=(1, 2))))
        behind = 1.0 - masks
        apart = _log(_weighted(error, masks))
        apart = apart + loss.background * _log(_weighted(error, behind))
        some = -(-ops.shape(image)[0] // 8)
        wanted, seen, weight = (
            _window(part[:some], window)
            for part in (image, image_hat, behind[..., None])
        )
        context = self._contextual(wanted, seen, weight[..., 0])
        return ops.mean(apart) + loss.contextual * ops.mean(context)

    def _mask_loss(self, routed, estimate, masks):
        """Of score map and mask, of the mask's share, and of the receiver's own
        estimate of it."""
        salient = ops.cast(mean_of_patches(masks) > COVER, "float32")
        match = _cross_entropy(routed.scores, salient)
        match = match + _cross_entropy(routed.logits, salient)
        share = ops.mean(routed.mask, axis=(1, 2)) - ops.mean(salient, axis=(1, 2))
        estimated = _cross_entropy(estimate, ops.stop_gradient(routed.mask))
        return (
            self.loss.matching * ops.mean(match)
            + self.loss.share * ops.mean(ops.square(share))
            + ESTIMATE * ops.mean(estimated)
        )

    def forward(self, link, source, snr_db, h, noise):
        """What validation calls, compiled: images and mask."""
        packet, delivered = link.run(source, snr_db, h, noise)
        return delivered.images, packet.details.mask

    def validation_inputs(self, data, recipe):
        """Noise that all validations of a run share; all of it over AWGN."""
        rng = np.random.default_rng(derived_seed(recipe.seed, "validation"))
        size = len(data.validation)
        h, noise = draw_link(self.channel, size, rng)
        h = np.array(ops.convert_to_numpy(h))
        h[:] = unfaded(self.channel)
        source = picture_rows(data.validation, data.validation_embedded)
        return [ops.convert_to_tensor(v) for v in (source, h, noise)]

    def validate(self, forward, data, recipe, inputs):
        """Figures of the held-out pictures over AWGN, without class texts.

        Output
        ------
        : `dict`
            Of every SNR: mean PSNR of foreground and background [dB]; IoU of the mask
            and the saliency [pixels], and its share
        """
        source, h, noise = inputs
        size = len(data.validation)
        found: dict[str, Any] = {
            "snr_db": list(SNR_DB),
            self.shown.key: [],
            "background_psnr_db": [],
        }
        masks = data.validation_masks.astype(bool)
        for snr_db in SNR_DB:
            images, chosen = in_parts(
                forward, source, ops.full((size,), snr_db), h, noise
            )
            error = np.square(to_uint8(images) - data.validation.astype(float)).mean(-1)
            for key, where in ((self.shown.key, masks), ("background_psnr_db", ~masks)):
                there = where.any((1, 2))  # a picture may have no such part
                error_of = (error * where).sum((1, 2))[there]
                mean = error_of / where.sum((1, 2))[there]
                psnr = 10 * np.log10(255**2 / np.maximum(mean, 0.065))
                found[key].append(round(float(psnr.mean()), 3))
        chosen = chosen.repeat(PATCH, 1).repeat(PATCH, 2) > 0.5
        joint, both = (chosen & masks).sum((1, 2)), (chosen | masks).sum((1, 2))
        joint = joint / np.maximum(both, 1)
        found["mask_iou"] = round(float(joint.mean()), 4)
        found["foreground_share"] = round(float(chosen.mean()), 4)
        return found

    def score(self, figures, encoder, image_shape):
        """Mean PSNR of the foreground [dB]; of the whole where that is trained."""
        keys = [self.shown.key]
        if not self.loss.foreground:
            keys.append("background_psnr_db")
        return float(np.mean([figures[key] for key in keys]))

    def _contextual(self, image, image_hat, weight):
        vgg = self.loss.features()
        maps, maps_hat = vgg(image)[-1], vgg(image_hat)[-1]
        size = WINDOW // maps.shape[1]
        weight = ops.average_pool(weight[..., None], size, size)[..., 0]
        return contextual_loss(ops.stop_gradient(maps), maps_hat, weight, TEMPERATURE)

    def _draw(self, batch, rng):
        h, noise = draw_link(self.channel, batch, rng)
        h = np.array(ops.convert_to_numpy(h))
        h[rng.random(batch) < self.share_awgn] = unfaded(self.channel)
        return h, noise


@lru_cache(maxsize=1)
def _vgg16(path):
    return hed_vgg16(BLOCKS) if path is None else load_vgg16(path, BLOCKS)


def unfaded(channel):
    """The fade of AWGN, sqrt(Nt) I, [Nr, Nt, 1, 1]."""
    num_tx_ant = channel.num_tx_ant
    identity = np.sqrt(num_tx_ant) * np.eye(num_tx_ant, dtype="complex64")
    return identity[:, :, None, None]


def mirrored_some(images, mirrored):
    """Images, some of them with left and right exchanged."""
    flip = mirrored.reshape(-1, *(1,) * (images.ndim - 1))
    return np.where(flip, images[:, :, ::-1], images)


def patch_cover(masks):
    """Share of every patch that is salient, [n, H, W] -> [n, rows, columns]."""
    n, height, width = masks.shape
    cells = masks.reshape(n, height // PATCH, PATCH, width // PATCH, PATCH)
    return cells.mean((2, 4), dtype="float32")


def mean_of_patches(masks):
    """As :func:`patch_cover`, of tensors."""
    return ops.average_pool(masks[..., None], PATCH, PATCH)[..., 0]


def _log(error):
    return ops.log(error + 1e-5)


def _weighted(error, weight):
    total = ops.sum(weight, axis=(1, 2))
    return ops.sum(error * weight, axis=(1, 2)) / (total + 1.0)


def _cross_entropy(logits, target):
    """Of every image, [batch]; foreground and background weigh alike."""
    both = ops.softplus(logits) - logits * target
    share = ops.clip(ops.mean(target, axis=(1, 2), keepdims=True), 0.05, 0.95)
    weight = 0.5 * (target / share + (1.0 - target) / (1.0 - share))
    return ops.mean(weight * both, axis=(1, 2))


def _window(images, corner):
    # Not a slice: XLA compiles anew for every start of one.
    for axis in (1, 2):
        places = corner[axis - 1] + ops.arange(WINDOW, dtype="int32")
        images = ops.take(images, places, axis=axis)
    return images


def in_parts(forward, source, snr_db, h, noise, size=32):
    """The compiled forward call on some pictures at once, as arrays."""
    count, found = len(source), []
    for start in range(0, count, size):
        index = np.arange(start, start + size) % count
        parts = (ops.take(v, index, axis=0) for v in (source, snr_db, h, noise))
        images, masks = forward(*parts)
        keep = min(size, count - start)
        found.append([ops.convert_to_numpy(v)[:keep] for v in (images, masks)])
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]
