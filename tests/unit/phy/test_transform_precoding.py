"""Transform precoding: a unitary change of symbols with a true error variance."""

import numpy as np
import pytest

from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing
from semcom_phy.phy.transform_precoding import TransformPrecoding
from semcom_phy.seeding import set_seed


def normals(shape, seed=1):
    parts = np.random.default_rng(seed).standard_normal((2, *shape)) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_despread_inverts_spread_and_keeps_power():
    """Spreading is unitary per stream, its inverse exact (float32 rounding)."""
    precoding, z = TransformPrecoding(2), normals((3, 24))
    x = np.asarray(precoding.spread(z))
    assert not np.allclose(x, z, atol=0.1)
    for stream in range(2):
        np.testing.assert_allclose(
            np.square(np.abs(x[:, stream::2])).sum(1),
            np.square(np.abs(z[:, stream::2])).sum(1),
            rtol=1e-5,
        )
    no_eff = np.tile(np.float32([0.1, 2.0]), (3, 12))
    z_hat, no = precoding.despread(x, no_eff)
    np.testing.assert_allclose(z_hat, z, atol=1e-5)
    np.testing.assert_allclose(no, no_eff, rtol=1e-5)


def test_spread_equals_numpy_fft_up_to_quarter_turns():
    """Each stream is numpy's DFT, scaled to be unitary, turned by fixed quarter turns
    that differ between the streams (float32 rounding)."""
    z = normals((2, 30))
    x = np.asarray(TransformPrecoding(3).spread(z))
    turns = []
    for stream in range(3):
        expected = np.fft.fft(z[:, stream::3], axis=1) / np.sqrt(10)
        turn = x[:, stream::3] / expected
        np.testing.assert_allclose(turn**4, 1, atol=1e-3)
        np.testing.assert_allclose(turn[0], turn[1], atol=1e-3)
        turns.append(turn[0])
    assert not np.allclose(turns[0], turns[1], atol=0.1)


def test_error_of_unequal_symbols_has_the_reported_variance():
    """Symbols of very unequal power: |error|^2 / no_eff averages 1 on the strong and
    on the weak after the DFT (4 standard errors, 2000 fades), and without it does not
    on the strong."""
    batch, num = 2000, 64
    amplitude = np.where(np.arange(num) < 4, 3.9, 0.25)
    amplitude /= np.sqrt(np.mean(amplitude**2))
    z = (normals((batch, num)) * amplitude).astype(np.complex64)
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(num, 2))
    set_seed(3)
    h = channel.sample(batch)
    noise = channel.draw_noise(batch, np.random.default_rng(4))
    precoding = TransformPrecoding(2)

    x_hat, no_eff = channel(precoding.spread(z), h, 0.2, noise)
    z_hat, no_eff = (np.asarray(v) for v in precoding.despread(x_hat, no_eff))
    ratio = np.square(np.abs(z_hat - z)) / no_eff
    for part in (ratio[:, :4], ratio[:, 4:]):
        per_fade = part.mean(1)
        standard_error = per_fade.std() / np.sqrt(batch)
        assert abs(per_fade.mean() - 1) < 4 * standard_error

    x_hat, no_eff = (np.asarray(v) for v in channel(z, h, 0.2, noise))
    plain = np.square(np.abs(x_hat - z)) / no_eff
    assert plain[:, :4].mean() > 1.3


def test_uneven_streams_are_refused():
    """Symbols that do not fill the streams raise an error that names the numbers."""
    with pytest.raises(ValueError, match="25 symbols do not fill 2 streams"):
        TransformPrecoding(2).spread(normals((1, 25)))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        TransformPrecoding(0)
