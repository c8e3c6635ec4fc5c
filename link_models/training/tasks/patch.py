"""What tasks of codecs that code an image patch by patch have in common."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from link_models.systems.images import to_uint8
from link_models.training.data import draw_link
from link_models.training.shown_figure import PSNR
from semcom_phy.seeding import image_seeds

PATCH = 16  # side of a patch [pixels]


class PatchTask:
    """Base of tasks that send crops over AWGN or the fades of a flat link.

    A subclass has ``channel``, ``share_awgn``, ``hyper_channels``, and a
    ``training_loss``.
    """

    channel: Any
    share_awgn: float
    hyper_channels: int
    training_loss: Callable

    num_inputs = 8
    trains_choice = True

    shown = PSNR
    variables = ()

    def phases(self, link):
        """Losses and what they train, in turn: here one, of all weights."""
        return [(self.training_loss, link.trainable_variables)]

    def draw(self, images, cbr, num_latents, recipe, rng):
        """Budgets, link and noise of a batch.

        Input
        -----
        images : [batch, H, W, 3]
            Crops

        cbr : (`float`, `float`)
            Least and largest budget; they are uniform in their logarithm

        num_latents : `int`
            Latents of a patch

        recipe : :class:`~link_models.training.recipe.Recipe`

        rng : `numpy.random.Generator`

        Output
        ------
        snr_db, budget : [batch], `float32`

        h, noise
            As the channel wants them

        over_awgn : [batch], `bool`
            Where the fade is sqrt(Nt) I

        latent_noise, hyper_noise : `float32`
            In the place of rounding, in [-0.5, 0.5)
        """
        batch, height, width, _ = images.shape
        low, high = (np.log(c * images[0].size) for c in cbr)
        budget = np.exp(rng.uniform(low, high, batch))
        h, noise = draw_link(self.channel, batch, rng)
        h = np.array(ops.convert_to_numpy(h))
        over_awgn = rng.random(batch) < self.share_awgn
        h[over_awgn] = awgn_fade(self.channel)
        snr_db = rng.uniform(recipe.min_snr_db, recipe.max_snr_db, batch)
        rows, columns = height // PATCH, width // PATCH
        latent = rng.random((batch, rows, columns, num_latents), dtype="float32")
        hyper = (batch, rows // 2, columns // 2, self.hyper_channels)
        hyper = rng.random(hyper, dtype="float32")
        return (
            snr_db.astype("float32"),
            budget.astype("float32"),
            h.astype("complex64"),
            noise,
            over_awgn,
            latent - 0.5,
            hyper - 0.5,
        )


def send_whole(forward, channel, images, snr_db, cbr, seed, at_once, *beside):
    """Whole images over AWGN at a budget.

    Parameters
    ----------
    forward : callable
        (source, snr_db, h, noise, budget, *beside) -> images, symbols used; compiled

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`

    images : [n, H, W, 3], `uint8`

    snr_db, cbr : `float`

    seed : `int`
        Fixes the noise of every image

    at_once : `int`
        Images that are sent together

    beside : arrays [n, ...]
        What is known of the images

    Output
    ------
    restored : [n, H, W, 3], `uint8`

    used : `float`
        Mean of the symbols used
    """
    restored, used = [], []
    h = np.tile(awgn_fade(channel), (at_once, 1, 1, 1, 1, 1)).astype("complex64")
    for start in range(0, len(images), at_once):
        index = np.arange(start, start + at_once) % len(images)
        part = images[index]
        inputs = [
            part.astype("float32") / 255,
            np.full(at_once, snr_db, "float32"),
            h,
            channel.draw_noise(image_seeds(seed, 0, index)),
            np.full(at_once, cbr * part[0].size, "float32"),
            *(values[index] for values in beside),
        ]
        out, count = forward(*map(ops.convert_to_tensor, inputs))
        keep = min(at_once, len(images) - start)
        restored.append(to_uint8(out)[:keep])
        used.append(ops.convert_to_numpy(count)[:keep])
    return np.concatenate(restored), np.concatenate(used).mean()


def awgn_fade(channel):
    """The fade over which a link is AWGN: sqrt(Nt) I, [1, Nr, Nt, 1, 1]."""
    number = channel.num_tx_ant
    return (np.sqrt(number) * np.eye(number))[None, :, :, None, None]
