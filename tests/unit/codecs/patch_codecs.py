"""Tiny codecs of patches, and what a training step hands to their loss."""

import numpy as np
from codec_calls import tensor
from keras import ops

from link_models.codecs import CODECS, build_link
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed

SHAPE, GRID = (64, 96, 3), (4, 6)
SIZES = {"image_shape": SHAPE, "filters": 8, "blocks": 1}
NUM_SYMBOLS = 2400  # so many that some are digits


def pictures(count=4, shape=SHAPE, seed=3):
    """Coarse colours and noise in [0, 1]; more of it towards the right."""
    rng = np.random.default_rng(seed)
    height, width, _ = shape
    coarse = rng.random((count, height // 8, width // 8, 3))
    smooth = np.kron(coarse, np.ones((1, 8, 8, 1)))
    noise = rng.standard_normal(smooth.shape)
    noise *= np.linspace(0, 0.3, width)[:, None]
    return np.clip(0.5 * smooth + 0.2 + noise, 0, 1).astype("float32")


def randomise(variables, seed=3):
    """Gives those that start at zero other values."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        if not np.any(ops.convert_to_numpy(variable)):
            variable.assign(0.1 * rng.standard_normal(variable.shape))


def randomised(part):
    """The encoder or decoder with closed-form statistics and no zero left."""
    if hasattr(part, "fit_statistics"):
        part.fit_statistics(pictures(20))
    randomise(part.trainable_variables)
    return part


def fading_link(codec):
    """A link over 2x2 Rayleigh fading with LS estimation, randomised."""
    set_seed(3)
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(NUM_SYMBOLS, 2), LSEstimator()
    )
    link = build_link(CODECS[codec], [SIZES, SIZES], channel)
    link.encoder.fit_statistics(pictures(20))
    link.decoder.copy_statistics(link.encoder)
    randomise(link.trainable_variables)
    return link


def training_batch(link, batch=2, seed=1):
    """What the loss of :class:`~link_models.training.tasks.scene.SceneTask` takes."""
    rng = np.random.default_rng(seed)
    channel = link.channel
    side = (batch, GRID[0] // 2, GRID[1] // 2, link.encoder.side_channels)
    return [
        tensor(pictures(batch)),
        tensor(rng.uniform(3, 15, batch)),
        channel.sample(batch),
        ops.convert_to_tensor(channel.draw_noise(range(batch))),
        tensor(rng.integers(0, 4, (batch, *GRID)), "int32"),
        tensor(np.linspace(800, NUM_SYMBOLS, batch)),
        tensor(rng.random((batch, *GRID, 256)) - 0.5),
        tensor(rng.random(side) - 0.5),
    ]


def assert_every_weight_is_reached(weights, eager, graph):
    """Finite and non-zero, the same eager and compiled (1e-3 of the largest entry)."""
    for weight, one, two in zip(weights, eager, graph, strict=True):
        assert one is not None and two is not None, weight.path
        one, two = ops.convert_to_numpy(one), ops.convert_to_numpy(two)
        assert np.isfinite(one).all() and np.any(one), weight.path
        np.testing.assert_allclose(
            one, two, atol=1e-3 * np.abs(one).max(), err_msg=weight.path
        )
