"""Several users: Walsh code words, and a channel with an axis of users."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.walsh import WalshSpreading
from semcom_phy.seeding import set_seed

GRID = OFDMGrid(fft_size=16, num_ofdm_symbols=7, pilot_ofdm_symbols=(1, 5))
NO = 0.2


def normals(shape, seed=1):
    parts = np.random.default_rng(seed).standard_normal((2, *shape)) / np.sqrt(2)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def arrays(values):
    return [np.asarray(ops.convert_to_numpy(v)) for v in values]


def users_hear(walsh, model, z, no, csi=None, grid=GRID):
    """What every user makes of one frame over a fade and with noise of his own."""
    batch, num_users, num_symbols = z.shape
    framing = Framing(num_symbols * walsh.length, walsh.num_streams, grid)
    channel = EqualizedOFDMChannel(model, framing, csi)
    seeds = range(batch)
    h = channel.sample_each(seeds, num_users)
    noise = channel.draw_noise(seeds, num_users=num_users)
    reception = channel.receive(walsh.spread(z), h, no, noise)
    return arrays(walsh.despread(*reception[:2])), reception, h


@pytest.mark.parametrize(
    "num_users, num_streams, length, taken",
    [(1, 1, None, 1), (2, 1, None, 2), (3, 2, None, 4), (5, 3, None, 8), (2, 2, 8, 8)],
)
def test_despread_inverts_spread(num_users, num_streams, length, taken):
    """The frame has unit power (1e-5, exactly, not on average), and every user gets his
    symbols back out of it (1e-5), from its own copy or from one that all hear."""
    walsh = WalshSpreading(num_users, num_streams, length)
    assert walsh.length == taken
    z = normals((4, num_users, 6 * num_streams))
    z /= np.sqrt(np.mean(np.abs(z) ** 2, axis=2, keepdims=True))
    x = np.asarray(walsh.spread(z))
    assert x.shape == (4, 6 * num_streams * taken) and x.dtype == np.complex64
    np.testing.assert_allclose(np.mean(np.abs(x) ** 2, axis=1), 1, rtol=1e-5)
    no_eff = np.full(x.shape, 0.5, np.float32)
    copies = [np.repeat(v[:, None], num_users, axis=1) for v in (x, no_eff)]
    z_hat, no_hat = arrays(walsh.despread(*copies))
    np.testing.assert_allclose(z_hat, z, atol=1e-5)
    np.testing.assert_allclose(no_hat, 0.5 * num_users / taken, rtol=1e-6)
    for user in range(num_users):
        one, no_one = arrays(walsh.despread(x, no_eff, user))
        np.testing.assert_array_equal(one, z_hat[:, user])
        np.testing.assert_array_equal(no_one, no_hat[:, user])


def test_chips_of_a_word_are_neighbours_on_one_stream():
    """A symbol of one user occupies one stream, on resource elements that follow each
    other (exact): symbol 5 of 2 streams and words of 4: stream 1, elements 8 to 11."""
    walsh, z = WalshSpreading(2, 2, 4), np.zeros((1, 2, 6), np.complex64)
    z[0, 1, 5] = 1
    framing = Framing(24, 2, GRID)
    streams = np.asarray(framing.to_streams(walsh.spread(z)))[0]
    used = np.argwhere(np.abs(streams) > 0)
    np.testing.assert_array_equal(used, [[8, 1], [9, 1], [10, 1], [11, 1]])


@pytest.mark.parametrize("num_users, length", [(2, 2), (4, 4), (3, 4)])
@pytest.mark.parametrize("model", [AWGN(1), BlockRayleigh(1, 1)], ids=str)
def test_a_user_among_others_is_as_good_as_one_alone(model, num_users, length):
    """The error of every user is that of a user alone whose symbols have the energy
    L/K: |e|^2 h^2 averages no K/L (4 standard errors, 2000 frames), and is what is
    reported of it (4 standard errors)."""
    walsh, batch = WalshSpreading(num_users, 1, length), 2000
    z = normals((batch, num_users, 8))
    (z_hat, no_eff), _, h = users_hear(walsh, model, z, NO)
    gain = np.abs(arrays([h])[0][..., 0, 0, 0, 0]) ** 2  # [batch, users, 1]
    alone = NO * num_users / length
    for ratio in (
        np.abs(z_hat - z) ** 2 * gain / alone,
        np.abs(z_hat - z) ** 2 / no_eff,
    ):
        per_frame = ratio.mean(axis=2)
        error = per_frame.std(axis=0) / np.sqrt(batch)
        assert np.all(np.abs(per_frame.mean(axis=0) - 1) < 4 * error)

    # One user alone on the same elements, at the same energy per symbol.
    one = EqualizedOFDMChannel(model, Framing(8, 1, GRID))
    seeds = range(batch, 2 * batch)
    fades, noise = one.sample_each(seeds), one.draw_noise(seeds)
    x_hat, _ = arrays(one(z[:, 0], fades, alone, noise))
    fades = np.abs(arrays([fades])[0][:, 0, 0, 0, 0]) ** 2
    single = (np.abs(x_hat - z[:, 0]) ** 2 * fades).mean(axis=1)
    among = (np.abs(z_hat - z) ** 2 * gain)[:, 0].mean(axis=1)
    error = np.hypot(single.std(), among.std()) / np.sqrt(batch)
    assert abs(single.mean() - among.mean()) < 4 * error


@pytest.mark.parametrize("num_users", [2, 4])
@pytest.mark.parametrize(
    "model",
    [AWGN(1), BlockRayleigh(1, 1), BlockRayleigh(2, 2), BlockRayleigh(2, 2, True)],
    ids=["awgn", "1x1", "2x2", "2x2 per slot"],
)
def test_users_do_not_see_each_other_on_flat_channels(model, num_users):
    """Without noise one user's symbols are not in the estimates of another, with
    estimated CSI as well (1e-5 in the median frame; 1e-3 in the deepest of 16 fades,
    where 32 bits give out)."""
    walsh = WalshSpreading(num_users, model.num_tx_ant)
    z = normals((16, num_users, 48))
    z[:, 0] = 0
    for csi in (None, LSEstimator()):
        (z_hat, _), _, _ = users_hear(walsh, model, z, 1e-14, csi)
        error = np.abs(z_hat - z).max(axis=2)
        assert np.all(np.median(error, axis=0) < 1e-5) and error.max() < 1e-3


@pytest.mark.parametrize("num_users", [2, 3, 4])
def test_error_variance_over_two_streams(num_users):
    """|e|^2 / no_eff averages 1 for every user on 2x2 block fading, where L-MMSE leaves
    some of the other stream in the chips, with words in use or not (4 standard errors,
    2000 frames at 4 dB)."""
    walsh, batch = WalshSpreading(num_users, 2, 4), 2000
    z = normals((batch, num_users, 16))
    (z_hat, no_eff), _, _ = users_hear(walsh, BlockRayleigh(2, 2), z, 2 * 10**-0.4)
    ratio = (np.abs(z_hat - z) ** 2 / no_eff).mean(axis=2)
    error = ratio.std(axis=0) / np.sqrt(batch)
    assert np.all(np.abs(ratio.mean(axis=0) - 1) < 4 * error)


def _residual(speed, csi, seed=3):
    """Power of the others in each of a user's estimates, and what the change within its
    word predicts, without noise."""
    grid = OFDMGrid(subcarrier_spacing=15e3)
    model = TDL("A", grid, delay_spread=300e-9, speed=speed)
    walsh, batch = WalshSpreading(4, 1, 4), 60
    z = normals((batch, 4, 144), seed)
    z[:, 0] = 0
    heard, reception, h = users_hear(walsh, model, z, 1e-12, csi, grid)
    h, h_hat = (v[:, 0, 0, 0, 0] for v in arrays([h, reception.h_hat]))
    ratio = np.broadcast_to(h, h_hat.shape) / h_hat
    rows = np.array(grid.data_ofdm_symbols)[:8]  # 576 chips
    words = ratio[:, rows].reshape(batch, 144, 4)
    known = np.abs(h_hat[:, rows]).reshape(batch, 144, 4).min(axis=2) > 0.5
    return (np.abs(heard[0][:, 0]) ** 2)[known], np.var(words, axis=2)[known]


def test_residual_on_moving_channels_is_the_change_within_a_word():
    """TDL-A, an estimate that is averaged over time, no noise: the power of the other
    three users in an estimate is the variance of h / h_hat over the word (Parseval over
    the code words; 4 standard errors, 60 frames of 144 words). Twice the speed makes it
    more than three times as much. It is nothing (1e-10) without movement, or with
    perfect CSI, where every chip is equalised by its own channel."""
    residual, estimator = {}, LSEstimator("time_average")
    for speed in (15.0, 30.0):
        heard, change = _residual(speed, estimator)
        off = heard - change
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(off.size)
        assert off.std() / np.sqrt(off.size) < 0.1 * change.mean()
        residual[speed] = heard.mean()
    assert residual[30.0] > 3 * residual[15.0] > 1e-4
    for speed, csi in ((30.0, None), (0.0, estimator)):
        assert _residual(speed, csi)[0].mean() < 1e-10


def test_a_user_axis_is_a_link_for_each_user():
    """Estimates, channel, SNR and error variance of every user are those of a link of
    his own with the same channel, noise and noise variance (1e-5), on flat and on
    selective channels."""
    for model in (BlockRayleigh(2, 2), TDL("A", GRID, 2, 2, speed=30.0)):
        framing = Framing(100, 2, GRID)
        channel = EqualizedOFDMChannel(model, framing, LSEstimator())
        x, seeds = normals((3, 100)), [5, 6, 7]
        h = channel.sample_each(seeds, num_users=2)
        noise = channel.draw_noise(seeds, num_users=2)
        assert tuple(h.shape[:2]) == noise.shape[:2] == (3, 2)
        assert not np.isin(noise[:, 0], noise[:, 1]).any()
        near_far = np.float32([[0.1, 0.4], [0.2, 0.8], [0.3, 0.1]])
        for no in (near_far, near_far[:, 0], 0.3):
            together = arrays(channel.receive(x, h, no, noise))
            called = arrays(channel(x, h, no, noise))
            for user in range(2):
                own_no = no[:, user] if np.ndim(no) == 2 else no
                own = channel.receive(x, h[:, user], own_no, noise[:, user])
                for joint, single in zip(together, arrays(own), strict=True):
                    np.testing.assert_allclose(
                        joint[:, user], single, rtol=1e-5, atol=1e-5
                    )
            for one, two in zip(called, together[:2], strict=True):
                np.testing.assert_array_equal(one, two)


def test_drawn_channels_and_noise_of_users_are_independent():
    """Without given noise every user draws his own; more users do not change the first
    (exact)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(1, 1), Framing(8, 1, GRID))
    set_seed(1)
    h = channel.sample(2, num_users=3)
    assert tuple(h.shape) == (2, 3, 1, 1, 1, 1, 1)
    assert len(np.unique(arrays([h])[0])) == 6
    x_hat, _ = arrays(channel(np.ones((2, 8), np.complex64), h * 0 + 1, 0.1))
    assert len(np.unique(x_hat)) == x_hat.size
    more, fewer = (channel.draw_noise([4], num_users=n) for n in (3, 2))
    np.testing.assert_array_equal(more[:, :2], fewer)
    more, fewer = arrays([channel.sample_each([4], n) for n in (3, 2)])
    np.testing.assert_array_equal(more[:, :2], fewer)


