"""Gradients reach every weight through pilots, LS estimation and L-MMSE detection."""

import numpy as np
import pytest
from keras import ops

from link_models.codecs import CODECS, build_link
from semcom_phy.backend import gradients_fn
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing
from semcom_phy.seeding import set_seed

SHAPE, NUM_SYMBOLS, BATCH = (16, 16, 3), 64, 4
CONFIGS = {
    "adjscc": {"symbol_counts": (32, 64, 96), "filters": 8, "num_blocks": 1},
    "deepjscc": {
        "num_symbols": NUM_SYMBOLS,
        "filters": (4, 4, 4, 4),
        "snr_attention": True,
    },
}


@pytest.mark.parametrize("codec", CONFIGS)
def test_every_weight_is_reached(codec):
    """Over 2x2 Rayleigh with estimated CSI every trainable weight has a finite and
    non-zero gradient, the same eager and compiled (1e-3 of the largest entry);
    zero-started weights are randomised first."""
    set_seed(3)
    rng = np.random.default_rng(3)
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(NUM_SYMBOLS, 2), LSEstimator()
    )
    config = {"image_shape": SHAPE, **CONFIGS[codec]}
    link = build_link(CODECS[codec], [config, config], channel)
    weights = link.trainable_variables
    assert len(weights) == len(link.encoder.trainable_variables) + len(
        link.decoder.trainable_variables
    )
    for weight in weights:
        if not np.any(ops.convert_to_numpy(weight)):
            weight.assign(0.1 * rng.standard_normal(weight.shape))

    def loss(source, snr_db, h, noise):
        return ops.mean(ops.square(link(source, snr_db, h, noise) - source))

    inputs = [
        ops.convert_to_tensor(rng.random((BATCH, *SHAPE), dtype="float32")),
        ops.convert_to_tensor(np.array([-5.0, 3.0, 8.0, 21.0], "float32")),
        channel.sample(BATCH),
        ops.convert_to_tensor(channel.draw_noise(range(BATCH))),
    ]
    eager = gradients_fn(loss, weights, compiled=False)(*inputs)
    graph = gradients_fn(loss, weights)(*inputs)
    for weight, one, two in zip(weights, eager, graph, strict=True):
        assert one is not None, weight.path
        one, two = ops.convert_to_numpy(one), ops.convert_to_numpy(two)
        assert np.isfinite(one).all() and np.any(one), weight.path
        np.testing.assert_allclose(
            one, two, atol=1e-3 * np.abs(one).max(), err_msg=weight.path
        )
