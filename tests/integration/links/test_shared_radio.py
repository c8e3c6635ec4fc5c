"""The radio of users who share frames: by time sharing and by Walsh codes."""

import numpy as np
import pytest
from keras import ops

from link_models.links.shared_radio import SharedRadio, TimeSharing
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.walsh import WalshSpreading
from semcom_phy.snr import snr_db_to_no

GRID = OFDMGrid(fft_size=16, num_ofdm_symbols=7, pilot_ofdm_symbols=(1, 5))
NUM_SYMBOLS = 31  # which do not fill two streams evenly
MODELS = [AWGN(1), BlockRayleigh(2, 2)]


def link(model, csi=None, num_symbols=NUM_SYMBOLS):
    framing = Framing(num_symbols, model.num_tx_ant, GRID)
    return EqualizedOFDMChannel(model, framing, csi)


def sharings(num_users, channel):
    walsh = WalshSpreading(num_users, channel.num_tx_ant)
    return [SharedRadio(channel, s) for s in (TimeSharing(num_users), walsh)]


def qpsk(batch, num_symbols=NUM_SYMBOLS, seed=1):
    bits = np.random.default_rng(seed).integers(0, 2, (2, batch, num_symbols))
    return (((1 - 2 * bits[0]) + 1j * (1 - 2 * bits[1])) / np.sqrt(2)).astype("c8")


def receive(radio, channel, x, snr_db=10.0, seeds=None, **more):
    """What every user makes of his row of x, as arrays."""
    seeds = range(len(x)) if seeds is None else seeds
    no = snr_db_to_no(np.full(len(x), snr_db, "float32"), channel.num_tx_ant)
    inputs = x, channel.sample_each(seeds), no, radio.draw_noise(seeds)
    reception = radio.receive(*map(ops.convert_to_tensor, inputs), **more)
    return [np.asarray(ops.convert_to_numpy(part)) for part in reception]


def sent_by(radio, channel, x, monkeypatch):
    """The frames that are really sent, on streams: [frames, elements, streams]."""
    frames, joint = [], radio._joint
    inside = joint.receive

    def spy(x, *more):
        frames.append(joint.framing.to_streams(x))
        return inside(x, *more)

    monkeypatch.setattr(joint, "receive", spy)
    receive(radio, channel, x)
    return np.asarray(ops.convert_to_numpy(frames[0]))


@pytest.mark.parametrize("csi", [None, LSEstimator()], ids=["perfect", "estimated"])
@pytest.mark.parametrize("model", MODELS, ids=["awgn", "2x2"])
def test_one_user_who_shares_time_with_nobody_is_one_alone(model, csi):
    """Everything received is as over the link itself (exact)."""
    channel = link(model, csi)
    radio, x = SharedRadio(channel, TimeSharing(1)), qpsk(3)
    alone = receive(channel, channel, x)
    for shared, own in zip(receive(radio, channel, x), alone, strict=True):
        np.testing.assert_array_equal(shared, own)


@pytest.mark.parametrize("num_users", [2, 4, 8])
@pytest.mark.parametrize("model", MODELS, ids=["awgn", "2x2"])
def test_everyone_receives_his_own_symbols_and_nothing_else(model, num_users):
    """Without noise (100 dB) a row comes back as it was sent, in both forms, with
    estimated CSI, where the last frame is not full as well (1e-3 in the median of the
    fades); shapes are those of the link of one user."""
    channel, x = link(model, LSEstimator()), qpsk(2 * num_users + 1)
    for radio in sharings(num_users, channel):
        x_hat, no_eff, h_hat, snr_db = receive(radio, channel, x, snr_db=100.0)
        assert x_hat.shape == no_eff.shape == x.shape
        assert h_hat.shape == (len(x), 1, channel.num_rx_ant, channel.num_tx_ant, 1, 1)
        assert snr_db.shape == (len(x),)
        assert np.median(np.abs(x_hat - x).max(axis=1)) < 1e-3
        np.testing.assert_allclose(h_hat, channel.sample_each(range(len(x))), atol=1e-4)