def test_bad_users_are_errors():
    """Numbers, lengths, shapes and users that do not fit are refused by name."""
    with pytest.raises(ValueError, match="length must be a power of two, got 6; use 8"):
        WalshSpreading(2, length=6)
    with pytest.raises(ValueError, match="length = 2 .*num_users = 3; use 4"):
        WalshSpreading(3, length=2)
    with pytest.raises(ValueError, match="num_users must be at least 1, got 0"):
        WalshSpreading(0)
    walsh = WalshSpreading(2, 2)
    with pytest.raises(ValueError, match="3 symbols do not fill 2 streams"):
        walsh.spread(normals((1, 2, 3)))
    with pytest.raises(ValueError, match=r"\[batch, 2, num_symbols\], got \(1, 3, 4\)"):
        walsh.spread(normals((1, 3, 4)))
    chips, no_eff = normals((1, 2, 8)), np.ones((1, 2, 8), np.float32)
    with pytest.raises(ValueError, match=r"\[batch, 2, a multiple of 4\]"):
        walsh.despread(chips[:, 0], no_eff[:, 0])
    with pytest.raises(ValueError, match="a multiple of 4"):
        walsh.despread(chips[..., :6], no_eff[..., :6])
    with pytest.raises(ValueError, match="same shape"):
        walsh.despread(chips, no_eff[..., :4])
    with pytest.raises(ValueError, match="user must be from 0 to 1, got 2"):
        walsh.despread(chips[:, 0], no_eff[:, 0], user=2)

    channel = EqualizedOFDMChannel(BlockRayleigh(1, 1), Framing(8, 1, GRID))
    x, h = normals((1, 8)), channel.sample_each([1], num_users=2)
    with pytest.raises(ValueError, match="num_users=2"):
        channel(x, h, 0.1, channel.draw_noise([1]))
    with pytest.raises(ValueError, match=r"\[batch, 2\], got \(1, 3\)"):
        channel(x, h, np.ones((1, 3), np.float32))
