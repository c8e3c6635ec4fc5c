"""Symbols of patches close up to those of a frame, and open again."""

import numpy as np
from keras import ops

from semcom_phy.layers.mapping.patch_symbols import pack_patches, unpack_patches
from semcom_phy.layers.mapping.rate_allocation import LENGTHS

INDEX = np.random.default_rng(3).integers(0, len(LENGTHS), (2, 2, 3)).astype("int32")


def packed(symbols):
    z, count = pack_patches(*map(ops.convert_to_tensor, (symbols, INDEX)))
    return ops.convert_to_numpy(z), ops.convert_to_numpy(count)


def symbols():
    return np.random.default_rng(4).standard_normal((2, 2, 3, 256)).astype("float32")


def test_patches_follow_each_other():
    """Row by row, pairs of real symbols as one complex one, as many of each patch as
    its length (exact)."""
    values = symbols()
    z, count = packed(values)
    assert z.shape == (2, 6 * 128) and z.dtype == np.complex64
    for i in range(2):
        lengths = np.array(LENGTHS)[INDEX[i].ravel()]
        pairs = values[i].reshape(6, 128, 2) @ np.array([1, 1j], "complex64")
        expected = [p[:n] for p, n in zip(pairs, lengths, strict=True)]
        expected = np.concatenate(expected)
        assert count[i] == len(expected)
        np.testing.assert_array_equal(z[i, : count[i]], expected)


def test_patches_come_back():
    """What was sent, at the scale of real symbols of unit power, whatever stands behind
    it; 0 with an error of 1 elsewhere (1e-6). A frame that ends with the last symbol of
    the longest sample will do."""
    values = symbols()
    z, count = packed(values)
    no_eff = 10 ** np.random.default_rng(5).uniform(-9, 1, z.shape).astype("float32")
    behind = np.arange(z.shape[1]) >= count[:, None]
    z[behind], no_eff[behind] = 1e3, 1e3
    width = count.max()
    inputs = z[:, :width], no_eff[:, :width], INDEX
    found = unpack_patches(*map(ops.convert_to_tensor, inputs))
    again, no = map(ops.convert_to_numpy, found)
    sent = np.arange(256) < 2 * np.array(LENGTHS)[INDEX][..., None]
    np.testing.assert_allclose(again, 2**0.5 * values * sent, rtol=1e-6)
    assert np.all(no[~sent] == 1)
    for i in range(2):
        in_order = no[i].reshape(6, 128, 2)
        np.testing.assert_array_equal(in_order[..., 0], in_order[..., 1])
        in_order = in_order[..., 0][sent[i].reshape(6, 128, 2)[..., 0]]
        np.testing.assert_allclose(in_order, no_eff[i, : count[i]], rtol=1e-6)