@pytest.mark.parametrize("model", MODELS, ids=["awgn", "2x2"])
def test_a_frame_has_unit_power_on_every_stream(model, monkeypatch):
    """Where all four users send symbols of power 1, the power of every stream of every
    frame is 1 (1e-5); where one sends half of his, the frame has the energy of these
    less (1e-5): a user's energy is the number of symbols that he sends."""
    num_users, num_symbols = 4, 32
    channel, x = link(model, num_symbols=num_symbols), qpsk(4, num_symbols)
    half = x.copy()
    half[0, 16:] = 0
    for radio in sharings(num_users, channel):
        frames = sent_by(radio, channel, x, monkeypatch)
        power = np.abs(frames) ** 2
        np.testing.assert_allclose(power.mean(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(power.sum(), 4 * num_symbols, rtol=1e-5)
        frames = sent_by(radio, channel, half, monkeypatch)
        np.testing.assert_allclose(
            (np.abs(frames) ** 2).sum(), 4 * num_symbols - 16, rtol=1e-5
        )


def test_who_does_not_send_changes_nothing_for_the_others():
    """A user receives the same whether the others send or not (AWGN, 1e-5): silence
    lends him no power, and takes none of his."""
    channel, x = link(AWGN(1)), qpsk(4)
    alone = x * np.array([[1], [0], [0], [0]], "c8")
    for radio in sharings(4, channel):
        together, single = (receive(radio, channel, z) for z in (x, alone))
        for one, other in zip(together, single, strict=True):
            np.testing.assert_allclose(one[0], other[0], atol=1e-5)


@pytest.mark.parametrize("num_users", [2, 4, 8])
@pytest.mark.parametrize("model", MODELS, ids=["awgn", "2x2"])
def test_error_variance_of_users(model, num_users):
    """With perfect CSI |e|^2 / no_eff averages 1 in both forms, and the variance that
    is reported is that of a user alone (1e-4; 4 standard errors, 800 users at 4 dB)."""
    channel, x = link(model), qpsk(800)
    alone = receive(channel, channel, x, 4.0)
    for radio in sharings(num_users, channel):
        x_hat, no_eff, _, _ = receive(radio, channel, x, 4.0)
        ratio = (np.abs(x_hat - x) ** 2 / no_eff).mean(axis=1)
        assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(x))
        np.testing.assert_allclose(no_eff, alone[1], rtol=1e-4)


def test_the_last_frame_is_filled_with_samples_that_are_not_handed_out():
    """Five samples among four users: the fifth receives as with the first three of the
    batch in his frame, and the first four as without him (1e-4)."""
    channel = link(BlockRayleigh(2, 2), LSEstimator())
    rows = np.array([0, 1, 2, 3, 4, 0, 1, 2])
    for radio in sharings(4, channel):
        five = receive(radio, channel, qpsk(5))
        full = receive(radio, channel, qpsk(5)[rows], seeds=rows)
        first = receive(radio, channel, qpsk(5)[:4])
        for part, filled, without in zip(five, full, first, strict=True):
            np.testing.assert_allclose(part, filled[:5], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(part[:4], without, rtol=1e-4, atol=1e-5)


def test_pilots_are_those_of_the_frame():
    """4 users of 64 symbols need 4 slots of 80 elements with 32 pilots: 32 per user, as
    in frames of their own. 2 users of 31 share the pilots of a slot; 8 users of 31
    symbols on 16 elements of two streams those of 2 slots (exact)."""
    radio = sharings(4, link(AWGN(1), num_symbols=64))[0]
    assert radio.overhead == {"pilot_res": 32.0, "num_slots": 1.0}
    radio = sharings(2, link(AWGN(1)))[0]
    assert radio.overhead == {"pilot_res": 16.0, "num_slots": 0.5}
    radio = sharings(8, link(BlockRayleigh(2, 2)))[1]
    assert radio.overhead == {"pilot_res": 8.0, "num_slots": 0.25}


def test_what_users_cannot_share_is_refused():
    """A precoder, a selective channel and a fade that changes from slot to slot."""
    channel = link(BlockRayleigh(2, 2))
    radio = sharings(2, channel)[1]
    with pytest.raises(ValueError, match="a precoder fits the channel of one user"):
        receive(radio, channel, qpsk(2), precoder=np.ones((2, 2, 2), "c8"))
    with pytest.raises(ValueError, match="users = 2 share frames over flat channels"):
        sharings(2, link(TDL("A", GRID)))
    moving = link(BlockRayleigh(1, 1, True), num_symbols=200)
    with pytest.raises(ValueError, match="one fade per image, received h of shape"):
        receive(sharings(2, moving)[0], moving, qpsk(2, 200))
