"""What a training step sees, a function of its number: images, SNRs, fades, noise."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from keras import ops

from semcom_phy.array_hash import array_sha256
from semcom_phy.checks import check_number
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import derived_seed, private_streams

# PSNR of the linear analogue coder (AWGN, cbr 1/6): makes all SNRs weigh alike.
REFERENCE_SNR_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
REFERENCE_PSNR_DB = (18.5, 21.6, 24.8, 28.5, 31.9, 34.2, 35.5)
NUM_VALIDATION_IMAGES = 500
NUM_AHEAD = 3  # batches that wait for the step


@dataclass(frozen=True)
class TrainingData:
    """Images [n, H, W, 3] `uint8`: exact ones, copies, those held out, provenance."""

    exact: np.ndarray
    copies: np.ndarray
    validation: np.ndarray
    provenance: dict

    def identity(self):
        """What tells these images from others: their numbers, and a hash of all."""
        parts = self.exact, self.copies, self.validation
        return described_images(self, *parts)


def split_data(exact, copies, provenance, seed=123, groups=None):
    """Holds out some exact images for validation: a :class:`TrainingData`.

    Where images come in ``groups`` (crops of one photograph), whole groups are held
    out: a crop would say little of pictures that were not trained on if its neighbours
    were.
    """
    held = min(NUM_VALIDATION_IMAGES, len(exact) // 5)
    if held < 1:
        raise ValueError(f"training needs at least 5 images, got {len(exact)}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(exact))
    if groups is not None:
        names, group = np.unique(np.asarray(groups), return_inverse=True)
        if len(names) < 2:
            raise ValueError(
                f"all training images are of one group, {names[0]}: training needs "
                "another one to hold out for validation"
            )
        group = rng.permutation(len(names))[group]
        order = order[np.argsort(group[order], kind="stable")]  # group after group
        held = np.count_nonzero(group <= group[order[held - 1]])
        held = min(held, np.count_nonzero(group < len(names) - 1))
    return TrainingData(exact[order[held:]], copies, exact[order[:held]], provenance)


def described_images(data, *arrays):
    """Numbers of images for training and validation, and the hash of some arrays."""
    return {
        "training_images": len(data.exact) + len(data.copies),
        "validation_images": len(data.validation),
        "images_sha256": array_sha256(*arrays),
    }


@dataclass(frozen=True)
class Task:
    """One link to train over, and how its error counts.

    Parameters
    ----------
    name : `str`
        For logs and the record

    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        The link; the number of symbols is its framing's

    loss : `str` or `callable`
        "normalised": squared error over that of the linear coder at the SNR (aims at
        the PSNR of the mean MSE); "log": log squared error (aims at the mean PSNR).
        Codecs that choose their rate: their own loss, such as
        :class:`~semcom_phy.codecs.eca.ChannelAwareLoss`

    num_uniform : `int`, (default 0)
        Random numbers per image that the codec's choice takes

    share_precoded : `float`, (default 0)
        Share of the images that are sent over the eigenmodes of the channel; only for
        codecs that choose their rate
    """

    name: str
    channel: object
    loss: object
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
        return 8 if self.num_uniform else 5

    def describe(self):
        """Plain values for the record of the weights."""
        about = {"name": self.name, "loss": self.loss}
        if callable(self.loss):
            about["loss"] = {"name": type(self.loss).__name__, **vars(self.loss)}
        if self.share_precoded:
            about["share_precoded"] = self.share_precoded
        return about


def draw_link(channel, batch, rng):
    """Fades and noise of a batch for training, from a generator alone.

    Fades of a batch are drawn at once, which costs less than one by one.

    Output
    ------
    h, noise
        As the channel wants them
    """
    with private_streams(int(rng.integers(2**63))):
        h = channel.sample(batch)
    return h, channel.draw_noise(rng.integers(2**63, size=batch))


class Batches:
    """The batch of every step, made ahead of it in a thread.

    Parameters
    ----------
    data : :class:`TrainingData`
        Images

    tasks : sequence of :class:`Task`
        Every batch holds images, SNRs, fades and noise for each

    recipe : :class:`~link_models.recipe.Recipe`
        Sizes, ranges, seed
    """

    def __init__(self, data, tasks, recipe):
        self.data = data
        self.tasks = tasks
        self.recipe = recipe

    def at(self, step):
        """The batch of a step, which depends on (seed, step) alone.

        Input
        -----
        step : `int`
            Step, from 0 on

        Output
        ------
        : list of tensors
            For each task: source [batch, H, W, 3] in [0, 1], snr_db [batch], h, noise
            as its channel wants them, reference [batch] (MSE of the linear coder at the
            SNR), `float32` and `complex64`. Where the codec chooses its rate, besides
            uniform [batch, num_uniform], precoder [batch, Nt, Nt] and ordered [batch]
        """
        recipe, rng = self.recipe, self.generator(step)
        inputs = []
        for task in self.tasks:
            images = self._draw_images(step / recipe.steps, rng)
            snr_db = rng.uniform(
                recipe.min_snr_db, recipe.max_snr_db, recipe.batch_size
            ).astype("float32")
            reference = 10 ** (
                -np.interp(snr_db, REFERENCE_SNR_DB, REFERENCE_PSNR_DB) / 10
            )
            h, noise = draw_link(task.channel, recipe.batch_size, rng)
            inputs += [
                images.astype("float32") / 255,
                snr_db,
                h,
                noise,
                reference.astype("float32"),
            ]
            if task.num_uniform:
                inputs += self._choice(task, ops.convert_to_numpy(h), snr_db, rng)
        return [ops.convert_to_tensor(value) for value in inputs]

    def generator(self, step):
        """What a step draws from: depends on (seed, step) alone."""
        return np.random.default_rng(derived_seed(self.recipe.seed, "step", step))

    def _choice(self, task, h, snr_db, rng):
        """Random numbers of the codec's choice, and precoders of some images."""
        batch = len(h)
        uniform = rng.random((batch, task.num_uniform), dtype="float32")
        precoded = rng.random(batch) < task.share_precoded
        precoder = np.where(
            precoded[:, None, None],
            svd_precoder(h, snr_db),
            np.eye(h.shape[3], dtype="complex64"),
        )
        return [uniform, precoder, precoded]

    def ahead(self, first, last):
        """Yields the batches of the steps from ``first`` to before ``last``.

        A thread makes the next ones while a step runs.
        """
        with ThreadPoolExecutor(max_workers=1) as maker:
            waiting = deque()
            for step in range(first, last):
                while len(waiting) < min(NUM_AHEAD, last - step):
                    waiting.append(maker.submit(self.at, step + len(waiting)))
                try:
                    yield waiting.popleft().result()
                except GeneratorExit:
                    for batch in waiting:
                        batch.cancel()
                    raise

    def _draw_images(self, done, rng):
        exact, copies = self.data.exact, self.data.copies
        share = self.recipe.share_exact if done < self.recipe.exact_from else 1.0
        size = self.recipe.batch_size
        from_exact = rng.random(size) < (share if len(copies) else 1.0)
        images = exact[rng.integers(len(exact), size=size)]
        if len(copies):
            other = copies[rng.integers(len(copies), size=size)]
            images = np.where(from_exact[:, None, None, None], images, other)
        flip = rng.random(size) < 0.5
        images[flip] = images[flip, :, ::-1]
        return images
